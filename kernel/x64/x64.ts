// The machine instructions that WebAssembly cannot express. The back end lowers each inline; in
// Node the tests supply them. Only files under kernel/x64/ may import this file, as a tidy test
// checks; all other code calls their named functions.

export declare function in8(port: u32): u32;
export declare function out8(port: u32, value: u32): void;
export declare function out16(port: u32, value: u32): void;
export declare function out32(port: u32, value: u32): void;

export declare function readMsr(register: u32): u64;
export declare function writeMsr(register: u32, value: u64): void;
export declare function readCr2(): u64;
export declare function readCr3(): u64;
export declare function writeCr4(value: u64): void;
/** `address` is virtual. */
export declare function invalidatePage(address: u64): void;
export declare function halt(): void;
export declare function disableInterrupts(): void;
export declare function enableInterrupts(): void;
/** Writes eax, ebx, ecx, edx to the 16 bytes at `result`. */
export declare function cpuid(leaf: u32, subleaf: u32, result: usize): void;
export declare function readTsc(): u64;
export declare function pause(): void;

// Physical memory, through the direct map. The address must be RAM or a device that the direct map
// covers.
export declare function physicalLoad8(address: u64): u32;
export declare function physicalLoad32(address: u64): u32;
export declare function physicalLoad64(address: u64): u64;
export declare function physicalStore16(address: u64, value: u32): void;
export declare function physicalStore32(address: u64, value: u32): void;
export declare function physicalStore64(address: u64, value: u64): void;
export declare function physicalCopy(to: u64, from: u64, bytes: u32): void;
export declare function physicalFill(to: u64, value: u32, bytes: u32): void;
/** From the kernel's linear memory. */
export declare function copyToPhysical(to: u64, from: usize, bytes: u32): void;
/** To the kernel's linear memory. */
export declare function copyFromPhysical(to: usize, from: u64, bytes: u32): void;
