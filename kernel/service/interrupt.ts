import { ObjectType, RIGHT_BIND } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { boundInbox } from "../ipc/notify";
import { judgePermission } from "../monitor/monitor";
import { hasRights } from "../handle/table";
import { Inbox } from "../object/inbox";
import { Interrupt, removeMasked } from "../object/interrupt";
import { maskLine, unmaskLine } from "../x64/interrupts";
import { argument, argumentHandle, calledHandle, callingDomain, give } from "./method-frame";

export function interruptMethod(method: u32): Status {
  const interrupt = changetype<Interrupt>(calledHandle().object!);
  switch (method) {
    case 0:
      return bind(interrupt);
    case 1:
      return info(interrupt);
    default:
      return unbind(interrupt);
  }
}

/**
 * Busy for a line that is bound, to whomever: a driver that moves it to another inbox unbinds it
 * first.
 */

function bind(interrupt: Interrupt): Status {
  const entry = argumentHandle(0);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Inbox) return Status.WrongType;
  if (!hasRights(entry, RIGHT_BIND)) return Status.NoRight;
  const domain = callingDomain();
  const inbox = changetype<Inbox>(entry.object!);
  if (inbox.owner !== domain.slot) return Status.NoRight;
  if (argument(1) === 0) return Status.BadArgument;
  if (boundInbox(interrupt.inbox, interrupt.inboxIdentity) !== null) return Status.Busy;
  const verdict = <Status>(
    judgePermission(domain.slot, domain.classId, calledHandle().classId, Permission.Bind)
  );
  if (verdict !== Status.Ok) return verdict;

  // Commit point. What the last inbox had listed as masked went with that inbox, or with `unbind`.
  assert(!interrupt.isListed);
  interrupt.inbox = inbox;
  interrupt.inboxIdentity = inbox.identity;
  interrupt.bits = argument(1);
  unmaskLine(interrupt.line);
  return Status.Ok;
}

/** Masks the line. Bits that it has set at the inbox stay there. */
function unbind(interrupt: Interrupt): Status {
  const inbox = boundInbox(interrupt.inbox, interrupt.inboxIdentity);
  if (inbox === null) return Status.NotFound;
  if (inbox.owner !== callingDomain().slot) return Status.NoRight;

  // Commit point.
  maskLine(interrupt.line);
  removeMasked(interrupt);
  interrupt.inbox = null;
  return Status.Ok;
}

function info(interrupt: Interrupt): Status {
  give(<u64>interrupt.line);
  give(interrupt.fired);
  return Status.Ok;
}
