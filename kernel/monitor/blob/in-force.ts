// The blob in force, and the lookups that judging needs. Its memory does not change after
// `monitorLoad` has accepted it, so everything that the structural verifier proved about an index
// or an offset still holds here.

import { BlobSection, FIELD_BYTES, METHOD_BYTES } from "../../abi/blob";
import { clamped } from "../../base/speculation";
import { Blob, ClassEntry, Field, Interface, Method } from "./records";

// The state of the monitor: one policy is in force for the whole system.
let current: usize = 0;
let currentEpoch: u32 = 0;
/** Start of its fields: every message's structure is checked against some. */
let fields: usize = 0;
/** A power of two less one, and at least the number of the last field. */
let fieldMask: u32 = 0;

/** False before the first blob is in force. */
export function hasPolicy(): bool {
  return current !== 0;
}

/** The blob in force. Called only if there is one: `hasPolicy`, or a count that is not zero. */
export function policyBlob(): Blob {
  return Blob.at(current);
}

/** Records in a section of the blob in force; 0 before the first. */
export function sectionCount(section: BlobSection): u32 {
  return current === 0 ? 0 : Blob.at(current).count(section);
}

/** Raised by every blob that comes into force. Verdict bits of another epoch are void. */
export function epoch(): u32 {
  return currentEpoch;
}

/** Puts a verified blob in force. One step: nothing is judged before it returns. */
export function putInForce(address: usize): void {
  const blob = Blob.at(address);
  fillDirectory(blob);
  fields = blob.start(BlobSection.Fields);
  // The mask reaches less than twice as far as the fields do, and so stays below the end of the
  // blob's window.
  fieldMask = u32.MAX_VALUE >> clz<u32>(blob.count(BlobSection.Fields) | 1);
  current = address;
  currentEpoch += 1;
}

/**
 * A field of the blob in force. Masked, so that a processor that guesses reads nothing but the
 * blob: `field` follows from a method's record, and which method that is, a program says.
 */
export function fieldEntry(field: u32): Field {
  return changetype<Field>(fields + (field & fieldMask) * FIELD_BYTES);
}

/** Address of a zero-terminated string of the blob in force. */
export function stringAt(offset: u32): usize {
  return policyBlob().string(offset);
}

/** Null if no such class exists. */
export function classEntry(classId: u32): ClassEntry | null {
  const count = sectionCount(BlobSection.Classes);
  return classId < count ? policyBlob().classOf(clamped(classId, count)) : null;
}

/** Null if the blob in force does not have the interface. At most 10 steps. */
export function interfaceEntry(interfaceId: u32): Interface | null {
  return hasPolicy() ? policyBlob().interfaceOf(interfaceId) : null;
}

/** A place of the directory: an interface, and where its methods lie. */
@unmanaged
@final
class DirectoryEntry {
  /** 0 if the place is empty. */
  interfaceId: u32;
  /** Address of the interface's first Method. */
  firstMethod: u32;
  methodCount: u32;
  reserved: u32;
}

// Interfaces by the low bits of their number, so that IPC finds a shape without a search. Of two
// interfaces with the same low bits the first is here; the other is searched for.
const DIRECTORY_ENTRIES: u32 = 64;
const DIRECTORY_ENTRY_BYTES: u32 = 16;
const directory: usize = memory.data(64 * 16, 8);
if (offsetof<DirectoryEntry>() !== DIRECTORY_ENTRY_BYTES) ERROR("DirectoryEntry is not 16 bytes");

function directoryEntry(interfaceId: u32): DirectoryEntry {
  return changetype<DirectoryEntry>(
    directory + (interfaceId & (DIRECTORY_ENTRIES - 1)) * DIRECTORY_ENTRY_BYTES,
  );
}

function fillDirectory(blob: Blob): void {
  memory.fill(directory, 0, DIRECTORY_ENTRIES * DIRECTORY_ENTRY_BYTES);
  const count = blob.count(BlobSection.Interfaces);
  for (let i: u32 = 0; i < count; i++) {
    const known = blob.interfaceAt(i);
    const place = directoryEntry(known.id);
    if (place.interfaceId !== 0) continue;
    place.interfaceId = known.id;
    place.firstMethod = <u32>changetype<usize>(blob.method(known.firstMethod));
    place.methodCount = known.methodCount;
  }
}

/**
 * The shape of a method's messages; null if the interface or the method does not exist. Valid for
 * one epoch: a caller that keeps it must keep the epoch beside it.
 */
export function methodShape(interfaceId: u32, method: u32): Method | null {
  const place = directoryEntry(interfaceId);
  if (place.interfaceId !== interfaceId) return searchShape(interfaceId, method);
  const count = place.methodCount;
  return changetype<Method | null>(
    method < count ? <usize>place.firstMethod + clamped(method, count) * METHOD_BYTES : 0,
  );
}

function searchShape(interfaceId: u32, method: u32): Method | null {
  const found = interfaceEntry(interfaceId);
  if (found === null || method >= found.methodCount) return null;
  return policyBlob().method(found.firstMethod + clamped(method, found.methodCount));
}
