// Functions of planted.asm.

export declare function processorFlags(): u64;
/** Runs the code at a virtual address. */
export declare function callAddress(address: u64): u64;
