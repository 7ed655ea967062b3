// Methods of kernel objects that the fast path serves: those that only read or set a bit. Like the
// whole fast path they do what the slow path would do, or decline and have changed nothing.

import { ClockMethod } from "../../build/generated/kernel/Clock";
import { NoticeMethod } from "../../build/generated/kernel/Notice";
import { MessageHeader } from "../abi/message-header";
import { ObjectType, RIGHT_SIGNAL } from "../abi/object";
import { hasRights } from "../handle/table";
import { boundInbox, notify } from "../ipc/notify";
import { leaveInbox } from "../ipc/inbox-queue";
import { setResult } from "../ipc/registers";
import { Status } from "../abi/status";
import { epoch } from "../monitor/monitor";
import { HandleEntry } from "../object/handle-entry";
import { RECEIVED_WITH_CARE } from "../object/inbox";
import { Notice } from "../object/notice";
import { Thread, ThreadState } from "../object/thread";
import { chooseNext, goesOn, preempt } from "../schedule/scheduler";
import { resumeCurrent, returnWord } from "../x64/assembly";
import { nowNs } from "../x64/timer";

/**
 * Serves a call, whose header has no flags, on a handle to a kernel object. `generation`: that of
 * the handle that the caller named, as it is in its number. False: the entry is another or none,
 * the method is none of those, the monitor has to be asked, or there is something to do that only
 * the slow path does.
 */
export function fastMethod(
  caller: Thread,
  entry: HandleEntry,
  generation: u64,
  header: MessageHeader,
): bool {
  if (!goesOn(caller) || entry.epoch !== epoch()) return false;
  const method = header.method;
  if (((entry.verdicts >> <u64>method) & 1) === 0) return false;
  if (header.word !== entry.shape(method).plainCall) return false;
  const type = entry.generationAndType - generation;
  if (type === ObjectType.Clock && method === <u32>ClockMethod.Now) {
    returnWord(nowNs(), header.naming.received(1, 0).word);
    return true;
  }
  if (type === ObjectType.Notice && method === <u32>NoticeMethod.Signal)
    return signalNotice(caller, entry, header);
  return false;
}

/** The verdict bit of `signal` stands for the permission too (ipc/judgement.ts). */
function signalNotice(caller: Thread, entry: HandleEntry, header: MessageHeader): bool {
  if (!hasRights(entry, RIGHT_SIGNAL)) return false;
  const notice = changetype<Notice>(entry.object!);
  const bits = caller.rbx;
  if ((bits & ~notice.bits) !== 0) return false;
  const inbox = boundInbox(notice.inbox, notice.inboxIdentity);
  if (inbox === null) return false;

  const receiver = inbox.receiver;
  const isReceived = receiver !== null && bits !== 0;
  const isReceivedFirst = isReceived && receiver!.priority > caller.priority;
  if (isReceivedFirst && inbox.receiving !== RECEIVED_WITH_CARE) {
    wakeInstead(caller, receiver!, bits, header);
    return true;
  }
  notify(inbox, bits);
  setResult(caller, Status.Ok);
  caller.rsi = <u64>header.naming.received(0, 0).word;
  // Without a receiver that was woken, the caller goes on.
  if (isReceived) chooseNext();
  resumeCurrent();
  return true;
}

/** The thread, of higher priority than the caller, waits with nothing to end but its wait. */
function wakeInstead(caller: Thread, receiver: Thread, bits: u64, header: MessageHeader): void {
  leaveInbox(receiver);
  receiver.stand(ThreadState.Ready);
  setResult(receiver, Status.Notified);
  receiver.rbx = bits;
  setResult(caller, Status.Ok);
  caller.rsi = <u64>header.naming.received(0, 0).word;
  preempt(caller, receiver);
  resumeCurrent();
}
