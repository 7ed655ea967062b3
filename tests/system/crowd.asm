; As many domains as the machine is specified for (tests/system/crowd.test.ts): one program for each
; ROLE.
;
; From the test: CALLERS, CHANNELS of each caller, SLOTS in all.
%include "tests/support/assembly-program.inc"

PROBE           equ 0x7f3
ECHO_1          equ (PROBE << 16) | (0 << 4) | 1
ASK             equ (PROBE << 16) | (1 << 4)
FAIL            equ (PROBE << 16) | (2 << 4)
METHOD          equ 63 << 4

ROLE_STARTER equ 0              ; Slot 0: starts, stops and measures the others.
ROLE_CALLER  equ 1              ; Calls each of its channels when it is asked to.
ROLE_WATCHER equ 2              ; Does so by itself, beside the system's own supervisor.
ROLE_ECHO    equ 3

%if ROLE = ROLE_STARTER
%define CALLER  (NAMED + 0)
%define SLOTS_  (NAMED + CALLERS)
%define LOG     (NAMED + CALLERS + 1)
%define SYSTEM  (NAMED + CALLERS + 2)
start:
  read_counter
  mov [abs dword value], rax
  mov al, 'a'
  call print                    ; since the reset
  call free_pages
  mov [abs dword pages], r12

  call begin
  mov dword [abs dword slot], 1
.start:
  call start_slot
  inc dword [abs dword slot]
  cmp dword [abs dword slot], SLOTS
  jb .start
  call elapsed
  mov al, 'b'
  call print                    ; all starts

  call begin
  call ask_all
  call elapsed
  mov al, 'c'
  call print                    ; all first answers
  call print_answers
  call free_pages
  mov rax, [abs dword pages]
  sub rax, r12
  mov [abs dword value], rax
  mov al, 'd'
  call print                    ; pages that they hold

  mov dword [abs dword slot], SLOTS - 1
  call stop_slot
  call start_slot
  call ask_all
  call print_answers

  call begin
  mov qword [abs dword longest], 0
  mov dword [abs dword slot], 1
.stop:
  call stop_slot
  inc dword [abs dword slot]
  cmp dword [abs dword slot], SLOTS
  jb .stop
  call elapsed
  mov al, 'e'
  call print                    ; all ends
  mov rax, [abs dword longest]
  mov [abs dword value], rax
  mov al, 'f'
  call print                    ; the longest step of one
  call free_pages
  mov rax, [abs dword pages]
  sub rax, r12
  mov [abs dword value], rax
  mov al, 'g'
  call print                    ; pages that are missing now
  mov al, 'z'
  call print
  xor ebx, ebx
  call_kernel SYSTEM, SHUTDOWN

start_slot:
  mov ebx, [abs dword slot]
  call_kernel SLOTS_, SLOTS_START
  test eax, eax
  jnz broken
  ret

stop_slot:
  read_counter
  mov [abs dword step], rax
  mov ebx, [abs dword slot]
  call_kernel SLOTS_, SLOTS_STOP
  mov ecx, eax
  read_counter
  sub rax, [abs dword step]
  cmp rax, [abs dword longest]
  jb .shorter
  mov [abs dword longest], rax
.shorter:
  cmp ecx, STATUS_AGAIN
  je stop_slot
  mov eax, ecx
  test eax, eax
  jnz broken
  ret

; Asks every caller to call all its channels, and adds up what they say.
ask_all:
  xor eax, eax
  mov [abs dword answered], rax
  mov [abs dword restarted], rax
  mov [abs dword caller], eax
.next:
  mov eax, [abs dword caller]
  add eax, CALLER
  call_kernel eax, ASK
  test eax, eax
  jnz broken
  add [abs dword answered], rbx
  add [abs dword restarted], r12
  inc dword [abs dword caller]
  cmp dword [abs dword caller], CALLERS
  jb .next
  ret

; r12: free pages of the machine.
free_pages:
  call_kernel SYSTEM, MEMORY
  test eax, eax
  jnz broken
  ret
%endif

%if ROLE = ROLE_CALLER
%define ECHO    (NAMED + 1)
start:
  mov eax, OPERATION_RECV
  xor esi, esi
.next:
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  mov [abs dword token], rdi
  call ask_channels
  mov rdi, [abs dword token]
  mov rbx, [abs dword answered]
  mov r12, [abs dword restarted]
  mov eax, OPERATION_REPLY
  mov esi, FLAG_RECEIVE | 2
  jmp .next
%endif

%if ROLE = ROLE_WATCHER
%define ECHO    (NAMED + 0)
%define LOG     (NAMED + CHANNELS)
start:
  call ask_channels
  read_counter
  mov [abs dword value], rax
  mov al, 'a'
  call print                    ; since the reset
  call print_answers
  mov dword [abs dword channel], 0
.fail:
  mov eax, [abs dword channel]
  add eax, ECHO
  call_kernel eax, FAIL         ; The supervisor starts the slot again.
  cmp eax, STATUS_PEER_DIED
  je .failed
  cmp eax, STATUS_RESTARTED     ; It is another watcher's channel too.
  jne broken
.failed:
  inc dword [abs dword channel]
  cmp dword [abs dword channel], CHANNELS
  jb .fail
  call ask_channels
  read_counter
  mov [abs dword value], rax
  mov al, 'b'
  call print
  call print_answers
  mov al, 'z'
  call print
  mov eax, OPERATION_RECV
  xor esi, esi
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  ud2
%endif

%if ROLE = ROLE_CALLER || ROLE = ROLE_WATCHER
; Calls each channel until it answers: how many did, and how many first said that they were
; restarted.
ask_channels:
  xor eax, eax
  mov [abs dword answered], rax
  mov [abs dword restarted], rax
  mov [abs dword channel], eax
.next:
  mov ebx, [abs dword channel]
  lea eax, [rbx + ECHO]
  call_kernel eax, ECHO_1
  cmp eax, STATUS_RESTARTED
  jne .answer
  inc qword [abs dword restarted]
  jmp .next
.answer:
  test eax, eax
  jnz .wrong
  dec ebx
  cmp ebx, [abs dword channel]
  jne .wrong
  inc qword [abs dword answered]
.wrong:
  inc dword [abs dword channel]
  cmp dword [abs dword channel], CHANNELS
  jb .next
  ret
%endif

%if ROLE = ROLE_ECHO
; A compiled program touches its stack, its linear memory and its globals, too.
GLOBALS equ 0x1000002000
start:
  push rax
  inc qword [abs dword value]
  mov rbx, GLOBALS
  inc qword [rbx]
  mov eax, OPERATION_RECV
  xor esi, esi
.next:
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  and esi, METHOD
  jnz .fail
  inc rbx
  mov eax, OPERATION_REPLY
  mov esi, FLAG_RECEIVE | 1
  jmp .next
.fail:
  ud2
%endif

%if ROLE = ROLE_STARTER || ROLE = ROLE_WATCHER
broken:
  mov [abs dword value], rax
  mov al, '!'
  call print
  ud2

begin:
  read_counter
  mov [abs dword since], rax
  ret

elapsed:
  read_counter
  sub rax, [abs dword since]
  mov [abs dword value], rax
  ret

print_answers:
  mov rax, [abs dword answered]
  mov [abs dword value], rax
  mov al, 'n'
  call print
  mov rax, [abs dword restarted]
  mov [abs dword value], rax
  mov al, 'r'
  jmp print

define_print LOG
%endif

section .data
define_print_data "crowd"
since: dq 0
step: dq 0
longest: dq 0
pages: dq 0
answered: dq 0
restarted: dq 0
token: dq 0
slot: dd 0
caller: dd 0
channel: dd 0
