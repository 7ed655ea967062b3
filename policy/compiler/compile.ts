/**
 * The policy compiler: an image, its programs, their interfaces and the policy files → one blob,
 * ready to be signed.
 *
 *   parse     text → syntax                     plain-text.ts, tokens.ts, parse.ts
 *   resolve   names → classes, methods, words   resolve.ts, names.ts, ownership.ts, condition.ts,
 *                                               image.ts, interfaces.ts
 *   close     rules → access matrix, costs      close.ts, lower.ts
 *   check     `never`, `expect`, warnings       check.ts, flow.ts, expect.ts on evaluate.ts,
 *                                               useless.ts, decision-diagram.ts
 *   emit      → bytes                           emit.ts
 */
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { BLOB_BYTES_MAX } from "../../kernel/abi/blob.ts";
import { checkNevers } from "./check.ts";
import { type Cost, type Matrix, close } from "./close.ts";
import { emit } from "./emit.ts";
import { runExpects } from "./expect.ts";
import type { Mistakes } from "./mistakes.ts";
import type { Model, SystemInput } from "./model.ts";
import { parsePolicies } from "./parse.ts";
import { resolve } from "./resolve.ts";
import { type Sidecar, describeSystem } from "./sidecar.ts";
import { findUseless } from "./useless.ts";

export type { ProgramInput, SystemInput } from "./model.ts";
export type { PolicyFile } from "./parse.ts";

export interface CompiledSystem {
  /** Undefined where `diagnostics` holds an error. Unsigned. */
  readonly blob: Uint8Array<ArrayBuffer> | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Warnings: what a sound policy says without effect. */
  readonly useless: readonly Diagnostic[];
  readonly costs: readonly Cost[];
  readonly sidecar: Sidecar | undefined;
  readonly expects: { readonly passed: number; readonly failed: number };
  /** For tests and tools; undefined where names do not resolve. */
  readonly model: Model | undefined;
  readonly matrix: Matrix | undefined;
}

/**
 * Never throws for what its input says: mistakes come back as diagnostics, the first of each syntax
 * error of a file, at most MISTAKES_SHOWN and how many more.
 */
export async function compileSystem(input: SystemInput): Promise<CompiledSystem> {
  const { modules, mistakes: unreadable } = parsePolicies(input.policyFiles);
  if (unreadable.count > 0) return failed(unreadable);

  const { model, names } = await resolve(input, modules);
  const { mistakes } = names;
  if (model === undefined) return failed(mistakes);

  const closed = close(model);
  mistakes.add(closed.diagnostics);
  checkNevers(model, closed.matrix, names);
  const expects = runExpects(model, names);
  if (mistakes.count > 0)
    return {
      ...failed(mistakes),
      costs: closed.matrix.costs,
      expects,
      model,
      matrix: closed.matrix,
    };

  const blob = emit(model, closed.matrix);
  if (blob.length > BLOB_BYTES_MAX) {
    mistakes.add([
      {
        severity: "error",
        message: `the policy takes ${blob.length} bytes`,
        help: `the kernel takes at most ${BLOB_BYTES_MAX}: name sets of classes in fewer rules`,
      },
    ]);
    return failed(mistakes);
  }
  return {
    blob,
    diagnostics: mistakes.diagnostics(),
    useless: await findUseless(input, model, closed.matrix, names),
    costs: closed.matrix.costs,
    sidecar: describeSystem(model, closed.matrix),
    expects,
    model,
    matrix: closed.matrix,
  };
}

function failed(mistakes: Mistakes): CompiledSystem {
  return {
    blob: undefined,
    diagnostics: mistakes.diagnostics(),
    useless: [],
    costs: [],
    sidecar: undefined,
    expects: { passed: 0, failed: 0 },
    model: undefined,
    matrix: undefined,
  };
}
