// The registers of a system call (kernel/abi/system-call.ts) as records, laid over the save area of
// the thread that made it. A field is the place of one register, so these records cost nothing.

import { MessageHeader } from "../abi/message-header";
import { Status } from "../abi/status";
import { Thread } from "../object/thread";

/** What a thread passes to `call`, `recv` and `reply`. */
@unmanaged
@final
export class Arguments {
  @inline
  static of(thread: Thread): Arguments {
    return changetype<Arguments>(thread);
  }
  @inline
  private get thread(): Thread {
    return changetype<Thread>(this);
  }

  @inline
  get header(): MessageHeader {
    return MessageHeader.of(<u32>this.thread.rsi);
  }
  /** call: number of the handle that is called; only the low half may be set. */
  @inline
  get handle(): u64 {
    return this.thread.rdi;
  }
  /** reply: names the call that is answered. */
  @inline
  get token(): u64 {
    return this.thread.rdi;
  }
  /** recv, and reply with HEADER_FLAG_RECEIVE: number of the inbox's handle. */
  @inline
  get inbox(): u64 {
    return this.thread.r10;
  }
  /** Relative; TIMEOUT_NONE, or TIMEOUT_POLL. */
  @inline
  get timeoutNs(): u64 {
    return this.thread.r9;
  }
  /** Address of the message record, if the header's flags name one. */
  @inline
  get record(): u32 {
    return <u32>this.thread.rdx;
  }
}

/** What a system call returns, except the words. Registers without a meaning are zero. */
@unmanaged
@final
export class Result {
  @inline
  static of(thread: Thread): Result {
    return changetype<Result>(thread);
  }

  /**
   * A request that a thread has received. `callerIdentity`: the result of the function of that
   * name.
   */
  @inline
  setRequest(token: u64, header: MessageHeader, badge: u64, caller: u64): void {
    this.set(Status.Ok, token, header, badge, caller);
  }
  /** An answer that a caller has received: Status.Ok, or ErrorReply. */
  @inline
  setAnswer(status: Status, header: MessageHeader): void {
    this.set(status, 0, header, 0, 0);
  }
  @inline
  private set(status: Status, token: u64, header: MessageHeader, badge: u64, caller: u64): void {
    const thread = changetype<Thread>(this);
    thread.rax = <u64>(<u32>status);
    thread.rdi = token;
    thread.rsi = <u64>header.word;
    thread.rdx = badge;
    thread.r8 = caller;
  }
  /** The class and slot of a caller, as its receiver sees them. */
  @inline
  static callerIdentity(classId: u32, slot: u32): u64 {
    return <u64>classId | ((<u64>slot) << 32);
  }
}

/** Words 0..3 of a message. */
@unmanaged
@final
export class RegisterWords {
  @inline
  static of(thread: Thread): RegisterWords {
    return changetype<RegisterWords>(thread);
  }

  @inline
  clear(): void {
    const thread = changetype<Thread>(this);
    thread.rbx = 0;
    thread.r12 = 0;
    thread.r13 = 0;
    thread.r14 = 0;
  }
  /**
   * Takes the words from another thread's registers, for a message of `count` words, of which only
   * the first four are in registers; the others become zero.
   */
  @inline
  copyFirst(from: Thread, count: u32): void {
    const to = changetype<Thread>(this);
    if (count >= 4) {
      to.rbx = from.rbx;
      to.r12 = from.r12;
      to.r13 = from.r13;
      to.r14 = from.r14;
    } else {
      this.copySomeFrom(from, count);
    }
  }
  private copySomeFrom(from: Thread, count: u32): void {
    const to = changetype<Thread>(this);
    to.rbx = count > 0 ? from.rbx : 0;
    to.r12 = count > 1 ? from.r12 : 0;
    to.r13 = count > 2 ? from.r13 : 0;
    to.r14 = 0;
  }
  /** Takes the first `count` words from memory; the others become zero. */
  loadFrom(words: usize, count: u32): void {
    const to = changetype<Thread>(this);
    to.rbx = count > 0 ? load<u64>(words) : 0;
    to.r12 = count > 1 ? load<u64>(words, 8) : 0;
    to.r13 = count > 2 ? load<u64>(words, 16) : 0;
    to.r14 = count > 3 ? load<u64>(words, 24) : 0;
  }
  /** As `storeTo`, where most messages have four words or more. */
  @inline
  storeFirst(words: usize, count: u32): void {
    const from = changetype<Thread>(this);
    if (count >= 4) {
      store<u64>(words, from.rbx);
      store<u64>(words, from.r12, 8);
      store<u64>(words, from.r13, 16);
      store<u64>(words, from.r14, 24);
    } else {
      this.storeTo(words, count);
    }
  }
  /** Stores all four to memory, zero in place of those from `count` on. */
  storeTo(words: usize, count: u32): void {
    const from = changetype<Thread>(this);
    store<u64>(words, count > 0 ? from.rbx : 0);
    store<u64>(words, count > 1 ? from.r12 : 0, 8);
    store<u64>(words, count > 2 ? from.r13 : 0, 16);
    store<u64>(words, count > 3 ? from.r14 : 0, 24);
  }
}

/** A result without message. */
export function setResult(thread: Thread, status: Status): void {
  Result.of(thread).setAnswer(status, MessageHeader.of(0));
  RegisterWords.of(thread).clear();
}
