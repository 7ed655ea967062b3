; What TypeScript cannot see by itself because it lies outside linear memory: addresses of the
; image, and words of stacks and read-only data for backtraces. Declared in assembly.ts.
%include "kernel/x64/cpu.inc"

extern kernel_text_start, kernel_text_end, kernel_rodata_start, kernel_rodata_end, kernel_end
extern boot_tables_end, top_table, system_call_entry, kernel_stack_bottom, kernel_stack_top
extern kernel_linear_start, kernel_linear_physical, kernel_linear_physical_end
extern stack_bounds
extern trine.symbols:weak

section .text
bits 64

; name(): u64, an address known when the kernel is linked.
%macro ADDRESS 2
  provides %1, _l
  mov rax, %2
  ret
.end:
%endmacro

  ADDRESS kernelTextStart, kernel_text_start
  ADDRESS kernelTextEnd, kernel_text_end
  ADDRESS kernelEndPhysical, kernel_end
  ADDRESS kernelLinearStart, kernel_linear_start
  ADDRESS kernelLinearPhysical, kernel_linear_physical
  ADDRESS kernelLinearPhysicalEnd, kernel_linear_physical_end
  ADDRESS systemCallEntry, system_call_entry
  ADDRESS kernelStackBottom, kernel_stack_bottom
  ADDRESS kernelStackTop, kernel_stack_top
  ADDRESS symbolTable, trine.symbols

; name(): u64, a value that boot left behind.
%macro VALUE 2
  provides %1, _l
  mov rax, [rel %2]
  ret
.end:
%endmacro

  VALUE bootTablesEnd, boot_tables_end
  VALUE kernelTopTable, top_table

; imageLoad32(address: u64): u32, from the kernel's code or read-only data; 0 elsewhere.
  provides imageLoad32, l_i
  xor eax, eax
  mov rcx, kernel_text_start
  cmp rdi, rcx
  jb .outside
  mov rcx, kernel_rodata_end - 4
  cmp rdi, rcx
  ja .outside
  mov eax, [rdi]
.outside:
  ret
.end:

; imageLoad8(address: u64): u32, likewise.
  provides imageLoad8, l_i
  xor eax, eax
  mov rcx, kernel_text_start
  cmp rdi, rcx
  jb .outside
  mov rcx, kernel_rodata_end
  cmp rdi, rcx
  jae .outside
  movzx eax, byte [rdi]
.outside:
  ret
.end:

; stackLoad(address: u64): u64, from the kernel's stack or one of the exception stacks behind it; 0
; elsewhere.
  provides stackLoad, l_l
  xor eax, eax
  test dil, 7
  jnz .outside
  lea rdx, [rel stack_bounds]
.stack:
  mov rcx, [rdx]
  test rcx, rcx
  jz .outside
  cmp rdi, rcx
  jb .next
  cmp rdi, [rdx + 8]
  jae .next
  mov rax, [rdi]
  ret
.next:
  add rdx, 16
  jmp .stack
.outside:
  ret
.end:

; stackTopAbove(address: u64): u64, the end of the stack that the address lies in; 0 if in none.
  provides stackTopAbove, l_l
  xor eax, eax
  lea rdx, [rel stack_bounds]
.stack:
  mov rcx, [rdx]
  test rcx, rcx
  jz .outside
  cmp rdi, rcx
  jb .next
  cmp rdi, [rdx + 8]
  jae .next
  mov rax, [rdx + 8]
  ret
.next:
  add rdx, 16
  jmp .stack
.outside:
  ret
.end:

; kernelStackUsed(): u32, the most bytes of the kernel's stack that were ever in use.
  provides kernelStackUsed, _i
  mov rdx, STACK_PATTERN
  lea rcx, [rel kernel_stack_bottom]
  lea rax, [rel kernel_stack_top]
.word:
  cmp [rcx], rdx
  jne .used
  add rcx, 8
  cmp rcx, rax
  jb .word
.used:
  sub rax, rcx
  ret
.end:

; stackPointer(): u64, of the caller after the return.
  provides stackPointer, _l
  lea rax, [rsp + 8]
  ret
.end:

; returnAddress(): u64, where the caller goes on after this call.
  provides returnAddress, _l
  mov rax, [rsp]
  ret
.end:
