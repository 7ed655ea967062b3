// What becomes of the machine after a panic: as the image says, and never an endless loop.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BLOB_HEADER_BYTES, SLOT_FLAGS, SLOT_FLAG_REBOOT_ON_PANIC } from "../../kernel/abi/blob.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { buildIso } from "../../toolchain/image/iso.ts";
import { buildKernel } from "../../toolchain/image/kernel.ts";
import { summarizeArchive } from "../../toolchain/inspect/archive.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import { KEY_RING_FILE, signerFor } from "../../toolchain/keys/signer.ts";
import { buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const PROMPT = "trine> ";
const RESTART_FILE = "kernel/x64/restart.ts";
const FAILURES_MAX = 5;
const root = findRoot();
const folder = mkdtempSync(join(tmpdir(), "trine-panic-test-"));
const iso = { stop: join(folder, "stop.iso"), reboot: join(folder, "reboot.iso") };

beforeAll(async () => {
  const signer = signerFor(false);
  const main = buildTestImage("main");
  // One second is long enough for a test to read the screen.
  const restart = readFileSync(join(root, RESTART_FILE), "utf8").replace(
    "RESTART_WAIT_NS: u64 = 10_000_000_000",
    "RESTART_WAIT_NS: u64 = 1_000_000_000",
  );
  const built = await buildKernel({
    root,
    outDir: "build/test/recovery",
    name: "panicking",
    entry: "tests/recovery/panicking-kernel.ts",
    virtualFiles: { [KEY_RING_FILE]: signer.keyRing, [RESTART_FILE]: restart },
  });
  const archive = readFileSync(main.archivePath);
  for (const kind of ["stop", "reboot"] as const) {
    const path = join(folder, `${kind}.arc`);
    writeFileSync(
      path,
      kind === "stop" ? archive : withRebootOnPanic(archive, (blob) => signBlob(blob, signer)),
    );
    buildIso({
      root,
      kernelPath: join(root, built.imagePath),
      archivePath: path,
      outPath: iso[kind],
    });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * The archive of the image with `onPanic: "reboot"`: one flag of its first slot, and another
 * signature.
 */
function withRebootOnPanic(
  archive: Buffer,
  sign: (blob: Uint8Array<ArrayBuffer>) => Uint8Array,
): Uint8Array {
  const { offset, bytes } = summarizeArchive(archive, "main").entries.find(
    ({ kind }) => kind === "blob",
  )!;
  const changed = new Uint8Array(archive);
  const blob = changed.slice(offset, offset + bytes);
  const view = new DataView(blob.buffer);
  const slots = view.getUint32(BLOB_HEADER_BYTES + 4, true);
  view.setUint32(
    slots + SLOT_FLAGS,
    view.getUint32(slots + SLOT_FLAGS, true) | SLOT_FLAG_REBOOT_ON_PANIC,
    true,
  );
  changed.set(sign(blob), offset);
  return changed;
}

/** A machine that a reset starts again, as a real one. */
function start(path: string): BootedMachine {
  return BootedMachine.start({ boot: { kind: "iso", path }, reboots: true });
}

async function panics(machine: BootedMachine): Promise<void> {
  await machine.waitFor(PROMPT);
  await machine.monitor("nmi");
  await machine.waitFor("trine: kernel panic: the planted bug");
}

test("an image that says nothing stops, and the panic stays on the screen", async () => {
  await using machine = start(iso.stop);
  await panics(machine);
  await sleep(3000);
  expect((await machine.screenText()).join("\n")).toContain("trine: kernel panic: the planted bug");
  expect(machine.transcript).not.toContain("starts again");
  expect(machine.transcript.match(/trine: loading/g)).toHaveLength(1);
});

test("an image that says so starts again, tells how often in a row, and stops after five", async () => {
  await using machine = start(iso.reboot);
  for (let failure = 1; failure < FAILURES_MAX; failure++) {
    await panics(machine);
    await machine.waitFor(`trine: failure ${failure} in a row; the machine starts again in 10 s`);
    await machine.waitFor(`trine: started again after a failure, number ${failure} in a row`);
  }
  await panics(machine);
  await machine.waitFor("trine: 5 failures in a row, each soon after its start: not started again");
  await sleep(2000);
  expect(machine.transcript.match(/trine: loading/g)).toHaveLength(FAILURES_MAX);
  expect((await machine.screenText()).join("\n")).toContain("not started again");
});

test("a reset by hand begins a new row", async () => {
  await using machine = start(iso.reboot);
  await panics(machine);
  await machine.waitFor("started again after a failure, number 1 in a row");
  await machine.waitFor(PROMPT);
  await machine.monitor("system_reset");
  await machine.waitFor("trine: memory");
  await panics(machine);
  await machine.waitFor("failure 1 in a row");
  expect(machine.transcript.match(/started again after/g)).toHaveLength(1);
});
