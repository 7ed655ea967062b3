// What makes an ELF64 file a Trine executable. The kernel accepts: ET_EXEC, EM_X86_64, at most 8
// program headers, only PT_LOAD and one PT_NOTE; segments page-aligned, not overlapping, none
// writable and executable, inside linear memory or the domain region.
//
// The note: name "Trine\0" (namesz 6), type NOTE_TYPE, description of NOTE_BYTES:

export const NOTE_TYPE = 1;
/** u32: ABI_VERSION. */
export const NOTE_ABI_VERSION = 0;
/** u32: flags, NOTE_FLAG_*. */
export const NOTE_FLAGS = 4;
/** u32: pages of 64 KiB of linear memory at the start. */
export const NOTE_MEMORY_PAGES = 8;
/** u32: pages of 64 KiB to which it may grow; shared objects are mapped above. */
export const NOTE_MEMORY_PAGES_MAX = 12;
/** u32: bytes of native stack of the first thread. */
export const NOTE_STACK_BYTES = 16;
/** u32: bytes of the thread block behind fs. */
export const NOTE_THREAD_BLOCK_BYTES = 20;
/** u64: address at which further threads start (rdi = argument), 0 if the program has none. */
export const NOTE_THREAD_ENTRY = 24;
/** u32: level of x86-64 that its code needs, from 1 to LEVEL_MOST. */
export const NOTE_LEVEL = 32;
/** u32: zero. */
export const NOTE_RESERVED = 36;
export const NOTE_BYTES = 40;

/**
 * The levels of the System V ABI for x86-64: every 64-bit processor has level 1; level 2 adds
 * POPCNT and vectors up to SSE4.2; level 3 adds LZCNT, BMI1, BMI2 and MOVBE. AVX and its
 * companions, level 3 in the ABI, are left out: the kernel does not switch their registers.
 */
export const LEVEL_MOST = 3;
