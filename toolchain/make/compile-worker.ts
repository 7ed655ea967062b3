/** A compiler thread: runs one job at a time and sends its result back. */
import { parentPort } from "node:worker_threads";
import { DiagnosticError, systemRefusal } from "../report/diagnostic.ts";
import { type CompileJob, runCompileJob } from "./compile-job.ts";
import type { WorkerAnswer } from "./compile-pool.ts";

parentPort?.on("message", (job: CompileJob) => {
  void answer(job).then((message) => parentPort?.postMessage(message));
});

async function answer(job: CompileJob): Promise<WorkerAnswer> {
  try {
    return { kind: "result", ...(await runCompileJob(job)) };
  } catch (error) {
    if (error instanceof DiagnosticError)
      return { kind: "diagnostics", diagnostics: error.diagnostics };
    const refusal = systemRefusal(error);
    if (refusal !== undefined) return { kind: "diagnostics", diagnostics: [refusal] };
    return {
      kind: "error",
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}
