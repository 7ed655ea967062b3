import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { readInterfaces } from "../../../policy/compiler/interfaces.ts";
import type { Field, Interface } from "../../../policy/compiler/model.ts";
import { kernelInterfaces } from "../../../tests/support/policy-system.ts";
import { defineInterface, handle, u32 } from "../../vocabulary/interface.ts";
import { buildModel } from "../model.ts";
import { interfaceDigest, interfaceDigestsFile, methodShapesFile } from "./kernel-tables.ts";

const KINDS = ["unsigned", "signed", "bytes", "text", "handle"];

/** Of what the policy's compiler writes into a blob, which the kernel hashes when it loads one. */
function digestOfBlob({ id, version, name, methods, errors }: Interface): string {
  const hash = createHash("sha256");
  const numbers = (...values: readonly number[]): void =>
    void hash.update(new Uint8Array(Uint32Array.from(values).buffer));
  const text = (value: string): void => void hash.update(`${value}\0`);
  const field = ({ name: called, kind, max }: Field): void => {
    numbers(KINDS.indexOf(kind), Number(max & 0xffff_ffffn), Number(max >> 32n));
    text(called);
  };
  numbers(id, version, methods.length, errors.length);
  text(name);
  for (const method of methods) {
    numbers(method.request.length, method.response.length);
    text(method.name);
    for (const one of [...method.request, ...method.response]) field(one);
  }
  return hash.digest("hex");
}

test("the digest of each kernel interface is that of what a blob says of the interface", async () => {
  const descriptions = await kernelInterfaces();
  const { interfaces, diagnostics } = readInterfaces(descriptions);
  expect(diagnostics).toEqual([]);
  expect(interfaces.length).toBeGreaterThan(14);
  for (const one of interfaces) {
    const description = descriptions.find(({ id }) => id === one.id)!;
    const digest = Buffer.from(interfaceDigest(buildModel("", description))).toString("hex");
    expect([one.name, digest]).toEqual([one.name, digestOfBlob(one)]);
  }
});

const clock = buildModel(
  "clock.idl.ts",
  defineInterface({
    name: "Clock",
    id: 9,
    version: 1,
    methods: { now: { returns: { seconds: u32, days: u32 } }, set: { takes: { seconds: u32 } } },
  }),
);
const fault = buildModel(
  "fault.idl.ts",
  defineInterface({ name: "Fault", id: 16, version: 1, methods: { fault: {} } }),
);

test("the table of messages has a row for each method that a kernel object has", () => {
  const text = methodShapesFile([clock, fault]);
  expect(text).toContain("  0, 2, // Clock\n  2, 0, // Audit\n");
  expect(text).toContain("([\n  0, 2, 0, 0, // Clock.now\n  1, 0, 0, 0, // Clock.set\n]);");
  expect(text).toContain("RESPONSE_WORDS_MAX: u32 = 2;");
});

test("the digests stand in the order of the interfaces' numbers, each behind its number", () => {
  expect(interfaceDigestsFile([clock, fault])).toContain(
    `  // Clock, version 1\n  9, ${[...interfaceDigest(clock)].join(", ")},\n  // Fault, version 1\n  16, `,
  );
});

test("a message of the kernel's that carries a handle is refused", () => {
  const carrier = buildModel(
    "",
    defineInterface({
      name: "Carrier",
      id: 17,
      version: 1,
      methods: { carry: { takes: { to: handle("Memory") } } },
    }),
  );
  expect(() => interfaceDigest(carrier)).toThrow("carry no handles");
});
