/**
 * Compiles in other threads, as many at once as the plan says; each thread loads the compiler once.
 */
import { Worker } from "node:worker_threads";
import { type Diagnostic, DiagnosticError } from "../report/diagnostic.ts";
import type { CompileJob, CompileJobAnswer, CompileJobResult } from "./compile-job.ts";
import { noteInputs } from "../cache/inputs.ts";

/** What a worker sends back: the result, diagnostics, or the text of an error of ours. */
export type WorkerAnswer =
  | ({ readonly kind: "result" } & CompileJobAnswer)
  | { readonly kind: "diagnostics"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "error"; readonly text: string };

const OUTPUT_CHARACTERS_MAX = 65536;
/** Node's options for a thread that runs from source, as under vitest. */
const FOR_SOURCES = ["--experimental-transform-types", "--no-warnings"];

export class CompilePool {
  private readonly idle: Worker[] = [];
  private readonly all: Worker[] = [];
  /**
   * Output of the threads on their streams: asc writes there when it crashes, and then ends its
   * thread.
   */
  private readonly output = new Map<Worker, string>();

  /** Runs `job` in an idle thread, or in a new one. The caller limits how many run at once. */
  async run<Job extends CompileJob>(job: Job): Promise<CompileJobResult<Job>> {
    const worker = this.idle.pop() ?? this.add();
    const answer = await ask(worker, job, () => crashOf(job, this.output.get(worker) ?? ""));
    this.idle.push(worker);
    switch (answer.kind) {
      case "result":
        noteInputs(answer.inputs);
        return answer.result as CompileJobResult<Job>;
      case "diagnostics":
        throw new DiagnosticError(answer.diagnostics);
      case "error":
        throw new Error(answer.text);
    }
  }

  /** Ends all threads, those at work too: after an error elsewhere their results are not used. */
  async close(): Promise<void> {
    this.idle.length = 0;
    await Promise.all(this.all.splice(0).map((worker) => worker.terminate()));
  }

  private add(): Worker {
    const file = workerFile();
    const worker = new Worker(file, {
      stderr: true,
      ...(file.pathname.endsWith(".ts") ? { execArgv: FOR_SOURCES } : {}),
    });
    worker.stderr
      .setEncoding("utf8")
      .on("data", (text: string) =>
        this.output.set(
          worker,
          `${this.output.get(worker) ?? ""}${text}`.slice(-OUTPUT_CHARACTERS_MAX),
        ),
      );
    this.all.push(worker);
    return worker;
  }
}

/** The bundle lies beside the bundled tools, the source beside this source. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./compile-worker.${extension}`, import.meta.url);
}

/**
 * A thread that ended without an answer was ended by asc, which says why on its standard error,
 * with a stack that says nothing about the program.
 */
export function crashOf(job: CompileJob, said: string): DiagnosticError {
  const reason = /\b\w*Error: .*/.exec(said)?.[0] ?? "no reason is known";
  const file = job.kind === "program" ? job.options.entry : "kernel/entry/main.ts";
  const help =
    "often a generic type or function that makes itself with ever larger types; take away what was added last";
  return new DiagnosticError([
    {
      severity: "error",
      file,
      line: 1,
      column: 1,
      message: `the AssemblyScript compiler crashed on this program: ${reason}`,
      help,
    },
  ]);
}

function ask(worker: Worker, job: CompileJob, crash: () => DiagnosticError): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(crash());
    worker.once("message", (answer: WorkerAnswer) => {
      worker.off("error", reject).off("exit", onExit);
      resolve(answer);
    });
    worker.once("error", reject).once("exit", onExit);
    worker.postMessage(job);
  });
}
