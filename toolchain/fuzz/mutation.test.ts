import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import binaryen from "binaryen";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { compileModule } from "../compiler/compile-module.ts";
import { linkModule } from "../compiler/link-module.ts";
import { readElf, sectionNamed, symbolNamed } from "../elf/read.ts";
import { buildModule } from "../ir/build.ts";
import { CodeMutator } from "./code-mutator.ts";
import { type CallAnswer, HarnessRequests } from "./harness-process.ts";
import { Random } from "./random.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "trine-mutation-"));
afterAll(() => rmSync(folder, { recursive: true }));

let original: Uint8Array<ArrayBuffer>;
beforeAll(() => {
  const text = `(module (memory (export "memory") 2 2) (global $g (mut i64) (i64.const 1)) (func (export "f") (param i64) (result i64)
    (global.set $g (i64.mul (local.get 0) (i64.add (local.get 0) (i64.div_s (local.get 0) (i64.const 1234567))))) (global.get $g)))`;
  const parsed = binaryen.parseText(text);
  const module = buildModule(parsed.emitBinary(), {
    name: "victim",
    target: "linux",
    lowPagesUsed: false,
  });
  parsed.dispose();
  original = new Uint8Array(
    linkModule(root, module, compileModule(module, { check: true }), {
      extraObjects: [],
      stackBytes: 65536,
      program: "harness",
    }),
  );
});

/** Calls the function after its code was overwritten: nothing verifies it. */
function callWith(makeCode: (address: bigint, dataEnd: bigint) => readonly number[]): CallAnswer {
  const bytes = original.slice();
  const elf = readElf(bytes, "victim.elf");
  const text = sectionNamed(elf, ".text")!;
  const code = makeCode(text.address, symbolNamed(elf, "trine.data.end")!.address);
  text.bytes.set(code);
  const path = join(folder, "victim.elf");
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  const requests = new HarnessRequests();
  requests.call(0, [7n]);
  return requests.run(path, 10).call();
}

const RET = 0xc3;
/** mov [rip + the distance to `address`], rdi; ret: the move has seven bytes. */
function storeTo(address: bigint, from: bigint): number[] {
  const distance = Number(BigInt.asUintN(32, address - from - 7n));
  return [
    0x48,
    0x89,
    0x3d,
    distance & 255,
    (distance >>> 8) & 255,
    (distance >>> 16) & 255,
    distance >>> 24,
    RET,
  ];
}

test("the function as it is leaves everything else alone", () => {
  expect(callWith(() => [])).toMatchObject({ trap: 0, unpreserved: [] });
});

test.each<[string, number[], Parameters<typeof callWith>[0]]>([
  ["on the stack above its arguments", [16], () => [0x48, 0x89, 0x7c, 0x24, 0x10, RET]],
  ["behind the globals", [16], (address, dataEnd) => storeTo(((dataEnd + 3n) & ~3n) + 8n, address)],
  ["in a register that it must preserve", [3], () => [0x48, 0x89, 0xfb, RET]],
])("a change %s is seen", (_where, unpreserved, makeCode) => {
  expect(callWith(makeCode)).toMatchObject({ trap: 0, unpreserved });
});

test("a write to code, or outside of the window, is a fault of its own kind", () => {
  expect(callWith((address) => storeTo(address, address)).trap).toBe(FaultKind.Protection);
  // mov rax, -4096; mov [rax], rdi
  expect(callWith(() => [0x48, 0xc7, 0xc0, 0, 0xf0, 0xff, 0xff, 0x48, 0x89, 0x38, RET]).trap).toBe(
    FaultKind.Protection,
  );
});

test("a seed makes the same mutants again, of every kind, and never of another length", () => {
  const text = sectionNamed(readElf(original, "victim.elf"), ".text")!.bytes;
  const run = (): string[] => {
    const mutator = new CodeMutator(text, new Random(5));
    return Array.from({ length: 300 }, () => {
      const code = text.slice();
      const { kind, changes } = mutator.mutate(code);
      expect(code.length).toBe(text.length);
      return `${kind}: ${changes.join("; ")}`;
    });
  };
  const mutants = run();
  expect(run()).toEqual(mutants);
  expect(new Set(mutants.map((mutant) => mutant.split(":")[0]))).toEqual(
    new Set([
      "byte",
      "condition",
      "register",
      "high register",
      "width",
      "displacement",
      "immediate",
      "opcode",
      "dropped",
      "duplicate",
      "reordered",
      "replaced",
      "scale",
      "several",
    ]),
  );
});
