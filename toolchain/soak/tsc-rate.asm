; A Linux program: prints the time stamp counter's rate in Hz, as 200 ms of the system's monotonic
; clock show it. Of eight pairs of readings at either end it takes the closest.
bits 64
section .text
global _start

%define SYSTEM_WRITE 1
%define SYSTEM_NANOSLEEP 35
%define SYSTEM_CLOCK_GETTIME 228
%define SYSTEM_EXIT 60
%define CLOCK_MONOTONIC_RAW 4

_start:
  call reading
  mov r14, rax
  mov r15, rdx
  mov eax, SYSTEM_NANOSLEEP
  lea rdi, [rel pause]
  xor esi, esi
  syscall
  call reading
  sub rax, r14
  sub rdx, r15
  ; ticks * 10^9 / ns
  mov ecx, 1000000000
  mov rbx, rdx
  mul rcx
  div rbx
  lea rsi, [rel end]
  mov ecx, 10
.digit:
  xor edx, edx
  div rcx
  add dl, "0"
  dec rsi
  mov [rsi], dl
  test rax, rax
  jnz .digit
  lea rdx, [rel end + 1]
  sub rdx, rsi
  mov eax, SYSTEM_WRITE
  mov edi, 1
  syscall
  mov eax, SYSTEM_EXIT
  xor edi, edi
  syscall

; rax = ticks, rdx = ns, at the same moment. Changes rbx, rbp, r8..r13 too.
reading:
  mov r8d, 8
  mov r9, -1
.attempt:
  rdtsc
  shl rdx, 32
  lea rbx, [rdx + rax]
  mov eax, SYSTEM_CLOCK_GETTIME
  mov edi, CLOCK_MONOTONIC_RAW
  lea rsi, [rel time]
  syscall
  rdtsc
  shl rdx, 32
  add rax, rdx
  sub rax, rbx
  cmp rax, r9
  jae .next
  mov r9, rax
  shr rax, 1
  lea r10, [rbx + rax]
  imul rbp, [rel time], 1000000000
  add rbp, [rel time + 8]
.next:
  dec r8d
  jnz .attempt
  mov rax, r10
  mov rdx, rbp
  ret

section .data
pause: dq 0, 200000000
time: dq 0, 0
digits: times 20 db 0
end: db 10
