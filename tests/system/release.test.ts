// A release believes its own key alone; a development system says what it is.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";
import { ShellSession } from "../support/shell-session.ts";

let folder = "";
let release: TestImage;
let development: TestImage;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trine-release-"));
  const key = join(folder, "key.pem");
  writeFileSync(
    key,
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
    { mode: 0o600 },
  );
  release = buildTestImage("main", { releaseKey: key });
  development = buildTestImage("main");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a release boots and is not called development-signed", async () => {
  await using shell = await ShellSession.start(release.boot);
  expect(shell.machine.transcript).not.toContain("development-signed");
  expect((await shell.run("domains")).join("\n")).not.toContain("development-signed");
});

test("a development system says so in its first line and in `domains`", async () => {
  await using shell = await ShellSession.start(development.boot);
  expect(shell.machine.transcript).toMatch(/Trine.*development-signed/);
  expect((await shell.run("domains")).join("\n")).toContain("development-signed");
});

test.each<[string, () => readonly [TestImage, TestImage]]>([
  ["a release kernel refuses what the development key signed", () => [release, development]],
  ["a development kernel refuses what another key signed", () => [development, release]],
])("%s", async (_what, choose) => {
  const [kernel, archive] = choose();
  await using machine = BootedMachine.start({
    boot: { kind: "kernel", path: kernel.kernelImagePath, archive: archive.archivePath },
  });
  await machine.waitFor(/trine: boot refused: .+/);
  await machine.exitCode();
  expect(machine.transcript).not.toContain("trine> ");
});
