// Functions of firmware.asm.

/** Reads IA32_MISC_ENABLE. */
export declare function firmwareLocks(): u64;
