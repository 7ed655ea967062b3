; What the processor itself and the stubs use of the kernel's memory: stacks, descriptor tables, the
; cell naming the current thread. All of it lies in the image, out of reach of the kernel's own
; loads and stores (r15 window) and of the direct map.
%include "kernel/x64/cpu.inc"

%define FAULT_STACK_BYTES 8192

section .bss nobits alloc write align=4096

; A stack grows down into the page below it, which boot/page-tables.asm leaves unmapped.
%macro STACK 2                  ; name, bytes
  alignb 4096
%1_guard: resb 4096
%1_bottom: resb %2
%1_top:
%endmacro

  STACK kernel_stack, KERNEL_STACK_BYTES
  STACK nmi_stack, FAULT_STACK_BYTES
  STACK double_fault_stack, FAULT_STACK_BYTES
  STACK machine_check_stack, FAULT_STACK_BYTES
  STACK debug_stack, FAULT_STACK_BYTES

global kernel_stack_bottom, kernel_stack_top, boot_stack_top
global nmi_stack_top, double_fault_stack_top, machine_check_stack_top, debug_stack_top
boot_stack_top equ kernel_stack_top

; The task state segment is followed by the I/O permission bitmap of the domain that ran last with
; ports, and by the byte of ones that the processor may read behind it.
alignb 4096
global task_state, port_bitmap, port_bitmap_end, interrupt_table
task_state: resb 104
port_bitmap: resb 8192
port_bitmap_end: resb 1
alignb 4096
interrupt_table: resb VECTORS * 16

section .rodata
global stack_guards, stack_guards_end
align 8
stack_guards:
  dq kernel_stack_guard, nmi_stack_guard, double_fault_stack_guard, machine_check_stack_guard, \
    debug_stack_guard
stack_guards_end:
; First and last address of each stack, for backtraces; ends with 0.
global stack_bounds
stack_bounds:
  dq kernel_stack_bottom, kernel_stack_top
  dq nmi_stack_bottom, nmi_stack_top
  dq double_fault_stack_bottom, double_fault_stack_top
  dq machine_check_stack_bottom, machine_check_stack_top
  dq debug_stack_bottom, debug_stack_top
  dq 0

section .data
align 64
; Virtual address of the save area of the thread that runs, 0 while none does.
global current_save_area, space_loaded, port_bitmap_source, fs_base_loaded, fs_base_trusted
current_save_area: dq 0
; What CR3 was written with last.
space_loaded: dq 0
; What SAVE_FS_BASE was written last.
fs_base_loaded: dq 0
; The same, and with it null in all segment registers, if no program can have changed that since; no
; thread's base (FS_BASE_UNKNOWN of resume.asm) after an unverified one, and at first.
fs_base_trusted: dq 1 << 63
; Linear address of the bitmap that port_bitmap is a copy of, 0 if of none.
port_bitmap_source: dq 0

align 8
global global_table, global_table_pointer, interrupt_table_pointer
global_table:
  dq 0
  dq 0x00af9b000000ffff         ; kernel code
  dq 0x00cf93000000ffff         ; kernel data
  dq 0                          ; 32-bit user code: none
  dq 0x00cff3000000ffff         ; user data
  dq 0x00affb000000ffff         ; user code
global task_descriptor
task_descriptor: dq 0, 0
global_table_end:
global_table_pointer:
  dw global_table_end - global_table - 1
  dq global_table
interrupt_table_pointer:
  dw VECTORS * 16 - 1
  dq interrupt_table
