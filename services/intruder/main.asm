; A hand-written program that the verifier has not passed. It tries the forbidden actions that the
; plan asks for: jumps and writes to forbidden addresses, privileged instructions, system calls with
; random arguments. An attempt ends the program (stopped), reports a refusal, or reaches
; `succeeded`.
bits 64
default abs
%include "programs/intruder.inc"

%define OPERATION_CALL 0
%define OPERATION_RECV 1
%define OPERATION_REPLY 2
%define OPERATION_NONE 99
%define FLAG_LONG 0x400
%define TIMEOUT_POLL 1
%define A_MILLISECOND 1000000
%define HANDLE_INBOX 0x10002

; Its linear memory. The first page holds values that must survive changes of registers and stack.
%define MEMORY 0x10000
%define CELL_ATTEMPT MEMORY
%define CELL_STACK (MEMORY + 8)
%define CELL_RANDOM (MEMORY + 16)
%define CELL_COUNT (MEMORY + 24)
%define SCRATCH (MEMORY + 0x800)
%define MEMORY_END 0x20000

%define KERNEL_IMAGE 0xffffffff80100000
%define KERNEL_MEMORY 0xfffffff000010000
%define PHYSICAL_MEMORY 0xffff800000001000
%define KERNEL_MEMORY_UNBACKED 0xfffffff0ffff0000
%define PHYSICAL_MEMORY_END 0xffff807ffffff000
%define NON_CANONICAL 0x0000800000000000

%define SELECTOR_KERNEL_CODE 0x08
%define SELECTOR_KERNEL_DATA 0x10
%define SELECTOR_USER_CODE_32 0x1b
%define SELECTOR_USER_DATA 0x23

%define FLAG_TRAP 0x100
%define FLAG_DIRECTION 0x400
%define FLAG_IO_PRIVILEGE 0x3000
%define FLAG_NESTED_TASK 0x4000
%define FLAG_ALIGNMENT 0x40000

%define COM1 0x3f8
%define KEYBOARD_COMMAND 0x64
%define PULSE_RESET 0xfe
%define PCI_ADDRESS 0xcf8

%define CALLS_MADE 4096

section .text align=16

; Names the code up to END, so that a fault in it can be explained.
%macro FUNCTION 1
  align 16, int3
  global %1:function (%1.end - %1)
%1:
%endmacro
%macro END 0
.end:
%endmacro
; An attempt that the processor must stop at the instructions given.
%macro FORBIDDEN 2-*
  FUNCTION %1
  %rep %0 - 1
  %rotate 1
  %1
  %endrep
  jmp succeeded
  END
%endmacro

FUNCTION _start
  mov [CELL_STACK], rsp
  ; What to try.
.next:
  mov rsp, [CELL_STACK]
  mov eax, OPERATION_CALL
  mov edi, HANDLE_PLAN
  mov esi, ATTACK_PLAN_NEXT_HEADER
  xor r9d, r9d
  syscall
  test eax, eax
  jnz .over
  mov [CELL_ATTEMPT], rbx
  mov qword [CELL_COUNT], 0
  lea rcx, [rel attempts]
.find:
  cmp dword [rcx + 4], 0
  je .over
  cmp [rcx], ebx
  je .found
  add rcx, 8
  jmp .find
.found:
  movsxd rax, dword [rcx + 4]
  lea rcx, [rel attempts]
  add rax, rcx
  jmp rax
.over:
  ud2
  END

; It was let do it.
FUNCTION succeeded
  mov r12d, ATTACK_PLAN_REPORT_OUTCOME_SUCCEEDED
  jmp report
  END

; It was refused, as often as the count says; rax is the last answer.
FUNCTION refused
  mov r12d, ATTACK_PLAN_REPORT_OUTCOME_REFUSED
  jmp report
  END

FUNCTION report
  mov rsp, [CELL_STACK]
  mov rbx, [CELL_ATTEMPT]
  mov r13d, eax
  mov r14, [CELL_COUNT]
  mov eax, OPERATION_CALL
  mov edi, HANDLE_PLAN
  mov esi, ATTACK_PLAN_REPORT_HEADER
  xor r9d, r9d
  syscall
  jmp _start.next
  END

; Running what is no code, changing what is.

  FORBIDDEN executeStack, {lea rax, [rsp - 64]}, {mov byte [rax], 0xc3}, {call rax}
  FORBIDDEN executeMemory, {mov eax, SCRATCH}, {mov byte [rax], 0xc3}, {call rax}
  FORBIDDEN executeConstants, {lea rax, [rel code_end + 4095]}, {and rax, -4096}, {call rax}
  FORBIDDEN writeCode, {mov byte [rel _start], 0xcc}
  FORBIDDEN writeConstants, {lea rax, [rel code_end + 4095]}, {and rax, -4096}, {mov byte [rax], 0}

; The kernel's half of the address space, and what belongs to neither.

  FORBIDDEN readKernelImage, {mov rax, KERNEL_IMAGE}, {mov rax, [rax]}
  FORBIDDEN writeKernelImage, {mov rax, KERNEL_IMAGE}, {mov [rax], rax}
  FORBIDDEN runKernelImage, {mov rax, KERNEL_IMAGE}, {call rax}
  FORBIDDEN readKernelMemory, {mov rax, KERNEL_MEMORY}, {mov rax, [rax]}
  FORBIDDEN writeKernelMemory, {mov rax, KERNEL_MEMORY}, {mov [rax], rax}
  FORBIDDEN runKernelMemory, {mov rax, KERNEL_MEMORY}, {call rax}
  FORBIDDEN readPhysicalMemory, {mov rax, PHYSICAL_MEMORY}, {mov rax, [rax]}
  FORBIDDEN writePhysicalMemory, {mov rax, PHYSICAL_MEMORY}, {mov [rax], rax}
  FORBIDDEN runPhysicalMemory, {mov rax, PHYSICAL_MEMORY}, {call rax}
  ; Where no page is: the kernel looks for one that it could give.
  FORBIDDEN readUnbackedMemory, {mov rax, KERNEL_MEMORY_UNBACKED}, {mov rax, [rax]}
  FORBIDDEN readBeyondMemory, {mov rax, PHYSICAL_MEMORY_END}, {mov rax, [rax]}
  FORBIDDEN readNowhere, {mov rax, NON_CANONICAL}, {mov rax, [rax]}
  FORBIDDEN runNowhere, {mov rax, NON_CANONICAL}, {jmp rax}
  FORBIDDEN pushOnKernelStack, {mov rsp, KERNEL_MEMORY}, {push rax}
  ; The exception's frame must not go where rsp points.
  FORBIDDEN faultWithoutStack, {mov rsp, NON_CANONICAL}, {ud2}

; Ways into another privilege.

  FORBIDDEN farReturnToKernel, {lea rax, [rel succeeded]}, {push SELECTOR_KERNEL_CODE}, \
    {push rax}, {o64 retf}
  FORBIDDEN farReturnTo32Bit, {push SELECTOR_USER_CODE_32}, {push MEMORY}, {o64 retf}
  FORBIDDEN interruptReturnToKernel, {lea rax, [rel succeeded]}, \
    {push SELECTOR_KERNEL_DATA}, {push rsp}, {pushfq}, {push SELECTOR_KERNEL_CODE}, {push rax}, \
    iretq
  FORBIDDEN loadKernelSegment, {mov eax, SELECTOR_KERNEL_DATA}, {mov ds, eax}
  FORBIDDEN systemReturn, {lea rcx, [rel succeeded]}, {o64 sysret}
  FORBIDDEN systemEnter, sysenter
  FORBIDDEN interruptSystemCall, {int 0x80}
  FORBIDDEN interruptPageFault, {push 0}, {int 0x0e}
  FORBIDDEN interruptTimer, {int 0x20}
  FORBIDDEN interruptDouble, {int 8}
  FORBIDDEN debugTrap, {db 0xf1}

; Instructions that are the kernel's alone.

  FORBIDDEN halt, hlt
  FORBIDDEN disableInterrupts, cli
  FORBIDDEN enableInterrupts, sti
  FORBIDDEN readPageTables, {mov rax, cr3}
  FORBIDDEN writePageTables, {xor eax, eax}, {mov cr3, rax}
  FORBIDDEN liftWriteProtection, {mov eax, 0x80000031}, {mov cr0, rax}
  FORBIDDEN liftFences, {mov eax, 0x20}, {mov cr4, rax}
  FORBIDDEN setBreakpoint, {xor eax, eax}, {mov dr7, rax}
  FORBIDDEN readModelRegister, {mov ecx, 0xc0000082}, rdmsr
  FORBIDDEN writeModelRegister, {mov ecx, 0xc0000082}, {xor eax, eax}, {xor edx, edx}, wrmsr
  FORBIDDEN loadSegmentTable, {mov qword [SCRATCH], 0xffff}, {lgdt [SCRATCH]}
  FORBIDDEN loadInterruptTable, {mov qword [SCRATCH], 0xffff}, {lidt [SCRATCH]}
  ; Only UMIP forbids it: where the boot line misses that, the address is what is gained.
  FORBIDDEN findSegmentTable, {sgdt [SCRATCH]}, {mov rax, [SCRATCH + 2]}, {mov [CELL_COUNT], rax}
  FORBIDDEN invalidatePage, {invlpg [MEMORY]}
  FORBIDDEN dropCaches, wbinvd
  FORBIDDEN swapBase, swapgs
  FORBIDDEN writeThreadBase, {mov rax, KERNEL_MEMORY}, {wrfsbase rax}
  FORBIDDEN useVectors, {movaps xmm0, xmm1}
  ; Registers that keep their values across a switch of domains, and so could carry a message.
  FORBIDDEN useCoprocessor, fld1
  FORBIDDEN useProtectionKeys, {xor eax, eax}, {xor ecx, ecx}, {xor edx, edx}, wrpkru
  FORBIDDEN breakpoint, int3
  FORBIDDEN readCounters, {xor ecx, ecx}, rdpmc
  FORBIDDEN waitForWrite, {mov eax, MEMORY}, {xor ecx, ecx}, {xor edx, edx}, monitor
  FORBIDDEN switchPageTables, {xor eax, eax}, {xor ecx, ecx}, vmfunc

; Ports, and the privilege for them.

  FORBIDDEN readPort, {mov dx, COM1}, {in al, dx}
  FORBIDDEN writePort, {mov al, PULSE_RESET}, {out KEYBOARD_COMMAND, al}
  FORBIDDEN writePortWide, {mov dx, PCI_ADDRESS}, {mov eax, 0x80000000}, {out dx, eax}
  FORBIDDEN writePortString, {mov dx, COM1}, {lea rsi, [rel _start]}, {mov ecx, 16}, {rep outsb}
  FORBIDDEN raiseIoPrivilege, pushfq, {or qword [rsp], FLAG_IO_PRIVILEGE}, popfq, cli
  FORBIDDEN stepItself, pushfq, {or qword [rsp], FLAG_TRAP}, popfq, nop

; System calls. Each must be refused and must return to the program.

; Records the status in eax, and continues the loop while the status is a refusal.
%macro EXPECT_REFUSAL 0
  inc qword [CELL_COUNT]
  test eax, eax
  jz succeeded
%endmacro

; Waits without receiving, so that other domains run meanwhile.
%macro GIVE_TURN 0
  mov eax, OPERATION_RECV
  xor esi, esi
  mov r10d, HANDLE_INBOX
  mov r9d, A_MILLISECOND
  syscall
%endmacro

FUNCTION unknownOperations
.loop:
  ; 3, 4, 5 …, and each with something in the upper half.
  mov rbx, [CELL_COUNT]
  lea rax, [rbx + OPERATION_REPLY + 1]
  mov rcx, rbx
  shl rcx, 40
  or rax, rcx
  mov edi, HANDLE_PLAN
  mov esi, ATTACK_PLAN_NEXT_HEADER
  mov r9d, TIMEOUT_POLL
  syscall
  EXPECT_REFUSAL
  cmp qword [CELL_COUNT], CALLS_MADE
  jb .loop
  jmp refused
  END

; All registers random. Half of the calls name a handle that it has, and so get further; no method
; is one that it may call.
FUNCTION garbageCalls
  mov rax, 0x9e3779b97f4a7c15
  mov [CELL_RANDOM], rax
.loop:
  call random
  mov rbx, rax
  call random
  mov r12, rax
  call random
  mov r13, rax
  call random
  mov r14, rax
  call random
  mov rbp, rax
  call random
  mov r15, rax
  call random
  mov r8, rax
  call random
  mov r10, rax
  call random
  mov rdx, rax
  call random
  mov rsi, rax
  call random
  mov rdi, rax
  mov r9d, TIMEOUT_POLL
  test r15d, 1
  jz .strangeHandle
  ; Handles 1 to 4: its domain, inbox, thread and the plan.
  and edi, 3
  add edi, 0x10001
  and esi, 0xffff
  or esi, (ATTACK_PLAN_NEXT_HEADER & 0xffff0000) | 0x200
.strangeHandle:
  test r15d, 2
  jz .strangeInbox
  mov r10d, HANDLE_INBOX
.strangeInbox:
  mov eax, ebp
  and eax, 3
  syscall
  EXPECT_REFUSAL
  cmp qword [CELL_COUNT], CALLS_MADE
  jb .loop
  jmp refused
  END

; rax: the next pseudo-random number. Changes rcx.
FUNCTION random
  mov rax, [CELL_RANDOM]
  mov rcx, rax
  shl rcx, 13
  xor rax, rcx
  mov rcx, rax
  shr rcx, 7
  xor rax, rcx
  mov rcx, rax
  shl rcx, 17
  xor rax, rcx
  mov [CELL_RANDOM], rax
  ret
  END

; Sends from a record at an address without memory, and receives into it.
FUNCTION wildRecords
.loop:
  mov rcx, [CELL_COUNT]
  lea rdx, [rel wild_addresses]
  mov rdx, [rdx + rcx * 8]
  mov eax, OPERATION_CALL
  mov edi, HANDLE_PLAN
  mov esi, ATTACK_PLAN_REPORT_HEADER | FLAG_LONG
  mov r9d, TIMEOUT_POLL
  syscall
  EXPECT_REFUSAL
  mov rcx, [CELL_COUNT]
  lea rdx, [rel wild_addresses - 8]
  mov rdx, [rdx + rcx * 8]
  mov eax, OPERATION_RECV
  mov esi, FLAG_LONG
  mov r10d, HANDLE_INBOX
  mov r9d, TIMEOUT_POLL
  syscall
  test eax, eax
  jz succeeded
  cmp qword [CELL_COUNT], WILD_ADDRESSES
  jb .loop
  jmp refused
  END

; System calls with an arbitrary stack pointer, which the kernel must not use.
FUNCTION wildStacks
.loop:
  mov rcx, [CELL_COUNT]
  lea rdx, [rel wild_addresses]
  mov rsp, [rdx + rcx * 8]
  mov eax, OPERATION_NONE
  syscall
  mov rcx, [CELL_COUNT]
  lea rdx, [rel wild_addresses]
  cmp rsp, [rdx + rcx * 8]
  jne succeeded
  EXPECT_REFUSAL
  cmp qword [CELL_COUNT], WILD_ADDRESSES
  jb .loop
  jmp refused
  END

; Sets every flag that it can, and makes a call: the dangerous flags must be clear afterwards.
FUNCTION wildFlags
  pushfq
  or qword [rsp], FLAG_ALIGNMENT | FLAG_NESTED_TASK | FLAG_IO_PRIVILEGE | FLAG_DIRECTION | 0x8d5
  popfq
  mov eax, OPERATION_NONE
  syscall
  pushfq
  pop rcx
  test ecx, FLAG_ALIGNMENT | FLAG_NESTED_TASK | FLAG_IO_PRIVILEGE | FLAG_TRAP
  jnz succeeded
  EXPECT_REFUSAL
  jmp refused
  END

; Leaves marks in the segment registers and lets other domains run. The marks must be gone
; afterwards, or another domain may have seen them.
FUNCTION markSegments
  mov ecx, SELECTOR_USER_DATA
  mov ds, ecx
  mov es, ecx
  mov fs, ecx
  mov gs, ecx
  GIVE_TURN
  xor ecx, ecx
  mov edx, ds
  or ecx, edx
  mov edx, es
  or ecx, edx
  mov edx, fs
  or ecx, edx
  mov edx, gs
  or ecx, edx
  mov [CELL_COUNT], rcx
  jnz succeeded
  jmp refused
  END

; Looks for what others and the kernel have left in registers while they had their turn.
FUNCTION readLeftovers
  mov rbp, -1
  mov r15, -1
  mov rbx, -1
  mov r12, -1
  mov r13, -1
  mov r14, -1
  GIVE_TURN
.resumed:
  lea rdi, [rel .resumed]
  sub rcx, rdi
  or rcx, rbx
  or rcx, rdx
  or rcx, rsi
  or rcx, rbp
  or rcx, r8
  or rcx, r9
  or rcx, r10
  or rcx, r12
  or rcx, r13
  or rcx, r14
  or rcx, r15
  ; Interrupts are on, and the bit that always is.
  xor r11, 0x202
  or rcx, r11
  mov [CELL_COUNT], rcx
  jnz succeeded
  jmp refused
  END

; The trap that it asks for comes due at the first instruction of the kernel.
FUNCTION stepIntoKernel
  mov ecx, SELECTOR_USER_DATA
  pushfq
  or qword [rsp], FLAG_TRAP
  mov eax, OPERATION_NONE
  popfq
  syscall
  pushfq
  pop rcx
  test ecx, FLAG_TRAP
  jnz succeeded
  EXPECT_REFUSAL
  ; Once more, with the trap held off by a new stack segment.
  mov ecx, SELECTOR_USER_DATA
  pushfq
  or qword [rsp], FLAG_TRAP
  mov eax, OPERATION_NONE
  mov edx, ecx
  popfq
  mov ss, edx
  syscall
  EXPECT_REFUSAL
  jmp refused
  END

  align 8, int3
wild_addresses:
  dq 0, 8, MEMORY - 8, MEMORY + 4, MEMORY + 1, MEMORY_END - 8, MEMORY_END
  dq 0x80000000, 0xfffffff8, 0xffffffff
  dq NON_CANONICAL, -NON_CANONICAL - 8, -8, -1
  dq KERNEL_IMAGE, KERNEL_MEMORY - MEMORY, PHYSICAL_MEMORY, 0x8000000000000000

WILD_ADDRESSES equ ($ - wild_addresses) / 8

; What to do for which of the plan's words: its number, where it lies.
%macro ATTEMPT 2
  dd ATTACK_PLAN_NEXT_ATTEMPT_%1, %2 - attempts
%endmacro
attempts:
  ATTEMPT EXECUTE_STACK, executeStack
  ATTEMPT EXECUTE_MEMORY, executeMemory
  ATTEMPT EXECUTE_CONSTANTS, executeConstants
  ATTEMPT WRITE_CODE, writeCode
  ATTEMPT WRITE_CONSTANTS, writeConstants
  ATTEMPT READ_KERNEL_IMAGE, readKernelImage
  ATTEMPT WRITE_KERNEL_IMAGE, writeKernelImage
  ATTEMPT RUN_KERNEL_IMAGE, runKernelImage
  ATTEMPT READ_KERNEL_MEMORY, readKernelMemory
  ATTEMPT WRITE_KERNEL_MEMORY, writeKernelMemory
  ATTEMPT RUN_KERNEL_MEMORY, runKernelMemory
  ATTEMPT READ_PHYSICAL_MEMORY, readPhysicalMemory
  ATTEMPT WRITE_PHYSICAL_MEMORY, writePhysicalMemory
  ATTEMPT RUN_PHYSICAL_MEMORY, runPhysicalMemory
  ATTEMPT READ_NOWHERE, readNowhere
  ATTEMPT RUN_NOWHERE, runNowhere
  ATTEMPT PUSH_ON_KERNEL_STACK, pushOnKernelStack
  ATTEMPT FAULT_WITHOUT_STACK, faultWithoutStack
  ATTEMPT FAR_RETURN_TO_KERNEL, farReturnToKernel
  ATTEMPT FAR_RETURN_TO_LEGACY, farReturnTo32Bit
  ATTEMPT INTERRUPT_RETURN_TO_KERNEL, interruptReturnToKernel
  ATTEMPT LOAD_KERNEL_SEGMENT, loadKernelSegment
  ATTEMPT SYSTEM_RETURN, systemReturn
  ATTEMPT SYSTEM_ENTER, systemEnter
  ATTEMPT INTERRUPT_SYSTEM_CALL, interruptSystemCall
  ATTEMPT INTERRUPT_PAGE_FAULT, interruptPageFault
  ATTEMPT INTERRUPT_TIMER, interruptTimer
  ATTEMPT INTERRUPT_DOUBLE, interruptDouble
  ATTEMPT DEBUG_TRAP, debugTrap
  ATTEMPT HALT, halt
  ATTEMPT DISABLE_INTERRUPTS, disableInterrupts
  ATTEMPT ENABLE_INTERRUPTS, enableInterrupts
  ATTEMPT READ_PAGE_TABLES, readPageTables
  ATTEMPT WRITE_PAGE_TABLES, writePageTables
  ATTEMPT LIFT_WRITE_PROTECTION, liftWriteProtection
  ATTEMPT LIFT_FENCES, liftFences
  ATTEMPT SET_BREAKPOINT, setBreakpoint
  ATTEMPT READ_MODEL_REGISTER, readModelRegister
  ATTEMPT WRITE_MODEL_REGISTER, writeModelRegister
  ATTEMPT LOAD_SEGMENT_TABLE, loadSegmentTable
  ATTEMPT LOAD_INTERRUPT_TABLE, loadInterruptTable
  ATTEMPT FIND_SEGMENT_TABLE, findSegmentTable
  ATTEMPT INVALIDATE_PAGE, invalidatePage
  ATTEMPT DROP_CACHES, dropCaches
  ATTEMPT SWAP_BASE, swapBase
  ATTEMPT WRITE_THREAD_BASE, writeThreadBase
  ATTEMPT USE_VECTORS, useVectors
  ATTEMPT READ_PORT, readPort
  ATTEMPT WRITE_PORT, writePort
  ATTEMPT WRITE_PORT_WIDE, writePortWide
  ATTEMPT WRITE_PORT_STRING, writePortString
  ATTEMPT RAISE_IO_PRIVILEGE, raiseIoPrivilege
  ATTEMPT STEP_ITSELF, stepItself
  ATTEMPT UNKNOWN_OPERATIONS, unknownOperations
  ATTEMPT GARBAGE_CALLS, garbageCalls
  ATTEMPT WILD_RECORDS, wildRecords
  ATTEMPT WILD_STACKS, wildStacks
  ATTEMPT WILD_FLAGS, wildFlags
  ATTEMPT STEP_INTO_KERNEL, stepIntoKernel
  ATTEMPT USE_COPROCESSOR, useCoprocessor
  ATTEMPT USE_PROTECTION_KEYS, useProtectionKeys
  ATTEMPT BREAKPOINT, breakpoint
  ATTEMPT READ_COUNTERS, readCounters
  ATTEMPT WAIT_FOR_WRITE, waitForWrite
  ATTEMPT SWITCH_PAGE_TABLES, switchPageTables
  ATTEMPT MARK_SEGMENTS, markSegments
  ATTEMPT READ_LEFTOVERS, readLeftovers
  ATTEMPT READ_UNBACKED_MEMORY, readUnbackedMemory
  ATTEMPT READ_BEYOND_MEMORY, readBeyondMemory
  dd 0, 0
code_end:

section .note.GNU-stack noalloc noexec nowrite progbits
