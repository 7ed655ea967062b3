import type { IrModule } from "../ir/module.ts";
import type { SourcePosition } from "../wasm/source-map.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import { RelocationType, SHF_ALLOC, SHF_EXECUTABLE, SectionType, SymbolType } from "./format.ts";
import { exportSymbol, functionKey } from "../ir/link-name.ts";
import type { RelocatableFile, Section } from "./relocatable.ts";

/**
 * Start and end of the compiled code in `.text`. Offsets in every `.trine.*` section count from the
 * first.
 */
export const TEXT_START_SYMBOL = "trine.text";
const TEXT_END_SYMBOL = "trine.text.end";

/** The module's start function, where it has one: start stubs call it before anything else. */
const MODULE_START_SYMBOL = "trine.start";

/**
 * Functions start at multiples of this; the gaps hold `int3`, which no compiled function contains.
 */
const FUNCTION_ALIGNMENT = 16;
const GAP_FILLER = 0xcc;

/** A function at its place in the text section. */
export interface PlacedFunction {
  readonly code: MachineCode;
  /** Offset of its first byte in the section. */
  readonly start: number;
  /** Offset behind its last byte. */
  readonly end: number;
}

export interface Text {
  readonly section: Section;
  readonly functions: readonly PlacedFunction[];
  readonly bytes: number;
}

/**
 * Lays the functions out in the order given, with their symbols, export aliases and relocations.
 */
export function writeText(
  file: RelocatableFile,
  module: IrModule,
  codes: readonly MachineCode[],
): Text {
  const section = file.section(
    ".text",
    SectionType.ProgramBits,
    SHF_ALLOC | SHF_EXECUTABLE,
    FUNCTION_ALIGNMENT,
  );
  const functions: PlacedFunction[] = [];
  const placeOf = new Map<number, PlacedFunction>();

  for (const code of codes) {
    section.content.align(FUNCTION_ALIGNMENT, GAP_FILLER);
    const start = section.content.length;
    section.content.raw(code.bytes);
    const placed = { code, start, end: section.content.length };
    functions.push(placed);
    placeOf.set(code.functionIndex, placed);
    for (const relocation of code.relocations) {
      section.relocations.push({
        ...relocation,
        offset: start + relocation.offset,
        type: RELOCATION_TYPE[relocation.kind],
      });
    }
    file.symbol({
      name: code.name,
      key: functionKey(code.name),
      section,
      offset: start,
      bytes: code.bytes.length,
      type: SymbolType.Function,
      isGlobal: false,
    });
  }

  // Not function symbols: each function has one already, with its name in the source.
  for (const [name, functionIndex] of module.exports) {
    const placed = placeOf.get(functionIndex);
    if (placed !== undefined)
      file.symbol({
        name: exportSymbol(name),
        section,
        offset: placed.start,
        bytes: 0,
        type: SymbolType.None,
        isGlobal: true,
      });
  }

  const first = placeOf.get(module.start);
  if (first !== undefined) {
    file.symbol({
      name: MODULE_START_SYMBOL,
      section,
      offset: first.start,
      bytes: 0,
      type: SymbolType.None,
      isGlobal: true,
    });
  }

  // The filler behind the last function keeps what the linker appends on an aligned start too.
  section.content.align(FUNCTION_ALIGNMENT, GAP_FILLER);
  const bytes = section.content.length;
  file.symbol({
    name: TEXT_START_SYMBOL,
    section,
    offset: 0,
    bytes: 0,
    type: SymbolType.None,
    isGlobal: true,
  });
  file.symbol({
    name: TEXT_END_SYMBOL,
    section,
    offset: bytes,
    bytes: 0,
    type: SymbolType.None,
    isGlobal: true,
  });
  return { section, functions, bytes };
}

const RELOCATION_TYPE = {
  pc32: RelocationType.Relative32,
  call32: RelocationType.Call32,
  abs32s: RelocationType.Absolute32Signed,
  abs64: RelocationType.Absolute64,
} as const;

/**
 * Where code comes from: a position from `offset` on (in the text section), innermost where
 * functions were inlined.
 */
export interface SourceRow {
  readonly offset: number;
  readonly position: SourcePosition;
}

/**
 * Ascending source rows of one function; equal neighbours are merged. The first row stands at the
 * function's start, so code without a position counts to the line before it, or at the start to the
 * line after it. Empty if no position is known.
 */
export function sourceRows(
  module: IrModule,
  placed: PlacedFunction,
  positionOf: PositionOf = exactPosition,
): SourceRow[] {
  const rows: SourceRow[] = [];
  for (const line of placed.code.lines) {
    const { offset } = line;
    const position = positionOf(module, placed, line);
    if (position === null) continue;
    const last = rows.at(-1);
    if (
      last !== undefined &&
      last.position.file === position.file &&
      last.position.line === position.line
    )
      continue;
    const row = { offset: rows.length === 0 ? placed.start : placed.start + offset, position };
    // Several rows at one offset: the last one is where the next instruction comes from.
    if (last !== undefined && last.offset === row.offset) rows[rows.length - 1] = row;
    else rows.push(row);
  }
  return rows;
}

type CodeLine = MachineCode["lines"][number];
type PositionOf = (
  module: IrModule,
  placed: PlacedFunction,
  line: CodeLine,
) => SourcePosition | null;

const exactPosition: PositionOf = (module, _placed, { origin }) =>
  origin < 0 ? null : module.sourceOf(origin);

/** Code that stops for what its caller asks. */
const LIBRARY = /^(~lib\/|services\/runtime\/(abort|collector)\.ts)/;

/**
 * Position of inlined library code: the line outside the library that calls it. A report of a fault
 * is about the program's own lines.
 */
export const ownPosition: PositionOf = (module, placed, line) => {
  const exact = exactPosition(module, placed, line);
  let { inlinedAt } = line;
  for (let position = exact; position !== null && inlinedAt >= 0; ) {
    if (!LIBRARY.test(position.file)) return position;
    const call = placed.code.inlinedCalls[inlinedAt]!;
    position = exactPosition(module, placed, { ...line, origin: call.origin });
    inlinedAt = call.inlinedAt;
    if (position !== null && !LIBRARY.test(position.file)) return position;
  }
  return exact;
};
