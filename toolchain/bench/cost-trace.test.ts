import { Decoder, DecoderOptions } from "iced-x86";
import { expect, test } from "vitest";
import { assembledProgram } from "../../tests/support/assembled-program.ts";
import { readElf } from "../elf/read.ts";
import { planTrace, readTrace, traceArguments, typicalCounts } from "./cost-trace.ts";
import { costlyKindOf, estimatedCycles } from "./costly-instructions.ts";

test.each([
  ["mov ds, eax", [0x8e, 0xd8], "segment"],
  ["mov fs, eax", [0x8e, 0xe0], "segment"],
  ["pop gs", [0x0f, 0xa9], "segment"],
  ["mov eax, ds", [0x8c, 0xd8], null],
  ["mov cr3, rax", [0x0f, 0x22, 0xd8], "cr3"],
  ["mov rax, cr3", [0x0f, 0x20, 0xd8], null],
  ["wrmsr", [0x0f, 0x30], "msrWrite"],
  ["wrfsbase rax", [0xf3, 0x48, 0x0f, 0xae, 0xd0], "fsBase"],
  ["rdtsc", [0x0f, 0x31], "timeStamp"],
  ["sysret", [0x48, 0x0f, 0x07], "systemCall"],
  ["iretq", [0x48, 0xcf], "interruptReturn"],
  ["out dx, al", [0xee], "port"],
  ["invlpg [rax]", [0x0f, 0x01, 0x38], "invalidate"],
  ["mov eax, ecx", [0x89, 0xc8], null],
  ["pop rbx", [0x5b], null],
])("%s is of its kind", (_text, bytes, kind) => {
  const decoder = new Decoder(64, Uint8Array.from(bytes), DecoderOptions.None);
  const instruction = decoder.decode();
  expect(instruction.length).toBe(bytes.length);
  expect(costlyKindOf(instruction)).toBe(kind);
  instruction.free();
  decoder.free();
});

test("an estimate has a share for the ordinary and a range for each costly one", () => {
  expect(estimatedCycles(100, {})).toEqual({ min: 30, max: 100 });
  expect(estimatedCycles(12, { segment: 2 })).toEqual({ min: 2 * 22 + 3, max: 2 * 137 + 10 });
});

const KERNEL = readElf(
  assembledProgram(
    "trace-kernel",
    "domain",
    "function _start\nnop\nmov cr3, rax\nwrmsr\nud2\nendfunction _start",
  ),
  "kernel.elf",
);
const BENCHER = readElf(
  assembledProgram(
    "trace-bencher",
    "domain",
    "function _start\nnop\nnop\nnop\nnop\nnop\nnop\nrdtsc\nrdtsc\nud2\nendfunction _start",
  ),
  "bencher.elf",
);
const trace = planTrace(KERNEL, BENCHER, []);
const line = (address: bigint): string =>
  `Trace 0: 0x7fa3b43c4b80 [0000000000000000/${address.toString(16).padStart(16, "0")}/0000cab0/ff020201] name`;
const [cr3, wrmsr] = [...trace.costly.keys()] as [bigint, bigint];
const [first, second] = [...trace.marks] as [bigint, bigint];

test("the kernel's costly instructions and the bencher's marks are found, and asked for", () => {
  expect([...trace.costly.values()]).toEqual(["cr3", "msrWrite"]);
  expect(trace.marks.size).toBe(2);
  expect(traceArguments(trace, "x.log")).toEqual([
    "-singlestep",
    "-d",
    "exec,nochain",
    "-D",
    "x.log",
    "-dfilter",
    [cr3, wrmsr, first, second].map((address) => `0x${address.toString(16)}+1`).join(","),
  ]);
});

test("what is executed between two marks is a sample, what lies outside counts for none", () => {
  const log = [cr3, first, cr3, wrmsr, cr3, second, wrmsr, first, second].map(line).join("\n");
  expect(readTrace(trace, log)).toEqual([{ cr3: 2, msrWrite: 1 }, {}]);
  expect(() => readTrace(trace, line(first))).toThrow("ends inside a sample");
});

test("an instruction that an interrupt came before counts when it is executed", () => {
  const stopped = `Stopped execution of TB chain before 0x7fa3b43c4b80 [${first.toString(16)}] name`;
  const log = [line(first), stopped, line(cr3), line(first), line(wrmsr), line(second)].join("\n");
  expect(readTrace(trace, log)).toEqual([{ msrWrite: 1 }]);
});

test("a program that has an instruction where the bencher has a mark cannot be told apart", () => {
  expect(() => planTrace(KERNEL, BENCHER, [BENCHER])).toThrow(
    "another program has an instruction at",
  );
});

test("the typical sample is the one in the middle", () => {
  expect(typicalCounts([{ cr3: 2 }, { cr3: 2, port: 7 }, { cr3: 1 }])).toEqual({ cr3: 2 });
  expect(typicalCounts([])).toEqual({});
});
