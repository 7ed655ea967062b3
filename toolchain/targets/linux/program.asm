; An ordinary program: the module's start function, if it has one, then its export `main`. Its
; return ends the process with status 0.
;
; Defined by the caller: HAS_START if the module has a start function.

bits 64
default rel

extern export.main

section .text

global linux.program:function
linux.program:
%ifdef HAS_START
extern trine.start
        call    trine.start
%endif
        call    export.main
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
