import { Inbox } from "./inbox";
import { KernelObject } from "./kernel-object";

/** Sets bits at an inbox. The inbox's owner makes it; a handle with RIGHT_SIGNAL signals it. */
@unmanaged
export class Notice extends KernelObject {
  inbox: Inbox | null;
  /** Identity of the inbox at creation: a later inbox at the same place has another. */
  inboxIdentity: u64;
  /**
   * The bits that a signal may set. Other bits of the inbox mean an interrupt or a timer, which
   * holders of the notice must not forge.
   */
  bits: u64;
}

if (offsetof<Notice>() > 64) ERROR("Notice is larger than its place");
