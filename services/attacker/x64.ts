// The machine instructions that a driver uses where ports are granted to it. Nothing is granted to
// this program.

export declare function in8(port: u32): u32;
export declare function out8(port: u32, value: u32): void;
