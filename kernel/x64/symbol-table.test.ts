import { beforeAll, describe, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { compileModule } from "../../toolchain/compiler/compile-module.ts";
import { readProgram } from "../../toolchain/compiler/read-program.ts";
import { RelocatableFile } from "../../toolchain/elf/relocatable.ts";
import { type SymbolEntry, symbolEntry, symbolTable } from "../../toolchain/elf/symbol-table.ts";
import { writeText } from "../../toolchain/elf/text-section.ts";
import { Random } from "../../toolchain/fuzz/random.ts";

const TABLE = 0xffff_ffff_8020_0000n;
const TEXT = 0xffff_ffff_8010_0000n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`export { logCodePlace } from "./backtrace";`);
});

/** Returns what is printed for an address. Reads outside the table throw. */
function reader(table: Uint8Array): (address: bigint) => string {
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  let printed = "";
  const running = runOnFake(module, {
    readPort: () => 0x20,
    writePort: (port, value) => void (port === 0x3f8 && (printed += String.fromCharCode(value))),
    assembly: {
      symbolTable: () => TABLE,
      imageLoad8: (at: bigint) => view.getUint8(Number(at - TABLE)),
      imageLoad32: (at: bigint) => view.getUint32(Number(at - TABLE), true),
    },
  });
  return (address) => {
    printed = "";
    running.number("logCodePlace", address);
    return printed;
  };
}

describe("the kernel's own table", () => {
  let entries: readonly SymbolEntry[];
  let textBytes = 0;
  beforeAll(async () => {
    const { module: kernel } = await readProgram({
      root: findRoot(),
      entry: "kernel/entry/main.ts",
      target: "kernel",
      name: "kernel",
    });
    const text = writeText(new RelocatableFile(), kernel, compileModule(kernel, { check: false }));
    textBytes = text.bytes;
    entries = text.functions.map((placed) => symbolEntry(kernel, placed));
  });

  test("gives every row's line, from the row's first byte to its last", () => {
    const placeOf = reader(symbolTable(TEXT, textBytes, entries));
    let rows = 0;
    for (const { start, bytes, name, lines } of entries) {
      for (const [index, { offset, position }] of lines.entries()) {
        const end = lines[index + 1]?.offset ?? start + bytes;
        const expected = `${name} (${position.file}:${position.line})`;
        expect(placeOf(TEXT + BigInt(offset))).toBe(expected);
        expect(placeOf(TEXT + BigInt(end) - 1n)).toBe(expected);
        rows++;
      }
    }
    expect(rows).toBeGreaterThan(5000);
  });

  test("is small", () => {
    expect(symbolTable(TEXT, textBytes, entries).length).toBeLessThanOrEqual(40 * 1024);
  });
});

const sample: SymbolEntry[] = Array.from({ length: 20 }, (_, index) => ({
  start: index * 64,
  bytes: 60,
  name: index % 3 === 0 ? `by-hand${index}` : `kernel/part${index % 2}/function${index}`,
  frameBytes: index * 8,
  deep: [{ start: index * 64 + 16, end: index * 64 + 32, depth: 300 }],
  lines: [0, 24, 48].map((offset) => ({
    offset: index * 64 + offset,
    position: { file: `kernel/part${(index + offset) % 3}.ts`, line: 1000 - offset, column: 1 },
  })),
}));

test("a table that is damaged anywhere is read within its bounds, and reading ends", () => {
  const sound = symbolTable(TEXT, 20 * 64, sample);
  const random = new Random(23);
  for (let round = 0; round < 500; round++) {
    const damaged = sound.slice();
    const view = new DataView(damaged.buffer);
    for (let change = random.below(3); change >= 0; change--) {
      // Not the table's own length: what lies there is the kernel's read-only data.
      const place = random.below((damaged.length >> 2) - 12) + 12;
      const word = random.below(2) === 0 ? random.below(11) : place;
      view.setUint32(word * 4, random.pick([0, 1, 0x7fff_ffff, 0xffff_ffff, random.next()]), true);
    }
    const placeOf = reader(damaged);
    for (let index = 0; index < 8; index++)
      expect(placeOf(TEXT + BigInt(random.below(1400))).length).toBeLessThan(1000);
  }
});
