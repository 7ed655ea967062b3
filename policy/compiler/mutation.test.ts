// The policy of this tree, damaged, a few mutants at each run; `trine soak --slice policy-mutants`
// has as many as one likes.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { BlobError } from "../../kernel/abi/blob-error.ts";
import { compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { testSigner } from "../../tests/support/test-signer.ts";
import { imageInput, runPolicyMutants } from "../../toolchain/fuzz/policy-mutation.ts";
import { keyRingText } from "../../toolchain/keys/key-ring.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import type { SystemInput } from "./model.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const MUTANTS = 200;
const signer = testSigner(5);

let system: SystemInput;
let wasm: Uint8Array;
beforeAll(async () => {
  system = await imageInput(ROOT, "main");
  wasm = await compileMonitor({ keyRing: keyRingText([signer]) });
});

/** The kernel's verifier is a second opinion on what the compiler lets pass. */
function refusal(blob: Uint8Array<ArrayBuffer>): string | undefined {
  const monitor = startMonitor(wasm);
  const signed = signBlob(blob, signer);
  const error = monitor.number("monitorLoad", monitor.put(signed), signed.length);
  return error === BlobError.None ? undefined : `the kernel refuses the blob: ${BlobError[error]}`;
}

test(`${MUTANTS} mutants of the main image's policy end in mistakes that say where, or in a blob that the kernel takes`, async () => {
  const { mutants, compiled, faults } = await runPolicyMutants(system, 1, MUTANTS, refusal);
  expect(faults).toEqual([]);
  expect(mutants).toBe(MUTANTS);
  // Both happen often.
  expect(compiled).toBeGreaterThan(MUTANTS / 20);
  expect(compiled).toBeLessThan(MUTANTS - MUTANTS / 20);
});

test("a mutant that goes wrong is told with its seed and number", async () => {
  const { faults } = await runPolicyMutants(system, 1, 40, () => "this is planted");
  expect(faults[0]).toMatch(/^seed 1, mutant \d+: this is planted$/);
});
