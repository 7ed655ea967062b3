// Names of slots, classes, interfaces and methods, asked from the kernel when they are shown.

import { policy, slots } from "../../../build/generated/programs/shell";
import { Text } from "../../runtime/text";
import { endLine, line } from "./print";

export const NO_SLOT: u32 = 0xffff_ffff;
export const NO_CLASS: u32 = 0xffff_ffff;

/** Adds the name of a slot. */
export function addSlotName(slot: u32, to: Text): Text {
  const answer = slots.name(slot);
  if (answer.ok) return to.text(answer.text);
  return slot === NO_SLOT ? to.string("kernel") : to.string("slot ").number(slot);
}

export function addClassName(classId: u32, to: Text): Text {
  const answer = policy.className(classId);
  if (answer.ok) return to.text(answer.text);
  return to.string("class ").number(classId);
}

export function addInterfaceName(interfaceId: u32, to: Text): Text {
  const answer = policy.interfaceName(interfaceId);
  if (answer.ok) return to.text(answer.text);
  return to.string("interface ").hex(interfaceId);
}

export function addMethodName(interfaceId: u32, method: u32, to: Text): Text {
  addInterfaceName(interfaceId, to).byte(0x2e);
  const answer = policy.methodName(interfaceId, method);
  if (answer.ok) return to.text(answer.text);
  return to.string("method ").number(method);
}

/** The class `name`, or the class of the domain `name`; NO_CLASS if there is neither. */
export function classOf(name: Text): u32 {
  const known = policy.findClass(name);
  if (known.ok) return known.classId;
  const slot = slots.find(name);
  return slot.ok ? slots.describe(slot.slot).classId : NO_CLASS;
}

/** The slot called `name`; prints an error and returns NO_SLOT if there is none. */
export function findSlot(name: Text): u32 {
  if (name.isEmpty) {
    line.string("name a domain; `domains` lists them");
    endLine();
    return NO_SLOT;
  }
  const answer = slots.find(name);
  if (answer.ok) return answer.slot;
  line.string("there is no domain `").text(name).string("`; `domains` lists them");
  endLine();
  return NO_SLOT;
}
