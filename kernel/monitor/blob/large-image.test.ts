import { beforeAll, expect, test } from "vitest";
import { compileMonitor, startMonitor } from "../../../tests/support/load-monitor.ts";
import {
  BASE_POLICY,
  compileTest,
  testImage,
  testPrograms,
} from "../../../tests/support/policy-system.ts";
import { testSigner } from "../../../tests/support/test-signer.ts";
import type { SlotDescription } from "../../../toolchain/vocabulary/image.ts";
import { formatDiagnostic } from "../../../toolchain/report/diagnostic.ts";
import { keyRingText } from "../../../toolchain/keys/key-ring.ts";
import { signBlob } from "../../../toolchain/keys/sign-blob.ts";
import { BlobError } from "../../abi/blob-error.ts";
import {
  BLOB_HEADER_BYTES,
  BLOB_SECTION_BYTES,
  BlobSection,
  CLASSES_MAX,
  CLASS_BYTES,
  CLASS_NAME,
  FIRST_PROGRAM_CLASS,
  RULE_NONE,
  SLOTS_MAX,
} from "../../abi/blob.ts";
import { Event } from "../../abi/event.ts";

/**
 * The small system and as many shells, each of a class of its own, as make `count` domains. Their
 * quotas name pages alone, as they must.
 */
function manyDomains(count: number, quota: Partial<SlotDescription["quota"]> = {}) {
  const channels = { console: "console.terminal", files: "files.files", admin: "files.admin" };
  const names = Array.from(
    { length: count - Object.keys(testImage.slots).length },
    (_, i) => `node${i}`,
  );
  const slot = (name: string): SlotDescription => ({
    program: "services/shell",
    class: `Class_${name}`,
    priority: 40,
    quota: { pages: 16, ...quota },
    channels,
  });
  const policy = names
    .map(
      (name) =>
        `class Class_${name}\nallow execute Class_${name} program shell\nallow Class_${name} -> Console { write } when length(text) <= 100`,
    )
    .join("\n");
  return compileTest(policy, {
    image: {
      ...testImage,
      slots: { ...testImage.slots, ...Object.fromEntries(names.map((name) => [name, slot(name)])) },
    },
    policyFiles: [
      { file: "base.policy", text: BASE_POLICY },
      { file: "many.policy", text: `module many\n${policy}` },
    ],
    programs: testPrograms,
  });
}

const signer = testSigner(1);

let wasm: Uint8Array;
beforeAll(async () => void (wasm = await compileMonitor({ keyRing: keyRingText([signer]) })));

test.each([200, SLOTS_MAX])(
  "an image of %i domains that says nothing of threads, handles and objects compiles, and the kernel takes it",
  async (count) => {
    const { blob, diagnostics } = await manyDomains(count);
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
    const monitor = startMonitor(wasm);
    const signed = signBlob(blob!, signer);
    expect(monitor.number("monitorLoad", monitor.put(signed), signed.length)).toBe(BlobError.None);
  },
);

test.each([
  ["256 slots", 256, 7],
  ["291 slots, the most among which 2,048 records are divided", 291, 7],
  ["292 slots", 292, 7],
  ["all slots", SLOTS_MAX, 7],
  ["50 slots", 50, 40],
])("each of %s can have its records in the audit log", async (_what, count, share) => {
  const { blob } = await manyDomains(count);
  const monitor = startMonitor(wasm);
  const signed = signBlob(blob!, signer);
  expect(monitor.number("monitorLoad", monitor.put(signed), signed.length)).toBe(BlobError.None);
  expect(monitor.number("auditStart")).toBe(1);
  // Each slot, and the kernel, has a share: all are filled, and then each loses one record.
  for (let i = 0; i <= share; i++) {
    for (let slot = 0; slot <= count; slot++) {
      monitor.run("ask", Event.Request, slot, 2, 36, 34, 0x101, 0);
      monitor.run("recordAsked", slot, 4, RULE_NONE, BigInt(i));
    }
  }
  expect(monitor.big("auditNext")).toBe(BigInt(share * (count + 1)));
  expect(monitor.big("auditLost")).toBe(BigInt(count + 1));
  expect(monitor.big("auditLostOf", count - 1)).toBe(1n);
  for (const sequence of [0, count, count + 1, share * (count + 1) - 1])
    expect(monitor.auditRecord(BigInt(sequence))).toMatchObject({
      subjectSlot: sequence % (count + 1),
      detail: BigInt(Math.floor(sequence / (count + 1))),
    });
});

test.each([
  [
    "threads",
    { threads: 5 },
    "the slots' quotas of threads add up to 5114, and the kernel has 4096 for all of them",
  ],
  [
    "objects",
    { objects: 10 },
    "the slots' quotas of objects add up to 10228, and the kernel has 8192 for all of them",
  ],
])("one that asks for more %s than there are is refused", async (_what, quota, message) => {
  const { blob, diagnostics } = await manyDomains(SLOTS_MAX, quota);
  expect(blob).toBeUndefined();
  expect(diagnostics.map((diagnostic) => diagnostic.message)).toEqual([message]);
});

test(`${CLASSES_MAX} classes are looked at once each: the last name that is there twice is found, and none that is not`, async () => {
  const free =
    CLASSES_MAX -
    FIRST_PROGRAM_CLASS -
    new Set(Object.values(testImage.slots).map((slot) => slot.class)).size;
  const { blob, diagnostics } = await compileTest(
    `class ${Array.from({ length: free }, (_, i) => `${"C".repeat(50)}${i}`).join(", ")}`,
  );
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  const load = (bytes: Uint8Array): BlobError => {
    const monitor = startMonitor(wasm);
    const signed = signBlob(bytes, signer);
    return monitor.number("monitorLoad", monitor.put(signed), signed.length);
  };
  expect(load(blob!)).toBe(BlobError.None);
  const alike = blob!.slice();
  const view = new DataView(alike.buffer);
  const classes = view.getUint32(
    BLOB_HEADER_BYTES + (BlobSection.Classes - 1) * BLOB_SECTION_BYTES + 4,
    true,
  );
  expect(
    view.getUint32(BLOB_HEADER_BYTES + (BlobSection.Classes - 1) * BLOB_SECTION_BYTES + 12, true),
  ).toBe(CLASSES_MAX);
  view.setUint32(
    classes + (CLASSES_MAX - 1) * CLASS_BYTES + CLASS_NAME,
    view.getUint32(classes + FIRST_PROGRAM_CLASS * CLASS_BYTES + CLASS_NAME, true),
    true,
  );
  expect(load(alike)).toBe(BlobError.DuplicateName);
});

test("a slot too many is refused", async () => {
  expect(
    (await manyDomains(SLOTS_MAX + 1)).diagnostics.map((diagnostic) => diagnostic.message),
  ).toContain("the image has 1025 slots");
});
