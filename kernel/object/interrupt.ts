import { INTERRUPTS_BASE } from "./layout";
import { Inbox } from "./inbox";
import { KernelObject } from "./kernel-object";

/**
 * A hardware interrupt line. One for each line of the machine, there from boot on; granted to slots
 * by the image.
 */
@unmanaged
export class Interrupt extends KernelObject {
  line: u32;
  inboxIdentity: u64;
  bits: u64;
  fired: u64;
  /** Where it is delivered; null while it is not bound, and then it is masked. */
  inbox: Inbox | null;
  /** In the inbox's list of masked interrupts. */
  isListed: bool;
  nextMasked: Interrupt | null;
}

const INTERRUPT_SHIFT: u32 = 7;
if (offsetof<Interrupt>() > 1 << INTERRUPT_SHIFT) ERROR("Interrupt is larger than its place");

/** Adds an interrupt that has fired to the list of the inbox that delivers it. */
export function addMasked(inbox: Inbox, interrupt: Interrupt): void {
  if (interrupt.isListed) return;
  interrupt.isListed = true;
  interrupt.nextMasked = inbox.firstMasked;
  inbox.firstMasked = interrupt;
}

/** Takes the first interrupt out of an inbox's list, which is not empty. */
export function takeMasked(inbox: Inbox): Interrupt {
  const first = inbox.firstMasked!;
  inbox.firstMasked = first.nextMasked;
  first.isListed = false;
  first.nextMasked = null;
  return first;
}

/**
 * Takes an interrupt out of the list of the inbox that delivered it last. At most as many steps as
 * the machine has lines.
 */
export function removeMasked(interrupt: Interrupt): void {
  if (!interrupt.isListed) return;
  const inbox = interrupt.inbox!;
  let previous: Interrupt | null = null;
  let next = inbox.firstMasked;
  while (next !== null && next !== interrupt) {
    previous = next;
    next = next.nextMasked;
  }
  assert(next === interrupt);
  if (previous === null) inbox.firstMasked = interrupt.nextMasked;
  else previous.nextMasked = interrupt.nextMasked;
  interrupt.isListed = false;
  interrupt.nextMasked = null;
}

export function interruptOfLine(line: u32): Interrupt {
  return changetype<Interrupt>(INTERRUPTS_BASE + ((<usize>line) << INTERRUPT_SHIFT));
}
