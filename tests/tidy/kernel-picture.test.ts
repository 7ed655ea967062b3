import { join } from "node:path";
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { expect, test } from "vitest";
import { kernelPicture } from "./kernel-picture.ts";
import { ROOT } from "./source-tree.ts";

// After a change of the floors: `npx vitest run tests/tidy/kernel-picture.test.ts -u`.
test("docs/kernel-floors.svg is drawn from the table of floors", async () => {
  const graphviz = await Graphviz.load();
  const svg = graphviz.dot(kernelPicture(), "svg");
  await expect(svg).toMatchFileSnapshot(join(ROOT, "docs/kernel-floors.svg"));
});
