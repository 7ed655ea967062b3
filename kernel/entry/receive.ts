// recv: checks of the header and the inbox, then notice bits, all at once, before messages by the
// caller's priority, before waiting.

import { ObjectType, RIGHT_RECEIVE } from "../abi/object";
import { Status } from "../abi/status";
import { MessageHeader } from "../abi/message-header";
import {
  HEADER_FLAG_KEEP_MASKED,
  HEADER_FLAG_LONG,
  TIMEOUT_NONE,
  TIMEOUT_POLL,
} from "../abi/system-call";
import { findHandle, hasRights } from "../handle/table";
import { forgetReceiver, unqueueCaller } from "../ipc/inbox-queue";
import { updatePriority } from "../ipc/lending";
import { captureReceive } from "../ipc/capture";
import { Arguments, setResult } from "../ipc/registers";
import { rendezvous } from "../ipc/request";
import { failCall, startTimeout } from "../ipc/wait";
import { domainOfSlot } from "../object/domain";
import { Inbox } from "../object/inbox";
import { takeMasked } from "../object/interrupt";
import { Thread, ThreadState } from "../object/thread";
import { SLOT_INBOXES_BASE } from "../object/layout";
import { firstQueued } from "../schedule/priority-queue";
import { giveTurnBack } from "../schedule/scheduler";
import { unmaskLine } from "../x64/interrupts";

/**
 * Callers whose messages may fail to be delivered in one system call. Then the receiver gets Again,
 * so that interrupts have their turn.
 */
const ATTEMPTS_MAX: u32 = 8;

/**
 * An inbox that a thread may receive from, or the reason why it may not. Free at run time: the
 * address of an object is above every Status.
 */
@unmanaged
@final
export class InboxOrStatus {
  @inline static found(inbox: Inbox): InboxOrStatus {
    return changetype<InboxOrStatus>(inbox);
  }
  @inline static refused(status: Status): InboxOrStatus {
    return changetype<InboxOrStatus>(<usize>status);
  }
  /** Why there is no inbox; of no meaning if there is. */
  @inline get status(): Status {
    return <Status>changetype<usize>(this);
  }
  @inline get isInbox(): bool {
    return changetype<usize>(this) >= SLOT_INBOXES_BASE;
  }
  @inline get inbox(): Inbox {
    return changetype<Inbox>(this);
  }
}

export function systemCallRecv(thread: Thread): void {
  const status = recv(thread);
  if (status !== Status.Ok) setResult(thread, status);
}

/** On Status.Ok the thread waits, or has its result already. */
function recv(thread: Thread): Status {
  const passed = Arguments.of(thread);
  const header = passed.header;
  const timeoutNs = passed.timeoutNs;
  if ((header.word & ~(<u32>(HEADER_FLAG_LONG | HEADER_FLAG_KEEP_MASKED))) !== 0)
    return Status.BadHeader;
  const found = findInbox(thread, passed.inbox);
  if (!found.isInbox) return found.status;
  const captured = captureReceive(thread, domainOfSlot(thread.owner), header);
  if (captured !== Status.Ok) return captured;
  receiveAt(thread, found.inbox, header, timeoutNs);
  return Status.Ok;
}

/** The inbox that a handle names, if the thread may receive there now. */
export function findInbox(thread: Thread, number: u64): InboxOrStatus {
  if (number >> 32 !== 0) return InboxOrStatus.refused(Status.BadHandle);
  const entry = findHandle(domainOfSlot(thread.owner), <u32>number);
  if (entry === null) return InboxOrStatus.refused(Status.BadHandle);
  if (entry.type !== <u16>ObjectType.Inbox) return InboxOrStatus.refused(Status.WrongType);
  if (!hasRights(entry, RIGHT_RECEIVE)) return InboxOrStatus.refused(Status.NoRight);
  const inbox = changetype<Inbox>(entry.object!);
  // Only the domain that an inbox belongs to receives there, whatever handles others have.
  if (inbox.owner !== thread.owner) return InboxOrStatus.refused(Status.WrongType);
  if (inbox.receiver !== null) return InboxOrStatus.refused(Status.Busy);
  return InboxOrStatus.found(inbox);
}

/** Receives at an inbox that `findInbox` has returned for the thread. */
export function receiveAt(
  thread: Thread,
  inbox: Inbox,
  header: MessageHeader,
  timeoutNs: u64,
): void {
  receive(thread, inbox, header, timeoutNs);
  if (thread.state === ThreadState.Ready) giveTurnBack();
}

function receive(thread: Thread, inbox: Inbox, header: MessageHeader, timeoutNs: u64): void {
  takeOver(thread, inbox);
  thread.ownInboxNumber = <u32>Arguments.of(thread).inbox;
  if (!header.has(HEADER_FLAG_KEEP_MASKED)) rearm(inbox);

  for (let attempt: u32 = 0; attempt < ATTEMPTS_MAX; attempt++) {
    // Read each time: a caller that fails may be a fault, and the end of its instance sets bits.
    const bits = inbox.bits;
    if (bits !== 0) {
      inbox.bits = 0;
      setResult(thread, Status.Notified);
      thread.rbx = bits;
      return;
    }
    const caller = firstQueued(inbox.queue);
    if (caller === null) {
      wait(thread, inbox, timeoutNs);
      return;
    }
    const endpoint = caller.endpoint!;
    // The caller leaves the queue now; its timeout goes on until the answer.
    unqueueCaller(caller);
    const status = endpoint.type === 0 ? Status.BadHandle : rendezvous(caller, endpoint, thread);
    if (status === Status.Ok) return;
    failCall(caller, status);
    if (status === Status.PeerFault) {
      setResult(thread, Status.BadAddress);
      return;
    }
  }
  setResult(thread, Status.Again);
}

function wait(thread: Thread, inbox: Inbox, timeoutNs: u64): void {
  if (timeoutNs === TIMEOUT_POLL) {
    setResult(thread, Status.Timeout);
    return;
  }
  thread.state = ThreadState.Receiving;
  inbox.letWait(thread, timeoutNs !== TIMEOUT_NONE || thread.firstServed !== null);
  if (timeoutNs !== TIMEOUT_NONE) startTimeout(thread, timeoutNs);
}

/** Callers in the inbox's queue lend their priority to this thread from now on. */
function takeOver(thread: Thread, inbox: Inbox): void {
  if (inbox.thread === thread && thread.ownInbox === inbox) return;
  forgetReceiver(inbox);
  const before = thread.ownInbox;
  if (before !== null) before.thread = null;
  inbox.thread = thread;
  thread.ownInbox = inbox;
  updatePriority(thread);
}

/** Unmasks the interrupts that this inbox has delivered. At most LINE_COUNT steps. */
function rearm(inbox: Inbox): void {
  while (inbox.firstMasked !== null) {
    const interrupt = takeMasked(inbox);
    if (interrupt.inbox === inbox) unmaskLine(interrupt.line);
  }
}
