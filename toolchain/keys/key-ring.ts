/**
 * The kernel's ring of public keys: the text that the builder puts in the place of
 * kernel/monitor/blob/key-ring.ts.
 */
import { KeyPurpose } from "../../kernel/abi/blob.ts";

export const KEY_RING_FILE = "kernel/monitor/blob/key-ring.ts";

interface RingKey {
  readonly publicKey: Uint8Array;
  readonly purpose: KeyPurpose;
}

/** `policyVersionFloor`: no older policy is accepted by this kernel. */
export function keyRingText(keys: readonly RingKey[], policyVersionFloor = 0n): string {
  if (keys.length === 0) throw new Error("a kernel without a key accepts no policy");
  const bytes = keys.flatMap(({ publicKey, purpose }) => [
    ...publicKey,
    purpose,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  return `// Written by the builder: ${keys.map((key) => KeyPurpose[key.purpose].toLowerCase()).join(", ")}.

export const KEY_COUNT: u32 = ${keys.length};
/** A key: 32 bytes, then u32 purpose (KeyPurpose), then four bytes of zero. */
export const KEY_BYTES: u32 = 40;
export const KEYS: usize = memory.data<u8>([${bytes.join(", ")}], 8);
/** No policy below this version is accepted. */
export const POLICY_VERSION_FLOOR: u64 = ${policyVersionFloor};
`;
}
