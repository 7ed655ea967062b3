// The security monitor: the one place that answers "may it?". The kernel's objects and its IPC ask
// here and enforce the answer. This file is what the rest of the kernel imports; nobody else
// reaches into this folder.
//
// A subject is always the class that called, a target the class that is called, for all three
// events of a call.

import {
  BlobSection,
  EXECUTE_BYTES,
  EXECUTE_CLASS,
  EXECUTE_PROGRAM,
  INTERFACE_EXECUTE,
  INTERFACE_PERMISSIONS,
  PAIR_BINDING_COUNT,
  PAIR_FIRST_BINDING,
  PAIR_REQUEST,
  PAIR_RESPONSE,
  RULE_BYTES,
  RULE_FLAGS,
  RULE_FLAG_REQUIRE,
  RULE_NONE,
  EXECUTE_RULE,
  SLOT_NONE,
} from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { MESSAGE_HANDLES_MAX } from "../abi/system-call";
import { GUARD_DIGEST, GUARD_STRUCTURE, GUARD_VERDICT } from "../base/guards";
import { AuditKind, auditRecord } from "./audit";
import {
  Decision,
  decide,
  describeRefusal,
  findPair,
  isBound,
  isConditional,
  isPlain,
} from "./matrix";
import { Finding, NO_FINDING, Question } from "./question";
import { methodShape, sectionCount, sectionStart } from "./blob/sections";
import { programDigest } from "./slots";
import { StructureFault, checkShape, describeFault, handleField } from "./structure";

export { BlobError } from "../abi/blob-error";
export { Event } from "../abi/event";
export { Permission } from "../abi/permission";
export * from "./audit";
export * from "./blob/load";
export * from "./names";
export { epoch, methodShape, stringBytes } from "./blob/sections";
export * from "./crypto/sha256";
export * from "./slots";
export { CarriedHandle, MESSAGE_CARRIED, MESSAGE_WORDS, Message, Question } from "./question";
export { checkShape, fitsPlainly } from "./structure";

/**
 * Bit m: method m's request and response are granted by rules that read nothing and ask for no
 * record. A clear bit means "ask `judge`", never "denied". Good for one `epoch`. Whoever goes by it
 * still calls `checkShape`: structure is no rule.
 */
export function verdictBits(subjectClass: u32, targetClass: u32, interfaceId: u32): u64 {
  if (!GUARD_VERDICT) return u64.MAX_VALUE;
  const pair = findPair(subjectClass, targetClass, interfaceId);
  return pair === 0 ? 0 : load<u64>(pair + PAIR_REQUEST) & load<u64>(pair + PAIR_RESPONSE);
}

/**
 * Whether any rule could allow the request: asked before a caller queues, so that one without the
 * right never does. Reads no message. Returns Status.Ok or, having recorded it, Status.Denied.
 */
export function judgeEarly(question: Question): Status {
  if (!GUARD_VERDICT) return Status.Ok;
  if (
    mayAllow(
      question.subjectClass,
      question.targetClass,
      question.interfaceId,
      question.method,
      Event.Request,
    ) !== RULE_NONE
  )
    return Status.Ok;
  return deny(question, NO_FINDING);
}

/** One for all: an event is decided, and its denial recorded, before the next is judged. */
const decision: Decision = changetype<Decision>(memory.data(12, 8));
const finding: Finding = changetype<Finding>(memory.data(24, 8));
if (offsetof<Decision>() !== 12 || offsetof<Finding>() !== 24)
  ERROR("a decision or a finding has another size than was reserved for it");

/**
 * Judges one event: first its message's structure, then whether its sender may transfer the handles
 * in it, then every rule bound to it. Returns Status.Ok, or, having recorded it, Status.Malformed
 * or Status.Denied. Changes nothing but the audit log.
 */
export function judge(question: Question): Status {
  const event = question.event;
  const method = question.method;
  const message = question.message;
  const shape = methodShape(question.interfaceId, method);
  if (shape === 0) return deny(question, NO_FINDING);

  if (GUARD_STRUCTURE) {
    const fault = checkShape(event, shape, message);
    if (fault !== StructureFault.None) {
      describeFault(event, fault, shape, message, finding);
      auditRecord(question.senderSlot, AuditKind.Malformed, question, finding);
      return Status.Malformed;
    }
  }
  if (!GUARD_VERDICT) return Status.Ok;

  for (let i: u32 = 0; i < message.handleCount; i++) {
    const objectClass = message.handle(i).classId;
    if (!permits(question.senderClass, objectClass, Permission.Transfer))
      return denyTransfer(question, objectClass);
  }

  const pair = findPair(question.subjectClass, question.targetClass, question.interfaceId);
  if (pair === 0) return deny(question, NO_FINDING);
  if (isPlain(pair, event, method)) return Status.Ok;
  if (!decide(pair, event, method, message, decision)) {
    describeRefusal(decision, message, finding);
    return deny(question, finding);
  }
  if (decision.recordingRule !== RULE_NONE) recordGrant(question, decision.recordingRule);
  return Status.Ok;
}

/** Records that the rules do not grant the event. */
function deny(question: Question, finding: Finding): Status {
  const kind = deniedKind(question.event, question.targetClass);
  auditRecord(question.senderSlot, kind, question, finding);
  return Status.Denied;
}

/** Records that the event's sender may not transfer an object of that class. */
function denyTransfer(question: Question, objectClass: u32): Status {
  askPermission(
    question.subjectSlot,
    question.targetSlot,
    question.senderClass,
    objectClass,
    Permission.Transfer,
  );
  const kind = deniedKind(question.event, question.targetClass);
  auditRecord(question.senderSlot, kind, permissionQuestion, NO_FINDING);
  return Status.Denied;
}

/** Records an event that a rule with `audit` took part in granting. */
function recordGrant(question: Question, rule: u32): void {
  finding.rule = rule;
  finding.field = 0;
  finding.value = <u64>question.event;
  finding.mask = 0;
  auditRecord(question.senderSlot, AuditKind.Granted, question, finding);
}

/** A question about a permission or an execution: there is no message. For audit records. */
const permissionQuestion: Question = changetype<Question>(memory.data(32, 8));
if (offsetof<Question>() !== 32) ERROR("a question has another size than was reserved for it");

function askPermission(
  subjectSlot: u32,
  targetSlot: u32,
  subjectClass: u32,
  objectClass: u32,
  permission: Permission,
): void {
  permissionQuestion.event = Event.Request;
  permissionQuestion.subjectSlot = subjectSlot;
  permissionQuestion.targetSlot = targetSlot;
  permissionQuestion.subjectClass = subjectClass;
  permissionQuestion.targetClass = objectClass;
  permissionQuestion.interfaceId = INTERFACE_PERMISSIONS;
  permissionQuestion.method = permission;
}

/**
 * Judges a permission that outlives the message: a mapping, a bound notice or interrupt, ports, a
 * copy of a handle. `objectClass` is the object's class, as CarriedHandle.classId. Returns
 * Status.Ok or, having recorded it, Status.Denied.
 */
export function judgePermission(
  subjectSlot: u32,
  subjectClass: u32,
  objectClass: u32,
  permission: Permission,
): Status {
  if (!GUARD_VERDICT || permits(subjectClass, objectClass, permission)) return Status.Ok;
  askPermission(subjectSlot, SLOT_NONE, subjectClass, objectClass, permission);
  auditRecord(subjectSlot, AuditKind.DeniedKernelMethod, permissionQuestion, NO_FINDING);
  return Status.Denied;
}

/** As judgePermission, without a record: to judge grants again after a policy swap. */
export function permits(subjectClass: u32, objectClass: u32, permission: Permission): bool {
  const pair = findPair(subjectClass, objectClass, INTERFACE_PERMISSIONS);
  return pair !== 0 && isPlain(pair, Event.Request, permission);
}

/**
 * Whether the executable that measures to the 32 bytes at `digest` may run as the class, in that
 * slot. Returns Status.Ok or, having recorded it, Status.Denied.
 */
export function judgeExecute(slot: u32, classId: u32, digest: usize): Status {
  const count = sectionCount(BlobSection.Execute);
  const start = sectionStart(BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const grant = start + i * EXECUTE_BYTES;
    if (load<u32>(grant + EXECUTE_CLASS) !== classId) continue;
    if (!GUARD_DIGEST || digestEquals(programDigest(load<u32>(grant + EXECUTE_PROGRAM)), digest))
      return Status.Ok;
  }
  permissionQuestion.event = Event.Request;
  permissionQuestion.subjectSlot = slot;
  permissionQuestion.targetSlot = slot;
  permissionQuestion.subjectClass = classId;
  permissionQuestion.targetClass = classId;
  permissionQuestion.interfaceId = INTERFACE_EXECUTE;
  permissionQuestion.method = 0;
  finding.rule = RULE_NONE;
  finding.field = 0;
  finding.value = load<u64>(digest);
  finding.mask = 0;
  auditRecord(slot, AuditKind.DeniedExecute, permissionQuestion, finding);
  return Status.Denied;
}

function digestEquals(a: usize, b: usize): bool {
  return (
    load<u64>(a) === load<u64>(b) &&
    load<u64>(a + 8) === load<u64>(b + 8) &&
    load<u64>(a + 16) === load<u64>(b + 16) &&
    load<u64>(a + 24) === load<u64>(b + 24)
  );
}

enum QueryVerdict {
  Deny = 0,
  Allow = 1,
  /** Some rule reads the message. */
  Depends = 2,
}

let answerRule: u32 = RULE_NONE;

/**
 * Would that event of a call be granted, as far as rules decide: `queryTransfer` tells of the
 * handles. `queryRule` then tells which rule says so. A permission and an execution are one event.
 */
export function query(
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  event: u32,
): QueryVerdict {
  answerRule = RULE_NONE;
  if (event > <u32>Event.Error) return QueryVerdict.Deny;
  if (interfaceId === INTERFACE_EXECUTE) return queryExecute(subjectClass, targetClass);
  // A pair has 64 methods, and its key 16 bits of a class.
  if (method > 63 || targetClass > 0xffff) return QueryVerdict.Deny;
  if (interfaceId !== INTERFACE_PERMISSIONS && methodShape(interfaceId, method) === 0)
    return QueryVerdict.Deny;
  const allowing = mayAllow(subjectClass, targetClass, interfaceId, method, event);
  if (allowing === RULE_NONE) return QueryVerdict.Deny;

  const condition = firstConditional(
    findPair(subjectClass, targetClass, interfaceId),
    method,
    event,
  );
  answerRule = condition === RULE_NONE ? allowing : condition;
  return condition === RULE_NONE ? QueryVerdict.Allow : QueryVerdict.Depends;
}

/** Whether the event's sender may transfer the handles that its message carries. */
enum QueryTransfer {
  /** It carries none. */
  None = 0,
  Allow = 1,
  /** `queryClass` tells of which object. */
  Deny = 2,
  /** An endpoint has its owner's class, which may be any. */
  Depends = 3,
}

let answerClass: u32 = 0;

export function queryTransfer(
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  event: u32,
): QueryTransfer {
  answerClass = 0;
  const shape = methodShape(interfaceId, method);
  if (shape === 0 || event > <u32>Event.Response) return QueryTransfer.None;
  const sender = event === Event.Request ? subjectClass : targetClass;
  let answer = QueryTransfer.None;
  for (let index: u32 = 0; index < <u32>MESSAGE_HANDLES_MAX; index++) {
    const to = handleField(event, shape, index);
    if (to === 0) break;
    if (to > <u32>ObjectType.System) {
      answer = QueryTransfer.Depends;
    } else if (!permits(sender, to, Permission.Transfer)) {
      answerClass = to;
      return QueryTransfer.Deny;
    } else if (answer === QueryTransfer.None) {
      answer = QueryTransfer.Allow;
    }
  }
  return answer;
}

/**
 * Of which class the object is that may not be transferred; 0 where `queryTransfer` did not answer
 * Deny.
 */
export function queryClass(): u32 {
  return answerClass;
}

/** The rule behind the last answer of `query`; RULE_NONE where no rule allows it. */
export function queryRule(): u32 {
  return answerRule;
}

function queryExecute(classId: u32, program: u32): QueryVerdict {
  const count = sectionCount(BlobSection.Execute);
  const start = sectionStart(BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const grant = start + i * EXECUTE_BYTES;
    if (
      load<u32>(grant + EXECUTE_CLASS) !== classId ||
      load<u32>(grant + EXECUTE_PROGRAM) !== program
    )
      continue;
    answerRule = load<u32>(grant + EXECUTE_RULE);
    return QueryVerdict.Allow;
  }
  return QueryVerdict.Deny;
}

/** The first rule that allows the event, be it on a condition. */
function mayAllow(
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  event: Event,
): u32 {
  const pair = findPair(subjectClass, targetClass, interfaceId);
  if (pair === 0) return RULE_NONE;
  const first = sectionStart(BlobSection.Bindings) + load<u32>(pair + PAIR_FIRST_BINDING) * 4;
  const count = load<u32>(pair + PAIR_BINDING_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(first + i * 4);
    const rule = sectionStart(BlobSection.Rules) + number * RULE_BYTES;
    if ((load<u32>(rule + RULE_FLAGS) & RULE_FLAG_REQUIRE) === 0 && isBound(rule, event, method))
      return number;
  }
  return RULE_NONE;
}

function firstConditional(pair: usize, method: u32, event: Event): u32 {
  const first = sectionStart(BlobSection.Bindings) + load<u32>(pair + PAIR_FIRST_BINDING) * 4;
  const count = load<u32>(pair + PAIR_BINDING_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(first + i * 4);
    const rule = sectionStart(BlobSection.Rules) + number * RULE_BYTES;
    if (isConditional(rule, event) && isBound(rule, event, method)) return number;
  }
  return RULE_NONE;
}

function deniedKind(event: Event, targetClass: u32): AuditKind {
  if (targetClass <= <u32>ObjectType.System) return AuditKind.DeniedKernelMethod;
  return event === Event.Request
    ? AuditKind.DeniedRequest
    : event === Event.Response
      ? AuditKind.DeniedResponse
      : AuditKind.DeniedError;
}
