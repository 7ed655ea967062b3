import { Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction } from "iced-x86";
import { readInput } from "../cache/inputs.ts";
import type { Block, Instruction as IrInstruction, IrFunction } from "../ir/function.ts";
import type { MachineCode, Relocation } from "../ir/machine-code.ts";
import { TrapKind } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import type { SourcePosition } from "../wasm/source-map.ts";
import { printInstruction } from "../ir/print.ts";

/** Columns of raw bytes; longer instructions push their text to the right. */
const BYTES_COLUMN = 24;

/** Text of a source file by its path, or null; lines are shown only where it is known. */
type SourceText = (file: string) => readonly string[] | null;

/** Reads source lines from the tree, each file once. Virtual files take precedence. */
export function treeSources(
  root: string,
  virtualFiles: ReadonlyMap<string, string> = new Map(),
): SourceText {
  const known = new Map<string, readonly string[] | null>();
  return (file) => {
    if (!known.has(file)) known.set(file, readLines(root, file, virtualFiles));
    return known.get(file) ?? null;
  };
}

/**
 * A listing of compiled functions: each TypeScript line before the code that comes from it, each IR
 * instruction before the machine instructions that implement it, each machine instruction with its
 * bytes, its rule, its symbol and its trap.
 */
export function writeListing(
  module: IrModule,
  codes: readonly MachineCode[],
  sources: SourceText,
): string {
  const formatter = new Formatter(FormatterSyntax.Nasm);
  formatter.firstOperandCharIndex = 8;
  formatter.spaceAfterOperandSeparator = true;
  try {
    return codes.map((code) => listFunction(module, code, sources, formatter)).join("\n");
  } finally {
    formatter.free();
  }
}

function listFunction(
  module: IrModule,
  code: MachineCode,
  sources: SourceText,
  formatter: Formatter,
): string {
  const entry = module.functions[code.functionIndex];
  const body = entry?.kind === "defined" ? entry.body : null;
  const blocks = body === null ? new Map<IrInstruction, Block>() : blockOfInstruction(body);
  const out: string[] = [
    `${code.name}: ${code.bytes.length} bytes, frame ${code.frameBytes}${code.savedRegisters.length > 0 ? `, saves ${code.savedRegisters.map((r) => REGISTER_NAMES[r]).join(" ")}` : ""}`,
  ];
  const [lines, notes, traps, relocations] = [
    byOffset(code.lines),
    byOffset(code.notes),
    byOffset(code.traps),
    byOffset(code.relocations),
  ];
  let position = "";
  let implementedBefore = -1;

  const decoder = new Decoder(64, code.bytes, DecoderOptions.None);
  const instruction = new Instruction();
  while (decoder.canDecode) {
    decoder.decodeOut(instruction);
    const offset = Number(instruction.ip);
    for (const { origin } of lines.get(offset) ?? []) {
      const source = origin < 0 ? null : module.sourceOf(origin);
      const place = source === null ? "" : `${source.file}:${source.line}`;
      if (source !== null && place !== position) out.push(sourceLine(source, sources));
      if (source !== null) position = place;
    }
    const rules: string[] = [];
    for (const note of notes.get(offset) ?? []) {
      if (note.rule !== "") rules.push(note.rule);
      const implemented = note.instruction as IrInstruction;
      if (body === null || note.instruction < 0 || note.instruction === implementedBefore) continue;
      implementedBefore = note.instruction;
      const text = printInstruction(body, implemented, blocks.get(implemented) ?? -1, module);
      out.push(`        ${text}`);
    }
    const bytes = [...code.bytes.subarray(offset, offset + instruction.length)]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join(" ");
    const remarks = [...rules];
    for (let at = offset; at < offset + instruction.length; at++) {
      for (const relocation of relocations.get(at) ?? [])
        remarks.push(`→ ${symbolText(relocation)}`);
    }
    for (const trap of traps.get(offset) ?? []) remarks.push(`traps: ${TrapKind[trap.kind]}`);
    const text = `${offset.toString(16).padStart(6, " ")}  ${bytes.padEnd(BYTES_COLUMN)}  ${formatter.format(instruction)}`;
    out.push(remarks.length === 0 ? text : `${text.padEnd(76)}  ; ${remarks.join(", ")}`);
  }
  instruction.free();
  decoder.free();
  for (const table of code.jumpTables)
    out.push(`  ${table.symbol}: ${table.entries.map((target) => target.toString(16)).join(" ")}`);
  return `${out.join("\n")}\n`;
}

/** The source line itself where the file can be read, else only its place. */
function sourceLine(position: SourcePosition, sources: SourceText): string {
  const text = sources(position.file)?.[position.line - 1]?.trim();
  const place = `${position.file}:${position.line}`;
  return text === undefined ? place : `${place}: ${text}`;
}

function symbolText({ symbol, kind, addend }: Relocation): string {
  // Relative to the field, whose end is the next instruction for all but a few: 4 is added back.
  const offset = kind === "pc32" || kind === "call32" ? addend + 4 : addend;
  return offset === 0
    ? symbol
    : `${symbol}${offset < 0 ? "-" : "+"}0x${Math.abs(offset).toString(16)}`;
}

function byOffset<T extends { readonly offset: number }>(items: readonly T[]): Map<number, T[]> {
  const map = new Map<number, T[]>();
  for (const item of items) {
    const known = map.get(item.offset);
    if (known === undefined) map.set(item.offset, [item]);
    else known.push(item);
  }
  return map;
}

function blockOfInstruction(body: IrFunction): Map<IrInstruction, Block> {
  const blocks = new Map<IrInstruction, Block>();
  body.blockInstructions.forEach((instructions, block) => {
    for (const instruction of instructions) blocks.set(instruction, block as Block);
  });
  return blocks;
}

function readLines(
  root: string,
  file: string,
  virtualFiles: ReadonlyMap<string, string>,
): readonly string[] | null {
  const text = virtualFiles.get(file);
  if (text !== undefined) return text.split("\n");
  // Null for a library of the compiler, which is no file of the tree.
  return readInput(root, file)?.toString("utf8").split("\n") ?? null;
}

const REGISTER_NAMES = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
];
