/**
 * What a compiler thread can be asked for. Options and results cross a thread's boundary: plain
 * data only.
 */
import type { CompiledProgram, CompileOptions } from "../compiler/compiled-program.ts";
import type { BuiltKernel, KernelOptions } from "../image/kernel.ts";
import { type Inputs, recordInputs } from "../cache/inputs.ts";

export type CompileJob =
  | { readonly kind: "program"; readonly options: CompileOptions }
  | { readonly kind: "kernel"; readonly options: KernelOptions };

export type CompileJobResult<Job extends CompileJob = CompileJob> = Job extends {
  readonly kind: "kernel";
}
  ? BuiltKernel
  : CompiledProgram;

/**
 * What a job made, and what it read: the thread's own record, which the asking thread adds to that
 * of its work.
 */
export interface CompileJobAnswer<Job extends CompileJob = CompileJob> {
  readonly result: CompileJobResult<Job>;
  readonly inputs: Inputs;
}

export function runCompileJob(job: CompileJob): Promise<CompileJobAnswer> {
  return recordInputs(() => compile(job));
}

/** Loads the compiler when the first job comes: a thread that starts costs nothing before. */
async function compile(job: CompileJob): Promise<CompileJobResult> {
  if (job.kind === "kernel") {
    const { buildKernel } = await import("../image/kernel.ts");
    return buildKernel(job.options);
  }
  const { compileProgram } = await import("../compiler/compile.ts");
  return compileProgram(job.options);
}
