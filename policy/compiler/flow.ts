/**
 * Where information can go: with a request, back with a response or an error, through memory that one class may write and another read once a
 * handle to it can reach both, with a signal, and from everybody to whoever may read traces. Conditions count as if they always held, so a
 * flow that is not found does not exist.
 */
import { CLASS_KERNEL, INTERFACE_PERMISSIONS } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { Permission } from "../../kernel/abi/permission.ts";
import { type Matrix, type Pair, isBound } from "./close.ts";
import type { Interface, Method, Model, Rule } from "./model.ts";

/** One way by which `from` can influence `to` without anybody between. */
export interface Flow {
  readonly from: number;
  readonly to: number;
  readonly how: string;
  /** Makes it possible; the first of several. */
  readonly rule: Rule;
}

/** Direct flows between classes of programs; at most one of each kind for a pair. */
export function directFlows(model: Model, matrix: Matrix): readonly Flow[] {
  return [...messageFlows(model, matrix), ...objectFlows(model, matrix), ...traceFlows(model, matrix)];
}

/** Flows other than by messages: what `never A -> B` forbids besides requests. */
export function objectFlows(model: Model, matrix: Matrix): readonly Flow[] {
  return [...sharedFlows(model, matrix, ObjectType.Memory), ...sharedFlows(model, matrix, ObjectType.Notice)];
}

function messageFlows(model: Model, matrix: Matrix): readonly Flow[] {
  const interfaces = new Map(model.interfaces.map((spoken) => [spoken.id, spoken]));
  const flows: Flow[] = [];
  for (const pair of matrix.pairs) {
    const spoken = interfaces.get(pair.interfaceId);
    if (spoken === undefined || pair.target < CLASS_KERNEL || pair.subject === CLASS_KERNEL) continue;
    const there = firstAllowed(pair, spoken, [Event.Request]);
    if (there !== undefined) flows.push({ from: pair.subject, to: pair.target, how: `request ${spoken.name}.${there.method.name}`, rule: there.rule });
    const back = there === undefined ? undefined : firstAllowed(pair, spoken, [Event.Response, Event.Error]);
    if (back !== undefined) flows.push({ from: pair.target, to: pair.subject, how: `answer to ${spoken.name}.${back.method.name}`, rule: back.rule });
  }
  return flows;
}

/** A trace shows the messages of any two slots. */
function traceFlows(model: Model, matrix: Matrix): readonly Flow[] {
  const trace = model.interfaces.find((spoken) => spoken.id === ObjectType.Trace);
  if (trace === undefined) return [];
  return matrix.pairs.flatMap((pair) => {
    if (pair.target !== ObjectType.Trace || pair.interfaceId !== trace.id) return [];
    const allowed = firstAllowed(pair, { ...trace, methods: trace.methods.filter((method) => method.response.length > 0) }, [Event.Response]);
    if (allowed === undefined) return [];
    return model.classes.flatMap((known) => (known?.span === undefined || known.id === pair.subject ? [] : { from: known.id, to: pair.subject, how: "a trace of its messages", rule: allowed.rule }));
  });
}

function firstAllowed(pair: Pair, spoken: Interface, events: readonly Event[]): { readonly rule: Rule; readonly method: Method } | undefined {
  for (const method of spoken.methods) {
    // An answer needs a request before it.
    if (!pair.rules.some((rule) => !rule.isRequire && isBound(rule, Event.Request, method.number))) continue;
    for (const event of events) {
      const rule = pair.rules.find((candidate) => !candidate.isRequire && isBound(candidate, event, method.number));
      if (rule !== undefined) return { rule, method };
    }
  }
  return undefined;
}

/** Through objects of that type: whoever makes one, its handle goes as far as messages and the right to transfer it carry it. */
function sharedFlows(model: Model, matrix: Matrix, type: ObjectType.Memory | ObjectType.Notice): readonly Flow[] {
  const [write, read] = type === ObjectType.Memory ? [Permission.MapWrite, Permission.MapRead] : [Permission.Signal, Permission.Bind];
  const what = type === ObjectType.Memory ? "shared memory" : "a notice";
  const carriers = handleCarriers(model, matrix, type);
  const flows = new Map<string, Flow>();
  for (const known of model.classes) {
    if (known?.span === undefined) continue;
    const holders = reachable(known.id, carriers);
    if (holders.size < 2) continue;
    for (const from of holders) {
      const rule = granting(matrix, from, type, write);
      if (rule === undefined) continue;
      // Bits of a notice arrive with whoever made it; memory is read by whoever holds it.
      for (const to of type === ObjectType.Notice ? [known.id] : holders) {
        if (to !== from && (granting(matrix, to, type, read) !== undefined || type === ObjectType.Notice)) flows.set(`${from} ${to}`, { from, to, how: what, rule });
      }
    }
  }
  return [...flows.values()];
}

/** From which class to which others a message can carry a handle to such an object. */
function handleCarriers(model: Model, matrix: Matrix, type: ObjectType): ReadonlyMap<number, ReadonlySet<number>> {
  const interfaces = new Map(model.interfaces.map((spoken) => [spoken.id, spoken]));
  const carriers = new Map<number, Set<number>>();
  const add = (from: number, to: number): void => {
    if (granting(matrix, from, type, Permission.Transfer) === undefined) return;
    const reached = carriers.get(from);
    if (reached === undefined) carriers.set(from, new Set([to]));
    else reached.add(to);
  };
  for (const pair of matrix.pairs) {
    const spoken = interfaces.get(pair.interfaceId);
    if (spoken === undefined || pair.target < CLASS_KERNEL) continue;
    for (const method of spoken.methods) {
      if (!pair.rules.some((rule) => !rule.isRequire && isBound(rule, Event.Request, method.number))) continue;
      if (method.request.some((field) => field.kind === "handle" && field.max === BigInt(type))) add(pair.subject, pair.target);
      if (!pair.rules.some((rule) => !rule.isRequire && isBound(rule, Event.Response, method.number))) continue;
      if (method.response.some((field) => field.kind === "handle" && field.max === BigInt(type))) add(pair.target, pair.subject);
    }
  }
  return carriers;
}

function granting(matrix: Matrix, subject: number, objectClass: number, permission: Permission): Rule | undefined {
  return matrix.find(subject, objectClass, INTERFACE_PERMISSIONS)?.rules.find((rule) => ((rule.methods >> BigInt(permission)) & 1n) === 1n);
}

function reachable(start: number, edges: ReadonlyMap<number, ReadonlySet<number>>): ReadonlySet<number> {
  const reached = new Set([start]);
  for (const from of reached) {
    for (const to of edges.get(from) ?? []) reached.add(to);
  }
  return reached;
}

/** A shortest chain of flows from one class to another that passes through none of `trusted`; undefined if there is none. */
export function chain(from: number, to: number, trusted: ReadonlySet<number>, flowsFrom: ReadonlyMap<number, readonly Flow[]>): readonly Flow[] | undefined {
  const arrivedBy = new Map<number, Flow>();
  const queue = [from];
  const seen = new Set([from]);
  for (const at of queue) {
    if (at !== from && trusted.has(at)) continue;
    for (const flow of flowsFrom.get(at) ?? []) {
      if (seen.has(flow.to)) continue;
      seen.add(flow.to);
      arrivedBy.set(flow.to, flow);
      if (flow.to === to) return walkBack(from, to, arrivedBy);
      queue.push(flow.to);
    }
  }
  return undefined;
}

function walkBack(from: number, to: number, arrivedBy: ReadonlyMap<number, Flow>): readonly Flow[] {
  const flows: Flow[] = [];
  for (let at = to; at !== from; ) {
    const flow = arrivedBy.get(at);
    if (flow === undefined) break;
    flows.unshift(flow);
    at = flow.from;
  }
  return flows;
}
