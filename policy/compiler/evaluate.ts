/**
 * The meaning of a policy, written once more and as plainly as can be: decides events from the
 * model alone, knowing nothing of blobs, masks or instructions. `expect` runs on it, and tests
 * compare the kernel's engine with it.
 */
import { FAULT_INTERFACE, ObjectType } from "../../kernel/abi/object.ts";
import { INTERFACE_PERMISSIONS, RuleOperation } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { Permission } from "../../kernel/abi/permission.ts";
import { Status } from "../../kernel/abi/status.ts";
import type { Condition, Field, Model, Rule, WordOperand } from "./model.ts";

interface CarriedHandle {
  readonly type: number;
  readonly interfaceId: number;
  readonly objectClass: number;
}

/** An event of a call, without its message. */
export interface JudgedEvent {
  readonly event: Event.Request | Event.Response | Event.Error;
  readonly subject: number;
  readonly target: number;
  readonly interfaceId: number;
  readonly method: number;
}

export interface MessageEvent extends JudgedEvent {
  /** Unsigned 64-bit. */
  readonly words: readonly bigint[];
  readonly handles: readonly CarriedHandle[];
  readonly arenaBytes: number;
}

export interface Decision {
  readonly status: Status.Ok | Status.Denied | Status.Malformed;
  /**
   * Of a denial: the first `allow`, all of which have conditions that do not hold; or, where one
   * grants, the first `require` that does not hold. Undefined if no `allow` is bound.
   */
  readonly rule: Rule | undefined;
}

const UNSIGNED = (1n << 64n) - 1n;
const GRANTED: Decision = { status: Status.Ok, rule: undefined };
const DENIED: Decision = { status: Status.Denied, rule: undefined };

export function decideMessage(model: Model, message: MessageEvent): Decision {
  const targetInterface = model.interfaces.find((known) => known.id === message.interfaceId);
  const method = targetInterface?.methods[message.method];
  if (targetInterface === undefined || method === undefined) return DENIED;
  const isWellFormed =
    message.event === Event.Error
      ? isErrorNumber(message, targetInterface.errors.length)
      : hasShape(message, message.event === Event.Request ? method.request : method.response);
  if (!isWellFormed) return { status: Status.Malformed, rule: undefined };
  const sender = message.event === Event.Request ? message.subject : message.target;
  if (
    !message.handles.every((handle) =>
      decidePermission(model, sender, handle.objectClass, Permission.Transfer),
    )
  )
    return DENIED;
  return decideRules(model, message);
}

/** The rules alone: for a message whose structure and handles are known to be right. */
export function decideRules(model: Model, message: MessageEvent): Decision {
  const { allows, requires } = boundRules(model, message);
  if (!allows.some((rule) => grants(rule, message)))
    return { status: Status.Denied, rule: allows[0] };
  const failing = requires.find((rule) => !grants(rule, message));
  return failing === undefined ? GRANTED : { status: Status.Denied, rule: failing };
}

/** The rules bound to an event, whatever its message says. */
export function boundRules(
  model: Model,
  { event, subject, target, interfaceId, method }: JudgedEvent,
): { readonly allows: readonly Rule[]; readonly requires: readonly Rule[] } {
  const bound = model.rules.filter(
    (rule) =>
      rule.kind === "message" &&
      rule.interfaceId === interfaceId &&
      binds(rule, event, method) &&
      names(rule, subject, target),
  );
  return {
    allows: bound.filter((rule) => !rule.isRequire),
    requires: bound.filter((rule) => rule.isRequire),
  };
}

/** Whether a rule that is bound to the message's event lets the message through. */
export function grants(rule: Rule, message: MessageEvent): boolean {
  return (
    rule.condition === undefined ||
    rule.read !== message.event ||
    holds(rule.condition, message.words)
  );
}

export function decidePermission(
  model: Model,
  subject: number,
  objectClass: number,
  permission: Permission,
): boolean {
  return model.rules.some(
    (rule) =>
      rule.interfaceId === INTERFACE_PERMISSIONS &&
      ((rule.methods >> BigInt(permission)) & 1n) === 1n &&
      names(rule, subject, objectClass),
  );
}

export function decideExecute(model: Model, classId: number, digest: Uint8Array): boolean {
  return model.execute.some(
    (grant) => grant.classId === classId && equal(model.programs[grant.program]?.digest, digest),
  );
}

function binds(rule: Rule, event: Event, method: number): boolean {
  return ((rule.events >> event) & 1) === 1 && ((rule.methods >> BigInt(method)) & 1n) === 1n;
}

function names(rule: Rule, subject: number, target: number): boolean {
  return rule.pairs.some(([one, other]) => one === subject && other === target);
}

function isErrorNumber(message: MessageEvent, errors: number): boolean {
  const [number] = message.words;
  return (
    message.words.length === 1 &&
    number !== undefined &&
    number >= 1n &&
    number <= BigInt(errors) &&
    message.handles.length === 0 &&
    message.arenaBytes === 0
  );
}

function hasShape(message: MessageEvent, fields: readonly Field[]): boolean {
  const inWords = fields.filter((field) => field.kind !== "handle");
  const inHandles = fields.filter((field) => field.kind === "handle");
  if (message.words.length !== inWords.length || message.handles.length !== inHandles.length)
    return false;
  if (
    message.arenaBytes > 0 &&
    !fields.some((field) => field.kind === "bytes" || field.kind === "text")
  )
    return false;
  return (
    inWords.every((field, i) => fits(field, message.words[i] ?? 0n, message.arenaBytes)) &&
    inHandles.every((field, i) => {
      const handle = message.handles[i];
      if (handle === undefined) return false;
      if (field.max < BigInt(FAULT_INTERFACE)) return BigInt(handle.type) === field.max;
      return handle.type === ObjectType.Endpoint && BigInt(handle.interfaceId) === field.max;
    })
  );
}

function fits(field: Field, word: bigint, arenaBytes: number): boolean {
  if (field.kind === "unsigned") return word <= field.max;
  if (field.kind === "signed") {
    const value = BigInt.asIntN(64, word);
    return value <= field.max && value >= -field.max - 1n;
  }
  const [offset, length] = [word & 0xffff_ffffn, word >> 32n];
  return length <= field.max && offset + length <= BigInt(arenaBytes);
}

function holds(condition: Condition, words: readonly bigint[]): boolean {
  switch (condition.kind) {
    case "and":
      return holds(condition.left, words) && holds(condition.right, words);
    case "or":
      return holds(condition.left, words) || holds(condition.right, words);
    case "not":
      return !holds(condition.operand, words);
    case "test":
      return compares(condition.operation, operand(condition.left, words), condition.value);
    case "testWords":
      return compares(
        condition.operation,
        operand(condition.left, words),
        operand(condition.right, words),
      );
  }
}

function operand({ word, shift, mask }: WordOperand, words: readonly bigint[]): bigint {
  return ((words[word] ?? 0n) >> BigInt(shift)) & mask & UNSIGNED;
}

function compares(operation: RuleOperation, left: bigint, right: bigint): boolean {
  const [signedLeft, signedRight] = [BigInt.asIntN(64, left), BigInt.asIntN(64, right)];
  switch (operation) {
    case RuleOperation.Equal:
    case RuleOperation.EqualWord:
      return left === right;
    case RuleOperation.Below:
    case RuleOperation.BelowWord:
      return left < right;
    case RuleOperation.BelowOrEqual:
    case RuleOperation.BelowOrEqualWord:
      return left <= right;
    case RuleOperation.Less:
    case RuleOperation.LessWord:
      return signedLeft < signedRight;
    case RuleOperation.LessOrEqual:
    case RuleOperation.LessOrEqualWord:
      return signedLeft <= signedRight;
  }
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
