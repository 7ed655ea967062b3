/** Keys for tests that sign a blob themselves. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { KeyPurpose } from "../../kernel/abi/blob.ts";
import type { BlobSigner } from "../../toolchain/keys/sign-blob.ts";

/** Signs with the secret of which each byte is `fill`. */
export function testSigner(fill: number, purpose = KeyPurpose.Development): BlobSigner {
  const secret = new Uint8Array(32).fill(fill);
  return {
    publicKey: ed25519.getPublicKey(secret),
    purpose,
    sign: (message) => ed25519.sign(message, secret),
  };
}
