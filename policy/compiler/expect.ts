/**
 * `expect`: the policy's own tests, run at every build. Request, response and error are judged
 * separately, with the handles that they carry.
 */
import { CLASS_KERNEL } from "../../kernel/abi/blob.ts";
import { Permission } from "../../kernel/abi/permission.ts";
import { Status } from "../../kernel/abi/status.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import { knownProgram, permissionsApply } from "./check.ts";
import { resolveValue } from "./condition.ts";
import {
  type Decision,
  type JudgedEvent,
  type MessageEvent,
  boundRules,
  decideExecute,
  decidePermission,
  decideRules,
  grants,
} from "./evaluate.ts";
import {
  type Field,
  type Interface,
  type Method,
  type Model,
  PERMISSION_NAMES,
  type Rule,
} from "./model.ts";
import type { Names } from "./names.ts";
import { EVENT_NUMBERS, fieldsOf } from "./resolve.ts";
import type { Argument, ExpectStatement, Expression, JudgedEventName } from "./syntax.ts";

interface ExpectResult {
  readonly passed: number;
  readonly failed: number;
}

/** Runs every `expect`. Each that does not hold becomes a mistake of `names`. */
export function runExpects(model: Model, names: Names): ExpectResult {
  let passed = 0;
  let failed = 0;
  for (const { statement, module } of model.expects) {
    const before = names.mistakes.count;
    const failure = run(statement, module, model, names);
    if (failure !== undefined)
      names.refuse(
        statement.span,
        `\`${statement.text}\` does not hold: ${failure.message}`,
        failure.help,
      );
    if (names.mistakes.count > before) failed += 1;
    else passed += 1;
  }
  return { passed, failed };
}

interface Failure {
  readonly message: string;
  readonly help?: string;
}

function run(
  statement: ExpectStatement,
  module: string,
  model: Model,
  names: Names,
): Failure | undefined {
  const subject = names.class(statement.subject);
  if (subject === undefined) return undefined;
  switch (statement.form) {
    case "execute": {
      const program = knownProgram(statement.program, model, names);
      if (program === undefined) return undefined;
      const digest = model.programs.find((candidate) => candidate.name === program)?.digest;
      const allowed = digest !== undefined && decideExecute(model, subject.id, digest);
      return allowed === statement.allow
        ? undefined
        : { message: allowed ? "it is allowed" : "no rule allows it" };
    }
    case "grant": {
      const target = names.class(statement.target);
      const bits = names.permissionBits(statement.methods);
      if (target === undefined || bits === 0n) return undefined;
      // A permission that no class can have is denied by any rules.
      if (!statement.allow && !permissionsApply(statement.methods, [target], names))
        return undefined;
      const wrong = PERMISSION_NAMES.filter(
        (_, number) =>
          ((bits >> BigInt(number)) & 1n) === 1n &&
          decidePermission(model, subject.id, target.id, number) !== statement.allow,
      );
      if (wrong.length === 0) return undefined;
      return {
        message: `${wrong.join(", ")} ${wrong.length === 1 ? "is" : "are"} ${statement.allow ? "denied" : "allowed"}`,
      };
    }
    case "message":
      return runMessage(statement, subject.id, module, model, names);
  }
}

function runMessage(
  statement: ExpectStatement & { readonly form: "message" },
  subject: number,
  module: string,
  model: Model,
  names: Names,
): Failure | undefined {
  const target = names.method(statement.target);
  if (target === undefined) return undefined;
  const { policyClass, targetInterface, method } = target;
  if (policyClass.id === CLASS_KERNEL)
    return names.refuse(
      statement.target.span,
      "`kernel` receives no messages",
      "`kernel.Clock.now`, …",
    );
  if (policyClass.id < CLASS_KERNEL && statement.event !== undefined) {
    return names.refuse(
      statement.target.span,
      "a kernel method is one decision: its events are not judged separately",
      "leave the event out",
    );
  }
  if (method === undefined || targetInterface === undefined) {
    // Of everything that the class could be asked: only a denial can be said of all.
    if (statement.allow)
      return names.refuse(
        statement.target.span,
        "which method is expected to be allowed?",
        "`expect allow A -> B.method`",
      );
    const rule = model.rules.find(
      (candidate) =>
        candidate.kind === "message" &&
        !candidate.isRequire &&
        (candidate.events & 1) !== 0 &&
        (targetInterface === undefined || candidate.interfaceId === targetInterface.id) &&
        candidate.pairs.some(([from, to]) => from === subject && to === policyClass.id),
    );
    return rule === undefined
      ? undefined
      : { message: "something of it is allowed", help: `by ${describeRule(rule)}` };
  }
  const scene: Scene = {
    model,
    names,
    module,
    targetInterface,
    method,
    subject,
    target: policyClass.id,
  };
  const event = statement.event ?? "request";
  if (event === "ended")
    return names.refuse(
      statement.span,
      "`ended` is not judged: it is neither allowed nor denied",
      "expect something of `request`, `response` or `error`",
    );
  if (event === "error" && targetInterface.errors.length === 0)
    return names.refuse(
      statement.target.span,
      `the interface ${targetInterface.name} has no errors`,
    );
  const message = buildMessage(statement.arguments, event, scene);
  if (message === undefined) return undefined;
  const verdict = judge(message, event, scene);
  if (verdict.kind === "depends")
    return {
      message: `it depends on the handle \`${verdict.handle}\``,
      help: `say whose endpoint it is: \`${verdict.handle} = Class\``,
    };
  if (!statement.allow) {
    if (verdict.kind === "denied") return undefined;
    return {
      message: "it is allowed",
      help: `by ${granting(message, model).map(describeRule).join(", ")}`,
    };
  }
  if (verdict.kind === "denied") return { message: "it is denied", help: verdict.because };
  if (statement.event !== undefined || policyClass.id < CLASS_KERNEL) return undefined;
  // `expect allow` of a call means that the call can be answered, too.
  const unanswered = cannotBeAnswered(scene);
  return unanswered === undefined
    ? undefined
    : { message: "the request is allowed, and its response denied", help: unanswered };
}

/** What a statement is about. */
export interface Scene {
  readonly model: Model;
  readonly names: Names;
  readonly module: string;
  readonly targetInterface: Interface;
  readonly method: Method;
  readonly subject: number;
  readonly target: number;
}

interface Expected extends MessageEvent {
  /**
   * By name of a handle's field: the class of its object. Absent if the statement does not say it.
   */
  readonly handleClasses: ReadonlyMap<string, number>;
}

type Verdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "denied"; readonly because: string }
  | { readonly kind: "depends"; readonly handle: string };

/** The rules first, then what the sender must be allowed to transfer. */
export function judge(message: Expected, event: JudgedEventName, scene: Scene): Verdict {
  const decision = decideRules(scene.model, message);
  if (decision.status !== Status.Ok) return { kind: "denied", because: because(decision) };
  return judgeHandles(event, message.handleClasses, scene);
}

export function judgeHandles(
  event: JudgedEventName,
  classes: ReadonlyMap<string, number>,
  { model, names, method, subject, target }: Scene,
): Verdict {
  const sender = model.classes[event === "request" ? subject : target];
  const fields = event === "error" ? [] : event === "request" ? method.request : method.response;
  const mayTransfer = (objectClass: number): boolean =>
    decidePermission(model, sender?.id ?? 0, objectClass, Permission.Transfer);
  let depends: string | undefined;
  for (const field of fields.filter(({ kind }) => kind === "handle")) {
    const fixed = fixedClass(field) ?? classes.get(field.name);
    const missing = (name: string): Verdict => ({
      kind: "denied",
      because: `the handle \`${field.name}\` needs \`grant ${sender?.name} -> ${name} { transfer }\``,
    });
    if (fixed !== undefined) {
      if (!mayTransfer(fixed)) return missing(model.classes[fixed]?.name ?? "");
      continue;
    }
    // Any program can make an endpoint of any interface; the image says which classes serve it.
    const owners = names.programClasses();
    const servers = owners.filter((owner) =>
      names.servedBy(owner).some((served) => BigInt(served.id) === field.max),
    );
    if (!owners.some(({ id }) => mayTransfer(id))) return missing(servers[0]?.name ?? "Class");
    if (servers.length === 0 || !servers.every(({ id }) => mayTransfer(id))) depends ??= field.name;
  }
  return depends === undefined ? { kind: "allowed" } : { kind: "depends", handle: depends };
}

/** An object has its type's class, an endpoint its owner's. */
function fixedClass(field: Field): number | undefined {
  return field.max < BigInt(CLASS_KERNEL) ? Number(field.max) : undefined;
}

/**
 * Why no response of the method could get through, whatever it holds; undefined where one could.
 */
function cannotBeAnswered(scene: Scene): string | undefined {
  if (boundRules(scene.model, eventOf("response", scene)).allows.length === 0)
    return "no rule allows it";
  const verdict = judgeHandles("response", new Map(), scene);
  return verdict.kind === "denied" ? verdict.because : undefined;
}

/** Each `allow` that grants the message. */
export function granting(message: MessageEvent, model: Model): readonly Rule[] {
  return boundRules(model, message).allows.filter((rule) => grants(rule, message));
}

export function eventOf(
  event: JudgedEventName,
  { subject, target, targetInterface, method }: Scene,
): JudgedEvent {
  return {
    event: EVENT_NUMBERS[event],
    subject,
    target,
    interfaceId: targetInterface.id,
    method: method.number,
  };
}

function because(decision: Decision): string {
  if (decision.rule === undefined) return "no rule allows it";
  return decision.rule.isRequire
    ? `refused by ${describeRule(decision.rule)}`
    : `the condition does not hold of ${describeRule(decision.rule)}`;
}

export function describeRule(rule: Rule): string {
  return `${rule.span.file}:${rule.span.line}: \`${rule.text}\``;
}

/** A message with these values, and 0 or the first name in every other field. */
export function buildMessage(
  values: readonly Argument[],
  eventName: JudgedEventName,
  scene: Scene,
): Expected | undefined {
  const { names, module, targetInterface, method } = scene;
  const fields = fieldsOf(targetInterface, method, eventName);
  const words: bigint[] = fields.filter((field) => field.word !== undefined).map(() => 0n);
  const handleClasses = new Map<string, number>();
  const named = new Set<string>();
  // Number 0 is no error: the first is the least.
  if (eventName === "error") words[0] = 1n;
  let arenaBytes = 0;
  for (const { field: name, isLength, value } of values) {
    const field = fields.find((candidate) => candidate.name === name.text);
    if (field === undefined) {
      const help = () =>
        didYouMean(
          name.text,
          fields.map((candidate) => candidate.name),
          "it has no fields",
        );
      return names.refuse(
        name.span,
        `the ${eventName} of ${targetInterface.name}.${method.name} has no field \`${name.text}\``,
        help,
      );
    }
    if (named.has(name.text)) return names.refuse(name.span, `\`${name.text}\` is named twice`);
    named.add(name.text);
    if (field.kind === "handle") {
      const owner = isLength ? undefined : handleClass(field, value, scene);
      if (isLength)
        return names.refuse(name.span, `\`${name.text}\` is ${field.type}: it has no length`);
      if (owner === undefined) return undefined;
      handleClasses.set(name.text, owner);
      continue;
    }
    const inArena = field.kind === "bytes" || field.kind === "text";
    if (field.word === undefined || inArena !== isLength) {
      return names.refuse(
        name.span,
        `\`${name.text}\` is ${field.type}`,
        inArena ? `\`length(${name.text}) = …\`` : `\`${name.text} = …\``,
      );
    }
    const valueScope = {
      method: `${targetInterface.name}.${method.name}`,
      side: eventName,
      fields: [],
      constants: names.constantsOf(module),
    };
    const number = resolveValue(value, valueScope, field, names.mistakes);
    if (number === undefined) return undefined;
    if (!isInside(field, number))
      return names.refuse(
        value.span,
        `${number} is not in the range of \`${name.text}\`: ${field.type}`,
        rangeOf(field),
      );
    if (isLength) {
      words[field.word] = (number << 32n) | BigInt(arenaBytes);
      arenaBytes += Number(number);
    } else {
      words[field.word] = BigInt.asUintN(64, number);
    }
  }
  return {
    ...eventOf(eventName, scene),
    words,
    handles: [],
    arenaBytes,
    handleClasses,
  };
}

/** The class whose endpoint a handle is to. */
function handleClass(field: Field, value: Expression, { model, names }: Scene): number | undefined {
  const fixed = fixedClass(field);
  if (fixed !== undefined)
    return names.refuse(
      value.span,
      `\`${field.name}\` is ${field.type}: its class is always ${model.classes[fixed]?.name}`,
      "leave it out",
    );
  if (value.kind !== "reference")
    return names.refuse(
      value.span,
      `\`${field.name}\` is ${field.type}: whose endpoint it is says a class`,
      `\`${field.name} = Class\``,
    );
  return names.class({ segments: [{ text: value.name, span: value.span }], span: value.span })?.id;
}

function isInside(field: Field, value: bigint): boolean {
  return field.kind === "signed"
    ? value <= field.max && value >= -field.max - 1n
    : value >= 0n && value <= field.max;
}

function rangeOf(field: Field): string {
  return field.kind === "signed" ? `${-field.max - 1n} to ${field.max}` : `0 to ${field.max}`;
}
