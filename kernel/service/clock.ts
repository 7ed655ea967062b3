import { ObjectType, RIGHT_BIND } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { judgePermission } from "../monitor/monitor";
import { hasRights } from "../handle/table";
import { Inbox } from "../object/inbox";
import { TimerKind } from "../object/timer";
import { clearTimer, setTimer } from "../schedule/timers";
import { nowNs } from "../x64/timer";
import { argument, argumentHandle, calledHandle, callingDomain, give } from "./method-frame";

export function clockMethod(method: u32): Status {
  if (method === 1) return setDomainTimer();
  give(nowNs());
  return Status.Ok;
}

function setDomainTimer(): Status {
  const domain = callingDomain();
  const deadline = argument(0);
  if (deadline === 0) {
    clearTimer(domain.timer);
    return Status.Ok;
  }
  const entry = argumentHandle(1);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Inbox) return Status.WrongType;
  if (!hasRights(entry, RIGHT_BIND)) return Status.NoRight;
  const inbox = changetype<Inbox>(entry.object!);
  if (inbox.owner !== domain.slot) return Status.NoRight;
  if (argument(2) === 0) return Status.BadArgument;
  const verdict = <Status>(
    judgePermission(domain.slot, domain.classId, calledHandle().classId, Permission.Bind)
  );
  if (verdict !== Status.Ok) return verdict;

  // Commit point.
  domain.timerInbox = inbox;
  domain.timerInboxIdentity = inbox.identity;
  domain.timerBits = argument(2);
  domain.timer.kind = TimerKind.Domain;
  setTimer(domain.timer, deadline);
  return Status.Ok;
}
