// Physical memory by named functions: the intrinsics of x64.ts stay inside this folder, so that all
// code that touches physical memory can be listed.

import {
  copyFromPhysical,
  copyToPhysical,
  physicalCopy,
  physicalFill,
  physicalLoad32,
  physicalLoad64,
  physicalLoad8,
  physicalStore32,
  physicalStore64,
} from "./x64";

export function loadPhysical8(address: u64): u32 {
  return physicalLoad8(address);
}
export function loadPhysical32(address: u64): u32 {
  return physicalLoad32(address);
}
export function loadPhysical64(address: u64): u64 {
  return physicalLoad64(address);
}
export function storePhysical32(address: u64, value: u32): void {
  physicalStore32(address, value);
}
export function storePhysical64(address: u64, value: u64): void {
  physicalStore64(address, value);
}
/** Copies from one physical address to another. The two ranges must not overlap. */
export function copyPhysical(to: u64, from: u64, bytes: u32): void {
  physicalCopy(to, from, bytes);
}
export function fillPhysical(to: u64, value: u32, bytes: u32): void {
  physicalFill(to, value, bytes);
}
/** Copies from the kernel's linear memory to a physical address. */
export function copyOut(to: u64, from: usize, bytes: u32): void {
  copyToPhysical(to, from, bytes);
}
/** Copies from a physical address to the kernel's linear memory. */
export function copyIn(to: usize, from: u64, bytes: u32): void {
  copyFromPhysical(to, from, bytes);
}
