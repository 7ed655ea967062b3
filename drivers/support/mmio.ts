// Loads and stores of device registers: executed exactly as written, never merged, moved or
// removed. `address` lies in a mapping of the device's memory.

export declare function load8(address: usize): u32;
export declare function load16(address: usize): u32;
export declare function load32(address: usize): u32;
export declare function load64(address: usize): u64;
export declare function store8(address: usize, value: u32): void;
export declare function store16(address: usize, value: u32): void;
export declare function store32(address: usize, value: u32): void;
export declare function store64(address: usize, value: u64): void;
