/**
 * Who signs a build: the developer, or for a release the holder of the key that TRINE_KEY names.
 */
import { KeyPurpose } from "../../kernel/abi/blob.ts";
import { openDevelopmentKey } from "./development-key.ts";
import { keyRingText } from "./key-ring.ts";
import { openReleaseKey } from "./release-key.ts";
import type { BlobSigner } from "./sign-blob.ts";

export { KEY_RING_FILE } from "./key-ring.ts";

export interface Signer extends BlobSigner {
  /** Purpose and public key, for keys of caches: another signer means another build. */
  readonly identity: string;
  /** Text of KEY_RING_FILE for a kernel that believes only this signer. */
  readonly keyRing: string;
}

export function signerFor(release: boolean, environment: NodeJS.ProcessEnv = process.env): Signer {
  const purpose = release ? KeyPurpose.Release : KeyPurpose.Development;
  const { publicKey, sign } = release
    ? openReleaseKey(environment)
    : openDevelopmentKey(environment);
  return {
    purpose,
    publicKey,
    sign,
    identity: `${KeyPurpose[purpose]}:${Buffer.from(publicKey).toString("hex")}`,
    keyRing: keyRingText([{ publicKey, purpose }]),
  };
}
