// The call and the reply that the fast path does not take because the message has a record, but
// whose receiver waits and whose verdict is cached. As on the fast path, each either does exactly
// what the slow path does, or declines. What was captured until then, the slow path captures again.

import { MessageHeader } from "../abi/message-header";
import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import {
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  TIMEOUT_NONE,
} from "../abi/system-call";
import { GUARD_STRUCTURE, GUARD_TOKEN, GUARD_VERDICT } from "../base/guards";
import { findHandle, hasRights } from "../handle/table";
import { captureMessage, promiseRecord } from "../ipc/capture";
import { deliver, prepareDelivery } from "../ipc/delivery";
import { Arguments, Result } from "../ipc/registers";
import { isTraceActive } from "../ipc/trace";
import { startTimeout } from "../ipc/wait";
import { Event, Method, checkShape, epoch } from "../monitor/monitor";
import { DomainState, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { RECEIVED_BY_NONE } from "../object/inbox";
import { CHAIN_MAX } from "../object/tally";
import { TOKEN_LAST, TOKEN_STEP, Thread, ThreadState } from "../object/thread";
import { armDeadline, canHandOver, handOver } from "../schedule/scheduler";
import { clearTimer } from "../schedule/timers";
import { resumeCurrent } from "../x64/assembly";
import { PlainInbox } from "./plain-inbox";

/** A call, without handles, straight to a receiver that waits. False if it declines. */
export function middleCall(caller: Thread): bool {
  const passed = Arguments.of(caller);
  const header = passed.header;
  if ((header.flags & ~(<u32>HEADER_FLAG_LONG)) !== 0 || passed.handle >> 32 !== 0) return false;
  if (!GUARD_VERDICT || isTraceActive()) return false;

  const domain = domainOfSlot(caller.owner);
  const entry = findHandle(domain, <u32>passed.handle);
  if (entry === null || entry.type !== <u16>ObjectType.Endpoint || !hasRights(entry, RIGHT_CALL))
    return false;
  const method = header.method;
  const now = epoch();
  if (
    header.interfaceId !== entry.interfaceId ||
    entry.epoch !== now ||
    ((entry.verdicts >> <u64>method) & 1) === 0
  )
    return false;

  const endpoint = changetype<Endpoint>(entry.object!);
  const inbox = endpoint.inbox!;
  const receiver = inbox.receiver;
  if (receiver === null || caller.token >= TOKEN_LAST) return false;
  const owner = domainOfSlot(endpoint.owner);
  if (
    entry.seenInstance !== owner.instance ||
    receiver.owner !== endpoint.owner ||
    receiver.timeoutTimer.heapIndex !== 0 ||
    receiver.suspended ||
    owner.state !== DomainState.Running
  )
    return false;
  if (
    receiver.firstServed !== null ||
    receiver.ownInbox !== inbox ||
    caller.chainBehind >= CHAIN_MAX
  )
    return false;
  let priority = caller.priority < owner.ceiling ? caller.priority : owner.ceiling;
  if (priority < receiver.basePriority) priority = receiver.basePriority;
  if (!canHandOver(priority)) return false;

  const timeoutNs = passed.timeoutNs;
  if (captureMessage(caller, domain, header) !== Status.Ok) return false;
  const message = caller.capture;
  if (message.handleCount !== 0) return false;
  const shape = entry.shape(method);
  if (GUARD_STRUCTURE && checkShape(Event.Request, shape, message) !== 0) return false;
  if (prepareDelivery(caller, domain, receiver, owner, false) !== Status.Ok) return false;

  // Commit point. Nothing below can fail.
  const naming = header.naming;
  caller.callHeader = naming;
  caller.callEpoch = now;
  caller.callShape = shape;
  caller.token += TOKEN_STEP;
  caller.state = ThreadState.AwaitingReply;
  caller.server = receiver;
  receiver.firstServed = caller;
  receiver.chainBehind = caller.chainBehind + 1;
  receiver.priority = priority;
  inbox.receiving = RECEIVED_BY_NONE;
  receiver.state = ThreadState.Ready;

  const received = deliver(caller, domain, receiver, owner, naming);
  const identity = Result.callerIdentity(domain.classId, domain.slot);
  Result.of(receiver).setRequest(caller.token, received, entry.badge, identity);
  handOver(caller, receiver);
  if (timeoutNs !== TIMEOUT_NONE) {
    startTimeout(caller, timeoutNs);
    armDeadline(caller.timeoutTimer.deadline);
  }
  resumeCurrent();
  return true;
}

/**
 * An answer, without handles, by the thread that holds the call, which then waits for the next.
 * False if it declines.
 */
export function middleReply(server: Thread): bool {
  const passed = Arguments.of(server);
  const header = passed.header;
  if (!isPlainReply(header) || passed.timeoutNs !== TIMEOUT_NONE) return false;
  if (!GUARD_TOKEN || !GUARD_VERDICT || isTraceActive()) return false;

  const caller = server.firstServed;
  if (caller === null || caller.servedNext !== null || passed.token !== caller.token) return false;
  if (
    caller.callEpoch !== epoch() ||
    caller.callShape === null ||
    caller.isFaultCall ||
    caller.suspended
  )
    return false;
  const callerDomain = domainOfSlot(caller.owner);
  if (callerDomain.state !== DomainState.Running) return false;

  const domain = domainOfSlot(server.owner);
  const inbox = PlainInbox.of(server, passed.inbox);
  if (inbox === null) return false;
  if (caller.turn !== server.turn || !canHandOver(caller.priority)) return false;

  if (captureMessage(server, domain, header) !== Status.Ok) return false;
  const message = server.capture;
  if (message.handleCount !== 0) return false;
  const shape = changetype<Method>(caller.callShape); // Not null: checked above.
  if (GUARD_STRUCTURE && checkShape(Event.Response, shape, message) !== 0) return false;
  if (prepareDelivery(server, domain, caller, callerDomain, false) !== Status.Ok) return false;

  // Commit point. Nothing below can fail.
  clearTimer(caller.timeoutTimer);
  caller.server = null;
  caller.state = ThreadState.Ready;
  server.firstServed = null;
  server.chainBehind = 0;
  server.priority = server.basePriority;
  const received = deliver(server, domain, caller, callerDomain, caller.callHeader);
  Result.of(caller).setAnswer(Status.Ok, received);
  if (header.has(HEADER_FLAG_RECORD) && !header.has(HEADER_FLAG_LONG)) promiseRecord(server);
  server.state = ThreadState.Receiving;
  inbox.letWait(server, false);
  handOver(server, caller);
  resumeCurrent();
  return true;
}

/** True for an answer that is no error and is followed by a plain receive. */
function isPlainReply(header: MessageHeader): bool {
  return (
    (header.flags & ~(<u32>(HEADER_FLAG_LONG | HEADER_FLAG_RECORD))) === <u32>HEADER_FLAG_RECEIVE
  );
}
