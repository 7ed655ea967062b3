// No limit on the time on the wall that a busy host can break. Benches are left out: they measure
// time.
import { expect, test } from "vitest";
import { read, sourceFiles } from "./source-tree.ts";
import { shortTimeLimits } from "./time-limits.ts";

const files = sourceFiles().filter(
  (file) =>
    /^(tests|toolchain|policy)\/.*\.ts$|\.test\.ts$|^vitest.*\.ts$/.test(file) &&
    !/^(tests|toolchain)\/bench\//.test(file),
);

/** What looks like such a limit and is none, by its first words. */
const HARMLESS: readonly (readonly [file: string, text: string, why: string])[] = [
  [
    "tests/recovery/kill.test.ts",
    "machine.waitFor(answer, PATIENCE_MS * tries)",
    "one of twelve tries, each longer",
  ],
  [
    "tests/system/restart.test.ts",
    'shell.run("domains", PATIENCE_MS * attempt)',
    "one of twelve tries, each longer",
  ],
  ["tests/support/qemu.test.ts", 'machine.waitFor("never printed", 300)', "is to fail"],
  [
    "toolchain/idl/load-data.ts",
    "timeout: wallMs",
    "is doubled until the processor's time is spent",
  ],
  [
    "toolchain/editor/plugin.ts",
    "setTimeout(() => {",
    "waits for the end of typing, and gives nothing up",
  ],
  ["toolchain/run/terminal-input.ts", "ENTER_MS_MAX = 5000", "somebody types, or does not"],
  ["toolchain/run/terminal-input.ts", "SWALLOW_MS_MAX = 15_000", "somebody types, or does not"],
  ["toolchain/x64/select/select-intrinsic.ts", "timeout: ", "positions of operands"],
];

test("no test, tool or support of tests has a limit of less than 30 s on the wall", () => {
  const unused = new Set(HARMLESS);
  const found = files.flatMap((file) =>
    shortTimeLimits(file, read(file)).flatMap(({ line, text }) => {
      const known = HARMLESS.find(
        ([harmlessFile, start]) => harmlessFile === file && text.startsWith(start),
      );
      if (known !== undefined) unused.delete(known);
      return known === undefined ? [`${file}:${line}: ${text}`] : [];
    }),
  );
  expect(
    found,
    "leave a test's limit to the configuration; wait for 30 s at least, or count processor time or tries",
  ).toEqual([]);
  expect([...unused]).toEqual([]);
});

test.each([
  ["spawnSync(path, [], { timeout: 29_999 });", true],
  ["spawnSync(path, [], { timeout: 30_000 });", false],
  ["const WAIT_DEFAULT_MS = 5 * 1000;", true],
  ["const WRITE_MS_MAX = 5000;", true],
  ["const PROCESSOR_MS_MAX = 1000;", false],
  ["const BRIEF = 100; machine.waitFor(/x/, BRIEF);", true],
  ["shell.run('domains', 3000);", true],
  ["requests.run(path, 10);", false],
  ["function wait(timeoutMs = 10) {}", true],
  ["setTimeout(() => child.kill(), 1000);", true],
  ["await new Promise((resolve) => setTimeout(resolve, 1000));", false],
  ["test('name', async () => {}, 60_000);", true],
  ["test.each([1])('name', async () => {}, 60_000);", true],
  ["test('name', async () => {}, 900_000);", false],
  ["beforeAll(async () => {}, 60_000);", true],
  ["expect(performance.now() - start).toBeLessThan(100_000);", true],
  ["expect(Date.now() - start).toBeLessThanOrEqual(1);", true],
  ["expect(cpuMs).toBeLessThan(100);", false],
])("%s is found: %s", (text, isFound) => {
  expect(shortTimeLimits("x.ts", text).length > 0).toBe(isFound);
});
