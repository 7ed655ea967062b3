// For kernels without messages: the fast path that the entry stub calls declines everything.

export function fastCall(handle: u64, header: u64): bool {
  return false;
}
export function fastRecv(): bool {
  return false;
}
export function fastReply(token: u64, header: u64): bool {
  return false;
}
