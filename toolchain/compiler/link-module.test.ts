// What a module calls its functions is its own affair: no name meets a symbol of ours, of the
// linker script or of hand-written code.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import binaryen from "binaryen";
import { afterAll, expect, test } from "vitest";
import { readElf } from "../elf/read.ts";
import { buildModule } from "../ir/build.ts";
import type { Target } from "../ir/module.ts";
import { verifyExecutable } from "../verify/verify.ts";
import { compileModule } from "./compile-module.ts";
import { linkModule } from "./link-module.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "trine-link-"));
afterAll(() => rmSync(folder, { recursive: true }));

function link(target: Target, text: string): { elf: Uint8Array; wasm: Uint8Array<ArrayBuffer> } {
  const parsed = binaryen.parseText(text);
  parsed.setFeatures(binaryen.Features.All);
  binaryen.setDebugInfo(true);
  const wasm = new Uint8Array(parsed.emitBinary());
  parsed.dispose();
  const module = buildModule(wasm, { name: "names.wasm", target });
  const options = {
    extraObjects: [],
    stackBytes: target === "domain" ? 65536 : 1 << 20,
    program: "program",
  } as const;
  return { elf: linkModule(root, module, compileModule(module, { check: true }), options), wasm };
}

/** The exit status of a Linux process. */
function statusOf(elf: Uint8Array): number | null {
  const path = join(folder, "names.elf");
  writeFileSync(path, elf);
  chmodSync(path, 0o755);
  return spawnSync(path).status;
}

/** Every name that links, scripts and stubs of the targets use, and some that look like ours. */
const NAMES = [
  "_start",
  "exit",
  "write",
  "linear_base",
  "linear_image",
  "linear_image_end",
  "linear_address",
  "stack_bytes",
  "domain_end",
  "DOMAIN_REGION",
  "trine_memory_grow",
  "trine.globals",
  "trine.globals.end",
  "trine.memory_pages",
  "trine.text",
  "trine.text.end",
  "trine.start",
  "trine.data",
  "trine.data.end",
  "trine.exports",
  "trine.symbols",
  "trine.symbols.end",
  "table.0",
  "table.0.length",
  "linux.exit",
  "linux.program",
  "import.linux.exit.i_",
  "import.linux.write.iii_i",
  "export.main",
  "function main",
  ".text",
  ".data",
  "_GLOBAL_OFFSET_TABLE_",
  "__bss_start",
  "$",
  "a name/with#signs",
];

/** A function's name in the module; the text format takes no other characters. */
const idOf = (name: string): string => `$${name.replaceAll(/[^!-~]/g, "_")}`;

/**
 * Each function adds its number through a global, memory and the table; `main` ends with the sum of
 * all.
 */
function everyName(exitCall: string, imports: string): string {
  const functions = NAMES.map(
    (
      name,
      index,
    ) => `(func ${idOf(name)} (export ${JSON.stringify(name)}) (type $t) (param i32) (result i32)
    (global.set $sum (i32.add (global.get $sum) (i32.const ${index + 1})))
    (i32.store (i32.const ${70_000 + 4 * index}) (global.get $sum))
    (i32.add (local.get 0) (i32.load (i32.const ${70_000 + 4 * index}))))`,
  );
  return `(module ${imports} (type $t (func (param i32) (result i32))) (memory 2 8) (global $sum (mut i32) (i32.const 0))
    (table ${NAMES.length} ${NAMES.length} funcref) (elem (i32.const 0) ${NAMES.map((name) => `${idOf(name)}`).join(" ")})
    ${functions.join("\n")}
    (func $sumOfAll (export "sumOfAll") (result i32) (local $i i32) (local $x i32)
      (drop (memory.grow (i32.const 1)))
      (loop $next
        (local.set $x (call_indirect (type $t) (local.get $x) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (i32.const ${NAMES.length}))))
      ${NAMES.map((name) => `(local.set $x (call ${idOf(name)} (local.get $x)))`).join("\n")}
      (i32.and (i32.add (i32.mul (local.get $x) (i32.const 7)) (memory.size)) (i32.const 127)))
    (func $main (export "main") ${exitCall}))`;
}

test("functions and exports may have any name that the link uses, and compute what they compute elsewhere", async () => {
  const exit = `(import "linux" "exit" (func $leave (param i32)))`;
  const { elf, wasm } = link("linux", everyName("(call $leave (call $sumOfAll))", exit));
  const { instance } = (await WebAssembly.instantiate(wasm, {
    linux: { exit: () => {} },
  })) as unknown as { instance: WebAssembly.Instance };
  const expected = (instance.exports["sumOfAll"] as () => number)();
  expect(verifyExecutable(elf, "linux", "names.elf")).toEqual([]);
  expect(statusOf(elf)).toBe(expected);
});

test("in a domain too, where the verifier finds nothing and each function has one symbol, its own name", () => {
  const { elf } = link("domain", everyName("(drop (call $sumOfAll))", ""));
  expect(verifyExecutable(elf, "domain", "names.elf")).toEqual([]);
  const names = readElf(elf, "names.elf")
    .symbols.filter(({ isGlobal, bytes }) => !isGlobal && bytes > 0)
    .map(({ name }) => name);
  for (const name of NAMES) expect(names).toContain(idOf(name).slice(1));
});

test("an export may have the name of another function", () => {
  const text = `(module (import "linux" "exit" (func $leave (param i32)))
    (func $f (export "x") (result i32) (i32.const 3)) (func $x (export "y") (result i32) (i32.const 40))
    (func (export "main") (call $leave (i32.sub (call $x) (call $f)))))`;
  expect(statusOf(link("linux", text).elf)).toBe(37);
});

test("what nothing provides is told by module, name and type, all of it at once", () => {
  const text = `(module (import "linux" "writ" (func $a)) (import "linux" "exit" (func $b (param i64))) (import "other" "exit" (func $c (param i32)))
    (func (export "main") (call $a) (call $b (i64.const 1)) (call $c (i32.const 1))))`;
  expect(() => link("linux", text)).toThrow(
    "linux.writ (_) is imported, and nothing provides it\nlinux.exit (l_) is imported, and nothing provides it; help: there is linux.exit (i_)\nother.exit (i_) is imported, and nothing provides it",
  );
});

test("one import twice is one function, under two types two", () => {
  const text = (
    second: string,
  ): string => `(module (import "linux" "exit" (func $a (param i32))) (import "linux" "exit" (func $b (param ${second})))
    (func (export "main") (call $b (${second}.const 7)) (call $a (i32.const 5))))`;
  expect(statusOf(link("linux", text("i32")).elf)).toBe(7);
  expect(() => link("linux", text("i64"))).toThrow(
    "linux.exit (l_) is imported, and nothing provides it; help: there is linux.exit (i_)",
  );
});

test("a dot in a module's or function's name makes no other import of it", () => {
  const text = `(module (import "linux.exit" "i_" (func $a)) (import "linux" "exit.i_" (func $b)) (func (export "main") (call $a) (call $b)))`;
  expect(() => link("linux", text)).toThrow(
    "linux.exit.i_ (_) is imported, and nothing provides it",
  );
});

test("a program without `main` is told so", () => {
  expect(() => link("domain", `(module (func (export "x")))`)).toThrow(
    "the program exports no function `main`, which hand-written code calls; help: export function main(…)",
  );
});
