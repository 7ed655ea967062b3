// Threads by priority, first come first served within one: a bitmap of 256 bits and 256 rings of threads.
// At `queue`: u64[4] bitmap, then u32[256] first thread of each ring. A thread is in at most one such queue.

import { Thread } from "../object/thread";

const HEADS: usize = 32;
export const PRIORITY_QUEUE_BYTES: usize = HEADS + 256 * 4;

function headOf(queue: usize, priority: u32): usize {
  return queue + HEADS + (<usize>priority << 2);
}
function bitsOf(queue: usize, priority: u32): usize {
  return queue + ((<usize>priority >> 6) << 3);
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
    const bits = bitsOf(queue, priority);
    store<u64>(bits, load<u64>(bits) | ((<u64>1) << <u64>(priority & 63)));
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
    const bits = bitsOf(queue, priority);
    store<u64>(bits, load<u64>(bits) & ~((<u64>1) << <u64>(priority & 63)));
  } else {
    const previous = thread.queuePrevious!;
    previous.queueNext = next;
    next.queuePrevious = previous;
    if (load<usize>(head) === changetype<usize>(thread)) store<usize>(head, changetype<usize>(next));
  }
  thread.queueNext = null;
  thread.queuePrevious = null;
  thread.isQueued = false;
}

export function isEmpty(queue: usize): bool {
  return (load<u64>(queue) | load<u64>(queue, 8) | load<u64>(queue, 16) | load<u64>(queue, 24)) === 0;
}

/** Highest priority that anybody in the queue has, -1 if it is empty. */
export function highestPriority(queue: usize): i32 {
  for (let word: i32 = 3; word >= 0; word--) {
    const bits = load<u64>(queue + (<usize>word << 3));
    if (bits !== 0) return (word << 6) + 63 - <i32>clz(bits);
  }
  return -1;
}

/** Who comes next: the first of the highest priority. */
export function firstQueued(queue: usize): Thread | null {
  const priority = highestPriority(queue);
  if (priority < 0) return null;
  return changetype<Thread | null>(load<usize>(headOf(queue, priority)));
}
