// What a module of the target linux may ask of its host, besides computing. Symbols of
// toolchain/targets/linux/start.asm.

/**
 * Writes `bytes` bytes of linear memory to a file descriptor; the number written, or a negative
 * error.
 */
export declare function write(fd: i32, address: usize, bytes: i32): i32;
/** Ends the process. */
export declare function exit(code: i32): void;
