// The part of the structural verifier that looks for two things of one name: whoever reads the
// name, in the audit log or in an answer of `why`, would take one for the other. The strings are
// ascending, so that equal names have equal offsets, and each is looked at once.

import {
  BLOB_BYTES_MAX,
  BlobSection,
  CHANNEL_BYTES,
  CHANNEL_NAME,
  CLASS_BYTES,
  CLASS_NAME,
  FIELD_BYTES,
  FIELD_NAME,
  INTERFACE_BYTES,
  INTERFACE_FIRST_METHOD,
  INTERFACE_METHOD_COUNT,
  INTERFACE_NAME,
  METHOD_BYTES,
  METHOD_FIRST_FIELD,
  METHOD_NAME,
  METHOD_REQUEST_FIELDS,
  METHOD_RESPONSE_FIELDS,
  PROGRAM_BYTES,
  PROGRAM_NAME,
  SLOT_BYTES,
  SLOT_FIRST_HANDLE,
  SLOT_HANDLE_COUNT,
  SLOT_NAME,
} from "../../abi/blob";
import { countOf, sectionOf } from "./sections";

/**
 * A bit for each two bytes of the strings: a name has at least a letter and a zero, so that no two
 * begin in the same. All zero between two calls.
 */
const seen: usize = memory.data(0x10000, 8);
if (BLOB_BYTES_MAX / 16 > 0x10000) ERROR("there are fewer bits than names can begin");

/** After the tables' own checks. */
export function namesAreDistinct(blob: usize): bool {
  return (
    areDistinct(
      blob,
      BlobSection.Classes,
      0,
      countOf(blob, BlobSection.Classes),
      CLASS_BYTES,
      CLASS_NAME,
    ) &&
    areDistinct(
      blob,
      BlobSection.Interfaces,
      0,
      countOf(blob, BlobSection.Interfaces),
      INTERFACE_BYTES,
      INTERFACE_NAME,
    ) &&
    areDistinct(
      blob,
      BlobSection.Programs,
      0,
      countOf(blob, BlobSection.Programs),
      PROGRAM_BYTES,
      PROGRAM_NAME,
    ) &&
    areDistinct(
      blob,
      BlobSection.Slots,
      0,
      countOf(blob, BlobSection.Slots),
      SLOT_BYTES,
      SLOT_NAME,
    ) &&
    handlesAreDistinct(blob) &&
    methodsAreDistinct(blob) &&
    fieldsAreDistinct(blob)
  );
}

/** Those of one slot: another's may have the same names. */
function handlesAreDistinct(blob: usize): bool {
  const count = countOf(blob, BlobSection.Slots);
  for (let slot: u32 = 0; slot < count; slot++) {
    const entry = sectionOf(blob, BlobSection.Slots) + slot * SLOT_BYTES;
    if (
      !areDistinct(
        blob,
        BlobSection.Handles,
        load<u32>(entry + SLOT_FIRST_HANDLE),
        load<u32>(entry + SLOT_HANDLE_COUNT),
        CHANNEL_BYTES,
        CHANNEL_NAME,
      )
    )
      return false;
  }
  return true;
}

function methodsAreDistinct(blob: usize): bool {
  const count = countOf(blob, BlobSection.Interfaces);
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Interfaces) + i * INTERFACE_BYTES;
    if (
      !areDistinct(
        blob,
        BlobSection.Methods,
        load<u32>(entry + INTERFACE_FIRST_METHOD),
        load<u32>(entry + INTERFACE_METHOD_COUNT),
        METHOD_BYTES,
        METHOD_NAME,
      )
    )
      return false;
  }
  return true;
}

/** Those of one message: a response may name what its request did. */
function fieldsAreDistinct(blob: usize): bool {
  const count = countOf(blob, BlobSection.Methods);
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Methods) + i * METHOD_BYTES;
    const first = load<u32>(entry + METHOD_FIRST_FIELD);
    const requests = load<u32>(entry + METHOD_REQUEST_FIELDS);
    if (!areDistinct(blob, BlobSection.Fields, first, requests, FIELD_BYTES, FIELD_NAME))
      return false;
    if (
      !areDistinct(
        blob,
        BlobSection.Fields,
        first + requests,
        load<u32>(entry + METHOD_RESPONSE_FIELDS),
        FIELD_BYTES,
        FIELD_NAME,
      )
    )
      return false;
  }
  return true;
}

/** Two steps for each entry. Offset 0 is no name: classes that do not exist have it. */
function areDistinct(
  blob: usize,
  section: u32,
  first: u32,
  count: u32,
  entryBytes: u32,
  nameOffset: u32,
): bool {
  const start = sectionOf(blob, section) + first * entryBytes + nameOffset;
  let looked: u32 = 0;
  let areAll = true;
  for (; looked < count && areAll; looked++) {
    const name = load<u32>(start + looked * entryBytes);
    if (name === 0) continue;
    areAll = !isSeen(name);
    see(name, true);
  }
  for (let i: u32 = 0; i < looked; i++) see(load<u32>(start + i * entryBytes), false);
  return areAll;
}

function isSeen(name: u32): bool {
  return ((<u32>load<u8>(seen + (name >> 4)) >> ((name >> 1) & 7)) & 1) !== 0;
}

function see(name: u32, value: bool): void {
  const byte = seen + (name >> 4);
  const bit = (<u32>1) << ((name >> 1) & 7);
  store<u8>(byte, <u8>(value ? <u32>load<u8>(byte) | bit : <u32>load<u8>(byte) & ~bit));
}
