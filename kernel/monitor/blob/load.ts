// How a policy comes into force: its signature, its version and its structure are checked, and only
// then does anything change.

import { BlobError } from "../../abi/blob-error";
import { BLOB_SIGNATURE_BYTES, BlobSection } from "../../abi/blob";
import { ed25519Verify } from "../crypto/ed25519";
import {
  SHA256_CONTEXT_BYTES,
  equals32,
  sha256Begin,
  sha256End,
  sha256Update,
} from "../crypto/sha256";
import { verifyHeader, verifyStructure } from "./blob";
import { hasPolicy, policyBlob, putInForce } from "./in-force";
import { KEYS, KEY_BYTES, KEY_COUNT, POLICY_VERSION_FLOOR } from "./key-ring";
import { Blob } from "./records";
import { stringBytes } from "./strings";

const context: usize = memory.data(112, 8);
const digest: usize = memory.data(32, 8);
if (SHA256_CONTEXT_BYTES > 112) ERROR("the digest's state is too small");

/**
 * Puts the blob at `address` in force, if it is signed by a key of the ring, no older than what is
 * in force, and sound. Returns a BlobError; unless that is None, nothing has changed. Afterwards
 * the caller must not change these bytes: the blob is used where it lies.
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
  const blob = Blob.at(address);
  const error = verifyHeader(blob, bytes);
  if (error !== BlobError.None) return error;

  // Until the signature is verified, nothing but the header's fixed fields has been read.
  const purpose = purposeOf(blob.publicKey);
  if (purpose === 0) return BlobError.UnknownKey;
  if (purpose !== blob.keyPurpose) return BlobError.WrongPurpose;
  const signed = bytes - BLOB_SIGNATURE_BYTES;
  if (!ed25519Verify(blob.publicKey, address, signed, blob.at(signed)))
    return BlobError.BadSignature;

  if (blob.policyVersion < POLICY_VERSION_FLOOR) return BlobError.OldVersion;
  if (blob.policyVersion < policyVersion()) return BlobError.OldVersion;

  const structure = verifyStructure(blob, bytes);
  if (structure !== BlobError.None) return structure;
  imageDigest(blob, digest);
  return equals32(digest, blob.imageDigest) ? BlobError.None : BlobError.BadStructure;
}

/** 0 before the first blob. */
export function policyVersion(): u64 {
  return hasPolicy() ? policyBlob().policyVersion : 0;
}

/** KeyPurpose of the key that signed the blob in force: 0 none, 1 development, 2 release. */
export function policySigner(): u32 {
  return hasPolicy() ? policyBlob().keyPurpose : 0;
}

/** Purpose of a key of the ring; 0 if it is not there. */
function purposeOf(key: usize): u32 {
  for (let i: u32 = 0; i < KEY_COUNT; i++) {
    if (equals32(KEYS + i * KEY_BYTES, key)) return load<u32>(KEYS + i * KEY_BYTES + 32);
  }
  return 0;
}

/** SHA-256 over, for each program: its name, a zero byte, its digest. */
function imageDigest(blob: Blob, result: usize): void {
  sha256Begin(context);
  const count = blob.count(BlobSection.Programs);
  for (let i: u32 = 0; i < count; i++) {
    const program = blob.program(i);
    const name = blob.string(program.name);
    sha256Update(context, name, stringBytes(name) + 1);
    sha256Update(context, program.digest, 32);
  }
  sha256End(context, result);
}
