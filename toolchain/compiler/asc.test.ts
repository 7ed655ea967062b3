import { resolve } from "node:path";
import { expect, test } from "vitest";
import { buildModule } from "../ir/build.ts";
import { Interpreter } from "../ir/interpret.ts";
import type { IrModule, Target } from "../ir/module.ts";
import { optimizeModule } from "../ir/passes/pipeline.ts";
import { printFunction } from "../ir/print.ts";
import { verifyFunction } from "../ir/verify.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { readSourceMap } from "../wasm/source-map.ts";
import { compileAssemblyScript } from "./asc.ts";

const root = resolve(import.meta.dirname, "../..");

async function compile(
  files: Record<string, string>,
  target: Target = "kernel",
  entry = Object.keys(files)[0]!,
): Promise<IrModule> {
  const { wasm, sourceMap } = await compileAssemblyScript({
    root,
    entry,
    target,
    virtualFiles: files,
  });
  const module = buildModule(wasm, { name: "test", target, sourceOf: readSourceMap(sourceMap) });
  for (const fn of optimizeModule(module))
    expect(verifyFunction(fn, { scheduled: true, module })).toEqual([]);
  return module;
}

function textOf(module: IrModule, name: string): string {
  const entry = module.functions.find((candidate) => candidate.name === name);
  if (entry?.kind !== "defined") throw new Error(`no function ${name}`);
  return printFunction(entry.body, module);
}

const LIST = `
  @unmanaged @final
  class Thread {
    next: Thread | null;
    priority: u32;
    flags: u8;
    word: u64;
    get isUrgent(): bool { return this.priority > 10; }
  }
  let head: Thread | null = null;
  export function prepare(): void { memory.grow(1); }
  export function push(address: usize, priority: u32): void {
    const thread = changetype<Thread>(address);
    thread.next = head;
    thread.priority = priority;
    thread.flags = thread.isUrgent ? 3 : 1;
    head = thread;
  }
  export function total(): u64 {
    let sum: u64 = 0;
    let at = changetype<usize>(head);
    while (at != 0) {
      const thread = changetype<Thread>(at);
      sum = sum * 1000 + thread.priority * 10 + thread.flags;
      at = changetype<usize>(thread.next);
    }
    return sum;
  }
  export function fresh(address: usize): u32 {
    const thread = changetype<Thread>(address);
    return thread.priority + thread.priority + thread.priority;
  }
`;

test("compiles unmanaged classes: accessors are inlined, repeated fields are loaded once, loops are rotated", async () => {
  const module = await compile({ "kernel/list.ts": LIST });
  const interpreter = new Interpreter(module);
  interpreter.call("prepare", []);
  interpreter.call("push", [70_000n, 7n]);
  interpreter.call("push", [70_100n, 20n]);
  expect(interpreter.call("total", [])).toEqual([203n * 1000n + 71n]);

  expect(textOf(module, "kernel/list/fresh").match(/Load/g)).toHaveLength(1);
  expect(textOf(module, "kernel/list/push")).not.toMatch(/Call|Load32U|Load8U/);
  // The test of the loop stands behind its body.
  const blocks = textOf(module, "kernel/list/total")
    .split(/^block/m)
    .slice(1);
  const test = blocks.findIndex(
    (block) => block.includes("Branch") && block.includes("loop depth 1"),
  );
  expect(blocks[test - 1]).toContain("Jump");
});

test("an accessor's instructions carry the line that uses the field", async () => {
  const module = await compile({
    "kernel/lines.ts":
      "@unmanaged class A { x: u32; }\nexport function f(a: usize): u32 {\n  return changetype<A>(a).x;\n}\n",
  });
  const entry = module.functions.find(({ name }) => name === "kernel/lines/f");
  if (entry?.kind !== "defined") throw new Error("f is missing");
  const load = entry.body.blockInstructions[0]!.find(
    (instruction) =>
      printFunction(entry.body).includes("Load") && entry.body.resultCount(instruction) === 1,
  )!;
  expect(module.sourceOf(entry.body.origin(load))).toMatchObject({
    file: "kernel/lines.ts",
    line: 3,
  });
  expect(entry.body.inlinedCalls).toEqual([]);
});

test("an inlined function leaves a record of its call", async () => {
  const module = await compile({
    "kernel/calls.ts":
      "function twice(x: u32): u32 {\n  return load<u32>(x) * 2;\n}\nexport function f(x: u32): u32 {\n  return twice(x) + 1;\n}\n",
  });
  const entry = module.functions.find(({ name }) => name === "kernel/calls/f");
  if (entry?.kind !== "defined") throw new Error("f is missing");
  expect(textOf(module, "kernel/calls/f")).not.toContain("Call");
  const [call] = entry.body.inlinedCalls;
  expect(module.functions[call!.functionIndex]!.name).toBe("kernel/calls/twice");
  expect(module.sourceOf(call!.origin)?.line).toBe(5);
});

test("functions under kernel/x64 are not inlined", async () => {
  const module = await compile({
    "kernel/entry.ts":
      'import { port } from "./x64/port-for-test";\nexport function f(): u32 { return port(); }\n',
    "kernel/x64/port-for-test.ts":
      'import { in8 } from "./x64";\nexport function port(): u32 { return in8(0x64); }\n',
  });
  expect(textOf(module, "kernel/entry/f")).toContain("Call");
  expect(textOf(module, "kernel/x64/port-for-test/port")).toContain("Intrinsic.i32 In8");
});

test("without an abort of its own, a failed assertion is a trap", async () => {
  const module = await compile(
    { "services/a.ts": "export function main(): void { assert(load<u32>(70000) == 1); }\n" },
    "domain",
  );
  expect(() => new Interpreter(module).call("main", [])).toThrow("unreachable");
});

test("an exported abort is what a failed assertion calls", async () => {
  const module = await compile(
    {
      "services/b.ts":
        'import "./b-panic";\nexport function main(): void { assert(load<u32>(70000) == 1, "no"); }\n',
      "services/b-panic.ts":
        "export function abort(message: string | null, file: string | null, line: u32, column: u32): void { store<u32>(70004, line); }\n",
    },
    "domain",
  );
  expect(module.functions.map(({ name }) => name)).toContain("services/b-panic/abort");
});

test("static data starts above the unmapped 64 KiB", async () => {
  const module = await compile(
    { "services/c.ts": 'export function main(): usize { return changetype<usize>("text"); }\n' },
    "domain",
  );
  expect(module.memory.lowPagesUsed).toBe(false);
  expect(module.dataSegments.every(({ address }) => address >= 65_536)).toBe(true);
});

test("virtual files take the place of files on disk", async () => {
  const text = "export const ABI_VERSION: u32 = 77;\n";
  const module = await compile(
    {
      "services/d.ts":
        'import { ABI_VERSION } from "../kernel/abi/system-call";\nexport function main(): u32 { return ABI_VERSION; }\n',
      "kernel/abi/system-call.ts": text,
    },
    "domain",
    "services/d.ts",
  );
  expect(new Interpreter(module).call("main", [])).toEqual([77n]);
});

test("errors say file, line and column", async () => {
  const failure = compile(
    { "services/e.ts": "export function main(): void {\n  let x: u32 = missing;\n}\n" },
    "domain",
  );
  await expect(failure).rejects.toBeInstanceOf(DiagnosticError);
  await expect(failure).rejects.toThrow(/^services\/e\.ts:2:16: Cannot find name 'missing'/);
});

test.each([
  [
    "floating point",
    "export function main(): u32 { return <u32>(load<f64>(70000) * 2.0); }",
    "domain",
    /services\/f\.ts:1:\d+: function services\/f\/main: .*floating point is not supported/,
  ],
  [
    "imported functions",
    "declare function other(): u32;\nexport function main(): u32 { return other(); }",
    "domain",
    /services\/f\.ts:2:\d+: f\.other: programs cannot import functions/,
  ],
] as const)("refuses %s with line and reason", async (_what, text, target, message) => {
  await expect(compile({ "services/f.ts": text }, target)).rejects.toThrow(message);
});

test("floating point that nothing reaches is no error", async () => {
  const module = await compile(
    {
      "services/g.ts":
        "function unused(x: f64): f64 { return x * 2.0; }\nexport function main(): u32 { return 4; }",
    },
    "domain",
  );
  expect(module.functions.map(({ name }) => name)).not.toContain("services/g/unused");
});
