/** `never`: what no rule of any module may make possible. */
import { CLASS_KERNEL, INTERFACE_PERMISSIONS } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { type Matrix, isBound } from "./close.ts";
import { type Flow, chain, directFlows, objectFlows } from "./flow.ts";
import { type Interface, type Model, PERMISSION_NAMES, type PolicyClass, type Rule } from "./model.ts";
import { Names, written } from "./names.ts";
import type { Classes, Methods, NeverStatement } from "./syntax.ts";

/** Names rules that a broken `never` lists: more would hide the first. */
const RULES_SHOWN = 3;

/** What a `never` speaks of: a class, perhaps one interface of it, perhaps some methods. */
interface Forbidden {
  readonly policyClass: PolicyClass;
  readonly spoken: Interface | undefined;
  /** Bits; undefined for all. */
  readonly methods: bigint | undefined;
}

export function checkNevers(model: Model, matrix: Matrix, names: Names): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const known = names.diagnostics.length;
  let flows: readonly Flow[] | undefined;
  let throughObjects: readonly Flow[] | undefined;
  for (const { statement } of model.nevers) {
    const subjects = names.subjects(statement.subjects);
    if (subjects === undefined) continue;
    switch (statement.form) {
      case "execute":
        diagnostics.push(...checkExecute(statement, subjects, model));
        break;
      case "grant":
        diagnostics.push(...checkGrant(statement, subjects, model, matrix, names));
        break;
      case "message":
        throughObjects ??= objectFlows(model, matrix);
        diagnostics.push(...checkMessage(statement, subjects, model, matrix, names, throughObjects));
        break;
      case "flow":
        flows ??= directFlows(model, matrix);
        diagnostics.push(...checkFlow(statement, subjects, model, flows, names));
    }
  }
  return [...names.diagnostics.slice(known), ...diagnostics];
}

function checkExecute(statement: NeverStatement & { readonly form: "execute" }, subjects: readonly PolicyClass[], model: Model): readonly Diagnostic[] {
  const program = model.programs.findIndex((candidate) => candidate.name === statement.program.text);
  return subjects.flatMap((subject) => {
    const grant = model.execute.find((candidate) => candidate.classId === subject.id && candidate.program === program);
    const rule = grant === undefined ? undefined : model.rules[grant.rule];
    return rule === undefined ? [] : [broken(statement, `${subject.name} may run ${statement.program.text}`, [rule])];
  });
}

function checkGrant(statement: NeverStatement & { readonly form: "grant" }, subjects: readonly PolicyClass[], model: Model, matrix: Matrix, names: Names): readonly Diagnostic[] {
  const targets = forbidden(statement.targets, undefined, names);
  const bits = names.permissionBits(statement.methods);
  if (targets === undefined || bits === 0n) return [];
  return subjects.flatMap((subject) => targets.flatMap(({ policyClass }) => {
    const rules = (matrix.find(subject.id, policyClass.id, INTERFACE_PERMISSIONS)?.rules ?? []).filter((rule) => (rule.methods & bits) !== 0n);
    const [first] = rules;
    if (first === undefined) return [];
    const permissions = PERMISSION_NAMES.filter((_, number) => ((first.methods & bits) >> BigInt(number)) & 1n);
    return [broken(statement, `${subject.name} has ${permissions.join(", ")} over objects of ${policyClass.name}`, rules)];
  }));
}

function checkMessage(
  statement: NeverStatement & { readonly form: "message" }, subjects: readonly PolicyClass[], model: Model, matrix: Matrix, names: Names, throughObjects: readonly Flow[],
): readonly Diagnostic[] {
  const targets = forbidden(statement.targets, statement.methods, names);
  if (targets === undefined) return [];
  const interfaces = new Map(model.interfaces.map((spoken) => [spoken.id, spoken]));
  const isSubject = new Set(subjects.map((subject) => subject.id));
  const byTarget = new Map(targets.map((target) => [target.policyClass.id, target]));
  const diagnostics: Diagnostic[] = [];
  for (const pair of matrix.pairs) {
    const target = byTarget.get(pair.target);
    if (target === undefined || !isSubject.has(pair.subject) || pair.subject === pair.target) continue;
    const subject = model.classes[pair.subject]?.name ?? "";
    if (pair.interfaceId === INTERFACE_PERMISSIONS) {
      if (target.spoken === undefined && target.methods === undefined) diagnostics.push(broken(statement, `${subject} has permissions over objects of ${target.policyClass.name}`, pair.rules));
      continue;
    }
    const spoken = interfaces.get(pair.interfaceId);
    if (spoken === undefined || (target.spoken !== undefined && target.spoken.id !== spoken.id)) continue;
    const method = spoken.methods.find(
      ({ number }) => (target.methods === undefined || ((target.methods >> BigInt(number)) & 1n) === 1n) && pair.rules.some((rule) => !rule.isRequire && isBound(rule, Event.Request, number)),
    );
    if (method === undefined) continue;
    const rules = pair.rules.filter((rule) => !rule.isRequire && isBound(rule, Event.Request, method.number));
    diagnostics.push(broken(statement, `${subject} may call ${target.policyClass.name}.${spoken.name}.${method.name}`, rules));
  }
  for (const flow of throughObjects) {
    const target = byTarget.get(flow.to);
    if (!isSubject.has(flow.from) || target === undefined || target.spoken !== undefined || target.methods !== undefined) continue;
    diagnostics.push(broken(statement, `${model.classes[flow.from]?.name} may reach ${target.policyClass.name} through ${flow.how}`, [flow.rule]));
  }
  return diagnostics;
}

function checkFlow(statement: NeverStatement & { readonly form: "flow" }, subjects: readonly PolicyClass[], model: Model, flows: readonly Flow[], names: Names): readonly Diagnostic[] {
  const targets = forbidden(statement.targets, undefined, names);
  const through = names.each(statement.through, (path) => names.class(path));
  if (targets === undefined || through === undefined) return [];
  const trusted = new Set(through.map((policyClass) => policyClass.id));
  const flowsFrom = new Map<number, Flow[]>();
  for (const flow of flows) {
    const list = flowsFrom.get(flow.from);
    if (list === undefined) flowsFrom.set(flow.from, [flow]);
    else list.push(flow);
  }
  return subjects.flatMap((subject) => targets.flatMap(({ policyClass }) => {
    if (policyClass.id === subject.id || trusted.has(subject.id) || trusted.has(policyClass.id)) return [];
    const found = chain(subject.id, policyClass.id, trusted, flowsFrom);
    if (found === undefined) return [];
    const steps = found.map((flow) => `${model.classes[flow.from]?.name} -> ${model.classes[flow.to]?.name} (${flow.how}, ${flow.rule.span.file}:${flow.rule.span.line})`);
    return [{ severity: "error" as const, ...statement.span, message: `\`${statement.text}\` does not hold: ${steps.join(", then ")}`, help: "take one of these rules away, or name whoever may pass it on: `except through …`" }];
  }));
}

function forbidden(classes: Classes, methods: Methods | undefined, names: Names): readonly Forbidden[] | undefined {
  if (classes.kind === "any") {
    const all = names.subjects(classes);
    if (methods !== undefined) return names.refuse(methods.span, "methods need a target that serves them", "name the classes");
    return all?.map((policyClass) => ({ policyClass, spoken: undefined, methods: undefined }));
  }
  return names.each(classes.paths, (path): Forbidden | undefined => {
    const target = names.method(path);
    if (target === undefined) return undefined;
    const { policyClass, spoken, method } = target;
    if (policyClass.id === CLASS_KERNEL) return names.refuse(path.span, "`kernel` receives no messages", "`kernel.Slots`, `kernel.System`, …");
    if (methods === undefined) return { policyClass, spoken, methods: method === undefined ? undefined : 1n << BigInt(method.number) };
    if (method !== undefined) return names.refuse(methods.span, "the target already names a method", `\`${written(path, path.segments.length - 1)} { … }\``);
    const meant = spoken ?? onlyOf(policyClass, names);
    if (meant === undefined) return names.refuse(path.span, `which interface of ${policyClass.name} is meant is not clear`, `\`${policyClass.name}.Interface { … }\``);
    const bits = names.methodBits(meant, methods);
    return bits === 0n ? undefined : { policyClass, spoken: meant, methods: bits };
  });
}

function onlyOf(policyClass: PolicyClass, names: Names): Interface | undefined {
  const [only, another] = names.servedBy(policyClass);
  return another === undefined ? only : undefined;
}

function broken(statement: NeverStatement, because: string, rules: readonly Rule[]): Diagnostic {
  const shown = [...new Set(rules.map((rule) => `${rule.span.file}:${rule.span.line}: \`${rule.text}\``))];
  const more = shown.length > RULES_SHOWN ? ` and ${shown.length - RULES_SHOWN} more` : "";
  return { severity: "error", ...statement.span, message: `\`${statement.text}\` does not hold: ${because}`, help: `by ${shown.slice(0, RULES_SHOWN).join(", ")}${more}` };
}
