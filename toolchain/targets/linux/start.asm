; Start of a compiled module as a Linux process: reserves the window of linear memory, loads its
; initial contents, gives the code a native stack with guards, turns signals into traps, and runs
; `linux.program` (program.asm or harness.asm).
;
; Defined by the caller: MEMORY_PAGES, MEMORY_PAGES_MAX, LINEAR_ADDRESS, FIRST_BYTES (unmapped at
; the start of linear memory: 65536, or 0 for a module that uses low addresses), STACK_BYTES.

bits 64
default rel

LINEAR_BASE             equ 0x10000000
WINDOW_BYTES            equ 0x200000000 + 0x10000
STACK_GUARD_BYTES       equ 0x10000
NATIVE_STACK            equ 0x500000000
SIGNAL_STACK_BYTES      equ 0x4000

SYS_WRITE               equ 1
SYS_MMAP                equ 9
SYS_MPROTECT            equ 10
SYS_RT_SIGACTION        equ 13
SYS_RT_SIGRETURN        equ 15
SYS_SIGALTSTACK         equ 131
SYS_EXIT_GROUP          equ 231

PROT_NONE               equ 0
PROT_READ_WRITE         equ 3
MAP_PRIVATE_ANONYMOUS   equ 0x22
MAP_FIXED               equ 0x10
MAP_NORESERVE           equ 0x4000
MAP_FIXED_NOREPLACE     equ 0x100000

SIGILL                  equ 4
SIGBUS                  equ 7
SIGFPE                  equ 8
SIGSEGV                 equ 11
; siginfo, consumed on the alternate stack, which may be entered again after a recovered trap.
SIGNAL_FLAGS            equ 0x4 | 0x08000000 | 0x04000000 | 0x40000000

; Offsets in ucontext.
CONTEXT_REGISTERS       equ 40
CONTEXT_RAX             equ CONTEXT_REGISTERS + 13 * 8
CONTEXT_RSP             equ CONTEXT_REGISTERS + 15 * 8
CONTEXT_RIP             equ CONTEXT_REGISTERS + 16 * 8

; Offsets in the symbol table (kernel/abi/symbol-table.ts).
SYMBOLS_TEXT_ADDRESS     equ 0
SYMBOLS_TEXT_BYTES       equ 8
SYMBOLS_FUNCTION_COUNT   equ 12
SYMBOLS_FUNCTIONS        equ 16
SYMBOLS_FILES            equ 32
SYMBOLS_DETAILS          equ 36
SYMBOLS_STRINGS          equ 40
SYMBOLS_FUNCTION_START   equ 0
SYMBOLS_FUNCTION_DETAILS equ 8
SYMBOLS_FUNCTION_BYTES   equ 12
SYMBOLS_FILE_BYTES       equ 4

; FaultKind and TRAP_KINDS (kernel/abi/fault.ts).
FAULT_OUT_OF_BOUNDS     equ 1
FAULT_NULL              equ 2
FAULT_STACK             equ 3
FAULT_DIVIDE_ZERO       equ 4
FAULT_DIVIDE_OVERFLOW   equ 5
FAULT_UNREACHABLE       equ 6
FAULT_ILLEGAL           equ 9
FAULT_PROTECTION        equ 10
FAULT_OTHER             equ 13
TRAP_KINDS              equ 1 << 1 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 14
OPCODE_UD2              equ 0x0b0f
OPCODE_UD1              equ 0xb90f
; The last byte of an instruction between two registers is this and three bits for each.
REGISTERS               equ 0xc0
DIVIDE                  equ 0xf7
; From here on that byte means `div` and `idiv`.
DIVIDE_REGISTERS        equ 0xf0
PREFIX                  equ 0x40
PREFIX_MASK             equ 0xf0
PREFIX_WIDE             equ 8
PREFIX_HIGH             equ 1

extern linux.program
extern trine.memory_pages
extern trine.symbols
extern trine.data
extern trine.data.end
extern linear_image
extern linear_image_end

section .text

global _start:function
_start:
        xor     ebp, ebp
        cld
        mov     rdi, LINEAR_BASE
        mov     rsi, WINDOW_BYTES
        mov     edx, PROT_NONE
        mov     r10d, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE
        call    map
        mov     rdi, NATIVE_STACK - STACK_BYTES - STACK_GUARD_BYTES
        mov     rsi, STACK_BYTES + 2 * STACK_GUARD_BYTES
        mov     edx, PROT_NONE
        mov     r10d, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE
        call    map
        mov     rdi, NATIVE_STACK - STACK_BYTES
        mov     rsi, STACK_BYTES
        call    make_writable
        call    linux.load_memory
        call    install_handlers
        mov     rsp, NATIVE_STACK
        call    linux.program
        xor     edi, edi
        jmp     exit

; Gives linear memory its initial size and contents: zero but for the data segments.
global linux.load_memory
linux.load_memory:
%if MEMORY_PAGES * 65536 > FIRST_BYTES
        mov     rdi, LINEAR_BASE + FIRST_BYTES
        mov     rsi, MEMORY_PAGES * 65536 - FIRST_BYTES
        mov     edx, PROT_READ_WRITE
        mov     r10d, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
        call    map
%endif
%if MEMORY_PAGES_MAX > MEMORY_PAGES
        mov     rdi, LINEAR_BASE + MEMORY_PAGES * 65536
        mov     rsi, (MEMORY_PAGES_MAX - MEMORY_PAGES) * 65536
        mov     edx, PROT_NONE
        mov     r10d, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
        call    map
%endif
        lea     rsi, [linear_image]
        lea     rcx, [linear_image_end]
        sub     rcx, rsi
        mov     rdi, LINEAR_BASE + LINEAR_ADDRESS
        rep movsb
        ret

; rdi address, rsi bytes, edx protection, r10d flags. Ends the process if it cannot be had.
map:
        mov     r12, rdi
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, SYS_MMAP
        syscall
        cmp     rax, r12
        jne     .refused
        ret
.refused:
        lea     rsi, [text_no_window]
        mov     edx, text_no_window.end - text_no_window
        call    complain
        mov     edi, 127
        jmp     exit

make_writable:
        mov     edx, PROT_READ_WRITE
        mov     eax, SYS_MPROTECT
        syscall
        test    rax, rax
        jnz     map.refused
        ret

; memory.grow: edi = pages more; eax = pages before, or -1.
global trine_memory_grow:function
trine_memory_grow:
        mov     eax, [trine.memory_pages]
        mov     edx, eax
        add     edx, edi
        jc      .refused
        cmp     edx, MEMORY_PAGES_MAX
        ja      .refused
        test    edi, edi
        jz      .done
        push    rax
        push    rdx
        push    rbx
        mov     esi, edi
        mov     edi, eax
        shl     rdi, 16
        add     rdi, LINEAR_BASE
        shl     rsi, 16
        ; With less than 64 KiB of memory before, only what lies above the unmapped start may be
        ; touched.
        mov     rbx, LINEAR_BASE + FIRST_BYTES
        cmp     rdi, rbx
        jae     .map
        sub     rbx, rdi
        add     rdi, rbx
        sub     rsi, rbx
        jz      .mapped
.map:
        mov     edx, PROT_READ_WRITE
        mov     eax, SYS_MPROTECT
        syscall
.mapped:
        pop     rbx
        pop     rdx
        test    rax, rax
        pop     rax
        jnz     .refused
        mov     [trine.memory_pages], edx
.done:
        ret
.refused:
        mov     eax, -1
        ret

; exit status in edi
exit:
        mov     eax, SYS_EXIT_GROUP
        syscall
        ud2

; linux.exit(code)
global import.linux.exit.i_:function
global linux.exit:function
import.linux.exit.i_ equ exit
linux.exit equ exit

; linux.write(fd, linear address, bytes): bytes written, or a negative error. What is not the
; module's memory, the system call refuses.
global import.linux.write.iii_i:function
import.linux.write.iii_i:
        add     rsi, LINEAR_BASE
        mov     eax, SYS_WRITE
        syscall
        mov     eax, eax
        ret

; rsi text, edx bytes
complain:
        mov     edi, 2
        mov     eax, SYS_WRITE
        syscall
        ret

install_handlers:
        lea     rdi, [signal_stack_description]
        xor     esi, esi
        mov     eax, SYS_SIGALTSTACK
        syscall
        lea     rbx, [caught_signals]
.next:
        movzx   edi, byte [rbx]
        test    edi, edi
        jz      .done
        lea     rsi, [signal_action]
        xor     edx, edx
        mov     r10d, 8
        mov     eax, SYS_RT_SIGACTION
        syscall
        inc     rbx
        jmp     .next
.done:
        ret

restore_from_signal:
        mov     eax, SYS_RT_SIGRETURN
        syscall

; edi signal, rsi siginfo, rdx ucontext. Finds out the kind of fault. If somebody asked for it,
; execution goes on there with eax = kind; else the process ends.
on_signal:
        mov     r15, rdx
        mov     r14, [rdx + CONTEXT_RIP]
        mov     r13, [rsi + 16]
        mov     ebx, edi
        cmp     ebx, SIGILL
        je      .illegal
        cmp     ebx, SIGFPE
        je      .divide

        mov     eax, FAULT_STACK
        mov     rcx, NATIVE_STACK - STACK_BYTES - STACK_GUARD_BYTES
        mov     rdx, r13
        sub     rdx, rcx
        cmp     rdx, STACK_GUARD_BYTES
        jb      .known
        ; Under the address-size prefix, sums that reach 4 GiB come out below the base, where
        ; nothing is mapped either.
        mov     eax, FAULT_OUT_OF_BOUNDS
        mov     rdx, r13
        sub     rdx, LINEAR_BASE
        jb      .known
        mov     eax, FAULT_NULL
        cmp     rdx, FIRST_BYTES
        jb      .known
        mov     eax, FAULT_OUT_OF_BOUNDS
        mov     rcx, WINDOW_BYTES
        cmp     rdx, rcx
        jb      .known
        mov     eax, FAULT_PROTECTION
        jmp     .known

.illegal:
        mov     eax, FAULT_UNREACHABLE
        movzx   ecx, word [r14]
        cmp     ecx, OPCODE_UD2
        je      .known
        mov     eax, FAULT_ILLEGAL
        cmp     ecx, OPCODE_UD1
        jne     .known
        movzx   ecx, byte [r14 + 2]
        sub     ecx, REGISTERS
        cmp     ecx, 31
        ja      .known
        mov     edx, TRAP_KINDS
        bt      edx, ecx
        jnc     .known
        mov     eax, ecx
        jmp     .known

.divide:
        mov     eax, FAULT_OTHER
        mov     rsi, r14
        movzx   edx, byte [rsi]
        mov     ecx, edx
        and     ecx, PREFIX_MASK
        cmp     ecx, PREFIX
        je      .prefixed
        xor     edx, edx
        dec     rsi
.prefixed:
        cmp     byte [rsi + 1], DIVIDE
        jne     .known
        movzx   ecx, byte [rsi + 2]
        cmp     ecx, DIVIDE_REGISTERS
        jb      .known
        and     ecx, 7
        mov     edi, edx
        and     edi, PREFIX_HIGH
        lea     ecx, [rcx + rdi * 8]
        lea     rdi, [context_offset_of_register]
        movzx   ecx, byte [rdi + rcx]
        mov     rcx, [r15 + rcx]
        test    edx, PREFIX_WIDE
        jnz     .wide
        mov     ecx, ecx
.wide:
        mov     eax, FAULT_DIVIDE_ZERO
        test    rcx, rcx
        jz      .known
        mov     eax, FAULT_DIVIDE_OVERFLOW

.known:
        mov     rcx, [linux.recovery]
        test    rcx, rcx
        jz      report
        mov     [r15 + CONTEXT_RIP], rcx
        mov     rcx, [linux.recovery_stack]
        mov     [r15 + CONTEXT_RSP], rcx
        mov     [r15 + CONTEXT_RAX], rax
        ret

; eax = kind, r14 = address of the instruction. Prints `trap: kind at 0x… in function file.ts:line`
; and ends with 128 + kind.
report:
        mov     r12d, eax
        lea     rdi, [message]
        lea     rsi, [text_trap]
        call    append
        lea     rsi, [fault_names]
        mov     ecx, r12d
.skip:
        test    ecx, ecx
        jz      .named
.character:
        inc     rsi
        cmp     byte [rsi - 1], 0
        jne     .character
        dec     ecx
        jmp     .skip
.named:
        call    append
        lea     rsi, [text_at]
        call    append
        mov     rax, r14
        call    append_hexadecimal
        call    append_place
        mov     byte [rdi], 10
        inc     rdi
        lea     rsi, [message]
        mov     rdx, rdi
        sub     rdx, rsi
        call    complain
        lea     edi, [r12 + 128]
        jmp     exit

; Appends the text at rsi, up to its zero, at rdi; the message buffer's last bytes are kept free for
; the numbers.
append:
        lea     rcx, [message.end - 64]
.next:
        mov     al, [rsi]
        test    al, al
        jz      .done
        cmp     rdi, rcx
        jae     .done
        mov     [rdi], al
        inc     rsi
        inc     rdi
        jmp     .next
.done:
        ret

append_hexadecimal:
        mov     ecx, 16
.next:
        rol     rax, 4
        mov     edx, eax
        and     edx, 15
        cmp     edx, 10
        jb      .digit
        add     edx, 'a' - '0' - 10
.digit:
        add     edx, '0'
        mov     [rdi], dl
        inc     rdi
        dec     ecx
        jnz     .next
        ret

append_decimal:
        mov     ecx, 10
        xor     ebx, ebx
.divide:
        xor     edx, edx
        div     ecx
        push    rdx
        inc     ebx
        test    eax, eax
        jnz     .divide
.next:
        pop     rdx
        add     edx, '0'
        mov     [rdi], dl
        inc     rdi
        dec     ebx
        jnz     .next
        ret

; Function, file and line of r14, from the symbol table (toolchain/elf/symbol-table.md); nothing for
; code that is not compiled.
append_place:
        lea     r8, [trine.symbols]
        mov     rdx, r14
        sub     rdx, [r8 + SYMBOLS_TEXT_ADDRESS]
        mov     ecx, [r8 + SYMBOLS_TEXT_BYTES]
        cmp     rdx, rcx
        jae     .unknown

        ; r9 = the last function that starts at or below edx; there is one.
        mov     r9d, [r8 + SYMBOLS_FUNCTIONS]
        add     r9, r8
        mov     r10d, [r8 + SYMBOLS_FUNCTION_COUNT]
.function:
        dec     r10d
        jz      .found
        cmp     [r9 + SYMBOLS_FUNCTION_BYTES + SYMBOLS_FUNCTION_START], edx
        ja      .found
        add     r9, SYMBOLS_FUNCTION_BYTES
        jmp     .function
.found:
        lea     rsi, [text_in]
        call    append
        mov     ebx, [r9 + SYMBOLS_FUNCTION_DETAILS]
        mov     eax, [r8 + SYMBOLS_DETAILS]
        add     rbx, r8
        add     rbx, rax
        call    next_number
        mov     r11d, eax                       ; file
        test    eax, eax
        jz      .name
        call    append_file
        ; The name goes on where the file's `.ts` was.
        sub     rdi, 2
        mov     byte [rdi - 1], '/'
.name:
        call    next_number
        call    append_string
        call    next_number                     ; frame bytes
        call    next_number
        mov     r10d, eax                       ; rows left
        mov     ebp, [r9 + SYMBOLS_FUNCTION_START]
        xor     r13d, r13d                      ; line
        xor     r15d, r15d                      ; line that holds, 0: none
.row:
        sub     r10d, 1
        jb      .rows_done
        call    next_number
        shr     eax, 1
        sbb     esi, esi                        ; not 0: the file changes
        add     ebp, eax
        cmp     ebp, edx
        ja      .rows_done
        test    esi, esi
        jz      .same_file
        call    next_number
        mov     r11d, eax
.same_file:
        call    next_number
        shr     eax, 1
        sbb     esi, esi
        xor     eax, esi
        add     r13d, eax
        mov     r15d, r13d
        jmp     .row
.rows_done:
        test    r15d, r15d
        jz      .unknown
        mov     byte [rdi], ' '
        inc     rdi
        mov     eax, r11d
        call    append_file
        mov     byte [rdi], ':'
        inc     rdi
        mov     eax, r15d
        call    append_decimal
.unknown:
        ret

; eax = the unsigned LEB128 number at rbx, which moves behind it. Changes ecx, esi.
next_number:
        xor     eax, eax
        xor     ecx, ecx
.byte:
        movzx   esi, byte [rbx]
        inc     rbx
        and     esi, 0x7f
        shl     esi, cl
        or      eax, esi
        add     ecx, 7
        test    byte [rbx - 1], 0x80
        jnz     .byte
        ret

; Appends the name of file eax of the table r8. Changes rcx, rsi, al.
append_file:
        mov     ecx, [r8 + SYMBOLS_FILES]
        add     rcx, r8
        mov     eax, [rcx + rax * SYMBOLS_FILE_BYTES]
; Appends the string at offset eax of the string part of the table r8, likewise.
append_string:
        mov     esi, [r8 + SYMBOLS_STRINGS]
        add     rsi, r8
        add     rsi, rax
        jmp     append

section .rodata

text_no_window:
        db      "linux: the address range of linear memory or of the native stack is taken", 10
.end:
text_trap:
        db      "trap: ", 0
text_at:
        db      " at 0x", 0
text_in:
        db      " in ", 0
; By FaultKind.
fault_names:
        db      "none", 0, "out of bounds", 0, "null reference", 0, "stack exhausted", 0
        db      "division by zero", 0, "division overflow", 0
        db      "unreachable", 0, "indirect call of another signature", 0
        db      "indirect call outside the table", 0, "illegal instruction", 0
        db      "protection", 0, "execution of data", 0, "quota exhausted", 0
        db      "exception", 0, "indirect call of a null function", 0
; Offset in ucontext by x86 register number.
context_offset_of_register:
        db      CONTEXT_REGISTERS + 13 * 8, CONTEXT_REGISTERS + 14 * 8
        db      CONTEXT_REGISTERS + 12 * 8, CONTEXT_REGISTERS + 11 * 8
        db      CONTEXT_REGISTERS + 15 * 8, CONTEXT_REGISTERS + 10 * 8
        db      CONTEXT_REGISTERS + 9 * 8, CONTEXT_REGISTERS + 8 * 8
        db      CONTEXT_REGISTERS + 0 * 8, CONTEXT_REGISTERS + 1 * 8
        db      CONTEXT_REGISTERS + 2 * 8, CONTEXT_REGISTERS + 3 * 8
        db      CONTEXT_REGISTERS + 4 * 8, CONTEXT_REGISTERS + 5 * 8
        db      CONTEXT_REGISTERS + 6 * 8, CONTEXT_REGISTERS + 7 * 8
caught_signals:
        db      SIGILL, SIGBUS, SIGFPE, SIGSEGV, 0

section .data

align 8
signal_stack_description:
        dq      signal_stack
        dd      0, 0
        dq      SIGNAL_STACK_BYTES
signal_action:
        dq      on_signal
        dq      SIGNAL_FLAGS
        dq      restore_from_signal
        dq      0

; Where execution goes on after a trap, and with which stack; 0: the process ends.
global linux.recovery
global linux.recovery_stack
linux.recovery:
        dq      0
linux.recovery_stack:
        dq      0

section .bss

alignb 16
signal_stack:
        resb    SIGNAL_STACK_BYTES
message:
        resb    512
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
