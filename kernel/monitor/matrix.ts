// The access matrix: what a subject class may ask of a target class by one interface. Finds the
// pair, runs the rules bound to an event, and says which rule decided.

import {
  BlobSection,
  INTERFACE_PERMISSIONS,
  RULE_NONE,
  RuleOperation,
  TARGET_DENY,
  TARGET_GRANT,
} from "../abi/blob";
import { Event } from "../abi/event";
import { Permission } from "../abi/permission";
import { hasPolicy, policyBlob } from "./blob/in-force";
import { Instruction, Pair, Rule, pairKey } from "./blob/records";
import { Finding, Message } from "./question";

/** The rules about a pair of classes and an interface; null if there are none. At most 17 steps. */
export function findPair(subjectClass: u32, targetClass: u32, interfaceId: u32): Pair | null {
  const key = pairKey(subjectClass, targetClass, interfaceId);
  if (!hasPolicy()) return null;
  const blob = policyBlob();
  const pairs = blob.start(BlobSection.Pairs);
  let low: u32 = 0;
  let high = blob.count(BlobSection.Pairs);
  while (low < high) {
    const middle = (low + high) >> 1;
    const pair = Pair.at(pairs, middle);
    if (pair.key === key) return pair;
    if (pair.key < key) low = middle + 1;
    else high = middle;
  }
  return null;
}

/** True if the event is granted without reading or recording anything. */
export function isPlain(pair: Pair, event: Event, method: u32): bool {
  return ((pair.plain(event) >> <u64>method) & 1) !== 0;
}

/** Whether a class has a permission over objects of another. Records nothing. */
export function permits(subjectClass: u32, objectClass: u32, permission: Permission): bool {
  const pair = findPair(subjectClass, objectClass, INTERFACE_PERMISSIONS);
  return pair !== null && isPlain(pair, Event.Request, permission);
}

/** Number of the first rule that allows the event, conditionally or not; RULE_NONE without one. */
export function firstAllowing(pair: Pair, event: Event, method: u32): u32 {
  const blob = policyBlob();
  const end = pair.firstBinding + pair.bindingCount;
  for (let binding = pair.firstBinding; binding < end; binding++) {
    const number = blob.binding(binding);
    const rule = blob.rule(number);
    if (!rule.isRequire && rule.isBound(event, method)) return number;
  }
  return RULE_NONE;
}

/** Number of the first rule that allows the event whatever it says; RULE_NONE without one. */
export function firstUnconditional(pair: Pair, event: Event, method: u32): u32 {
  const blob = policyBlob();
  const end = pair.firstBinding + pair.bindingCount;
  for (let binding = pair.firstBinding; binding < end; binding++) {
    const number = blob.binding(binding);
    const rule = blob.rule(number);
    if (!rule.isRequire && !rule.isConditional(event) && rule.isBound(event, method)) return number;
  }
  return RULE_NONE;
}

/** Number of the first rule that narrows the event; RULE_NONE if none does. */
export function firstRequiring(pair: Pair, event: Event, method: u32): u32 {
  const blob = policyBlob();
  const end = pair.firstBinding + pair.bindingCount;
  for (let binding = pair.firstBinding; binding < end; binding++) {
    const number = blob.binding(binding);
    const rule = blob.rule(number);
    if (rule.isRequire && rule.isBound(event, method)) return number;
  }
  return RULE_NONE;
}

/** What `decide` found besides its result. */
@unmanaged
@final
export class Decision {
  /**
   * Where no `allow` grants, the first that is bound; else the first `require` that does not hold.
   * RULE_NONE if no `allow` is bound, or the event is granted.
   */
  refusingRule: u32;
  /** The instruction at which the refusing rule ended. */
  instruction: Instruction;
  /** True if a rule that grants asks for a record: `isRecording` finds which do. */
  isRecorded: bool;
}

/**
 * Runs the rules bound to the event. Grants if at least one `allow` grants and every `require`
 * holds. Reads only the words of the message that the structural verifier has checked the rules
 * against.
 */
export function decide(
  pair: Pair,
  event: Event,
  method: u32,
  message: Message,
  decision: Decision,
): bool {
  decision.refusingRule = RULE_NONE;
  decision.isRecorded = false;
  const blob = policyBlob();
  const end = pair.firstBinding + pair.bindingCount;
  let isAllowed = false;
  let closedAllow = RULE_NONE;
  let closedRequire = RULE_NONE;
  // Of the rule that refuses, if one does.
  let allowInstruction: Instruction = decision.instruction;
  let requireInstruction: Instruction = decision.instruction;
  for (let binding = pair.firstBinding; binding < end; binding++) {
    const number = blob.binding(binding);
    const rule = blob.rule(number);
    if (!rule.isBound(event, method)) continue;
    const refusal = rule.isConditional(event) ? refusingInstruction(rule, message) : null;
    if (refusal === null) {
      if (rule.isRequire) continue;
      isAllowed = true;
      if (rule.isRecorded(event)) decision.isRecorded = true;
    } else if (rule.isRequire) {
      if (closedRequire !== RULE_NONE) continue;
      closedRequire = number;
      requireInstruction = refusal;
    } else if (closedAllow === RULE_NONE) {
      closedAllow = number;
      allowInstruction = refusal;
    }
  }
  if (isAllowed && closedRequire === RULE_NONE) return true;
  decision.refusingRule = isAllowed ? closedRequire : closedAllow;
  decision.instruction = isAllowed ? requireInstruction : allowInstruction;
  return false;
}

/** Whether the rule of that binding grants the event and asks for a record of it. */
export function isRecording(binding: u32, event: Event, method: u32, message: Message): bool {
  const blob = policyBlob();
  const rule = blob.rule(blob.binding(binding));
  if (!rule.isRecorded(event) || !rule.isBound(event, method)) return false;
  return !rule.isConditional(event) || refusingInstruction(rule, message) === null;
}

/** Describes, for the audit log, why `decide` denied the message. */
export function describeRefusal(decision: Decision, message: Message, finding: Finding): void {
  finding.rule = decision.refusingRule;
  finding.field = 0;
  finding.value = 0;
  finding.mask = 0;
  if (decision.refusingRule === RULE_NONE) return;
  const instruction = decision.instruction;
  finding.field = (<u32>instruction.word + 1) | ((<u32>instruction.shift) << 8);
  finding.value = operandOf(instruction, message);
  finding.mask = instruction.mask === u64.MAX_VALUE ? 0 : instruction.mask;
}

/**
 * Runs a rule's program: returns null if it grants, else the instruction that refused. Instructions
 * only go forward, so each runs at most once.
 */
function refusingInstruction(rule: Rule, message: Message): Instruction | null {
  const blob = policyBlob();
  const first = rule.firstInstruction;
  let next: u32 = 0;
  let instruction: Instruction;
  do {
    instruction = blob.instruction(first + next);
    next = holds(instruction, message) ? <u32>instruction.onTrue : <u32>instruction.onFalse;
  } while (next < <u32>TARGET_DENY);
  return next === TARGET_GRANT ? null : instruction;
}

/** Whether the comparison is true. */
function holds(instruction: Instruction, message: Message): bool {
  const left = operandOf(instruction, message);
  let operation = <u32>instruction.operation;
  let right = instruction.value;
  if (instruction.readsTwoWords) {
    right = message.word(<u32>right & 63) >> ((right >> 8) & 63);
    operation -= RuleOperation.EqualWord;
  }
  switch (operation) {
    case RuleOperation.Equal:
      return left === right;
    case RuleOperation.Below:
      return left < right;
    case RuleOperation.BelowOrEqual:
      return left <= right;
    case RuleOperation.Less:
      return <i64>left < <i64>right;
    default:
      return <i64>left <= <i64>right;
  }
}

/** The left side of the instruction's comparison. */
function operandOf(instruction: Instruction, message: Message): u64 {
  return (message.word(instruction.word) >> <u64>instruction.shift) & instruction.mask;
}
