; The BIOS loader: reads the kernel and the archive from the medium that it was started from into
; high memory, asks E820 for the memory map and enters the kernel's PVH entry with the same start
; info that QEMU would pass. One 2 KiB sector of a CD. In: dl = drive.
%include "abi.inc"
%include "boot/boot.inc"
%include "boot/bios/bios.inc"

bits 16
org LOADER_ADDRESS

  jmp start

  times PLACES_OFFSET - ($ - $$) db 0
; Filled in by the image builder.
  dd PLACES_MAGIC
kernel_place: dd 0
kernel_bytes: dd 0
archive_place: dd 0
archive_bytes: dd 0
command_line: times COMMAND_LINE_BYTES db 0

start:
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, STACK_TOP
  jmp 0:.normal
.normal:
  sti
  mov [drive], dl
  call start_serial
  mov si, text_loading
  call print
  call find_medium
  call open_a20
  call read_memory_map
  call load_kernel
  call load_archive
  mov si, text_done
  call print
  jmp enter_kernel

; Refuses a drive without INT 13h extensions. Sets sector_shift: how many sectors of 512 bytes, as a
; power of 2, make one of the drive's.
find_medium:
  mov ah, 0x41
  mov bx, 0x55aa
  mov dl, [drive]
  int 0x13
  mov si, reason_extensions
  jc fail
  cmp bx, 0xaa55
  jne fail
  mov ah, 0x48
  mov dl, [drive]
  mov si, PROGRAM_HEADERS_ADDRESS
  mov word [si], 26
  int 0x13
  mov si, reason_parameters
  jc fail
  mov ax, [PROGRAM_HEADERS_ADDRESS + 24]
  cmp ax, 512
  je .disk
  mov byte [sector_shift], 2
  cmp ax, 2048
  jne fail
.disk:
  ret

; Opens address line 20, by the first of three ways that works.
open_a20:
  call .test
  mov ax, 0x2401
  int 0x15
  call .test
  in al, 0x92
  or al, 2
  and al, 0xfe
  out 0x92, al
  call .test
  call .keyboard_wait
  mov al, 0xd1
  out 0x64, al
  call .keyboard_wait
  mov al, 0xdf
  out 0x60, al
  call .keyboard_wait
  call .test
  mov si, reason_a20
  jmp fail
; Returns from open_a20 if the line is open: then 1 MiB above the drive's cell there is another
; cell.
.test:
  mov ax, 0xffff
  mov fs, ax
  mov ah, [drive]
  mov al, [fs:drive + 16]
  xor byte [drive], 0xff
  cmp al, [fs:drive + 16]
  mov [drive], ah
  jne .closed
  pop ax
.closed:
  ret
.keyboard_wait:
  xor cx, cx
.busy:
  in al, 0x64
  test al, 2
  loopnz .busy
  ret

; Asks E820 for the memory map and stores it for the kernel. Sets memory_end: the end of the usable
; range that starts at 1 MiB.
read_memory_map:
  xor ebx, ebx
  mov di, MEMORY_MAP_ADDRESS
.entry:
  mov eax, 0xe820
  mov edx, "PAMS"
  mov ecx, 20
  mov dword [di + MEMORY_TYPE + 4], 0
  int 0x15
  jc .end
  cmp eax, "PAMS"
  jne .end
  cmp dword [di + MEMORY_TYPE], MEMORY_USABLE
  jne .kept
  cmp dword [di + MEMORY_ADDRESS + 4], 0
  jne .kept
  mov eax, [di + MEMORY_ADDRESS]
  cmp eax, 0x100000
  ja .kept
  add eax, [di + MEMORY_LENGTH]
  jc .clip
  cmp dword [di + MEMORY_LENGTH + 4], 0
  je .ends
.clip:
  mov eax, 0xfffff000
.ends:
  cmp eax, [memory_end]
  jb .kept
  mov [memory_end], eax
.kept:
  inc word [map_entries]
  add di, MEMORY_BYTES
  cmp di, MEMORY_MAP_ADDRESS + MEMORY_MAP_ENTRIES_MAX * MEMORY_BYTES
  jae .end
  test ebx, ebx
  jnz .entry
.end:
  mov si, reason_map
  cmp word [map_entries], 0
  je fail
  ret

; Loads the kernel's segments to the addresses in its file and zeroes the rest of each.
load_kernel:
  mov eax, [kernel_place]
  mov edx, [kernel_bytes]
  mov word [chunk_done], kernel_chunk
  call load_file

  mov bx, PROGRAM_HEADERS_ADDRESS
.segment:
  cmp dword [bx + SEGMENT_TYPE], SEGMENT_TYPE_LOAD
  jne .next
  mov edi, [bx + SEGMENT_PHYSICAL_ADDRESS]
  add edi, [bx + SEGMENT_FILE_BYTES]
  mov ecx, [bx + SEGMENT_MEMORY_BYTES]
  sub ecx, [bx + SEGMENT_FILE_BYTES]
  call fill_high
.next:
  add bx, SEGMENT_HEADER_BYTES
  cmp bx, [headers_end]
  jb .segment
  ret

; A chunk of the kernel's file: edx = offset in the file, ecx = bytes. The first holds the headers.
kernel_chunk:
  test edx, edx
  jnz .copy
  push edx
  push ecx
  call read_headers
  pop ecx
  pop edx
.copy:
  mov bx, PROGRAM_HEADERS_ADDRESS
.segment:
  cmp dword [bx + SEGMENT_TYPE], SEGMENT_TYPE_LOAD
  jne .next
  pushad
  ; The part of the chunk that belongs to the segment: eax = its start, ecx = its end, in the file.
  add ecx, edx
  mov eax, [bx + SEGMENT_OFFSET]
  mov esi, eax
  add esi, [bx + SEGMENT_FILE_BYTES]
  cmp ecx, esi
  jbe .end_found
  mov ecx, esi
.end_found:
  cmp eax, edx
  jae .start_found
  mov eax, edx
.start_found:
  sub ecx, eax
  jbe .outside
  mov edi, eax
  sub edi, [bx + SEGMENT_OFFSET]
  add edi, [bx + SEGMENT_PHYSICAL_ADDRESS]
  mov esi, eax
  sub esi, edx
  add esi, CHUNK_ADDRESS
  call copy_high
.outside:
  popad
.next:
  add bx, SEGMENT_HEADER_BYTES
  cmp bx, [headers_end]
  jb .segment
  ret

; Checks the ELF header in the chunk, keeps the program headers, finds the end of the kernel in
; memory.
read_headers:
  mov ax, CHUNK_ADDRESS >> 4
  mov fs, ax
  mov si, reason_kernel
  cmp dword [fs:ELF_MAGIC], ELF_MAGIC_VALUE
  jne fail
  cmp dword [fs:ELF_KIND], ELF_KIND_EXECUTABLE_X86_64
  jne fail
  mov eax, [fs:ELF_ENTRY]
  mov [kernel_entry], eax
  ; The program headers follow the file header.
  cmp dword [fs:ELF_PROGRAM_HEADERS], ELF_HEADER_BYTES
  jne fail
  movzx ax, byte [fs:ELF_PROGRAM_HEADER_COUNT]
  cmp al, PROGRAM_HEADERS_MAX
  ja fail
  imul cx, ax, SEGMENT_HEADER_BYTES
  mov di, PROGRAM_HEADERS_ADDRESS
  mov ax, di
  add ax, cx
  mov [headers_end], ax
  push ds
  push fs
  pop ds
  mov si, ELF_HEADER_BYTES
  rep movsb
  pop ds

  mov bx, PROGRAM_HEADERS_ADDRESS
.segment:
  cmp dword [bx + SEGMENT_TYPE], SEGMENT_TYPE_LOAD
  jne .next
  mov si, reason_kernel
  mov eax, [bx + SEGMENT_PHYSICAL_ADDRESS]
  cmp eax, 0x100000
  jb fail
  add eax, [bx + SEGMENT_MEMORY_BYTES]
  jc fail
  cmp eax, [kernel_end]
  jbe .next
  mov [kernel_end], eax
.next:
  add bx, SEGMENT_HEADER_BYTES
  cmp bx, [headers_end]
  jb .segment
  mov eax, [kernel_end]
  jmp check_memory

; Loads the archive to the second 2 MiB boundary behind the kernel; the kernel makes its page tables
; in between.
load_archive:
  mov eax, [kernel_end]
  add eax, 0x3fffff
  and eax, ~0x1fffff
  mov [archive_address], eax
  mov edx, [archive_bytes]
  add eax, edx
  sbb ecx, ecx
  or eax, ecx                   ; an end beyond 4 GiB is too high in any case
  call check_memory
  mov eax, [archive_place]
  mov word [chunk_done], archive_chunk

; Reads the file of edx bytes at place eax chunk by chunk and calls [chunk_done] for each.
load_file:
  mov [place], eax
  xor ebx, ebx
.chunk:
  mov ecx, edx
  sub ecx, ebx
  jbe .done
  cmp ecx, CHUNK_BYTES
  jbe .sized
  mov ecx, CHUNK_BYTES
.sized:
  pushad
  call read_chunk
  mov edx, ebx
  call [chunk_done]
  popad
  add ebx, ecx
  add dword [place], CHUNK_BYTES / 512
  ; A dot for each 512 KiB.
  test ebx, 0x7ffff
  jnz .chunk
  mov al, "."
  call print_byte
  jmp .chunk
.done:
  ret

archive_chunk:
  mov edi, [archive_address]
  add edi, edx
  mov esi, CHUNK_ADDRESS
  test edx, edx
  jnz copy_high
  mov ax, CHUNK_ADDRESS >> 4
  mov fs, ax
  cmp dword [fs:0], ARCHIVE_MAGIC_LOW
  je copy_high
  mov si, reason_archive
  jmp fail

; Refuses if eax, the end of a file's place, lies behind the usable memory.
check_memory:
  cmp eax, [memory_end]
  ja too_little_memory
  ret
; eax = end of the file's place. The reason ends with eax in whole MiB, and one more for what the
; firmware takes from the top.
too_little_memory:
  shr eax, 20
  add eax, 2
  mov di, reason_memory.digits_end
  mov ebx, 10
.digit:
  xor edx, edx
  div ebx
  add dl, "0"
  dec di
  mov [di], dl
  test eax, eax
  jnz .digit
  mov si, reason_memory
  jmp fail

; ecx bytes at [place] into the chunk buffer, in three attempts.
read_chunk:
  pushad
  ; Whole sectors of 512 or 2048 bytes.
  mov ebp, ecx
  mov cl, [sector_shift]
  mov eax, [place]
  shr eax, cl
  mov [packet.place], eax
  add cl, 9
  mov eax, 1
  shl eax, cl
  lea eax, [eax + ebp - 1]
  shr eax, cl
  mov [sectors], ax
  mov di, 3
.attempt:
  ; The firmware writes into the packet how many it read, and may change any register.
  mov ax, [sectors]
  mov [packet.sectors], ax
  pushad
  mov si, packet
  mov ah, 0x42
  mov dl, [drive]
  int 0x13
  popad
  jnc .read
  pushad
  xor ah, ah
  mov dl, [drive]
  int 0x13
  popad
  dec di
  jnz .attempt
  mov si, reason_read
  jmp fail
.read:
  popad
  ret

; Copies ecx bytes from esi to edi, 32-bit addresses; changes esi, edi, ecx, ax.
copy_high:
  mov byte [high_operation], 0xa4
  jmp high
; Zeroes ecx bytes at edi.
fill_high:
  mov byte [high_operation], 0xaa
high:
  cli
  lgdt [table_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp .protected
.protected:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  xor ax, ax
  ; movsb or stosb, with 32-bit addresses: the byte after the prefixes is set above.
  db 0x67, 0xf3
high_operation: db 0xa4
  ; Back to segments of 64 KiB before real mode.
  mov ax, 0x18
  mov ds, ax
  mov es, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  jmp 0:.real
.real:
  xor ax, ax
  mov ds, ax
  mov es, ax
  sti
  ret

; Writes the start info and leaves real mode for good.
enter_kernel:
  mov di, START_INFO_ADDRESS
  xor eax, eax
  mov cx, (MEMORY_MAP_ADDRESS - START_INFO_ADDRESS) / 4
  push di
  rep stosd
  pop di
  mov dword [di + START_INFO_MAGIC], START_INFO_MAGIC_VALUE
  mov byte [di + START_INFO_VERSION], 1
  mov word [di + START_INFO_MEMORY_MAP], MEMORY_MAP_ADDRESS
  mov ax, [map_entries]
  mov [di + START_INFO_MEMORY_MAP_ENTRIES], ax
  mov word [di + START_INFO_COMMAND_LINE], command_line
  mov eax, [archive_bytes]
  test eax, eax
  jz .no_archive
  inc byte [di + START_INFO_MODULES]
  mov word [di + START_INFO_MODULE_LIST], MODULE_LIST_ADDRESS
  mov [MODULE_LIST_ADDRESS + MODULE_LENGTH], eax
  mov eax, [archive_address]
  mov [MODULE_LIST_ADDRESS + MODULE_ADDRESS], eax
.no_archive:
  cli
  lgdt [table_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp 0x08:.protected
bits 32
.protected:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov ebx, START_INFO_ADDRESS
  jmp [kernel_entry]
bits 16

; si = reason.
fail:
  push si
  mov si, text_fail
  call print
  pop si
  call print
  mov si, text_line
  call print
.stop:
  hlt
  jmp .stop

; Prints the text at si on the screen and on COM1.
print:
  lodsb
  test al, al
  jz .done
  call print_byte
  jmp print
.done:
  ret

print_byte:
  pushad
  push ax
  mov ah, 0x0e
  mov bx, 7
  int 0x10
  pop ax
  mov dx, 0x3f8 + 5
  mov ah, al
  xor cx, cx
.busy:
  in al, dx
  test al, 1 << 5
  loopz .busy
  mov al, ah
  mov dl, 0xf8
  out dx, al
  popad
  ret

; COM1: 115200 8N1, no interrupts. Pairs of port and value, see cannot-boot.asm.
start_serial:
  mov si, .settings
  mov dx, 0x300
.setting:
  lodsw
  mov dl, al
  mov al, ah
  out dx, al
  cmp si, .settings_end
  jb .setting
  ret
.settings: db 0xf9, 0, 0xfb, 0x80, 0xf8, 1, 0xf9, 0, 0xfb, 3, 0xfa, 7, 0xfc, 3
.settings_end:

text_loading: db 13, 10, "trine: loading", 0
text_done: db " done"
text_line: db 13, 10, 0
text_fail: db 13, 10, "trine: cannot boot: ", 0
reason_extensions: db "the firmware has no INT 13h extensions", 0
reason_parameters: db "the drive's sectors are neither 512 nor 2048 bytes long", 0
reason_a20: db "address line 20 cannot be opened", 0
reason_map: db "the firmware gives no memory map (E820)", 0
reason_memory: db "too little memory, the image alone needs MiB: "
.digits: db "    "
.digits_end: db 0
reason_read: db "read error", 0
reason_kernel: db "the kernel is not where it should be, or damaged", 0
reason_archive: db "the archive is not where it should be, or damaged", 0

align 8
table:
  dq 0
  dq 0x00cf9b000000ffff         ; 32-bit code
  dq 0x00cf93000000ffff         ; 32-bit data
  dq 0x000093000000ffff         ; 16-bit data, 64 KiB
table_pointer:
  dw table_pointer - table - 1
  dd table

packet:
  db 16, 0
.sectors: dw 0
  dw 0, CHUNK_ADDRESS >> 4
.place: dq 0

drive: db 0
sector_shift: db 0
sectors: dw 0
map_entries: dw 0
headers_end: dw 0
chunk_done: dw 0
place: dd 0
memory_end: dd 0
kernel_entry: dd 0
kernel_end: dd 0
archive_address: dd 0

  times LOADER_BYTES - ($ - $$) db 0
