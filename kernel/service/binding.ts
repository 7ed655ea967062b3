// What every method checks that binds something to an inbox.

import { ObjectType, RIGHT_BIND } from "../abi/object";
import { Status } from "../abi/status";
import { hasRights } from "../handle/table";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Inbox } from "../object/inbox";

/**
 * Ok if the handle names an inbox of the domain's own and has the right to bind. `entry` is null if
 * there is no such handle.
 */
export function checkInboxToBind(domain: Domain, entry: HandleEntry | null): Status {
  if (entry === null) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Inbox) return Status.WrongType;
  if (!hasRights(entry, RIGHT_BIND)) return Status.NoRight;
  return changetype<Inbox>(entry.object!).owner === domain.slot ? Status.Ok : Status.NoRight;
}
