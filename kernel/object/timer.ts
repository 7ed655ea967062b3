/** A place in the timer queue, inside a thread or a domain. 16 bytes. */
@unmanaged
export class Timer {
  deadline: u64;
  /** Place in the heap, 0 while the timer is off. */
  heapIndex: u32;
  /** TimerKind: what it is part of. */
  kind: u32;
}

export enum TimerKind {
  Thread = 0,
  Domain = 1,
}
