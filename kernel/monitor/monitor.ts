// The security monitor: decides whether an event may happen. The kernel's objects and its IPC ask
// here and enforce the decision. This file is the door: the rest of the kernel imports no other
// file of this folder.
//
// For all three events of a call, the subject is the class that calls and the target the class that
// is called.

import {
  BlobSection,
  INTERFACE_EXECUTE,
  INTERFACE_PERMISSIONS,
  RULE_NONE,
  SLOT_NONE,
} from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { GUARD_DIGEST, GUARD_STRUCTURE, GUARD_VERDICT } from "../base/guards";
import { AuditKind, auditRecord } from "./audit";
import { methodShape, policyBlob, sectionCount } from "./blob/in-force";
import { Pair } from "./blob/records";
import { equals32 } from "./crypto/sha256";
import {
  Decision,
  decide,
  describeRefusal,
  findPair,
  firstAllowing,
  isPlain,
  isRecording,
  permits,
} from "./matrix";
import { Finding, NO_FINDING, Question } from "./question";
import { programDigest } from "./slots";
import { StructureFault, checkShape, describeFault } from "./structure";

export { BlobError } from "../abi/blob-error";
export { Event } from "../abi/event";
export { Permission } from "../abi/permission";
export * from "./audit";
export * from "./blob/load";
export * from "./names";
export * from "./query";
export { permits } from "./matrix";
export { epoch, methodShape } from "./blob/in-force";
export { Method } from "./blob/records";
export { stringBytes } from "./blob/strings";
export * from "./crypto/sha256";
export * from "./slots";
export { CarriedHandle, MESSAGE_CARRIED, MESSAGE_WORDS, Message, Question } from "./question";
export { Bounds, checkShape } from "./structure";

/**
 * Bit m: method m's request and response are granted by rules that read nothing and ask for no
 * record. A clear bit means "ask `judge`", never "denied". Valid for one `epoch`. The caller must
 * still call `checkShape`: these bits say nothing about structure.
 */
export function verdictBits(subjectClass: u32, targetClass: u32, interfaceId: u32): u64 {
  if (!GUARD_VERDICT) return u64.MAX_VALUE;
  const pair = findPair(subjectClass, targetClass, interfaceId);
  return pair === null ? 0 : pair.plain(Event.Request) & pair.plain(Event.Response);
}

/**
 * Whether any rule could allow the request: asked before a caller queues, so that one without the
 * right never does. Reads no message. Returns Status.Ok or, having recorded it, Status.Denied.
 */
export function judgeEarly(question: Question): Status {
  if (!GUARD_VERDICT) return Status.Ok;
  const pair = findPair(question.subjectClass, question.targetClass, question.interfaceId);
  if (pair !== null && firstAllowing(pair, Event.Request, question.method) !== RULE_NONE)
    return Status.Ok;
  return deny(question, NO_FINDING);
}

/** One for all: an event is decided, and its denial recorded, before the next is judged. */
const decision: Decision = changetype<Decision>(memory.data(12, 8));
const finding: Finding = changetype<Finding>(memory.data(24, 8));
if (offsetof<Decision>() > 12 || offsetof<Finding>() !== 24)
  ERROR("a decision or a finding has another size than was reserved for it");

/**
 * Judges one event: first its message's structure, then whether its sender may transfer the handles
 * in it, then the rules bound to it. Returns Status.Ok, or, having recorded it, Status.Malformed
 * or Status.Denied. Changes nothing but the audit log.
 */
export function judge(question: Question): Status {
  const event = question.event;
  const method = question.method;
  const message = question.message;
  const shape = methodShape(question.interfaceId, method);
  if (shape === null) return deny(question, NO_FINDING);

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
  if (pair === null) return deny(question, NO_FINDING);
  if (isPlain(pair, event, method)) return Status.Ok;
  if (!decide(pair, event, method, message, decision)) {
    describeRefusal(decision, message, finding);
    return deny(question, finding);
  }
  if (decision.isRecorded) recordGrants(pair, question);
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

/** Records a granted event, once for each rule that grants it and asks for a record. */
function recordGrants(pair: Pair, question: Question): void {
  finding.field = 0;
  finding.value = <u64>question.event;
  finding.mask = 0;
  const end = pair.firstBinding + pair.bindingCount;
  for (let binding = pair.firstBinding; binding < end; binding++) {
    if (!isRecording(binding, question.event, question.method, question.message)) continue;
    finding.rule = policyBlob().binding(binding);
    auditRecord(question.senderSlot, AuditKind.Granted, question, finding);
  }
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
  return denyPermission(subjectSlot, subjectClass, objectClass, permission);
}

function denyPermission(
  subjectSlot: u32,
  subjectClass: u32,
  objectClass: u32,
  permission: Permission,
): Status {
  askPermission(subjectSlot, SLOT_NONE, subjectClass, objectClass, permission);
  auditRecord(subjectSlot, AuditKind.DeniedKernelMethod, permissionQuestion, NO_FINDING);
  return Status.Denied;
}

/**
 * Whether the executable that measures to the 32 bytes at `digest` may run as the class, in that
 * slot. Returns Status.Ok or, having recorded it, Status.Denied.
 */
export function judgeExecute(slot: u32, classId: u32, digest: usize): Status {
  const count = sectionCount(BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const grant = policyBlob().executeGrant(i);
    if (grant.classId !== classId) continue;
    if (!GUARD_DIGEST || equals32(programDigest(grant.program), digest)) return Status.Ok;
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

function deniedKind(event: Event, targetClass: u32): AuditKind {
  if (targetClass <= <u32>ObjectType.System) return AuditKind.DeniedKernelMethod;
  return event === Event.Request
    ? AuditKind.DeniedRequest
    : event === Event.Response
      ? AuditKind.DeniedResponse
      : AuditKind.DeniedError;
}
