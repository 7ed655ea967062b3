// The kernel's methods, in the order of services/interfaces/kernel/*.idl.ts: for each, words of the
// request and of the response. An entry with TEXT in its response gives a text. The place in the
// list is interface, then method.

import { ObjectType } from "../abi/object";

const TEXT: u8 = 0x80;

// Request words, response words.
const METHODS: usize = memory.data<u8>([
  // Domain
  0, 7, 1, 0, 1, 1, 0, 1, 2, 1, 2, 1, 2, 1, 3, 1, 1, 0, 1, 0, 4, 1, 1, 0, 1, 1, 1, 4,
  // Memory
  0, 3, 0, 0, 0, 4,
  // Inbox
  0, 2, 1, 0,
  // Notice
  1, 0,
  // Thread
  0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
  // Interrupt
  2, 0, 0, 2, 0, 0,
  // Ports
  0, 2,
  // Clock
  0, 1, 3, 0,
  // Audit
  0, 3, 1, 15, 1, 0x81,
  // Policy
  0, 5, 5, 5, 1, 0x81, 1, 1, 1, 0x81, 2, 0x81, 2, 2, 2, 1,
  // Slots
  0, 1, 1, 0x81, 1, 14, 1, 0, 1, 0, 2, 7, 1, 1, 2, 0x81, 2, 1,
  // Log
  1, 0,
  // Trace
  2, 0, 0, 0, 0, 0x8a,
  // System
  0, 4, 1, 0, 0, 0, 0, 0x81,
]);

/** First method and number of methods, by ObjectType. */
const INTERFACES: usize = memory.data<u8>([
  0,
  0, // None
  0,
  14, // Domain
  14,
  3, // Memory
  17,
  2, // Inbox
  0,
  0, // Endpoint
  19,
  1, // Notice
  20,
  6, // Thread
  26,
  3, // Interrupt
  29,
  1, // Ports
  30,
  2, // Clock
  32,
  3, // Audit
  35,
  8, // Policy
  43,
  9, // Slots
  52,
  1, // Log
  53,
  3, // Trace
  56,
  4, // System
]);

/** Methods of a type, numbered from 0. */
export function methodCount(type: u32): u32 {
  return type > <u32>ObjectType.System ? 0 : <u32>load<u8>(INTERFACES + (type << 1) + 1);
}

/** Address of the two bytes of a method that exists. */
function entryOf(type: u32, method: u32): usize {
  return METHODS + ((<u32>load<u8>(INTERFACES + (type << 1)) + method) << 1);
}

export function requestWords(type: u32, method: u32): u32 {
  return <u32>load<u8>(entryOf(type, method));
}
export function responseWords(type: u32, method: u32): u32 {
  return <u32>load<u8>(entryOf(type, method) + 1) & 0x7f;
}
export function givesText(type: u32, method: u32): bool {
  return (load<u8>(entryOf(type, method) + 1) & TEXT) !== 0;
}
