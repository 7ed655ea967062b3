; Functions of the probe kernel that no kernel has: a look at the flags, and a jump to anywhere, as
; a bug would do it.
%include "kernel/x64/cpu.inc"

section .text
bits 64

; processorFlags(): u64
  provides processorFlags, _l, planted
  pushfq
  pop rax
  ret
.end:

; callAddress(address: u64): u64, what the code there leaves in rax.
  provides callAddress, l_l, planted
  call rdi
  ret
.end:
