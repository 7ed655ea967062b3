/**
 * Runs steps and shows their progress: a live list on a terminal, plain lines in a file, JSON lines
 * for other programs. Steps are data, so that all three forms run the same.
 */
import { writeSync } from "node:fs";
import type { ListrTask } from "listr2";
import { DiagnosticError, formatDiagnostic } from "./diagnostic.ts";
import { formatSeconds } from "./duration.ts";

const SHOW_CURSOR = "\x1b[?25h";

export interface Step {
  readonly title: string;
  /** `note` replaces the text after the title, for example "3 of 9" or "unchanged". */
  readonly run: (note: (text: string) => void) => Promise<void>;
}

export interface StepGroup {
  readonly title: string;
  /**
   * Called when the group starts, so that earlier steps can decide its steps. They are independent:
   * all of them run, even if one fails.
   */
  readonly steps: () => readonly Step[];
  readonly parallel: number;
}

export type ProgressForm = "terminal" | "plain" | "json" | "silent";

/** The form for the current standard error. */
export function defaultForm(json: boolean): ProgressForm {
  if (json) return "json";
  return process.stderr.isTTY === true && process.env["CI"] === undefined ? "terminal" : "plain";
}

/**
 * Runs `plan` in order and stops at the first entry that throws, with its error, or the errors of
 * all steps of a group.
 */
export async function runSteps(
  plan: readonly (Step | StepGroup)[],
  form: ProgressForm,
): Promise<void> {
  if (form === "terminal") return runOnTerminal(plan);
  for (const entry of plan) {
    if (isGroup(entry)) await runGroup(entry, form);
    else await runStep(entry, form);
  }
}

function isGroup(entry: Step | StepGroup): entry is StepGroup {
  return "steps" in entry;
}

async function runGroup(group: StepGroup, form: ProgressForm): Promise<void> {
  const waiting = [...group.steps()].entries();
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const [index, step] of waiting) {
      await runStep({ ...step, title: `${group.title}: ${step.title}` }, form).catch(
        (error: unknown) => (errors[index] = error),
      );
    }
  };
  await Promise.all(Array.from({ length: group.parallel }, worker));
  throwAll(errors);
}

/**
 * Joins the diagnostics of all failed steps, in the order of the steps and without duplicates,
 * which arise if several programs share a wrong file.
 */
function throwAll(errors: readonly unknown[]): void {
  const thrown = errors.filter((error) => error !== undefined);
  if (thrown.length === 0) return;
  const ours = thrown.find((error) => !(error instanceof DiagnosticError));
  if (ours !== undefined) throw ours;
  const told = new Map(
    (thrown as DiagnosticError[])
      .flatMap(({ diagnostics }) => diagnostics)
      .map((diagnostic) => [formatDiagnostic(diagnostic), diagnostic]),
  );
  throw new DiagnosticError([...told.values()]);
}

async function runStep(step: Step, form: ProgressForm): Promise<void> {
  const start = performance.now();
  let lastNote = "";
  await step.run((text) => (lastNote = text));
  const milliseconds = performance.now() - start;
  if (form === "json") {
    process.stderr.write(
      `${JSON.stringify({ step: step.title, note: lastNote, milliseconds: Math.round(milliseconds) })}\n`,
    );
  } else if (form === "plain") {
    const note = lastNote === "" ? "" : `: ${lastNote}`;
    process.stderr.write(`  ${step.title}${note} (${formatSeconds(milliseconds)})\n`);
  }
}

/**
 * Shows the cursor again, which is hidden while the list is drawn. Writes directly, since text
 * written to `process.stderr` would appear only after the list.
 */
function interrupt(): void {
  writeSync(process.stderr.fd, SHOW_CURSOR);
  process.kill(process.pid, "SIGINT");
}

/** listr2 is loaded only here, so that plain output starts faster. */
async function runOnTerminal(plan: readonly (Step | StepGroup)[]): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
  const show = (step: Step): ListrTask => ({
    title: step.title,
    task: (_context, task) => step.run((text) => (task.title = `${step.title}: ${text}`)),
  });
  const showGroup = (group: StepGroup): ListrTask => ({
    title: group.title,
    task: (_context, task) => {
      const errors: unknown[] = [];
      const kept = (step: Step, index: number): Step => ({
        ...step,
        run: (note) =>
          step.run(note).catch((error: unknown) => Promise.reject((errors[index] = error))),
      });
      const list = task.newListr(group.steps().map(kept).map(show), {
        concurrent: group.parallel,
        exitOnError: false,
      });
      // listr2 itself would stop at the first error while other steps still run, or report success.
      const run = list.run.bind(list);
      list.run = async (context: unknown) => {
        const result = await run(context);
        throwAll(errors);
        return result;
      };
      return list;
    },
  });
  const tasks = plan.map((entry) => (isGroup(entry) ? showGroup(entry) : show(entry)));
  // listr2 checks standard output, which may be a file; the list is drawn on standard error.
  const logger = new ListrLogger({
    processOutput: new ProcessOutput(process.stderr, process.stderr),
  });
  const rendererOptions = { showErrorMessage: false, logger };
  // An interrupt must end the process by its signal; listr2 would exit with a code of its own.
  const list = new Listr(tasks, {
    renderer: "default",
    rendererOptions,
    fallbackRenderer: "default",
    fallbackRendererOptions: rendererOptions,
    registerSignalListeners: false,
  });
  process.once("SIGINT", interrupt);
  await list.run().finally(() => process.off("SIGINT", interrupt));
}
