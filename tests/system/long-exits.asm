; Threads that a message resumes, and that the short way out of the kernel must not resume
; (tests/system/long-exits.test.ts): one program for each ROLE.
%include "tests/support/assembly-program.inc"

PROBE           equ 0x7f3
ECHO_4          equ (PROBE << 16) | (0 << 4) | 4
; The debugger waits for the call with this header.
ASTRAY          equ (PROBE << 16) | (1 << 4) | 4
; A call that is never answered.
HOLD            equ (PROBE << 16) | (2 << 4)

ROLE_JUDGE  equ 0
ROLE_PORT   equ 1
ROLE_PAIR   equ 2
ROLE_THIEF  equ 3
ROLE_ASTRAY equ 4
ROLE_SINK   equ 5

; Slots by their order in the image, and the port that one of them has.
PORTS_SLOT  equ 1
PAIR_SLOT   equ 2
THIEF_SLOT  equ 3
ASTRAY_SLOT equ 4
SINK_SLOT   equ 5
PORT        equ 0x2f8

; What the threads have in their thread blocks.
JUDGE_MARK  equ 0x1
FIRST_MARK  equ 0x2
SECOND_MARK equ 0x3

; Receives, and goes on at %1 for each message with its token in rdi.
%macro serve 1
  mov eax, OPERATION_RECV
  xor esi, esi
%%next:
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  mov [abs dword cell], rdi
  call %1
  mov rdi, [abs dword cell]
  mov eax, OPERATION_REPLY
  mov esi, FLAG_RECEIVE | 4
  jmp %%next
%endmacro

; Prints each answer twice: the first call of each handle takes the slow path.
%if ROLE = ROLE_JUDGE
%define PORTS  (NAMED + 0)
%define PAIR   (NAMED + 1)
%define THIEF  (NAMED + 2)
%define LOST   (NAMED + 3)
%define SLOTS  (NAMED + 4)
%define LOG    (NAMED + 5)
%define SYSTEM (NAMED + 6)
start:
  mov qword [fs:0], JUDGE_MARK
  mov ebx, SINK_SLOT
.slot:
  mov [abs dword cell], ebx
  call_kernel SLOTS, SLOTS_START
  mov ebx, [abs dword cell]
  dec ebx
  jnz .slot

  mov ebp, 3
.again:
  mov [abs dword cell], ebp
  mov eax, PORTS
  mov cl, 'p'
  call ask
  mov eax, PAIR
  mov cl, 'f'
  call ask
  mov ebp, [abs dword cell]
  dec ebp
  jnz .again
  mov eax, THIEF
  mov cl, 't'
  call ask
  mov eax, LOST
  mov cl, 'a'
  call ask
  mov eax, PORTS
  mov cl, 'z'
  call ask
  xor ebx, ebx
  call_kernel SYSTEM, SHUTDOWN

; Calls handle eax. Prints the letter cl and: the status, word 0 of the answer, and what is behind
; fs afterwards, a byte each.
ask:
  mov [abs dword asked], cl
  xor ebx, ebx
  xor r12d, r12d
  xor r13d, r13d
  xor r14d, r14d
  call_kernel eax, ECHO_4
  shl eax, 16
  movzx ecx, bl
  shl ecx, 8
  or eax, ecx
  or eax, [fs:0]
  mov [abs dword value], rax
  mov al, [abs dword asked]
  jmp print

define_print LOG
%endif

; Reads its port after each message: without its bitmap it would fault.
%if ROLE = ROLE_PORT
start:
  serve .answer
.answer:
  mov edx, PORT
  in al, dx
  mov ebx, 1
  ret
%endif

; Two threads. The second one answers calls of the first, and of the judge by the first: always
; another base behind fs than that of the thread that ran before.
%if ROLE = ROLE_PAIR
%define OWN  (NAMED + 0)
%define SINK (NAMED + 1)
start:
  test rdi, rdi
  jnz .second
  mov qword [fs:0], FIRST_MARK
  mov ebx, 1
  mov r12d, 110
  call_kernel DOMAIN, START_THREAD
  ; Calls within the domain, until one takes the fast path.
  mov ebp, 3
.own:
  mov [abs dword cell + 8], ebp
  xor ebx, ebx
  xor r12d, r12d
  xor r13d, r13d
  xor r14d, r14d
  call_kernel OWN, ECHO_4
  test eax, eax
  jnz .wrong
  cmp rbx, SECOND_MARK
  jne .wrong
  cmp qword [fs:0], FIRST_MARK
  jne .wrong
  mov ebp, [abs dword cell + 8]
  dec ebp
  jnz .own
  mov qword [abs dword cell + 16], 0x40
.wait:
  call_kernel SINK, HOLD
  ud2
.wrong:
  mov qword [abs dword cell + 16], 0x80
  jmp .wait
.second:
  mov qword [fs:0], SECOND_MARK
  serve .answer
.answer:
  ; The mark, and 0x40 once the calls within the domain were right.
  mov rbx, [fs:0]
  or rbx, [abs dword cell + 16]
  ret
%endif

; Lets the domain with the port run, and then reads the port itself.
%if ROLE = ROLE_THIEF
%define PORTS (NAMED + 1)
start:
  serve .answer
.answer:
  call run_ports
  mov edx, PORT
  in al, dx
  mov ebx, 0xee                 ; The read has succeeded.
  ret
%endif

%if ROLE = ROLE_SINK
start:
  mov eax, OPERATION_RECV
  xor esi, esi
  xor r9d, r9d
  mov r10d, INBOX
  syscall
  jmp start
%endif

; The debugger gives its call a return address that is not canonical.
%if ROLE = ROLE_ASTRAY
%define PORTS (NAMED + 1)
start:
  serve .answer
.answer:
  call run_ports
  call_kernel PORTS, ASTRAY
  mov ebx, 0xee                 ; It has returned.
  ret
%endif

%if ROLE = ROLE_THIEF || ROLE = ROLE_ASTRAY
; Calls the domain with the port, so often that the last call takes the fast path.
run_ports:
  mov ebp, 3
.more:
  mov [abs dword cell + 8], ebp
  xor ebx, ebx
  call_kernel PORTS, ECHO_4
  mov ebp, [abs dword cell + 8]
  dec ebp
  jnz .more
  ret
%endif

section .data
define_print_data "exits"
cell: dq 0, 0, 0
asked: db 0
