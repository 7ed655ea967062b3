; Calls exports of a compiled module as a test asks, and reports what came of it. Words of 64 bits
; on standard input:
;
;   1, export's number, number of arguments, arguments …
;      → kind of trap (FaultKind; 0: none), rax, rdx, what was not preserved: a mask of registers;
;        bit 4: rsp, bit 16: memory beside the stack's frame and the globals
;   2  → nothing; memory, globals and sizes are as at the start again
;   3  → pages of linear memory, hash of its contents
;   4  → number of mutable globals, their values
;
; Answers go to standard output in the same order, when all requests are done or the buffer is full.
; A trap ends only its call.
;
; Defined by the caller: FIRST_BYTES; HAS_START if the module has a start function.

bits 64
default rel

LINEAR_BASE             equ 0x10000000
INPUT_BYTES             equ 16 << 20
OUTPUT_BYTES            equ 1 << 20
; The longest answer but for globals, whose number is checked.
ANSWER_BYTES            equ 64
PRISTINE_BYTES          equ 1 << 20
HASH_START              equ 0x811c9dc5
HASH_FACTOR             equ 0x01000193

SYS_READ                equ 0
SYS_WRITE               equ 1

FAULT_IN_START          equ 0xff
CANARY                  equ 0x5ca1ab1e00c0ffee
; Memory that no function may touch: on the stack above the arguments, and behind the globals.
CANARY_WORDS            equ 64

extern linux.exit
extern linux.load_memory
extern linux.recovery
extern linux.recovery_stack
extern trine.data
extern trine.data.end
extern trine.globals
extern trine.globals.end
extern trine.memory_pages
extern trine.exports

section .text

global linux.program:function
linux.program:
        lea     rsi, [trine.data]
        lea     rdi, [pristine]
        lea     rcx, [trine.data.end]
        sub     rcx, rsi
        cmp     rcx, PRISTINE_BYTES
        ja      fail
        rep movsb
        call    run_start
        call    read_input
        lea     rbx, [input]
        lea     r12, [output]
.request:
        cmp     rbx, [input_end]
        jae     .done
        mov     rax, [rbx]
        add     rbx, 8
        cmp     rax, 1
        je      .call
        cmp     rax, 2
        je      .reset
        cmp     rax, 3
        je      .hash
        cmp     rax, 4
        je      .globals
        jmp     fail
.done:
        call    flush
        ret

.call:
        mov     rdi, [rbx]
        mov     rsi, [rbx + 8]
        lea     rdx, [rbx + 16]
        lea     rbx, [rdx + rsi * 8]
        call    call_export
        mov     [r12], rax
        mov     [r12 + 8], rcx
        mov     [r12 + 16], rdx
        mov     [r12 + 24], rsi
        add     r12, 32
        jmp     .answered

.reset:
        lea     rsi, [pristine]
        lea     rdi, [trine.data]
        lea     rcx, [trine.data.end]
        sub     rcx, rdi
        rep movsb
        push    rbx
        push    r12
        call    linux.load_memory
        call    run_start
        pop     r12
        pop     rbx
        jmp     .request

.hash:
        call    hash_memory
        mov     [r12 + 8], rax
        mov     eax, [trine.memory_pages]
        mov     [r12], rax
        add     r12, 16
        jmp     .answered

.globals:
        lea     rsi, [trine.globals]
        lea     rcx, [trine.globals.end]
        sub     rcx, rsi
        cmp     rcx, OUTPUT_BYTES / 2
        ja      fail
        mov     rax, rcx
        shr     rax, 3
        mov     [r12], rax
        lea     rdi, [r12 + 8]
        rep movsb
        mov     r12, rdi

.answered:
        lea     rax, [output + OUTPUT_BYTES / 2 - ANSWER_BYTES]
        cmp     r12, rax
        jb      .request
        call    flush
        jmp     .request

; The module's start function; a trap in it is none of the answers, so it ends the process.
run_start:
%ifdef HAS_START
extern trine.start
        lea     rax, [.trapped]
        mov     [linux.recovery], rax
        mov     [linux.recovery_stack], rsp
        call    trine.start
        mov     qword [linux.recovery], 0
        ret
.trapped:
        mov     edi, FAULT_IN_START
        jmp     linux.exit
%else
        ret
%endif

; rdi export, rsi number of arguments, rdx arguments. rax kind of trap, rcx and rdx results, rsi
; registers not preserved.
call_export:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     rax, CANARY
        mov     ecx, CANARY_WORDS
.guard:
        push    rax
        dec     ecx
        jnz     .guard
        mov     [call_stack], rsp
        mov     [linux.recovery_stack], rsp
        lea     rax, [.trapped]
        mov     [linux.recovery], rax
        lea     rax, [trine.exports]
        mov     rax, [rax + rdi * 8]
        mov     [call_target], rax
        mov     rax, rdx
.push:
        cmp     rsi, 8
        jbe     .load
        dec     rsi
        push    qword [rax + rsi * 8]
        jmp     .push
.load:
        mov     rdi, [rax]
        mov     rsi, [rax + 8]
        mov     rdx, [rax + 16]
        mov     rcx, [rax + 24]
        mov     r8, [rax + 32]
        mov     r9, [rax + 40]
        mov     r10, [rax + 48]
        mov     r11, [rax + 56]
        mov     rbx, CANARY
        lea     rbp, [rbx + 1]
        lea     r12, [rbx + 2]
        lea     r13, [rbx + 3]
        lea     r14, [rbx + 4]
        lea     r15, [rbx + 5]
        call    [call_target]
        mov     rcx, rax
        ; Which of the registers that a function preserves hold something else now.
        xor     esi, esi
        mov     rax, CANARY
%macro preserved 3
        lea     rdi, [rax + %2]
        xor     rdi, %1
        neg     rdi
        sbb     edi, edi
        and     edi, 1 << %3
        or      esi, edi
%endmacro
        preserved rbx, 0, 3
        preserved rbp, 1, 5
        preserved r12, 2, 12
        preserved r13, 3, 13
        preserved r14, 4, 14
        preserved r15, 5, 15
        cmp     rsp, [call_stack]
        je      .balanced
        or      esi, 1 << 4
        mov     rsp, [call_stack]
.balanced:
        xor     eax, eax
        jmp     .finished
.trapped:
        mov     eax, eax
        xor     ecx, ecx
        xor     edx, edx
        xor     esi, esi
.finished:
        mov     qword [linux.recovery], 0
        mov     r12, CANARY
        lea     r13, [canaries]
        mov     ebp, CANARY_WORDS
.compare:
        pop     rdi
        cmp     rdi, r12
        jne     .overwritten
        cmp     [r13], r12
        je      .intact
        mov     [r13], r12
.overwritten:
        or      esi, 1 << 16
.intact:
        add     r13, 8
        dec     ebp
        jnz     .compare
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

; rax = hash of linear memory by words of 32 bits: h = (rotate left h by 5) xor word, times a
; factor.
hash_memory:
        mov     ecx, [trine.memory_pages]
        shl     rcx, 16
        mov     rsi, LINEAR_BASE
        add     rcx, rsi
        add     rsi, FIRST_BYTES
        mov     eax, HASH_START
.next:
        cmp     rsi, rcx
        jae     .done
        rol     eax, 5
        xor     eax, [rsi]
        imul    eax, eax, HASH_FACTOR
        add     rsi, 4
        jmp     .next
.done:
        ret

read_input:
        lea     rbx, [input]
.more:
        lea     rdx, [input + INPUT_BYTES]
        sub     rdx, rbx
        jz      fail
        mov     rsi, rbx
        xor     edi, edi
        mov     eax, SYS_READ
        syscall
        test    rax, rax
        js      fail
        jz      .end
        add     rbx, rax
        jmp     .more
.end:
        mov     [input_end], rbx
        ret

; Writes what is in the output buffer; r12 is at its start again.
flush:
        push    rbx
        lea     rbx, [output]
.more:
        mov     rdx, r12
        sub     rdx, rbx
        jz      .done
        mov     rsi, rbx
        mov     edi, 1
        mov     eax, SYS_WRITE
        syscall
        test    rax, rax
        jle     fail
        add     rbx, rax
        jmp     .more
.done:
        lea     r12, [output]
        pop     rbx
        ret

fail:
        mov     edi, 126
        jmp     linux.exit

section .data

; Right behind the globals.
canaries:
        times CANARY_WORDS dq CANARY

section .bss

alignb 16
call_stack:
        resq    1
call_target:
        resq    1
input_end:
        resq    1
pristine:
        resb    PRISTINE_BYTES
output:
        resb    OUTPUT_BYTES
input:
        resb    INPUT_BYTES
        resb    4096

section .note.GNU-stack noalloc noexec nowrite progbits
