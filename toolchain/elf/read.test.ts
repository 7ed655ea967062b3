import { expect, test } from "vitest";
import { assembledProgram } from "../../tests/support/assembled-program.ts";
import { PT_LOAD, PT_NOTE } from "./format.ts";
import { readElf, sectionNamed } from "./read.ts";
import { stripExecutable } from "./strip.ts";

const program = assembledProgram(
  "read",
  "domain",
  `
function _start
        mov     eax, [constant]
        ud2
endfunction _start
section .rodata
constant: dd 1
section .data
        dq 2
section .linear
        db "linear"
`,
);

/** A copy with some bytes changed. */
function changed(change: (view: DataView) => void): Uint8Array {
  const copy = program.slice();
  change(new DataView(copy.buffer));
  return copy;
}

test("a whole file is read", () => {
  const elf = readElf(program, "a.elf");
  expect(elf.entry).toBe(0x10_0000_0000n);
  expect(elf.programHeaders.map((header) => header.type)).toEqual([
    PT_LOAD,
    PT_LOAD,
    PT_LOAD,
    PT_LOAD,
    PT_NOTE,
  ]);
  expect(new TextDecoder().decode(sectionNamed(elf, ".linear")!.bytes)).toBe("linear");
});

test.each<[string, Uint8Array, string]>([
  ["an empty file", new Uint8Array(0), "shorter than an ELF header"],
  ["a truncated file", program.subarray(0, 3000), "ends behind the end of the file"],
  ["another magic", changed((view) => view.setUint8(1, 0)), "no ELF magic"],
  ["a 32-bit file", changed((view) => view.setUint8(4, 1)), "not a 64-bit file"],
  ["a relocatable file", changed((view) => view.setUint16(16, 1, true)), "not ET_EXEC"],
  ["another machine", changed((view) => view.setUint16(18, 3, true)), "not for x86-64"],
  [
    "program headers outside",
    changed((view) => view.setBigUint64(32, 1n << 40n, true)),
    "ends behind the end of the file",
  ],
  [
    "section headers outside",
    changed((view) => view.setBigUint64(40, 1n << 63n, true)),
    "the place of the section headers",
  ],
  [
    "a segment longer in the file than in memory",
    changed((view) => view.setBigUint64(64 + 40, 1n, true)),
    "longer in the file than in memory",
  ],
  [
    "a segment around the end of the address space",
    changed((view) => view.setBigUint64(64 + 16, (1n << 64n) - 2n, true)),
    "wraps around",
  ],
])("%s is refused", (_what, bytes, message) => {
  expect(() => readElf(bytes, "a.elf")).toThrow(message);
});

test("no single changed byte of the headers makes the reader fail otherwise than by refusing", () => {
  for (let at = 0; at < 64 + 5 * 56; at++) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      try {
        readElf(
          changed((view) => view.setUint8(at, value)),
          "a.elf",
        );
      } catch (error) {
        expect((error as Error).name).toBe("DiagnosticError");
      }
    }
  }
});

test("the stripped executable has the same segments, each on pages of its own", () => {
  const stripped = stripExecutable(program, "a.elf");
  const [before, after] = [readElf(program, "a.elf"), readElf(stripped, "a.bin")];
  expect(after.sections).toEqual([]);
  expect(stripped.length % 4096).toBe(0);
  const contents = (elf: typeof before) =>
    elf.programHeaders.map((header) => ({
      address: header.address,
      flags: header.flags,
      bytes: [...elf.bytes.subarray(header.offset, header.offset + header.fileBytes)],
    }));
  expect(contents(after)).toEqual(contents(before));
  for (const header of after.programHeaders)
    if (header.type === PT_LOAD) expect(header.offset % 4096).toBe(0);
});
