// recv: notice bits first, all at once, then messages by the caller's priority, then waiting.

import { Status } from "../abi/status";
import { HEADER_FLAG_KEEP_MASKED, TIMEOUT_POLL } from "../abi/system-call";
import { Inbox } from "../object/inbox";
import { Interrupt } from "../object/interrupt";
import { Thread, ThreadState } from "../object/thread";
import { firstQueued } from "../schedule/priority-queue";
import { giveTurnBack } from "../schedule/scheduler";
import { unmaskLine } from "../x64/interrupts";
import { updatePriority } from "./lending";
import { rendezvous } from "./rendezvous";
import { setResult } from "./registers";
import { failCall, forgetReceiver, startTimeout, unqueueCaller } from "./wait";

/**
 * Callers that may fail at the rendezvous in one system call. Then the receiver gets Again, so that
 * interrupts have their turn.
 */
const ATTEMPTS_MAX: u32 = 8;

/** Receives at an inbox that the thread may receive from and nobody else receives from. */
export function receiveAt(thread: Thread, inbox: Inbox, header: u32, timeout: u64): void {
  receive(thread, inbox, header, timeout);
  if (thread.state === ThreadState.Ready) giveTurnBack();
}

function receive(thread: Thread, inbox: Inbox, header: u32, timeout: u64): void {
  takeOver(thread, inbox);
  if ((header & HEADER_FLAG_KEEP_MASKED) === 0) rearm(inbox);

  for (let attempt: u32 = 0; attempt < ATTEMPTS_MAX; attempt++) {
    // Asked each time: a caller that fails may be a fault, whose end sets bits here.
    const bits = inbox.bits;
    if (bits !== 0) {
      inbox.bits = 0;
      setResult(thread, Status.Notified);
      thread.rbx = bits;
      return;
    }
    const caller = firstQueued(inbox.queue);
    if (caller === null) {
      wait(thread, inbox, timeout);
      return;
    }
    const endpoint = caller.endpoint!;
    // The place in the queue ends now; the timeout goes on until the answer.
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

function wait(thread: Thread, inbox: Inbox, timeout: u64): void {
  if (timeout === TIMEOUT_POLL) {
    setResult(thread, Status.Timeout);
    return;
  }
  thread.state = ThreadState.Receiving;
  thread.inbox = inbox;
  inbox.receiver = thread;
  startTimeout(thread, timeout);
}

/** Callers in the queue lend to this thread from now on. */
function takeOver(thread: Thread, inbox: Inbox): void {
  if (inbox.thread === thread && thread.ownInbox === inbox) return;
  forgetReceiver(inbox);
  const before = thread.ownInbox;
  if (before !== null) before.thread = null;
  inbox.thread = thread;
  thread.ownInbox = inbox;
  updatePriority(thread);
}

/**
 * Interrupts that this inbox has delivered may come again. At most as many steps as the machine has
 * lines.
 */
function rearm(inbox: Inbox): void {
  let interrupt = inbox.firstMasked;
  if (interrupt === null) return;
  inbox.firstMasked = null;
  while (interrupt !== null) {
    const next: Interrupt | null = interrupt.nextMasked;
    interrupt.isListed = false;
    interrupt.nextMasked = null;
    if (interrupt.inbox === inbox) unmaskLine(interrupt.line);
    interrupt = next;
  }
}
