; Loads the descriptor tables: segments, task state with its stacks, and one interrupt gate for each
; vector.
%include "kernel/x64/cpu.inc"

extern global_table_pointer, interrupt_table_pointer, interrupt_table, task_state, task_descriptor
extern port_bitmap_end
extern kernel_stack_top, nmi_stack_top, double_fault_stack_top, machine_check_stack_top
extern debug_stack_top
extern vector_stubs

global install_descriptors: function (install_descriptors.end - install_descriptors)

; Offsets in the 64-bit task state segment.
%define TASK_STACK_0 4
%define TASK_FAULT_STACK_1 36
%define TASK_BITMAP 102
%define TASK_LIMIT (104 + 8192) ; the last byte is the ones behind the bitmap

; Interrupt gate, present, for privilege 0 only: `int n` in user code is a protection fault.
%define GATE_ATTRIBUTES 0x8e00

section .text
bits 64

; Changes all registers but rbx, rbp, r12..r15.
install_descriptors:
  lgdt [rel global_table_pointer]
  mov eax, SELECTOR_KERNEL_DATA
  mov ss, eax
  xor eax, eax
  mov ds, eax
  mov es, eax
  mov fs, eax
  mov gs, eax
  ; No local descriptors and no breakpoints, whatever the firmware left.
  lldt ax
  mov dr7, rax
  lea rax, [rel .code_loaded]
  push SELECTOR_KERNEL_CODE
  push rax
  o64 retf
.code_loaded:

  lea rdi, [rel task_state]
  lea rax, [rel kernel_stack_top]
  mov [rdi + TASK_STACK_0], rax
%assign number 0
%macro FAULT_STACK 1
  lea rax, [rel %1]
  mov [rdi + TASK_FAULT_STACK_1 + number * 8], rax
%assign number number + 1
%endmacro
  FAULT_STACK nmi_stack_top
  FAULT_STACK double_fault_stack_top
  FAULT_STACK machine_check_stack_top
  FAULT_STACK debug_stack_top
  ; Beyond the limit: no port is open.
  mov word [rdi + TASK_BITMAP], 0xffff
  mov byte [rel port_bitmap_end], 0xff

  ; The task state's descriptor, in the pieces that the processor wants.
  mov rax, rdi
  shl rax, 16
  mov rdx, 0x000000ffffff0000
  and rax, rdx
  mov rdx, rdi
  and edx, 0xff000000
  shl rdx, 32
  or rax, rdx
  mov rdx, 0x0000890000000000 | TASK_LIMIT
  or rax, rdx
  mov [rel task_descriptor], rax
  shr rdi, 32
  mov [rel task_descriptor + 8], rdi
  mov eax, SELECTOR_TASK
  ltr ax

  lea rdi, [rel interrupt_table]
  lea rsi, [rel vector_stubs]
  xor ecx, ecx
.gate:
  ; These have stacks of their own, numbered as above: they may come at any instruction.
  xor eax, eax
  cmp ecx, VECTOR_NMI
  je .stack_1
  cmp ecx, VECTOR_DOUBLE_FAULT
  je .stack_2
  cmp ecx, VECTOR_MACHINE_CHECK
  je .stack_3
  cmp ecx, VECTOR_DEBUG
  jne .store
  inc eax
.stack_3:
  inc eax
.stack_2:
  inc eax
.stack_1:
  inc eax
.store:
  mov [rdi], si
  mov word [rdi + 2], SELECTOR_KERNEL_CODE
  or eax, GATE_ATTRIBUTES
  mov [rdi + 4], ax
  mov rax, rsi
  shr rax, 16
  mov [rdi + 6], ax
  shr rax, 16
  mov [rdi + 8], eax
  mov dword [rdi + 12], 0
  add rdi, 16
  add rsi, 16
  inc ecx
  cmp ecx, VECTORS
  jb .gate
  lidt [rel interrupt_table_pointer]
  ret
.end:
