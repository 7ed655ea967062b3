import { ObjectType } from "../abi/object";
import { INBOX_SHIFT } from "./layout";
import { PRIORITY_QUEUE_BYTES, PriorityQueue } from "./priority-queue";
import { CHAIN_TALLY_BYTES, ChainTally } from "./tally";
import { Interrupt } from "./interrupt";
import { KernelObject, initializeObject } from "./kernel-object";
import { Thread } from "./thread";

/** Not the number of an instance, nor 0, which stands for "no instance yet". */
export const RECEIVED_BY_NONE: u32 = 0xffffffff;
/** Not the number of an instance either. */
export const RECEIVED_WITH_CARE: u32 = 0xfffffffe;

/** The highest number of an instance. */
export const INSTANCE_LAST: u32 = RECEIVED_WITH_CARE - 1;

/**
 * Where one thread at a time receives: notice bits, then messages by their callers' priority.
 *
 * Invariants: while `receiver` waits, there are neither bits nor callers. An inbox that a program
 * made lives as long as it has a handle, an endpoint that is bound to it, a caller in its queue, or
 * a receiver.
 */
@unmanaged
export class Inbox extends KernelObject {
  bits: u64;
  // Together one word: see `isQuiet`.
  /** Interrupts that fired and stay masked until the next recv. */
  firstMasked: Interrupt | null;
  pendingCalls: u32;
  /**
   * Whether `thread` waits in recv: RECEIVED_BY_NONE, RECEIVED_WITH_CARE, or the number of its
   * slot's instance. That number says that a message may be delivered with nothing else to do: the
   * thread has no timeout, holds no call and is not suspended.
   */
  receiving: u32;
  /** The thread that received last: callers in the queue lend their priority to it. */
  thread: Thread | null;
  boundEndpoints: u32;

  /** The thread that waits in recv. */
  @inline get receiver(): Thread | null {
    return this.receiving === RECEIVED_BY_NONE ? null : this.thread;
  }
  /** True if a thread that receives here has to wait, and no interrupt has to be unmasked. */
  @inline get isQuiet(): bool {
    return (this.bits | load<u64>(changetype<usize>(this) + offsetof<Inbox>("firstMasked"))) === 0;
  }

  /**
   * `thread` waits here from now on. `withCare`: there is more to do when it is woken than to give
   * it a message.
   */
  @inline letWait(thread: Thread, withCare: bool): void {
    this.receiving = withCare ? RECEIVED_WITH_CARE : thread.instance;
  }
  /** A handle to the inbox goes: its thread no longer names the inbox by a number that is known. */
  forgetNumber(): void {
    const thread = this.thread;
    if (thread !== null) thread.ownInboxNumber = 0;
  }
  /** Callers by priority. */
  @inline get queue(): PriorityQueue {
    return changetype<PriorityQueue>(changetype<usize>(this) + INBOX_QUEUE_OFFSET);
  }
  /** The chains behind the callers in the queue. */
  @inline get queuedChains(): ChainTally {
    return changetype<ChainTally>(changetype<usize>(this) + INBOX_CHAINS_OFFSET);
  }
}

if (
  (offsetof<Inbox>("firstMasked") & 7) !== 0 ||
  offsetof<Inbox>("pendingCalls") !== offsetof<Inbox>("firstMasked") + 4
)
  ERROR("what makes an inbox not quiet is more than two words");
const INBOX_QUEUE_OFFSET: usize = 64;
if (offsetof<Inbox>() > INBOX_QUEUE_OFFSET) ERROR("Inbox overlaps its queue");
const INBOX_CHAINS_OFFSET: usize = INBOX_QUEUE_OFFSET + PRIORITY_QUEUE_BYTES;
if (INBOX_CHAINS_OFFSET + CHAIN_TALLY_BYTES > 1 << INBOX_SHIFT)
  ERROR("Inbox is larger than its place");

/** Makes a free place an inbox at which nobody receives yet. */
export function initializeInbox(inbox: Inbox, owner: u32): void {
  initializeObject(inbox, ObjectType.Inbox, owner);
  inbox.receiving = RECEIVED_BY_NONE;
}
