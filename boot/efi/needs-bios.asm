; What a machine without BIOS starts from our media: an EFI application that says why Trine does not
; start, and waits for a key. A whole PE file, assembled flat: one section, which the firmware may
; load anywhere, as nothing in it names an absolute address.

bits 64
org 0

%define FILE_ALIGNMENT 512
%define SECTION_ALIGNMENT 4096
%define PAGES_OF(bytes) (((bytes) + SECTION_ALIGNMENT - 1) / SECTION_ALIGNMENT * SECTION_ALIGNMENT)

  db "MZ"
  times 0x3c - ($ - $$) db 0
  dd pe_header
pe_header:
  db "PE", 0, 0
  dw 0x8664                     ; x86-64
  dw 1                          ; sections
  dd 0, 0, 0                    ; no date, no symbols
  dw section_headers - optional_header
  dw 0x0022                     ; executable, large addresses
optional_header:
  dw 0x020b                     ; PE32+
  db 0, 0
  dd code_end - code, 0, 0      ; code, data
  dd SECTION_ALIGNMENT          ; entry
  dd SECTION_ALIGNMENT          ; start of the code
  dq 0                          ; image base: anywhere
  dd SECTION_ALIGNMENT, FILE_ALIGNMENT
  dw 0, 0, 0, 0, 0, 0
  dd 0
  dd SECTION_ALIGNMENT + PAGES_OF(code_end - code)
  dd code                       ; bytes of all headers
  dd 0
  dw 10                         ; EFI application
  dw 0x0100                     ; NX compatible
  dq 0, 0, 0, 0
  dd 0
  dd 6                          ; directories, all empty: there is nothing to relocate
  times 6 dq 0
section_headers:
  db ".text", 0, 0, 0
  dd code_end - code
  dd SECTION_ALIGNMENT
  dd code_end - code
  dd code
  dd 0, 0
  dw 0, 0
  dd 0x60000020                 ; code, readable, executable
  align FILE_ALIGNMENT, db 0

; EFI_SYSTEM_TABLE and the protocols behind it.
%define SYSTEM_INPUT 48
%define SYSTEM_OUTPUT 64
%define SYSTEM_BOOT_SERVICES 96
%define INPUT_RESET 0
%define INPUT_READ_KEY 8
%define INPUT_WAIT_FOR_KEY 16
%define OUTPUT_STRING 8
%define BOOT_WAIT_FOR_EVENT 96
; What a call leaves for its callee's registers, and keeps the stack at 16 bytes.
%define SHADOW 40

; rcx = image, rdx = system table. Returns to the firmware, which goes on with what else it can
; boot.
code:
  push rbx
  sub rsp, SHADOW + 8
  mov rbx, rdx
  lea rdx, [rel text]
  mov rcx, [rbx + SYSTEM_OUTPUT]
  call [rcx + OUTPUT_STRING]

  ; Keys that were typed before do not count.
  mov rcx, [rbx + SYSTEM_INPUT]
  xor edx, edx
  call [rcx + INPUT_RESET]
  mov rax, [rbx + SYSTEM_BOOT_SERVICES]
  mov rcx, [rbx + SYSTEM_INPUT]
  add rcx, INPUT_WAIT_FOR_KEY
  mov rdx, rcx
  mov ecx, 1
  lea r8, [rsp + SHADOW]
  call [rax + BOOT_WAIT_FOR_EVENT]
  mov rcx, [rbx + SYSTEM_INPUT]
  lea rdx, [rsp + SHADOW]
  call [rcx + INPUT_READ_KEY]

  xor eax, eax
  add rsp, SHADOW + 8
  pop rbx
  ret

text:
  dw __utf16__(`\r\nTrine needs a BIOS for now, and this machine has started it by UEFI.\r\n`)
  dw __utf16__(`In the firmware's set-up, switch on "legacy boot" or "CSM" if it is there.\r\n`)
  dw __utf16__(`Press a key to go back to the firmware.\r\n`), 0
  align FILE_ALIGNMENT, db 0
code_end:
