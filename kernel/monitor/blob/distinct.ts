// The part of the structural verifier that looks for two things of one name: a reader of the audit
// log or of `why` would take one for the other. Strings ascend, so that equal names have equal
// offsets, and each name is read once.

import {
  BLOB_BYTES_MAX,
  BlobSection,
  INITIAL_HANDLE_BYTES,
  INITIAL_HANDLE_NAME,
  CLASS_BYTES,
  CLASS_NAME,
  FIELD_BYTES,
  FIELD_NAME,
  INTERFACE_BYTES,
  INTERFACE_NAME,
  METHOD_BYTES,
  METHOD_NAME,
  PROGRAM_BYTES,
  PROGRAM_NAME,
  SLOT_BYTES,
  SLOT_NAME,
} from "../../abi/blob";
import { Blob } from "./records";

/**
 * A bit for each two bytes of the strings: a name is at least a letter and a zero, so that no two
 * names share a bit. All zero between two calls.
 */
const marks: usize = memory.data(0x10000, 8);
if (BLOB_BYTES_MAX / 16 > 0x10000) ERROR("there are fewer bits than names can begin");

/** After the checks of the tables themselves. */
export function namesAreDistinct(blob: Blob): bool {
  return (
    allAreDistinct(blob, BlobSection.Classes, CLASS_BYTES, CLASS_NAME) &&
    allAreDistinct(blob, BlobSection.Interfaces, INTERFACE_BYTES, INTERFACE_NAME) &&
    allAreDistinct(blob, BlobSection.Programs, PROGRAM_BYTES, PROGRAM_NAME) &&
    allAreDistinct(blob, BlobSection.Slots, SLOT_BYTES, SLOT_NAME) &&
    handlesAreDistinct(blob) &&
    methodsAreDistinct(blob) &&
    fieldsAreDistinct(blob)
  );
}

/** Within each slot: two slots may use the same names. */
function handlesAreDistinct(blob: Blob): bool {
  const handles = blob.start(BlobSection.Handles) + INITIAL_HANDLE_NAME;
  const count = blob.count(BlobSection.Slots);
  for (let i: u32 = 0; i < count; i++) {
    const slot = blob.slot(i);
    const first = handles + slot.firstHandle * INITIAL_HANDLE_BYTES;
    if (!areDistinct(first, slot.handleCount, INITIAL_HANDLE_BYTES)) return false;
  }
  return true;
}

/** Within each interface. */
function methodsAreDistinct(blob: Blob): bool {
  const methods = blob.start(BlobSection.Methods) + METHOD_NAME;
  const count = blob.count(BlobSection.Interfaces);
  for (let i: u32 = 0; i < count; i++) {
    const known = blob.interfaceAt(i);
    const first = methods + known.firstMethod * METHOD_BYTES;
    if (!areDistinct(first, known.methodCount, METHOD_BYTES)) return false;
  }
  return true;
}

/** Within each message: a response may use the names of its request. */
function fieldsAreDistinct(blob: Blob): bool {
  const fields = blob.start(BlobSection.Fields) + FIELD_NAME;
  const count = blob.count(BlobSection.Methods);
  for (let i: u32 = 0; i < count; i++) {
    const method = blob.method(i);
    const request = fields + method.fieldsFrom(true) * FIELD_BYTES;
    const response = fields + method.fieldsFrom(false) * FIELD_BYTES;
    if (!areDistinct(request, method.requestFields, FIELD_BYTES)) return false;
    if (!areDistinct(response, method.responseFields, FIELD_BYTES)) return false;
  }
  return true;
}

/** Within a whole section. */
function allAreDistinct(blob: Blob, section: BlobSection, recordBytes: u32, nameOffset: u32): bool {
  return areDistinct(blob.start(section) + nameOffset, blob.count(section), recordBytes);
}

/**
 * `names` is the address of the first record's name. Two steps for each record. Name 0 is the empty
 * string, of classes that do not exist.
 */
function areDistinct(names: usize, count: u32, recordBytes: u32): bool {
  let checked: u32 = 0;
  let isDistinct = true;
  for (; checked < count && isDistinct; checked++) {
    const name = load<u32>(names + checked * recordBytes);
    if (name === 0) continue;
    isDistinct = !isMarked(name);
    mark(name, true);
  }
  for (let i: u32 = 0; i < checked; i++) mark(load<u32>(names + i * recordBytes), false);
  return isDistinct;
}

function isMarked(name: u32): bool {
  return ((<u32>load<u8>(marks + (name >> 4)) >> ((name >> 1) & 7)) & 1) !== 0;
}

function mark(name: u32, value: bool): void {
  const byte = marks + (name >> 4);
  const bit = (<u32>1) << ((name >> 1) & 7);
  store<u8>(byte, <u8>(value ? <u32>load<u8>(byte) | bit : <u32>load<u8>(byte) & ~bit));
}
