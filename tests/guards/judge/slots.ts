// The slots of tests/guards/image.ts. The attacker's own choice of a victim is slot 1.
export const VICTIM: u32 = 1;
export const ECHO: u32 = 2;
export const ATTACKER: u32 = 3;
export const NATIVE: u32 = 4;
export const INTRUDER: u32 = 5;
