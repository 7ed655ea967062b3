import { ObjectType, RIGHT_BIND } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { judgePermission } from "../monitor/monitor";
import { hasRights } from "../object/handle-table";
import { Inbox } from "../object/inbox";
import { Interrupt, removeMasked } from "../object/interrupt";
import { unmaskLine } from "../x64/interrupts";
import { argument, argumentHandle, calledHandle, callingDomain, give } from "./method-frame";

export function interruptMethod(method: u32): Status {
  const interrupt = changetype<Interrupt>(calledHandle().object!);
  return method === 0 ? bind(interrupt) : info(interrupt);
}

function bind(interrupt: Interrupt): Status {
  const entry = argumentHandle(0);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Inbox) return Status.WrongType;
  if (!hasRights(entry, RIGHT_BIND)) return Status.NoRight;
  const domain = callingDomain();
  const inbox = changetype<Inbox>(entry.object!);
  if (inbox.payer !== domain.slot) return Status.NoRight;
  if (argument(1) === 0) return Status.BadArgument;
  const verdict = <Status>judgePermission(domain.slot, domain.classId, calledHandle().classId, Permission.Bind);
  if (verdict !== Status.Ok) return verdict;

  // Commit point.
  removeMasked(interrupt);
  interrupt.inbox = inbox;
  interrupt.inboxIdentity = inbox.identity;
  interrupt.bits = argument(1);
  unmaskLine(interrupt.line);
  return Status.Ok;
}

function info(interrupt: Interrupt): Status {
  give(<u64>interrupt.line);
  give(interrupt.fired);
  return Status.Ok;
}
