import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linkProgram } from "./link.ts";
import { writeObject } from "./object.ts";
import { readElf, sectionNamed, symbolNamed } from "./read.ts";
import { sampleCode, sampleFunctions, sampleModule } from "../../tests/support/sample-object.ts";
import { functionKey } from "../ir/link-name.ts";
import { readUnwind } from "./unwind-section.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "trine-elf-"));
afterAll(() => rmSync(folder, { recursive: true }));

const call = (offset: number, symbol: string) =>
  ({ offset, kind: "call32", symbol, addend: -4 }) as const;

// mov edi, 1; mov esi, 65540; mov edx, 6; call write; ret
const hello = sampleCode(
  "sample/hello",
  1,
  [0xbf, 1, 0, 0, 0, 0xbe, 4, 0, 1, 0, 0xba, 6, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xc3],
  { relocations: [call(16, "import.linux.write.iii_i")] },
);
// push rbx; call hello; mov eax, [linear_base + 0x100]; pop rbx; ret
const main = sampleCode(
  "sample/main",
  0,
  [0x53, 0xe8, 0, 0, 0, 0, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0x5b, 0xc3],
  {
    frameBytes: 8,
    savedRegisters: [3],
    depths: [
      { offset: 0, depth: 0, hasFrame: true },
      { offset: 1, depth: 8, hasFrame: true },
      { offset: 14, depth: 0, hasFrame: true },
    ],
    relocations: [
      call(2, functionKey("sample/hello")),
      { offset: 9, kind: "abs32s", symbol: "linear_base", addend: 0x100 },
    ],
    lines: [
      { offset: 0, origin: 4, inlinedAt: -1 },
      { offset: 1, origin: 6, inlinedAt: -1 },
      { offset: 6, origin: 40, inlinedAt: 0 },
      { offset: 13, origin: 8, inlinedAt: -1 },
    ],
    inlinedCalls: [{ functionIndex: 2, origin: 7, inlinedAt: -1 }],
  },
);
const module = sampleModule("linux", {
  exports: new Map([["main", 0]]),
  dataSegments: [{ address: 65540, bytes: new TextEncoder().encode("hello\n") }],
  functions: sampleFunctions(["sample/main", "sample/hello", "sample/inlined"]),
});

let elfBytes: Uint8Array;
let path: string;
beforeAll(() => {
  elfBytes = link(writeObject(module, [hello, main]));
  path = join(folder, "sample.elf");
  writeFileSync(path, elfBytes);
  chmodSync(path, 0o755);
});

function link(object: Uint8Array): Uint8Array {
  return linkProgram({
    root,
    target: "linux",
    object,
    assembly: ["toolchain/targets/linux/start.asm", "toolchain/targets/linux/program.asm"],
    assemblyDefinitions: {
      MEMORY_PAGES: 2,
      MEMORY_PAGES_MAX: 4,
      LINEAR_ADDRESS: 65536,
      FIRST_BYTES: 65536,
      STACK_BYTES: 1 << 20,
    },
    linkerDefinitions: {},
  });
}

const readelf = (...options: string[]): string =>
  execFileSync("readelf", ["-W", ...options, path]).toString();

test("the process runs, and a trap names its kind, its function and its line", () => {
  const { stdout, stderr, status } = spawnSync(path);
  expect(stdout.toString()).toBe("hello\n");
  expect(stderr.toString()).toMatch(
    /^trap: null reference at 0x[0-9a-f]{16} in sample\/main sample\.ts:41\n$/,
  );
  expect(status).toBe(128 + 2);
});

test("an ordinary user may run it", () => {
  chmodSync(folder, 0o755);
  // Root becomes one for it.
  const [program, ...parameters] = [
    ...(process.getuid?.() === 0
      ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      : []),
    path,
  ];
  const { stdout, status } = spawnSync(program!, parameters);
  expect([stdout.toString(), status]).toEqual(["hello\n", 130]);
});

test("symbols have their sizes, and an export is an alias of its function", () => {
  const elf = readElf(elfBytes, "sample.elf");
  expect(symbolNamed(elf, "sample/main")).toMatchObject({ bytes: 15, isGlobal: false });
  expect(symbolNamed(elf, "export.main")).toMatchObject({
    bytes: 0,
    isGlobal: true,
    address: symbolNamed(elf, "sample/main")!.address,
  });
});

test("each instruction has its line, innermost where functions were inlined", () => {
  const rows = execFileSync("objdump", ["--dwarf=decodedline", path]).toString();
  expect([...rows.matchAll(/^sample\.ts\s+(\d+)\s/gm)].map(([, line]) => Number(line))).toEqual([
    2, 5, 7, 41, 9,
  ]);
});

test("an argument pushed without the frame is not taken for a saved register", () => {
  // push rax; call hello; ret; push rbx; call hello; pop rbx; ret
  const early = sampleCode(
    "sample/main",
    0,
    [0x50, 0xe8, 0, 0, 0, 0, 0xc3, 0x53, 0xe8, 0, 0, 0, 0, 0x5b, 0xc3],
    {
      frameBytes: 8,
      savedRegisters: [3],
      depths: [
        { offset: 0, depth: 0, hasFrame: false },
        { offset: 1, depth: 8, hasFrame: false },
        { offset: 8, depth: 8, hasFrame: true },
        { offset: 14, depth: 0, hasFrame: true },
      ],
    },
  );
  const object = join(folder, "early.o");
  writeFileSync(object, writeObject(module, [hello, early]));
  const frames = execFileSync("readelf", ["--debug-dump=frames", object]).toString();
  expect(frames.slice(frames.indexOf("DW_CFA_advance_loc"))).toMatch(
    /^DW_CFA_advance_loc: 1 .*\n +DW_CFA_def_cfa_offset: 16\n +DW_CFA_advance_loc: 7 .*\n +DW_CFA_offset: r3 \(rbx\) at cfa-16\n/,
  );
});

test("functions and what was inlined into them are described", () => {
  const info = readelf("--debug-dump=info");
  expect(info).toMatch(/DW_AT_name\s*: \(string\) main\n/);
  expect(info).toMatch(/DW_TAG_inlined_subroutine[^]*DW_AT_call_line\s*: \(udata\) 8\n/);
  expect(info).toMatch(/DW_AT_comp_dir\s*: \(string\) \.\n/);
});

test("frames can be unwound in prologue, body and epilogue", () => {
  const frames = readelf("--debug-dump=frames");
  expect(frames).toMatch(
    /advance_loc: 1 [^]*r3 \(rbx\) at cfa-16[^]*def_cfa_offset: 16[^]*advance_loc: 13[^]*restore: r3[^]*def_cfa_offset: 8/,
  );
});

test("frames can be read back", () => {
  const elf = readElf(elfBytes, "sample.elf");
  expect(readUnwind(sectionNamed(elf, ".trine.unwind")!.bytes)).toEqual([
    { start: 0, bytes: 21, frameBytes: 0, savedRegisters: [] },
    { start: 32, bytes: 15, frameBytes: 8, savedRegisters: [3] },
  ]);
});

test("the same input gives the same bytes, without the name of any folder", () => {
  const again = link(writeObject(module, [hello, main]));
  expect(Buffer.compare(again, elfBytes)).toBe(0);
  expect(Buffer.from(elfBytes).includes(root)).toBe(false);
});

test("a thread-local global is refused by name: it would have no place", () => {
  const counter = { name: "counter", type: 1, mutable: true, initial: 0n, threadLocal: true };
  expect(() => writeObject({ ...module, globals: [counter] }, [hello, main])).toThrow(
    "the global `counter` is thread-local",
  );
});
