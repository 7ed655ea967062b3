// .ci/run with a `make` that only says what a real one would.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "./source-tree.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "trine-ci-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs it; `task` is what `make` does, with the task's name as its first argument. */
function run(task: string): {
  readonly status: number | null;
  readonly lastLine: string;
  readonly output: string;
} {
  writeFileSync(join(folder, "make"), `#!/bin/sh\n${task}\n`);
  chmodSync(join(folder, "make"), 0o755);
  const { status, stdout } = spawnSync("bash", [join(ROOT, ".ci/run")], {
    encoding: "utf8",
    env: { PATH: `${folder}:/usr/bin:/bin`, HOME: folder },
  });
  return { status, lastLine: stdout.trimEnd().split("\n").at(-1) ?? "", output: stdout };
}

test("the closing line adds up tests and long tests", () => {
  const { status, lastLine } = run(
    'case $1 in test) echo "types  4 passed, 0 failed"; echo "10 passed, 0 failed, 2 skipped" ;; soak) echo "5 passed, 0 failed" ;; esac',
  );
  expect(lastLine).toBe("15 passed, 0 failed, 2 skipped");
  expect(status).toBe(0);
});

test.each(["test", "soak"])(
  "it fails when `make %s` fails, and still closes with the sum",
  (failing) => {
    const { status, lastLine } = run(
      `if [ "$1" = ${failing} ]; then echo "1 passed, 3 failed"; exit 1; fi; echo "2 passed, 0 failed"`,
    );
    expect(lastLine).toBe("3 passed, 3 failed");
    expect(status).toBe(1);
  },
);

test("both run under CI=true, the long tests one slice by number", () => {
  const { output } = run('echo "$1 $CI $2"');
  expect(output).toMatch(/^test true/m);
  expect(output).toMatch(/^soak true ARGS=--slice \d+ --minutes \d+$/m);
});
