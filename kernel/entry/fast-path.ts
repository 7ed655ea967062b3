// The common call and the common reply: at most four words in registers, a receiver that waits,
// verdicts that are cached. Each either does exactly what the slow path does, or declines and has
// changed nothing. Then the slow path runs, which defines what a call means.
//
// kernel/x64/system-call-entry.asm calls both. Where they do not decline, they end in
// `resumeMessage`, which leaves the kernel and does not return. In Node it returns, and they return
// true, which is all that their result is for.

import { ObjectType, RIGHT_CALL } from "../abi/object";
import {
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  REGISTER_WORDS_MAX,
  TIMEOUT_NONE,
} from "../abi/system-call";
import { GUARD_STRUCTURE, GUARD_TOKEN, GUARD_VERDICT } from "../base/guards";
import { HandleTable, hasRights } from "../handle/table";
import { promiseRecord } from "../ipc/capture";
import { Arguments, RegisterWords } from "../ipc/registers";
import { startTimeout } from "../ipc/wait";
import { Event, Method, epoch, fitsPlainly } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { CHAIN_MAX } from "../object/tally";
import { Inbox, RECEIVED_BY_NONE } from "../object/inbox";
import { TOKEN_STEP, Thread, ThreadState } from "../object/thread";
import {
  armDeadline,
  canHandOver,
  chooseNext,
  currentThread,
  handOver,
  isWorkDeferred,
} from "../schedule/scheduler";
import { clearTimer } from "../schedule/timers";
import { resumeCurrent, resumeMessage } from "../x64/assembly";
import { fastMethod } from "./fast-method";
import { middleCall, middleReply } from "./middle-path";
import { PlainInbox } from "./plain-inbox";

/** A call straight to a receiver that waits, which runs next. False if it declines. */
export function fastCall(): bool {
  const caller = Running.thread;
  const passed = Arguments.of(caller);
  const header = passed.header;
  const words = header.registerWords;
  if (header.flags !== 0 || words > <u32>REGISTER_WORDS_MAX) return middleCall(caller);
  if (!GUARD_VERDICT) return false;

  const domain = changetype<Domain>(caller.domain);
  const handle = passed.handle;
  const place = HandleTable.place(handle);
  if (place >= domain.handleHigh) return false;
  const entry = HandleTable.at(domain, place);
  if (!HandleTable.names(handle, place, entry, ObjectType.Endpoint))
    return fastMethod(caller, header);
  if (!hasRights(entry, RIGHT_CALL) || header.interfaceId !== entry.interfaceId) return false;
  const now = epoch();
  if (entry.epoch !== now) return false;
  const method = header.method;
  if (((entry.verdicts >> <u64>method) & 1) === 0) return false;

  // No object of these is null: the handle is in use, and an endpoint has an inbox.
  const inbox = changetype<Inbox>(changetype<Endpoint>(entry.object).inbox);
  if (entry.seenInstance !== inbox.receiving) return false;
  const receiver = changetype<Thread>(inbox.thread);
  const token = caller.token + TOKEN_STEP;
  if (token < TOKEN_STEP || caller.chainBehind >= CHAIN_MAX) return false;
  let priority = caller.priority < receiver.ceiling ? caller.priority : receiver.ceiling;
  if (priority < receiver.basePriority) priority = receiver.basePriority;
  if (!canHandOver(priority)) return false;
  const shape = entry.shape(method);
  if (
    GUARD_STRUCTURE &&
    !shape.takesAny(true, words) &&
    !fitsPlainly(Event.Request, shape, words, caller.rbx, caller.r12, caller.r13, caller.r14)
  )
    return false;

  // Commit point. Nothing below can fail.
  const naming = header.naming;
  caller.token = token;
  caller.callHeader = naming;
  caller.callEpoch = now;
  caller.callShape = shape;
  caller.stand(ThreadState.AwaitingReply);
  caller.server = receiver;
  receiver.firstServed = caller;
  receiver.chainBehind = caller.chainBehind + 1;
  receiver.priority = priority;
  receiver.stand(ThreadState.Ready);
  inbox.receiving = RECEIVED_BY_NONE;

  RegisterWords.of(receiver).copyFrom(caller, words);
  handOver(caller, receiver);
  const received = naming.received(words, 0).word;
  const next = <u32>changetype<usize>(receiver);
  const identity = caller.identityShown;
  if (passed.timeoutNs === TIMEOUT_NONE)
    resumeMessage(token, received, entry.badge, next, identity);
  else resumeTimed(token, received, entry.badge, next, identity);
  return true;
}

/** As `resumeMessage`, when the timeout of the call that the thread gets has to start. */
function resumeTimed(token: u64, header: u32, badge: u64, thread: u32, identity: u64): void {
  // Not null: it has just called.
  const caller = changetype<Thread>(changetype<Thread>(<usize>thread).firstServed);
  startTimeout(caller, Arguments.of(caller).timeoutNs);
  armDeadline(caller.timeoutTimer.deadline);
  resumeMessage(token, header, badge, thread, identity);
}

/**
 * A plain answer by the thread that holds the call, which then waits for the next; the caller runs
 * next. False if it declines.
 */
export function fastReply(): bool {
  const server = Running.thread;
  const passed = Arguments.of(server);
  const header = passed.header;
  const words = header.registerWords;
  if (
    (header.flags & ~(<u32>HEADER_FLAG_RECORD)) !== <u32>HEADER_FLAG_RECEIVE ||
    words > <u32>REGISTER_WORDS_MAX ||
    passed.timeoutNs !== TIMEOUT_NONE
  )
    return middleReply(server);
  if (!GUARD_TOKEN || !GUARD_VERDICT) return false;

  // The one call that this thread holds: whose priority it has afterwards is its own.
  const caller = server.firstServed;
  if (caller === null || caller.servedNext !== null || passed.token !== caller.token) return false;
  if (caller.callEpoch !== epoch() || caller.isHeldBack) return false;
  const inbox = PlainInbox.ofServer(server, passed.inbox);
  if (inbox === null) return false;
  if (caller.turn !== server.turn || !canHandOver(caller.priority)) return false;
  const shape = changetype<Method>(caller.callShape); // Not null where there is an epoch.
  if (
    GUARD_STRUCTURE &&
    !shape.takesAny(false, words) &&
    !fitsPlainly(Event.Response, shape, words, server.rbx, server.r12, server.r13, server.r14)
  )
    return false;

  // Commit point. Nothing below can fail.
  caller.server = null;
  caller.stand(ThreadState.Ready);
  server.firstServed = null;
  server.chainBehind = 0;
  server.priority = server.basePriority;
  server.stand(ThreadState.Receiving);
  if (header.has(HEADER_FLAG_RECORD)) promiseRecord(server);
  inbox.receiving = server.instance;

  RegisterWords.of(caller).copyFrom(server, words);
  handOver(server, caller);
  if (caller.timeoutTimer.heapIndex !== 0) clearTimer(caller.timeoutTimer);
  resumeMessage(0, caller.callHeader.received(words, 0).word, 0, <u32>changetype<usize>(caller), 0);
  return true;
}

/** A plain receive by the thread that received there last, with nothing to deliver. */
export function fastRecv(): bool {
  const thread = Running.thread;
  const passed = Arguments.of(thread);
  if (passed.header.word !== 0 || passed.timeoutNs !== TIMEOUT_NONE || isWorkDeferred())
    return false;
  const inbox = PlainInbox.of(thread, passed.inbox);
  if (inbox === null) return false;

  // Commit point. Nothing below can fail.
  thread.stand(ThreadState.Receiving);
  inbox.letWait(thread, thread.firstServed !== null);
  chooseNext();
  resumeCurrent();
  return true;
}

/** Who made the system call. */
class Running {
  @inline
  static get thread(): Thread {
    return changetype<Thread>(currentThread); // Not null: user code ran.
  }
}
