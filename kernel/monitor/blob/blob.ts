// The structural verifier: proves, for any bytes whatever, that every count, index, offset and name
// of a blob can be followed, that its tables are in order and its rule programs end, or refuses
// them. It trusts no signature, reads only inside the blob, and every loop is bounded by a count
// that was compared with the blob's length. Whatever it accepts, the rest of the monitor reads
// without a check.

import { BlobError } from "../../abi/blob-error";
import {
  BLOB_BYTES,
  BLOB_BYTES_MAX,
  BLOB_FORMAT,
  BLOB_FORMAT_VERSION,
  BLOB_HEADER_BYTES,
  BLOB_KEY_PURPOSE,
  BLOB_MAGIC,
  BLOB_MAGIC_HIGH,
  BLOB_MAGIC_LOW,
  BLOB_SECTIONS,
  BLOB_SECTION_BYTES,
  BLOB_SECTION_COUNT,
  BLOB_SIGNATURE_BYTES,
  BlobSection,
  CHANNEL_BYTES,
  CLASS_BYTES,
  EXECUTE_BYTES,
  FIELD_BYTES,
  INSTRUCTION_BYTES,
  INTERFACE_BYTES,
  METHOD_BYTES,
  PAIR_BYTES,
  PROGRAM_BYTES,
  RULE_BYTES,
  SLOT_BYTES,
} from "../../abi/blob";
import { verifyDevices } from "./devices";
import { namesAreDistinct } from "./distinct";
import { quotasFit, rightsFit, slotsMayStart, verifyImage } from "./image";
import { verifyInterfaces } from "./interfaces";
import { isOfThisKernel } from "./kernel";
import { verifyRules } from "./rules";
import { sectionOf } from "./sections";

/**
 * Header and section table are reserved up to here: BLOB_HEADER_BYTES + 13 entries, a multiple of
 * 8.
 */
const SECTIONS_START: u32 = BLOB_HEADER_BYTES + BLOB_SECTIONS * BLOB_SECTION_BYTES;
/** First byte of the header that means nothing. */
const HEADER_RESERVED: u32 = 96;

/**
 * What may be read of a blob before its signature: that it is one, of this format, and all there.
 */
export function verifyHeader(blob: usize, bytes: u32): u32 {
  if (bytes < SECTIONS_START + BLOB_SIGNATURE_BYTES) return BlobError.Truncated;
  if (
    load<u32>(blob + BLOB_MAGIC) !== BLOB_MAGIC_LOW ||
    load<u32>(blob + BLOB_MAGIC + 4) !== BLOB_MAGIC_HIGH
  )
    return BlobError.BadMagic;
  if (load<u32>(blob + BLOB_FORMAT) !== BLOB_FORMAT_VERSION) return BlobError.BadFormat;
  const stated = load<u32>(blob + BLOB_BYTES);
  if (stated > <u32>BLOB_BYTES_MAX) return BlobError.TooLarge;
  if (stated > bytes) return BlobError.Truncated;
  // More bytes than it says would be bytes that nobody signed.
  return stated === bytes ? BlobError.None : BlobError.BadStructure;
}

/** Everything else, but what needs the booted programs. Calls for `verifyHeader` first. */
export function verifyStructure(blob: usize, bytes: u32): u32 {
  if (!verifyReserved(blob)) return BlobError.BadStructure;
  if (!verifySections(blob, bytes)) return BlobError.BadStructure;
  if (!verifyStrings(blob)) return BlobError.BadStructure;
  if (!verifyInterfaces(blob)) return BlobError.BadStructure;
  if (!verifyImage(blob)) return BlobError.BadStructure;
  if (!namesAreDistinct(blob)) return BlobError.DuplicateName;
  if (!isOfThisKernel(blob)) return BlobError.OtherInterfaces;
  if (!rightsFit(blob)) return BlobError.ExcessRights;
  const devices = verifyDevices(blob);
  if (devices !== BlobError.None) return devices;
  if (!quotasFit(blob)) return BlobError.Oversubscribed;
  const rules = verifyRules(blob);
  if (rules !== BlobError.None) return rules;
  return slotsMayStart(blob) ? BlobError.None : BlobError.NoExecuteRule;
}

function verifyReserved(blob: usize): bool {
  for (let at: u32 = HEADER_RESERVED; at < <u32>BLOB_HEADER_BYTES; at += 4) {
    if (load<u32>(blob + at) !== 0) return false;
  }
  return load<u32>(blob + BLOB_KEY_PURPOSE) !== 0;
}

/**
 * Sections lie one behind the other in order of their numbers, each aligned to 8 with zeros
 * between, from the table to the signature.
 */
function verifySections(blob: usize, bytes: u32): bool {
  if (load<u32>(blob + BLOB_SECTION_COUNT) !== BLOB_SECTIONS) return false;
  const end = bytes - BLOB_SIGNATURE_BYTES;
  let at: u32 = SECTIONS_START;
  for (let section: u32 = 1; section <= <u32>BLOB_SECTIONS; section++) {
    const entry = blob + BLOB_HEADER_BYTES + (section - 1) * BLOB_SECTION_BYTES;
    const offset = load<u32>(entry + 4);
    const length = load<u32>(entry + 8);
    const count = load<u32>(entry + 12);
    if (load<u32>(entry) !== section) return false;
    if (offset !== at) return false;
    if (length > end - at) return false; // at <= end
    // Bounds the count before it is multiplied.
    if (count > length || count * entryBytes(section) !== length) return false;
    at += length;
    const aligned = (at + 7) & ~7;
    if (aligned > end) return false;
    for (; at < aligned; at++) {
      if (load<u8>(blob + at) !== 0) return false;
    }
  }
  return at === end;
}

function entryBytes(section: u32): u32 {
  switch (section) {
    case BlobSection.Slots:
      return SLOT_BYTES;
    case BlobSection.Handles:
      return CHANNEL_BYTES;
    case BlobSection.Programs:
      return PROGRAM_BYTES;
    case BlobSection.Classes:
      return CLASS_BYTES;
    case BlobSection.Interfaces:
      return INTERFACE_BYTES;
    case BlobSection.Methods:
      return METHOD_BYTES;
    case BlobSection.Fields:
      return FIELD_BYTES;
    case BlobSection.Rules:
      return RULE_BYTES;
    case BlobSection.RuleProgram:
      return INSTRUCTION_BYTES;
    case BlobSection.Execute:
      return EXECUTE_BYTES;
    case BlobSection.Pairs:
      return PAIR_BYTES;
    case BlobSection.Bindings:
      return 4;
    default:
      return 1; // Strings
  }
}

/**
 * Printable ASCII and zeros only: names end up on terminals. The first string is the empty one, the
 * others ascend, so that none is there twice: names are equal where their offsets are.
 */
function verifyStrings(blob: usize): bool {
  const strings = sectionOf(blob, BlobSection.Strings);
  const bytes = load<u32>(
    blob + BLOB_HEADER_BYTES + (BlobSection.Strings - 1) * BLOB_SECTION_BYTES + 8,
  );
  if (bytes === 0 || load<u8>(strings) !== 0 || load<u8>(strings + bytes - 1) !== 0) return false;
  let previous: u32 = 0;
  let start: u32 = 1;
  for (let i: u32 = 1; i < bytes; i++) {
    const byte = load<u8>(strings + i);
    if (byte !== 0 && (byte < 0x20 || byte > 0x7e)) return false;
    if (byte !== 0) continue;
    if (!isBefore(strings + previous, strings + start)) return false;
    previous = start;
    start = i + 1;
  }
  return true;
}

/** Whether one string comes before another in the order of their bytes. */
function isBefore(string: usize, other: usize): bool {
  let i: usize = 0;
  while (load<u8>(string + i) === load<u8>(other + i)) {
    if (load<u8>(string + i) === 0) return false;
    i++;
  }
  return load<u8>(string + i) < load<u8>(other + i);
}
