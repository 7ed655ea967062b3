// Names of slots and of what the policy knows, looked up when they are shown.

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

/** The class of that name, or of the domain of that name; NO_CLASS if there is neither. */
export function classOf(name: Text): u32 {
  const known = policy.findClass(name);
  if (known.ok) return known.classId;
  const slot = slots.find(name);
  return slot.ok ? slots.describe(slot.slot).classId : NO_CLASS;
}

/** The slot of that name, or NO_SLOT after saying that there is none. */
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
