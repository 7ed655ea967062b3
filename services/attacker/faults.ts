// Attempts that must end in a fault. One that returns was not stopped.

import { in8, out8 } from "./x64";
import { gain } from "./outcome";

const NULL_PAGE: usize = 0x100;
/** The low 32 bits of an address in the kernel's image; a program cannot express the rest. */
const KERNEL_LOW: usize = 0x8010_0000;
const LAST_ADDRESS: usize = 0xffff_ffff;
const COM1: u32 = 0x3f8;
/** RESET, written to this port, resets a PC. */
const KEYBOARD_COMMAND: u32 = 0x64;
const RESET: u32 = 0xfe;

export function loadNull(): bool {
  gain(load<u64>(NULL_PAGE));
  return false;
}

export function storeNull(): bool {
  store<u64>(NULL_PAGE, 1);
  return false;
}

export function loadKernel(): bool {
  gain(load<u64>(KERNEL_LOW));
  return false;
}

export function storeKernel(): bool {
  store<u64>(KERNEL_LOW, 1);
  return false;
}

/** The farthest address that a load can express: 6 GiB. */
export function loadFarthest(): bool {
  gain(load<u64>(LAST_ADDRESS, 0x7fff_ffff));
  return false;
}

export function callOutsideTable(): bool {
  gain(call_indirect<u64>(0x7fff_ffff, <u64>1));
  return false;
}

/** A function that exists, called as if it took two numbers. */
export function callOtherSignature(): bool {
  const one: (value: u32) => u32 = identity;
  gain(call_indirect<u64>(one.index, <u64>1, <u64>2));
  return false;
}

export function portRead(): bool {
  gain(in8(COM1));
  return false;
}

export function portWrite(): bool {
  out8(KEYBOARD_COMMAND, RESET);
  return false;
}

export function divideByZero(): bool {
  gain(1 / load<u32>(changetype<usize>(ZERO)));
  return false;
}

/** In memory, so that the compiler cannot compute the division. */
const ZERO: usize = memory.data(8, 8);

export function exhaustStack(): bool {
  gain(descend(0));
  return false;
}

function descend(depth: u64): u64 {
  return descend(depth + 1) + depth;
}

function identity(value: u32): u32 {
  return value;
}
