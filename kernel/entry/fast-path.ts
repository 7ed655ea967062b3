// The common call and the common reply: at most four words in registers, a receiver that waits,
// verdicts that are cached. Each either does exactly what the slow path does, or declines and has
// changed nothing. Then the slow path runs, which defines what a call means.
//
// kernel/x64/system-call-entry.asm calls both. Where they do not decline, they end in
// `resumeMessage`, which leaves the kernel and does not return. In Node it returns, and they return
// true, which is all that their result is for.

import { MessageHeader } from "../abi/message-header";
import { METHOD_BOUNDED } from "../abi/blob";
import { ObjectType, RIGHT_CALL } from "../abi/object";
import {
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_MASK,
  HEADER_METHOD_SHIFT,
  HEADER_WORDS_MASK,
  REGISTER_WORDS_MAX,
  TIMEOUT_NONE,
} from "../abi/system-call";
import { FAST_PATH_JUDGES, GUARD_STRUCTURE, GUARD_TOKEN, GUARD_VERDICT } from "../base/guards";
import { HandleTable, hasRights } from "../handle/table";
import { promiseRecord } from "../ipc/capture";
import { Arguments } from "../ipc/registers";
import { startTimeoutAtExit } from "../ipc/wait";
import { Bounds, Method, epoch } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { CHAIN_MAX } from "../object/tally";
import { HandleEntry } from "../object/handle-entry";
import { Inbox } from "../object/inbox";
import { TOKEN_STEP, Thread, ThreadState } from "../object/thread";
import {
  canHandOver,
  chooseNext,
  currentThread,
  handBack,
  handOver,
  isWorkDeferred,
} from "../schedule/scheduler";
import { clearTimer } from "../schedule/timers";
import { resumeCurrent, resumeMessage } from "../x64/assembly";
import { messageWord, setMessageWord } from "../x64/message-words";
import { deniedCall } from "./denied-call";
import { fastMethod } from "./fast-method";
import { middleCall, middleReply } from "./middle-path";
import { ShortWay } from "./short-way";

/** Of a reply's header: all but interface and method, and the flag for a record. */
const PLAIN_REPLY_BITS: u32 = ~(
  <u32>HEADER_FLAG_RECORD |
  (0xffff << HEADER_INTERFACE_SHIFT) |
  (HEADER_METHOD_MASK << HEADER_METHOD_SHIFT)
);

/**
 * A call straight to a receiver that waits, which runs next. False if it declines. `handle` and
 * `headerWord`: what the caller passed; the rest is in its save area, its words too.
 */
export function fastCall(handle: u64, headerWord: u64): bool {
  const caller = Running.thread;
  const header = MessageHeader.of(<u32>headerWord);
  if (header.flags !== 0) return middleCall(caller);
  if (!GUARD_VERDICT || !GUARD_STRUCTURE) return false;

  const domain = changetype<Domain>(caller.domain);
  const place = HandleTable.place(handle);
  if (place >= domain.handleHigh) return false;
  const entry = HandleTable.at(domain, place);
  if (!HandleTable.names(handle, place, entry, ObjectType.Endpoint))
    return fastMethod(caller, entry, handle - <u64>place, header);
  const now = epoch();
  if (FAST_PATH_JUDGES) {
    if (entry.epoch !== now) return false;
    // What the caller keeps of a call means nothing until it waits for the answer, so it is written
    // as soon as it is known.
    caller.callEpoch = now;
  }
  const method = header.method;
  if (FAST_PATH_JUDGES && ((entry.verdicts >> <u64>method) & 1) === 0)
    return deniedCall(caller, entry, header);
  const shape = entry.shape(method);
  if (FAST_PATH_JUDGES) caller.callShape = shape;
  caller.callHeader = header.naming;
  if (FAST_PATH_JUDGES) {
    if (header.word !== shape.plainCall && !MessageWords.fitCall(shape, header)) return false;
  } else if (!isForEntry(entry, header)) {
    return false;
  }

  // No object of these is null: the handle is in use, and an endpoint has an inbox.
  const inbox = changetype<Inbox>(changetype<Endpoint>(entry.object).inbox);
  if (entry.seenInstance !== inbox.receiving) return false;
  const receiver = changetype<Thread>(inbox.thread);
  const token = caller.token + TOKEN_STEP;
  if (token < TOKEN_STEP || caller.chainBehind >= CHAIN_MAX) return false;
  const priority = ShortWay.priority(caller, receiver);
  if (!canHandOver(priority)) return false;

  // Commit point. Nothing below can fail.
  caller.stand(ThreadState.AwaitingReply);
  ShortWay.giveCall(caller, receiver, inbox, token, priority);

  if (!header.hasFourWords) MessageWords.clearFrom(header.registerWords);
  handOver(caller, receiver);
  const next = <u32>changetype<usize>(receiver);
  // Without flags, what is received is what was sent.
  if (Arguments.of(caller).timeoutNs === TIMEOUT_NONE) {
    resumeMessage(token, header.word, entry.badge, next, caller.identityShown);
  } else {
    startTimeoutAtExit(caller, Arguments.of(caller).timeoutNs);
    resumeMessage(caller.token, header.word, entry.badge, next, caller.identityShown);
  }
  return true;
}

/** True if a call without flags may be made on the handle, and has all its words in registers. */
function isForEntry(entry: HandleEntry, header: MessageHeader): bool {
  return (
    hasRights(entry, RIGHT_CALL) &&
    header.registerWords <= <u32>REGISTER_WORDS_MAX &&
    header.interfaceId === entry.interfaceId
  );
}

/**
 * A plain answer by the thread that holds the call, which then waits for the next; the caller runs
 * next. False if it declines. `token` and `headerWord`: what the server passed.
 */
export function fastReply(token: u64, headerWord: u64): bool {
  const server = Running.thread;
  const header = MessageHeader.of(<u32>headerWord);
  if (!GUARD_TOKEN || !GUARD_VERDICT || !GUARD_STRUCTURE) return false;

  // The one call that this thread holds: whose priority it has afterwards is its own.
  const caller = server.firstServed;
  if (caller === null || caller.servedNext !== null || token !== caller.token) return false;
  if ((FAST_PATH_JUDGES && caller.callEpoch !== epoch()) || caller.isHeldBack) return false;
  const shape = changetype<Method>(caller.callShape); // Not null where there is an epoch.
  // As numbers of 64 bits, for a method without plain answer has a number that is no header. The
  // answer's interface and method are the call's, whatever the reply's header says.
  const plain = header.word & PLAIN_REPLY_BITS;
  if (
    FAST_PATH_JUDGES
      ? <i64>(<u64>plain) !== <i64>shape.plainAnswer && !MessageWords.fitAnswer(shape, plain)
      : !MessageWords.areAnswer(header)
  ) {
    MessageWords.keep(server);
    return middleReply(server);
  }
  const passed = Arguments.of(server);
  if (passed.timeoutNs !== TIMEOUT_NONE || !ShortWay.onlyWaits(server, passed.inbox)) return false;
  const inbox = changetype<Inbox>(server.ownInbox);
  if (caller.turn !== server.turn || !canHandOver(caller.priority)) return false;

  // Commit point. Nothing below can fail.
  ShortWay.takeAnswer(server, inbox, caller);
  server.stand(ThreadState.Receiving);
  if (header.has(HEADER_FLAG_RECORD)) promiseRecord(server);

  if (!header.hasFourWords) MessageWords.clearFrom(header.registerWords);
  handBack(server, caller);
  if (caller.isTimed) clearTimer(caller.timeoutTimer);
  const received = caller.callHeader.received(header.registerWords, 0);
  resumeMessage(0, received.word, 0, <u32>changetype<usize>(caller), 0);
  return true;
}

/** A plain receive by the thread that received there last, with nothing to deliver. */
export function fastRecv(): bool {
  const thread = Running.thread;
  const passed = Arguments.of(thread);
  if (passed.header.word !== 0 || passed.timeoutNs !== TIMEOUT_NONE || isWorkDeferred())
    return false;
  if (!ShortWay.onlyWaits(thread, passed.inbox)) return false;

  // Commit point. Nothing below can fail.
  thread.stand(ThreadState.Receiving);
  changetype<Inbox>(thread.ownInbox).letWait(thread, thread.firstServed !== null);
  chooseNext();
  resumeCurrent();
  return true;
}

/** The words of the system call, which cross the kernel in their registers. */
class MessageWords {
  /** Those from `count` on, which is below 4, are zero for who receives them. */
  @inline
  static clearFrom(count: u32): void {
    setMessageWord(3, 0);
    if ((count & 2) === 0) {
      setMessageWord(1, 0);
      setMessageWord(2, 0);
      if ((count & 1) === 0) setMessageWord(0, 0);
    } else if ((count & 1) === 0) {
      setMessageWord(2, 0);
    }
  }
  /** True if they are all of a reply, without record or error, that receives. */
  @inline
  static areAnswer(header: MessageHeader): bool {
    return (
      (header.flags & ~(<u32>HEADER_FLAG_RECORD)) === <u32>HEADER_FLAG_RECEIVE &&
      header.registerWords <= <u32>REGISTER_WORDS_MAX
    );
  }
  /** True if a call without flags is one with bounds, and within them. */
  @inline
  static fitCall(shape: Method, header: MessageHeader): bool {
    return (
      (header.word | <u32>METHOD_BOUNDED) === shape.plainCall &&
      MessageWords.areWithin(shape, true, header.registerWords)
    );
  }
  /** True if a reply, from whose header the flag for a record is taken, is one within bounds. */
  @inline
  static fitAnswer(shape: Method, header: u32): bool {
    return (
      <i32>header + shape.plainAnswer === 0 &&
      MessageWords.areWithin(shape, false, header & <u32>HEADER_WORDS_MASK)
    );
  }
  @inline
  private static areWithin(shape: Method, isRequest: bool, count: u32): bool {
    return Bounds.hold(
      shape.fieldsFrom(isRequest),
      count,
      messageWord(0),
      messageWord(1),
      messageWord(2),
      messageWord(3),
    );
  }
  /** Puts them where the other paths look for them. */
  @inline
  static keep(thread: Thread): void {
    thread.rbx = messageWord(0);
    thread.r12 = messageWord(1);
    thread.r13 = messageWord(2);
    thread.r14 = messageWord(3);
  }
}

/** Who made the system call. */
class Running {
  @inline
  static get thread(): Thread {
    return changetype<Thread>(currentThread); // Not null: user code ran.
  }
}
