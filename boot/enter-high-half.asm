; The first code in the high half: drops the identity map, loads the kernel's own descriptor tables and calls TypeScript.
%include "abi.inc"
%include "boot/boot.inc"

extern start_info, top_table, kernel_stack_top, install_descriptors, resume
extern start
; The wasm start function, if the kernel has one; the size of linear memory in pages of 64 KiB.
extern trine.start:weak, trine.memory_pages

%define WINDOW_PAGES 65536

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

  call install_descriptors
  ; The kernel maps its window page by page as it goes, so bulk operations are bounded by the window, and by faults in it.
  mov dword [rel trine.memory_pages], WINDOW_PAGES
  mov rax, trine.start
  test rax, rax
  jz .initialized
  call rax
.initialized:
  mov edi, [rel start_info]
  call start
  jmp resume
.end:
