; The 32-bit PVH entry: from a flat 32-bit machine with paging off to the kernel's `start` in the
; high half. In: ebx = physical address of hvm_start_info. Called by QEMU (-kernel, through the ELF
; note) and by bios/loader.asm.
%include "abi.inc"
%include "boot/boot.inc"

extern cannot_boot, build_page_tables, top_table
extern enter_high_half, boot_stack_top

global pvh_start
; The physical address of pvh_start: what the note and the ELF header name.
global pvh_entry
pvh_entry equ pvh_start - KERNEL_IMAGE_BASE

; Behind the last feature of a list.
%define END_OF_FEATURES 0xff

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

; Refuses a processor that lacks what every 64-bit one has and NX, and names all that is missing.
; That is all the kernel's code needs (x86-64-v1): what protects besides is switched on where it is
; found. SYSCALL is not asked for: Intel's processors own up to it in 64-bit mode only.
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
  call lift_firmware_locks

  mov edi, PHYSICAL(missing)
  mov eax, 1
  cpuid
  mov ebx, PHYSICAL(features)
  call find_missing
  mov eax, 0x80000000
  cpuid
  xor edx, edx
  cmp eax, 0x80000001
  jb .no_extended
  mov eax, 0x80000001
  cpuid
.no_extended:
  mov ebx, PHYSICAL(extended_features)
  call find_missing
  mov byte [edi], 0
  mov esi, PHYSICAL(reason_processor)
  cmp edi, PHYSICAL(missing)
  jne cannot_boot
  pop ebx
  ret

; Appends at edi the names of the features in the list at ebx whose bits edx lacks, each behind a
; space. Changes eax, ecx, esi.
find_missing:
  movzx ecx, byte [ebx]
  inc ebx
  cmp cl, END_OF_FEATURES
  je .done
  mov esi, ebx
.skip:
  inc ebx
  cmp byte [ebx - 1], 0
  jne .skip
  bt edx, ecx
  jc find_missing
  mov al, " "
.copy:
  stosb
  lodsb
  test al, al
  jnz .copy
  jmp find_missing
.done:
  ret

; Firmware of Intel's processors can hide NX (IA32_MISC_ENABLE bit 34) and all CPUID leaves above 3
; (bit 22), by which SMEP, SMAP and UMIP are found. Other makers have no such register, and reading
; it would fault. Changes eax, ebx, ecx, edx.
lift_firmware_locks:
  xor eax, eax
  cpuid
  cmp ebx, "Genu"
  jne .done
  cmp edx, "ineI"
  jne .done
  cmp ecx, "ntel"
  jne .done
  mov eax, 1
  cpuid
  bt edx, FEATURE_MSR
  jnc .done
  ; From family 6 model 13 on.
  mov ecx, eax
  and eax, 0x0ff00f00
  cmp eax, 6 << 8
  jb .done
  ja .has_register
  and ecx, 0x000f00f0
  cmp ecx, 0xd << 4
  jb .done
.has_register:
  mov ecx, MSR_MISC_ENABLE
  rdmsr
  btr edx, MISC_ENABLE_NX_OFF - 32
  setc bl
  btr eax, MISC_ENABLE_FEW_LEAVES
  adc bl, 0
  jz .done
  wrmsr
.done:
  ret

; The page with the instructions around the switch is mapped at its physical address too, until
; enter_high_half drops that.
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

; Descriptors with their accessed bit set, so that the processor does not write to this read-only
; page.
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

; Of edx: a bit's number and its name. First those of leaf 1, then of leaf 0x80000001.
features:
  db 0, "FPU", 0
  db 4, "TSC", 0
  db FEATURE_MSR, "MSR", 0
  db 6, "PAE", 0
  db 8, "CX8", 0
  db 15, "CMOV", 0
  db 23, "MMX", 0
  db 24, "FXSR", 0
  db 25, "SSE", 0
  db 26, "SSE2", 0
  db END_OF_FEATURES
extended_features:
  db 20, "NX", 0
  db 29, "64-bit-mode", 0
  db END_OF_FEATURES
features_end:

section .data
global start_info
start_info: dd 0
reason_processor: db "the processor lacks"
; Room for all names.
missing: times features_end - features db 0
