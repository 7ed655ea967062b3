import { Decoder, DecoderOptions, Encoder, Register as IcedRegister } from "iced-x86";
import { describe, expect, test } from "vitest";
import { Assembler, type PhysicalAddress } from "./assembler.ts";
import { Condition } from "../machine/condition.ts";
import { disassemble } from "../../../tests/support/disassemble-sample.ts";
import { Register } from "../machine/register.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";

const registers = Array.from({ length: 16 }, (_, register) => register);
const NAMES_32 = [
  "eax",
  "ecx",
  "edx",
  "ebx",
  "esp",
  "ebp",
  "esi",
  "edi",
  ...Array.from({ length: 8 }, (_, i) => `r${i + 8}d`),
];

function assemble(write: (assembler: Assembler) => void): Uint8Array {
  const assembler = new Assembler();
  write(assembler);
  return assembler.finish().bytes;
}

/** iced's own encoder, given what its decoder read, writes these bytes too. */
function expectSameAsIced(bytes: Uint8Array): void {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const instruction = decoder.decode();
  const encoder = new Encoder(64);
  const length = encoder.encode(instruction, 0n);
  expect(encoder.takeBuffer()).toEqual(bytes);
  expect(length).toBe(bytes.length);
  encoder.free();
  instruction.free();
  decoder.free();
}

const OPCODES: readonly [string, number, number][] = [
  ["mov", 8, 0x8b],
  ["mov", 4, 0x8b],
  ["mov", 2, 0x8b],
  ["add", 8, 0x03],
  ["cmp", 4, 0x3b],
  ["xor", 4, 0x33],
  ["test", 8, 0x85],
  ["imul", 8, 0x0faf],
  ["imul", 4, 0x0faf],
  ["movsxd", 8, 0x63],
  ["cmovb", 8, 0x0f42],
  ["ud1", 4, 0x0fb9],
  ["lea", 8, 0x8d],
  ["lea", 4, 0x8d],
];

describe("registers", () => {
  test.each(OPCODES.filter(([name]) => name !== "lea"))(
    "%s of %i bytes, every pair",
    (name, width, opcode) => {
      for (const reg of registers) {
        for (const operand of registers) {
          const bytes = assemble((a) => a.modrm(width, opcode, reg, operand));
          expectSameAsIced(bytes);
          expect(disassemble(bytes)[0]).toMatch(new RegExp(`^${name} `));
        }
      }
    },
  );

  test("bytes of any register are its low ones", () => {
    for (const reg of registers) {
      for (const operand of registers) {
        const bytes = assemble((a) => a.modrm(4, 0x0fb6, reg, operand, { byteOperand: true }));
        const [text] = disassemble(bytes);
        expect(text).not.toMatch(/[abcd]h$/);
        const decoder = new Decoder(64, bytes, DecoderOptions.None);
        const instruction = decoder.decode();
        expect(IcedRegister[instruction.op0Register]!.toLowerCase()).toBe(NAMES_32[reg]);
        instruction.free();
        decoder.free();
      }
    }
  });
});

describe("memory operands", () => {
  const displacements = [0, 1, -1, 127, 128, -128, -129, 0x7fff_ffff, -0x8000_0000];
  const addresses: PhysicalAddress[] = [];
  for (const displacement of displacements) {
    for (const base of registers) addresses.push({ ...PLAIN_ADDRESS, base, displacement });
    addresses.push(
      { ...PLAIN_ADDRESS, displacement },
      { ...PLAIN_ADDRESS, displacement, threadBlock: true },
    );
  }
  for (const base of [-1, ...registers]) {
    for (const index of registers.filter((register) => register !== Register.rsp)) {
      for (const scale of [1, 2, 4, 8] as const) {
        for (const displacement of [0, 8, 1000]) {
          addresses.push(
            { ...PLAIN_ADDRESS, base, index, scale, displacement },
            { ...PLAIN_ADDRESS, base, index, scale, displacement, address32: true },
          );
        }
      }
    }
  }

  test.each([
    ["mov", 8, 0x8b],
    ["mov", 4, 0x8b],
    ["lea", 8, 0x8d],
    ["add", 2, 0x03],
  ] as const)("%s of %i bytes", (_name, width, opcode) => {
    const read = addresses.map((address) =>
      readBack(assemble((a) => a.modrm(width, opcode, Register.r9, address))),
    );
    expect(read).toEqual(addresses.map(describeAddress));
  });

  /**
   * Base, index, scale and displacement as iced reads them, the shortest displacement among them.
   */
  function readBack(bytes: Uint8Array): string {
    const decoder = new Decoder(64, bytes, DecoderOptions.None);
    const instruction = decoder.decode();
    if (instruction.isInvalid || instruction.length !== bytes.length) return "invalid";
    const name = (register: IcedRegister): string =>
      register === IcedRegister.None ? "" : IcedRegister[register]!.toLowerCase();
    const displacement = BigInt.asIntN(32, instruction.memoryDisplacement);
    const text = `${name(instruction.segmentPrefix)}[${name(instruction.memoryBase)} ${name(instruction.memoryIndex)}*${instruction.memoryIndexScale} ${displacement}]`;
    instruction.free();
    decoder.free();
    return text;
  }

  function describeAddress(address: PhysicalAddress): string {
    const name = (register: number): string =>
      register < 0 ? "" : address.address32 ? NAMES_32[register]! : Register[register]!;
    return `${address.threadBlock ? "fs" : ""}[${name(address.base)} ${name(address.index)}*${address.index < 0 ? 1 : address.scale} ${address.displacement}]`;
  }
});

describe("symbols", () => {
  test("a rip-relative displacement counts from the instruction's end, behind its immediate", () => {
    const assembler = new Assembler();
    assembler.modrm(
      4,
      0x81,
      7,
      { ...PLAIN_ADDRESS, symbol: "table", displacement: 16 },
      { immediateBytes: 4 },
    );
    assembler.immediate(5, 4);
    expect(assembler.finish().relocations).toEqual([
      { offset: 2, kind: "pc32", symbol: "table", addend: 16 - 8 },
    ]);
  });

  test("the linear base stands in the displacement", () => {
    const assembler = new Assembler();
    assembler.modrm(8, 0x8b, Register.rax, {
      ...PLAIN_ADDRESS,
      base: Register.rsi,
      symbol: "linear_base",
      absolute: true,
      displacement: 24,
    });
    expect(assembler.finish().relocations).toEqual([
      { offset: 3, kind: "abs32s", symbol: "linear_base", addend: 24 },
    ]);
  });
});

describe("branches", () => {
  // The distance counts from the branch's end: 127 bytes forward is the last that a byte holds, 128
  // backward from a branch of 2 bytes.
  test.each([
    [127, 2],
    [128, 6],
  ])("over %i bytes forward takes %i bytes", (distance, length) => {
    const bytes = assemble((a) => {
      const label = a.newLabel();
      a.jumpIf(Condition.Equal, label);
      for (let i = 0; i < distance; i++) a.byte(0x90);
      a.bind(label);
    });
    expect(bytes.length).toBe(distance + length);
    expect(disassemble(bytes)[0]).toContain(`${(distance + length).toString(16).toUpperCase()}h`);
  });

  test.each([
    [126, 2],
    [127, 5],
  ])("over %i bytes backward takes %i bytes", (distance, length) => {
    const bytes = assemble((a) => {
      const label = a.newLabel();
      a.bind(label);
      for (let i = 0; i < distance; i++) a.byte(0x90);
      a.jump(label);
    });
    expect(bytes.length).toBe(distance + length);
    expect(disassemble(bytes).at(-1)).toMatch(/jmp (short )?0$/);
  });

  test("one that grows makes others grow", () => {
    // Each branch spans the next; only the last is too far for a byte, the others become so one
    // after the other.
    const bytes = assemble((a) => {
      const labels = Array.from({ length: 40 }, () => a.newLabel());
      labels.forEach((label, i) => {
        a.jumpIf(Condition.Below, label);
        for (let k = 0; k < 60; k++) a.byte(0x90);
        if (i >= 2) a.bind(labels[i - 2]!);
      });
      for (let k = 0; k < 200; k++) a.byte(0x90);
      a.bind(labels[38]!);
      a.bind(labels[39]!);
    });
    for (const line of disassemble(bytes)) expect(line).not.toBe("invalid");
  });
});
