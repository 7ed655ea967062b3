// For kernels without messages: the fast path that the entry stub calls declines everything.

export function fastCall(): bool {
  return false;
}
export function fastRecv(): bool {
  return false;
}
export function fastReply(): bool {
  return false;
}
