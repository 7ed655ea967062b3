// A call on a handle to a kernel object: judged like any other message, then the method of the
// object's interface. Request and response are one decision, taken before anything happens.

import { ObjectType } from "../abi/object";
import { Status } from "../abi/status";
import { CAPTURE_HANDLE_COUNT, CAPTURE_WORD_COUNT } from "../object/capture";
import { judgeRequest, methodOf } from "../ipc/judgement";
import { checkRoom, storeMessage } from "../ipc/message";
import { setResult } from "../ipc/registers";
import { describeHandles } from "../ipc/transfer";
import { copyToUser } from "../memory/user-memory";
import { SLOT_NONE } from "../abi/blob";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";
import { currentThread } from "../schedule/scheduler";
import { clamped } from "../base/speculation";
import { auditLogMethod } from "./audit";
import { clockMethod } from "./clock";
import { domainMethod } from "./domain";
import { inboxMethod } from "./inbox";
import { interruptMethod } from "./interrupt";
import { logMethod } from "./log";
import { memoryMethod } from "./memory";
import { beginMethod, results, resultsGiven, textLength, textStart } from "./method-frame";
import { givesText, methodCount, requestWords, responseWords } from "./method-table";
import { noticeMethod } from "./notice";
import { policyMethod } from "./policy";
import { portsMethod } from "./ports";
import { slotsMethod } from "./slots";
import { systemMethod } from "./system";
import { threadMethod } from "./thread";
import { traceMethod } from "./trace";

/** Status.Ok: the caller has its result, or is no more. Anything else is its result. */
export function callKernel(
  thread: Thread,
  domain: Domain,
  entry: HandleEntry,
  header: u32,
): Status {
  const type = <u32>entry.type;
  const methods = methodCount(type);
  if (methodOf(header) >= methods) return Status.BadHeader;
  const method = clamped(methodOf(header), methods);

  thread.callHeader = header;
  const described = describeHandles(thread, domain);
  if (described !== Status.Ok) return described;
  const verdict = judgeRequest(thread, domain, entry, <u32>SLOT_NONE, entry.classId);
  if (verdict !== Status.Ok) return verdict;

  // The structure check is a guard that tests take down: the methods rely on these two all the
  // same.
  if (load<u32>(thread.capture, CAPTURE_WORD_COUNT) !== requestWords(type, method))
    return Status.Malformed;
  if (load<u32>(thread.capture, CAPTURE_HANDLE_COUNT) !== 0) return Status.Malformed;
  const words = responseWords(type, method);
  const room = checkRoom(thread, domain, words, 0, 0);
  if (room !== Status.Ok) return room === Status.PeerFault ? Status.BadAddress : room;

  beginMethod(thread, domain, entry);
  const status = run(type, method);
  if (currentThread !== thread || !domain.isAlive) return Status.Ok; // It ended itself.
  if (status !== Status.Ok) return status;

  assert(resultsGiven() === words);
  const arenaBytes = givesText(type, method) ? textLength() : 0;
  if (arenaBytes > 0) {
    if (!thread.isLong || thread.receiveBytes < arenaBytes) return Status.TooLong;
    if (!copyToUser(domain, thread.receiveAddress, textStart(), arenaBytes))
      return Status.BadAddress;
  }
  setResult(thread, Status.Ok);
  const long = storeMessage(thread, domain, results(), words, 0, 0, arenaBytes);
  thread.rsi = <u64>(header | (words < 4 ? words : 4) | long);
  return Status.Ok;
}

function run(type: u32, method: u32): Status {
  switch (type) {
    case ObjectType.Domain:
      return domainMethod(method);
    case ObjectType.Memory:
      return memoryMethod(method);
    case ObjectType.Inbox:
      return inboxMethod(method);
    case ObjectType.Notice:
      return noticeMethod(method);
    case ObjectType.Thread:
      return threadMethod(method);
    case ObjectType.Interrupt:
      return interruptMethod(method);
    case ObjectType.Ports:
      return portsMethod(method);
    case ObjectType.Clock:
      return clockMethod(method);
    case ObjectType.Audit:
      return auditLogMethod(method);
    case ObjectType.Policy:
      return policyMethod(method);
    case ObjectType.Slots:
      return slotsMethod(method);
    case ObjectType.Log:
      return logMethod(method);
    case ObjectType.Trace:
      return traceMethod(method);
    case ObjectType.System:
      return systemMethod(method);
    default:
      return Status.WrongType;
  }
}
