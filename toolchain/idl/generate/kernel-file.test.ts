import { expect, test } from "vitest";
import {
  bool,
  defineInterface,
  enumeration,
  handle,
  text,
  u32,
  u64,
} from "../../vocabulary/interface.ts";
import { buildModel } from "../model.ts";
import { runAssemblyScript } from "../../../tests/support/assemblyscript-in-node.ts";
import { kernelFile } from "./kernel-file.ts";

const model = buildModel(
  "sample.idl.ts",
  defineInterface({
    name: "Sample",
    id: 15,
    version: 1,
    methods: {
      nothing: {},
      read: {
        takes: { slot: u32, isDeep: bool, name: text(32) },
        returns: { state: enumeration("empty", "running"), time: u64, count: u32, text: text(8) },
      },
    },
  }),
);

const source = `${kernelFile(model)}
const words: usize = memory.data(64, 8);
export function wordsAt(): usize { return words; }
export function numbers(): u32 { return (SampleMethod.Nothing << 8) | SampleMethod.Read; }
export function counts(): u32 { return (SampleReadRequest.WORDS << 8) | SampleReadResponse.WORDS; }
export function slot(): u32 { return SampleReadRequest.at(words).slot; }
export function isDeep(): bool { return SampleReadRequest.at(words).isDeep; }
export function nameOffset(): u32 { return SampleReadRequest.at(words).nameOffset; }
export function nameLength(): u32 { return SampleReadRequest.at(words).nameLength; }
export function answer(): void {
  const response = SampleReadResponse.at(words);
  response.state = SampleReadState.Running;
  response.time = 0x1_0000_0002;
  response.count = 0xffffffff;
  response.textLength = 5;
}
`;

test("the views of a message read and write its words by the fields' names", async () => {
  const kernel = await runAssemblyScript("kernel/service", source);
  expect(kernel.call("numbers")).toBe(1);
  expect(kernel.call("counts")).toBe(0x304);
  const words = new BigUint64Array(kernel.memory.buffer, Number(kernel.call("wordsAt")), 4);
  words.set([7n, 1n, (6n << 32n) | 40n]);
  expect(["slot", "isDeep", "nameOffset", "nameLength"].map((name) => kernel.call(name))).toEqual([
    7, 1, 40, 6,
  ]);
  words.fill(0xffff_ffff_ffff_ffffn);
  kernel.call("answer");
  expect([...words]).toEqual([1n, 0x1_0000_0002n, 0xffff_ffffn, 5n << 32n]);
});

test("of a message that the kernel sends to a program, the kernel writes the request", () => {
  const methods = { fault: { takes: { slot: u32 }, returns: { isHandled: bool } } };
  const text = kernelFile(buildModel("", { name: "Fault", id: 16, version: 1, methods }));
  expect(text).toContain("set slot(value: u32)");
  expect(text).toContain("get isHandled(): bool");
});

test.each([
  ["handles", { to: handle("Memory") }, "carries handles"],
  ["two texts", { a: text(8), b: text(8) }, "two texts"],
])("a message with %s is refused", (_what, takes, reason) => {
  const description = { name: "Sample", id: 17, version: 1, methods: { take: { takes } } };
  expect(() => kernelFile(buildModel("", description))).toThrow(reason);
});
