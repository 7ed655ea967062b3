// Takes memory, handles, objects and threads without limit. The kernel must refuse before the
// program has more than its quota.

import { DOMAIN_INTERFACE } from "../../build/generated/interfaces/Domain";
import { echo } from "../../build/generated/programs/attacker";
import { RIGHT_CALL } from "../../kernel/abi/object";
import { HEADER_INTERFACE_SHIFT, HEADER_METHOD_SHIFT } from "../../kernel/abi/system-call";
import { domain } from "../runtime/handles";
import { CALL_RECORD, callRecord } from "../runtime/message";
import { MessageRecord } from "../runtime/message-record";
import { INBOX } from "../runtime/server";
import { gain, gained, refused } from "./outcome";

const MEGABYTE: u64 = 1 << 20;
/** More than any quota: an attempt that gets this far was not limited. */
const TRIES_MAX = 70_000;
const PAGE: usize = 4096;
/** Domain.createThread, with its argument and a priority. */
const CREATE_THREAD: u32 =
  (DOMAIN_INTERFACE << HEADER_INTERFACE_SHIFT) | (6 << HEADER_METHOD_SHIFT) | 2;
const PAGES_A_MEGABYTE: u64 = 256;

/** Makes memory objects of a megabyte each, then of a page each. */
export function exhaustMemory(): bool {
  const share: u64 = domain.info().pagesQuota;
  const isRefused =
    isStopped(PAGES_A_MEGABYTE, (): u32 => domain.createMemory(MEGABYTE).status) &&
    isStopped(1, (): u32 => domain.createMemory(<u64>PAGE).status);
  return isRefused && gained <= share;
}

/** Grows its linear memory and touches each page. The first page beyond the quota is a fault. */
export function touchBeyondQuota(): bool {
  memory.grow(64);
  const end = (<usize>memory.size()) << 16;
  for (let address: usize = 0x10000; address < end; address += PAGE) {
    store<u8>(address, load<u8>(address));
    gain(1);
  }
  return false;
}

export function exhaustHandles(): bool {
  const share: u64 = domain.info().handlesQuota;
  return isStopped(1, (): u32 => domain.mint(echo.handle, RIGHT_CALL, 0).status) && gained <= share;
}

/** Each object comes with a handle, so the quota of handles limits objects too. */
export function exhaustObjects(): bool {
  const share: u64 = domain.info().handlesQuota;
  return isStopped(1, (): u32 => domain.createNotice(INBOX, 1).status) && gained <= share;
}

/** Not by the stub: the compiler refuses programs that both start threads and make objects. */
export function exhaustThreads(): bool {
  const record = MessageRecord.at(CALL_RECORD);
  record.word0 = 0;
  record.word1 = 1;
  return isStopped(1, (): u32 => callRecord(domain.handle, CREATE_THREAD));
}

/** Repeats `take` until it is refused; false if it never is. */
function isStopped(amount: u64, take: () => u32): bool {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (refused(take())) return true;
    gain(amount);
  }
  return false;
}
