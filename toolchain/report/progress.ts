/**
 * Work shown as it goes: a live list on a terminal, plain lines where the output is kept, JSON lines for other programs.
 * A step is data, so that the three forms cannot differ in what they run.
 */
import type { ListrTask } from "listr2";
import { formatSeconds } from "./duration.ts";

export interface Step {
  readonly title: string;
  /** `note` replaces what stands behind the title, for example "3 of 9" or "unchanged". */
  readonly run: (note: (text: string) => void) => Promise<void>;
}

export interface StepGroup {
  readonly title: string;
  /** Asked when the group starts: earlier steps may decide what it holds. */
  readonly steps: () => readonly Step[];
  readonly parallel: number;
}

export type ProgressForm = "terminal" | "plain" | "json" | "silent";

/** What fits where standard error goes. */
export function defaultForm(json: boolean): ProgressForm {
  if (json) return "json";
  return process.stderr.isTTY === true && process.env["CI"] === undefined ? "terminal" : "plain";
}

/** Runs `plan` in order and stops at the first step that throws, with its error. */
export async function runSteps(plan: readonly (Step | StepGroup)[], form: ProgressForm): Promise<void> {
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
  const waiting = [...group.steps()];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const run = runStep({ ...step, title: `${group.title}: ${step.title}` }, form);
      // After a failure nothing more is started; what runs already runs to its end.
      await run.catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: group.parallel }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function runStep(step: Step, form: ProgressForm): Promise<void> {
  const start = performance.now();
  let lastNote = "";
  await step.run((text) => (lastNote = text));
  const milliseconds = performance.now() - start;
  if (form === "json") {
    process.stderr.write(`${JSON.stringify({ step: step.title, note: lastNote, milliseconds: Math.round(milliseconds) })}\n`);
  } else if (form === "plain") {
    const note = lastNote === "" ? "" : `: ${lastNote}`;
    process.stderr.write(`  ${step.title}${note} (${formatSeconds(milliseconds)})\n`);
  }
}

/** listr2 is loaded only here: plain output starts without it. */
async function runOnTerminal(plan: readonly (Step | StepGroup)[]): Promise<void> {
  const { Listr } = await import("listr2");
  const show = (step: Step): ListrTask => ({
    title: step.title,
    task: (_context, task) => step.run((text) => (task.title = `${step.title}: ${text}`)),
  });
  const showGroup = (group: StepGroup): ListrTask => ({
    title: group.title,
    task: (_context, task) => task.newListr(group.steps().map(show), { concurrent: group.parallel }),
  });
  const tasks = plan.map((entry) => (isGroup(entry) ? showGroup(entry) : show(entry)));
  await new Listr(tasks, { renderer: "default", rendererOptions: { showErrorMessage: false } }).run();
}
