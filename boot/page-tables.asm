; Builds the page tables of the kernel half, with paging off: see README.md for what is mapped where
; and how. The tables are taken from the memory behind the kernel, upwards from kernel_end.
%include "abi.inc"
%include "boot/boot.inc"

extern kernel_text_start, kernel_text_end, kernel_rodata_start, kernel_rodata_end, kernel_data_start
extern kernel_data_end
extern kernel_linear_start, kernel_linear_physical, kernel_linear_physical_end, kernel_end
extern identity_start, identity_end
extern stack_guards, stack_guards_end
extern start_info, cannot_boot

global build_page_tables
; Physical address of the top table, and the end of the memory that tables took.
global top_table, boot_tables_end

%define IMAGE_PHYSICAL 0x100000
%define LARGE_BYTES 0x200000

section .boot progbits alloc exec nowrite
bits 32

; map_range for physical addresses below 4 GiB; ebp = high half of the flags (PAGE_NX_HIGH or 0).
; Changes all registers but ebp.
%macro MAP_LOW 5                ; virtual high, virtual low, physical start, physical end, flags
  mov dword [PHYSICAL(virtual_high)], %1
  mov dword [PHYSICAL(virtual_low)], %2
  mov dword [PHYSICAL(physical_high)], 0
  mov eax, %3
  mov [PHYSICAL(physical_low)], eax
  mov edx, %4
  sub edx, eax
  mov [PHYSICAL(remaining_low)], edx
  mov dword [PHYSICAL(remaining_high)], 0
  mov dword [PHYSICAL(flags)], %5
  mov [PHYSICAL(flags_high)], ebp
  call map_range
%endmacro

build_page_tables:
  call find_table_memory
  call new_table
  mov [PHYSICAL(top_table)], edi

  ; The image, each part by its own rights.
  xor ebp, ebp
  MAP_LOW KERNEL_IMAGE_HIGH, IMAGE_LOW(kernel_text_start), PHYSICAL(kernel_text_start), \
    PHYSICAL(kernel_text_end), PAGE_PRESENT | PAGE_GLOBAL
  mov ebp, PAGE_NX_HIGH
  MAP_LOW KERNEL_IMAGE_HIGH, IMAGE_LOW(kernel_rodata_start), PHYSICAL(kernel_rodata_start), \
    PHYSICAL(kernel_rodata_end), PAGE_PRESENT | PAGE_GLOBAL
  MAP_LOW KERNEL_IMAGE_HIGH, IMAGE_LOW(kernel_data_start), PHYSICAL(kernel_data_start), \
    PHYSICAL(kernel_data_end), PAGE_PRESENT | PAGE_WRITE | PAGE_GLOBAL

  ; Guards below the stacks.
  mov ebx, PHYSICAL(stack_guards)
.guard:
  cmp ebx, PHYSICAL(stack_guards_end)
  je .guards_done
  mov eax, [ebx]
  mov [PHYSICAL(virtual_low)], eax
  mov dword [PHYSICAL(virtual_high)], KERNEL_IMAGE_HIGH
  push ebx
  mov ecx, 1
  call entry_of
  pop ebx
  mov dword [edi], 0
  mov dword [edi + 4], 0
  add ebx, 8
  jmp .guard
.guards_done:

  ; The kernel's linear memory up to its initial size.
  MAP_LOW KERNEL_LINEAR_HIGH, LINEAR_LOW(kernel_linear_start), kernel_linear_physical, \
    kernel_linear_physical_end, PAGE_PRESENT | PAGE_WRITE | PAGE_GLOBAL

  ; The direct map: low memory, then what the memory map calls usable.
  MAP_LOW DIRECT_MAP_HIGH, DIRECT_MAP_LOW, 0, 0x100000, PAGE_PRESENT | PAGE_WRITE | PAGE_GLOBAL
  call map_memory

  ; The image itself is not in the direct map, by which code could be written.
  xor ebp, ebp
  MAP_LOW DIRECT_MAP_HIGH, DIRECT_MAP_LOW + IMAGE_PHYSICAL, IMAGE_PHYSICAL, kernel_end, 0
  ; The archive holds programs' code: read only.
  mov ebp, PAGE_NX_HIGH
  cmp dword [PHYSICAL(archive_end)], 0
  je .no_archive
  mov esi, [PHYSICAL(archive_start)]
  MAP_LOW DIRECT_MAP_HIGH, esi, [PHYSICAL(archive_start)], [PHYSICAL(archive_end)], \
    PAGE_PRESENT | PAGE_GLOBAL
.no_archive:
  ; IOAPIC, HPET and local APIC: one page each, uncached.
%assign page 0xfec00000
%rep 3
  MAP_LOW DIRECT_MAP_HIGH, page, page, page + 0x1000, \
    PAGE_PRESENT | PAGE_WRITE | PAGE_UNCACHED | PAGE_GLOBAL
%assign page page + 0x100000
%endrep

  ; The instructions around the switch to long mode, where they lie.
  xor ebp, ebp
  mov esi, PHYSICAL(identity_start)
  and esi, -PAGE_BYTES
  mov ebx, PHYSICAL(identity_end) + PAGE_BYTES - 1
  and ebx, -PAGE_BYTES
  MAP_LOW 0, esi, esi, ebx, PAGE_PRESENT
  ret

; Sets the range that tables may take: from kernel_end up to the end of that piece of usable memory,
; or to whatever the loader put there. Sets archive_start and archive_end (0: none).
find_table_memory:
  mov ebx, [PHYSICAL(start_info)]
  mov dword [PHYSICAL(archive_end)], 0
  mov eax, kernel_end
  mov [PHYSICAL(boot_tables_end)], eax

  ; The piece of usable memory that holds the image.
  mov esi, [ebx + START_INFO_MEMORY_MAP]
  mov ecx, [ebx + START_INFO_MEMORY_MAP_ENTRIES]
.piece:
  cmp dword [esi + MEMORY_TYPE], MEMORY_USABLE
  jne .next_piece
  cmp dword [esi + MEMORY_ADDRESS + 4], 0
  jne .next_piece
  cmp dword [esi + MEMORY_ADDRESS], IMAGE_PHYSICAL
  ja .next_piece
  mov eax, [esi + MEMORY_ADDRESS]
  mov edx, [esi + MEMORY_ADDRESS + 4]
  add eax, [esi + MEMORY_LENGTH]
  adc edx, [esi + MEMORY_LENGTH + 4]
  jz .below_4_gib
  mov eax, 0xfffff000
.below_4_gib:
  cmp eax, kernel_end
  ja .piece_found
.next_piece:
  add esi, MEMORY_BYTES
  dec ecx
  jnz .piece
  mov esi, PHYSICAL(reason_image)
  jmp cannot_boot
.piece_found:
  and eax, -PAGE_BYTES
  mov [PHYSICAL(tables_limit)], eax

  cmp dword [ebx + START_INFO_MODULES], 0
  je .no_module
  mov edx, [ebx + START_INFO_MODULE_LIST]
  mov eax, [edx + MODULE_ADDRESS]
  mov esi, PHYSICAL(reason_archive_high)
  cmp dword [edx + MODULE_ADDRESS + 4], 0
  jne cannot_boot
  cmp dword [edx + MODULE_LENGTH + 4], 0
  jne cannot_boot
  mov ecx, [edx + MODULE_LENGTH]
  jecxz .no_module
  add ecx, eax
  jc cannot_boot
  add ecx, PAGE_BYTES - 1
  jc cannot_boot
  and ecx, -PAGE_BYTES
  mov esi, PHYSICAL(reason_archive_page)
  test eax, PAGE_BYTES - 1
  jnz cannot_boot
  mov [PHYSICAL(archive_start)], eax
  mov [PHYSICAL(archive_end)], ecx
  cmp ecx, IMAGE_PHYSICAL
  jbe .no_module
  mov esi, PHYSICAL(reason_archive_overlap)
  cmp eax, kernel_end
  jb cannot_boot
.no_module:

  ; What the loader wrote behind the kernel limits the tables too.
  mov eax, [PHYSICAL(archive_start)]
  call limit_tables
  mov eax, ebx
  call limit_tables
  mov eax, [ebx + START_INFO_MODULE_LIST]
  call limit_tables
  mov eax, [ebx + START_INFO_MEMORY_MAP]
  call limit_tables
  mov eax, [ebx + START_INFO_COMMAND_LINE]

; Keeps tables below the address eax, if that lies behind the kernel.
limit_tables:
  and eax, -PAGE_BYTES
  cmp eax, kernel_end
  jb .elsewhere
  cmp eax, [PHYSICAL(tables_limit)]
  jae .elsewhere
  mov [PHYSICAL(tables_limit)], eax
.elsewhere:
  ret

; Adds every usable piece of the memory map to the direct map, whole pages only.
map_memory:
  mov ebx, [PHYSICAL(start_info)]
  mov esi, [ebx + START_INFO_MEMORY_MAP]
  mov ecx, [ebx + START_INFO_MEMORY_MAP_ENTRIES]
.piece:
  push ecx
  push esi
  cmp dword [esi + MEMORY_TYPE], MEMORY_USABLE
  jne .next
  mov eax, [esi + MEMORY_ADDRESS]
  mov edx, [esi + MEMORY_ADDRESS + 4]
  ; Memory beyond the direct map's 64 TiB is left alone.
  cmp edx, 0x4000
  jae .next
  mov ebx, eax
  mov ecx, edx
  add ebx, [esi + MEMORY_LENGTH]
  adc ecx, [esi + MEMORY_LENGTH + 4]
  jc .next
  and ebx, -PAGE_BYTES
  add eax, PAGE_BYTES - 1
  adc edx, 0
  and eax, -PAGE_BYTES
  sub ebx, eax
  sbb ecx, edx
  jc .next
  mov [PHYSICAL(physical_low)], eax
  mov [PHYSICAL(physical_high)], edx
  mov [PHYSICAL(virtual_low)], eax
  add edx, DIRECT_MAP_HIGH
  mov [PHYSICAL(virtual_high)], edx
  mov [PHYSICAL(remaining_low)], ebx
  mov [PHYSICAL(remaining_high)], ecx
  mov dword [PHYSICAL(flags)], PAGE_PRESENT | PAGE_WRITE | PAGE_GLOBAL
  mov dword [PHYSICAL(flags_high)], PAGE_NX_HIGH
  call map_range
.next:
  pop esi
  pop ecx
  add esi, MEMORY_BYTES
  dec ecx
  jnz .piece
  ret

; Maps `remaining` bytes at `virtual` to `physical` with `flags`, by 2 MiB pages where both are
; aligned; flags 0 unmap. Changes all registers but ebp.
map_range:
  mov eax, [PHYSICAL(remaining_low)]
  mov edx, [PHYSICAL(remaining_high)]
  mov ebx, eax
  or ebx, edx
  jz .done

  mov ecx, 1
  mov esi, PAGE_BYTES
  test edx, edx
  jnz .long
  cmp eax, LARGE_BYTES
  jb .sized
.long:
  mov eax, [PHYSICAL(virtual_low)]
  or eax, [PHYSICAL(physical_low)]
  test eax, LARGE_BYTES - 1
  jnz .sized
  mov ecx, 2
  mov esi, LARGE_BYTES
.sized:
  call entry_of
  mov eax, [PHYSICAL(flags)]
  mov edx, [PHYSICAL(flags_high)]
  test eax, eax
  jz .store
  or eax, [PHYSICAL(physical_low)]
  or edx, [PHYSICAL(physical_high)]
  cmp ecx, 2
  jne .store
  or eax, PAGE_LARGE
.store:
  mov [edi], eax
  mov [edi + 4], edx
  add [PHYSICAL(virtual_low)], esi
  adc dword [PHYSICAL(virtual_high)], 0
  add [PHYSICAL(physical_low)], esi
  adc dword [PHYSICAL(physical_high)], 0
  sub [PHYSICAL(remaining_low)], esi
  sbb dword [PHYSICAL(remaining_high)], 0
  jmp map_range
.done:
  ret

; edi = address of the entry of level ecx (1: a 4 KiB page's, 2: a 2 MiB page's) for the address
; `virtual`. Makes the tables above it. Changes eax, ebx, edx.
entry_of:
  mov edi, [PHYSICAL(top_table)]
  mov eax, [PHYSICAL(virtual_high)]
  shr eax, 7
  call .descend
  mov eax, [PHYSICAL(virtual_low)]
  mov edx, [PHYSICAL(virtual_high)]
  shrd eax, edx, 30
  call .descend
  mov eax, [PHYSICAL(virtual_low)]
  shr eax, 21
  cmp ecx, 2
  je .entry
  call .descend
  mov eax, [PHYSICAL(virtual_low)]
  shr eax, 12
.entry:
  and eax, 511
  lea edi, [edi + eax * 8]
  ret

; edi = the table behind entry eax (its low 9 bits) of the table edi.
.descend:
  call .entry
  test dword [edi], PAGE_PRESENT
  jz .make
  test dword [edi], PAGE_LARGE
  jnz .split
  mov edi, [edi]
  and edi, -PAGE_BYTES
  ret
.make:
  mov ebx, edi
  call new_table
.link:
  mov [ebx], edi
  or dword [ebx], PAGE_PRESENT | PAGE_WRITE
  mov dword [ebx + 4], 0
  ret
; A 2 MiB page becomes 512 pages with the same rights.
.split:
  mov ebx, edi
  call new_table
  push ecx
  push edi
  mov eax, [ebx]
  and eax, ~PAGE_LARGE
  mov edx, [ebx + 4]
  mov ecx, 512
.part:
  mov [edi], eax
  mov [edi + 4], edx
  add eax, PAGE_BYTES
  add edi, 8
  loop .part
  pop edi
  pop ecx
  jmp .link

; edi = a zeroed page. Changes eax.
new_table:
  push ecx
  mov edi, [PHYSICAL(boot_tables_end)]
  lea eax, [edi + PAGE_BYTES]
  cmp eax, [PHYSICAL(tables_limit)]
  ja .none
  mov [PHYSICAL(boot_tables_end)], eax
  xor eax, eax
  mov ecx, PAGE_BYTES / 4
  rep stosd
  sub edi, PAGE_BYTES
  pop ecx
  ret
.none:
  mov esi, PHYSICAL(reason_tables)

section .rodata
reason_image: db "the kernel does not lie in usable memory, or too little memory", 0
reason_archive_high: db "the archive lies above 4 GiB", 0
reason_archive_page: db "the archive does not start on a page", 0
reason_archive_overlap: db "the archive overlaps the kernel: too little memory", 0
reason_tables: db "too little memory behind the kernel for page tables", 0

section .data
align 8
top_table: dq 0
boot_tables_end: dq 0
archive_start: dd 0
archive_end: dd 0
tables_limit: dd 0
virtual_low: dd 0
virtual_high: dd 0
physical_low: dd 0
physical_high: dd 0
remaining_low: dd 0
remaining_high: dd 0
flags: dd 0
flags_high: dd 0
