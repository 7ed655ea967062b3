; The target of the `syscall` instruction. Registers as in kernel/abi/system-call.ts; rcx = rip, r11
; = rflags of the caller. SFMASK has cleared IF, DF, AC and TF.
%include "kernel/x64/cpu.inc"

extern export.systemCall, export.fastCall, export.fastRecv, export.fastReply
extern resume, current_save_area, kernel_stack_top

global system_call_entry: function (system_call_entry.end - system_call_entry)

; SystemCall of kernel/abi/system-call.ts; OPERATION_CALL is 0.
%define OPERATION_RECV 1
%define OPERATION_REPLY 2

; r15 = the save area.
%macro SAVE_WORDS 0
  mov [r15 + SAVE_RBX], rbx
  mov [r15 + SAVE_R12], r12
  mov [r15 + SAVE_R13], r13
  mov [r15 + SAVE_R14], r14
%endmacro

section .text.message progbits alloc exec nowrite align=64
bits 64
align 64

system_call_entry:
  ; r15 is dead in user code across the call, so it can point to the save area.
  mov r15, [rel current_save_area]
  mov [r15 + SAVE_RSP], rsp
  lea rsp, [rel kernel_stack_top]
  mov [r15 + SAVE_RIP], rcx
  mov [r15 + SAVE_RDI], rdi
  mov [r15 + SAVE_RSI], rsi
  mov [r15 + SAVE_RDX], rdx
  mov [r15 + SAVE_R9], r9
  ; The fast path returns only where it declines. A caller's operation is 32 bits. The words of a
  ; call stay in the save area until it is answered; those of a reply only cross the kernel, and
  ; the functions called here preserve their registers.
  test eax, eax
  jnz .not_call
  SAVE_WORDS
  mov r15, KERNEL_LINEAR_BASE
  call export.fastCall
  xor edi, edi
.declined:
  call export.systemCall
  jmp resume
.not_call:
  mov [r15 + SAVE_R10], r10
  cmp eax, OPERATION_REPLY
  jne .not_reply
  mov r15, KERNEL_LINEAR_BASE
  call export.fastReply
  mov r15, [rel current_save_area]
  SAVE_WORDS
  mov r15, KERNEL_LINEAR_BASE
  mov edi, OPERATION_REPLY
  jmp .declined
.not_reply:
  SAVE_WORDS
  mov r15, KERNEL_LINEAR_BASE
  mov edi, eax
  cmp eax, OPERATION_RECV
  jne .declined
  call export.fastRecv
  mov edi, OPERATION_RECV
  jmp .declined
.end:
