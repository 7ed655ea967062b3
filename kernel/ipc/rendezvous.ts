// Where a caller's message meets its receiver: judged, then delivered, in one step with interrupts
// off.

import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import { REGISTER_WORDS_MAX } from "../abi/system-call";
import { CopyResult } from "../memory/user-memory";
import { domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { hasRights } from "../handle/table";
import { Thread, ThreadState } from "../object/thread";
import { wake } from "../schedule/scheduler";
import { TraceKind, traceMessage } from "./trace";
import {
  CAPTURE_ARENA_BYTES,
  CAPTURE_HANDLE_COUNT,
  CAPTURE_WORDS,
  CAPTURE_WORD_COUNT,
} from "../object/capture";
import { leaveInbox } from "./inbox-queue";
import { judgeRequest, subjectClass } from "./judgement";
import { serve, updatePriority } from "./lending";
import { checkRoom, storeMessage } from "./message";
import { setResult } from "./registers";
import { copyArena, describeHandles, giveHandles, givenHandles, prepareTransfer } from "./transfer";

/** A thread whose count of calls is used up makes no more: a token never comes twice. */
export const SEQUENCE_LAST: u64 = 0xffff_ffff_ffff;

/**
 * The handle that the call was made on, if it still stands; null otherwise. A forwarded call and a
 * fault stand on none. Generations come again: what counts is that a handle to the endpoint with
 * that badge stands there, and then the call is one that could be made on it.
 */
export function handleOf(caller: Thread, endpoint: Endpoint): HandleEntry | null {
  const entry = caller.callHandle;
  if (
    entry === null ||
    entry.type !== <u16>ObjectType.Endpoint ||
    <u32>entry.generation !== caller.callGeneration
  )
    return null;
  return changetype<usize>(entry.object) === changetype<usize>(endpoint) &&
    entry.badge === caller.callBadge
    ? entry
    : null;
}

/** The owner was started anew since this handle's last call: told once. */
export function noteRestart(entry: HandleEntry, endpoint: Endpoint): bool {
  const instance = domainOfSlot(endpoint.owner).instance;
  const seen = entry.seenInstance;
  entry.seenInstance = instance;
  return seen !== 0 && seen !== instance;
}

/**
 * Delivers the captured message of `caller`, which is in no queue, to `receiver`, which runs or has
 * just been taken from its inbox.
 *
 * Status.Ok: the caller awaits the reply now, and the receiver has its result. PeerFault: the
 * receiver's record was no longer writable. Anything else: the receiver has not noticed. In both
 * cases the caller's result is left to whoever called.
 */
export function rendezvous(caller: Thread, endpoint: Endpoint, receiver: Thread): Status {
  const callerDomain = domainOfSlot(caller.owner);
  const receiverDomain = domainOfSlot(receiver.owner);
  let entry: HandleEntry | null = null;
  if (!caller.isForwarded && !caller.isFaultCall) {
    entry = handleOf(caller, endpoint);
    if (entry === null || !hasRights(entry, RIGHT_CALL)) return Status.BadHandle;
    if (noteRestart(entry, endpoint)) return Status.Restarted;
  }
  if (caller.sequence === SEQUENCE_LAST) return Status.NoSpace;

  const described = describeHandles(caller, callerDomain);
  if (described !== Status.Ok) return described;
  const targetClass = domainOfSlot(endpoint.owner).classId;
  const verdict = judgeRequest(caller, callerDomain, entry, endpoint.owner, targetClass);
  if (verdict !== Status.Ok) {
    traceMessage(
      TraceKind.Request,
      callerDomain.slot,
      endpoint.owner,
      caller,
      caller.callHeader,
      verdict,
    );
    return verdict;
  }

  const capture = caller.capture;
  const words = load<u32>(capture, CAPTURE_WORD_COUNT);
  const handles = load<u32>(capture, CAPTURE_HANDLE_COUNT);
  const arenaBytes = load<u32>(capture, CAPTURE_ARENA_BYTES);
  const room = checkRoom(receiver, receiverDomain, words, handles, arenaBytes);
  if (room !== Status.Ok) return room;
  const space = prepareTransfer(caller, receiverDomain);
  if (space !== Status.Ok) return space;
  const copied = copyArena(caller, callerDomain, receiver, receiverDomain);
  if (copied !== CopyResult.Done)
    return copied === CopyResult.BadSource ? Status.BadAddress : Status.PeerFault;

  // Commit point. Nothing below can fail.
  traceMessage(
    TraceKind.Request,
    callerDomain.slot,
    endpoint.owner,
    caller,
    caller.callHeader,
    Status.Ok,
  );
  if (handles > 0) giveHandles(caller, callerDomain, receiverDomain);
  const long = storeMessage(
    receiver,
    receiverDomain,
    capture + CAPTURE_WORDS,
    words,
    givenHandles,
    handles,
    arenaBytes,
  );
  caller.sequence += 1;
  caller.state = ThreadState.AwaitingReply;
  caller.calleeSlot = receiverDomain.slot;
  caller.calleeClass = targetClass;
  serve(receiver, caller);

  receiver.rax = <u64>(<u32>Status.Ok);
  receiver.rdi = caller.token;
  receiver.rsi = <u64>(
    (caller.callHeader | (words < <u32>REGISTER_WORDS_MAX ? words : <u32>REGISTER_WORDS_MAX) | long)
  );
  receiver.rdx = caller.callBadge;
  receiver.r8 = <u64>subjectClass(caller, callerDomain) | ((<u64>callerDomain.slot) << 32);
  if (receiver.state === ThreadState.Receiving) {
    leaveInbox(receiver);
    wake(receiver);
  }
  updatePriority(receiver);
  return Status.Ok;
}

/** The receiver cannot take what was sent to it: it learns that its record is at fault. */
export function failReceiver(receiver: Thread): void {
  if (receiver.state === ThreadState.Receiving) {
    setResult(receiver, Status.BadAddress);
    leaveInbox(receiver);
    wake(receiver);
  }
}
