; Threads that a message resumes, and that the short way out of the kernel must not resume
; (tests/system/long-exits.test.ts): one program for each ROLE. A page of code, then linear memory
; from 64 KiB on.
bits 64

OPERATION_RECV  equ 1
OPERATION_REPLY equ 2
FLAG_LONG       equ 1 << 10
FLAG_RECEIVE    equ 1 << 11
DOMAIN          equ 0x10001
INBOX           equ 0x10002
; Behind what every instance has: endpoints, channels, services of the kernel, in the manifest's
; order.
NAMED           equ 0x10004
PROBE           equ 0x7f3
ECHO_4          equ (PROBE << 16) | (0 << 4) | 4
; The debugger waits for the call with this header.
ASTRAY          equ (PROBE << 16) | (1 << 4) | 4
; A call that is never answered.
HOLD            equ (PROBE << 16) | (2 << 4)
START_THREAD    equ (1 << 16) | (6 << 4) | 2
SLOTS_START     equ (12 << 16) | (3 << 4) | 1
LOG_WRITE       equ (13 << 16) | FLAG_LONG | 1
SHUTDOWN        equ (15 << 16) | (1 << 4) | 1

ROLE_JUDGE  equ 0
ROLE_PORTS  equ 1
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

%macro call_kernel 2
  mov edi, %1
  mov esi, %2
  xor r9d, r9d
  xor eax, eax
  syscall
%endmacro

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

section .text start=0 vstart=0x1000000000

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
  mov edi, PORTS
  mov cl, 'p'
  call ask
  mov edi, PAIR
  mov cl, 'f'
  call ask
  mov ebp, [abs dword cell]
  dec ebp
  jnz .again
  mov edi, THIEF
  mov cl, 't'
  call ask
  mov edi, LOST
  mov cl, 'a'
  call ask
  mov edi, PORTS
  mov cl, 'z'
  call ask
  xor ebx, ebx
  call_kernel SYSTEM, SHUTDOWN

; Calls handle edi. Prints the letter cl and: the status, word 0 of the answer, and what is behind
; fs afterwards, a byte each.
ask:
  mov [abs dword letter], cl
  xor ebx, ebx
  xor r12d, r12d
  xor r13d, r13d
  xor r14d, r14d
  mov esi, ECHO_4
  xor r9d, r9d
  xor eax, eax
  syscall
  shl eax, 16
  movzx ecx, bl
  shl ecx, 8
  or eax, ecx
  or eax, [fs:0]
  mov edx, eax
  mov ecx, 7
.digit:
  mov eax, edx
  and eax, 15
  cmp eax, 10
  jb .decimal
  add eax, 'a' - 10 - '0'
.decimal:
  add eax, '0'
  mov [digits + rcx], al
  shr edx, 4
  dec ecx
  jns .digit
  mov edx, record
  mov rbx, TEXT_BYTES << 32
  call_kernel LOG, LOG_WRITE
  ret
%endif

; Reads its port after each message: without its bitmap it would fault.
%if ROLE = ROLE_PORTS
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
  mov ebp, 3
.more:
  mov [abs dword cell + 8], ebp
  xor ebx, ebx
  call_kernel PORTS, ECHO_4
  mov ebp, [abs dword cell + 8]
  dec ebp
  jnz .more
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
  mov ebp, 3
.more:
  mov [abs dword cell + 8], ebp
  xor ebx, ebx
  call_kernel PORTS, ECHO_4
  mov ebp, [abs dword cell + 8]
  dec ebp
  jnz .more
  call_kernel PORTS, ASTRAY
  mov ebx, 0xee                 ; It has returned.
  ret
%endif

section .data start=4096 vstart=0x10000
cell: dq 0, 0, 0
; A message record that carries the text as its arena.
align 8
record:
  times 64 db 0
  dd 1, 0, TEXT_BYTES, text
  times 608 - 80 db 0
text: db "exits "
letter: db "? "
digits: times 8 db 0
TEXT_BYTES equ $ - text
