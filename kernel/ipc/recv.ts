// recv: the checks before a thread receives.

import { ObjectType, RIGHT_RECEIVE } from "../abi/object";
import { Status } from "../abi/status";
import { HEADER_FLAG_KEEP_MASKED, HEADER_FLAG_LONG } from "../abi/system-call";
import { domainOfSlot } from "../object/domain";
import { findHandle, hasRights } from "../handle/handle-table";
import { Inbox } from "../object/inbox";
import { Thread } from "../object/thread";
import { captureReceive } from "./message";
import { receiveAt } from "./receive";
import { setResult } from "./registers";

export function systemCallRecv(thread: Thread): void {
  const status = recv(thread);
  if (status !== Status.Ok) setResult(thread, status);
}

function recv(thread: Thread): Status {
  const header = <u32>thread.rsi;
  if ((header & ~(<u32>(HEADER_FLAG_LONG | HEADER_FLAG_KEEP_MASKED))) !== 0)
    return Status.BadHeader;
  const timeout = thread.r9;
  const checked = checkInbox(thread, thread.r10);
  if (checked !== Status.Ok) return checked;
  const captured = captureReceive(thread, domainOfSlot(thread.owner), header);
  if (captured !== Status.Ok) return captured;
  receiveAt(thread, inboxChecked, header, timeout);
  return Status.Ok;
}

/** The inbox that `checkInbox` has found. */
let inboxChecked: Inbox = changetype<Inbox>(<usize>0);

export function checkedInbox(): Inbox {
  return inboxChecked;
}

/** Whether a handle names an inbox that the thread may receive from now. */
export function checkInbox(thread: Thread, number: u64): Status {
  if (number >> 32 !== 0) return Status.BadHandle;
  const entry = findHandle(domainOfSlot(thread.owner), <u32>number);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Inbox) return Status.WrongType;
  if (!hasRights(entry, RIGHT_RECEIVE)) return Status.NoRight;
  const inbox = changetype<Inbox>(entry.object!);
  if (inbox.owner !== thread.owner) return Status.WrongType; // Only the domain whose inbox it is.
  if (inbox.receiver !== null) return Status.Busy;
  inboxChecked = inbox;
  return Status.Ok;
}
