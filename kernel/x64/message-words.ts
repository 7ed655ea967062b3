// The words of the message with which a system call enters the kernel, in the registers in which
// the caller left them (kernel/abi/system-call.ts). Only an entry point and functions that are
// inlined into it can use them; the compiler refuses any other use. No other code of the entry
// point uses these registers, and whatever it calls preserves them.

/** Word `index` (a constant, 0 to 3) as the caller passed it, whatever was set since. */
export declare function messageWord(index: u32): u64;
/** Sets word `index` (a constant, 0 to 3) of the message with which the kernel is left. */
export declare function setMessageWord(index: u32, word: u64): void;
