// Functions of planted.asm.

export declare function processorFlags(): u64;
/** Runs the code at a virtual address; returns the value that the code leaves in rax. */
export declare function callAddress(address: u64): u64;
