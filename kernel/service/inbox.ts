import {
  InboxBindEndpointRequest,
  InboxInfoResponse,
  InboxMethod,
} from "../../build/generated/kernel/Inbox";
import { ObjectType, RIGHT_BIND, RIGHT_MINT } from "../abi/object";
import { Status } from "../abi/status";
import { findHandle, hasRights } from "../handle/table";
import { rebindEndpoint } from "../handle/lifetime";
import { Endpoint } from "../object/endpoint";
import { Inbox } from "../object/inbox";
import { MethodCall } from "./method-call";

export function inboxMethod(method: u32, call: MethodCall): Status {
  const inbox = changetype<Inbox>(call.handle.object!);
  switch (method) {
    case InboxMethod.Info:
      return info(call, inbox);
    case InboxMethod.BindEndpoint:
      return bindEndpoint(call, inbox);
    default:
      return Status.BadHeader;
  }
}

function info(call: MethodCall, inbox: Inbox): Status {
  const response = InboxInfoResponse.at(call.response);
  response.pendingCalls = inbox.pendingCalls;
  response.pendingBits = <u32>popcnt(inbox.bits);
  return Status.Ok;
}

function bindEndpoint(call: MethodCall, inbox: Inbox): Status {
  const slot = call.domain.slot;
  const entry = findHandle(call.domain, InboxBindEndpointRequest.at(call.request).endpoint);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Endpoint) return Status.WrongType;
  if (!hasRights(call.handle, RIGHT_BIND) || !hasRights(entry, RIGHT_MINT)) return Status.NoRight;
  const endpoint = changetype<Endpoint>(entry.object!);
  if (endpoint.owner !== slot || inbox.owner !== slot) return Status.NoRight;

  // Commit point.
  rebindEndpoint(endpoint, inbox);
  return Status.Ok;
}
