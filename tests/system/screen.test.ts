// The screen of the machine: its last line says where the console is, or why the system does not
// start, and stays there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { summarizeArchive } from "../../toolchain/inspect/archive.ts";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const PROMPT = "trine> ";
const folder = mkdtempSync(join(tmpdir(), "trine-screen-test-"));
let main: TestImage;
let iso: TestImage;
beforeAll(() => {
  main = buildTestImage("main");
  iso = buildTestImage("main", { medium: "iso" });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const shown = async (machine: BootedMachine) =>
  (await machine.screenText()).filter((line) => line !== "");
const lastLine = async (machine: BootedMachine) => (await shown(machine)).at(-1);

test("the last line says that the console is the serial port, and the ones before what came over it", async () => {
  await using machine = BootedMachine.start({ boot: iso.boot });
  await machine.waitFor(PROMPT);
  const lines = await shown(machine);
  expect(lines.slice(-6)).toEqual([
    expect.stringMatching(/^trine: loading\.* done$/),
    expect.stringMatching(/^Trine, development-signed/),
    expect.stringMatching(/^trine: cpu /),
    expect.stringMatching(/^trine: processor /),
    expect.stringMatching(/^trine: memory \d+ MiB, clock \d+ MHz/),
    "trine: console: serial port 1, 0x3f8, 115200 8N1",
  ]);
});

test("on a machine without a serial port the last line says that there is no console, and nothing follows", async () => {
  await using machine = BootedMachine.start({ boot: iso.boot, withoutSerial: true });
  await expect
    .poll(() => lastLine(machine), { timeout: 30_000 })
    .toBe("trine: console: none, no serial port answers at 0x3f8");
  await sleep(2000);
  expect(await lastLine(machine)).toBe("trine: console: none, no serial port answers at 0x3f8");
});

/** A system whose programs were changed after it was signed, or whose policy was. */
function changed(kind: "blob" | "program"): string {
  const archive = readFileSync(main.archivePath);
  const { offset, bytes } = summarizeArchive(archive, "main").entries.find(
    (entry) => entry.kind === kind,
  )!;
  archive[offset + (bytes >> 1)]! ^= 1;
  const path = join(folder, `${kind}.arc`);
  writeFileSync(path, archive);
  return path;
}

test.each([
  ["blob", "trine: boot refused: policy has a bad signature (7)"],
  ["program", "trine: boot refused: the programs are not those of the policy"],
] as const)(
  "a refusal for a changed %s stays on the screen where no emulator waits for its code, and ends one that does",
  async (kind, reason) => {
    const boot = { kind: "kernel", path: main.kernelImagePath, archive: changed(kind) } as const;
    await using alone = BootedMachine.start({ boot, withoutSerial: true, withoutDebugExit: true });
    await expect
      .poll(() => lastLine(alone), { timeout: 30_000 })
      .toBe("trine: the machine has stopped; reset it, or switch it off");
    await sleep(2000);
    expect(await alone.execute("query-status")).toMatchObject({ status: "running" });
    expect((await shown(alone)).slice(-2)).toEqual([
      reason,
      "trine: the machine has stopped; reset it, or switch it off",
    ]);

    await using watched = BootedMachine.start({ boot });
    expect(await watched.exitValue()).toBe(1);
    expect(watched.transcript).toContain(reason);
  },
);
