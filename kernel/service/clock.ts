import {
  ClockMethod,
  ClockNowResponse,
  ClockSetTimerRequest,
} from "../../build/generated/kernel/Clock";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { findHandle } from "../handle/table";
import { Inbox } from "../object/inbox";
import { TimerKind } from "../object/timer";
import { clearTimer, setTimer } from "../schedule/timers";
import { nowNs } from "../x64/timer";
import { checkInboxToBind } from "./binding";
import { MethodCall } from "./method-call";

export function clockMethod(method: u32, call: MethodCall): Status {
  switch (method) {
    case ClockMethod.Now:
      ClockNowResponse.at(call.response).nanoseconds = nowNs();
      return Status.Ok;
    case ClockMethod.SetTimer:
      return setDomainTimer(call);
    default:
      return Status.BadHeader;
  }
}

function setDomainTimer(call: MethodCall): Status {
  const domain = call.domain;
  const request = ClockSetTimerRequest.at(call.request);
  if (request.deadline === 0) {
    clearTimer(domain.timer);
    return Status.Ok;
  }
  const entry = findHandle(domain, request.inbox);
  const status = checkInboxToBind(domain, entry);
  if (status !== Status.Ok) return status;
  if (request.bits === 0) return Status.BadArgument;
  const verdict = call.judge(call.handle.classId, Permission.Bind);
  if (verdict !== Status.Ok) return verdict;

  // Commit point.
  const inbox = changetype<Inbox>(entry!.object!);
  domain.timerInbox = inbox;
  domain.timerInboxIdentity = inbox.identity;
  domain.timerBits = request.bits;
  domain.timer.kind = TimerKind.Domain;
  setTimer(domain.timer, request.deadline);
  return Status.Ok;
}
