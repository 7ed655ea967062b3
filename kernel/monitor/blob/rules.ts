// The part of the structural verifier that looks at rules, their programs and the access matrix,
// and recomputes what a decision may cost.

import { BlobError } from "../../abi/blob-error";
import {
  BlobSection,
  COST_BASE,
  COST_BINDING,
  COST_FIELD,
  COST_INSTRUCTION,
  COST_MAX,
  EXECUTE_BYTES,
  EXECUTE_RULE,
  INSTRUCTION_BYTES,
  INSTRUCTION_ON_FALSE,
  INSTRUCTION_ON_TRUE,
  INSTRUCTION_OPERATION,
  INSTRUCTION_SHIFT,
  INSTRUCTION_VALUE,
  INSTRUCTION_WORD,
  INTERFACE_EXECUTE,
  INTERFACE_FIRST_METHOD,
  INTERFACE_METHOD_COUNT,
  INTERFACE_PERMISSIONS,
  METHOD_BYTES,
  METHOD_REQUEST_FIELDS,
  METHOD_REQUEST_WORDS,
  METHOD_RESPONSE_FIELDS,
  METHOD_RESPONSE_WORDS,
  PAIR_BINDING_COUNT,
  PAIR_BYTES,
  PAIR_ERROR,
  PAIR_FIRST_BINDING,
  PAIR_KEY,
  PAIR_REQUEST,
  PAIR_RESPONSE,
  RULE_BYTES,
  RULE_EVENTS,
  RULE_EVENTS_EXECUTE,
  RULE_EVENTS_READ,
  RULE_EVENTS_RECORDED,
  RULE_FILE,
  RULE_FLAGS,
  RULE_FLAG_REQUIRE,
  RULE_INTERFACE,
  RULE_LINE,
  RULE_METHODS,
  RULE_PROGRAM,
  RULE_PROGRAM_COUNT,
  RULE_TEXT,
  RuleOperation,
  TARGET_DENY,
  FIRST_PROGRAM_CLASS,
  CLASS_KERNEL,
} from "../../abi/blob";
import { Event } from "../../abi/event";
import { MESSAGE_WORDS_MAX } from "../../abi/system-call";
import { PERMISSIONS } from "../../abi/permission";
import { isClass } from "./interfaces";
import { isString } from "./name";
import { countOf, interfaceEntryIn, sectionOf } from "./sections";

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

/** Answers None, BadStructure or TooCostly. */
export function verifyRules(blob: usize): u32 {
  if (!verifyRuleTable(blob) || !verifyExecuteRules(blob)) return BlobError.BadStructure;
  return verifyPairs(blob);
}

function ruleEntry(blob: usize, rule: u32): usize {
  return sectionOf(blob, BlobSection.Rules) + rule * RULE_BYTES;
}

/**
 * Bits of all methods, or permissions, that a rule's interface has. 0 where there is no such
 * interface.
 */
function methodsOf(blob: usize, interfaceId: u32): u64 {
  if (interfaceId === INTERFACE_PERMISSIONS) return (1 << PERMISSIONS) - 1;
  if (interfaceId === INTERFACE_EXECUTE) return 1;
  const entry = interfaceEntryIn(blob, interfaceId);
  if (entry === 0) return 0;
  const count = load<u32>(entry + INTERFACE_METHOD_COUNT);
  return count === 0 ? 0 : u64.MAX_VALUE >> <u64>(64 - count);
}

/** The rules' programs lie one behind the other. */
function verifyRuleTable(blob: usize): bool {
  const count = countOf(blob, BlobSection.Rules);
  const instructionCount = countOf(blob, BlobSection.RuleProgram);
  let instructions: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const rule = ruleEntry(blob, i);
    const flags = load<u32>(rule + RULE_FLAGS);
    const events: u32 = load<u8>(rule + RULE_EVENTS);
    const read: u32 = load<u8>(rule + RULE_EVENTS_READ);
    const recorded: u32 = load<u8>(rule + RULE_EVENTS_RECORDED);
    const methods = load<u64>(rule + RULE_METHODS);
    const interfaceId = load<u32>(rule + RULE_INTERFACE);
    const length = load<u32>(rule + RULE_PROGRAM_COUNT);
    if ((flags & ~RULE_FLAG_REQUIRE) !== 0 || load<u8>(rule + RULE_EVENTS_RECORDED + 1) !== 0)
      return false;
    if ((read & ~events) !== 0 || (recorded & ~events) !== 0) return false;
    if (methods === 0 || (methods & ~methodsOf(blob, interfaceId)) !== 0) return false;
    if (
      !isString(blob, load<u32>(rule + RULE_FILE)) ||
      !isString(blob, load<u32>(rule + RULE_TEXT)) ||
      load<u32>(rule + RULE_LINE) === 0
    )
      return false;
    if (load<u32>(rule + RULE_PROGRAM) !== instructions) return false;
    if (length > RUN_MAX || length > instructionCount - instructions) return false;
    if (interfaceId === INTERFACE_EXECUTE || interfaceId === INTERFACE_PERMISSIONS) {
      // Nothing to read, to narrow or to record, and a permission is one event.
      if (flags !== 0 || read !== 0 || recorded !== 0) return false;
      if (events !== (interfaceId === INTERFACE_EXECUTE ? RULE_EVENTS_EXECUTE : 1 << Event.Request))
        return false;
    } else {
      if (events === 0 || (events & ~CALL_EVENTS) !== 0) return false;
    }
    // A program reads the words of one event.
    if ((read !== 0) !== (length !== 0) || (read & (read - 1)) !== 0) return false;
    if (
      length !== 0 &&
      !verifyProgram(
        blob,
        instructions,
        length,
        wordsOf(blob, interfaceId, methods, ctz<u32>(read)),
      )
    )
      return false;
    instructions += length;
  }
  return instructions === instructionCount;
}

/** Words that the messages of all these methods have at least. */
function wordsOf(blob: usize, interfaceId: u32, methods: u64, event: u32): u32 {
  if (event === Event.Error) return 1;
  const first = load<u32>(interfaceEntryIn(blob, interfaceId) + INTERFACE_FIRST_METHOD);
  let least: u32 = MESSAGE_WORDS_MAX;
  for (let left = methods; left !== 0; left &= left - 1) {
    const method =
      sectionOf(blob, BlobSection.Methods) + (first + <u32>ctz<u64>(left)) * METHOD_BYTES;
    const words = <u32>(
      load<u16>(method + (event === Event.Request ? METHOD_REQUEST_WORDS : METHOD_RESPONSE_WORDS))
    );
    if (words < least) least = words;
  }
  return least;
}

/**
 * Every instruction goes on behind itself or ends, and reads words that the message has: so it
 * ends, and reads no more than was captured.
 */
function verifyProgram(blob: usize, first: u32, length: u32, words: u32): bool {
  const start = sectionOf(blob, BlobSection.RuleProgram) + first * INSTRUCTION_BYTES;
  for (let i: u32 = 0; i < length; i++) {
    const instruction = start + i * INSTRUCTION_BYTES;
    const operation = <u32>load<u8>(instruction + INSTRUCTION_OPERATION);
    if (operation > <u32>RuleOperation.LessOrEqualWord) return false;
    if (
      <u32>load<u8>(instruction + INSTRUCTION_WORD) >= words ||
      load<u8>(instruction + INSTRUCTION_SHIFT) > 63 ||
      load<u8>(instruction + 3) !== 0
    )
      return false;
    if (operation >= <u32>RuleOperation.EqualWord) {
      const value = load<u64>(instruction + INSTRUCTION_VALUE);
      if ((value & 0xff) >= <u64>words || value >> 14 !== 0) return false;
    }
    if (
      !isTarget(load<u16>(instruction + INSTRUCTION_ON_TRUE), i, length) ||
      !isTarget(load<u16>(instruction + INSTRUCTION_ON_FALSE), i, length)
    )
      return false;
  }
  return true;
}

function isTarget(target: u32, own: u32, length: u32): bool {
  return target >= <u32>TARGET_DENY || (target > own && target < length);
}

function verifyExecuteRules(blob: usize): bool {
  const count = countOf(blob, BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const rule = load<u32>(sectionOf(blob, BlobSection.Execute) + i * EXECUTE_BYTES + EXECUTE_RULE);
    if (rule >= countOf(blob, BlobSection.Rules)) return false;
    if (load<u32>(ruleEntry(blob, rule) + RULE_INTERFACE) !== INTERFACE_EXECUTE) return false;
  }
  return true;
}

/**
 * Pairs are ascending by key, so that the search finds each; their cached bits are what their rules
 * say.
 */
function verifyPairs(blob: usize): u32 {
  const count = countOf(blob, BlobSection.Pairs);
  const bindingCount = countOf(blob, BlobSection.Bindings);
  let previous: u64 = 0;
  let bound: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const pair = sectionOf(blob, BlobSection.Pairs) + i * PAIR_BYTES;
    const key = load<u64>(pair + PAIR_KEY);
    if (key <= previous) return BlobError.BadStructure;
    previous = key;
    const subject = <u32>(key >> 32);
    const target = <u32>(key >> 16) & 0xffff;
    const interfaceId = <u32>key & 0xffff;
    if (!isClass(blob, subject) || !isClass(blob, target)) return BlobError.BadStructure;
    if (subject < <u32>FIRST_PROGRAM_CLASS && subject !== CLASS_KERNEL)
      return BlobError.BadStructure;
    if (interfaceId === INTERFACE_EXECUTE || methodsOf(blob, interfaceId) === 0)
      return BlobError.BadStructure;
    const first = load<u32>(pair + PAIR_FIRST_BINDING);
    const bindings = load<u32>(pair + PAIR_BINDING_COUNT);
    if (bindings === 0 || bindings > bindingCount || first > bindingCount - bindings)
      return BlobError.BadStructure;
    bound += bindings;
    if (bindings > RUN_MAX || bound > BOUND_MAX) return BlobError.TooCostly;
    const error = verifyPair(
      blob,
      pair,
      interfaceId,
      sectionOf(blob, BlobSection.Bindings) + first * 4,
      bindings,
    );
    if (error !== BlobError.None) return error;
  }
  return verifyBindings(blob, bindingCount);
}

function verifyBindings(blob: usize, count: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    if (
      load<u32>(sectionOf(blob, BlobSection.Bindings) + i * 4) >= countOf(blob, BlobSection.Rules)
    )
      return BlobError.BadStructure;
  }
  return BlobError.None;
}

function verifyPair(blob: usize, pair: usize, interfaceId: u32, bindings: usize, count: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const rule = load<u32>(bindings + i * 4);
    if (rule >= countOf(blob, BlobSection.Rules)) return BlobError.BadStructure;
    if (i > 0 && rule <= load<u32>(bindings + i * 4 - 4)) return BlobError.BadStructure;
    if (load<u32>(ruleEntry(blob, rule) + RULE_INTERFACE) !== interfaceId)
      return BlobError.BadStructure;
  }
  for (let event: u32 = Event.Request; event <= <u32>Event.Error; event++) {
    let plain: u64 = 0;
    let reading: u64 = 0;
    for (let i: u32 = 0; i < count; i++) {
      const rule = ruleEntry(blob, load<u32>(bindings + i * 4));
      if (!hasEvent(rule, RULE_EVENTS, event)) continue;
      const methods = load<u64>(rule + RULE_METHODS);
      const isPlain =
        load<u32>(rule + RULE_FLAGS) === 0 &&
        !hasEvent(rule, RULE_EVENTS_READ, event) &&
        !hasEvent(rule, RULE_EVENTS_RECORDED, event);
      if (isPlain) plain |= methods;
      else reading |= methods;
    }
    if (load<u64>(pair + PAIR_REQUEST + event * 8) !== (plain & ~reading))
      return BlobError.BadStructure;
    for (let left = reading; left !== 0; left &= left - 1) {
      if (costOf(blob, interfaceId, event, <u32>ctz<u64>(left), bindings, count) > <u32>COST_MAX)
        return BlobError.TooCostly;
    }
  }
  return BlobError.None;
}

function hasEvent(rule: usize, events: u32, event: u32): bool {
  return ((<u32>load<u8>(rule + events) >> event) & 1) !== 0;
}

/** The worst case of one decision: every rule bound to it runs every one of its instructions. */
function costOf(
  blob: usize,
  interfaceId: u32,
  event: u32,
  method: u32,
  bindings: usize,
  count: u32,
): u32 {
  const shape =
    sectionOf(blob, BlobSection.Methods) +
    (load<u32>(interfaceEntryIn(blob, interfaceId) + INTERFACE_FIRST_METHOD) + method) *
      METHOD_BYTES;
  const fields =
    event === Event.Request
      ? load<u32>(shape + METHOD_REQUEST_FIELDS)
      : event === Event.Response
        ? load<u32>(shape + METHOD_RESPONSE_FIELDS)
        : 1;
  let cost: u32 = COST_BASE + fields * COST_FIELD + count * COST_BINDING;
  for (let i: u32 = 0; i < count; i++) {
    const rule = ruleEntry(blob, load<u32>(bindings + i * 4));
    if (
      !hasEvent(rule, RULE_EVENTS_READ, event) ||
      ((load<u64>(rule + RULE_METHODS) >> <u64>method) & 1) === 0
    )
      continue;
    cost += load<u32>(rule + RULE_PROGRAM_COUNT) * COST_INSTRUCTION;
  }
  return cost;
}

if (PAIR_RESPONSE !== PAIR_REQUEST + 8 || PAIR_ERROR !== PAIR_REQUEST + 16)
  ERROR("The masks of a pair are indexed by Event.");
