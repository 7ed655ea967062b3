; What no compiled program would do to the processor, and what is measured in instructions
; (tests/system/turns.test.ts): one program for each ROLE.
%include "tests/support/assembly-program.inc"

PROBE           equ 0x7f2
ECHO_4          equ (PROBE << 16) | (0 << 4) | 4
HOLD            equ (PROBE << 16) | (1 << 4)

ROLE_MEASURER equ 0
ROLE_ECHO     equ 1
ROLE_SPINNER  equ 2
ROLE_HOLDER   equ 3
ROLE_HOSTILE  equ 4
ROLE_VICTIM   equ 5

SELECTOR_USER_DATA equ 0x23
SECRET             equ 0x5ec2e7

; What the fields of the measurer's image are.
ECHO_SLOT     equ 1
SPINNER_SLOT  equ 2
HOSTILE_SLOT  equ 3
VICTIM_SLOT   equ 4
HOLDER_SLOT   equ 5
HOLDERS       equ 8
HELD          equ 199
THREADS       equ 25
TRIPS         equ 201
REPLIES       equ 3

%if ROLE = ROLE_MEASURER
%define OWN     (NAMED + 0)
%define ECHO    (NAMED + 1)
%define HOSTILE (NAMED + 2)
%define SLOTS   (NAMED + 3)
%define LOG     (NAMED + 4)
%define SYSTEM  (NAMED + 5)

start:
  mov ebx, ECHO_SLOT
  call start_slot
  mov ebx, HOSTILE_SLOT
  call start_slot
  mov ebx, VICTIM_SLOT
  call start_slot

  call trips
  mov al, 'a'
  call print                    ; a round trip, alone
  mov ebx, SPINNER_SLOT
  call start_slot
  call trips
  mov al, 'b'
  call print                    ; beside the spinner
  mov rax, [abs dword slow]
  mov [abs dword value], rax
  mov al, 'c'
  call print                    ; how many took longer
  mov ebx, SPINNER_SLOT
  call stop_slot

  ; What the victim read behind fs, before anybody touched it and afterwards; then all its segment
  ; registers.
  xor ebx, ebx
  call ask_hostile
  mov al, 'd'
  call print
  mov ebx, 1
  call ask_hostile
  mov al, 'e'
  call print
  mov [abs dword value], r12
  mov al, 'f'
  call print

  mov ebp, HOLDER_SLOT
.holder:
  mov [abs dword cell], ebp
  mov ebx, ebp
  call start_slot
  mov ebp, [abs dword cell]
  inc ebp
  cmp ebp, HOLDER_SLOT + HOLDERS
  jb .holder
  mov qword [abs dword cell], 0
.receive:
  mov eax, OPERATION_RECV
  xor esi, esi
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  cmp eax, STATUS_NOTIFIED      ; The spinner's end.
  je .receive
  test eax, eax
  jnz broken
  mov rax, [abs dword cell]
  mov [tokens + rax * 8], rdi
  inc rax
  mov [abs dword cell], rax
  cmp rax, HELD
  jb .receive
  ; The oldest in the list is its end, the newest its head: neither decides.
  mov ecx, HELD / 2
  call replies
  mov al, 'g'
  call print                    ; an answer while all are held
  mov ecx, REPLIES
.release:
  mov [abs dword cell], rcx
  cmp ecx, HELD / 2
  jb .held
  cmp ecx, HELD / 2 + REPLIES
  jb .released
.held:
  mov rdi, [tokens + rcx * 8]
  call answer
.released:
  mov rcx, [abs dword cell]
  inc ecx
  cmp ecx, HELD
  jb .release
  xor ecx, ecx
  call replies
  mov al, 'h'
  call print                    ; an answer while hardly any is
  mov al, 'z'
  call print
  xor ebx, ebx
  call_kernel SYSTEM, SHUTDOWN
broken:
  mov [abs dword value], rax
  mov al, '!'
  call print
  ud2

; Starts slot ebx.
start_slot:
  call_kernel SLOTS, SLOTS_START
  test eax, eax
  jnz broken
  ret

stop_slot:
  mov [abs dword cell], ebx
.again:
  mov ebx, [abs dword cell]
  call_kernel SLOTS, SLOTS_STOP
  cmp eax, STATUS_AGAIN
  je .again
  test eax, eax
  jnz broken
  ret

; Round trips to the echo: the shortest one in `value`, in `slow` how many took more than twice
; that.
trips:
  mov qword [abs dword cell], TRIPS
.trip:
  read_counter
  mov [abs dword since], rax
  call_kernel ECHO, ECHO_4
  test eax, eax
  jnz broken
  read_counter
  sub rax, [abs dword since]
  mov rcx, [abs dword cell]
  mov [elapsed + rcx * 8 - 8], rax
  dec qword [abs dword cell]
  jnz .trip
  ; The first one warms up.
  mov rax, -1
  xor ecx, ecx
.least:
  cmp rax, [elapsed + rcx * 8]
  cmova rax, [elapsed + rcx * 8]
  inc ecx
  cmp ecx, TRIPS - 1
  jb .least
  mov [abs dword value], rax
  add rax, rax
  xor ecx, ecx
  xor edx, edx
.count:
  cmp [elapsed + rcx * 8], rax
  jbe .short
  inc edx
.short:
  inc ecx
  cmp ecx, TRIPS - 1
  jb .count
  mov [abs dword slow], rdx
  ret

; Answers REPLIES calls from number ecx on: the shortest time in `value`.
replies:
  mov qword [abs dword value], -1
  mov dword [abs dword cell + 8], REPLIES
.reply:
  mov [abs dword cell], ecx
  mov rbp, [tokens + rcx * 8]
  read_counter
  mov [abs dword since], rax
  mov rdi, rbp
  call answer
  read_counter
  sub rax, [abs dword since]
  cmp rax, [abs dword value]
  jae .longer
  mov [abs dword value], rax
.longer:
  mov ecx, [abs dword cell]
  inc ecx
  dec dword [abs dword cell + 8]
  jnz .reply
  ret

answer:
  xor esi, esi
  xor r9d, r9d
  xor r10d, r10d
  mov eax, OPERATION_REPLY
  syscall
  test eax, eax
  jnz broken
  ret

; The hostile program's answer, in `value` and r12.
ask_hostile:
  xor r12d, r12d
  xor r13d, r13d
  xor r14d, r14d
  call_kernel HOSTILE, ECHO_4
  mov [abs dword value], rbx
  test eax, eax
  jnz broken
  ret

define_print LOG
%endif

%if ROLE = ROLE_ECHO
start:
  mov eax, OPERATION_RECV
  xor esi, esi
.next:
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  mov eax, OPERATION_REPLY
  mov esi, FLAG_RECEIVE | 4
  jmp .next
%endif

%if ROLE = ROLE_SPINNER
start:
  jmp start
%endif

%if ROLE = ROLE_HOLDER
start:
  test rdi, rdi
  jnz .hold
.thread:
  mov ebx, 1
  mov r12d, 90
  call_kernel DOMAIN, START_THREAD
  inc dword [abs dword cell]
  cmp dword [abs dword cell], THREADS - 1
  jb .thread
.hold:
  call_kernel NAMED, HOLD
  jmp .hold
%endif

; Its caller says whether it does harm: then every segment register is loaded, fs with null, and the
; next to run is the victim.
%if ROLE = ROLE_HOSTILE
%define VICTIM (NAMED + 1)
start:
  mov eax, OPERATION_RECV
  xor esi, esi
.next:
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  mov [abs dword cell], rdi
  test rbx, rbx
  jz .ask
  mov eax, SELECTOR_USER_DATA
  mov ds, eax
  mov es, eax
  mov gs, eax
  mov fs, eax
  xor eax, eax
  mov fs, eax
.ask:
  call_kernel VICTIM, ECHO_4
  test eax, eax
  jz .answer
  mov rbx, -1                   ; The victim has died of it.
.answer:
  mov rdi, [abs dword cell]
  mov eax, OPERATION_REPLY
  mov esi, FLAG_RECEIVE | 4
  jmp .next
%endif

; Keeps a word in its thread block, and answers with what it reads there and in its segment
; registers.
%if ROLE = ROLE_VICTIM
start:
  mov qword [fs:0], SECRET
  mov eax, OPERATION_RECV
  xor esi, esi
.next:
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  mov rbx, [fs:0]
  mov eax, ds
  mov ecx, es
  or eax, ecx
  mov ecx, fs
  or eax, ecx
  mov ecx, gs
  or eax, ecx
  mov r12, rax
  mov eax, OPERATION_REPLY
  mov esi, FLAG_RECEIVE | 4
  jmp .next
%endif

section .data
define_print_data "turns"
slow: dq 0
since: dq 0
cell: dq 0, 0
tokens: times HELD dq 0
elapsed: times TRIPS dq 0
