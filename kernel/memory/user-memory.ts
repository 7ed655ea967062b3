// Copies between the kernel and programs, and from program to program. Each goes page by page
// through the domain's own page tables: no address of a program is ever dereferenced, and none
// above 4 GiB can be named.

import { Domain } from "../object/domain";
import { copyIn, copyOut, copyPhysical } from "../x64/physical-memory";
import { LinearMemory, reach } from "./address-space";

/** True if `bytes` from `address` on end inside linear memory. */
function fits(address: u32, bytes: u32): bool {
  return <u64>address + <u64>bytes <= 0x100000000;
}

/** True if a range of at least one byte lies in one page, as most do: one step copies the range. */
function isInPage(address: u32, bytes: u32): bool {
  return bytes - 1 < 4096 - (address & 4095);
}

/**
 * Physical address of a range that lies in one page and that the program may write; 0 for any other
 * range. Backs the page. Valid until a page of the domain is unmapped.
 */
export function writablePlace(domain: Domain, address: u32, bytes: u32): u64 {
  return isInPage(address, bytes) ? reach(domain, address, true) : 0;
}

function untilPageEnd(address: u32, bytes: u32): u32 {
  const left: u32 = 4096 - (address & 4095);
  return left < bytes ? left : bytes;
}

/** Copies from a program; false if it may not read all of it. */
export function copyFromUser(domain: Domain, to: usize, from: u32, bytes: u32): bool {
  if (isInPage(from, bytes)) {
    const place = reach(domain, from, false);
    if (place === 0) return false;
    copyIn(to, place, bytes);
    return true;
  }
  if (!fits(from, bytes)) return false;
  let done: u32 = 0;
  while (done < bytes) {
    const chunk = untilPageEnd(from + done, bytes - done);
    const place = reach(domain, from + done, false);
    if (place === 0) return false;
    copyIn(to + done, place, chunk);
    done += chunk;
  }
  return true;
}

/** Copies to a program; false, perhaps with a part copied, if it may not write all of it. */
export function copyToUser(domain: Domain, to: u32, from: usize, bytes: u32): bool {
  if (isInPage(to, bytes)) {
    const place = reach(domain, to, true);
    if (place === 0) return false;
    copyOut(place, from, bytes);
    return true;
  }
  if (!fits(to, bytes)) return false;
  let done: u32 = 0;
  while (done < bytes) {
    const chunk = untilPageEnd(to + done, bytes - done);
    const place = reach(domain, to + done, true);
    if (place === 0) return false;
    copyOut(place, from + done, chunk);
    done += chunk;
  }
  return true;
}

/** True if a program may write the whole range. Backs the pages: a later copy cannot fail. */
export function canWrite(domain: Domain, address: u32, bytes: u32): bool {
  if (isInPage(address, bytes)) return reach(domain, address, true) !== 0;
  if (!fits(address, bytes)) return false;
  let done: u32 = 0;
  while (done < bytes) {
    if (reach(domain, address + done, true) === 0) return false;
    done += untilPageEnd(address + done, bytes - done);
  }
  return true;
}

export enum CopyResult {
  Done = 0,
  /** The sender may not read its side. */
  BadSource = 1,
  /** The receiver may not write its side. */
  BadTarget = 2,
}

/**
 * Copies from one program to another, at most 64 KiB. The two places may overlap only if they are
 * the same. `isTrial`: checks only, and copies nothing.
 */
export function copyBetween(
  receiver: Domain,
  to: u32,
  sender: Domain,
  from: u32,
  bytes: u32,
  isTrial: bool,
): CopyResult {
  if (!fits(from, bytes)) return CopyResult.BadSource;
  if (!fits(to, bytes)) return CopyResult.BadTarget;
  if (bytes === 0) return CopyResult.Done;
  let source = LinearMemory.reach(sender, from, false);
  if (source === 0) return CopyResult.BadSource;
  let target = LinearMemory.reach(receiver, to, true);
  if (target === 0) return CopyResult.BadTarget;
  let done: u32 = 0;
  while (true) {
    const sourceLeft: u32 = 4096 - (<u32>source & 4095);
    const targetLeft: u32 = 4096 - (<u32>target & 4095);
    let chunk = bytes - done;
    if (sourceLeft < chunk) chunk = sourceLeft;
    if (targetLeft < chunk) chunk = targetLeft;
    if (!isTrial && source !== target) copyPhysical(target, source, chunk);
    done += chunk;
    if (done === bytes) return CopyResult.Done;
    // Only the side whose page ends there is looked up again.
    source += <u64>chunk;
    if (chunk === sourceLeft) source = LinearMemory.reach(sender, from + done, false);
    if (source === 0) return CopyResult.BadSource;
    target += <u64>chunk;
    if (chunk === targetLeft) target = LinearMemory.reach(receiver, to + done, true);
    if (target === 0) return CopyResult.BadTarget;
  }
}
