// Where the tables of the blob in force lie. A blob's memory does not change after `monitorLoad`
// has accepted it, so everything that the structural verifier proved about an index or an offset
// still holds here.

import {
  BLOB_HEADER_BYTES,
  BLOB_SECTION_BYTES,
  CLASS_BYTES,
  FIELD_BYTES,
  INTERFACE_BYTES,
  INTERFACE_ID,
  METHOD_BYTES,
  INTERFACE_FIRST_METHOD,
  INTERFACE_METHOD_COUNT,
  BlobSection,
} from "../../abi/blob";
import { clamped } from "../../base/speculation";

/** Linear address of the blob in force; 0 before the first. */
let current: usize = 0;
let currentEpoch: u32 = 0;
/** Start of its fields: every message's structure is checked against some. */
let fields: usize = 0;
/** Every number of a field is below it, or it. A power of two less one. */
let fieldMask: u32 = 0;

export function blobAddress(): usize {
  return current;
}

/**
 * Address of a field of the blob in force. The number comes from a method's entry, and which method
 * that is, a program says; so whatever a processor that guesses takes for a method, it finds
 * nothing here but the blob.
 */
export function fieldEntry(field: u32): usize {
  return fields + (field & fieldMask) * FIELD_BYTES;
}

/** Raised by every blob that comes into force. Verdict bits of another epoch are void. */
export function epoch(): u32 {
  return currentEpoch;
}

/** Puts a verified blob in force. One step: nothing is judged before it returns. */
export function putInForce(blob: usize): void {
  fillDirectory(blob);
  fields = sectionOf(blob, BlobSection.Fields);
  // The mask reaches less than twice as far as the fields do, and so stays below the end of the
  // blob's window.
  fieldMask = u32.MAX_VALUE >> clz<u32>(countOf(blob, BlobSection.Fields) | 1);
  current = blob;
  currentEpoch += 1;
}

/** Start of a section in any blob whose section table was verified. */
export function sectionOf(blob: usize, section: u32): usize {
  return blob + load<u32>(blob + BLOB_HEADER_BYTES + (section - 1) * BLOB_SECTION_BYTES + 4);
}

export function countOf(blob: usize, section: u32): u32 {
  return load<u32>(blob + BLOB_HEADER_BYTES + (section - 1) * BLOB_SECTION_BYTES + 12);
}

export function sectionStart(section: u32): usize {
  return sectionOf(current, section);
}

export function sectionCount(section: u32): u32 {
  return current === 0 ? 0 : countOf(current, section);
}

/** Address of a zero-terminated string of the blob in force. */
export function stringAt(offset: u32): usize {
  return sectionStart(BlobSection.Strings) + offset;
}

/**
 * Bytes of a zero-terminated string, its zero not counted. Ends: the string section ends with a
 * zero.
 */
export function stringBytes(address: usize): u32 {
  let end = address;
  while (load<u8>(end) !== 0) end++;
  return <u32>(end - address);
}

/** Whether a zero-terminated string is exactly these bytes. */
export function stringEquals(address: usize, other: usize, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = load<u8>(address + i);
    if (byte === 0 || byte !== load<u8>(other + i)) return false;
  }
  return load<u8>(address + bytes) === 0;
}

/** Address of a class's entry; 0 where no such class exists. */
export function classEntry(classId: u32): usize {
  if (classId >= sectionCount(BlobSection.Classes)) return 0;
  return (
    sectionStart(BlobSection.Classes) +
    clamped(classId, sectionCount(BlobSection.Classes)) * CLASS_BYTES
  );
}

/** Address of an interface's entry; 0 where the blob does not know it. At most 10 steps. */
export function interfaceEntry(interfaceId: u32): usize {
  return interfaceEntryIn(current, interfaceId);
}

export function interfaceEntryIn(blob: usize, interfaceId: u32): usize {
  if (blob === 0) return 0;
  const start = sectionOf(blob, BlobSection.Interfaces);
  let low: u32 = 0;
  let high = countOf(blob, BlobSection.Interfaces);
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = start + middle * INTERFACE_BYTES;
    const id = load<u32>(entry + INTERFACE_ID);
    if (id === interfaceId) return entry;
    if (id < interfaceId) low = middle + 1;
    else high = middle;
  }
  return 0;
}

// Interfaces by the low bits of their number, so that the IPC path finds a shape without a search:
// 16 bytes each, u32 number, u32 address of the first method, u32 methods. Of two with the same
// bits the first is here, the other is searched for.
const DIRECTORY_ENTRIES: u32 = 64;
const DIRECTORY_BYTES: u32 = 16;
const directory: usize = memory.data(64 * 16, 8);

function fillDirectory(blob: usize): void {
  memory.fill(directory, 0, DIRECTORY_ENTRIES * DIRECTORY_BYTES);
  const count = countOf(blob, BlobSection.Interfaces);
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Interfaces) + i * INTERFACE_BYTES;
    const id = load<u32>(entry + INTERFACE_ID);
    const place = directory + (id & (DIRECTORY_ENTRIES - 1)) * DIRECTORY_BYTES;
    if (load<u32>(place) !== 0) continue;
    store<u32>(place, id);
    store<u32>(place + 4, <u32>firstMethod(blob, entry));
    store<u32>(place + 8, load<u32>(entry + INTERFACE_METHOD_COUNT));
  }
}

function firstMethod(blob: usize, entry: usize): usize {
  return (
    sectionOf(blob, BlobSection.Methods) + load<u32>(entry + INTERFACE_FIRST_METHOD) * METHOD_BYTES
  );
}

/**
 * The shape of a method's messages: the address of its entry, 0 where the interface or the method
 * does not exist. Good for one epoch; whoever keeps it keeps the epoch beside it.
 */
export function methodShape(interfaceId: u32, method: u32): usize {
  const place = directory + (interfaceId & (DIRECTORY_ENTRIES - 1)) * DIRECTORY_BYTES;
  if (load<u32>(place) !== interfaceId) return searchShape(interfaceId, method);
  const count = load<u32>(place + 8);
  return method < count ? <usize>load<u32>(place + 4) + clamped(method, count) * METHOD_BYTES : 0;
}

function searchShape(interfaceId: u32, method: u32): usize {
  const entry = interfaceEntry(interfaceId);
  if (entry === 0 || method >= load<u32>(entry + INTERFACE_METHOD_COUNT)) return 0;
  return (
    firstMethod(current, entry) +
    clamped(method, load<u32>(entry + INTERFACE_METHOD_COUNT)) * METHOD_BYTES
  );
}
