// The kernel test image on a kernel that checks its invariants between kernel entries.
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { buildKernel } from "../../toolchain/image/kernel.ts";
import { KEY_RING_FILE, signerFor } from "../../toolchain/keys/signer.ts";
import { guestExitValue } from "../../toolchain/run/machine.ts";
import { runToEnd } from "../../toolchain/run/run-to-end.ts";
import { tapOf } from "../../toolchain/testing/kernel-suite.ts";
import { parseTap } from "../../toolchain/testing/tap.ts";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const TIMEOUT_MS = 300_000;
const root = findRoot();
let image: TestImage;
let kernel = "";

beforeAll(async () => {
  image = buildTestImage("test");
  const built = await buildKernel({
    root,
    outDir: "build/test/invariants",
    entry: "tests/kernel/checked-kernel.ts",
    virtualFiles: { [KEY_RING_FILE]: signerFor(false).keyRing },
  });
  kernel = join(root, built.imagePath);
});

/** Little memory, as each check looks at every frame. */
const machineOptions = () => ({
  boot: { kind: "kernel" as const, path: kernel, archive: image.archivePath },
  memoryMiB: 64,
  cpu: "max",
  countInstructions: true,
});

test("all invariants hold between the kernel entries of the kernel's own tests", async () => {
  const { output, exitCode } = await runToEnd(machineOptions(), TIMEOUT_MS);
  expect(output).not.toContain("is broken");
  expect(output).toMatch(/^invariants: all hold after so many kernel entries: \d+\r?$/m);
  // A check takes time, which some cases measure; whatever they say, they were all run.
  expect(parseTap(tapOf(output)).length).toBeGreaterThan(100);
  expect(guestExitValue(exitCode)).not.toBeNull();
});

test("a handle count that is one too high is found, and stops the machine", async () => {
  await using machine = BootedMachine.start({
    ...machineOptions(),
    extra: ["-append", "plant=invariant"],
  });
  await machine.waitFor("invariant 102 (tests/kernel/invariants.ts) is broken: 0\r\n");
  await machine.waitFor("trine: kernel panic: a broken invariant");
});
