import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { FINISHING, optimizeModule } from "../ir/passes/pipeline.ts";
import { compileFunction } from "../x64/compile-function.ts";
import { findUseOfMessageWords } from "../ir/message-words.ts";
import { entryPointsOf } from "../ir/passes/entry-points.ts";
import { inMemoryOrder } from "./function-order.ts";
import { requireKeptWords } from "./kept-words.ts";

interface CompileModuleOptions {
  /** The allocation checker looks at every function. */
  readonly check: boolean;
  /**
   * Default: true. Without it, the back end meets what the optimizer would have simplified away.
   */
  readonly optimize?: boolean;
}

/** Optimizes and compiles the functions that can still be called, in their order in memory. */
export function compileModule(
  module: IrModule,
  { check, optimize = true }: CompileModuleOptions,
): MachineCode[] {
  const entryNames = new Set([...entryPointsOf(module)].map((at) => module.functions[at]!.name));
  const bodies = optimize
    ? optimizeModule(module)
    : module.functions.flatMap((entry) => (entry.kind === "defined" ? [entry.body] : []));
  if (!optimize) for (const body of bodies) for (const pass of FINISHING) pass.run(body, module);
  const codes = bodies.map((body) => {
    const code = compileFunction(body, module, { check, isEntryPoint: entryNames.has(body.name) });
    if (findUseOfMessageWords(body) !== undefined) requireKeptWords(code);
    return code;
  });
  return inMemoryOrder(module, codes);
}
