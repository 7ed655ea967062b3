import { SymbolType } from "../elf/format.ts";
import { type ElfFile, sectionNamed } from "../elf/read.ts";
import type { Finding } from "./finding.ts";
import { decodeInstructions, type MachineInstruction } from "./instruction.ts";
import type { Layout } from "./layout.ts";

const GAP = 0xcc;

/** One function of the text, decoded. Offsets count from the start of the text. */
export interface CodeFunction {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly instructions: readonly MachineInstruction[];
  /** Index in `instructions` by offset. */
  readonly indexAt: ReadonlyMap<number, number>;
}

/**
 * Cuts the text into functions. The symbols only propose the cuts: whatever they say, each function
 * is checked by itself, functions must not overlap, and what lies between them must be the filler
 * that cannot be executed.
 */
export function readFunctions(elf: ElfFile, layout: Layout, findings: Finding[]): CodeFunction[] {
  const proposed = new Map<number, { name: string; end: number }>();
  for (const symbol of elf.symbols) {
    const start = Number(symbol.address - layout.textAddress);
    if (symbol.type !== SymbolType.Function || start < 0 || start >= layout.text.length) continue;
    // Aliases name the same code; the longest name says most.
    const known = proposed.get(start);
    if (known === undefined || symbol.name.length > known.name.length)
      proposed.set(start, { name: symbol.name, end: start + symbol.bytes });
  }

  const report = (name: string, message: string): void =>
    void findings.push({
      rule: "functions",
      function: name,
      address: "",
      instruction: "",
      message,
    });
  const functions: CodeFunction[] = [];
  let covered = 0;
  for (const [start, { name, end }] of [...proposed].sort(([left], [right]) => left - right)) {
    if (start < covered) {
      report(name, "it overlaps the function before it");
      continue;
    }
    if (end > layout.text.length || end === start) {
      report(name, "its length is wrong");
      continue;
    }
    checkGap(layout, covered, start, name, report);
    const instructions = decodeInstructions(layout.text.subarray(start, end), start);
    functions.push({
      name,
      start,
      end,
      instructions,
      indexAt: new Map(instructions.map((instruction, index) => [instruction.offset, index])),
    });
    covered = end;
  }
  checkGap(layout, covered, layout.text.length, "the end of the text", report);
  if (sectionNamed(elf, ".symtab") === undefined)
    report("symbols", "the file has no symbols, so its functions cannot be told apart");
  return functions;
}

function checkGap(
  layout: Layout,
  from: number,
  to: number,
  name: string,
  report: (name: string, message: string) => void,
): void {
  for (let at = from; at < to; at++) {
    if (layout.text[at] === GAP) continue;
    report(name, `${to - from} bytes of code before it belong to no function`);
    return;
  }
}
