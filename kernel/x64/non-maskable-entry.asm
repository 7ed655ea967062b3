; A non-maskable interrupt may come at any instruction: before the kernel has a stack, with a
; program's address space, in the middle of the kernel's own log. So its handler, on a stack of its
; own, only counts, notes where it came, and has the local APIC interrupt the processor again once
; interrupts are on: with the usual interrupt, which non-maskable.ts reports from.
;
; Nothing here can fault, and no other non-maskable interrupt comes before the iretq.
%include "kernel/x64/cpu.inc"

global non_maskable_entry: function (non_maskable_entry.end - non_maskable_entry)

; On the stack from rsp on: vector, error code, and the processor's frame.
%define FRAME_RIP 16
%define FRAME_BEFORE 16

section .text
bits 64

non_maskable_entry:
  push rax
  mov rax, [rsp + 8 + FRAME_RIP]
  mov [rel non_maskable_address], rax
  inc qword [rel non_maskable_count]
  mov rax, [rel command_register]
  test rax, rax
  jz .no_apic
  mov dword [rax], INTERRUPT_SELF | VECTOR_NON_MASKABLE_REPORT
.no_apic:
  pop rax
  add rsp, FRAME_BEFORE
  iretq
.end:

; nonMaskableCount(): u64, how many there have been since the start.
  provides nonMaskableCount, _l
  mov rax, [rel non_maskable_count]
  ret
.end:

; nonMaskableAddress(): u64, the instruction that the last one came before.
  provides nonMaskableAddress, _l
  mov rax, [rel non_maskable_address]
  ret
.end:

; reportNonMaskableBy(register: u64): physical address of the local APIC's command register.
  provides reportNonMaskableBy, l_
  mov rax, DIRECT_MAP_BASE
  add rax, rdi
  mov [rel command_register], rax
  ret
.end:

section .data
align 8
non_maskable_count: dq 0
non_maskable_address: dq 0
; Virtual; 0 where there is no local APIC: then the next interrupt of another kind reports.
command_register: dq 0
