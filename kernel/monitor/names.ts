// Names that the policy knows, for `why`, the audit log and fault reports. Strings are
// zero-terminated; address 0 means that there is none.

import { BlobSection, FIRST_PROGRAM_CLASS } from "../abi/blob";
import { ObjectType } from "../abi/object";
import { clamped } from "../base/speculation";
import {
  classEntry,
  interfaceEntry,
  methodShape,
  policyBlob,
  sectionCount,
  stringAt,
} from "./blob/in-force";
import { Rule } from "./blob/records";
import { stringBytes, stringEquals } from "./blob/strings";
import { slotClass, slotCount, slotEndpointCount, slotEndpointInterface } from "./slots";

export function classCount(): u32 {
  return sectionCount(BlobSection.Classes);
}

export function className(classId: u32): usize {
  const entry = classEntry(classId);
  return entry === null ? 0 : stringAt(entry.name);
}

/** The class of that name; 0 if there is none. */
export function findClass(name: usize, bytes: u32): u32 {
  if (bytes === 0) return 0;
  const count = classCount();
  for (let classId: u32 = 1; classId < count; classId++) {
    if (stringEquals(className(classId), name, bytes)) return classId;
  }
  return 0;
}

export function interfaceName(interfaceId: u32): usize {
  const entry = interfaceEntry(interfaceId);
  return entry === null ? 0 : stringAt(entry.name);
}

export function methodName(interfaceId: u32, method: u32): usize {
  const shape = methodShape(interfaceId, method);
  return shape === null ? 0 : stringAt(shape.name);
}

/**
 * The method of that name which a class serves: `write`, or `Console.write` where several of its
 * interfaces have one. Interface in the low half, method in the high half; 0 if there is none.
 */
export function findMethod(classId: u32, name: usize, bytes: u32): u64 {
  if (isKernelObject(classId)) return methodOf(classId, name, bytes);
  if (classId < <u32>FIRST_PROGRAM_CLASS) return 0;
  const count = slotCount();
  for (let slot: u32 = 0; slot < count; slot++) {
    if (slotClass(slot) !== classId) continue;
    const endpoints = slotEndpointCount(slot);
    for (let endpoint: u32 = 0; endpoint < endpoints; endpoint++) {
      const found = methodOf(slotEndpointInterface(slot, endpoint), name, bytes);
      if (found !== 0) return found;
    }
  }
  return 0;
}

/**
 * The interface at that place, counted from 0, among those of all endpoints of a class's slots, in
 * the order in which `findMethod` looks; 0 beyond the last. A kernel object serves one.
 */
export function servedInterface(classId: u32, index: u32): u32 {
  if (isKernelObject(classId)) return index === 0 ? classId : 0;
  if (classId < <u32>FIRST_PROGRAM_CLASS) return 0;
  const count = slotCount();
  let left = index;
  for (let slot: u32 = 0; slot < count; slot++) {
    if (slotClass(slot) !== classId) continue;
    const endpoints = slotEndpointCount(slot);
    if (left < endpoints) return slotEndpointInterface(slot, left);
    left -= endpoints;
  }
  return 0;
}

function isKernelObject(classId: u32): bool {
  return classId >= <u32>ObjectType.Domain && classId <= <u32>ObjectType.System;
}

function methodOf(interfaceId: u32, name: usize, bytes: u32): u64 {
  const entry = interfaceEntry(interfaceId);
  if (entry === null) return 0;
  let method = name;
  let methodBytes = bytes;
  const own = interfaceName(interfaceId);
  const ownBytes = stringBytes(own);
  if (
    bytes > ownBytes + 1 &&
    load<u8>(name + ownBytes) === 0x2e &&
    stringEqualsPrefix(own, name, ownBytes)
  ) {
    method += ownBytes + 1;
    methodBytes -= ownBytes + 1;
  }
  const count = entry.methodCount;
  for (let i: u32 = 0; i < count; i++) {
    if (stringEquals(methodName(interfaceId, i), method, methodBytes))
      return ((<u64>i) << 32) | <u64>entry.id;
  }
  return 0;
}

function stringEqualsPrefix(address: usize, other: usize, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    if (load<u8>(address + i) !== load<u8>(other + i)) return false;
  }
  return true;
}

export function ruleCount(): u32 {
  return sectionCount(BlobSection.Rules);
}

/** A rule that exists. */
function ruleEntry(rule: u32): Rule {
  assert(rule < ruleCount());
  return policyBlob().rule(clamped(rule, ruleCount()));
}

/** Line of the rule in its file; 0 for RULE_NONE and rules that do not exist. */
export function ruleLine(rule: u32): u32 {
  return rule < ruleCount() ? ruleEntry(rule).line : 0;
}

export function ruleFile(rule: u32): usize {
  return rule < ruleCount() ? stringAt(ruleEntry(rule).file) : 0;
}

/** The text of the rule in its file. */
export function ruleText(rule: u32): usize {
  return rule < ruleCount() ? stringAt(ruleEntry(rule).text) : 0;
}
