// The transcript in README.md, typed again: every line of it must come, in its order. Numbers and
// blanks may differ, and `…` stands for any lines.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeAll, expect, test } from "vitest";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { ShellSession } from "../support/shell-session.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { read } from "../tidy/source-tree.ts";

const ROOT = findRoot();
const PROMPT = "trine> ";
const ESCAPE_SEQUENCE = /\x1b\[[0-9;?]*[A-Za-z]/g;

let main: TestImage;
beforeAll(() => {
  main = buildTestImage("main", { medium: "iso" });
});

/**
 * What must be equal of a line: words, with a number for each number and one unit for all units of
 * time and memory.
 */
function shape(line: string): string {
  const plain = line.replace(ESCAPE_SEQUENCE, "").replace(/^.*\r(?=.)/, "");
  return plain
    .replace(/\b(0x[0-9a-f]+|\d[\d.,]*)( (ns|us|ms|s|KiB|MiB))?\b/g, (_all, _number, unit) =>
      unit === undefined ? "N" : "N U",
    )
    .replace(/\s+/g, " ")
    .trim();
}

/**
 * `expected` must be found in `lines` from `start` on: at once, or after other lines behind `…`.
 * Returns the place behind it.
 */
function find(
  lines: readonly string[],
  start: number,
  expected: string,
  mayLeaveOut: boolean,
): number {
  const place = lines.slice(start).findIndex((line) => shape(line) === shape(expected));
  if (place < 0 || (place > 0 && !mayLeaveOut))
    expect.fail(
      `expected the line\n  ${expected}\nand got\n  ${lines.slice(start, start + 5).join("\n  ")}`,
    );
  return start + place + 1;
}

test("the machine does what README.md shows", async () => {
  const transcript = /```console\n([^]*?)```/.exec(read("README.md"))![1]!.trimEnd().split("\n");
  await using shell = await ShellSession.start(main.boot);
  let lines = shell.machine.transcript.split("\n").filter((line) => shape(line) !== "");
  let [place, mayLeaveOut] = [0, true];
  for (const expected of transcript) {
    if (expected.startsWith(PROMPT)) {
      const command = expected.slice(PROMPT.length);
      if (command === "shutdown") break;
      lines = (await shell.run(command, 120_000)).filter((line) => shape(line) !== "");
      [place, mayLeaveOut] = [0, false];
    } else if (expected === "…") mayLeaveOut = true;
    else {
      place = find(lines, place, expected, mayLeaveOut);
      mayLeaveOut = false;
    }
  }
  shell.machine.type("shutdown\r");
  await shell.machine.waitFor("switching off");
  expect(await shell.machine.exitValue()).toBe(0);
});

test("QEMU's line in README.md boots the image on the default processor, and ends", async () => {
  const line = /^ {4}(qemu-system-x86_64 .*)$/m.exec(read("README.md"))![1]!;
  const [program, ...parameters] = line.split(" ");
  expect(parameters).not.toContain("-cpu");
  const child = spawn(program!, parameters, { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  let isTyped = false;
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    output += text;
    if (isTyped || !output.includes(PROMPT)) return;
    isTyped = true;
    child.stdin.write("shutdown\r");
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const [status] = (await once(child, "close")) as [number | null];
  clearTimeout(limit);
  expect(output).toContain("trine: cpu x86-64-v1, nx wp; missing: smep smap umip");
  expect({ status, end: output.slice(-15) }).toEqual({ status: 0, end: "switching off\r\n" });
});
