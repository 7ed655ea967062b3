// Deadlines: a binary heap of timers by the time at which they are due, of at most 13 levels. The
// machine has one heap, so its sizes are variables of this module.

import { TIMER_HEAP_BASE } from "../object/layout";
import { Timer } from "../object/timer";
import { DEADLINE_NEVER } from "../x64/timer";

let count: u32 = 0;
/** Timers that the heap has room for. Set at boot, and constant from then on. */
let countMax: u32 = 0;

/** At boot, when the heap is backed for as many timers. */
export function sizeTimerHeap(timers: u32): void {
  countMax = timers;
}

function place(index: u32): usize {
  return TIMER_HEAP_BASE + ((<usize>index) << 2);
}
function at(index: u32): Timer {
  return changetype<Timer>(load<usize>(place(index)));
}
function put(index: u32, timer: Timer): void {
  store<usize>(place(index), changetype<usize>(timer));
  timer.heapIndex = index;
}

/** Starts a timer, or moves it to another time. */
export function setTimer(timer: Timer, deadline: u64): void {
  clearTimer(timer);
  startTimer(timer, deadline);
}

/**
 * Starts a timer that is off. Most deadlines come after those that were set before, so that one
 * comparison finds the timer's place.
 */
export function startTimer(timer: Timer, deadline: u64): void {
  assert(count < countMax);
  timer.deadline = deadline;
  count += 1;
  rise(count, timer);
}

/** Turns a timer off; a timer that is off stays so. */
export function clearTimer(timer: Timer): void {
  const index = timer.heapIndex;
  if (index === 0) return;
  timer.heapIndex = 0;
  const end = count;
  count = end - 1;
  if (index === end) return;
  assert(at(index) === timer);
  const last = at(end);
  if (index > 1 && at(index >> 1).deadline > last.deadline) rise(index, last);
  else sink(index, last);
}

/** Deadline of the earliest timer, DEADLINE_NEVER if none is on. */
export function earliestDeadline(): u64 {
  return count === 0 ? DEADLINE_NEVER : at(1).deadline;
}

/** The earliest timer, turned off, if it is due; null otherwise. */
export function takeDue(now: u64): Timer | null {
  if (count === 0) return null;
  const timer = at(1);
  if (timer.deadline > now) return null;
  clearTimer(timer);
  return timer;
}

function rise(from: u32, timer: Timer): void {
  let index = from;
  while (index > 1) {
    const parent = at(index >> 1);
    if (parent.deadline <= timer.deadline) break;
    put(index, parent);
    index >>= 1;
  }
  put(index, timer);
}

function sink(from: u32, timer: Timer): void {
  let index = from;
  while (index << 1 <= count) {
    let child = index << 1;
    if (child < count && at(child + 1).deadline < at(child).deadline) child += 1;
    if (at(child).deadline >= timer.deadline) break;
    put(index, at(child));
    index = child;
  }
  put(index, timer);
}
