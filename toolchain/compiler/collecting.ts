/** Which programs get the collector (services/runtime/collector.ts), and which may not have it. */
import { CallGraph, functionsNamed } from "../ir/call-graph.ts";
import type { IrModule } from "../ir/module.ts";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
import { endlessLoops } from "./endless-loops.ts";
import { COLLECTOR } from "./hidden-references.ts";

/** What a request or a notice runs: what the loop for several services calls for it. */
const HANDLERS = ["services/runtime/server/dispatch", "services/runtime/server/notifyServices"];
/** And what the loop of one service calls, it calls itself. */
const SERVES_ONE = /^services\/runtime\/server\/serve</;
const LOOP_OF_ONE = /^build\/generated\/interfaces\/\w+\/\w+Server#serveAlone</;
/** A program that has one of these serves, and so has all handlers. */
const LOOPS = ["services/runtime/server/serveLoop", "services/runtime/server/servePending"];
/** What makes objects in a program without a collector. */
const MAKERS = ["~lib/rt/stub/__new", "~lib/rt/stub/__renew"];
/** And in one with it. */
const COLLECTED_MAKERS = [`${COLLECTOR}/newObject`, `${COLLECTOR}/resizeObject`];
const HELP_ENDLESS =
  "call `collectIfDue()` (services/runtime/collector.ts) in the loop, where no local variable holds an object, or make them before it";
const HELP_ENDLESS_IN_DRIVER = "make them before the loop, and use them again";
const CREATE_THREAD = "build/generated/interfaces/Domain/DomainClient#createThread";

/** How a program without a collector makes objects. */
interface ObjectUse {
  /**
   * It makes objects while it serves, or asks for collections: without a collector its memory would
   * only grow.
   */
  readonly needsCollector: boolean;
  /** Where its own code makes one while it serves. */
  readonly madeAt: number;
}

export function objectUse(module: IrModule): ObjectUse {
  const graph = new CallGraph(module);
  const makers = functionsNamed(module, ...MAKERS);
  const handlers = functionsNamed(module, ...HANDLERS);
  // If the names change, programs would lose the collector without a word.
  if (functionsNamed(module, ...LOOPS).length > 0 && handlers.length !== HANDLERS.length)
    throw new Error(`a server loop without ${HANDLERS.join(" and ")}`);
  const loopsOfOne = module.functions.flatMap(({ name }, index) =>
    LOOP_OF_ONE.test(name) ? [index] : [],
  );
  const servesOne = module.functions.some(({ name }) => SERVES_ONE.test(name));
  if (servesOne && loopsOfOne.length === 0 && functionsNamed(module, ...LOOPS).length === 0)
    throw new Error("a program that serves has no server loop");
  const served = graph.reachableFrom([...handlers, ...loopsOfOne]);
  const isMadeWhileServing = makers.some((maker) => served.has(maker));
  return {
    needsCollector: isMadeWhileServing || functionsNamed(module, `${COLLECTOR}/collect`).length > 0,
    madeAt: isMadeWhileServing ? firstMaking(module, graph, served, graph.reaching(makers)) : -1,
  };
}

/** Of a program with the collector: whether anything ever calls it. */
export function collectsAnywhere(module: IrModule): boolean {
  return functionsNamed(module, `${COLLECTOR}/collect`).length > 0;
}

/**
 * Warns of each loop without an end that makes objects and collects none: such a program ends as
 * out of memory. A loop that something may end is not looked at: it may be a short one.
 */
export function warnOfEndlessMaking(module: IrModule, isDriver: boolean): Diagnostic[] {
  const graph = new CallGraph(module);
  const making = graph.reaching(functionsNamed(module, ...MAKERS, ...COLLECTED_MAKERS));
  const collecting = graph.reaching(functionsNamed(module, `${COLLECTOR}/collect`));
  const warnings: Diagnostic[] = [];
  for (const [index, entry] of module.functions.entries()) {
    const isLibrary = entry.name.startsWith("~lib/");
    if (entry.kind !== "defined" || isLibrary || !making.has(index)) continue;
    for (const blocks of endlessLoops(entry.body)) {
      const instructions = blocks.flatMap((block) => entry.body.blockInstructions[block]!);
      const calls = (targets: ReadonlySet<number>) =>
        instructions.find((one) =>
          graph.calledBy(index, one).some((callee) => targets.has(callee)),
        );
      const made = calls(making);
      if (made === undefined || calls(collecting) !== undefined) continue;
      warnings.push({
        severity: "warning",
        ...module.sourceOf(entry.body.origin(made)),
        message: "objects are made in a loop without an end, and never freed",
        help: isDriver ? HELP_ENDLESS_IN_DRIVER : HELP_ENDLESS,
      });
    }
  }
  return warnings;
}

/** Two threads would take the same memory for two objects, and neither runtime has a lock. */
export function refuseThreads(module: IrModule): void {
  const [createThread] = functionsNamed(module, CREATE_THREAD);
  if (createThread === undefined || functionsNamed(module, ...MAKERS).length === 0) return;
  refuse("the program starts threads and makes objects", {
    ...module.sourceOf(firstCallOf(module, createThread)),
    help: "programs with threads use `@unmanaged` classes in memory that they lay out themselves (docs/language.md, Memory)",
  });
}

/** An object is made where the program's own code calls a constructor or the library for it. */
function firstMaking(
  module: IrModule,
  graph: CallGraph,
  served: ReadonlySet<number>,
  making: ReadonlySet<number>,
): number {
  for (const index of [...served].sort((left, right) => left - right)) {
    const entry = module.functions[index]!;
    if (
      entry.kind !== "defined" ||
      entry.name.startsWith("~lib/") ||
      entry.name.endsWith("#constructor")
    )
      continue;
    for (const instruction of entry.body.blockInstructions.flat()) {
      const isMaking = graph.calledBy(index, instruction).some((callee) => {
        return making.has(callee) && /^~lib\/|#constructor$/.test(module.functions[callee]!.name);
      });
      if (isMaking) return entry.body.origin(instruction);
    }
  }
  return -1;
}

function firstCallOf(module: IrModule, callee: number): number {
  const graph = new CallGraph(module);
  for (const [index, entry] of module.functions.entries()) {
    if (entry.kind !== "defined") continue;
    for (const instruction of entry.body.blockInstructions.flat())
      if (graph.calledBy(index, instruction).includes(callee))
        return entry.body.origin(instruction);
  }
  return -1;
}
