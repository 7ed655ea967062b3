// The common call and the common reply: at most four words in registers, a receiver that waits,
// verdicts that are cached. Each either does exactly what the slow path does, or declines and has
// changed nothing. Then the slow path runs, which defines what a call means.
//
// kernel/x64/system-call-entry.asm calls both. Where they do not decline, they end in
// `resumeMessage`, which leaves the kernel and does not return. In Node it returns, and they return
// true, which is all that their result is for.

import { ObjectType, RIGHT_CALL, RIGHT_RECEIVE } from "../abi/object";
import {
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  REGISTER_WORDS_MAX,
  TIMEOUT_NONE,
  TOKEN_SEQUENCE_SHIFT,
} from "../abi/system-call";
import { GUARD_STRUCTURE, GUARD_TOKEN, GUARD_VERDICT } from "../base/guards";
import { HandleTable, hasRights } from "../handle/table";
import { promiseRecord } from "../ipc/capture";
import { Arguments, RegisterWords, Result } from "../ipc/registers";
import { SEQUENCE_LAST } from "../ipc/request";
import { isTraceActive } from "../ipc/trace";
import { startTimeout } from "../ipc/wait";
import { Event, epoch, fitsPlainly } from "../monitor/monitor";
import { Domain, DomainState, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { CHAIN_MAX } from "../object/tally";
import { Inbox } from "../object/inbox";
import { Thread, ThreadState } from "../object/thread";
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
  const caller = currentThread!;
  const passed = Arguments.of(caller);
  const header = passed.header;
  const words = header.registerWords;
  if (header.flags !== 0 || words > <u32>REGISTER_WORDS_MAX || passed.handle >> 32 !== 0)
    return middleCall(caller);
  if (!GUARD_VERDICT || isTraceActive()) return false;

  const domain = domainOfSlot(caller.owner);
  const entry = HandleTable.find(domain, <u32>passed.handle);
  if (entry === null || !hasRights(entry, RIGHT_CALL)) return false;
  if (header.interfaceId !== entry.interfaceId) return false;
  const now = epoch();
  if (entry.epoch !== now) return false;
  const method = header.method;
  if (((entry.verdicts >> <u64>method) & 1) === 0) return false;
  if (entry.type !== <u16>ObjectType.Endpoint) return fastMethod(caller, entry, header);

  const endpoint = changetype<Endpoint>(entry.object!);
  const inbox = endpoint.inbox!;
  const receiver = inbox.receiver;
  if (receiver === null || caller.sequence === SEQUENCE_LAST) return false;
  const owner = domainOfSlot(endpoint.owner);
  if (
    entry.seenInstance !== owner.instance ||
    receiver.timeoutTimer.heapIndex !== 0 ||
    !mayRun(receiver, owner)
  )
    return false;
  // Other callers or chains would take more than one comparison to settle who lends what.
  if (
    receiver.firstServed !== null ||
    receiver.ownInbox !== inbox ||
    caller.chainBehind >= CHAIN_MAX
  )
    return false;
  let priority = caller.priority < owner.ceiling ? caller.priority : owner.ceiling;
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
  caller.callHandle = entry;
  caller.callGeneration = <u32>entry.generation;
  caller.callHeader = naming;
  caller.callBadge = entry.badge;
  caller.callEpoch = now;
  caller.callShape = shape;
  caller.calleeSlot = owner.slot;
  caller.calleeClass = owner.classId;
  caller.isLong = false;
  const sequence = caller.sequence + 1;
  caller.sequence = sequence;
  caller.state = ThreadState.AwaitingReply;
  caller.server = receiver;
  caller.servedNext = null;
  caller.servedPrevious = null;
  receiver.firstServed = caller;
  receiver.chainBehind = caller.chainBehind + 1;
  receiver.priority = priority;
  inbox.receiver = null;
  receiver.inbox = null;
  receiver.state = ThreadState.Ready;

  RegisterWords.of(receiver).copyFrom(caller, words);
  handOver(caller, receiver);
  const token = (sequence << TOKEN_SEQUENCE_SHIFT) | <u64>caller.index;
  const received = naming.received(words, 0).word;
  const identity = Result.callerIdentity(domain.classId, domain.slot);
  const thread = <u32>changetype<usize>(receiver);
  if (passed.timeoutNs === TIMEOUT_NONE)
    resumeMessage(token, received, entry.badge, thread, identity);
  else resumeTimed(token, received, entry.badge, thread, identity);
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
  const server = currentThread!;
  const passed = Arguments.of(server);
  const header = passed.header;
  const words = header.registerWords;
  if (
    (header.flags & ~(<u32>HEADER_FLAG_RECORD)) !== <u32>HEADER_FLAG_RECEIVE ||
    words > <u32>REGISTER_WORDS_MAX ||
    passed.timeoutNs !== TIMEOUT_NONE ||
    passed.inbox >> 32 !== 0
  )
    return middleReply(server);
  if (!GUARD_TOKEN || !GUARD_VERDICT || isTraceActive()) return false;

  // The one call that this thread holds: whose priority it has afterwards is its own.
  const caller = server.firstServed;
  if (caller === null || caller.servedNext !== null || passed.token !== caller.token) return false;
  const shape = caller.callShape;
  if (
    caller.callEpoch !== epoch() ||
    shape === null ||
    caller.isFaultCall ||
    !mayRun(caller, domainOfSlot(caller.owner))
  )
    return false;

  // The rule of plain-inbox.ts, written out: its result would cost four instructions here.
  const entry = HandleTable.find(domainOfSlot(server.owner), <u32>passed.inbox);
  if (entry === null || entry.type !== <u16>ObjectType.Inbox || !hasRights(entry, RIGHT_RECEIVE))
    return false;
  const inbox = changetype<Inbox>(entry.object!);
  if (
    inbox.owner !== server.owner ||
    inbox !== server.ownInbox ||
    inbox.thread !== server ||
    inbox.receiver !== null
  )
    return false;
  if (inbox.bits !== 0 || inbox.pendingCalls !== 0 || inbox.firstMasked !== null) return false;
  if (caller.turn !== server.turn || !canHandOver(caller.priority)) return false;
  if (
    GUARD_STRUCTURE &&
    !shape.takesAny(false, words) &&
    !fitsPlainly(Event.Response, shape, words, server.rbx, server.r12, server.r13, server.r14)
  )
    return false;

  // Commit point. Nothing below can fail.
  caller.server = null;
  caller.state = ThreadState.Ready;
  server.firstServed = null;
  server.chainBehind = 0;
  server.priority = server.basePriority;
  server.isLong = false;
  if (header.has(HEADER_FLAG_RECORD)) promiseRecord(server);
  server.state = ThreadState.Receiving;
  server.inbox = inbox;
  inbox.receiver = server;

  RegisterWords.of(caller).copyFrom(server, words);
  handOver(server, caller);
  if (caller.timeoutTimer.heapIndex !== 0) clearTimer(caller.timeoutTimer);
  resumeMessage(0, caller.callHeader.received(words, 0).word, 0, <u32>changetype<usize>(caller), 0);
  return true;
}

/** A plain receive by the thread that received there last, with nothing to deliver. */
export function fastRecv(): bool {
  const thread = currentThread!;
  const passed = Arguments.of(thread);
  if (passed.header.word !== 0 || passed.timeoutNs !== TIMEOUT_NONE || isWorkDeferred())
    return false;
  const inbox = PlainInbox.of(thread, passed.inbox);
  if (inbox === null) return false;

  // Commit point. Nothing below can fail.
  thread.isLong = false;
  thread.state = ThreadState.Receiving;
  thread.inbox = inbox;
  inbox.receiver = thread;
  chooseNext();
  resumeCurrent();
  return true;
}

/** True if a message makes a waiting thread able to run. */
function mayRun(thread: Thread, domain: Domain): bool {
  return !thread.suspended && domain.state === DomainState.Running;
}
