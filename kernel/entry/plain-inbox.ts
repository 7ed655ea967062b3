// Which inbox the short paths may let a thread wait at: the same rule for reply, recv and a message
// with a record.

import { ObjectType, RIGHT_RECEIVE } from "../abi/object";
import { HandleTable, hasRights } from "../handle/table";
import { domainOfSlot } from "../object/domain";
import { Inbox } from "../object/inbox";
import { Thread } from "../object/thread";

export class PlainInbox {
  /**
   * The inbox that `number` names in the thread's domain, if the thread received there last and now
   * only has to wait there: no bits, callers or masked interrupts are pending. Null in every other
   * case, which the slow path tells apart.
   */
  @inline
  static of(thread: Thread, number: u64): Inbox | null {
    if (number >> 32 !== 0) return null;
    const entry = HandleTable.find(domainOfSlot(thread.owner), <u32>number);
    if (entry === null || entry.type !== <u16>ObjectType.Inbox || !hasRights(entry, RIGHT_RECEIVE))
      return null;
    const inbox = changetype<Inbox>(entry.object!);
    if (
      inbox.owner !== thread.owner ||
      inbox !== thread.ownInbox ||
      inbox.thread !== thread ||
      inbox.receiver !== null
    )
      return null;
    return inbox.isQuiet ? inbox : null;
  }
}
