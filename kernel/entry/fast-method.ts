// Methods of kernel objects that the fast path serves: those that only read or set a bit. Like the
// whole fast path they do what the slow path would do, or decline and have changed nothing.

import { ClockMethod } from "../../build/generated/kernel/Clock";
import { NoticeMethod } from "../../build/generated/kernel/Notice";
import { MessageHeader } from "../abi/message-header";
import { ObjectType, RIGHT_CALL, RIGHT_SIGNAL } from "../abi/object";
import { HandleTable, hasRights } from "../handle/table";
import { boundInbox, notify } from "../ipc/notify";
import { Arguments, setResult } from "../ipc/registers";
import { Status } from "../abi/status";
import { epoch } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Notice } from "../object/notice";
import { Thread } from "../object/thread";
import { chooseNext, goesOn } from "../schedule/scheduler";
import { resumeCurrent, resumeMessage } from "../x64/assembly";
import { nowNs } from "../x64/timer";

/**
 * Serves a call, whose header has no flags, on a handle to a kernel object. False: the method is
 * none of those, the monitor has to be asked, or there is something to do that only the slow path
 * does.
 */
export function fastMethod(caller: Thread, header: MessageHeader): bool {
  if (!goesOn(caller)) return false;
  const handle = Arguments.of(caller).handle;
  if (handle >> 32 !== 0) return false;
  const entry = HandleTable.find(changetype<Domain>(caller.domain), <u32>handle);
  if (entry === null || !hasRights(entry, RIGHT_CALL)) return false;
  if (header.interfaceId !== entry.interfaceId || entry.epoch !== epoch()) return false;
  if (((entry.verdicts >> <u64>header.method) & 1) === 0) return false;
  const words = header.registerWords;
  const shape = entry.shape(header.method);
  // The slow path checks handles, and words whose type does not permit every value.
  if (!shape.takesAny(true, words)) return false;
  if (<u32>entry.type === ObjectType.Clock && header.method === <u32>ClockMethod.Now) {
    begin(caller, entry, header);
    caller.rbx = nowNs();
    caller.r12 = 0;
    caller.r13 = 0;
    caller.r14 = 0;
    resumeMessage(0, header.naming.received(1, 0).word, 0, <u32>changetype<usize>(caller), 0);
    return true;
  }
  if (<u32>entry.type === ObjectType.Notice && header.method === <u32>NoticeMethod.Signal)
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

  begin(caller, entry, header);
  const isReceived = inbox.receiver !== null && bits !== 0;
  notify(inbox, bits);
  setResult(caller, Status.Ok);
  caller.rsi = <u64>header.naming.received(0, 0).word;
  // Without a receiver that was woken, the caller goes on.
  if (isReceived) chooseNext();
  resumeCurrent();
  return true;
}

/** What a call leaves behind in its caller. */
function begin(caller: Thread, entry: HandleEntry, header: MessageHeader): void {
  caller.isLong = false;
  caller.callHeader = header.naming;
  caller.callEpoch = entry.epoch;
  caller.callShape = entry.shape(header.method);
}
