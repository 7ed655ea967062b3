import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRoot } from "../cache/tree.ts";
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
  const program = await compileProgram({
    root,
    entry: `${folder}/main.asm`,
    target: "domain",
    outDir: folder,
    name: "raw",
    stackBytes: 8192,
    memoryPagesMax: 3,
  });
  expect(program).toMatchObject({ language: "assembly", verified: false });
  const elf = readElf(new Uint8Array(readFileSync(join(root, program.binaryPath!))), "raw.bin");
  expect(elf.entry).toBe(0x10_0000_0000n);
  const note = elf.programHeaders.find((header) => header.type === 4)!;
  const view = new DataView(elf.bytes.buffer, note.offset, note.fileBytes);
  expect([8, 12, 16].map((offset) => view.getUint32(20 + offset, true))).toEqual([2, 3, 8192]);
  expect(readFileSync(join(root, program.listingPath), "utf8")).toContain("hlt");
  expect(readFileSync(join(root, program.symbolsPath!)).includes("_start\0")).toBe(true);
});

test("it is assembled again when something changes that it takes in, however it is quoted", async () => {
  const assemble = () =>
    compileProgram({
      root,
      entry: `${folder}/parts.asm`,
      target: "domain",
      outDir: folder,
      name: "parts",
    });
  const write = (file: string, text: string): void => writeFileSync(join(root, folder, file), text);
  write("part.inc", "nop\n");
  write("part.bin", "a");
  write(
    "parts.asm",
    SOURCE.replace(
      "  hlt",
      `  %include '${folder}/part.inc'\n  incbin \`${folder}/part.bin\`\n  hlt`,
    ),
  );
  await assemble();
  expect((await assemble()).fromCache).toBe(true);
  write("part.inc", "nop\nnop\n");
  const { sizes } = await assemble();
  write("part.bin", "aaa");
  expect((await assemble()).sizes.text).toBe(sizes.text + 2);
  expect((await assemble()).fromCache).toBe(true);
});

test("a file that is included by a name that NASM makes up is refused: its changes would go unnoticed", async () => {
  writeFileSync(join(root, folder, "part.inc"), "nop\n");
  writeFileSync(
    join(root, folder, "hidden.asm"),
    SOURCE.replace("  hlt", `  %define PART '${folder}/part.inc'\n  %include PART\n  hlt`),
  );
  const message = `${folder}/hidden.asm:1:1: \`${folder}/part.inc\` is included in a way that cannot be followed; help: write \`%include "${folder}/part.inc"\``;
  await expect(
    compileProgram({
      root,
      entry: `${folder}/hidden.asm`,
      target: "domain",
      outDir: folder,
      name: "hidden",
    }),
  ).rejects.toThrow(message);
});

test("only domains are written in assembly", async () => {
  await expect(
    compileProgram({
      root,
      entry: `${folder}/main.asm`,
      target: "linux",
      outDir: folder,
      name: "raw",
    }),
  ).rejects.toThrow("only domains");
});
