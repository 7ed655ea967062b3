// In the kernel that boots: who writes CR3, and that each writer says so in the cell by which the
// exit stubs know the space in force.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Code, Decoder, DecoderOptions, type Instruction, OpKind, Register } from "iced-x86";
import { beforeAll, expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { type ElfFile, readElf, sectionNamed } from "../../toolchain/elf/read.ts";
import { buildTestImage } from "../support/build.ts";

let kernel: ElfFile;
beforeAll(() => {
  buildTestImage("main");
  const path = join(findRoot(), "build/kernel/development/kernel.elf");
  kernel = readElf(readFileSync(path), path);
});

interface ControlAccess {
  readonly inside: string;
  readonly register: Register;
  readonly next: { readonly stores: Register; readonly to: bigint } | null;
}

/** Every move to CR3 (from it, if `reads`) in a section of 64-bit code, by ascending address. */
function accessesOfCr3(section: string, reads: boolean): ControlAccess[] {
  const { address, bytes } = sectionNamed(kernel, section)!;
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const found: ControlAccess[] = [];
  const wanted = reads ? Code.Mov_r64_cr : Code.Mov_cr_r64;
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    const control = reads ? instruction.op1Register : instruction.op0Register;
    if (instruction.code !== wanted || control !== Register.CR3) continue;
    const next = decoder.decode();
    found.push({
      inside: functionAt(instruction.ip),
      register: reads ? instruction.op0Register : instruction.op1Register,
      next: storeOf(next),
    });
  }
  return found;
}

function storeOf(instruction: Instruction): ControlAccess["next"] {
  if (instruction.code !== Code.Mov_rm64_r64 || instruction.op0Kind !== OpKind.Memory) return null;
  return {
    stores: instruction.op1Register,
    to: BigInt.asUintN(64, instruction.memoryDisplacement),
  };
}

function functionAt(address: bigint): string {
  const { name } = kernel.symbols.find(
    (symbol) =>
      symbol.bytes > 0 &&
      address >= symbol.address &&
      address < symbol.address + BigInt(symbol.bytes),
  )!;
  return name;
}

test("the start, the exit stubs and loadSpace write CR3, and no compiled code does", () => {
  expect(accessesOfCr3(".stubs", false).map(({ inside }) => inside)).toEqual([
    "enter_high_half",
    "resume",
    "resume",
    "import.assembly.resumeMessage.lilil_",
    "import.assembly.loadSpace.l_",
  ]);
  expect(accessesOfCr3(".text", false)).toEqual([]);
});

test("each stores the value in the cell with the next instruction", () => {
  const cell = kernel.symbols.find(({ name }) => name === "space_loaded")!.address;
  for (const { register, next } of accessesOfCr3(".stubs", false))
    expect(next).toEqual({ stores: register, to: cell });
});

test("only a panic reads CR3", () => {
  expect(accessesOfCr3(".stubs", true)).toEqual([]);
  for (const { inside } of accessesOfCr3(".text", true))
    expect(inside).toMatch(/^kernel\/x64\/panic\//);
});

test("the 32-bit boot code writes CR3 once, before the cell is in use", () => {
  const { bytes } = sectionNamed(kernel, ".boot")!;
  // 0f 22 /3, with a register.
  const writes = [...bytes.keys()].filter(
    (at) => bytes[at] === 0x0f && bytes[at + 1] === 0x22 && (bytes[at + 2]! & 0xf8) === 0xd8,
  );
  expect(writes).toHaveLength(1);
});
