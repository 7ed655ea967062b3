// The structural verifier: for any bytes, it either proves that every count, index, offset and name
// of a blob can be followed, that the tables are in order and that rule programs end, or it refuses
// the blob. It trusts no signature, reads only inside the blob, and every loop is bounded by a
// count that was compared with the blob's length. The rest of the monitor reads an accepted blob
// without further checks.

import { BlobError } from "../../abi/blob-error";
import {
  BLOB_BYTES_MAX,
  BLOB_FORMAT_VERSION,
  BLOB_HEADER_BYTES,
  BLOB_MAGIC_HIGH,
  BLOB_MAGIC_LOW,
  BLOB_SECTIONS,
  BLOB_SECTION_BYTES,
  BLOB_SIGNATURE_BYTES,
  BlobSection,
  INITIAL_HANDLE_BYTES,
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
import { Blob } from "./records";
import { verifyRules } from "./rules";

/** Header and section table end here: a multiple of 8. */
const SECTIONS_START: u32 = BLOB_HEADER_BYTES + BLOB_SECTIONS * BLOB_SECTION_BYTES;
/** The header's bytes from here on are reserved, and zero. */
const HEADER_RESERVED: u32 = 96;

/**
 * Checks what may be read of a blob before its signature: that it is one, of this format, and
 * complete. Returns a BlobError.
 */
export function verifyHeader(blob: Blob, bytes: u32): u32 {
  if (bytes < SECTIONS_START + BLOB_SIGNATURE_BYTES) return BlobError.Truncated;
  if (blob.magicLow !== BLOB_MAGIC_LOW || blob.magicHigh !== BLOB_MAGIC_HIGH)
    return BlobError.BadMagic;
  if (blob.format !== BLOB_FORMAT_VERSION) return BlobError.BadFormat;
  if (blob.bytes > <u32>BLOB_BYTES_MAX) return BlobError.TooLarge;
  if (blob.bytes > bytes) return BlobError.Truncated;
  // The signature does not cover bytes beyond the stated length.
  return blob.bytes === bytes ? BlobError.None : BlobError.BadStructure;
}

/**
 * Checks everything else, except what needs the booted programs. `verifyHeader` has passed. Returns
 * a BlobError.
 */
export function verifyStructure(blob: Blob, bytes: u32): u32 {
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

function verifyReserved(blob: Blob): bool {
  for (let offset: u32 = HEADER_RESERVED; offset < <u32>BLOB_HEADER_BYTES; offset += 4) {
    if (load<u32>(blob.at(offset)) !== 0) return false;
  }
  return blob.keyPurpose !== 0;
}

/**
 * Sections follow each other in order of their numbers, each aligned to 8 with zeros between, from
 * the end of the table to the signature.
 */
function verifySections(blob: Blob, bytes: u32): bool {
  if (blob.sectionCount !== BLOB_SECTIONS) return false;
  const end = bytes - BLOB_SIGNATURE_BYTES;
  let offset: u32 = SECTIONS_START;
  for (let section: u32 = 1; section <= <u32>BLOB_SECTIONS; section++) {
    const entry = blob.section(section);
    if (entry.kind !== section) return false;
    if (entry.offset !== offset) return false;
    if (entry.bytes > end - offset) return false; // offset <= end
    // Bounds the count before it is multiplied.
    if (entry.count > entry.bytes) return false;
    if (entry.count * recordBytes(section) !== entry.bytes) return false;
    offset += entry.bytes;
    const aligned = (offset + 7) & ~7;
    if (aligned > end) return false;
    for (; offset < aligned; offset++) {
      if (load<u8>(blob.at(offset)) !== 0) return false;
    }
  }
  return offset === end;
}

function recordBytes(section: BlobSection): u32 {
  switch (section) {
    case BlobSection.Slots:
      return SLOT_BYTES;
    case BlobSection.Handles:
      return INITIAL_HANDLE_BYTES;
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
 * Printable ASCII and zeros only, because names are printed on terminals. The first string is the
 * empty one, the others ascend, so that no string occurs twice: equal names have equal offsets.
 */
function verifyStrings(blob: Blob): bool {
  const strings = blob.start(BlobSection.Strings);
  const bytes = blob.section(BlobSection.Strings).bytes;
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

/** True if one string comes before another in the order of their bytes. */
function isBefore(string: usize, other: usize): bool {
  let i: usize = 0;
  while (load<u8>(string + i) === load<u8>(other + i)) {
    if (load<u8>(string + i) === 0) return false;
    i++;
  }
  return load<u8>(string + i) < load<u8>(other + i);
}
