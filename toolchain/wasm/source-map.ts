import { DiagnosticError } from "../report/diagnostic.ts";

/** A place in a source file: lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Reads a source map (version 3) of a wasm module: all mappings are in line 1, columns are byte
 * offsets in the module. The result returns the position of an instruction: that of the last
 * mapping at or before its offset, or null.
 */
export function readSourceMap(
  text: string,
  file = "module.wasm.map",
): (origin: number) => SourcePosition | null {
  const map = JSON.parse(text) as { version?: unknown; sources?: unknown; mappings?: unknown };
  const refuse = (message: string): never => {
    throw new DiagnosticError([{ severity: "error", file, message }]);
  };
  if (map.version !== 3 || !Array.isArray(map.sources) || typeof map.mappings !== "string")
    return refuse("not a source map of version 3");
  const sources = map.sources.map(String);
  const { offsets, files, lines, columns } = decodeMappings(map.mappings, refuse);

  return (origin) => {
    if (origin < 0) return null;
    // The last mapping at or before the offset.
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle]! <= origin) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index < 0 || files[index]! < 0) return null;
    const source = sources[files[index]!];
    // Source maps count lines and columns from 0, positions from 1.
    return source === undefined
      ? null
      : { file: source, line: lines[index]! + 1, column: columns[index]! + 1 };
  };
}

interface Mappings {
  readonly offsets: number[];
  /** -1: from here on no source is known. */
  readonly files: number[];
  readonly lines: number[];
  readonly columns: number[];
}

function decodeMappings(text: string, refuse: (message: string) => never): Mappings {
  const result: Mappings = { offsets: [], files: [], lines: [], columns: [] };
  let position = 0;
  const number = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const digit = BASE64.indexOf(text[position++] ?? "");
      if (digit < 0 || scale > 2 ** 40)
        refuse(`malformed number at character ${position - 1} of the mappings`);
      value += (digit & 31) * scale;
      scale *= 32;
      if (digit < 32) break;
    }
    return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
  };
  const isSegmentEnd = (): boolean =>
    position >= text.length || text[position] === "," || text[position] === ";";

  let [offset, file, line, column] = [0, 0, 0, 0];
  while (position < text.length) {
    if (text[position] === "," || text[position] === ";") {
      position++;
      continue;
    }
    offset += number();
    const hasSource = !isSegmentEnd();
    if (hasSource) {
      file += number();
      line += number();
      column += number();
      if (!isSegmentEnd()) number();
    }
    result.offsets.push(offset);
    result.files.push(hasSource ? file : -1);
    result.lines.push(line);
    result.columns.push(column);
  }
  return result;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
