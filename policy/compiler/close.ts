/**
 * Rules → the access matrix: for every pair of classes and interface that a rule covers, the rules
 * bound to it and the events that need no reading.
 */
import {
  COST_BASE,
  COST_BINDING,
  COST_FIELD,
  COST_INSTRUCTION,
  COST_MAX,
  COST_RECORD,
} from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { type Instruction, lower } from "./lower.ts";
import type { Interface, Method, Model, Rule } from "./model.ts";

export interface Pair {
  readonly subject: number;
  readonly target: number;
  readonly interfaceId: number;
  /** Bound to it, ascending by number. */
  readonly rules: readonly Rule[];
  /** By Event: methods that are granted without reading anything and without a record. */
  readonly plain: readonly [bigint, bigint, bigint];
}

export interface Cost {
  readonly subject: number;
  readonly target: number;
  readonly interfaceId: number;
  readonly method: number;
  /** Instructions in the worst case, of the most costly of its events. */
  readonly instructions: number;
}

export interface Matrix {
  /** Ascending by subject, target, interface. */
  readonly pairs: readonly Pair[];
  /** By rule number; empty for a rule without a condition. */
  readonly programs: readonly (readonly Instruction[])[];
  readonly costs: readonly Cost[];
  find(subject: number, target: number, interfaceId: number): Pair | undefined;
}

type CallEvent = Event.Request | Event.Response | Event.Error;
const EVENTS: readonly CallEvent[] = [Event.Request, Event.Response, Event.Error];
/** As the kernel's verifier: more would cost more than COST_MAX anyway. */
const RUN_MAX = 150;
/** The kernel's BOUND_MAX (kernel/monitor/blob/rules.ts): bindings of all pairs. */
export const BINDINGS_MAX = 65_536;

export function close(model: Model): {
  readonly matrix: Matrix;
  readonly diagnostics: readonly Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const programs = model.rules.map((rule) =>
    rule.condition === undefined ? [] : lower(rule.condition),
  );
  for (const rule of model.rules) {
    const length = programs[rule.number]?.length ?? 0;
    if (length > RUN_MAX)
      diagnostics.push({
        severity: "error",
        ...rule.span,
        message: `the condition takes ${length} tests`,
        help: `at most ${RUN_MAX}`,
      });
  }

  const bound = new Map<number, Rule[]>();
  for (const rule of model.rules) {
    for (const [subject, target] of rule.pairs) {
      const key = keyOf(subject, target, rule.interfaceId);
      const rules = bound.get(key);
      if (rules === undefined) bound.set(key, [rule]);
      else if (rules.at(-1) !== rule) rules.push(rule); // `{ A, A }` binds once.
    }
  }
  const pairs = [...bound.entries()]
    .sort(([a], [b]) => a - b)
    .map(([key, rules]): Pair => {
      const [subject, target, interfaceId] = [
        Math.floor(key / 2 ** 32),
        Math.floor(key / 65536) % 65536,
        key % 65536,
      ];
      return {
        subject,
        target,
        interfaceId,
        rules,
        plain: [
          plainOf(rules, Event.Request),
          plainOf(rules, Event.Response),
          plainOf(rules, Event.Error),
        ],
      };
    });
  diagnostics.push(...tooManyBindings(pairs, model));

  const interfaces = new Map(model.interfaces.map((known) => [known.id, known]));
  const costs: Cost[] = [];
  for (const pair of pairs) {
    const targetInterface = interfaces.get(pair.interfaceId);
    if (targetInterface !== undefined)
      costs.push(...costsOf(pair, targetInterface, model, programs, diagnostics));
  }
  const byKey = new Map(
    pairs.map((pair) => [keyOf(pair.subject, pair.target, pair.interfaceId), pair]),
  );
  return {
    matrix: {
      pairs,
      programs,
      costs,
      find: (subject, target, interfaceId) => byKey.get(keyOf(subject, target, interfaceId)),
    },
    diagnostics,
  };
}

/** As the kernel's verifier counts them: rules of one pair, and of all. */
function tooManyBindings(pairs: readonly Pair[], model: Model): readonly Diagnostic[] {
  const name = (id: number): string => model.classes[id]?.name ?? "";
  const crowded = pairs.find((pair) => pair.rules.length > RUN_MAX);
  const beyond = crowded?.rules[RUN_MAX];
  if (crowded !== undefined && beyond !== undefined) {
    const message = `${crowded.rules.length} rules are bound to ${name(crowded.subject)} -> ${name(crowded.target)}`;
    return [{ severity: "error", ...beyond.span, message, help: `at most ${RUN_MAX}: join some` }];
  }
  const all = pairs.reduce((sum, pair) => sum + pair.rules.length, 0);
  if (all <= BINDINGS_MAX) return [];
  return [
    {
      severity: "error",
      message: `the policies bind rules to pairs of classes ${all} times`,
      help: `at most ${BINDINGS_MAX}: name fewer classes in one rule`,
    },
  ];
}

/** Fits a double: classes have 12 bits, interfaces 16. */
function keyOf(subject: number, target: number, interfaceId: number): number {
  return subject * 2 ** 32 + target * 65536 + interfaceId;
}

export function isBound(rule: Rule, event: Event, method: number): boolean {
  return ((rule.events >> event) & 1) === 1 && ((rule.methods >> BigInt(method)) & 1n) === 1n;
}

function isRecorded(rule: Rule, event: Event): boolean {
  return ((rule.recorded >> event) & 1) === 1;
}

/** Methods that an `allow` without condition grants, and that no rule narrows or records. */
function plainOf(rules: readonly Rule[], event: Event): bigint {
  let unconditional = 0n;
  let special = 0n;
  for (const rule of rules) {
    if (((rule.events >> event) & 1) === 0) continue;
    if (rule.isRequire || isRecorded(rule, event)) special |= rule.methods;
    else if (rule.read !== event) unconditional |= rule.methods;
  }
  return unconditional & ~special;
}

function costsOf(
  pair: Pair,
  targetInterface: Interface,
  model: Model,
  programs: readonly (readonly Instruction[])[],
  diagnostics: Diagnostic[],
): readonly Cost[] {
  return targetInterface.methods.flatMap((method) => {
    const worstCase = Math.max(...EVENTS.map((event) => costOf(pair, method, event, programs)));
    if (worstCase === 0) return [];
    if (worstCase > COST_MAX) {
      const rules = pair.rules.filter((rule) =>
        EVENTS.some((event) => isBound(rule, event, method.number)),
      );
      const longest = rules.reduce((a, b) =>
        (programs[b.number]?.length ?? 0) > (programs[a.number]?.length ?? 0) ? b : a,
      );
      const what = `${model.classes[pair.subject]?.name} -> ${model.classes[pair.target]?.name}.${targetInterface.name}.${method.name}`;
      diagnostics.push({
        severity: "error",
        ...longest.span,
        message: `judging ${what} may take ${worstCase} instructions`,
        help: `at most ${COST_MAX}: ${rules.length} rules are bound to it, this is the longest`,
      });
    }
    return [
      {
        subject: pair.subject,
        target: pair.target,
        interfaceId: pair.interfaceId,
        method: method.number,
        instructions: worstCase,
      },
    ];
  });
}

/** As kernel/monitor/blob/rules.ts recomputes it. 0 if no rule is bound. */
function costOf(
  pair: Pair,
  method: Method,
  event: CallEvent,
  programs: readonly (readonly Instruction[])[],
): number {
  const rules = pair.rules.filter((rule) => isBound(rule, event, method.number));
  if (rules.length === 0) return 0;
  const fields =
    event === Event.Request
      ? method.request.length
      : event === Event.Response
        ? method.response.length
        : 1;
  const shape = COST_BASE + fields * COST_FIELD;
  if (((pair.plain[event] >> BigInt(method.number)) & 1n) === 1n) return shape;
  const instructions = rules.reduce(
    (sum, rule) => sum + (rule.read === event ? (programs[rule.number]?.length ?? 0) : 0),
    0,
  );
  const running = pair.rules.length * COST_BINDING + instructions * COST_INSTRUCTION;
  const records = rules.filter((rule) => isRecorded(rule, event)).length;
  return shape + running + (records === 0 ? 0 : running + records * COST_RECORD);
}
