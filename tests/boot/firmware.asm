; An entry into the probe kernel that leaves the processor as some firmware does: NX is hidden, and
; CPUID ends at leaf 3.
%include "kernel/x64/cpu.inc"
%include "boot/boot.inc"

extern pvh_start

section .boot progbits alloc exec nowrite
bits 32

global locked_start
locked_start:
  mov ecx, MSR_MISC_ENABLE
  rdmsr
  bts eax, MISC_ENABLE_FEW_LEAVES
  bts edx, MISC_ENABLE_NX_OFF - 32
  wrmsr
  jmp pvh_start

section .text
bits 64

; firmwareLocks(): u64, the value of that register after boot.
  provides firmwareLocks, _l, firmware
  mov ecx, MSR_MISC_ENABLE
  rdmsr
  shl rdx, 32
  or rax, rdx
  ret
.end:
