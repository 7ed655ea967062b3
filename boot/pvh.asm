; The 32-bit PVH entry: from a flat 32-bit machine with paging off to the kernel's `start` in the high half.
; In: ebx = physical address of hvm_start_info. Called by QEMU (-kernel, through the ELF note) and by bios/loader.asm.
%include "abi.inc"
%include "boot/boot.inc"

extern cannot_boot, build_page_tables, top_table
extern enter_high_half, boot_stack_top

global pvh_start
; The physical address of pvh_start: what the note and the ELF header name.
global pvh_entry
pvh_entry equ pvh_start - KERNEL_IMAGE_BASE

section .note.pvh note alloc noexec nowrite align=4
  dd 4, 8, 18                   ; name bytes, description bytes, XEN_ELFNOTE_PHYS32_ENTRY
  db "Xen", 0
  dq pvh_entry

section .boot progbits alloc exec nowrite align=4096
bits 32

pvh_start:
  cli
  cld
  mov esp, PHYSICAL(boot_stack_top)
  mov [PHYSICAL(start_info)], ebx
  call check_processor

  ; Believe the start info only with its magic and with a memory map (version 1 on).
  mov esi, PHYSICAL(reason_magic)
  cmp dword [ebx + START_INFO_MAGIC], START_INFO_MAGIC_VALUE
  jne cannot_boot
  mov esi, PHYSICAL(reason_version)
  cmp dword [ebx + START_INFO_VERSION], 1
  jb cannot_boot
  mov esi, PHYSICAL(reason_map)
  cmp dword [ebx + START_INFO_MEMORY_MAP_ENTRIES], 0
  je cannot_boot

  call build_page_tables
  jmp enter_long_mode

; Refuses a processor without the features that the kernel's code and its protection rest on.
check_processor:
  push ebx
  ; CPUID exists where EFLAGS.ID can be changed.
  pushfd
  pop eax
  mov ecx, eax
  xor eax, 1 << 21
  push eax
  popfd
  pushfd
  pop eax
  push ecx
  popfd
  xor eax, ecx
  mov esi, PHYSICAL(reason_cpuid)
  test eax, 1 << 21
  jz cannot_boot

  mov eax, 0x80000000
  cpuid
  mov esi, PHYSICAL(reason_long_mode)
  cmp eax, 0x80000001
  jb cannot_boot
  mov eax, 0x80000001
  cpuid
  test edx, 1 << 29
  jz cannot_boot
  mov esi, PHYSICAL(reason_no_execute)
  test edx, 1 << 20
  jz cannot_boot
  mov esi, PHYSICAL(reason_lzcnt)
  test ecx, 1 << 5
  jz cannot_boot

  mov eax, 1
  cpuid
  mov esi, PHYSICAL(reason_popcnt)
  test ecx, 1 << 23
  jz cannot_boot

  xor eax, eax
  cpuid
  mov esi, PHYSICAL(reason_bmi1)
  cmp eax, 7
  jb cannot_boot
  mov eax, 7
  xor ecx, ecx
  cpuid
  test ebx, 1 << 3
  jz cannot_boot
  pop ebx
  ret

; The page with the instructions around the switch is mapped at its physical address too, until enter_high_half drops that.
global identity_start, identity_end
align 64
identity_start:
enter_long_mode:
  mov eax, cr4
  or eax, CR4_PAE
  mov cr4, eax
  mov eax, [PHYSICAL(top_table)]
  mov cr3, eax
  mov ecx, MSR_EFER
  rdmsr
  or eax, EFER_SCE | EFER_LME | EFER_NXE
  wrmsr
  mov eax, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_TS | CR0_MP | CR0_PE
  mov cr0, eax
  lgdt [PHYSICAL(boot_gdt_pointer)]
  jmp 0x08:PHYSICAL(in_long_mode)

bits 64
in_long_mode:
  ; The tables are built, so the high half is mapped; only this jump needs the 64-bit address.
  mov rax, enter_high_half
  jmp rax

; Descriptors with their accessed bit set, so that the processor does not write to this read-only page.
align 8
boot_gdt:
  dq 0
  dq 0x00af9b000000ffff         ; 64-bit code
  dq 0x00cf93000000ffff         ; data
boot_gdt_end:
boot_gdt_pointer:
  dw boot_gdt_end - boot_gdt - 1
  dd PHYSICAL(boot_gdt)
identity_end:

section .rodata
reason_magic: db "the loader passed no PVH start info", 0
reason_version: db "the start info is of version 0, without a memory map", 0
reason_map: db "the memory map is empty", 0
reason_cpuid: db "the processor has no CPUID", 0
reason_long_mode: db "the processor has no 64-bit mode", 0
reason_no_execute: db "the processor has no NX (no-execute pages)", 0
reason_lzcnt: db "the processor has no LZCNT", 0
reason_popcnt: db "the processor has no POPCNT", 0
reason_bmi1: db "the processor has no BMI1 (TZCNT)", 0

section .data
global start_info
start_info: dd 0
