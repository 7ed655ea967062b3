// How a policy comes into force: its signature, its version and its structure are checked, and only
// then does anything change.

import { BlobError } from "../../abi/blob-error";
import {
  BLOB_IMAGE_DIGEST,
  BLOB_KEY_PURPOSE,
  BLOB_POLICY_VERSION,
  BLOB_PUBLIC_KEY,
  BLOB_SIGNATURE_BYTES,
  BlobSection,
  PROGRAM_BYTES,
  PROGRAM_DIGEST,
  PROGRAM_NAME,
} from "../../abi/blob";
import { verifyHeader, verifyStructure } from "./blob";
import { ed25519Verify } from "../crypto/ed25519";
import { KEYS, KEY_BYTES, KEY_COUNT, POLICY_VERSION_FLOOR } from "./key-ring";
import { blobAddress, countOf, putInForce, sectionOf, stringBytes } from "./sections";
import { SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../crypto/sha256";
import { programCount, programDigest } from "../slots";

const context: usize = memory.data(112, 8);
const digest: usize = memory.data(32, 8);

/**
 * Puts the blob at `address` in force, if it is signed by a key of the ring, no older than what is
 * in force, and sound. Answers a BlobError; unless that is None, nothing has changed. From then on
 * the kernel keeps these bytes as they are: the blob is used where it lies.
 */
export function monitorLoad(address: usize, bytes: u32): u32 {
  const error = monitorVerify(address, bytes);
  if (error !== BlobError.None) return error;

  // Commit point: everything of the blob has been checked.
  putInForce(address);
  return BlobError.None;
}

/** The checks of `monitorLoad` alone. */
function monitorVerify(address: usize, bytes: u32): u32 {
  if ((address & 7) !== 0) return BlobError.BadStructure;
  const error = verifyHeader(address, bytes);
  if (error !== BlobError.None) return error;

  // Until the signature is verified, nothing but the header's fixed fields has been read.
  const purpose = purposeOf(address + BLOB_PUBLIC_KEY);
  if (purpose === 0) return BlobError.UnknownKey;
  if (purpose !== load<u32>(address + BLOB_KEY_PURPOSE)) return BlobError.WrongPurpose;
  const signed = bytes - BLOB_SIGNATURE_BYTES;
  if (!ed25519Verify(address + BLOB_PUBLIC_KEY, address, signed, address + signed))
    return BlobError.BadSignature;

  const version = load<u64>(address + BLOB_POLICY_VERSION);
  if (version < POLICY_VERSION_FLOOR) return BlobError.OldVersion;
  if (blobAddress() !== 0 && version < policyVersion()) return BlobError.OldVersion;

  const structure = verifyStructure(address, bytes);
  if (structure !== BlobError.None) return structure;
  imageDigest(address, digest);
  return equal32(digest, address + BLOB_IMAGE_DIGEST) ? BlobError.None : BlobError.BadStructure;
}

/**
 * Whether the programs that were booted are those of the blob in force: `digests` are their
 * measured SHA-256 digests, 32 bytes each, in the archive's order. Answers BlobError.WrongImage or
 * None. A system that does not pass must not start a program.
 */
export function checkImage(digests: usize, count: u32): u32 {
  if (count !== programCount()) return BlobError.WrongImage;
  for (let i: u32 = 0; i < count; i++) {
    if (!equal32(programDigest(i), digests + i * 32)) return BlobError.WrongImage;
  }
  return BlobError.None;
}

/** 0 before the first blob. */
export function policyVersion(): u64 {
  const blob = blobAddress();
  return blob === 0 ? 0 : load<u64>(blob + BLOB_POLICY_VERSION);
}

/** KeyPurpose of the key that signed the blob in force: 0 none, 1 development, 2 release. */
export function policySigner(): u32 {
  const blob = blobAddress();
  return blob === 0 ? 0 : load<u32>(blob + BLOB_KEY_PURPOSE);
}

/** Purpose of a key of the ring; 0 if it is not there. */
function purposeOf(key: usize): u32 {
  for (let i: u32 = 0; i < KEY_COUNT; i++) {
    if (equal32(KEYS + i * KEY_BYTES, key)) return load<u32>(KEYS + i * KEY_BYTES + 32);
  }
  return 0;
}

/** SHA-256 over, for each program: its name, a zero byte, its digest. */
function imageDigest(blob: usize, result: usize): void {
  assert(SHA256_CONTEXT_BYTES === 112);
  sha256Begin(context);
  const strings = sectionOf(blob, BlobSection.Strings);
  const programs = sectionOf(blob, BlobSection.Programs);
  const count = countOf(blob, BlobSection.Programs);
  for (let i: u32 = 0; i < count; i++) {
    const program = programs + i * PROGRAM_BYTES;
    const name = strings + load<u32>(program + PROGRAM_NAME);
    sha256Update(context, name, stringBytes(name) + 1);
    sha256Update(context, program + PROGRAM_DIGEST, 32);
  }
  sha256End(context, result);
}

function equal32(a: usize, b: usize): bool {
  return (
    load<u64>(a) === load<u64>(b) &&
    load<u64>(a + 8) === load<u64>(b + 8) &&
    load<u64>(a + 16) === load<u64>(b + 16) &&
    load<u64>(a + 24) === load<u64>(b + 24)
  );
}
