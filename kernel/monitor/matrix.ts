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
import { Finding, Message } from "./question";

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

/** What `decide` found besides its result. */
@unmanaged
@final
export class Decision {
  /** The rule that refused; RULE_NONE if none did: then no rule allows the event. */
  refusingRule: u32;
  /** Where the refusing rule ended: address of its instruction. */
  instruction: usize;
  /** A rule that took part in granting and asks for a record; RULE_NONE if there is none. */
  recordingRule: u32;
}

/**
 * Runs every rule bound to the event. Grants if at least one of them allows and none refuses.
 * Reads only the words of the message that the structural verifier has checked the rules against.
 */
export function decide(
  pair: usize,
  event: u32,
  method: u32,
  message: Message,
  decision: Decision,
): bool {
  decision.refusingRule = RULE_NONE;
  decision.recordingRule = RULE_NONE;
  let isAllowed = false;
  let binding = sectionStart(BlobSection.Bindings) + load<u32>(pair + PAIR_FIRST_BINDING) * 4;
  const end = binding + load<u32>(pair + PAIR_BINDING_COUNT) * 4;
  for (; binding < end; binding += 4) {
    const number = load<u32>(binding);
    const rule = sectionStart(BlobSection.Rules) + number * RULE_BYTES;
    if (!isBound(rule, event, method)) continue;
    if (isConditional(rule, event)) {
      const refusal = run(rule, message);
      if (refusal !== 0) {
        decision.refusingRule = number;
        decision.instruction = refusal;
        return false;
      }
    }
    if ((load<u32>(rule + RULE_FLAGS) & RULE_FLAG_REQUIRE) === 0) isAllowed = true;
    if (hasEvent(rule, RULE_EVENTS_RECORDED, event) && decision.recordingRule === RULE_NONE)
      decision.recordingRule = number;
  }
  return isAllowed;
}

/** Describes, for the audit log, why `decide` denied the message. */
export function describeRefusal(decision: Decision, message: Message, finding: Finding): void {
  finding.rule = decision.refusingRule;
  finding.field = 0;
  finding.value = 0;
  finding.mask = 0;
  if (decision.refusingRule === RULE_NONE) return;
  const instruction = decision.instruction;
  const mask = load<u64>(instruction + INSTRUCTION_MASK);
  finding.field =
    (<u32>load<u8>(instruction + INSTRUCTION_WORD) + 1) |
    ((<u32>load<u8>(instruction + INSTRUCTION_SHIFT)) << 8);
  finding.value = operandOf(instruction, message);
  finding.mask = mask === u64.MAX_VALUE ? 0 : mask;
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

/**
 * Runs a rule's program: returns 0 if it grants, else the address of the instruction that refused.
 * Instructions only go forward, so each runs at most once.
 */
function run(rule: usize, message: Message): usize {
  const program =
    sectionStart(BlobSection.RuleProgram) + load<u32>(rule + RULE_PROGRAM) * INSTRUCTION_BYTES;
  let instruction: usize;
  let next: u32 = 0;
  do {
    instruction = program + next * INSTRUCTION_BYTES;
    next = holds(instruction, message)
      ? <u32>load<u16>(instruction + INSTRUCTION_ON_TRUE)
      : <u32>load<u16>(instruction + INSTRUCTION_ON_FALSE);
  } while (next < <u32>TARGET_DENY);
  return next === TARGET_GRANT ? 0 : instruction;
}

function holds(instruction: usize, message: Message): bool {
  const value = load<u64>(instruction + INSTRUCTION_VALUE);
  const left = operandOf(instruction, message);
  let operation = <u32>load<u8>(instruction + INSTRUCTION_OPERATION);
  let right = value;
  if (operation >= <u32>RuleOperation.EqualWord) {
    right = message.word(<u32>value & 63) >> ((value >> 8) & 63);
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

/** What the instruction compares. */
function operandOf(instruction: usize, message: Message): u64 {
  const word = message.word(<u32>load<u8>(instruction + INSTRUCTION_WORD));
  return (
    (word >> <u64>load<u8>(instruction + INSTRUCTION_SHIFT)) &
    load<u64>(instruction + INSTRUCTION_MASK)
  );
}
