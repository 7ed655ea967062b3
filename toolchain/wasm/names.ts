import { ByteReader } from "./byte-reader.ts";

interface ModuleNames {
  readonly functions: ReadonlyMap<number, string>;
  readonly globals: ReadonlyMap<number, string>;
  /** By function, then by local: parameters first. */
  readonly locals: ReadonlyMap<number, ReadonlyMap<number, string>>;
}

const SUBSECTION_FUNCTIONS = 1;
const SUBSECTION_LOCALS = 2;
const SUBSECTION_GLOBALS = 7;

/**
 * Reads the custom section `name`. Names are for people and symbols; what is malformed in them must
 * not refuse the module, as the standard says, so that decoding stops there and keeps what came
 * before.
 */
export function decodeNames(section: Uint8Array | undefined, file: string): ModuleNames {
  const functions = new Map<number, string>();
  const globals = new Map<number, string>();
  const locals = new Map<number, Map<number, string>>();
  if (section === undefined) return { functions, globals, locals };
  try {
    const reader = new ByteReader(section, file);
    while (!reader.isAtEnd) {
      const id = reader.byte();
      const content = new ByteReader(reader.take(reader.u32()), file);
      if (id === SUBSECTION_FUNCTIONS) nameMap(content, functions);
      if (id === SUBSECTION_LOCALS) localNames(content, locals);
      if (id === SUBSECTION_GLOBALS) nameMap(content, globals);
    }
  } catch {
    // Kept: the names read so far.
  }
  return { functions, globals, locals };
}

function localNames(reader: ByteReader, names: Map<number, Map<number, string>>): void {
  for (let left = reader.count(); left > 0; left--) {
    const functionIndex = reader.u32();
    const known = names.get(functionIndex) ?? new Map<number, string>();
    names.set(functionIndex, known);
    nameMap(reader, known);
  }
}

function nameMap(reader: ByteReader, names: Map<number, string>): void {
  for (let left = reader.count(); left > 0; left--) {
    const index = reader.u32();
    const name = reader.name();
    if (!names.has(index)) names.set(index, name);
  }
}
