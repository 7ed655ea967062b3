// A call on a handle to a kernel object. The monitor judges it like any other message; request and
// response are one decision, taken before anything happens. Then the object's method runs.

import { SLOT_NONE } from "../abi/blob";
import { MessageHeader } from "../abi/message-header";
import { ObjectType } from "../abi/object";
import { Status } from "../abi/status";
import { clamped } from "../base/speculation";
import { describeHandles } from "../ipc/capture";
import { checkRoom, storeMessage } from "../ipc/delivery";
import { judgeRequest } from "../ipc/judgement";
import { Result } from "../ipc/registers";
import { copyToUser } from "../memory/user-memory";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";
import { currentThread } from "../schedule/scheduler";
import { auditLogMethod } from "./audit";
import { clockMethod } from "./clock";
import { domainMethod } from "./domain";
import { inboxMethod } from "./inbox";
import { interruptMethod } from "./interrupt";
import { logMethod } from "./log";
import { memoryMethod } from "./memory";
import { MethodCall, beginCall } from "./method-call";
import { methodCount, methodShape } from "./method-shape";
import { noticeMethod } from "./notice";
import { policyMethod } from "./policy";
import { portsMethod } from "./ports";
import { slotsMethod } from "./slots";
import { systemMethod } from "./system";
import { threadMethod } from "./thread";
import { traceMethod } from "./trace";

/**
 * Ok: the caller has its result already, or no longer exists. Any other status is the result to
 * deliver.
 */
export function callKernel(
  thread: Thread,
  domain: Domain,
  handle: HandleEntry,
  naming: MessageHeader,
): Status {
  const type = <u32>handle.type;
  const methods = methodCount(type);
  if (naming.method >= methods) return Status.BadHeader;
  const method = clamped(naming.method, methods);

  thread.callHeader = naming;
  const described = describeHandles(thread, domain);
  if (described !== Status.Ok) return described;
  const verdict = judgeRequest(thread, domain, handle, <u32>SLOT_NONE, handle.classId);
  if (verdict !== Status.Ok) return verdict;

  // The methods rely on these two sizes. The structure check has compared them too, but tests
  // switch that guard off.
  const shape = methodShape(type, method);
  if (thread.capture.wordCount !== shape.requestWords) return Status.Malformed;
  if (thread.capture.handleCount !== 0) return Status.Malformed;
  const words = shape.responseWords;
  const room = checkRoom(thread, domain, words, 0, 0);
  if (room !== Status.Ok) return room === Status.PeerFault ? Status.BadAddress : room;

  const call = beginCall(thread, domain, handle, words);
  const status = runMethod(type, method, call);
  if (currentThread !== thread || !domain.isAlive) return Status.Ok; // It ended itself.
  if (status !== Status.Ok) return status;

  const textBytes = shape.hasText ? call.text.length : 0;
  if (textBytes > 0) {
    if (!thread.isLong || thread.receiveBytes < textBytes) return Status.TooLong;
    if (!copyToUser(domain, thread.receiveAddress, call.text.start, textBytes))
      return Status.BadAddress;
  }
  const received = storeMessage(thread, domain, call.response, words, 0, textBytes, naming);
  Result.of(thread).setAnswer(Status.Ok, received);
  return Status.Ok;
}

function runMethod(type: u32, method: u32, call: MethodCall): Status {
  switch (type) {
    case ObjectType.Domain:
      return domainMethod(method, call);
    case ObjectType.Memory:
      return memoryMethod(method, call);
    case ObjectType.Inbox:
      return inboxMethod(method, call);
    case ObjectType.Notice:
      return noticeMethod(method, call);
    case ObjectType.Thread:
      return threadMethod(method, call);
    case ObjectType.Interrupt:
      return interruptMethod(method, call);
    case ObjectType.Ports:
      return portsMethod(method, call);
    case ObjectType.Clock:
      return clockMethod(method, call);
    case ObjectType.Audit:
      return auditLogMethod(method, call);
    case ObjectType.Policy:
      return policyMethod(method, call);
    case ObjectType.Slots:
      return slotsMethod(method, call);
    case ObjectType.Log:
      return logMethod(method, call);
    case ObjectType.Trace:
      return traceMethod(method, call);
    case ObjectType.System:
      return systemMethod(method, call);
    default:
      return Status.WrongType;
  }
}
