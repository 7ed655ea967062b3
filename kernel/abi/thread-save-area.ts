// Where the entry and exit stubs (kernel/x64/*.asm) save a thread's registers: offsets in a Thread
// object, behind the 32 bytes of its object header. NASM gets these numbers from the generated
// build/generated/abi.inc.

export const SAVE_RAX = 32;
export const SAVE_RBX = 40;
export const SAVE_RCX = 48;
export const SAVE_RDX = 56;
export const SAVE_RSI = 64;
export const SAVE_RDI = 72;
export const SAVE_RBP = 80;
export const SAVE_R8 = 88;
export const SAVE_R9 = 96;
export const SAVE_R10 = 104;
export const SAVE_R11 = 112;
export const SAVE_R12 = 120;
export const SAVE_R13 = 128;
export const SAVE_R14 = 136;
export const SAVE_R15 = 144;
export const SAVE_RIP = 152;
export const SAVE_RSP = 160;
export const SAVE_RFLAGS = 168;
export const SAVE_FS_BASE = 176;
/** u64: what CR3 is written with; see `spaceOf` of kernel/x64/paging.ts. */
export const SAVE_CR3 = 184;
/** u32: RESUME_*. */
export const SAVE_RESUME = 192;
/**
 * u32: linear address of the domain's I/O permission bitmap in the kernel's window; 0 if the domain
 * has no ports.
 */
export const SAVE_PORTS = 196;
/**
 * u64: SAVE_FS_BASE if the verifier proved that the program loads no segment register, else
 * FS_BASE_UNPROVEN of kernel/object/thread.ts.
 */
export const SAVE_FS_PROVEN = 200;
/** End of the save area. */
export const SAVE_BYTES = 208;

/**
 * Entered by syscall: the exit stub loads the message registers, zeroes the others and uses sysret.
 */
export const RESUME_SYSTEM_CALL = 0;
/** Interrupted, faulted or new: all registers by iretq. */
export const RESUME_ALL = 1;
