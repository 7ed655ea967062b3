// Where the entry and exit stubs (kernel/x64/*.asm) save a thread's registers: the first 192 bytes
// of a Thread object. NASM gets these numbers from the generated build/generated/abi.inc.

export const SAVE_RAX = 0;
export const SAVE_RBX = 8;
export const SAVE_RCX = 16;
export const SAVE_RDX = 24;
export const SAVE_RSI = 32;
export const SAVE_RDI = 40;
export const SAVE_RBP = 48;
export const SAVE_R8 = 56;
export const SAVE_R9 = 64;
export const SAVE_R10 = 72;
export const SAVE_R11 = 80;
export const SAVE_R12 = 88;
export const SAVE_R13 = 96;
export const SAVE_R14 = 104;
export const SAVE_R15 = 112;
export const SAVE_RIP = 120;
export const SAVE_RSP = 128;
export const SAVE_RFLAGS = 136;
export const SAVE_FS_BASE = 144;
/** u64: physical address of the top page table. */
export const SAVE_CR3 = 152;
/** u32: RESUME_*. */
export const SAVE_RESUME = 160;
/**
 * u32: linear address of the domain's I/O permission bitmap in the kernel window, 0 if it has no
 * ports.
 */
export const SAVE_PORTS = 164;
/**
 * u64: the same if it is proved that the program loads no segment register, else FS_BASE_UNPROVEN
 * of kernel/object/thread.ts.
 */
export const SAVE_FS_PROVEN = 168;
export const SAVE_BYTES = 192;

/**
 * Entered by syscall: the exit stub loads the message registers, zeroes the others and uses sysret.
 */
export const RESUME_SYSTEM_CALL = 0;
/** Interrupted, faulted or new: all registers by iretq. */
export const RESUME_ALL = 1;
