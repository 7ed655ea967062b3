import { buildModule } from "../ir/build.ts";
import type { IrModule, Level, Target } from "../ir/module.ts";
import { DiagnosticError, refuse } from "../report/diagnostic.ts";
import { type AssemblyScriptResult, compileAssemblyScript } from "./asc.ts";
import { collectsAnywhere, objectUse, refuseThreads, warnOfEndlessMaking } from "./collecting.ts";
import { findHiddenReferences } from "./hidden-references.ts";
import { sourcePositions } from "./source-positions.ts";

interface ReadOptions {
  readonly root: string;
  readonly entry: string;
  readonly target: Target;
  readonly name: string;
  readonly virtualFiles?: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
  readonly memoryPagesMax?: number;
  readonly level?: Level;
  readonly isDriver?: boolean;
}

interface ProgramRead {
  readonly source: AssemblyScriptResult;
  readonly module: IrModule;
  readonly collects: boolean;
}

/**
 * Compiles TypeScript to the module that the back end takes. A program that makes objects while it
 * serves is compiled once more with the collector, and refused where it could hide a reference from
 * the collector. `step` is called with the name of each finished step.
 */
export async function readProgram(
  options: ReadOptions,
  step: (name: string) => void = () => {},
): Promise<ProgramRead> {
  const { root, entry, target, name, virtualFiles = {}, memoryPagesMax, level } = options;
  const size = memoryPagesMax === undefined ? {} : { memoryPagesMax };
  const read = async (collects: boolean): Promise<ProgramRead> => {
    const source = await compileAssemblyScript({
      root,
      entry,
      target,
      virtualFiles,
      collects,
      ...size,
    });
    step("asc");
    const module = buildModule(source.wasm, {
      name,
      target,
      sourceOf: sourcePositions(source.wasm, source.sourceMap, name),
      ...size,
      ...(level === undefined ? {} : { level }),
    });
    step("build");
    return { source, module, collects };
  };
  const plain = await read(false);
  if (target !== "domain") return plain;
  refuseThreads(plain.module);
  const { needsCollector, madeAt } = objectUse(plain.module);
  if (!needsCollector) return warned(plain, options);
  if (options.isDriver === true) refuseInDriver(plain.module, madeAt, entry);
  const collecting = await read(true);
  if (!collectsAnywhere(collecting.module)) refuseOwnLoop(plain.module, madeAt, entry);
  const hidden = findHiddenReferences(collecting.module, collecting.source.references);
  if (hidden.length > 0) throw new DiagnosticError(hidden);
  return warned(collecting, options);
}

function warned(read: ProgramRead, { isDriver }: ReadOptions): ProgramRead {
  const warnings = warnOfEndlessMaking(read.module, isDriver === true);
  return {
    ...read,
    source: { ...read.source, diagnostics: [...read.source.diagnostics, ...warnings] },
  };
}

function refuseInDriver(module: IrModule, madeAt: number, entry: string): never {
  refuse("a driver makes objects while it serves", {
    ...(module.sourceOf(madeAt) ?? { file: entry, line: 1, column: 1 }),
    help: "a driver must not pause to collect them: make objects when it starts, and use them again",
  });
}

function refuseOwnLoop(module: IrModule, madeAt: number, entry: string): never {
  refuse("the program makes objects while it serves, and its own loop collects none", {
    ...(module.sourceOf(madeAt) ?? { file: entry, line: 1, column: 1 }),
    help: "call `collectIfDue()` (services/runtime/collector.ts) in the loop, where no local variable holds an object; `serveLoop` does",
  });
}
