// Functions of firmware.asm.

/** IA32_MISC_ENABLE. */
export declare function firmwareLocks(): u64;
