/**
 * Where information can go: the table in policy/language.md, edge for edge. A node is a class of
 * programs, a sink of the kernel that all share, or objects that several classes can reach: the
 * memory, the notices or the inboxes that one class makes. Ports and interrupt lines are no nodes:
 * image.ts gives each to one slot, whose handle cannot be sent on. The kernel is no node.
 * Conditions count as always true, and rules that narrow are ignored, so a flow that is not found
 * does not exist.
 */
import { CLASS_KERNEL, INTERFACE_PERMISSIONS } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { FAULT_INTERFACE, ObjectType } from "../../kernel/abi/object.ts";
import { Permission } from "../../kernel/abi/permission.ts";
import { type Matrix, type Pair, isBound } from "./close.ts";
import {
  type Interface,
  KERNEL_CLASSES,
  type Method,
  type Model,
  type PolicyClass,
  type Rule,
} from "./model.ts";
import type { Span } from "./syntax.ts";

/** A way by which `from` can influence `to` without another node between them. */
interface Flow {
  readonly from: string;
  readonly to: string;
  readonly how: string;
  /**
   * Place of the rule that makes the flow possible, the first of several; place of the class if no
   * rule is needed.
   */
  readonly span: Span;
}

/** Something through which two classes can influence each other without a message. */
export interface SharedObject {
  /** The name of its node. */
  readonly name: string;
  readonly what: string;
  /** Classes, with the rule that lets them; undefined if no rule is needed. */
  readonly writers: ReadonlyMap<number, Rule | undefined>;
  readonly readers: ReadonlyMap<number, Rule | undefined>;
}

export interface FlowGraph {
  readonly flows: ReadonlyMap<string, readonly Flow[]>;
}

/** What every program leaves in the kernel, without any rule. */
const LEFT_BY_ALL: readonly (readonly [sink: string, how: string])[] = [
  ["kernel.Audit", "what it is denied and its faults are recorded"],
  ["kernel.Trace", "its messages can be traced"],
  ["kernel.Log", "its faults are logged"],
  ["kernel.Slots", "its state is shown"],
  ["kernel.System", "the memory that it uses is counted"],
];
/**
 * Kernel objects that keep information: a class writes or reads it if a rule allows. A `never flow`
 * may name them.
 */
export const SINKS: readonly string[] = LEFT_BY_ALL.map(([sink]) => sink);

/**
 * Objects that one program makes and another can use. Threads and domains are not among them: only
 * their own domain controls them. `makerWrites` and `makerReads`: the maker needs no rule, because
 * messages to a class are in its inboxes, and the bits of a notice arrive at its maker.
 */
const TRANSFERABLE: readonly SharedKind[] = [
  {
    type: ObjectType.Memory,
    what: "shared memory",
    write: Permission.MapWrite,
    read: Permission.MapRead,
    makerReads: false,
    makerWrites: false,
  },
  {
    type: ObjectType.Notice,
    what: "a notice",
    write: Permission.Signal,
    read: undefined,
    makerReads: true,
    makerWrites: false,
  },
  {
    type: ObjectType.Inbox,
    what: "an inbox",
    write: undefined,
    read: undefined,
    makerReads: false,
    makerWrites: true,
  },
];

interface SharedKind {
  readonly type: ObjectType;
  readonly what: string;
  readonly write: Permission | undefined;
  readonly read: Permission | undefined;
  readonly makerReads: boolean;
  readonly makerWrites: boolean;
}

export function flowGraph(model: Model, matrix: Matrix): FlowGraph {
  const flows = new Map<string, Flow[]>();
  const add = (flow: Flow): void => {
    const list = flows.get(flow.from);
    if (list === undefined) flows.set(flow.from, [flow]);
    else list.push(flow);
  };
  for (const part of [
    messageFlows(model, matrix),
    forwardFlows(model, matrix),
    methodFlows(model, matrix),
    faultFlows(model, matrix),
    endFlows(model),
    objectFlows(sharedObjects(model, matrix), model),
  ])
    part.forEach(add);
  for (const known of programClasses(model)) {
    for (const [to, how] of LEFT_BY_ALL) add({ from: known.name, to, how, span: known.span });
  }
  return { flows };
}

function programClasses(model: Model): readonly (PolicyClass & { readonly span: Span })[] {
  return model.classes.flatMap((known) =>
    known?.span === undefined ? [] : [{ ...known, span: known.span }],
  );
}

function messageFlows(model: Model, matrix: Matrix): readonly Flow[] {
  const name = (id: number): string => model.classes[id]?.name ?? "";
  return eachPair(model, matrix).flatMap(({ pair, targetInterface }) => {
    if (pair.target < CLASS_KERNEL || pair.subject === CLASS_KERNEL || pair.subject === pair.target)
      return [];
    const flows: Flow[] = [];
    const there = allowedRequests(pair, targetInterface);
    const [first] = there;
    if (first !== undefined)
      flows.push({
        from: name(pair.subject),
        to: name(pair.target),
        how: `request ${targetInterface.name}.${first.method.name}`,
        span: first.rule.span,
      });
    for (const { method } of there) {
      const rule = answerRule(pair, targetInterface, method);
      if (rule === undefined) continue;
      flows.push({
        from: name(pair.target),
        to: name(pair.subject),
        how: `answer to ${targetInterface.name}.${method.name}`,
        span: rule.span,
      });
      break;
    }
    return flows;
  });
}

/**
 * A class that is called may pass the call on, as its caller's, to a class that serves the same
 * interface. That needs a handle, and no rule on the two. The class that passes calls on chooses
 * which of them arrive, in what order and with what badge.
 */
function forwardFlows(model: Model, matrix: Matrix): readonly Flow[] {
  const name = (id: number): string => model.classes[id]?.name ?? "";
  const asked = eachPair(model, matrix).flatMap(({ pair, targetInterface }) => {
    if (pair.target < CLASS_KERNEL || pair.subject === CLASS_KERNEL) return [];
    return [{ ...pair, targetInterface, requests: allowedRequests(pair, targetInterface) }];
  });
  const flows = new Map<string, Flow>();
  for (const [interfaceId, pairs] of Map.groupBy(
    asked,
    ({ targetInterface }) => targetInterface.id,
  )) {
    const holders = endpointHolders(model, matrix, interfaceId);
    for (const ofOne of Map.groupBy(pairs, ({ subject }) => subject).values()) {
      for (const to of ofOne) {
        const holding = holders(to.target);
        for (const from of ofOne) {
          const key = `${from.target} ${to.target}`;
          if (from.target === to.target || !holding.has(from.target) || flows.has(key)) continue;
          const passed = to.requests.find(({ method }) =>
            from.requests.some((request) => request.method === method),
          );
          if (passed === undefined) continue;
          const how = `passes on ${to.targetInterface.name}.${passed.method.name} of ${name(to.subject)}`;
          flows.set(key, {
            from: name(from.target),
            to: name(to.target),
            how,
            span: passed.rule.span,
          });
        }
      }
    }
  }
  return [...flows.values()];
}

/**
 * By owner: classes that may come to hold a handle to its endpoints of that interface, from the
 * image or sent on.
 */
export function endpointHolders(
  model: Model,
  matrix: Matrix,
  interfaceId: number,
): (owner: number) => ReadonlySet<number> {
  const carriers = handleCarriers(model, matrix, interfaceId);
  const known = new Map<number, ReadonlySet<number>>();
  return (owner) => {
    let holders = known.get(owner);
    if (holders === undefined) {
      const edges = new Map(
        [...carriers].filter(
          ([from]) => granting(matrix, from, owner, Permission.Transfer) !== undefined,
        ),
      );
      const given = model.slots.filter(({ handles }) =>
        handles.some((handle) => handle.classId === owner && handle.interfaceId === interfaceId),
      );
      holders = new Set(
        [owner, ...given.map((slot) => slot.classId)].flatMap((first) => [
          ...reachable(first, edges),
        ]),
      );
      known.set(owner, holders);
    }
    return holders;
  };
}

/** Classes that may come to hold a handle to a kernel object of a type that no program makes. */
export function serviceHolders(
  model: Model,
  matrix: Matrix,
  type: ObjectType,
): ReadonlySet<number> {
  const carriers = handleCarriers(model, matrix, type);
  const given = model.slots.filter(({ handles }) => handles.some((handle) => handle.type === type));
  return new Set(given.flatMap(({ classId }) => [...reachable(classId, carriers)]));
}

/**
 * The rule that allows an answer with information in it: a response with a field, or one of several
 * errors.
 */
function answerRule(pair: Pair, targetInterface: Interface, method: Method): Rule | undefined {
  const allows = (event: Event): Rule | undefined =>
    pair.rules.find((rule) => !rule.isRequire && isBound(rule, event, method.number));
  return (
    (method.response.length > 0 ? allows(Event.Response) : undefined) ??
    (targetInterface.errors.length > 0 ? allows(Event.Error) : undefined)
  );
}

/** By the kernel's methods, as each says in its interface. */
function methodFlows(model: Model, matrix: Matrix): readonly Flow[] {
  const flows: Flow[] = [];
  for (const { pair, targetInterface } of eachPair(model, matrix)) {
    const subject = model.classes[pair.subject];
    if (pair.target >= CLASS_KERNEL || subject?.span === undefined) continue;
    for (const { method, rule } of allowedRequests(pair, targetInterface)) {
      const step = { how: `${targetInterface.name}.${method.name}`, span: rule.span };
      for (const sink of method.reads)
        if (SINKS.includes(`kernel.${sink}`))
          flows.push({ from: `kernel.${sink}`, to: subject.name, ...step });
      for (const sink of method.writes) {
        if (SINKS.includes(`kernel.${sink}`))
          flows.push({ from: subject.name, to: `kernel.${sink}`, ...step });
        else if (sink === "domains") flows.push(...toAllSlots(subject, model, step));
        else if (sink === "handles") flows.push(...toHolders(subject, model, matrix, step));
      }
    }
  }
  return flows;
}

/** Whether and how often a program runs is what it can see of who starts it. */
function toAllSlots(
  subject: PolicyClass,
  model: Model,
  step: Pick<Flow, "how" | "span">,
): readonly Flow[] {
  const started = new Set(model.slots.map((slot) => slot.classId));
  started.delete(subject.id);
  return [...started].map((id) => ({
    from: subject.name,
    to: model.classes[id]?.name ?? "",
    ...step,
  }));
}

/** A holder that was sent a handle, directly or by others, sees that the handle is taken away. */
function toHolders(
  subject: PolicyClass,
  model: Model,
  matrix: Matrix,
  step: Pick<Flow, "how" | "span">,
): readonly Flow[] {
  const holders = new Set<number>();
  const types = model.interfaces
    .flatMap(({ methods }) => methods.flatMap((method) => [...method.request, ...method.response]))
    .flatMap((field) => (field.kind === "handle" ? [Number(field.max)] : []));
  for (const type of new Set(types))
    for (const holder of reachable(subject.id, handleCarriers(model, matrix, type)))
      holders.add(holder);
  holders.delete(subject.id);
  return [...holders].map((id) => ({
    from: subject.name,
    to: model.classes[id]?.name ?? "",
    ...step,
  }));
}

/**
 * Kind, address and registers of a fault go to the fault handler, if a rule allows the kernel's
 * message. The answer says whether the program continues or ends, if a rule allows errors as well.
 */
function faultFlows(model: Model, matrix: Matrix): readonly Flow[] {
  const flows = new Map<string, Flow>();
  for (const slot of model.slots) {
    const handler = model.slots[slot.faultSlot];
    const [faulting, handling] = [
      model.classes[slot.classId],
      model.classes[handler?.classId ?? 0],
    ];
    if (faulting === undefined || handling === undefined || faulting.id === handling.id) continue;
    const rules =
      matrix
        .find(CLASS_KERNEL, handling.id, FAULT_INTERFACE)
        ?.rules.filter((rule) => !rule.isRequire) ?? [];
    const told = rules.find((rule) => isBound(rule, Event.Request, 0));
    const ended = rules.find((rule) => isBound(rule, Event.Error, 0));
    if (told === undefined) continue;
    flows.set(`${faulting.id} ${handling.id}`, {
      from: faulting.name,
      to: handling.name,
      how: "its faults",
      span: told.span,
    });
    if (ended !== undefined)
      flows.set(`${handling.id} ${faulting.id}`, {
        from: handling.name,
        to: faulting.name,
        how: "answer to its faults",
        span: ended.span,
      });
  }
  return [...flows.values()];
}

/**
 * The kernel sets a bit at the inbox of the first slot when an instance ends, whatever the rules.
 */
function endFlows(model: Model): readonly Flow[] {
  const told = model.classes[model.slots[0]?.classId ?? 0];
  const ending = new Set(model.slots.slice(1).map((slot) => slot.classId));
  return programClasses(model).flatMap(({ id, name, span }) =>
    told === undefined || id === told.id || !ending.has(id)
      ? []
      : [{ from: name, to: told.name, how: "its end is reported", span }],
  );
}

function objectFlows(objects: readonly SharedObject[], model: Model): readonly Flow[] {
  const end = (
    id: number,
    rule: Rule | undefined,
  ): { readonly name: string; readonly span: Span } | undefined => {
    const known = model.classes[id];
    const span = rule?.span ?? known?.span;
    return known === undefined || span === undefined ? undefined : { name: known.name, span };
  };
  return objects.flatMap(({ name, what, writers, readers }) => [
    ...[...writers].flatMap(([id, rule]) => {
      const writer = end(id, rule);
      return writer === undefined
        ? []
        : { from: writer.name, to: name, how: `writes ${what}`, span: writer.span };
    }),
    ...[...readers].flatMap(([id, rule]) => {
      const reader = end(id, rule);
      return reader === undefined
        ? []
        : { from: name, to: reader.name, how: `reads ${what}`, span: reader.span };
    }),
  ]);
}

/** What more than one class can reach, at least one of them to write. */
export function sharedObjects(model: Model, matrix: Matrix): readonly SharedObject[] {
  return TRANSFERABLE.flatMap((kind) => transferredObjects(model, matrix, kind));
}

/**
 * Objects of that type. A handle to one goes from its maker as far as messages and the permission
 * to transfer it allow.
 */
function transferredObjects(
  model: Model,
  matrix: Matrix,
  kind: SharedKind,
): readonly SharedObject[] {
  const { type, what } = kind;
  const carriers = handleCarriers(model, matrix, type);
  return programClasses(model).flatMap((maker) => {
    const holders = reachable(maker.id, carriers);
    if (holders.size < 2) return [];
    const writers = new Map<number, Rule | undefined>();
    const readers = new Map<number, Rule | undefined>();
    for (const holder of holders) {
      const isMaker = holder === maker.id;
      const writing =
        granting(matrix, holder, type, kind.write) ??
        calling(model, matrix, holder, type, "writes");
      if (writing !== undefined || (isMaker && kind.makerWrites)) writers.set(holder, writing);
      const reading =
        granting(matrix, holder, type, kind.read) ?? calling(model, matrix, holder, type, "reads");
      if (reading !== undefined || (isMaker && kind.makerReads)) readers.set(holder, reading);
    }
    return [{ name: `kernel.${KERNEL_CLASSES[type]} of ${maker.name}`, what, writers, readers }];
  });
}

interface AllowedRequest {
  readonly method: Method;
  readonly rule: Rule;
}

function allowedRequests(pair: Pair, targetInterface: Interface): readonly AllowedRequest[] {
  return targetInterface.methods.flatMap((method) => {
    const rule = pair.rules.find(
      (candidate) => !candidate.isRequire && isBound(candidate, Event.Request, method.number),
    );
    return rule === undefined ? [] : [{ method, rule }];
  });
}

/** Pairs of messages, permissions left out. */
function eachPair(
  model: Model,
  matrix: Matrix,
): readonly { readonly pair: Pair; readonly targetInterface: Interface }[] {
  const interfaces = new Map(model.interfaces.map((known) => [known.id, known]));
  return matrix.pairs.flatMap((pair) => {
    const targetInterface = interfaces.get(pair.interfaceId);
    return targetInterface === undefined ? [] : [{ pair, targetInterface }];
  });
}

/**
 * From which class to which others a message can carry a handle to such an object, or to an
 * endpoint of such an interface.
 */
function handleCarriers(
  model: Model,
  matrix: Matrix,
  type: number,
): ReadonlyMap<number, ReadonlySet<number>> {
  const carriers = new Map<number, Set<number>>();
  const add = (from: number, to: number): void => {
    // An endpoint's class is its owner's, which may be any.
    if (type < CLASS_KERNEL && granting(matrix, from, type, Permission.Transfer) === undefined)
      return;
    const reached = carriers.get(from);
    if (reached === undefined) carriers.set(from, new Set([to]));
    else reached.add(to);
  };
  for (const { pair, targetInterface } of eachPair(model, matrix)) {
    if (pair.target < CLASS_KERNEL) continue;
    for (const { method } of allowedRequests(pair, targetInterface)) {
      if (method.request.some((field) => field.kind === "handle" && field.max === BigInt(type)))
        add(pair.subject, pair.target);
      if (
        !pair.rules.some((rule) => !rule.isRequire && isBound(rule, Event.Response, method.number))
      )
        continue;
      if (method.response.some((field) => field.kind === "handle" && field.max === BigInt(type)))
        add(pair.target, pair.subject);
    }
  }
  return carriers;
}

function granting(
  matrix: Matrix,
  subject: number,
  objectClass: number,
  permission: Permission | undefined,
): Rule | undefined {
  if (permission === undefined) return undefined;
  return matrix
    .find(subject, objectClass, INTERFACE_PERMISSIONS)
    ?.rules.find((rule) => ((rule.methods >> BigInt(permission)) & 1n) === 1n);
}

/** A rule that lets the class call a method which reads, or writes, the object itself. */
function calling(
  model: Model,
  matrix: Matrix,
  subject: number,
  type: ObjectType,
  how: "reads" | "writes",
): Rule | undefined {
  const targetInterface = model.interfaces.find((known) => known.id === type);
  const pair = matrix.find(subject, type, type);
  if (targetInterface === undefined || pair === undefined) return undefined;
  return allowedRequests(pair, targetInterface).find(({ method }) => method[how].includes("object"))
    ?.rule;
}

function reachable(
  start: number,
  edges: ReadonlyMap<number, ReadonlySet<number>>,
): ReadonlySet<number> {
  const reached = new Set([start]);
  for (const from of reached) {
    for (const to of edges.get(from) ?? []) reached.add(to);
  }
  return reached;
}

/**
 * To each of `to` that can be reached from one of `from` without passing through `trusted`: a
 * shortest chain of flows.
 */
export function chains(
  graph: FlowGraph,
  from: readonly string[],
  to: ReadonlySet<string>,
  trusted: ReadonlySet<string>,
): readonly (readonly Flow[])[] {
  const arrivedBy = new Map<string, Flow>();
  const seen = new Set(from);
  const reached: string[] = [];
  for (const at of seen) {
    if (to.has(at)) reached.push(at);
    if (trusted.has(at)) continue;
    for (const flow of graph.flows.get(at) ?? []) {
      if (!seen.has(flow.to)) arrivedBy.set(flow.to, flow);
      seen.add(flow.to);
    }
  }
  return reached.map((end) => walkBack(end, arrivedBy));
}

function walkBack(end: string, arrivedBy: ReadonlyMap<string, Flow>): readonly Flow[] {
  const flows: Flow[] = [];
  for (let flow = arrivedBy.get(end); flow !== undefined; flow = arrivedBy.get(flow.from))
    flows.unshift(flow);
  return flows;
}
