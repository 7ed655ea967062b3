; The first instructions of a domain, and the growth of its linear memory. The kernel starts the
; first thread at `_start` with rsp at the top of its native stack. The verifier checks this code
; like compiled code.
;
; Defined by the caller: HAS_START if the module has a start function.

bits 64
default rel

extern export.main
extern trine.memory_pages

section .text align=16

global _start:function (_start.end - _start)
_start:
        xor     ebp, ebp
%ifdef HAS_START
extern trine.start
        call    trine.start
%endif
        call    export.main
        ; A program that returns from `main` is done; stopping is the supervisor's, so it is a fault
        ; like any other end.
        ud2
.end:

        align   16, int3

; memory.grow: edi = pages more; eax = pages before, or -1: a call of Domain.grow on the domain's
; own handle, which policy and quota may refuse. Pages come into being on first touch. A system call
; leaves only rsp and what it returns.
HANDLE_DOMAIN   equ (1 << 16) | 1
HEADER_GROW     equ (1 << 16) | (12 << 4) | 1           ; interface Domain, method grow, one word

global trine_memory_grow:function (trine_memory_grow.end - trine_memory_grow)
trine_memory_grow:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        push    rdi
        mov     ebx, edi
        mov     edi, HANDLE_DOMAIN
        mov     esi, HEADER_GROW
        xor     r9d, r9d
        xor     eax, eax
        syscall
        pop     rdi
        test    eax, eax
        jnz     .refused
        mov     eax, ebx
        add     edi, ebx
        mov     [trine.memory_pages], edi
        jmp     .done
.refused:
        mov     eax, -1
.done:
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
.end:
        align   16, int3

section .note.GNU-stack noalloc noexec nowrite progbits
