// The layout of virtual memory. A 64-bit address has two constants, its high and low halves, since
// AssemblyScript's untyped constants are exact only up to 2^53 and programs use 32-bit addresses.

export const PAGE_BYTES = 4096;

// A domain: linear memory at 0 .. 4 GiB, nothing from there to 64 GiB, then one region of 2 MiB for
// code, constants, tables, globals, thread blocks and native stacks.
/** The first 64 KiB of linear memory are never mapped: a null reference faults. */
export const LINEAR_NULL_BYTES = 65536;
/** Domain region: 0x10_0000_0000. */
export const DOMAIN_REGION_HIGH = 0x10;
export const DOMAIN_REGION_LOW = 0;
export const DOMAIN_REGION_BYTES = 0x200000;
/** Unmapped bytes on both sides of a native stack. */
export const STACK_GUARD_BYTES = 65536;
export const STACK_BYTES_DEFAULT = 65536;
/** The smallest and the largest native stack that a program may ask for. */
export const STACK_BYTES_MIN = 4096;
export const STACK_BYTES_MAX = 0x100000;

// The kernel: text and constants in the top 2 GiB, its linear memory in a window of its own behind
// r15, all of physical memory (but the kernel's image) in the direct map, never executable.
/** KERNEL_LINEAR_BASE = 0xFFFF_FFF0_0000_0000. */
export const KERNEL_LINEAR_HIGH = 0xfffffff0;
export const KERNEL_LINEAR_LOW = 0;
/** KERNEL_IMAGE_BASE = 0xFFFF_FFFF_8000_0000. */
export const KERNEL_IMAGE_HIGH = 0xffffffff;
export const KERNEL_IMAGE_LOW = 0x80000000;
/** DIRECT_MAP_BASE = 0xFFFF_8000_0000_0000. */
export const DIRECT_MAP_HIGH = 0xffff8000;
export const DIRECT_MAP_LOW = 0;
/** The kernel's one stack; the build compares it with the deepest chain of calls. */
export const KERNEL_STACK_BYTES = 32768;
/** Also on the stack: the processor's frame, and all registers when the kernel reports a panic. */
export const KERNEL_STACK_RESERVE = 512;
