/** `expect`: the policy's own tests, run at every build. */
import { CLASS_KERNEL } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { Status } from "../../kernel/abi/status.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import { resolveValue } from "./condition.ts";
import { type Decision, type MessageEvent, decideExecute, decidePermission, decideRules } from "./evaluate.ts";
import { type Field, type Interface, type Method, type Model, PERMISSION_NAMES, type Rule } from "./model.ts";
import type { Names } from "./names.ts";
import { EVENT_NUMBERS, fieldsOf } from "./resolve.ts";
import type { Argument, EventName, ExpectStatement } from "./syntax.ts";

export interface ExpectResult {
  readonly passed: number;
  readonly failed: number;
  readonly diagnostics: readonly Diagnostic[];
}

export function runExpects(model: Model, names: Names): ExpectResult {
  const diagnostics: Diagnostic[] = [];
  let passed = 0;
  let failed = 0;
  for (const { statement, module } of model.expects) {
    const known = names.diagnostics.length;
    const failure = run(statement, module, model, names);
    const problems = names.diagnostics.slice(known);
    if (problems.length > 0) diagnostics.push(...problems);
    else if (failure !== undefined) diagnostics.push({ severity: "error", ...statement.span, message: `\`${statement.text}\` does not hold: ${failure.message}`, ...(failure.help === undefined ? {} : { help: failure.help }) });
    if (problems.length > 0 || failure !== undefined) failed += 1;
    else passed += 1;
  }
  return { passed, failed, diagnostics };
}

interface Failure {
  readonly message: string;
  readonly help: string | undefined;
}

function run(statement: ExpectStatement, module: string, model: Model, names: Names): Failure | undefined {
  const subject = names.class(statement.subject);
  if (subject === undefined) return undefined;
  switch (statement.form) {
    case "execute": {
      const program = model.programs.find((candidate) => candidate.name === statement.program.text);
      if (program === undefined) {
        if (statement.allow || names.hasSlot(subject)) names.refuse(statement.program.span, `the image has no program \`${statement.program.text}\``, didYouMean(statement.program.text, model.programs.map(({ name }) => name)));
        return undefined;
      }
      const allowed = decideExecute(model, subject.id, program.digest);
      return allowed === statement.allow ? undefined : { message: allowed ? "it is allowed" : "no rule allows it", help: undefined };
    }
    case "grant": {
      const target = names.class(statement.target);
      const bits = names.permissionBits(statement.methods);
      if (target === undefined || bits === 0n) return undefined;
      const wrong = PERMISSION_NAMES.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n && decidePermission(model, subject.id, target.id, number) !== statement.allow);
      if (wrong.length === 0) return undefined;
      return { message: `${wrong.join(", ")} ${wrong.length === 1 ? "is" : "are"} ${statement.allow ? "denied" : "allowed"}`, help: undefined };
    }
    case "message":
      return runMessage(statement, subject.id, module, model, names);
  }
}

function runMessage(statement: ExpectStatement & { readonly form: "message" }, subject: number, module: string, model: Model, names: Names): Failure | undefined {
  const target = names.method(statement.target);
  if (target === undefined) return undefined;
  const { policyClass, spoken, method } = target;
  if (policyClass.id === CLASS_KERNEL) return names.refuse(statement.target.span, "`kernel` receives no messages", "`kernel.Clock.now`, …");
  if (method === undefined || spoken === undefined) {
    // Of everything that the class could be asked: only a denial can be said of all.
    if (statement.allow) return names.refuse(statement.target.span, "which method is expected to be allowed?", "`expect allow A -> B.method`");
    const rule = model.rules.find(
      (candidate) => candidate.kind === "message" && !candidate.isRequire && (candidate.events & 1) !== 0 && (spoken === undefined || candidate.interfaceId === spoken.id) &&
        candidate.pairs.some(([from, to]) => from === subject && to === policyClass.id),
    );
    return rule === undefined ? undefined : { message: "something of it is allowed", help: `by ${describeRule(rule)}` };
  }
  const event = statement.event ?? "request";
  const message = buildMessage(statement.arguments, spoken, method, event, subject, policyClass.id, module, names);
  if (message === undefined) return undefined;
  const decision = decideRules(model, message);
  const isAllowed = decision.status === Status.Ok && (statement.event !== undefined || canBeAnswered(model, message));
  if (isAllowed === statement.allow) return undefined;
  if (!isAllowed) return { message: "it is denied", help: because(decision) };
  const rules = model.rules.filter((rule) => rule.kind === "message" && !rule.isRequire && rule.interfaceId === spoken.id && (rule.events >> message.event) & 1 && (rule.methods >> BigInt(method.number)) & 1n && rule.pairs.some(([from, to]) => from === subject && to === policyClass.id));
  return { message: "it is allowed", help: `by ${rules.map(describeRule).join(", ")}` };
}

/** Whether some rule lets the method's response through, whatever it holds. */
function canBeAnswered(model: Model, message: MessageEvent): boolean {
  return model.rules.some(
    (rule) => rule.kind === "message" && !rule.isRequire && rule.interfaceId === message.interfaceId && ((rule.events >> Event.Response) & 1) === 1 &&
      ((rule.methods >> BigInt(message.method)) & 1n) === 1n && rule.pairs.some(([from, to]) => from === message.subject && to === message.target),
  );
}

function because(decision: Decision): string {
  return decision.rule === undefined ? "no rule allows it" : `refused by ${describeRule(decision.rule)}`;
}

function describeRule(rule: Rule): string {
  return `${rule.span.file}:${rule.span.line}: \`${rule.text}\``;
}

/** A message with these values, and 0 or the first name in every other field. Its handles are a matter of grants, not of rules on messages. */
function buildMessage(
  values: readonly Argument[], spoken: Interface, method: Method, eventName: EventName, subject: number, target: number, module: string, names: Names,
): MessageEvent | undefined {
  const fields = fieldsOf(spoken, method, eventName);
  const words: bigint[] = fields.filter((field) => field.word !== undefined).map(() => 0n);
  // Number 0 is no error: the first is the least.
  if (eventName === "error") words[0] = 1n;
  let arenaBytes = 0;
  for (const { field: name, isLength, value } of values) {
    const field = fields.find((candidate) => candidate.name === name.text);
    if (field === undefined) return names.refuse(name.span, `the ${eventName} of ${spoken.name}.${method.name} has no field \`${name.text}\``, didYouMean(name.text, fields.map((candidate) => candidate.name), "it has no fields"));
    const inArena = field.kind === "bytes" || field.kind === "text";
    if (field.word === undefined || inArena !== isLength) {
      return names.refuse(name.span, `\`${name.text}\` is ${field.type}`, inArena ? `\`length(${name.text}) = …\`` : isLength ? `\`${name.text} = …\`` : "a test cannot name handles; they are of the type that the interface wants");
    }
    const scope = { method: `${spoken.name}.${method.name}`, side: eventName, fields: [], constants: names.constantsOf(module) };
    const number = resolveValue(value, scope, field, names.diagnostics);
    if (number === undefined) return undefined;
    if (!isInside(field, number)) return names.refuse(value.span, `${number} is not in the range of \`${name.text}\`: ${field.type}`, rangeOf(field));
    if (isLength) {
      words[field.word] = (number << 32n) | BigInt(arenaBytes);
      arenaBytes += Number(number);
    } else {
      words[field.word] = BigInt.asUintN(64, number);
    }
  }
  return { event: EVENT_NUMBERS[eventName] as MessageEvent["event"], subject, target, interfaceId: spoken.id, method: method.number, words, handles: [], arenaBytes };
}

function isInside(field: Field, value: bigint): boolean {
  return field.kind === "signed" ? value <= field.max && value >= -field.max - 1n : value >= 0n && value <= field.max;
}

function rangeOf(field: Field): string {
  return field.kind === "signed" ? `${-field.max - 1n} to ${field.max}` : `0 to ${field.max}`;
}
