import { expect, test } from "vitest";
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
  const c: Step = { title: "c", run: async () => { order.push("start c"); await ended.promise; order.push("end c"); } };
  const d: Step = { title: "d", run: async (note) => { await recorded(order, "d").run(note); ended.resolve(); } };
  const group = { title: "group", parallel: 2, steps: () => [recorded(order, "b"), c, d] };
  await runSteps([recorded(order, "a"), group, recorded(order, "e")], "silent");
  expect(order).toEqual(["start a", "end a", "start b", "start c", "end b", "start d", "end d", "end c", "start e", "end e"]);
});

test("the first failure ends the run with its own error", async () => {
  const order: string[] = [];
  const failing: Step = { title: "bad", run: () => Promise.reject(new Error("out of paper")) };
  await expect(runSteps([failing, recorded(order, "after")], "silent")).rejects.toThrow("out of paper");
  expect(order).toEqual([]);
});

/** A form that draws needs a place to draw on, which the test has not: nobody looks at it. */
const FORMS = ["silent", "terminal"] as const;

test.each(FORMS)("all steps of a group run, and all mistakes in it are told, each once (%s)", async (form) => {
  const order: string[] = [];
  const mistaken = (title: string, ...messages: string[]): Step => ({
    title,
    run: () => Promise.reject(new DiagnosticError(messages.map((message) => ({ severity: "error" as const, message })))),
  });
  const steps = [mistaken("late", "no paper", "no ink"), mistaken("early", "no ink", "no pen"), recorded(order, "good", 5)];
  const plan = [{ title: "group", parallel: 2, steps: () => steps }, recorded(order, "after")];
  await expect(runSteps(plan, form)).rejects.toThrow(/^no paper\nno ink\nno pen$/);
  expect(order).toEqual(["start good", "end good"]);
});

test.each(FORMS)("a mistake of ours comes before those of the user (%s)", async (form) => {
  const failing = (error: Error): Step => ({ title: "bad", run: () => Promise.reject(error) });
  const steps = [failing(new DiagnosticError([{ severity: "error", message: "no paper" }])), failing(new RangeError("out of ink"))];
  await expect(runSteps([{ title: "group", parallel: 2, steps: () => steps }], form)).rejects.toThrow(RangeError);
});
