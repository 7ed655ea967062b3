import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { DiagnosticError } from "./diagnostic.ts";
import { runSteps, type Step } from "./progress.ts";

function recorded(titles: string[], title: string, milliseconds = 0): Step {
  return {
    title,
    run: async (note) => {
      titles.push(`start ${title}`);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      note("done");
      titles.push(`end ${title}`);
    },
  };
}

test("steps run one after the other, a group as many at once as it says", async () => {
  const order: string[] = [];
  const ended = Promise.withResolvers<void>();
  const c: Step = {
    title: "c",
    run: async () => {
      order.push("start c");
      await ended.promise;
      order.push("end c");
    },
  };
  const d: Step = {
    title: "d",
    run: async (note) => {
      await recorded(order, "d").run(note);
      ended.resolve();
    },
  };
  const group = { title: "group", parallel: 2, steps: () => [recorded(order, "b"), c, d] };
  await runSteps([recorded(order, "a"), group, recorded(order, "e")], "silent");
  expect(order).toEqual([
    "start a",
    "end a",
    "start b",
    "start c",
    "end b",
    "start d",
    "end d",
    "end c",
    "start e",
    "end e",
  ]);
});

test("the first failure ends the run with its own error", async () => {
  const order: string[] = [];
  const failing: Step = { title: "bad", run: () => Promise.reject(new Error("out of paper")) };
  await expect(runSteps([failing, recorded(order, "after")], "silent")).rejects.toThrow(
    "out of paper",
  );
  expect(order).toEqual([]);
});

const FORMS = ["silent", "terminal"] as const;

// Nobody looks at what is drawn here.
beforeEach(() => {
  const drawn = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => drawn.mockRestore());
});

test.each(FORMS)(
  "all steps of a group run, and all mistakes in it are told, each once (%s)",
  async (form) => {
    const order: string[] = [];
    const mistaken = (title: string, ...messages: string[]): Step => ({
      title,
      run: () =>
        Promise.reject(
          new DiagnosticError(messages.map((message) => ({ severity: "error" as const, message }))),
        ),
    });
    const steps = [
      mistaken("late", "no paper", "no ink"),
      mistaken("early", "no ink", "no pen"),
      recorded(order, "good", 5),
    ];
    const plan = [{ title: "group", parallel: 2, steps: () => steps }, recorded(order, "after")];
    await expect(runSteps(plan, form)).rejects.toThrow(/^no paper\nno ink\nno pen$/);
    expect(order).toEqual(["start good", "end good"]);
  },
);

test.each(FORMS)("a mistake of ours comes before those of the user (%s)", async (form) => {
  const failing = (error: Error): Step => ({ title: "bad", run: () => Promise.reject(error) });
  const steps = [
    failing(new DiagnosticError([{ severity: "error", message: "no paper" }])),
    failing(new RangeError("out of ink")),
  ];
  await expect(
    runSteps([{ title: "group", parallel: 2, steps: () => steps }], form),
  ).rejects.toThrow(RangeError);
});

/** A process that shows `run` as the only step of a build on its terminal, which is here a pipe. */
function stepInProcess(run: string): ChildProcessByStdio<null, Readable, Readable> {
  const program = `const { runSteps } = await import(${JSON.stringify(fileURLToPath(new URL("progress.ts", import.meta.url)))});
await runSteps([{ title: "print", run: ${run} }], "terminal");`;
  return spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("what is shown goes to standard error alone", async () => {
  const child = stepInProcess('async (note) => note("done")');
  const [output, shown] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(output).toBe("");
  expect(shown).toContain("print: done");
});

test("an interrupt ends the process as an interrupt, with a cursor", async () => {
  const child = stepInProcess("() => new Promise((resolve) => setTimeout(resolve, 10_000))");
  let shown = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => {
    if (!shown.includes("print") && more.includes("print")) child.kill("SIGINT");
    shown += more;
  });
  const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  expect(signal).toBe("SIGINT");
  expect(shown.slice(shown.lastIndexOf("\x1b[?25"))).toMatch(/^\x1b\[\?25h/);
});
