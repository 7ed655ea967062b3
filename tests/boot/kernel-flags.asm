; processorFlags(): u64, for the probe, which checks that user code's flags do not reach the kernel.
section .text
bits 64
global processorFlags: function (processorFlags.end - processorFlags)
processorFlags:
  pushfq
  pop rax
  ret
.end:
