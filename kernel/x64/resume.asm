; The exit stub: resumes the thread that the kernel has made current, or waits for an interrupt if
; there is none.
%include "kernel/x64/cpu.inc"

extern export.currentSaveArea, export.fault
extern current_save_area, space_loaded, fs_base_loaded, fs_base_trusted
extern port_bitmap_source, port_bitmap, task_state, kernel_stack_top, top_table

global resume: function (resume.end - resume)

%define TASK_BITMAP 102
%define BITMAP_OFFSET 104
%define NO_BITMAP 0xffff
; Of fs_base_trusted. No thread has it: it is not canonical, and FS_BASE_UNPROVEN, which an
; unverified one has, is another number.
%define FS_BASE_UNKNOWN 1 << 63

; Back to user code behind its `syscall`: rcx = rip; rsp and the registers of results and words are
; the thread's. Clears the others.
%macro RETURN_FROM_SYSTEM_CALL 0
  mov r11d, USER_FLAGS
  xor ebp, ebp
  xor r9d, r9d
  xor r10d, r10d
  xor r15d, r15d
  o64 sysret
%endmacro

section .text.message progbits alloc exec nowrite align=64
bits 64
align 64

; r15 = KERNEL_LINEAR_BASE, rsp = kernel_stack_top, interrupts off.
resume:
  call export.currentSaveArea
  test eax, eax
  jz .idle
  lea rdi, [r15 + rax]
  mov [rel current_save_area], rdi

  mov rax, [rdi + SAVE_CR3]
  cmp rax, [rel space_loaded]
  je .same_space
  SWITCH_SPACE rax
  mov rax, [rdi + SAVE_FS_PROVEN]
  cmp rax, [rel fs_base_trusted]
  jne .load_segments
.switched:

  mov eax, [rdi + SAVE_PORTS]
  test eax, eax
  jnz .ports
  mov word [rel task_state + TASK_BITMAP], NO_BITMAP
.ports_set:

  ; A return to an address that is not canonical would fault in the kernel.
  mov rcx, [rdi + SAVE_RIP]
  mov rax, rcx
  shr rax, 47
  jnz .bad_address
  cmp dword [rdi + SAVE_RESUME], RESUME_SYSTEM_CALL
  jne .all

  mov eax, [rdi + SAVE_RAX]
  mov esi, [rdi + SAVE_RSI]
  mov rdx, [rdi + SAVE_RDX]
  mov r8, [rdi + SAVE_R8]
  mov rbx, [rdi + SAVE_RBX]
  mov r12, [rdi + SAVE_R12]
  mov r13, [rdi + SAVE_R13]
  mov r14, [rdi + SAVE_R14]
  mov rsp, [rdi + SAVE_RSP]
  mov rdi, [rdi + SAVE_RDI]
  RETURN_FROM_SYSTEM_CALL

.all:
  mov dword [rdi + SAVE_RESUME], RESUME_SYSTEM_CALL
  push SELECTOR_USER_DATA
  push qword [rdi + SAVE_RSP]
  mov rax, [rdi + SAVE_RFLAGS]
  and eax, USER_FLAGS_KEPT
  or eax, USER_FLAGS
  push rax
  push SELECTOR_USER_CODE
  push rcx
  mov rax, [rdi + SAVE_RAX]
  mov rbx, [rdi + SAVE_RBX]
  mov rcx, [rdi + SAVE_RCX]
  mov rdx, [rdi + SAVE_RDX]
  mov rsi, [rdi + SAVE_RSI]
  mov rbp, [rdi + SAVE_RBP]
  mov r8, [rdi + SAVE_R8]
  mov r9, [rdi + SAVE_R9]
  mov r10, [rdi + SAVE_R10]
  mov r11, [rdi + SAVE_R11]
  mov r12, [rdi + SAVE_R12]
  mov r13, [rdi + SAVE_R13]
  mov r14, [rdi + SAVE_R14]
  mov r15, [rdi + SAVE_R15]
  mov rdi, [rdi + SAVE_RDI]
  iretq

.same_space:
  mov rax, [rdi + SAVE_FS_BASE]
  cmp rax, [rel fs_base_loaded]
  jne .load_fs_base
  jmp .switched

  ; A program can load segment registers, and no other part of the exit stubs replaces them: they
  ; would show the next domain some bits, and loading a selector, even null, changes the base of fs.
  ; Only code that the verifier has not proved to load no segment register can do so. Resuming such
  ; code always passes here and leaves the base unknown, so that the next thread passes here too and
  ; gets all registers written.
.load_segments:
  mov rax, FS_BASE_UNKNOWN
  cmp rax, [rel fs_base_trusted]
  jne .load_fs_base
  xor eax, eax
  mov ds, eax
  mov es, eax
  mov fs, eax
  mov gs, eax
.load_fs_base:
  mov rax, [rdi + SAVE_FS_BASE]
  mov [rel fs_base_loaded], rax
  mov [rel fs_base_trusted], rax
  mov edx, [rdi + SAVE_FS_BASE + 4]
  mov ecx, MSR_FS_BASE
  wrmsr
  cmp dword [rdi + SAVE_FS_PROVEN + 4], 0
  jge .switched
  mov rax, FS_BASE_UNKNOWN
  mov [rel fs_base_trusted], rax
  jmp .switched

  ; The bitmap is copied when another domain with ports comes than the last one, and after
  ; forgetPorts.
.ports:
  cmp rax, [rel port_bitmap_source]
  je .bitmap_there
  mov [rel port_bitmap_source], rax
  mov rdx, rdi
  lea rsi, [r15 + rax]
  lea rdi, [rel port_bitmap]
  mov ecx, 8192 / 8
  rep movsq
  mov rdi, rdx
.bitmap_there:
  mov word [rel task_state + TASK_BITMAP], BITMAP_OFFSET
  jmp .ports_set

  ; As if the thread had jumped there: a protection fault of its own. `fault` stops it, so this
  ; ends.
.bad_address:
  mov edi, 13
  xor esi, esi
  mov rdx, rcx
  call export.fault
  jmp resume

.idle:
  mov qword [rel current_save_area], 0
  mov rax, [rel top_table]
  cmp rax, [rel space_loaded]
  je .wait
  SWITCH_SPACE rax
.wait:
  sti
  hlt
  ; Other interrupts do not come back here.
  int VECTOR_NON_MASKABLE_REPORT
.end:

; resumeMessage(token, header, badge, thread, caller): the exit of the fast path. The arguments and
; the words are in the registers in which the thread expects them, except the thread. What the
; common case does not need takes the long way: ports, another fs base, segment registers that a
; program may have loaded, an address that is not canonical.
  provides resumeMessage, lilil_
  lea rcx, [r15 + rcx]
  cmp dword [rcx + SAVE_PORTS], 0
  jne .long_way
  mov r10, [rcx + SAVE_RIP]
  mov rax, r10
  shr rax, 47
  jnz .long_way
  mov rax, [rcx + SAVE_CR3]
  cmp rax, [rel space_loaded]
  je .same_space
  ; Before the address space is switched, for `resume` looks at segments where it switches.
  mov r9, [rcx + SAVE_FS_PROVEN]
  cmp r9, [rel fs_base_trusted]
  jne .long_way
  SWITCH_SPACE rax
.switched:
  mov [rel current_save_area], rcx
  mov word [rel task_state + TASK_BITMAP], NO_BITMAP
  mov rsp, [rcx + SAVE_RSP]
  mov rcx, r10
  xor eax, eax
  RETURN_FROM_SYSTEM_CALL
.same_space:
  mov rax, [rcx + SAVE_FS_BASE]
  cmp rax, [rel fs_base_loaded]
  je .switched
.long_way:
  mov qword [rcx + SAVE_RAX], 0
  mov [rcx + SAVE_RDI], rdi
  mov [rcx + SAVE_RSI], rsi
  mov [rcx + SAVE_RDX], rdx
  mov [rcx + SAVE_R8], r8
  mov [rcx + SAVE_RBX], rbx
  mov [rcx + SAVE_R12], r12
  mov [rcx + SAVE_R13], r13
  mov [rcx + SAVE_R14], r14
  lea rsp, [rel kernel_stack_top]
  jmp resume
.end:

; resumeSavedMessage(token, header, badge, thread, caller): as resumeMessage, with the words in the
; thread's save area.
  provides resumeSavedMessage, lilil_
  lea rax, [r15 + rcx]
  mov rbx, [rax + SAVE_RBX]
  mov r12, [rax + SAVE_R12]
  mov r13, [rax + SAVE_R13]
  mov r14, [rax + SAVE_R14]
  jmp import.assembly.resumeMessage.lilil_
.end:

; resumeCurrent(): the ordinary exit, for the fast path.
  provides resumeCurrent, _
  lea rsp, [rel kernel_stack_top]
  jmp resume
.end:

; returnWord(word, header): the exit after a system call that only reads. The thread goes on where
; it is, so nothing is switched. Its address is canonical: `syscall` has put it there, and no code
; lies at the end of the lower half (kernel/abi/address-space.ts).
  provides returnWord, li_
  mov rcx, [rel current_save_area]
  mov rsp, [rcx + SAVE_RSP]
  mov rcx, [rcx + SAVE_RIP]
  mov rbx, rdi
  xor eax, eax
  xor edi, edi
  xor edx, edx
  xor r8d, r8d
  xor r12d, r12d
  xor r13d, r13d
  xor r14d, r14d
  RETURN_FROM_SYSTEM_CALL
.end:

; loadSpace(space): what SWITCH_SPACE does, for page tables that go.
  provides loadSpace, l_
  SWITCH_SPACE rdi
  ret
.end:

; loadedSpace(): u64, what CR3 was written with last.
  provides loadedSpace, _l
  mov rax, [rel space_loaded]
  ret
.end:

; forgetPorts(): the next domain with ports gets its bitmap copied again.
  provides forgetPorts, _
  mov qword [rel port_bitmap_source], 0
  mov word [rel task_state + TASK_BITMAP], NO_BITMAP
  ret
.end:
