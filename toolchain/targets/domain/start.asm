; The first instructions of a domain, and the growth of its linear memory. The kernel starts the first thread at `_start`
; with rsp at the top of its native stack. The verifier checks this code like compiled code.
;
; Defined by the caller: MEMORY_PAGES_MAX; HAS_START if the module has a start function.

bits 64
default rel

extern main
extern trine.memory_pages

section .text align=16

global _start:function (_start.end - _start)
_start:
        xor     ebp, ebp
%ifdef HAS_START
extern trine.start
        call    trine.start
%endif
        call    main
        ; A program that returns from `main` is done; stopping is the supervisor's, so it is a fault like any other end.
        ud2
.end:

        align   16, int3

; memory.grow: edi = pages more; eax = pages before, or -1. Pages come into being on first touch, within the domain's quota.
global trine_memory_grow:function (trine_memory_grow.end - trine_memory_grow)
trine_memory_grow:
        mov     eax, [trine.memory_pages]
        mov     edx, eax
        add     edx, edi
        jc      .refused
        cmp     edx, MEMORY_PAGES_MAX
        ja      .refused
        mov     [trine.memory_pages], edx
        ret
.refused:
        mov     eax, -1
        ret
.end:
        align   16, int3

section .note.GNU-stack noalloc noexec nowrite progbits
