// One bit of a program changed after it was signed: the system does not start, and the kernel says
// why. Without the digest check it would.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { summarizeArchive } from "../../toolchain/inspect/archive.ts";
import type { BootMedium } from "../../toolchain/run/machine.ts";
import { buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";
import { ShellSession } from "../support/shell-session.ts";

/** The echo service is the fifth program that the main image names. */
const ECHO = 4;

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "trine-digest-"))));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * The main image with one bit of the echo program's last byte flipped: padding, so that the program
 * itself would work.
 */
function changedImage(without?: string): BootMedium {
  const { kernelImagePath, archivePath } = buildTestImage(
    "main",
    without === undefined ? {} : { without },
  );
  const archive = readFileSync(archivePath);
  const entry = summarizeArchive(archive, archivePath).entries.find(
    ({ kind, index }) => kind === "program" && index === ECHO,
  )!;
  archive[entry.offset + entry.bytes - 1]! ^= 1;
  const path = join(folder, `${without ?? "all"}.arc`);
  writeFileSync(path, archive);
  return { kind: "kernel", path: kernelImagePath, archive: path };
}

test("a changed program stops the boot", async () => {
  await using machine = BootedMachine.start({ boot: changedImage() });
  await machine.waitFor("trine: boot refused: the programs are not those of the policy");
  await machine.exitCode();
  expect(machine.transcript).not.toContain("trine> ");
});

test("without the digest check it runs", async () => {
  await using shell = await ShellSession.start(changedImage("digest"));
  expect((await shell.run("domains")).join("\n")).toMatch(/echo .*running/);
  expect((await shell.run("ping 10")).join("\n")).toContain("10 round trips");
});
