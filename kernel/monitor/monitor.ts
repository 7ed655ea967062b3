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
} from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { MESSAGE_HANDLES_MAX } from "../abi/system-call";
import { GUARD_DIGEST, GUARD_STRUCTURE, GUARD_VERDICT } from "../base/guards";
import { AuditKind, auditRecord, auditRecordOf } from "./audit";
import {
  decide,
  denyingRule,
  denyingValue,
  findPair,
  isBound,
  isConditional,
  isPlain,
  recordingRule,
  refusedField,
  refusedMask,
} from "./matrix";
import { epoch, methodShape, sectionCount, sectionStart } from "./blob/sections";
import { programDigest } from "./slots";
import {
  CARRIED_BYTES,
  CARRIED_CLASS,
  checkShape,
  describeFault,
  faultField,
  faultGiven,
  handleField,
} from "./structure";

export { BlobError } from "../abi/blob-error";
export { Event } from "../abi/event";
export { Permission } from "../abi/permission";
export * from "./audit";
export * from "./blob/load";
export * from "./names";
export { epoch, methodShape, stringBytes } from "./blob/sections";
export * from "./crypto/sha256";
export * from "./slots";
export {
  CARRIED_BYTES,
  CARRIED_CLASS,
  CARRIED_INTERFACE,
  CARRIED_RIGHTS,
  CARRIED_TYPE,
  StructureFault,
  checkShape,
  fitsPlainly,
} from "./structure";

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
 * right never does. Answers Status.Ok or, having recorded it, Status.Denied.
 */
export function judgeEarly(
  subjectSlot: u32,
  targetSlot: u32,
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
): u32 {
  if (!GUARD_VERDICT) return Status.Ok;
  if (mayAllow(subjectClass, targetClass, interfaceId, method, Event.Request) !== RULE_NONE)
    return Status.Ok;
  auditRecord(
    deniedKind(Event.Request, targetClass),
    subjectSlot,
    targetSlot,
    subjectClass,
    targetClass,
    interfaceId,
    method,
    RULE_NONE,
    0,
  );
  return Status.Denied;
}

/**
 * Judges one event on what its sender can no longer change: first its structure, then every rule
 * bound to it.
 *
 * `capture` is u64[words], the fixed part; `handles` describes `handleCount` handles (CARRIED_…),
 * which the event's sender must be allowed to transfer. Answers Status.Ok, Status.Malformed or
 * Status.Denied, and has recorded the last two. Changes nothing else.
 */
export function judge(
  event: Event,
  subjectSlot: u32,
  targetSlot: u32,
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  capture: usize,
  words: u32,
  handles: usize,
  handleCount: u32,
  arenaBytes: u32,
): u32 {
  const actor = event === Event.Request ? subjectSlot : targetSlot;
  const shape = methodShape(interfaceId, method);
  if (shape === 0) {
    auditRecordOf(
      actor,
      deniedKind(event, targetClass),
      subjectSlot,
      targetSlot,
      subjectClass,
      targetClass,
      interfaceId,
      method,
      RULE_NONE,
      0,
      0,
      0,
    );
    return Status.Denied;
  }
  if (GUARD_STRUCTURE) {
    const fault = checkShape(event, shape, capture, words, handles, handleCount, arenaBytes);
    if (fault !== 0) {
      describeFault(event, fault, shape, capture, words, handles, handleCount, arenaBytes);
      auditRecordOf(
        actor,
        AuditKind.Malformed,
        subjectSlot,
        targetSlot,
        subjectClass,
        targetClass,
        interfaceId,
        method,
        RULE_NONE,
        faultGiven(),
        faultField(),
        0,
      );
      return Status.Malformed;
    }
  }
  if (!GUARD_VERDICT) return Status.Ok;

  const sender = event === Event.Request ? subjectClass : targetClass;
  for (let i: u32 = 0; i < handleCount; i++) {
    const objectClass = load<u32>(handles + i * CARRIED_BYTES + CARRIED_CLASS);
    if (!permits(sender, objectClass, Permission.Transfer)) {
      auditRecordOf(
        actor,
        deniedKind(event, targetClass),
        subjectSlot,
        targetSlot,
        sender,
        objectClass,
        INTERFACE_PERMISSIONS,
        Permission.Transfer,
        RULE_NONE,
        0,
        0,
        0,
      );
      return Status.Denied;
    }
  }

  const pair = findPair(subjectClass, targetClass, interfaceId);
  if (pair === 0) {
    auditRecordOf(
      actor,
      deniedKind(event, targetClass),
      subjectSlot,
      targetSlot,
      subjectClass,
      targetClass,
      interfaceId,
      method,
      RULE_NONE,
      0,
      0,
      0,
    );
    return Status.Denied;
  }
  if (isPlain(pair, event, method)) return Status.Ok;
  if (!decide(pair, event, method, capture)) {
    auditRecordOf(
      actor,
      deniedKind(event, targetClass),
      subjectSlot,
      targetSlot,
      subjectClass,
      targetClass,
      interfaceId,
      method,
      denyingRule(),
      denyingValue(capture),
      refusedField(),
      refusedMask(),
    );
    return Status.Denied;
  }
  if (recordingRule() !== RULE_NONE) {
    auditRecordOf(
      actor,
      AuditKind.Granted,
      subjectSlot,
      targetSlot,
      subjectClass,
      targetClass,
      interfaceId,
      method,
      recordingRule(),
      <u64>event,
      0,
      0,
    );
  }
  return Status.Ok;
}

/**
 * Judges a permission that outlives the message: a mapping, a bound notice or interrupt, ports, a
 * copy of a handle. `objectClass` is the class of the object, CARRIED_CLASS as in `judge`. Answers
 * Status.Ok or, having recorded it, Status.Denied.
 */
export function judgePermission(
  subjectSlot: u32,
  subjectClass: u32,
  objectClass: u32,
  permission: Permission,
): u32 {
  if (!GUARD_VERDICT || permits(subjectClass, objectClass, permission)) return Status.Ok;
  auditRecord(
    AuditKind.DeniedKernelMethod,
    subjectSlot,
    0xffffffff,
    subjectClass,
    objectClass,
    INTERFACE_PERMISSIONS,
    permission,
    RULE_NONE,
    0,
  );
  return Status.Denied;
}

/** As judgePermission, without a record: to judge grants again after a policy swap. */
export function permits(subjectClass: u32, objectClass: u32, permission: Permission): bool {
  const pair = findPair(subjectClass, objectClass, INTERFACE_PERMISSIONS);
  return pair !== 0 && isPlain(pair, Event.Request, permission);
}

/**
 * Whether the executable that measures to the 32 bytes at `digest` may run as the class, in that
 * slot. Answers Status.Ok or, having recorded it, Status.Denied.
 */
export function judgeExecute(slot: u32, classId: u32, digest: usize): u32 {
  const count = sectionCount(BlobSection.Execute);
  const start = sectionStart(BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const grant = start + i * EXECUTE_BYTES;
    if (load<u32>(grant + EXECUTE_CLASS) !== classId) continue;
    if (!GUARD_DIGEST || digestEquals(programDigest(load<u32>(grant + EXECUTE_PROGRAM)), digest))
      return Status.Ok;
  }
  auditRecord(
    AuditKind.DeniedExecute,
    slot,
    slot,
    classId,
    classId,
    INTERFACE_EXECUTE,
    0,
    RULE_NONE,
    load<u64>(digest),
  );
  return Status.Denied;
}

export function digestEquals(a: usize, b: usize): bool {
  return (
    load<u64>(a) === load<u64>(b) &&
    load<u64>(a + 8) === load<u64>(b + 8) &&
    load<u64>(a + 16) === load<u64>(b + 16) &&
    load<u64>(a + 24) === load<u64>(b + 24)
  );
}

export enum QueryVerdict {
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
export enum QueryTransfer {
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
