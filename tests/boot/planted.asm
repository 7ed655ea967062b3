; Functions of the probe kernel that no kernel has: a look at the flags, and a jump to anywhere, as a bug would do it.
section .text
bits 64

; processorFlags(): u64
global processorFlags: function (processorFlags.end - processorFlags)
processorFlags:
  pushfq
  pop rax
  ret
.end:

; callAddress(address: u64): u64, what the code there leaves in rax.
global callAddress: function (callAddress.end - callAddress)
callAddress:
  call rdi
  ret
.end:
