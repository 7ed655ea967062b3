// Port access for drivers: allowed only on ports that the image grants; elsewhere it is a fault.

export declare function in8(port: u32): u32;
export declare function in16(port: u32): u32;
export declare function in32(port: u32): u32;
export declare function out8(port: u32, value: u32): void;
export declare function out16(port: u32, value: u32): void;
export declare function out32(port: u32, value: u32): void;
/** The processor may move it before earlier or behind later instructions: see `loadFence`. */
export declare function readTsc(): u64;
/** Later instructions begin when all earlier ones are done. */
export declare function loadFence(): void;
