import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadImage } from "./description.ts";

let root = "";
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "trine-image-"))));
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, value: unknown): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), `export default ${JSON.stringify(value)};\n`);
}

const slot = (program: string) => ({ program, class: "A", priority: 1, quota: { pages: 1 } });

test("an image names its programs, each once, in order of first use", async () => {
  write("images/small.image.ts", { name: "small", slots: { a: slot("services/b"), b: slot("services/a"), c: slot("services/b") } });
  write("services/a/program.ts", { name: "a", entry: "main.ts" });
  write("services/b/program.ts", { name: "b", entry: "main.ts" });
  const { programs } = await loadImage(root, "small");
  expect(programs.map(({ folder, description }) => [folder, description.name])).toEqual([["services/b", "b"], ["services/a", "a"]]);
});

test("an image that does not exist is answered with those that do", async () => {
  write("images/small.image.ts", { name: "small", slots: {} });
  await expect(loadImage(root, "smal")).rejects.toThrow("images/smal.image.ts: there is no image `smal`; help: images are small");
});

test.each([
  ["has no slots", { name: "x" }, "an image has `slots`"],
  ["has another name than its file", { name: "y", slots: {} }, "the image calls itself `y`; help: name it `x`"],
  ["names a folder without a manifest", { name: "x", slots: { a: slot("services/none") } }, "`services/none` is no program: it has no program.ts"],
])("an image that %s is refused", async (_what, description, message) => {
  write("images/x.image.ts", description);
  await expect(loadImage(root, "x")).rejects.toThrow(message);
});

test("two programs of one name are refused", async () => {
  write("images/x.image.ts", { name: "x", slots: { a: slot("services/a"), b: slot("services/b") } });
  write("services/a/program.ts", { name: "same", entry: "main.ts" });
  write("services/b/program.ts", { name: "same", entry: "main.ts" });
  await expect(loadImage(root, "x")).rejects.toThrow("services/b/program.ts: the program's name `same` is taken by services/a");
});
