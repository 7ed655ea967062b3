// An image is rebuilt after each edit to one of its sources, wherever the source lies: no file here
// is in a folder that the tools know.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTestImage } from "../support/build.ts";
import { TreeCopy } from "../support/tree-copy.ts";

const FILES: Readonly<Record<string, string>> = {
  "images/lonely.image.ts": `import { defineImage } from "../toolchain/vocabulary/image.ts";
import { pages } from "../apps/quota.ts";
export default defineImage({
  name: "lonely", version: 1, policy: ["apps/*.policy"],
  slots: { alone: { program: "apps/alone", class: "Alone", priority: 100, quota: { pages } } },
});
`,
  "apps/quota.ts": "export const pages = 64;\n",
  "apps/alone.policy":
    "module alone\nclass Alone\nallow execute Alone program alone\nallow Alone -> kernel.Clock { now }\n",
  "apps/alone/program.ts": `import { defineProgram } from "../../toolchain/vocabulary/program.ts";
export default defineProgram({ name: "alone", entry: "main.ts", kernel: { clock: "Clock" } });
`,
  "apps/alone/main.ts": `import { clock } from "../../build/generated/programs/alone";
import { wait } from "../../shared/wait";
export function main(): void { while (true) wait(clock.now().nanoseconds); }
`,
  "shared/wait/index.ts":
    "export function wait(time: u64): void { store<u64>(70000, time); }\nmemory.data(16384);\n",
};

let tree: TreeCopy;
beforeAll(() => {
  buildTestImage("main");
  tree = new TreeCopy();
  tree.takeBuilt();
  for (const [file, text] of Object.entries(FILES)) write(file, text);
});
afterAll(() => tree.remove());

function write(file: string, text: string): void {
  mkdirSync(dirname(join(tree.root, file)), { recursive: true });
  writeFileSync(join(tree.root, file), text);
}

function build(): Buffer {
  const { archivePath } = JSON.parse(tree.shell("./trine --json build lonely --medium kernel")) as {
    readonly archivePath: string;
  };
  return readFileSync(join(tree.root, archivePath));
}

test("an edit to any source of an image rebuilds the image", () => {
  let before = build();
  const edits: readonly (readonly [string, string])[] = [
    ["shared/wait/index.ts", FILES["shared/wait/index.ts"]!.replace("70000", "70008")],
    ["shared/wait.ts", FILES["shared/wait/index.ts"]!.replace("70000", "70016")],
    ["apps/quota.ts", "export const pages = 65;\n"],
    ["apps/more.policy", "module more\nclass More\n"],
  ];
  for (const [file, text] of edits) {
    write(file, text);
    const after = build();
    expect(after.equals(before), `${file} was edited or has appeared`).toBe(false);
    before = after;
  }
});

test("a mistake in the policy is reported before anything is compiled", () => {
  write("apps/alone/main.ts", `${FILES["apps/alone/main.ts"]}// changed\n`);
  write("apps/alone.policy", FILES["apps/alone.policy"]!.replace("now", "nowt"));
  let said = "";
  try {
    build();
  } catch (error) {
    said = String((error as { readonly stderr: string }).stderr);
  }
  expect(said).toContain("nowt");
  expect(said).not.toContain('"step":"compile');
});
