// The access matrix: what a subject class may ask of a target class by one interface.

import {
  BlobSection,
  INSTRUCTION_BYTES,
  INSTRUCTION_MASK,
  INSTRUCTION_ON_FALSE,
  INSTRUCTION_ON_TRUE,
  INSTRUCTION_OPERATION,
  INSTRUCTION_SHIFT,
  INSTRUCTION_VALUE,
  INSTRUCTION_WORD,
  PAIR_BINDING_COUNT,
  PAIR_BYTES,
  PAIR_FIRST_BINDING,
  PAIR_KEY,
  PAIR_REQUEST,
  RULE_BYTES,
  RULE_EVENTS,
  RULE_EVENTS_READ,
  RULE_EVENTS_RECORDED,
  RULE_FLAGS,
  RULE_FLAG_REQUIRE,
  RULE_METHODS,
  RULE_NONE,
  RULE_PROGRAM,
  RuleOperation,
  TARGET_DENY,
  TARGET_GRANT,
} from "../abi/blob";
import { sectionCount, sectionStart } from "./blob/sections";

/**
 * Address of the entry for a pair of classes and an interface; 0 where no rule speaks of them. At
 * most 17 steps.
 */
export function findPair(subjectClass: u32, targetClass: u32, interfaceId: u32): usize {
  const key =
    ((<u64>subjectClass) << 32) |
    ((<u64>(targetClass & 0xffff)) << 16) |
    <u64>(interfaceId & 0xffff);
  let low: u32 = 0;
  let high = sectionCount(BlobSection.Pairs);
  if (high === 0) return 0;
  const start = sectionStart(BlobSection.Pairs);
  while (low < high) {
    const middle = (low + high) >> 1;
    const pair = start + middle * PAIR_BYTES;
    const found = load<u64>(pair + PAIR_KEY);
    if (found === key) return pair;
    if (found < key) low = middle + 1;
    else high = middle;
  }
  return 0;
}

/** Whether the event needs nothing read and nothing recorded. */
export function isPlain(pair: usize, event: u32, method: u32): bool {
  return ((load<u64>(pair + PAIR_REQUEST + (event << 3)) >> <u64>method) & 1) !== 0;
}

// What `decide` found, until the next decision.
let decidedRule: u32 = RULE_NONE;
/** Address of the instruction that ran last; 0 where none did. */
let decidedAt: usize = 0;
let auditingRule: u32 = RULE_NONE;

/** The rule that denied, or RULE_NONE where none allows the event. */
export function denyingRule(): u32 {
  return decidedRule;
}
/**
 * The operand on which the denying rule ended; 0 where no rule refused. `capture` is what was
 * decided on.
 */
export function denyingValue(capture: usize): u64 {
  return decidedRule === RULE_NONE ? 0 : operandOf(decidedAt, capture);
}
/** Where it stands: number of the word from 1 on | shift << 8. 0 where no rule refused. */
export function refusedField(): u32 {
  if (decidedRule === RULE_NONE) return 0;
  return (
    (<u32>load<u8>(decidedAt + INSTRUCTION_WORD) + 1) |
    ((<u32>load<u8>(decidedAt + INSTRUCTION_SHIFT)) << 8)
  );
}
/** The mask that was laid over it; 0 where no rule refused, or the rule took the value whole. */
export function refusedMask(): u64 {
  if (decidedRule === RULE_NONE) return 0;
  const mask = load<u64>(decidedAt + INSTRUCTION_MASK);
  return mask === u64.MAX_VALUE ? 0 : mask;
}
/** A rule that took part in granting and asks for a record; RULE_NONE where none did. */
export function recordingRule(): u32 {
  return auditingRule;
}

/**
 * Runs every rule bound to the event. Grants if at least one of them allows and none refuses.
 * Reads only the `words` of the capture that the structural verifier has checked the rules against.
 */
export function decide(pair: usize, event: u32, method: u32, capture: usize): bool {
  decidedRule = RULE_NONE;
  decidedAt = 0;
  auditingRule = RULE_NONE;
  let isAllowed = false;
  let binding = sectionStart(BlobSection.Bindings) + load<u32>(pair + PAIR_FIRST_BINDING) * 4;
  const end = binding + load<u32>(pair + PAIR_BINDING_COUNT) * 4;
  for (; binding < end; binding += 4) {
    const number = load<u32>(binding);
    const rule = sectionStart(BlobSection.Rules) + number * RULE_BYTES;
    if (!isBound(rule, event, method)) continue;
    if (isConditional(rule, event) && !grants(rule, capture)) {
      decidedRule = number;
      return false;
    }
    if ((load<u32>(rule + RULE_FLAGS) & RULE_FLAG_REQUIRE) === 0) isAllowed = true;
    if (hasEvent(rule, RULE_EVENTS_RECORDED, event) && auditingRule === RULE_NONE)
      auditingRule = number;
  }
  return isAllowed;
}

export function isBound(rule: usize, event: u32, method: u32): bool {
  return (
    hasEvent(rule, RULE_EVENTS, event) &&
    ((load<u64>(rule + RULE_METHODS) >> <u64>method) & 1) !== 0
  );
}

/** Whether the rule reads the message of that event. */
export function isConditional(rule: usize, event: u32): bool {
  return hasEvent(rule, RULE_EVENTS_READ, event);
}

function hasEvent(rule: usize, events: u32, event: u32): bool {
  return ((<u32>load<u8>(rule + events) >> event) & 1) !== 0;
}

/** Instructions only go forward, so each runs at most once. */
function grants(rule: usize, capture: usize): bool {
  const program =
    sectionStart(BlobSection.RuleProgram) + load<u32>(rule + RULE_PROGRAM) * INSTRUCTION_BYTES;
  let at: u32 = 0;
  do {
    const instruction = program + at * INSTRUCTION_BYTES;
    at = holds(instruction, capture)
      ? <u32>load<u16>(instruction + INSTRUCTION_ON_TRUE)
      : <u32>load<u16>(instruction + INSTRUCTION_ON_FALSE);
  } while (at < <u32>TARGET_DENY);
  return at === TARGET_GRANT;
}

function holds(instruction: usize, capture: usize): bool {
  const value = load<u64>(instruction + INSTRUCTION_VALUE);
  const left = operandOf(instruction, capture);
  let operation = <u32>load<u8>(instruction + INSTRUCTION_OPERATION);
  let right = value;
  if (operation >= <u32>RuleOperation.EqualWord) {
    right = load<u64>(capture + ((<u32>value & 63) << 3)) >> ((value >> 8) & 63);
    operation -= RuleOperation.EqualWord;
  }
  decidedAt = instruction;
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

/** What the instruction compares. */
function operandOf(instruction: usize, capture: usize): u64 {
  const word = load<u64>(capture + ((<u32>load<u8>(instruction + INSTRUCTION_WORD)) << 3));
  return (
    (word >> <u64>load<u8>(instruction + INSTRUCTION_SHIFT)) &
    load<u64>(instruction + INSTRUCTION_MASK)
  );
}
