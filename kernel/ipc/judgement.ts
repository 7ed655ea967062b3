// What IPC asks the monitor. The short path uses the verdict bits cached in the handle. Every path
// checks the message's structure.

import { CLASS_KERNEL } from "../abi/blob";
import { MessageHeader } from "../abi/message-header";
import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { GUARD_STRUCTURE, GUARD_VERDICT } from "../base/guards";
import { hasRights } from "../handle/table";
import {
  Event,
  Question,
  checkShape,
  epoch,
  judge,
  judgeEarly,
  methodShape,
  permits,
  verdictBits,
} from "../monitor/monitor";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";

/** The caller's class, or the kernel's if the kernel reports a fault in the caller's place. */
export function subjectClass(caller: Thread, domain: Domain): u32 {
  return caller.isFaultCall ? <u32>CLASS_KERNEL : domain.classId;
}

/**
 * True if the handle's cached verdict grants the method. Renews the cache if another policy has
 * come into force.
 */
function isCovered(entry: HandleEntry, subject: u32, header: MessageHeader): bool {
  const now = epoch();
  if (entry.epoch !== now) {
    // A handle that may not be called on is never covered: the fast path looks at no right.
    entry.verdicts = hasRights(entry, RIGHT_CALL)
      ? verdictBits(subject, entry.classId, entry.interfaceId)
      : 0;
    // Signalling needs the permission too. The only method of a notice is covered with both.
    if (
      GUARD_VERDICT &&
      entry.type === <u16>ObjectType.Notice &&
      !permits(subject, entry.classId, Permission.Signal)
    )
      entry.verdicts = 0;
    entry.setShapes(methodShape(entry.interfaceId, 0));
    entry.epoch = now;
  }
  return ((entry.verdicts >> <u64>header.method) & 1) !== 0;
}

/** One record is enough: each question is answered before the next is asked. */
const question: Question = changetype<Question>(memory.data(32, 8));
if (offsetof<Question>() !== 32) ERROR("a question has another size than was reserved for it");

/** Fills `question` with the caller, the callee and the method. */
function ask(
  event: Event,
  caller: Thread,
  domain: Domain,
  targetSlot: u32,
  targetClass: u32,
): void {
  const header = caller.callHeader;
  question.event = event;
  question.subjectSlot = domain.slot;
  question.targetSlot = targetSlot;
  question.subjectClass = subjectClass(caller, domain);
  question.targetClass = targetClass;
  question.interfaceId = header.interfaceId;
  question.method = header.method;
}

/** Refuses a request that no rule could allow, before its caller queues. Ok grants nothing. */
export function judgeBeforeQueue(
  caller: Thread,
  domain: Domain,
  entry: HandleEntry | null,
  targetSlot: u32,
  targetClass: u32,
): Status {
  if (entry !== null && isCovered(entry, subjectClass(caller, domain), caller.callHeader))
    return Status.Ok;
  ask(Event.Request, caller, domain, targetSlot, targetClass);
  return judgeEarly(question);
}

/**
 * Judges the request in a caller's capture buffer. `entry` is the handle of the call, or null if
 * the call was forwarded or comes from the kernel. `callEpoch` and `callShape` are set if the
 * response can be judged on the short path.
 */
export function judgeRequest(
  caller: Thread,
  domain: Domain,
  entry: HandleEntry | null,
  targetSlot: u32,
  targetClass: u32,
): Status {
  const message = caller.capture;
  const header = caller.callHeader;
  caller.callEpoch = 0;
  caller.callShape = null;
  if (entry !== null && message.handleCount === 0 && isCovered(entry, domain.classId, header)) {
    // A bit is set only for a method that exists. Without the guard all bits are set.
    const shape = GUARD_VERDICT
      ? entry.shape(header.method)
      : methodShape(header.interfaceId, header.method);
    if (shape !== null) {
      if (!GUARD_STRUCTURE || checkShape(Event.Request, shape, message) === 0) {
        caller.callEpoch = entry.epoch;
        caller.callShape = shape;
        return Status.Ok;
      }
    }
  }
  ask(Event.Request, caller, domain, targetSlot, targetClass);
  question.message = message;
  return judge(question);
}

/** Judges the response, in a server's capture buffer, to a call that was granted before. */
export function judgeReply(
  server: Thread,
  caller: Thread,
  callerDomain: Domain,
  isError: bool,
): Status {
  const message = server.capture;
  if (!isError && message.handleCount === 0 && caller.callEpoch === epoch()) {
    const shape = caller.callShape;
    if (shape !== null && (!GUARD_STRUCTURE || checkShape(Event.Response, shape, message) === 0))
      return Status.Ok;
  }
  ask(
    isError ? Event.Error : Event.Response,
    caller,
    callerDomain,
    server.owner,
    server.domain!.classId,
  );
  question.message = message;
  return judge(question);
}
