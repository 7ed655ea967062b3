import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRoot } from "../build/tree.ts";
import { readElf } from "../elf/read.ts";
import { compileProgram } from "./compile.ts";

const root = findRoot();
const folder = "build/test/assemble";
const SOURCE = `
bits 64
section .text align=16
global _start:function (_start.end - _start)
_start:
  hlt
.end:
section .note.GNU-stack noalloc noexec nowrite progbits
`;

beforeAll(() => {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, "main.asm"), SOURCE);
});
afterAll(() => rmSync(join(root, folder), { recursive: true }));

test("a program in assembly has the form of a compiled one, and is not verified", async () => {
  const program = await compileProgram({ root, entry: `${folder}/main.asm`, target: "domain", outDir: folder, name: "raw", stackBytes: 8192, memoryPagesMax: 3 });
  expect(program).toMatchObject({ language: "assembly", verified: false });
  const elf = readElf(new Uint8Array(readFileSync(join(root, program.binaryPath!))), "raw.bin");
  expect(elf.entry).toBe(0x10_0000_0000n);
  const note = elf.programHeaders.find((header) => header.type === 4)!;
  const view = new DataView(elf.bytes.buffer, note.offset, note.fileBytes);
  expect([8, 12, 16].map((offset) => view.getUint32(20 + offset, true))).toEqual([2, 3, 8192]);
  expect(readFileSync(join(root, program.listingPath), "utf8")).toContain("hlt");
  expect(readFileSync(join(root, program.symbolsPath!)).includes("_start\0")).toBe(true);
});

test("only domains are written in assembly", async () => {
  await expect(compileProgram({ root, entry: `${folder}/main.asm`, target: "linux", outDir: folder, name: "raw" })).rejects.toThrow("only domains");
});
