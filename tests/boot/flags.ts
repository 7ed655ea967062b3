/** Of kernel-flags.asm. */
export declare function processorFlags(): u64;
