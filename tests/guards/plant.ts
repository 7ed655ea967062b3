// How the programs of this image ask for what tests/guards/kernel.ts has planted: a call to a
// handle that is none, word 0 says what. native.asm has these numbers too.

/** Index 0 names no handle, so every other kernel answers BadHandle. */
export const PLANTED_HANDLE: u32 = 0x5eed0000;

export enum Plant {
  /** Word 1 is an address; word 0 becomes what stands there. */
  Read = 0x100,
  /** Word 1 is an address; the kernel jumps there. */
  Run = 0x101,
  /** No bug, a question: word 0 becomes the number of the attempt to begin with. */
  First = 0x102,
}
