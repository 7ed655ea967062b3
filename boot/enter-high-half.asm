; The first code in the high half: drops the identity map, loads the kernel's own descriptor tables
; and calls TypeScript.
%include "kernel/x64/cpu.inc"
%include "boot/boot.inc"

extern start_info, top_table, space_loaded, kernel_stack_bottom, kernel_stack_top
extern install_descriptors, resume
extern kernel_linear_start, kernel_linear_physical, kernel_linear_physical_end
extern linear_pieces, linear_pieces_end
extern export.start
; The wasm start function, if the kernel has one.
extern trine.start:weak

global enter_high_half: function (enter_high_half.end - enter_high_half)
global fill_linear_memory: function (fill_linear_memory.end - fill_linear_memory)

; The header of a piece of linear memory's initial contents.
struc PIECE
PIECE_ADDRESS: resd 1
PIECE_LENGTH: resd 1
PIECE_BYTES:
endstruc

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
  SWITCH_SPACE rax

  ; So that kernelStackUsed can tell how deep it has been.
  lea rdi, [rel kernel_stack_bottom]
  mov ecx, KERNEL_STACK_BYTES / 8
  mov rax, STACK_PATTERN
  rep stosq

  call fill_linear_memory
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

; The initial contents of linear memory: zero but for the pieces that toolchain/elf/linear-image.ts
; writes. In: r15 = KERNEL_LINEAR_BASE. Changes rax, rcx, rdi, rsi.
fill_linear_memory:
  mov rdi, kernel_linear_start
  mov rcx, kernel_linear_physical_end
  sub rcx, kernel_linear_physical
  shr rcx, 3
  xor eax, eax
  rep stosq

  lea rsi, [rel linear_pieces]
.piece:
  lea rax, [rel linear_pieces_end]
  cmp rsi, rax
  jae .done
  mov edi, [rsi + PIECE_ADDRESS]
  mov ecx, [rsi + PIECE_LENGTH]
  add rsi, PIECE_BYTES
  add rdi, r15
  rep movsb
  ; The next piece starts at a multiple of 8.
  add rsi, 7
  and rsi, -8
  jmp .piece
.done:
  ret
.end:
