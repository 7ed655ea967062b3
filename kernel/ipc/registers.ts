// The registers in which a system call's result is handed over (kernel/abi/system-call.ts).

import { Status } from "../abi/status";
import { Thread } from "../object/thread";

/** A result without message. */
export function setResult(thread: Thread, status: Status): void {
  thread.rax = <u64>(<u32>status);
  thread.rdi = 0;
  thread.rsi = 0;
  thread.rdx = 0;
  thread.r8 = 0;
  thread.rbx = 0;
  thread.r12 = 0;
  thread.r13 = 0;
  thread.r14 = 0;
}

/** Words 0..3 from `words`, of which `count` are there; the others are zero. */
export function setWords(thread: Thread, words: usize, count: u32): void {
  thread.rbx = count > 0 ? load<u64>(words) : 0;
  thread.r12 = count > 1 ? load<u64>(words, 8) : 0;
  thread.r13 = count > 2 ? load<u64>(words, 16) : 0;
  thread.r14 = count > 3 ? load<u64>(words, 24) : 0;
}
