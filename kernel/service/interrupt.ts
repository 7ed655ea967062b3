import {
  InterruptBindRequest,
  InterruptInfoResponse,
  InterruptMethod,
} from "../../build/generated/kernel/Interrupt";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { findHandle } from "../handle/table";
import { boundInbox } from "../ipc/notify";
import { Inbox } from "../object/inbox";
import { Interrupt, removeMasked } from "../object/interrupt";
import { maskLine, unmaskLine } from "../x64/interrupts";
import { checkInboxToBind } from "./binding";
import { MethodCall } from "./method-call";

export function interruptMethod(method: u32, call: MethodCall): Status {
  const interrupt = changetype<Interrupt>(call.handle.object!);
  switch (method) {
    case InterruptMethod.Bind:
      return bind(call, interrupt);
    case InterruptMethod.Info:
      return info(call, interrupt);
    case InterruptMethod.Unbind:
      return unbind(call, interrupt);
    default:
      return Status.BadHeader;
  }
}

/**
 * Busy if the line is bound, by this driver or another: a driver that moves the line to another
 * inbox unbinds it first.
 */
function bind(call: MethodCall, interrupt: Interrupt): Status {
  const domain = call.domain;
  const request = InterruptBindRequest.at(call.request);
  const entry = findHandle(domain, request.inbox);
  const status = checkInboxToBind(domain, entry);
  if (status !== Status.Ok) return status;
  if (request.bits === 0) return Status.BadArgument;
  if (boundInbox(interrupt.inbox, interrupt.inboxIdentity) !== null) return Status.Busy;
  const verdict = call.judge(call.handle.classId, Permission.Bind);
  if (verdict !== Status.Ok) return verdict;

  // Commit point. The last inbox's list of masked lines was emptied by `unbind`, or went with it.
  assert(!interrupt.isListed);
  const inbox = changetype<Inbox>(entry!.object!);
  interrupt.inbox = inbox;
  interrupt.inboxIdentity = inbox.identity;
  interrupt.bits = request.bits;
  unmaskLine(interrupt.line);
  return Status.Ok;
}

/** Masks the line. Bits that it has set at the inbox stay there. */
function unbind(call: MethodCall, interrupt: Interrupt): Status {
  const inbox = boundInbox(interrupt.inbox, interrupt.inboxIdentity);
  if (inbox === null) return Status.NotFound;
  if (inbox.owner !== call.domain.slot) return Status.NoRight;

  // Commit point.
  maskLine(interrupt.line);
  removeMasked(interrupt);
  interrupt.inbox = null;
  return Status.Ok;
}

function info(call: MethodCall, interrupt: Interrupt): Status {
  const response = InterruptInfoResponse.at(call.response);
  response.line = interrupt.line;
  response.fired = interrupt.fired;
  return Status.Ok;
}
