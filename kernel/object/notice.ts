import { Inbox } from "./inbox";
import { KernelObject } from "./kernel-object";

/** Sets bits at an inbox. Its owner makes it; a holder of a handle with the right signals it. */
@unmanaged
export class Notice extends KernelObject {
  inbox: Inbox | null;
  /** Identity of the inbox that it was made for: a later one at the same place is another. */
  inboxIdentity: u64;
  /**
   * What a signal may set: other bits of the inbox mean something else, an interrupt or a timer,
   * and are not for its holders to forge.
   */
  bits: u64;
}

if (offsetof<Notice>() > 64) ERROR("Notice is larger than its place");
