import { INBOX_SHIFT } from "../memory/layout";
import { Interrupt } from "./interrupt";
import { KernelObject } from "./kernel-object";
import { Thread } from "./thread";

/**
 * Where one thread at a time receives: notice bits, then messages by their callers' priority.
 *
 * Invariant: while `receiver` waits, there are neither bits nor callers.
 */
@unmanaged
export class Inbox extends KernelObject {
  bits: u64;
  /** The thread that waits in recv. */
  receiver: Thread | null;
  /** The thread that received last: callers in the queue lend it their priority. */
  thread: Thread | null;
  /** Interrupts that fired and stay masked until the next recv. */
  firstMasked: Interrupt | null;
  pendingCalls: u32;
  boundEndpoints: u32;
  /** Longest chain of callers behind one in the queue, since the queue was last empty. */
  chainBehind: u32;

  /** Queue of callers (schedule/priority-queue.ts). */
  @inline get queue(): usize {
    return changetype<usize>(this) + INBOX_QUEUE_OFFSET;
  }
}

const INBOX_QUEUE_OFFSET: usize = 64;
if (offsetof<Inbox>() > INBOX_QUEUE_OFFSET) ERROR("Inbox overlaps its queue");
if (INBOX_QUEUE_OFFSET + 32 + 1024 > 1 << INBOX_SHIFT) ERROR("Inbox is larger than its place");
