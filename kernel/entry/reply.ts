// reply: answers a call by its token, passes it on, and with HEADER_FLAG_RECEIVE receives the next
// message in the same trap.

import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import {
  HEADER_FLAG_ERROR,
  HEADER_FLAG_FORWARD,
  HEADER_FLAG_KEEP_MASKED,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  REGISTER_WORDS_MAX,
  TOKEN_SEQUENCE_SHIFT,
  TOKEN_THREAD_MASK,
} from "../abi/system-call";
import { TraceKind, traceMessage } from "../ipc/trace";
import { endFaultCall } from "../domain/threads";
import { GUARD_TOKEN } from "../base/guards";
import { THREADS_BASE, THREADS_MAX, THREAD_SHIFT } from "../object/layout";
import { Table, isInUse } from "../memory/object-pages";
import { CopyResult } from "../memory/user-memory";
import { domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { findHandle, hasRights } from "../handle/table";
import { Thread, ThreadState } from "../object/thread";
import { passTurn, wake } from "../schedule/scheduler";
import { clearTimer } from "../schedule/timers";
import { clamped } from "../base/speculation";
import {
  CAPTURE_ARENA_BYTES,
  CAPTURE_HANDLE_COUNT,
  CAPTURE_WORDS,
  CAPTURE_WORD_COUNT,
} from "../object/capture";
import { endFaulted } from "../ipc/end";
import { interfaceOf, judgeReply } from "../ipc/judgement";
import { endService, updatePriority } from "../ipc/lending";
import {
  captureMessage,
  captureRegisters,
  checkRoom,
  promiseRecord,
  storeMessage,
} from "../ipc/message";
import { setResult } from "../ipc/registers";
import { SEQUENCE_LAST } from "../ipc/rendezvous";
import { sendRequest } from "../ipc/send";
import {
  copyArena,
  describeHandles,
  giveHandles,
  givenHandles,
  prepareTransfer,
} from "../ipc/transfer";
import { failCall } from "../ipc/wait";
import { InboxOrStatus, findInbox, receiveAt } from "./receive";

const FLAGS_OF_REPLY: u32 =
  HEADER_FLAG_LONG |
  HEADER_FLAG_RECEIVE |
  HEADER_FLAG_ERROR |
  HEADER_FLAG_FORWARD |
  HEADER_FLAG_KEEP_MASKED |
  HEADER_FLAG_RECORD;
const FLAGS_AND_RESERVED: u32 = 0xfc08;

export function systemCallReply(thread: Thread): void {
  const header = <u32>thread.rsi;
  const timeout = thread.r9;
  const flagged = checkFlags(header);
  if (flagged !== Status.Ok) return setResult(thread, flagged);
  const receives = (header & HEADER_FLAG_RECEIVE) !== 0;
  const found = receives ? findInbox(thread, thread.r10) : InboxOrStatus.refused(Status.Ok);
  if (receives && !found.isInbox) return setResult(thread, found.status);
  let status = captureMessage(thread, domainOfSlot(thread.owner), header);
  if (status === Status.Ok) status = reply(thread, header);
  // A reply that failed receives nothing: its sender must learn of the failure first.
  if (status !== Status.Ok || !receives) return setResult(thread, status);
  if (thread.state !== ThreadState.Ready) return;
  if ((header & (HEADER_FLAG_RECORD | HEADER_FLAG_LONG)) === <u32>HEADER_FLAG_RECORD)
    promiseRecord(thread);
  receiveAt(thread, found.inbox, header, timeout);
}

function checkFlags(header: u32): Status {
  if ((header & FLAGS_AND_RESERVED & ~FLAGS_OF_REPLY) !== 0) return Status.BadHeader;
  if ((header & HEADER_FLAG_ERROR) !== 0 && (header & HEADER_FLAG_FORWARD) !== 0)
    return Status.BadHeader;
  if (
    (header & HEADER_FLAG_RECEIVE) === 0 &&
    (header & (HEADER_FLAG_KEEP_MASKED | HEADER_FLAG_RECORD)) !== 0
  )
    return Status.BadHeader;
  return Status.Ok;
}

/**
 * The thread whose call a token names, if it is this thread's domain that may answer it; null if
 * the call was answered, timed out, was cancelled, its caller died, or it never was.
 */
function findCaller(thread: Thread, token: u64): Thread | null {
  const named = <u32>token & TOKEN_THREAD_MASK;
  if (named >= THREADS_MAX) return null;
  const index = clamped(named, THREADS_MAX);
  if (!isInUse(Table.Threads, index)) return null;
  const caller = changetype<Thread>(THREADS_BASE + ((<usize>index) << THREAD_SHIFT));
  if (caller.state !== ThreadState.AwaitingReply) return null;
  if (!GUARD_TOKEN) return caller;
  if (caller.sequence !== token >> TOKEN_SEQUENCE_SHIFT) return null;
  if (caller.server!.owner !== thread.owner) return null;
  return caller;
}

function reply(thread: Thread, header: u32): Status {
  const caller = findCaller(thread, thread.rdi);
  if (caller === null) return Status.Gone;
  if ((header & HEADER_FLAG_FORWARD) !== 0) return forward(thread, caller);

  const domain = domainOfSlot(thread.owner);
  const callerDomain = domainOfSlot(caller.owner);
  const isError = (header & HEADER_FLAG_ERROR) !== 0;
  const capture = thread.capture;
  if (isError) {
    if (load<u32>(capture, CAPTURE_WORD_COUNT) !== 1) return Status.BadArgument;
    store<u32>(capture, 0, CAPTURE_HANDLE_COUNT);
    store<u32>(capture, 0, CAPTURE_ARENA_BYTES);
  }
  const described = describeHandles(thread, domain);
  if (described !== Status.Ok) return described;
  const handles = load<u32>(capture, CAPTURE_HANDLE_COUNT);
  const words = load<u32>(capture, CAPTURE_WORD_COUNT);
  const arenaBytes = load<u32>(capture, CAPTURE_ARENA_BYTES);

  const verdict = judgeReply(thread, caller, callerDomain, isError);
  const kind = isError ? TraceKind.Error : TraceKind.Response;
  traceMessage(kind, domain.slot, callerDomain.slot, thread, caller.callHeader, verdict);
  // From here on the token is spent whatever happens.
  endCall(caller);
  if (verdict !== Status.Ok) {
    // A denial tells the server nothing: it learns what it would have learned.
    const seen =
      verdict !== Status.Denied
        ? verdict
        : caller.isFaultCall
          ? Status.Ok
          : prepareAnswer(thread, caller, words, handles, arenaBytes, true);
    failCall(caller, verdict);
    return seen;
  }
  if (caller.isFaultCall) {
    endFault(caller, isError);
    return Status.Ok;
  }

  const status = prepareAnswer(thread, caller, words, handles, arenaBytes, false);
  if (status !== Status.Ok) {
    // Each side learns where the fault is: BadAddress is one's own, PeerFault the other's.
    failCall(
      caller,
      status === Status.PeerFault
        ? Status.BadAddress
        : status === Status.BadAddress
          ? Status.PeerFault
          : status,
    );
    return status;
  }

  // Commit point.
  if (handles > 0) giveHandles(thread, domain, callerDomain);
  const long = storeMessage(
    caller,
    callerDomain,
    capture + CAPTURE_WORDS,
    words,
    givenHandles,
    handles,
    arenaBytes,
  );
  caller.rax = <u64>(<u32>(isError ? Status.ErrorReply : Status.Ok));
  caller.rdi = 0;
  caller.rsi = <u64>(
    (caller.callHeader | (words < <u32>REGISTER_WORDS_MAX ? words : <u32>REGISTER_WORDS_MAX) | long)
  );
  caller.rdx = 0;
  caller.r8 = 0;
  wake(caller);
  return Status.Ok;
}

/** Everything of an answer's delivery that can fail. `isTrial`: with nothing copied. */
function prepareAnswer(
  thread: Thread,
  caller: Thread,
  words: u32,
  handles: u32,
  arenaBytes: u32,
  isTrial: bool,
): Status {
  const callerDomain = domainOfSlot(caller.owner);
  const room = checkRoom(caller, callerDomain, words, handles, arenaBytes);
  if (room !== Status.Ok) return room;
  const space = prepareTransfer(thread, callerDomain);
  if (space !== Status.Ok) return space;
  const copied = copyArena(thread, domainOfSlot(thread.owner), caller, callerDomain, isTrial);
  if (copied === CopyResult.Done) return Status.Ok;
  return copied === CopyResult.BadSource ? Status.BadAddress : Status.PeerFault;
}

/**
 * The call is over: nobody holds it any more. Its caller is in no queue, its result is still to
 * come.
 */
function endCall(caller: Thread): void {
  const server = endService(caller);
  caller.state = ThreadState.Ready;
  updatePriority(server);
  passTurn(caller, caller);
}

/** The fault handler's answer: none but an empty one lets the thread go on. */
function endFault(thread: Thread, isError: bool): void {
  clearTimer(thread.timeoutTimer);
  if (isError) {
    endFaulted(thread, true);
    return;
  }
  endFaultCall(thread);
  wake(thread);
}

/**
 * Passes a call on to another endpoint of the same interface, as if its caller had called there.
 */
function forward(thread: Thread, caller: Thread): Status {
  const number = load<u64>(thread.capture, CAPTURE_WORDS);
  if (load<u32>(thread.capture, CAPTURE_WORD_COUNT) !== 1 || number >> 32 !== 0)
    return Status.BadArgument;
  const entry = findHandle(domainOfSlot(thread.owner), <u32>number);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Endpoint) return Status.WrongType;
  if (!hasRights(entry, RIGHT_CALL)) return Status.NoRight;
  if (entry.interfaceId !== interfaceOf(caller.callHeader)) return Status.WrongInterface;
  if (caller.isFaultCall || caller.sequence === SEQUENCE_LAST) return Status.BadArgument;

  // Commit point: the token is spent. What goes wrong from here on is the caller's to know.
  endCall(caller);
  caller.isForwarded = true;
  caller.callHandle = null;
  caller.callBadge = entry.badge;
  if (!caller.isLong) captureRegisters(caller); // The short way did not need a capture.
  // Its timeout runs on.
  const status = sendRequest(caller, changetype<Endpoint>(entry.object!), 0);
  if (status !== Status.Ok) failCall(caller, status);
  return Status.Ok;
}
