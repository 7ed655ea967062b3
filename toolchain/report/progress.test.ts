import { expect, test } from "vitest";
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
  const group = { title: "group", parallel: 2, steps: () => [recorded(order, "b", 20), recorded(order, "c", 40), recorded(order, "d")] };
  await runSteps([recorded(order, "a"), group, recorded(order, "e")], "silent");
  expect(order).toEqual(["start a", "end a", "start b", "start c", "end b", "start d", "end d", "end c", "start e", "end e"]);
});

test("the first failure ends the run with its own error", async () => {
  const order: string[] = [];
  const failing: Step = { title: "bad", run: () => Promise.reject(new Error("out of paper")) };
  await expect(runSteps([failing, recorded(order, "after")], "silent")).rejects.toThrow("out of paper");
  expect(order).toEqual([]);
});

test("a failure in a group ends the run as well", async () => {
  const failing: Step = { title: "bad", run: () => Promise.reject(new Error("out of ink")) };
  await expect(runSteps([{ title: "group", parallel: 2, steps: () => [failing] }], "silent")).rejects.toThrow("out of ink");
});
