// Threads by priority, first come first served within one: a bitmap of 256 bits and 256 rings of
// threads. At `queue`: a bitmap (below), then u32[256] first thread of each ring. A thread is in at
// most one such queue.

import { Thread } from "../object/thread";
import {
  BITMAP_BYTES,
  clearPriorityBit,
  highestPriority,
  isEmptyBitmap,
  setPriorityBit,
} from "./priority-bitmap";

const HEADS: usize = BITMAP_BYTES;
export const PRIORITY_QUEUE_BYTES: usize = HEADS + 256 * 4;

function headOf(queue: usize, priority: u32): usize {
  return queue + HEADS + ((<usize>priority) << 2);
}
/** Adds a thread behind all of its priority. */
export function enqueueLast(queue: usize, thread: Thread, priority: u32): void {
  assert(!thread.isQueued);
  thread.isQueued = true;
  thread.queuePriority = priority;
  const head = headOf(queue, priority);
  const first = changetype<Thread | null>(load<usize>(head));
  if (first === null) {
    thread.queueNext = thread;
    thread.queuePrevious = thread;
    store<usize>(head, changetype<usize>(thread));
    setPriorityBit(queue, priority);
    return;
  }
  const last = first.queuePrevious!;
  thread.queueNext = first;
  thread.queuePrevious = last;
  last.queueNext = thread;
  first.queuePrevious = thread;
}

/** Adds a thread before all of its priority. */
export function enqueueFirst(queue: usize, thread: Thread, priority: u32): void {
  enqueueLast(queue, thread, priority);
  store<usize>(headOf(queue, priority), changetype<usize>(thread));
}

export function removeQueued(queue: usize, thread: Thread): void {
  assert(thread.isQueued);
  const priority = thread.queuePriority;
  const head = headOf(queue, priority);
  const next = thread.queueNext!;
  if (next === thread) {
    store<usize>(head, 0);
    clearPriorityBit(queue, priority);
  } else {
    const previous = thread.queuePrevious!;
    previous.queueNext = next;
    next.queuePrevious = previous;
    if (load<usize>(head) === changetype<usize>(thread))
      store<usize>(head, changetype<usize>(next));
  }
  thread.queueNext = null;
  thread.queuePrevious = null;
  thread.isQueued = false;
}

export function isEmpty(queue: usize): bool {
  return isEmptyBitmap(queue);
}

/** Who comes next: the first of the highest priority. */
export function firstQueued(queue: usize): Thread | null {
  const priority = highestPriority(queue);
  if (priority < 0) return null;
  return changetype<Thread | null>(load<usize>(headOf(queue, priority)));
}
