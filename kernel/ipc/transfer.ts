// Handles and arenas on their way from one domain to another.

import { ObjectType, RIGHT_TRANSFER } from "../abi/object";
import { Status } from "../abi/status";
import { CopyResult, copyBetween } from "../memory/user-memory";
import { Message } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { addHandle, findHandle, handleNumber, hasRights, prepareHandles } from "../handle/table";
import { MemoryObject } from "../object/memory-object";
import { Thread } from "../object/thread";
import {
  CAPTURE_ARENA_ADDRESS,
  CAPTURE_ARENA_BYTES,
  CAPTURE_HANDLES,
  CAPTURE_HANDLE_COUNT,
  CAPTURE_HANDLE_RIGHTS,
} from "../object/capture";

/** Numbers that the receiver gets, u32[4]. */
export const givenHandles: usize = memory.data(16, 8);

function sentHandle(capture: usize, domain: Domain, index: u32): HandleEntry | null {
  return findHandle(domain, load<u32>(capture + ((<usize>index) << 2), CAPTURE_HANDLES));
}

function sentRights(capture: usize, index: u32): u32 {
  return load<u32>(capture + ((<usize>index) << 2), CAPTURE_HANDLE_RIGHTS);
}

/** A memory object whose last reference is going takes no new ones. */
export function isGoing(entry: HandleEntry): bool {
  return <u32>entry.type === ObjectType.Memory && changetype<MemoryObject>(entry.object!).isDying;
}

/** Finds the handles that a captured message carries and describes them for the monitor. */
export function describeHandles(sender: Thread, domain: Domain): Status {
  const capture = sender.capture;
  const count = load<u32>(capture, CAPTURE_HANDLE_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const entry = sentHandle(capture, domain, i);
    if (entry === null || isGoing(entry)) return Status.BadHandle;
    if (!hasRights(entry, RIGHT_TRANSFER | sentRights(capture, i))) return Status.NoRight;
    const carried = changetype<Message>(capture).handle(i);
    carried.type = <u32>entry.type;
    carried.interfaceId = entry.interfaceId;
    carried.classId = entry.classId;
  }
  return Status.Ok;
}

/** Sees to it that the receiver's table has room, so that `giveHandles` cannot fail. */
export function prepareTransfer(sender: Thread, receiver: Domain): Status {
  const count = load<u32>(sender.capture, CAPTURE_HANDLE_COUNT);
  if (count === 0) return Status.Ok;
  return prepareHandles(receiver, count) ? Status.Ok : Status.NoSpace;
}

/** Gives the receiver a handle derived from each one sent. They were found just before. */
export function giveHandles(sender: Thread, domain: Domain, receiver: Domain): void {
  const capture = sender.capture;
  const count = load<u32>(capture, CAPTURE_HANDLE_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const entry = sentHandle(capture, domain, i)!;
    const rights = entry.rights & sentRights(capture, i);
    const given = addHandle(
      receiver,
      entry.object!,
      <u32>entry.type,
      rights,
      entry.badge,
      entry.interfaceId,
      entry.classId,
      entry,
    );
    store<u32>(givenHandles + ((<usize>i) << 2), handleNumber(given));
  }
}

/**
 * Copies the arena once, straight from sender to receiver. What one side does to its memory
 * meanwhile is its own loss. `isTrial`: only says whether it could.
 */
export function copyArena(
  sender: Thread,
  domain: Domain,
  receiver: Thread,
  receiverDomain: Domain,
  isTrial: bool = false,
): CopyResult {
  const bytes = load<u32>(sender.capture, CAPTURE_ARENA_BYTES);
  if (bytes === 0) return CopyResult.Done;
  return copyBetween(
    receiverDomain,
    receiver.receiveAddress,
    domain,
    load<u32>(sender.capture, CAPTURE_ARENA_ADDRESS),
    bytes,
    isTrial,
  );
}
