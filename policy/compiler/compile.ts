/**
 * The policy compiler: an image, its programs, their interfaces and the policy files → one blob, ready to be signed.
 *
 *   parse     text → syntax                         parse.ts, grammar.ts, read-syntax.ts
 *   resolve   names → classes, methods, words       resolve.ts, names.ts, condition.ts, image.ts, interfaces.ts
 *   close     rules → access matrix, costs          close.ts, lower.ts
 *   check     `never`, `expect`                     check.ts, flow.ts, expect.ts on evaluate.ts
 *   emit      → bytes                               emit.ts
 */
import { type Diagnostic, formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { BLOB_BYTES_MAX } from "../../kernel/abi/blob.ts";
import { checkNevers } from "./check.ts";
import { type Cost, type Matrix, close } from "./close.ts";
import { emit } from "./emit.ts";
import { runExpects } from "./expect.ts";
import type { Model, SystemInput } from "./model.ts";
import { parsePolicy } from "./parse.ts";
import { resolve } from "./resolve.ts";
import { type Sidecar, describeSystem } from "./sidecar.ts";
import type { Module } from "./syntax.ts";

export type { ProgramInput, SystemInput } from "./model.ts";
export type { PolicyFile } from "./parse.ts";

export interface CompiledSystem {
  /** Undefined where `diagnostics` holds an error. Unsigned. */
  readonly blob: Uint8Array<ArrayBuffer> | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly costs: readonly Cost[];
  readonly sidecar: Sidecar | undefined;
  readonly expects: { readonly passed: number; readonly failed: number };
  /** For tests and tools; undefined where names do not resolve. */
  readonly model: Model | undefined;
  readonly matrix: Matrix | undefined;
}

/** Never throws for what its input says: mistakes come back as diagnostics, at most one for each syntax error of a file. */
export async function compileSystem(input: SystemInput): Promise<CompiledSystem> {
  const diagnostics: Diagnostic[] = [];
  const modules: Module[] = [];
  // The same system gives the same bytes, in whatever order its files were found.
  for (const file of [...input.policyFiles].sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const parsed = await parsePolicy(file);
    diagnostics.push(...parsed.diagnostics);
    if (parsed.module !== undefined) modules.push(parsed.module);
  }
  if (hasError(diagnostics)) return failed(diagnostics);

  const resolved = await resolve(input, modules);
  if (resolved.model === undefined) return failed([...diagnostics, ...resolved.diagnostics]);
  const { model, names } = resolved;
  diagnostics.push(...resolved.diagnostics);

  const closed = close(model);
  diagnostics.push(...closed.diagnostics, ...checkNevers(model, closed.matrix, names));
  const expects = runExpects(model, names);
  diagnostics.push(...expects.diagnostics);
  const counts = { passed: expects.passed, failed: expects.failed };
  if (hasError(diagnostics)) return { ...failed(diagnostics), costs: closed.matrix.costs, expects: counts, model, matrix: closed.matrix };

  const blob = emit(model, closed.matrix);
  if (blob.length > BLOB_BYTES_MAX) {
    return failed([...diagnostics, { severity: "error", message: `the policy takes ${blob.length} bytes`, help: `the kernel takes at most ${BLOB_BYTES_MAX}: name sets of classes in fewer rules` }]);
  }
  return { blob, diagnostics, costs: closed.matrix.costs, sidecar: describeSystem(model, closed.matrix), expects: counts, model, matrix: closed.matrix };
}

function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

function failed(diagnostics: readonly Diagnostic[]): CompiledSystem {
  return { blob: undefined, diagnostics: distinct(diagnostics), costs: [], sidecar: undefined, expects: { passed: 0, failed: 0 }, model: undefined, matrix: undefined };
}

/** A mistake in an interface's rules is found once for each `use`. */
function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(diagnostics.map((diagnostic) => [formatDiagnostic(diagnostic), diagnostic])).values()];
}
