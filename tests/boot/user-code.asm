; User code for the probe of the entry and exit stubs: a flat binary at the start of the domain
; region, its stack one page above. Each system call reports three numbers to the probe, in rdi, rsi
; and rdx; the operation says what they are.
bits 64
org 0x1000000000

%define REPORT_FIRST 0          ; registers as the thread was started with
%define REPORT_RETURNED 1       ; dead registers after a system call, flags, the word that came back
%define REPORT_UNTOUCHED 2      ; registers after interrupts, stack pointer, a word behind fs
%define REPORT_PORT 3           ; the granted port was read
%define FLAG_ALIGNMENT 0x40000
%define FLAG_DIRECTION 0x400
%define LOOPS 3000000

  jmp short start
; A function that the kernel must never run, at offset 2.
  mov eax, 0x5eed
  ret

start:
  ; Started by RESUME_ALL with every register zero but rdi.
  or rax, rbx
  or rax, rcx
  or rax, rdx
  or rax, rsi
  or rax, rbp
  or rax, r8
  or rax, r9
  or rax, r10
  or rax, r11
  or rax, r12
  or rax, r13
  or rax, r14
  or rax, r15
  mov rsi, rax
  pushfq
  pop rdx
  mov eax, REPORT_FIRST
  syscall

  ; Every register that is dead across a call is zero on return.
  mov rbx, 0x1111
  mov r12, 0x2222
  mov r13, 0x3333
  mov r14, 0x4444
  mov rbp, -1
  mov r15, -1
  mov r8, -1
  mov r9, -1
  mov r10, -1
  mov edi, 0
  mov esi, 0
  mov edx, 0
  pushfq
  or qword [rsp], FLAG_ALIGNMENT | FLAG_DIRECTION
  popfq
  mov eax, REPORT_FIRST
  syscall
  mov rdi, rbp
  or rdi, r9
  or rdi, r10
  or rdi, r15
  pushfq
  pop rsi
  lea rdx, [rbx + r12]
  add rdx, r13
  add rdx, r14
  mov eax, REPORT_RETURNED
  syscall

  ; Interrupts change no register.
  mov rbx, 1
  mov rcx, 1 << 1
  mov rdx, 1 << 2
  mov rsi, 1 << 3
  mov rdi, 1 << 4
  mov rbp, 1 << 5
  mov r8, 1 << 6
  mov r9, 1 << 7
  mov r10, 1 << 8
  mov r11, 1 << 9
  mov r12, 1 << 10
  mov r13, 1 << 11
  mov r14, 1 << 12
  mov r15, 1 << 13
  push rax
  pushfq
  or qword [rsp], FLAG_ALIGNMENT | FLAG_DIRECTION
  popfq
  mov rax, LOOPS
.wait:
  dec rax
  jnz .wait
  or rax, rbx
  or rax, rcx
  or rax, rdx
  or rax, rsi
  or rax, rdi
  or rax, rbp
  or rax, r8
  or rax, r9
  or rax, r10
  or rax, r11
  or rax, r12
  or rax, r13
  or rax, r14
  or rax, r15
  cld
  mov rdi, rax
  mov rsi, rsp
  mov rdx, [fs:8]
  mov eax, REPORT_UNTOUCHED
  syscall

  mov dx, 0x80
  in al, dx
  mov eax, REPORT_PORT
  syscall

; Forbidden instructions: the probe resumes at each of them after the fault that the instruction
; before has raised.
align 32
  mov dx, 0x81
  in al, dx
align 32
  cli
align 32
  int 0x20
align 32
  mov rax, cr3
align 32
  mov rax, 0xfffffff000010000
  mov rax, [rax]
align 32
  mov rax, 0xffff800000000000
  mov [rax], rax
align 32
  mov rax, 0xffffffff80100000
  jmp rax
align 32
  movaps xmm0, xmm1
align 32
  fld1
align 32
  rdfsbase rax
align 32
  sidt [rsp - 16]
align 32
  rdpmc
align 32
  int3
align 32
  db 0xf1
align 32
  pushfq
  or qword [rsp], 0x100
  popfq
  nop
align 32
  lea rax, [rsp + 0x20000]
  mov rax, [rax]
align 32
  lea rax, [rsp - 64]
  jmp rax
align 32
  xor eax, eax
  div eax
align 32
  sysenter
align 32
  mov eax, 0x7
  mov fs, eax                   ; a local descriptor
align 32
  hlt
