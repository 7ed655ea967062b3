// A call that no rule allows, to a receiver that waits: refused and recorded without the slow path.
// Like the whole fast path, does what the slow path would do, or declines and has changed nothing.

import { METHOD_BOUNDED } from "../abi/blob";
import { MessageHeader } from "../abi/message-header";
import { RIGHT_CALL } from "../abi/object";
import { REGISTER_WORDS_MAX } from "../abi/system-call";
import { Status } from "../abi/status";
import { GUARD_STRUCTURE, GUARD_VERDICT } from "../base/guards";
import { hasRights } from "../handle/table";
import { judgeBeforeQueue } from "../ipc/judgement";
import { setResult } from "../ipc/registers";
import { Bounds, methodShape } from "../monitor/monitor";
import { domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { Inbox } from "../object/inbox";
import { CHAIN_MAX } from "../object/tally";
import { TOKEN_LAST, Thread } from "../object/thread";
import { goesOn } from "../schedule/scheduler";
import { resumeCurrent } from "../x64/assembly";

/**
 * Refuses a call, whose header has no flags, on a handle to an endpoint whose verdict bit, of this
 * epoch, is clear. False if a rule allows the call, perhaps by what it says, or there is something
 * to do that only the slow path does.
 */
export function deniedCall(caller: Thread, entry: HandleEntry, header: MessageHeader): bool {
  const words = header.registerWords;
  if (
    !GUARD_VERDICT ||
    !goesOn(caller) ||
    !hasRights(entry, RIGHT_CALL) ||
    words > <u32>REGISTER_WORDS_MAX ||
    header.interfaceId !== entry.interfaceId
  )
    return false;
  const endpoint = changetype<Endpoint>(entry.object!);
  const inbox = changetype<Inbox>(endpoint.inbox);
  if (entry.seenInstance !== inbox.receiving) return false;
  if (caller.token >= TOKEN_LAST || caller.chainBehind >= CHAIN_MAX) return false;
  // A message without the structure of its method is recorded as malformed.
  const shape = methodShape(header.interfaceId, header.method);
  if (shape === null) return false;
  if (GUARD_STRUCTURE && header.word !== shape.plainCall) {
    if ((header.word | <u32>METHOD_BOUNDED) !== shape.plainCall) return false;
    const first = shape.fieldsFrom(true);
    if (!Bounds.hold(first, words, caller.rbx, caller.r12, caller.r13, caller.r14)) return false;
  }
  // Means nothing while the caller does not wait, as the slow path sets it anew.
  caller.callHeader = header.naming;
  const owner = domainOfSlot(endpoint.owner);
  const domain = domainOfSlot(caller.owner);
  // What is asked before a call queues, of its class alone; a denial is recorded.
  if (judgeBeforeQueue(caller, domain, null, owner.slot, owner.classId) === Status.Ok) return false;
  setResult(caller, Status.Denied);
  resumeCurrent();
  return true;
}
