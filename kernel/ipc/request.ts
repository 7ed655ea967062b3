// A request on its way: delivered at once if its endpoint's inbox has a receiver, queued otherwise.
// The rendezvous, from judgement to delivery, is one step with interrupts off.

import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import { TIMEOUT_NONE, TIMEOUT_POLL } from "../abi/system-call";
import { hasRights } from "../handle/table";
import { Domain, DomainState, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { TOKEN_LAST, TOKEN_STEP, Thread, ThreadState } from "../object/thread";
import { passTurn, wake } from "../schedule/scheduler";
import { describeHandles } from "./capture";
import { deliver, prepareDelivery } from "./delivery";
import { leaveInbox, queueCaller } from "./inbox-queue";
import { judgeBeforeQueue, judgeRequest, subjectClass } from "./judgement";
import { checkChain, serve, updatePriority } from "./lending";
import { Result, setResult } from "./registers";
import { TraceKind, isTraceActive, traceMessage } from "./trace";
import { startTimeout } from "./wait";

/**
 * Sends the captured message of `caller`, whose `call…` fields are set. On Status.Ok the caller
 * waits, and gets its result later. On any other status the caller is in no queue, and that status
 * is the result of its call.
 */
export function sendRequest(caller: Thread, endpoint: Endpoint, timeoutNs: u64): Status {
  const inbox = endpoint.inbox!;
  const receiver = inbox.receiver;
  const isReceived = receiver !== null && domainOfSlot(receiver.owner).isAlive;
  const chain = checkChain(caller, isReceived ? receiver : inbox.thread);
  if (chain !== Status.Ok) return chain;

  if (receiver !== null && isReceived) {
    const status = rendezvous(caller, endpoint, receiver);
    if (status === Status.PeerFault) failReceiver(receiver);
    if (status !== Status.Ok) return status;
    if (timeoutNs !== TIMEOUT_NONE) startTimeout(caller, timeoutNs);
    passTurn(caller, receiver);
    return Status.Ok;
  }

  const status = checkBeforeQueue(caller, endpoint);
  if (status !== Status.Ok) return status;
  if (timeoutNs === TIMEOUT_POLL) return Status.Timeout;
  queueCaller(caller, endpoint);
  if (timeoutNs !== TIMEOUT_NONE) startTimeout(caller, timeoutNs);
  return Status.Ok;
}

/**
 * Delivers the captured message of `caller`, which is in no queue, to `receiver`, which runs or
 * waits at the endpoint's inbox.
 *
 * On Status.Ok the caller waits for the reply, and the receiver has its result. On any other status
 * the function's caller must set the result of `caller`. PeerFault: the receiver's record is not
 * writable any more, and the function's caller must set the receiver's result too. On the other
 * statuses the receiver has noticed nothing.
 */
export function rendezvous(caller: Thread, endpoint: Endpoint, receiver: Thread): Status {
  const callerDomain = domainOfSlot(caller.owner);
  const receiverDomain = domainOfSlot(receiver.owner);
  const owner = domainOfSlot(endpoint.owner);
  const entry = callHandleOf(caller, endpoint);
  if (caller.callHandle !== null) {
    if (entry === null || !hasRights(entry, RIGHT_CALL)) return Status.BadHandle;
    if (noteRestart(entry, owner)) return Status.Restarted;
  }
  if (caller.token >= TOKEN_LAST) return Status.NoSpace;

  if (caller.capture.handleCount !== 0) {
    const described = describeHandles(caller, callerDomain);
    if (described !== Status.Ok) return described;
  }
  const naming = caller.callHeader;
  const verdict = judgeRequest(caller, callerDomain, entry, owner.slot, owner.classId);
  if (verdict !== Status.Ok) {
    if (isTraceActive())
      traceMessage(TraceKind.Request, callerDomain.slot, owner.slot, caller, naming, verdict);
    return verdict;
  }
  const prepared = prepareDelivery(caller, callerDomain, receiver, receiverDomain, false);
  if (prepared !== Status.Ok) return prepared;

  // Commit point. Nothing below can fail.
  if (isTraceActive())
    traceMessage(TraceKind.Request, callerDomain.slot, owner.slot, caller, naming, Status.Ok);
  const header = deliver(caller, callerDomain, receiver, receiverDomain, naming);
  caller.token += TOKEN_STEP;
  caller.state = ThreadState.AwaitingReply;
  serve(receiver, caller);

  const identity = Result.callerIdentity(subjectClass(caller, callerDomain), callerDomain.slot);
  Result.of(receiver).setRequest(caller.token, header, caller.callBadge, identity);
  if (receiver.state === ThreadState.Receiving) {
    leaveInbox(receiver);
    wake(receiver);
  }
  updatePriority(receiver);
  return Status.Ok;
}

/** Wakes a waiting receiver whose record is not writable any more. */
function failReceiver(receiver: Thread): void {
  assert(receiver.state === ThreadState.Receiving);
  setResult(receiver, Status.BadAddress);
  leaveInbox(receiver);
  wake(receiver);
}

/**
 * Refuses a call that no rule could allow or whose server was restarted, so that it never queues.
 */
function checkBeforeQueue(caller: Thread, endpoint: Endpoint): Status {
  const owner = domainOfSlot(endpoint.owner);
  const entry = callHandleOf(caller, endpoint);
  // While the slot is empty there is no new instance yet: then the rendezvous reports the restart.
  if (entry !== null && owner.state !== DomainState.Empty && entry.seenInstance !== 0) {
    if (noteRestart(entry, owner)) return Status.Restarted;
  }
  return judgeBeforeQueue(caller, domainOfSlot(caller.owner), entry, owner.slot, owner.classId);
}

/**
 * The handle that the call was made on, or null if it has been dropped since. Forwarded calls and
 * fault calls have none. Generations wrap, so endpoint and badge are compared too: any handle that
 * matches both permits the same call.
 */
function callHandleOf(caller: Thread, endpoint: Endpoint): HandleEntry | null {
  const entry = caller.callHandle;
  if (entry === null) return null;
  return entry.type === <u16>ObjectType.Endpoint &&
    <u32>entry.generation === caller.callGeneration &&
    changetype<usize>(entry.object) === changetype<usize>(endpoint) &&
    entry.badge === caller.callBadge
    ? entry
    : null;
}

/**
 * Notes which instance of the endpoint's owner the handle's call goes to. True if the handle's last
 * call went to an earlier instance: the caller is told so once.
 */
function noteRestart(entry: HandleEntry, owner: Domain): bool {
  const seen = entry.seenInstance;
  entry.seenInstance = owner.instance;
  return seen !== 0 && seen !== owner.instance;
}
