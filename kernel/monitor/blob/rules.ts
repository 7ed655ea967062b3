// The part of the structural verifier that checks rules, their programs and the access matrix, and
// recomputes what a decision may cost.

import { BlobError } from "../../abi/blob-error";
import {
  BlobSection,
  CLASS_KERNEL,
  COST_BASE,
  COST_BINDING,
  COST_FIELD,
  COST_INSTRUCTION,
  COST_MAX,
  COST_RECORD,
  FIRST_PROGRAM_CLASS,
  INTERFACE_EXECUTE,
  INTERFACE_PERMISSIONS,
  RULE_EVENTS_EXECUTE,
  RULE_FLAG_REQUIRE,
  RuleOperation,
  TARGET_DENY,
} from "../../abi/blob";
import { Event } from "../../abi/event";
import { PERMISSIONS } from "../../abi/permission";
import { MESSAGE_WORDS_MAX } from "../../abi/system-call";
import { isClass } from "./interfaces";
import { Blob, Instruction, Method, Pair, Rule } from "./records";
import { isString } from "./strings";

/** The three events of a call. */
const CALL_EVENTS: u32 = 7;
/**
 * Bindings of one pair, and instructions of one rule: more would cost more than COST_MAX anyway.
 */
const RUN_MAX: u32 = 150;
/**
 * Bindings of all pairs, counted once for each pair that names them: bounds the work of verifying.
 * A policy of 2,000 rules needs about 4,000.
 */
const BOUND_MAX: u32 = 65536;

/** After `verifyInterfaces` and `verifyImage`. Returns None, BadStructure or TooCostly. */
export function verifyRules(blob: Blob): u32 {
  if (!verifyRuleTable(blob) || !verifyExecuteRules(blob)) return BlobError.BadStructure;
  return verifyPairs(blob);
}

/** The rules' programs follow each other in order of the rules. */
function verifyRuleTable(blob: Blob): bool {
  const count = blob.count(BlobSection.Rules);
  const instructionCount = blob.count(BlobSection.RuleProgram);
  let instructions: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const rule = blob.rule(i);
    if (rule.firstInstruction !== instructions) return false;
    if (rule.instructionCount > RUN_MAX) return false;
    if (rule.instructionCount > instructionCount - instructions) return false;
    instructions += rule.instructionCount;
    if (!verifyRule(blob, rule)) return false;
  }
  return instructions === instructionCount;
}

/** One rule, whose instructions exist. */
function verifyRule(blob: Blob, rule: Rule): bool {
  const methods = methodsOf(blob, rule.interfaceId);
  if ((rule.flags & ~RULE_FLAG_REQUIRE) !== 0 || rule.reserved !== 0) return false;
  if ((rule.eventsRead & ~rule.events) !== 0) return false;
  if ((rule.eventsRecorded & ~rule.events) !== 0) return false;
  if (rule.methods === 0 || (rule.methods & ~methods) !== 0) return false;
  if (!isString(blob, rule.file) || !isString(blob, rule.text) || rule.line === 0) return false;
  switch (rule.interfaceId) {
    case INTERFACE_EXECUTE:
      return <u32>rule.events === RULE_EVENTS_EXECUTE && isUnconditional(rule);
    case INTERFACE_PERMISSIONS:
      return <u32>rule.events === <u32>(1 << Event.Request) && isUnconditional(rule);
    default:
      return verifyMessageRule(blob, rule);
  }
}

/** An execution and a permission have no message to read, and nothing to narrow or to record. */
function isUnconditional(rule: Rule): bool {
  return (
    rule.flags === 0 &&
    rule.eventsRead === 0 &&
    rule.eventsRecorded === 0 &&
    rule.instructionCount === 0
  );
}

/** A rule about messages: its program, if it has one, reads the message of one event. */
function verifyMessageRule(blob: Blob, rule: Rule): bool {
  const read = <u32>rule.eventsRead;
  if (rule.events === 0 || (<u32>rule.events & ~CALL_EVENTS) !== 0) return false;
  // A `require` without a program would narrow nothing.
  if (read === 0) return rule.instructionCount === 0 && !rule.isRequire;
  if ((read & (read - 1)) !== 0 || rule.instructionCount === 0) return false;
  if (rule.isRequire && !narrowsWhatItReads(rule)) return false;
  return verifyProgram(blob, rule, wordsOf(blob, rule, ctz<u32>(read)));
}

/** A `require` is bound to the event that it reads and no other, and has nothing to record. */
function narrowsWhatItReads(rule: Rule): bool {
  return rule.events === rule.eventsRead && rule.eventsRecorded === 0;
}

/** Bits of all methods, or permissions, of an interface; 0 if there is no such interface. */
function methodsOf(blob: Blob, interfaceId: u32): u64 {
  if (interfaceId === INTERFACE_PERMISSIONS) return (1 << PERMISSIONS) - 1;
  if (interfaceId === INTERFACE_EXECUTE) return 1;
  const known = blob.interfaceOf(interfaceId);
  if (known === null || known.methodCount === 0) return 0;
  return u64.MAX_VALUE >> <u64>(64 - known.methodCount);
}

/** A method of an interface that exists. */
function methodOf(blob: Blob, interfaceId: u32, method: u32): Method {
  const known = blob.interfaceOf(interfaceId)!;
  return blob.method(known.firstMethod + method);
}

/** Words that the event's messages of all the rule's methods have at least. */
function wordsOf(blob: Blob, rule: Rule, event: u32): u32 {
  if (event === Event.Error) return 1;
  let least: u32 = MESSAGE_WORDS_MAX;
  for (let left = rule.methods; left !== 0; left &= left - 1) {
    const method = methodOf(blob, rule.interfaceId, <u32>ctz<u64>(left));
    const words = method.words(event === Event.Request);
    if (words < least) least = words;
  }
  return least;
}

/**
 * Every instruction continues behind itself or ends the program, and reads only words that the
 * message has. So the program ends, and reads no more than was captured.
 */
function verifyProgram(blob: Blob, rule: Rule, words: u32): bool {
  const length = rule.instructionCount;
  for (let i: u32 = 0; i < length; i++) {
    const instruction = blob.instruction(rule.firstInstruction + i);
    if (!verifyInstruction(instruction, words)) return false;
    if (!isTarget(instruction.onTrue, i, length)) return false;
    if (!isTarget(instruction.onFalse, i, length)) return false;
  }
  return true;
}

function verifyInstruction(instruction: Instruction, words: u32): bool {
  if (<u32>instruction.operation > <u32>RuleOperation.LessOrEqualWord) return false;
  if (<u32>instruction.word >= words || instruction.shift > 63) return false;
  if (instruction.reserved !== 0) return false;
  if (!instruction.readsTwoWords) return true;
  const otherWord = instruction.value & 0xff;
  return otherWord < <u64>words && instruction.value >> 14 === 0;
}

function isTarget(target: u32, own: u32, length: u32): bool {
  return target >= <u32>TARGET_DENY || (target > own && target < length);
}

/** Every execute grant names a rule about executions. */
function verifyExecuteRules(blob: Blob): bool {
  const count = blob.count(BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const rule = blob.executeGrant(i).rule;
    if (rule >= blob.count(BlobSection.Rules)) return false;
    if (blob.rule(rule).interfaceId !== INTERFACE_EXECUTE) return false;
  }
  return true;
}

/** Pairs ascend by key, so that the search finds each. */
function verifyPairs(blob: Blob): u32 {
  const count = blob.count(BlobSection.Pairs);
  let previous: u64 = 0;
  let bound: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const pair = blob.pair(i);
    if (pair.key <= previous) return BlobError.BadStructure;
    previous = pair.key;
    if (!verifyPairSubjects(blob, pair) || !bindingsExist(blob, pair))
      return BlobError.BadStructure;
    bound += pair.bindingCount;
    if (pair.bindingCount > RUN_MAX || bound > BOUND_MAX) return BlobError.TooCostly;
    if (!verifyBindings(blob, pair)) return BlobError.BadStructure;
    for (let event: u32 = Event.Request; event <= <u32>Event.Error; event++) {
      const error = verifyDecisions(blob, pair, event);
      if (error !== BlobError.None) return error;
    }
  }
  return allBindingsNameRules(blob) ? BlobError.None : BlobError.BadStructure;
}

/** A program's class or the kernel asks; classes and interface exist. */
function verifyPairSubjects(blob: Blob, pair: Pair): bool {
  const subject = pair.subjectClass;
  if (!isClass(blob, subject) || !isClass(blob, pair.targetClass)) return false;
  if (subject < <u32>FIRST_PROGRAM_CLASS && subject !== CLASS_KERNEL) return false;
  return pair.interfaceId !== INTERFACE_EXECUTE && methodsOf(blob, pair.interfaceId) !== 0;
}

function bindingsExist(blob: Blob, pair: Pair): bool {
  const bindingCount = blob.count(BlobSection.Bindings);
  return (
    pair.bindingCount !== 0 &&
    pair.bindingCount <= bindingCount &&
    pair.firstBinding <= bindingCount - pair.bindingCount
  );
}

/** Bindings that no pair names must be valid, too. */
function allBindingsNameRules(blob: Blob): bool {
  const count = blob.count(BlobSection.Bindings);
  for (let i: u32 = 0; i < count; i++) {
    if (blob.binding(i) >= blob.count(BlobSection.Rules)) return false;
  }
  return true;
}

/** A pair's bindings ascend, and name rules about the pair's interface. */
function verifyBindings(blob: Blob, pair: Pair): bool {
  for (let i: u32 = 0; i < pair.bindingCount; i++) {
    const rule = blob.binding(pair.firstBinding + i);
    if (rule >= blob.count(BlobSection.Rules)) return false;
    if (i > 0 && rule <= blob.binding(pair.firstBinding + i - 1)) return false;
    if (blob.rule(rule).interfaceId !== pair.interfaceId) return false;
  }
  return true;
}

/** The pair's cached bits are what its rules say, and no decision costs too much. */
function verifyDecisions(blob: Blob, pair: Pair, event: Event): u32 {
  let bound: u64 = 0;
  let unconditional: u64 = 0;
  let special: u64 = 0;
  for (let i: u32 = 0; i < pair.bindingCount; i++) {
    const rule = blob.rule(blob.binding(pair.firstBinding + i));
    if (!rule.hasEvent(event)) continue;
    bound |= rule.methods;
    if (rule.isRequire || rule.isRecorded(event)) special |= rule.methods;
    else if (!rule.isConditional(event)) unconditional |= rule.methods;
  }
  const plain = unconditional & ~special;
  if (pair.plain(event) !== plain) return BlobError.BadStructure;
  for (let left = bound & ~plain; left !== 0; left &= left - 1) {
    if (costOf(blob, pair, event, <u32>ctz<u64>(left)) > <u32>COST_MAX) return BlobError.TooCostly;
  }
  return BlobError.None;
}

/**
 * The worst case of one decision: every rule bound to it runs every one of its instructions, and
 * runs them again to find out which of several rules ask for a record.
 */
function costOf(blob: Blob, pair: Pair, event: Event, method: u32): u32 {
  const fields = fieldsRead(methodOf(blob, pair.interfaceId, method), event);
  let rules: u32 = pair.bindingCount * COST_BINDING;
  let records: u32 = 0;
  for (let i: u32 = 0; i < pair.bindingCount; i++) {
    const rule = blob.rule(blob.binding(pair.firstBinding + i));
    if (!rule.hasMethod(method)) continue;
    if (rule.isConditional(event)) rules += rule.instructionCount * COST_INSTRUCTION;
    if (rule.isRecorded(event)) records += 1;
  }
  return (
    COST_BASE + fields * COST_FIELD + (records === 0 ? rules : 2 * rules) + records * COST_RECORD
  );
}

/** Fields that the check of the structure reads. */
function fieldsRead(method: Method, event: Event): u32 {
  return event === Event.Error ? 1 : method.fields(event === Event.Request);
}
