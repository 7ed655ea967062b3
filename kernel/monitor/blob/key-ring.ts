// The public keys whose signature under a policy counts. The builder replaces this text: a
// development build gets the developer's key, a release build the release key alone. As it stands
// here the ring is empty and every blob is refused.

export const KEY_COUNT: u32 = 0;
/** A key: 32 bytes, then u32 purpose (KeyPurpose), then four bytes of zero. */
export const KEY_BYTES: u32 = 40;
export const KEYS: usize = memory.data(40, 8);
/** No policy below this version is accepted. */
export const POLICY_VERSION_FLOOR: u64 = 0;
