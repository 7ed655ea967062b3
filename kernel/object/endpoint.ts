import { ENDPOINT_SHIFT } from "./layout";
import { Inbox } from "./inbox";
import { KernelObject } from "./kernel-object";
import { Thread } from "./thread";

/**
 * What clients call: messages of one interface, received at one inbox.
 *
 * The image's endpoints belong to the slot and outlive its instances; those that a program makes
 * die with it.
 */
@unmanaged
export class Endpoint extends KernelObject {
  interfaceId: u32;
  /** Where its messages arrive. Never null while the endpoint lives. */
  inbox: Inbox | null;
  /**
   * Callers queued for it, all of them in the queue of `inbox` or of the inbox that it was bound to
   * before.
   */
  firstCaller: Thread | null;
  lastCaller: Thread | null;
  /** It is the slot's, not the instance's. */
  isPermanent: bool;

  /** Adds a caller behind the others. */
  addCaller(thread: Thread): void {
    assert(thread.endpoint === null);
    const last = this.lastCaller;
    thread.endpoint = this;
    thread.callerNext = null;
    thread.callerPrevious = last;
    if (last === null) this.firstCaller = thread;
    else last.callerNext = thread;
    this.lastCaller = thread;
  }

  removeCaller(thread: Thread): void {
    assert(thread.endpoint === this);
    const next = thread.callerNext;
    const previous = thread.callerPrevious;
    if (previous === null) this.firstCaller = next;
    else previous.callerNext = next;
    if (next === null) this.lastCaller = previous;
    else next.callerPrevious = previous;
    thread.endpoint = null;
    thread.callerNext = null;
    thread.callerPrevious = null;
  }
}

if (offsetof<Endpoint>() > 1 << ENDPOINT_SHIFT) ERROR("Endpoint is larger than its place");
