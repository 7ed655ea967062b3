import { resolve } from "node:path";
import { expect, test } from "vitest";
import { buildModule } from "../ir/build.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import { readSourceMap } from "../wasm/source-map.ts";
import { compileAssemblyScript } from "./asc.ts";
import { inMemoryOrder } from "./function-order.ts";

const FILES = {
  "kernel/entry/main.ts": `
import { slow } from "./slow";
export { fastCall } from "./fast-path";
export { abort } from "../x64/panic";
export function systemCall(x: u32): u32 { return slow(x); }
`,
  "kernel/entry/slow.ts": "export function slow(x: u32): u32 { return load<u32>(x * x); }",
  "kernel/entry/fast-path.ts": `
import { decline } from "./decline";
import { find } from "./table";
export function fastCall(x: u32): u32 { assert(x !== 3); return x > 9 ? decline(x) : find(x); }
`,
  "kernel/entry/decline.ts": `
import { rare } from "./rare";
export function decline(x: u32): u32 { return rare(x) + 2; }
`,
  "kernel/entry/rare.ts": "export function rare(x: u32): u32 { return load<u32>(x); }",
  "kernel/entry/table.ts": "export function find(x: u32): u32 { return load<u32>(x); }",
  "kernel/x64/panic.ts": `
function say(x: u32): void { store<u32>(4096, x); }
export function abort(text: string, file: string, line: u32, column: u32): void { say(line); }
`,
};
/** Bytes of a function's code; all others have 20. */
const BYTES: Readonly<Record<string, number>> = { "kernel/entry/decline/decline": 90 };

test("the fast path lies first, what it calls behind it, and nothing that a broken invariant calls", async () => {
  const { wasm, sourceMap } = await compileAssemblyScript({
    root: resolve(import.meta.dirname, "../.."),
    entry: "kernel/entry/main.ts",
    target: "kernel",
    virtualFiles: FILES,
  });
  const module = buildModule(wasm, {
    name: "test",
    target: "kernel",
    sourceOf: readSourceMap(sourceMap),
  });
  const codes = [...module.functions.entries()]
    .filter(([, { kind }]) => kind === "defined")
    .map(([functionIndex, { name }]) => ({
      functionIndex,
      name,
      bytes: new Uint8Array(BYTES[name] ?? 20),
    })) as unknown as MachineCode[];
  const names = inMemoryOrder(module, codes).map(({ name }) => name);
  expect(names.slice(0, 4)).toEqual([
    "kernel/entry/fast-path/fastCall",
    "kernel/entry/table/find",
    "kernel/entry/decline/decline",
    "kernel/entry/rare/rare",
  ]);
  expect(names.toSorted()).toEqual(codes.map(({ name }) => name).toSorted());
});
