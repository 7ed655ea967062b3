// Notice bits: the only asynchronous signal, set at an inbox by notices, interrupts and timers.

import { Status } from "../abi/status";
import { Inbox } from "../object/inbox";
import { Notice } from "../object/notice";
import { wake } from "../schedule/scheduler";
import { leaveInbox } from "./inbox-queue";
import { setResult } from "./registers";

/**
 * Sets bits at an inbox. A thread that waits there gets them at once. The inbox may be gone
 * afterwards.
 */
export function notify(inbox: Inbox, bits: u64): void {
  if (bits === 0) return;
  const receiver = inbox.receiver;
  if (receiver === null) {
    inbox.bits |= bits;
    return;
  }
  leaveInbox(receiver);
  setResult(receiver, Status.Notified);
  receiver.rbx = bits;
  wake(receiver);
}

/**
 * The inbox that a notice, an interrupt or a timer was bound to; null if that inbox is gone, even
 * if another object has its place now.
 */
export function boundInbox(inbox: Inbox | null, identity: u64): Inbox | null {
  if (inbox === null || inbox.type === 0 || inbox.identity !== identity) return null;
  return inbox;
}

/**
 * Sets bits at the inbox that a notice is bound to. BadArgument if one of the bits does not belong
 * to the notice, PeerDied if the inbox is gone; then no bit is set.
 */
export function signal(notice: Notice, bits: u64): Status {
  if ((bits & ~notice.bits) !== 0) return Status.BadArgument;
  const inbox = boundInbox(notice.inbox, notice.inboxIdentity);
  if (inbox === null) return Status.PeerDied;
  notify(inbox, bits);
  return Status.Ok;
}
