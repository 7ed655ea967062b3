// reply: answers a call by its token, or passes it on, and with HEADER_FLAG_RECEIVE receives the
// next message in the same trap.

import { MessageHeader } from "../abi/message-header";
import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import {
  HEADER_FLAG_ERROR,
  HEADER_FLAG_FORWARD,
  HEADER_FLAG_KEEP_MASKED,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  TIMEOUT_NONE,
  TOKEN_THREAD_MASK,
} from "../abi/system-call";
import { GUARD_TOKEN } from "../base/guards";
import { clamped } from "../base/speculation";
import { endFaultCall } from "../domain/threads";
import { findHandle, hasRights } from "../handle/table";
import { captureMessage, captureRegisters, describeHandles, promiseRecord } from "../ipc/capture";
import { deliver, prepareDelivery } from "../ipc/delivery";
import { endFaulted } from "../ipc/end";
import { judgeReply } from "../ipc/judgement";
import { endService, updatePriority } from "../ipc/lending";
import { Arguments, Result, setResult } from "../ipc/registers";
import { sendRequest } from "../ipc/request";
import { TraceKind, isTraceActive, traceMessage } from "../ipc/trace";
import { failCall } from "../ipc/wait";
import { Table, isInUse } from "../memory/object-pages";
import { domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { THREADS_MAX } from "../object/layout";
import { TOKEN_LAST, Thread, ThreadState } from "../object/thread";
import { passTurn, wake } from "../schedule/scheduler";
import { clearTimer } from "../schedule/timers";
import { InboxOrStatus, findInbox, receiveAt } from "./receive";

/** A reply may set every flag. What else the header's flags hold is the reserved bit. */
const FLAGS_OF_REPLY: u32 =
  HEADER_FLAG_LONG |
  HEADER_FLAG_RECEIVE |
  HEADER_FLAG_ERROR |
  HEADER_FLAG_FORWARD |
  HEADER_FLAG_KEEP_MASKED |
  HEADER_FLAG_RECORD;

export function systemCallReply(thread: Thread): void {
  const passed = Arguments.of(thread);
  const header = passed.header;
  const timeoutNs = passed.timeoutNs;
  const receives = header.has(HEADER_FLAG_RECEIVE);
  if (!areFlagsOfReply(header)) return setResult(thread, Status.BadHeader);
  const found = receives ? findInbox(thread, passed.inbox) : InboxOrStatus.refused(Status.Ok);
  if (receives && !found.isInbox) return setResult(thread, found.status);

  let status = captureMessage(thread, domainOfSlot(thread.owner), header);
  if (status === Status.Ok) status = reply(thread, passed.token, header);
  // A reply that failed receives nothing: its sender must learn of the failure first.
  if (status !== Status.Ok || !receives) return setResult(thread, status);
  assert(thread.state === ThreadState.Ready);
  if (header.has(HEADER_FLAG_RECORD) && !header.has(HEADER_FLAG_LONG)) promiseRecord(thread);
  receiveAt(thread, found.inbox, header, timeoutNs);
}

function areFlagsOfReply(header: MessageHeader): bool {
  if ((header.flags & ~FLAGS_OF_REPLY) !== 0) return false;
  if (header.has(HEADER_FLAG_ERROR) && header.has(HEADER_FLAG_FORWARD)) return false;
  return (
    header.has(HEADER_FLAG_RECEIVE) || !header.has(HEADER_FLAG_KEEP_MASKED | HEADER_FLAG_RECORD)
  );
}

/** Answers or forwards the call that `token` names. `server` has captured its message. */
function reply(server: Thread, token: u64, header: MessageHeader): Status {
  const caller = findCaller(server, token);
  if (caller === null) return Status.Gone;
  if (header.has(HEADER_FLAG_FORWARD)) return forward(server, caller);

  const domain = domainOfSlot(server.owner);
  const callerDomain = domainOfSlot(caller.owner);
  const isError = header.has(HEADER_FLAG_ERROR);
  if (isError) {
    // An error is one word, the number; handles and an arena are left behind.
    if (server.capture.wordCount !== 1) return Status.BadArgument;
    server.capture.setPlain(1);
  }
  if (server.capture.handleCount !== 0) {
    const described = describeHandles(server, domain);
    if (described !== Status.Ok) return described;
  }
  const naming = caller.callHeader;
  const verdict = judgeReply(server, caller, callerDomain, isError);
  const kind = isError ? TraceKind.Error : TraceKind.Response;
  if (isTraceActive()) traceMessage(kind, domain.slot, callerDomain.slot, server, naming, verdict);

  // From here on the token is spent whatever happens.
  endCall(caller);
  if (verdict !== Status.Ok) {
    const seen = statusOfRefusedReply(server, caller, verdict);
    failCall(caller, verdict);
    return seen;
  }
  if (caller.isFaultCall) {
    endFault(caller, isError);
    return Status.Ok;
  }
  const prepared = prepareDelivery(server, domain, caller, callerDomain, false);
  if (prepared !== Status.Ok) {
    failCall(caller, seenFromOtherSide(prepared));
    return prepared;
  }

  // Commit point.
  const received = deliver(server, domain, caller, callerDomain, naming);
  Result.of(caller).setAnswer(isError ? Status.ErrorReply : Status.Ok, received);
  wake(caller);
  return Status.Ok;
}

/**
 * What a server is told of an answer that the monitor refused. A denial tells it nothing: the
 * server gets the status that it would have got if the answer had been allowed.
 */
function statusOfRefusedReply(server: Thread, caller: Thread, verdict: Status): Status {
  if (verdict !== Status.Denied) return verdict;
  if (caller.isFaultCall) return Status.Ok;
  const domain = domainOfSlot(server.owner);
  return prepareDelivery(server, domain, caller, domainOfSlot(caller.owner), true);
}

/** A failed delivery as the other side sees it: BadAddress is one's own fault, PeerFault not. */
function seenFromOtherSide(status: Status): Status {
  if (status === Status.PeerFault) return Status.BadAddress;
  if (status === Status.BadAddress) return Status.PeerFault;
  return status;
}

/**
 * The thread whose call a token names, if the server's domain may answer the call. Null if the call
 * was answered, timed out or was cancelled, if its caller died, or if there was no such call.
 */
function findCaller(server: Thread, token: u64): Thread | null {
  const named = <u32>token & TOKEN_THREAD_MASK;
  if (named >= THREADS_MAX) return null;
  const index = clamped(named, THREADS_MAX);
  if (!isInUse(Table.Threads, index)) return null;
  const caller = Thread.at(index);
  if (caller.state !== ThreadState.AwaitingReply) return null;
  if (!GUARD_TOKEN) return caller;
  if (caller.token !== token) return null;
  if (caller.server!.owner !== server.owner) return null;
  return caller;
}

/** The server holds the call no longer. The caller is in no queue and has no result yet. */
function endCall(caller: Thread): void {
  const server = endService(caller);
  caller.state = ThreadState.Ready;
  updatePriority(server);
  passTurn(caller, caller);
}

/** The fault handler has answered: the thread goes on, or after an error its instance ends. */
function endFault(faulted: Thread, isError: bool): void {
  clearTimer(faulted.timeoutTimer);
  if (isError) {
    endFaulted(faulted, true);
    return;
  }
  endFaultCall(faulted);
  wake(faulted);
}

/**
 * Passes a call on to another endpoint of the same interface, as if its caller had called there.
 * The endpoint's handle, the server's, is word 0 of the server's message.
 */
function forward(server: Thread, caller: Thread): Status {
  const number = server.capture.word(0);
  if (server.capture.wordCount !== 1 || number >> 32 !== 0) return Status.BadArgument;
  const entry = findHandle(domainOfSlot(server.owner), <u32>number);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Endpoint) return Status.WrongType;
  if (!hasRights(entry, RIGHT_CALL)) return Status.NoRight;
  if (entry.interfaceId !== caller.callHeader.interfaceId) return Status.WrongInterface;
  if (caller.isFaultCall || caller.token >= TOKEN_LAST) return Status.BadArgument;

  // Commit point: the token is spent. What goes wrong from here on is told to the caller.
  endCall(caller);
  caller.callHandle = null;
  caller.callBadge = entry.badge;
  if (!caller.isLong) captureRegisters(caller); // The fast path captures nothing.
  // The timeout that the caller gave runs on.
  const status = sendRequest(caller, changetype<Endpoint>(entry.object!), TIMEOUT_NONE);
  if (status !== Status.Ok) failCall(caller, status);
  return Status.Ok;
}
