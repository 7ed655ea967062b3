/** Signs a policy blob, and checks such a signature as the kernel does. */
import { ed25519 } from "@noble/curves/ed25519.js";
import {
  BLOB_BYTES,
  BLOB_KEY_PURPOSE,
  BLOB_MAGIC,
  BLOB_MAGIC_HIGH,
  BLOB_MAGIC_LOW,
  BLOB_PUBLIC_KEY,
  BLOB_SIGNATURE_BYTES,
  KeyPurpose,
} from "../../kernel/abi/blob.ts";

export interface BlobSigner {
  readonly publicKey: Uint8Array;
  readonly purpose: KeyPurpose;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The blob with the signer's key, its purpose and its signature filled in. `unsigned` stays as it
 * is.
 */
export function signBlob(unsigned: Uint8Array, signer: BlobSigner): Uint8Array<ArrayBuffer> {
  const blob = new Uint8Array(unsigned);
  const view = new DataView(blob.buffer);
  if (
    view.getUint32(BLOB_MAGIC, true) !== BLOB_MAGIC_LOW ||
    view.getUint32(BLOB_MAGIC + 4, true) !== BLOB_MAGIC_HIGH
  )
    throw new Error("not a policy blob");
  if (view.getUint32(BLOB_BYTES, true) !== blob.length)
    throw new Error("a policy blob of another length than it says");
  view.setUint32(BLOB_KEY_PURPOSE, signer.purpose, true);
  blob.set(signer.publicKey, BLOB_PUBLIC_KEY);
  const signed = blob.length - BLOB_SIGNATURE_BYTES;
  const signature = signer.sign(blob.subarray(0, signed));
  // A command may sign with another key than it shows: better found here than at boot.
  if (!ed25519.verify(signature, blob.subarray(0, signed), signer.publicKey, { zip215: false }))
    throw new Error("the signature does not verify under the signer's own public key");
  blob.set(signature, signed);
  return blob;
}
