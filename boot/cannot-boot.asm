; Where every failure before the kernel's own log ends: one line on the screen and on COM1, then the
; machine stops.
%include "abi.inc"
%include "boot/boot.inc"

global cannot_boot

%define COM1 0x3f8
%define LINE_STATUS_EMPTY (1 << 5)
%define LINE_STATUS_IDLE (1 << 6)
%define SCREEN 0xb8000
; The line below the loader's own.
%define SCREEN_ROW 24
%define SCREEN_COLUMNS 80
%define BRIGHT_ON_RED 0x4f

section .boot progbits alloc exec nowrite
bits 32

; esi = physical address of the reason, zero-terminated. Needs no stack.
cannot_boot:
  cld
  ; What the loader has printed goes out first: the settings would cut it off.
  mov dx, COM1 + 5
  mov ecx, 100000
.busy:
  in al, dx
  test al, LINE_STATUS_IDLE
  loopz .busy
  ; 115200 baud, 8 bits, no parity, 1 stop bit; no interrupts.
%macro SET 2
  mov dx, COM1 + %1
  mov al, %2
  out dx, al
%endmacro
  SET 1, 0
  SET 3, 0x80
  SET 0, 1
  SET 1, 0
  SET 3, 3
  SET 2, 7
  SET 4, 3

  ; A line that is longer than a row begins one row higher.
  mov ebx, esi
  mov edi, SCREEN + SCREEN_ROW * SCREEN_COLUMNS * 2
.measure:
  lodsb
  test al, al
  jnz .measure
  sub esi, ebx
  cmp esi, SCREEN_COLUMNS - PREFIX_COLUMNS + 1
  jbe .placed
  sub edi, SCREEN_COLUMNS * 2
.placed:
  mov esi, PHYSICAL(prefix)
  mov ebp, PHYSICAL(.reason)
  jmp print
.reason:
  mov esi, ebx
  mov ebp, PHYSICAL(.line_end)
  jmp print
.line_end:
  mov esi, PHYSICAL(line_end)
  mov ebp, PHYSICAL(.stop)
  jmp print
.stop:
  cli
  hlt
  jmp .stop

; Prints the text at esi; edi = place on the screen; goes on at ebp.
print:
  lodsb
  test al, al
  jz .done
  mov ah, al
  ; A port that is not there reads as 0xff: ready. A dead one is given up after a while.
  mov dx, COM1 + 5
  mov ecx, 100000
.wait:
  in al, dx
  test al, LINE_STATUS_EMPTY
  loopz .wait
  mov dx, COM1
  mov al, ah
  out dx, al
  cmp al, ' '
  jb print
  mov ah, BRIGHT_ON_RED
  stosw
  jmp print
.done:
  jmp ebp

section .rodata
prefix: db 13, 10, "trine: cannot boot: ", 0
PREFIX_COLUMNS equ $ - prefix - 3
line_end: db 13, 10, 0
