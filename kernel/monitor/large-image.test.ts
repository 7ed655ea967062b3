import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeAll, expect, test } from "vitest";
import { compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { BASE_POLICY, compileTest, testImage, testPrograms } from "../../tests/support/policy-system.ts";
import type { SlotDescription } from "../../toolchain/image/define.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { keyRingText } from "../../toolchain/keys/key-ring.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import { BlobError } from "../abi/blob-error.ts";
import { KeyPurpose, SLOTS_MAX } from "../abi/blob.ts";

/** The small system and as many shells, each of a class of its own, as make `count` domains. Their quotas name pages alone, as they must. */
function manyDomains(count: number, quota: Partial<SlotDescription["quota"]> = {}) {
  const channels = { console: "console.terminal", files: "files.files", admin: "files.admin" };
  const names = Array.from({ length: count - Object.keys(testImage.slots).length }, (_, i) => `node${i}`);
  const slot = (name: string): SlotDescription => ({ program: "services/shell", class: `Class_${name}`, priority: 40, quota: { pages: 16, ...quota }, channels });
  const policy = names.map((name) => `class Class_${name}\nallow execute Class_${name} program shell\nallow Class_${name} -> Console { write } when length(text) <= 100`).join("\n");
  return compileTest(policy, {
    image: { ...testImage, slots: { ...testImage.slots, ...Object.fromEntries(names.map((name) => [name, slot(name)])) } },
    policyFiles: [{ file: "base.policy", text: BASE_POLICY }, { file: "many.policy", text: `module many\n${policy}` }], programs: testPrograms,
  });
}

const secret = new Uint8Array(32).fill(1);
const signer = { publicKey: ed25519.getPublicKey(secret), purpose: KeyPurpose.Development, sign: (message: Uint8Array) => ed25519.sign(message, secret) };

let wasm: Uint8Array;
beforeAll(async () => void (wasm = await compileMonitor({ keyRing: keyRingText([signer]) })));

test.each([200, SLOTS_MAX])("an image of %i domains that says nothing of threads, handles and objects compiles, and the kernel takes it", async (count) => {
  const { blob, diagnostics } = await manyDomains(count);
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  const monitor = startMonitor(wasm);
  const signed = signBlob(blob!, signer);
  expect(monitor.number("monitorLoad", monitor.put(signed), signed.length)).toBe(BlobError.None);
});

test.each([
  ["threads", { threads: 5 }, "the slots' quotas of threads add up to 1274, and the kernel has 1024 for all of them"],
  ["objects", { objects: 10 }, "the slots' quotas of objects add up to 2548, and the kernel has 2048 for all of them"],
])("one that asks for more %s than there are is refused", async (_what, quota, message) => {
  const { blob, diagnostics } = await manyDomains(SLOTS_MAX, quota);
  expect(blob).toBeUndefined();
  expect(diagnostics.map((diagnostic) => diagnostic.message)).toEqual([message]);
});

test("a slot too many is refused", async () => {
  expect((await manyDomains(SLOTS_MAX + 1)).diagnostics.map((diagnostic) => diagnostic.message)).toContain("the image has 257 slots");
});
