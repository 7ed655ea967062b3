// A request on its way to an endpoint: delivered at once if somebody receives there, queued
// otherwise.

import { Status } from "../abi/status";
import { TIMEOUT_POLL } from "../abi/system-call";
import { DomainState, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";
import { passTurn } from "../schedule/scheduler";
import { queueCaller } from "./inbox-queue";
import { judgeBeforeQueue } from "./judgement";
import { checkChain } from "./lending";
import { failReceiver, handleOf, noteRestart, rendezvous } from "./rendezvous";
import { startTimeout } from "./wait";

/**
 * Sends the captured message of `caller`, whose `call…` fields are set. Status.Ok: it waits now,
 * and will get its result later. Anything else is the result; the caller waits nowhere.
 */
export function sendRequest(caller: Thread, endpoint: Endpoint, timeout: u64): Status {
  const inbox = endpoint.inbox!;
  const receiver = inbox.receiver;
  const isReceived = receiver !== null && domainOfSlot(receiver.owner).isAlive;
  const chain = checkChain(caller, isReceived ? receiver : inbox.thread);
  if (chain !== Status.Ok) return chain;

  if (receiver !== null && isReceived) {
    const status = rendezvous(caller, endpoint, receiver);
    if (status === Status.PeerFault) failReceiver(receiver);
    if (status === Status.Ok) {
      startTimeout(caller, timeout);
      passTurn(caller, receiver);
    }
    return status;
  }

  let entry: HandleEntry | null = null;
  if (!caller.isForwarded && !caller.isFaultCall) entry = handleOf(caller, endpoint);
  const owner = domainOfSlot(endpoint.owner);
  if (
    entry !== null &&
    owner.state !== DomainState.Empty &&
    entry.seenInstance !== 0 &&
    entry.seenInstance !== owner.instance
  ) {
    noteRestart(entry, endpoint);
    return Status.Restarted;
  }
  const verdict = judgeBeforeQueue(
    caller,
    domainOfSlot(caller.owner),
    entry,
    owner.slot,
    owner.classId,
  );
  if (verdict !== Status.Ok) return verdict;
  if (timeout === TIMEOUT_POLL) return Status.Timeout;
  queueCaller(caller, endpoint);
  startTimeout(caller, timeout);
  return Status.Ok;
}
