/** The passes from construction to the form that the back end takes, in their order. */
import type { IrFunction } from "./function.ts";
import type { IrModule } from "./module.ts";
import { splitCriticalEdges } from "./passes/critical-edges.ts";
import { layout } from "./passes/layout.ts";
import { removeParameters } from "./passes/parameters.ts";
import { schedule } from "./passes/schedule.ts";

interface Pass {
  readonly name: string;
  readonly why: string;
  run(fn: IrFunction, module: IrModule): void;
}

export const PASSES: readonly Pass[] = [
  { name: "parameters", why: "construction asks for parameters on suspicion", run: removeParameters },
  { name: "critical edges", why: "no pass behind it changes the graph, so that none comes back", run: splitCriticalEdges },
  { name: "schedule", why: "needs the final graph", run: schedule },
  { name: "layout", why: "needs the final lengths of loop headers", run: layout },
];

/** Optimizes, schedules and lays out `fn`: afterwards it satisfies what IrFunction says of scheduled functions, and no edge is critical. */
export function optimize(fn: IrFunction, module: IrModule): void {
  for (const pass of PASSES) pass.run(fn, module);
}
