// Operations on a PriorityQueue: threads by priority, first come, first served within a priority. A
// thread is in at most one queue.

import { PriorityQueue } from "../object/priority-queue";
import { Thread } from "../object/thread";

/** Adds a thread behind the others of its priority. */
export function enqueueLast(queue: PriorityQueue, thread: Thread, priority: u32): void {
  assert(!thread.isQueued);
  thread.isQueued = true;
  thread.queuePriority = priority;
  const head = queue.headAt(priority);
  const first = changetype<Thread | null>(load<usize>(head));
  if (first === null) {
    thread.queueNext = thread;
    thread.queuePrevious = thread;
    store<usize>(head, changetype<usize>(thread));
    queue.bitmap.add(priority);
    return;
  }
  const last = first.queuePrevious!;
  thread.queueNext = first;
  thread.queuePrevious = last;
  last.queueNext = thread;
  first.queuePrevious = thread;
}

/** Adds a thread before the others of its priority. */
export function enqueueFirst(queue: PriorityQueue, thread: Thread, priority: u32): void {
  enqueueLast(queue, thread, priority);
  store<usize>(queue.headAt(priority), changetype<usize>(thread));
}

export function removeQueued(queue: PriorityQueue, thread: Thread): void {
  assert(thread.isQueued);
  const priority = thread.queuePriority;
  const head = queue.headAt(priority);
  const next = thread.queueNext!;
  if (next === thread) {
    store<usize>(head, 0);
    queue.bitmap.remove(priority);
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

/** The first thread of the highest priority, null if the queue is empty. */
export function firstQueued(queue: PriorityQueue): Thread | null {
  const priority = queue.bitmap.highest;
  if (priority < 0) return null;
  return changetype<Thread | null>(load<usize>(queue.headAt(priority)));
}
