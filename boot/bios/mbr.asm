; First sector of a disk or USB stick: reads loader.asm (2 KiB) and jumps there. The image builder
; fills in the place and the partition table.
%include "boot/bios/bios.inc"

bits 16
org MBR_ADDRESS

  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, STACK_TOP
  mov si, LOADER_ADDRESS
  mov di, MBR_ADDRESS
  mov cx, 256
  rep movsw
  jmp 0:moved
moved:
  sti
  mov [drive], dl

  mov ah, 0x41
  mov bx, 0x55aa
  int 0x13
  mov si, reason_extensions
  jc fail
  cmp bx, 0xaa55
  jne fail

  mov si, packet
  mov dl, [drive]
  mov ah, 0x42
  int 0x13
  mov si, reason_read
  jc fail
  mov si, reason_loader
  cmp dword [LOADER_ADDRESS + PLACES_OFFSET], PLACES_MAGIC
  jne fail
  mov dl, [drive]
  jmp 0:LOADER_ADDRESS

; si = reason
fail:
  push si
  mov si, prefix
  call print
  pop si
  call print
.stop:
  hlt
  jmp .stop

; Prints the text at si on the screen and on COM1 as the firmware left it.
print:
  lodsb
  test al, al
  jz .done
  mov ah, 0x0e
  mov bx, 7
  push ax
  push si
  int 0x10
  pop si
  pop ax
  mov dx, 0x3f8
  out dx, al
  ; Longer than a byte takes at 9600 baud.
  mov cx, 1000
.pause:
  in al, 0x80
  loop .pause
  jmp print
.done:
  ret

prefix: db 13, 10, "trine: cannot boot: ", 0
reason_extensions: db "the firmware has no INT 13h extensions", 13, 10, 0
reason_read: db "cannot read the loader", 13, 10, 0
reason_loader: db "the loader is not where it should be", 13, 10, 0
drive: db 0

; Disk address packet; its last field, at offset 432, is the place of the loader, which the image
; builder fills in.
  times 424 - ($ - $$) db 0
packet:
  db 16, 0
  dw LOADER_BYTES / 512
  dw LOADER_ADDRESS, 0
  dq 0
  times 446 - ($ - $$) db 0
; Partition table, filled in by the image builder.
  times 64 db 0
  dw 0xaa55
