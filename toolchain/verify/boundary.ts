import {
  BOUNDARY_ENTRY_BYTES,
  BOUNDARY_ENTRY_POINT,
  BOUNDARY_EXPORT,
  BOUNDARY_EXTERNAL,
} from "../elf/boundary-section.ts";
import { SymbolType } from "../elf/format.ts";
import { type ElfFile, sectionNamed } from "../elf/read.ts";
import type { Layout } from "./layout.ts";

/**
 * What hand-written code promises of a function that it calls or provides: see
 * toolchain/elf/boundary-section.ts.
 */
interface BoundaryFunction {
  /** Masks of parameters and results whose registers have a clear upper half. */
  readonly parameters32: number;
  readonly results32: number;
  /** Bytes of stack arguments. */
  readonly poppedBytes: number;
}

export interface Boundary {
  /** Compiled functions that hand-written code calls, by offset. */
  readonly exports: ReadonlyMap<number, BoundaryFunction>;
  /** Those of them that may change callee-saved registers, so compiled code must call none. */
  readonly entryPoints: ReadonlySet<number>;
  /** Hand-written functions that compiled code calls, by offset. */
  readonly externals: ReadonlyMap<number, BoundaryFunction>;
}

/**
 * Believed only where there is hand-written code: a domain has none. The compiler writes this list,
 * so a function that it calls hand-written must be one by the linker's word: a symbol of the
 * section that only hand-written code contributes to.
 */
export function readBoundary(elf: ElfFile, layout: Layout): Boundary {
  const exports = new Map<number, BoundaryFunction>();
  const entryPoints = new Set<number>();
  const externals = new Map<number, BoundaryFunction>();
  const stubStarts = readStubStarts(elf, layout);
  const bytes = sectionNamed(elf, ".trine.boundary")?.bytes ?? new Uint8Array(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + BOUNDARY_ENTRY_BYTES <= bytes.length; at += BOUNDARY_ENTRY_BYTES) {
    const offset = Number(BigInt.asIntN(64, view.getBigUint64(at, true) - layout.textAddress));
    const kind = view.getUint32(at + 8, true);
    const entry = {
      parameters32: view.getUint32(at + 12, true),
      results32: view.getUint32(at + 16, true),
      poppedBytes: view.getUint32(at + 20, true),
    };
    if (kind === BOUNDARY_EXPORT || kind === BOUNDARY_ENTRY_POINT) exports.set(offset, entry);
    if (kind === BOUNDARY_ENTRY_POINT) entryPoints.add(offset);
    if (kind === BOUNDARY_EXTERNAL && stubStarts.has(offset)) externals.set(offset, entry);
  }
  return { exports, entryPoints, externals };
}

function readStubStarts(elf: ElfFile, { stubs, textAddress }: Layout): Set<number> {
  const functions = elf.symbols.filter(
    (symbol) =>
      symbol.type === SymbolType.Function && elf.sections[symbol.section]?.name === ".stubs",
  );
  return new Set(
    functions
      .map((symbol) => Number(symbol.address - textAddress))
      .filter((offset) => offset >= stubs.start && offset < stubs.end),
  );
}
