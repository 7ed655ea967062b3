/**
 * Names that the linker sees. What a module calls its functions, exports and imports is the
 * module's own affair: it must not meet a symbol of ours, of a linker script or of hand-written
 * code. So a function has a local symbol of its name, which nothing refers to by name, and what
 * crosses to hand-written code has a name that only a mangled one can be.
 */
import type { FunctionEntry, Signature } from "./module.ts";
import { Type } from "./opcode.ts";

/**
 * What relocations call a function of the module inside the object file. No name of a symbol has a
 * space.
 */
export function functionKey(name: string): string {
  return `function ${name}`;
}

/** What relocations call any function. */
export function keyOf(entry: FunctionEntry): string {
  return entry.kind === "external" ? entry.symbol : functionKey(entry.name);
}

/** The symbol by which hand-written code calls an export. */
export function exportSymbol(name: string): string {
  return `${EXPORT_PREFIX}${escaped(name)}`;
}

/**
 * The symbol that hand-written code gives a function which modules import:
 * `import.MODULE.NAME.TYPE`, where the type is letters of the parameters, `_`, letters of the
 * results (i = i32, l = i64). So another type is another function.
 */
export function importSymbol(module: string, name: string, signature: Signature): string {
  return `${IMPORT_PREFIX}${escaped(module)}.${escaped(name)}.${letters(signature.parameters)}_${letters(signature.results)}`;
}

export const EXPORT_PREFIX = "export.";
export const IMPORT_PREFIX = "import.";

/** `linux.write (iii_i)` for people, of what `importSymbol` made. */
export function importText(symbol: string): string {
  const parts = symbol.slice(IMPORT_PREFIX.length).split(".");
  const type = parts.pop()!;
  return `${parts.map(unescaped).join(".")} (${type})`;
}

function letters(types: readonly Type[]): string {
  return types.map((type) => (type === Type.I32 ? "i" : "l")).join("");
}

/**
 * One name for each text, without a dot, a space or a zero byte; a name that NASM takes stays as it
 * is.
 */
function escaped(text: string): string {
  return text.replaceAll(/[^\w]/gu, (character) => `$${character.codePointAt(0)!.toString(16)}$`);
}

/** What `escaped` was given. */
export function unescaped(text: string): string {
  return text.replaceAll(/\$([0-9a-f]+)\$/g, (_, code: string) =>
    String.fromCodePoint(Number.parseInt(code, 16)),
  );
}
