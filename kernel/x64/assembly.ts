// Functions written in NASM (kernel-memory.asm, resume.asm), whose symbols hold module, name and
// type: see `provides` in cpu.inc.

/** Virtual address of the first instruction of the image, and the end of its code. */
export declare function kernelTextStart(): u64;
export declare function kernelTextEnd(): u64;
/** Physical address behind the image and the initial linear memory. */
export declare function kernelEndPhysical(): u64;
/** Where the initial data of linear memory is mapped and where it lies. */
export declare function kernelLinearStart(): u64;
export declare function kernelLinearPhysical(): u64;
export declare function kernelLinearPhysicalEnd(): u64;
/** Physical address behind the page tables that boot made. */
export declare function bootTablesEnd(): u64;
/** Physical address of the top table that boot made. */
export declare function kernelTopTable(): u64;
/** Address of the `syscall` entry. */
export declare function systemCallEntry(): u64;
export declare function kernelStackBottom(): u64;
export declare function kernelStackTop(): u64;
/** Address of the table of toolchain/elf/symbol-table.md; 0 if the kernel was linked without it. */
export declare function symbolTable(): u64;

/** A byte of the kernel's code or read-only data; 0 elsewhere. */
export declare function imageLoad8(address: u64): u32;
export declare function imageLoad32(address: u64): u32;
/** A word of one of the kernel's stacks; 0 elsewhere. */
export declare function stackLoad(address: u64): u64;
/** The end of the kernel stack in which the address lies; 0 if it lies in none. */
export declare function stackTopAbove(address: u64): u64;
/** The most bytes of the kernel's stack that were ever in use. */
export declare function kernelStackUsed(): u32;
/** The caller's stack pointer after the return. */
export declare function stackPointer(): u64;
/** The address at which the caller continues after this call. */
export declare function returnAddress(): u64;

/** Non-maskable interrupts since the start, and the instruction that the last one came before. */
export declare function nonMaskableCount(): u64;
export declare function nonMaskableAddress(): u64;
/**
 * From now on each non-maskable interrupt makes the local APIC interrupt the processor. `register`:
 * physical address of the APIC's command register.
 */
export declare function reportNonMaskableBy(register: u64): void;

/**
 * Writes CR3: the page tables behind `space` are in force, and the value is what `loadedSpace`
 * returns. Only this function and the exit stubs switch address spaces.
 */
export declare function loadSpace(space: u64): void;
/** What CR3 was written with last, bit 63 included, without reading CR3. */
export declare function loadedSpace(): u64;

/**
 * Makes the kernel copy the bitmap of the next domain with ports again. Must be called after an I/O
 * bitmap has changed and before one is freed.
 */
export declare function forgetPorts(): void;

/**
 * Leaves the kernel: resumes a thread that waits since a system call of its own and whose registers
 * hold the words, with Status.Ok and the other arguments as its result (kernel/abi/system-call.ts).
 * `thread`: linear address of the thread. Does not return, but in Node.
 */
export declare function resumeMessage(
  token: u64,
  header: u32,
  badge: u64,
  thread: u32,
  caller: u64,
): void;

/** As `resumeMessage`, with the words in the thread's save area. */
export declare function resumeSavedMessage(
  token: u64,
  header: u32,
  badge: u64,
  thread: u32,
  caller: u64,
): void;

/**
 * Leaves the kernel: the thread that made the system call goes on with Status.Ok and a message of
 * one word. As `resumeMessage`.
 */
export declare function returnWord(word: u64, header: u32): void;

/** Leaves the kernel: resumes the current thread, or waits for an interrupt. As `resumeMessage`. */
export declare function resumeCurrent(): void;
