import { ObjectType, RIGHT_BIND, RIGHT_MINT } from "../abi/object";
import { Status } from "../abi/status";
import { Endpoint } from "../object/endpoint";
import { hasRights } from "../handle/table";
import { Inbox } from "../object/inbox";
import { destroyInboxIfUnused } from "../handle/lifetime";
import { argumentHandle, calledHandle, callingDomain, give } from "./method-frame";

export function inboxMethod(method: u32): Status {
  return method === 0 ? info() : bindEndpoint();
}

function info(): Status {
  const inbox = changetype<Inbox>(calledHandle().object!);
  give(<u64>inbox.pendingCalls);
  give(<u64>popcnt(inbox.bits));
  return Status.Ok;
}

/** Callers that are queued already are received where they stand. */
function bindEndpoint(): Status {
  const inbox = changetype<Inbox>(calledHandle().object!);
  const entry = argumentHandle(0);
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Endpoint) return Status.WrongType;
  if (!hasRights(calledHandle(), RIGHT_BIND) || !hasRights(entry, RIGHT_MINT))
    return Status.NoRight;
  const endpoint = changetype<Endpoint>(entry.object!);
  const slot = callingDomain().slot;
  if (endpoint.owner !== slot || inbox.owner !== slot) return Status.NoRight;

  // Commit point.
  const before = endpoint.inbox!;
  endpoint.inbox = inbox;
  inbox.boundEndpoints += 1;
  before.boundEndpoints -= 1;
  destroyInboxIfUnused(before);
  return Status.Ok;
}
