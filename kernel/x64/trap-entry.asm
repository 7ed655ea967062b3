; Exceptions and interrupts. From user code: all registers go to the current thread's save area,
; then TypeScript decides (`fault` or `interrupt`) and the exit stub resumes the thread that is
; current after that. From the kernel only an interrupt that ends the idle loop is legal; anything
; else is a broken invariant and ends in `kernelException`.
%include "kernel/x64/cpu.inc"

extern export.fault, export.interrupt, export.kernelException
extern resume, current_save_area, kernel_stack_top, non_maskable_entry

global vector_stubs: function (vector_stubs.end - vector_stubs)
global trap_entry: function (trap_entry.end - trap_entry)

section .text
bits 64

; One stub of 16 bytes for each vector. Those for which the processor pushes no error code push 0.
align 16
vector_stubs:
%assign vector 0
%rep VECTORS
  align 16
  ; The processor pushes an error code for these.
  %if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17 || vector = 21 \
    || vector = 29 || vector = 30
  %else
    push 0
  %endif
  push strict dword vector
  %if vector = VECTOR_NMI
  jmp strict near non_maskable_entry
  %else
  jmp strict near trap_entry
  %endif
  %assign vector vector + 1
%endrep
  align 16
.end:

; On the stack from rsp on: vector, error code, and the processor's frame.
%define FRAME_VECTOR 0
%define FRAME_ERROR 8
%define FRAME_RIP 16
%define FRAME_CS 24
%define FRAME_FLAGS 32
%define FRAME_RSP 40

trap_entry:
  test byte [rsp + FRAME_CS], 3
  jz .from_kernel
  ; These are the machine's trouble, wherever they come.
  cmp dword [rsp + FRAME_VECTOR], VECTOR_DOUBLE_FAULT
  je .broken
  cmp dword [rsp + FRAME_VECTOR], VECTOR_MACHINE_CHECK
  je .broken

  push r15
  mov r15, [rel current_save_area]
  mov [r15 + SAVE_RAX], rax
  mov [r15 + SAVE_RBX], rbx
  mov [r15 + SAVE_RCX], rcx
  mov [r15 + SAVE_RDX], rdx
  mov [r15 + SAVE_RSI], rsi
  mov [r15 + SAVE_RDI], rdi
  mov [r15 + SAVE_RBP], rbp
  mov [r15 + SAVE_R8], r8
  mov [r15 + SAVE_R9], r9
  mov [r15 + SAVE_R10], r10
  mov [r15 + SAVE_R11], r11
  mov [r15 + SAVE_R12], r12
  mov [r15 + SAVE_R13], r13
  mov [r15 + SAVE_R14], r14
  pop rax
  mov [r15 + SAVE_R15], rax
  mov rax, [rsp + FRAME_RIP]
  mov [r15 + SAVE_RIP], rax
  mov rax, [rsp + FRAME_RSP]
  mov [r15 + SAVE_RSP], rax
  mov rax, [rsp + FRAME_FLAGS]
  mov [r15 + SAVE_RFLAGS], rax
  mov dword [r15 + SAVE_RESUME], RESUME_ALL
  mov edi, [rsp + FRAME_VECTOR]
  mov esi, [rsp + FRAME_ERROR]
  mov rdx, [rsp + FRAME_RIP]

  ; User code may have set AC, which would open SMAP, or DF. This clears them on every processor, IF
  ; stays off.
  push 2
  popfq
  lea rsp, [rel kernel_stack_top]
  mov r15, KERNEL_LINEAR_BASE
  xor ebp, ebp
  cmp edi, VECTOR_FIRST_INTERRUPT
  jae .interrupt
  ; fault(vector, error code, address): the address touched for a page fault, of the instruction for
  ; others.
  cmp edi, VECTOR_PAGE_FAULT
  jne .fault
  mov rdx, cr2
.fault:
  call export.fault
  jmp resume
.interrupt:
  call export.interrupt
  jmp resume

.from_kernel:
  ; The idle loop is the only kernel code that runs with interrupts on, and it keeps nothing in
  ; registers.
  cmp dword [rsp + FRAME_VECTOR], VECTOR_FIRST_INTERRUPT
  jb .broken
  cmp qword [rel current_save_area], 0
  jne .broken
  mov edi, [rsp + FRAME_VECTOR]
  lea rsp, [rel kernel_stack_top]
  mov r15, KERNEL_LINEAR_BASE
  xor ebp, ebp
  cld
  call export.interrupt
  jmp resume

.broken:
  ; Registers as an array on the stack, rax first: exceptionRegister of panic.ts reads them.
  push r15
  push r14
  push r13
  push r12
  push r11
  push r10
  push r9
  push r8
  push rbp
  push rdi
  push rsi
  push rdx
  push rcx
  push rbx
  push rax
  cld
  mov edi, [rsp + 15 * 8 + FRAME_VECTOR]
  mov esi, [rsp + 15 * 8 + FRAME_ERROR]
  mov rdx, rsp
  mov r15, KERNEL_LINEAR_BASE
  call export.kernelException
.stop:
  cli
  hlt
  jmp .stop
.end:
