; Functions that only the probe kernel has: one reads the flags, one calls any address, as a bug
; could.
%include "kernel/x64/cpu.inc"

section .text
bits 64

; processorFlags(): u64
  provides processorFlags, _l, planted
  pushfq
  pop rax
  ret
.end:

; callAddress(address: u64): u64, the value that the code at the address leaves in rax.
  provides callAddress, l_l, planted
  call rdi
  ret
.end:
