; What no compiled program could do, and no image of ours would start: code in data, and addresses
; for the bugs of tests/guards/kernel.ts. An executable made by hand (tests/guards/system.ts), so
; the policy has it as unverified.
bits 64

PLANTED_HANDLE equ 0x5eed0000
PLANT_READ     equ 0x100
PLANT_RUN      equ 0x101
OWN_DOMAIN     equ 0x10001
LOG            equ 0x10004
FLAG_LONG      equ 1 << 10
DOMAIN_EXIT    equ (1 << 16) | (1 << 4) | 1
CREATE_THREAD  equ (1 << 16) | (6 << 4) | 2
LOG_WRITE      equ (13 << 16) | FLAG_LONG | 1
RECORD_BYTES   equ 608
; Its first thread counts too.
THREADS_QUOTA  equ 4

; Prints a text of the data below.
%macro say 1
  mov edx, %1
  mov edi, LOG
  mov esi, LOG_WRITE
  mov rbx, (%1_bytes << 32)
  xor r9d, r9d
  xor eax, eax
  syscall
%endmacro

; A message record that carries one text as its arena.
%macro text 2
align 8
%1:
  times 64 db 0
  dd 1, 0, %1_bytes, %%text
  times RECORD_BYTES - 80 db 0
%%text:
  db %2
%1_bytes equ $ - %%text
%endmacro

section .text start=0 vstart=0x1000000000
start:
  mov rax, [abs dword secret]
  say whoami

  mov edi, PLANTED_HANDLE
  xor esi, esi
  mov ebx, PLANT_READ
  mov r12d, secret
  xor r9d, r9d
  xor eax, eax
  syscall
  test eax, eax
  jnz .no_read
  mov eax, 0x5ec2e7
  cmp rbx, rax
  jne .no_read
  say smap
.no_read:

  mov edi, PLANTED_HANDLE
  xor esi, esi
  mov ebx, PLANT_RUN
  mov r12, user_function
  xor r9d, r9d
  xor eax, eax
  syscall
  test eax, eax
  jnz .no_run
  cmp rbx, 0x5eed
  jne .no_run
  say smep
.no_run:

.next_thread:
  mov edi, OWN_DOMAIN
  mov esi, CREATE_THREAD
  xor ebx, ebx
  mov r12d, 1
  xor r9d, r9d
  xor eax, eax
  syscall
  test eax, eax
  jnz .no_thread
  inc dword [abs dword made]
  jmp .next_thread
.no_thread:
  cmp dword [abs dword made], THREADS_QUOTA
  jb .within_quota
  say threads
.within_quota:

  say trying
  mov eax, code_in_data
  jmp rax

; Code for the kernel to run, and for threads that never get their turn.
user_function:
  mov eax, 0x5eed
  ret

section .data start=4096 vstart=0x10000
secret: dq 0x5ec2e7
made: dd 0
  text whoami, "genuine"
  text smap, "attack smap succeeded"
  text smep, "attack smep succeeded"
  text threads, "attack threads succeeded"
  text trying, "attack nx begins"
  text nx, "attack nx succeeded"

align 16
code_in_data:
  say nx
  mov edi, OWN_DOMAIN
  mov esi, DOMAIN_EXIT
  xor ebx, ebx
  xor r9d, r9d
  xor eax, eax
  syscall
  ud2
