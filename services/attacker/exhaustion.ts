// Taking more than its share: of memory, handles, objects and threads.

import { echo } from "../../build/generated/programs/attacker";
import { RIGHT_CALL } from "../../kernel/abi/object";
import { domain } from "../runtime/handles";
import { INBOX } from "../runtime/server";
import { gain, refused } from "./outcome";

const MEGABYTE: u64 = 1 << 20;
/** More than any quota; reaching it means that there is none. */
const TRIES_MAX = 70_000;
const PAGE: usize = 4096;

/** Memory objects, a megabyte each, then page by page. */
export function exhaustMemory(): bool {
  return isStopped((): u32 => domain.createMemory(MEGABYTE).status) && isStopped((): u32 => domain.createMemory(<u64>PAGE).status);
}

/** Its own linear memory, grown and touched page by page: the touch beyond the quota is a fault. */
export function touchBeyondQuota(): bool {
  memory.grow(64);
  const end = <usize>memory.size() << 16;
  for (let address: usize = 0x10000; address < end; address += PAGE) {
    store<u8>(address, load<u8>(address));
    gain(1);
  }
  return false;
}

export function exhaustHandles(): bool {
  return isStopped((): u32 => domain.mint(echo.handle, RIGHT_CALL, 0).status);
}

export function exhaustObjects(): bool {
  return isStopped((): u32 => domain.createNotice(INBOX).status);
}

export function exhaustThreads(): bool {
  return isStopped((): u32 => domain.createThread(0, 1).status);
}

/** Whether what is done again and again is refused in the end. */
function isStopped(take: () => u32): bool {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (refused(take())) return true;
    gain(1);
  }
  return false;
}
