/** The passes from construction to the form that the back end takes, in their order. */
import type { IrFunction } from "../function.ts";
import { otherwiseReachable, planInlining } from "./inline-plan.ts";
import type { IrModule } from "../module.ts";
import { Opcode } from "../opcode.ts";
import { simplifyControl } from "./control.ts";
import { splitCriticalEdges } from "./critical-edges.ts";
import { passDecidedTests } from "./decided-tests.ts";
import { removeDeadReads } from "./dead-reads.ts";
import { removeDeadStores } from "./dead-stores.ts";
import { foldValues } from "./fold.ts";
import { inlineCalls } from "./inline.ts";
import { useKnownConditions } from "./known-conditions.ts";
import { layout } from "./layout.ts";
import { mergeLoads } from "./loads.ts";
import { removeParameters } from "./parameters.ts";
import { separateReturns } from "./returns.ts";
import { schedule } from "./schedule.ts";
import { formSelects } from "./selects.ts";
import { formSwitches } from "./switches.ts";

interface Pass {
  readonly name: string;
  readonly why: string;
  /** Whether anything changed. */
  run(fn: IrFunction, module: IrModule): boolean;
}

/** Run in turn until nothing changes: each makes work for the others. */
const SIMPLIFYING: readonly Pass[] = [
  {
    name: "parameters",
    why: "first, because construction asks for parameters on suspicion and they hide equal values",
    run: removeParameters,
  },
  {
    name: "fold",
    why: "behind parameters: what is left of them are real differences",
    run: foldValues,
  },
  { name: "control", why: "behind fold: branches on constants are known", run: simplifyControl },
  {
    name: "decided tests",
    why: "before selects, which hide what an edge brings",
    run: passDecidedTests,
  },
  {
    name: "known conditions",
    why: "behind decided tests: fewer edges meet in front of a test",
    run: useKnownConditions,
  },
  { name: "selects", why: "behind control: edges lead past empty arms", run: formSelects },
];

/**
 * Run once on each function behind inlining, callees first. Each is followed by the simplifying
 * passes.
 */
const IMPROVING: readonly Pass[] = [
  {
    name: "loads",
    why: "behind inlining: accessors have become loads and stores",
    run: mergeLoads,
  },
  {
    name: "dead reads",
    why: "behind loads: merging leaves what nothing uses",
    run: (fn, module) => removeDeadReads(fn, module.target),
  },
  {
    name: "dead stores",
    why: "behind loads: what was stored is in a value, and nothing reads it back",
    run: (fn, module) => removeDeadStores(fn, module.target),
  },
  {
    name: "switches",
    why: "behind loads: each test of a chain may have loaded what it tests",
    run: formSwitches,
  },
];

/** Run once, last. Nothing behind the first of them changes the graph or a value. */
export const FINISHING: readonly Pass[] = [
  {
    name: "returns",
    why: "before critical edges, which it makes fewer",
    run: always(separateReturns),
  },
  {
    name: "critical edges",
    why: "no pass behind it changes the graph, so that none comes back",
    run: always(splitCriticalEdges),
  },
  { name: "schedule", why: "needs the final graph", run: always(schedule) },
  { name: "layout", why: "needs the final lengths of loop headers", run: always(layout) },
];

/**
 * At most this many rounds of the simplifying passes: two rules that undo each other must not run
 * without end.
 */
const ROUNDS_MAX = 6;

/**
 * Optimizes, schedules and lays out `fn`: afterwards it satisfies what IrFunction says of scheduled
 * functions, and no edge is critical. The first call for a module does what needs all of its
 * functions; the result does not depend on the order of calls.
 */
export function optimize(fn: IrFunction, module: IrModule): void {
  improveModule(module);
  if (!improved.has(fn)) simplifyFully(fn, module);
  for (const pass of FINISHING) pass.run(fn, module);
}

/**
 * Optimizes all functions and returns those that are still called: a function that was inlined
 * everywhere needs no code.
 */
export function optimizeModule(module: IrModule): IrFunction[] {
  improveModule(module);
  const bodies = liveFunctions(module);
  for (const body of bodies) optimize(body, module);
  return bodies;
}

const improvedModules = new WeakSet<IrModule>();
const improved = new WeakSet<IrFunction>();

function improveModule(module: IrModule): void {
  if (improvedModules.has(module)) return;
  improvedModules.add(module);
  const decide = planInlining(module, (fn) => improved.has(fn));
  for (const fn of calleesFirst(module)) {
    simplifyFully(fn, module);
    // The callees are final, so their size is the cost of a copy.
    if (inlineCalls(fn, module, decide)) simplifyFully(fn, module);
    for (const pass of IMPROVING) if (pass.run(fn, module)) simplifyFully(fn, module);
    improved.add(fn);
  }
}

function simplifyFully(fn: IrFunction, module: IrModule): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let changed = false;
    for (const pass of SIMPLIFYING) changed = pass.run(fn, module) || changed;
    if (!changed) return;
  }
}

/** A postorder of the call graph: callees stand before their callers, but for recursion. */
function calleesFirst(module: IrModule): IrFunction[] {
  const result: IrFunction[] = [];
  const isSeen = new Uint8Array(module.functions.length);
  for (let root = 0; root < module.functions.length; root++) {
    const stack: { index: number; callees: number[] }[] = [];
    const enter = (index: number): void => {
      if (isSeen[index]) return;
      isSeen[index] = 1;
      stack.push({ index, callees: calleesOf(module, index) });
    };
    enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const callee = top.callees.pop();
      if (callee !== undefined) {
        enter(callee);
        continue;
      }
      stack.pop();
      const entry = module.functions[top.index]!;
      if (entry.kind === "defined") result.push(entry.body);
    }
  }
  return result;
}

function calleesOf(module: IrModule, index: number): number[] {
  const entry = module.functions[index]!;
  if (entry.kind !== "defined") return [];
  const { body } = entry;
  return body.blockInstructions
    .flat()
    .flatMap((instruction) =>
      body.opcode(instruction) === Opcode.Call ? [body.immediate(instruction)] : [],
    );
}

function liveFunctions(module: IrModule): IrFunction[] {
  const isLive = new Uint8Array(module.functions.length);
  const work = otherwiseReachable(module);
  for (let index = work.pop(); index !== undefined; index = work.pop()) {
    if (isLive[index]) continue;
    isLive[index] = 1;
    work.push(...calleesOf(module, index));
  }
  return module.functions.flatMap((entry, index) =>
    entry.kind === "defined" && isLive[index] ? [entry.body] : [],
  );
}

function always(run: (fn: IrFunction) => void): (fn: IrFunction) => boolean {
  return (fn) => {
    run(fn);
    return true;
  };
}
