; The first code in the high half: drops the identity map, loads the kernel's own descriptor tables
; and calls TypeScript.
%include "kernel/x64/cpu.inc"
%include "boot/boot.inc"

extern start_info, top_table, kernel_stack_bottom, kernel_stack_top, install_descriptors, resume
extern export.start
; The wasm start function, if the kernel has one.
extern trine.start:weak

global enter_high_half: function (enter_high_half.end - enter_high_half)

section .text
bits 64

enter_high_half:
  lea rsp, [rel kernel_stack_top]
  mov r15, KERNEL_LINEAR_BASE
  xor ebp, ebp

  ; The lower half goes: nothing but user code will ever be mapped there.
  mov rax, [rel top_table]
  mov rcx, DIRECT_MAP_BASE
  mov qword [rcx + rax], 0
  mov cr3, rax

  ; So that kernelStackUsed can tell how deep it has been.
  lea rdi, [rel kernel_stack_bottom]
  mov ecx, KERNEL_STACK_BYTES / 8
  mov rax, STACK_PATTERN
  rep stosq

  call install_descriptors
  mov rax, trine.start
  test rax, rax
  jz .initialized
  call rax
.initialized:
  mov edi, [rel start_info]
  call export.start
  jmp resume
.end:
