import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { optimize } from "../ir/pipeline.ts";
import { compileFunction } from "../x64/compile-function.ts";

/** Optimizes and compiles every function of a module, in index order. */
export function compileModule(module: IrModule, check: boolean): MachineCode[] {
  const codes: MachineCode[] = [];
  const bodies = module.functions.flatMap((entry) => (entry.kind === "defined" ? [entry.body] : []));
  for (const body of bodies) optimize(body, module);
  for (const body of bodies) codes.push(compileFunction(body, module, { check }));
  return codes;
}
