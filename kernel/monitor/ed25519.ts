// Until verification is here, no signature verifies and no blob is accepted.

export function ed25519Verify(key: usize, message: usize, bytes: u32, signature: usize): bool {
  return false;
}
