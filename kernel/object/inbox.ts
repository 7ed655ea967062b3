import { INBOX_SHIFT } from "./layout";
import { PRIORITY_QUEUE_BYTES, PriorityQueue } from "./priority-queue";
import { CHAIN_TALLY_BYTES, ChainTally } from "./tally";
import { Interrupt } from "./interrupt";
import { KernelObject } from "./kernel-object";
import { Thread } from "./thread";

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
  /** The thread that waits in recv. */
  receiver: Thread | null;
  /** The thread that received last: callers in the queue lend their priority to it. */
  thread: Thread | null;
  /** Interrupts that fired and stay masked until the next recv. */
  firstMasked: Interrupt | null;
  pendingCalls: u32;
  boundEndpoints: u32;

  /** Callers by priority. */
  @inline get queue(): PriorityQueue {
    return changetype<PriorityQueue>(changetype<usize>(this) + INBOX_QUEUE_OFFSET);
  }
  /** The chains behind the callers in the queue. */
  @inline get queuedChains(): ChainTally {
    return changetype<ChainTally>(changetype<usize>(this) + INBOX_CHAINS_OFFSET);
  }
}

const INBOX_QUEUE_OFFSET: usize = 64;
if (offsetof<Inbox>() > INBOX_QUEUE_OFFSET) ERROR("Inbox overlaps its queue");
const INBOX_CHAINS_OFFSET: usize = INBOX_QUEUE_OFFSET + PRIORITY_QUEUE_BYTES;
if (INBOX_CHAINS_OFFSET + CHAIN_TALLY_BYTES > 1 << INBOX_SHIFT)
  ERROR("Inbox is larger than its place");
