/**
 * What an executable holds, as text: segments, sections, Trine's note, symbols, and a function's
 * instructions.
 */
import { NOTE_BYTES, NOTE_LEVEL } from "../../kernel/abi/executable.ts";
import { PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, SymbolType } from "../elf/format.ts";
import { type ElfFile, sectionNamed, type SymbolView } from "../elf/read.ts";
import { refuse } from "../report/diagnostic.ts";
import { disassemble } from "./disassemble.ts";

const SYMBOLS_SHOWN_MAX = 40;
/** Sizes, type and the name "Trine", padded. */
const NOTE_HEADER_BYTES = 20;

interface ElfSummary {
  readonly kind: "elf";
  readonly entry: string;
  /** Of x86-64; null: the executable has no note. */
  readonly level: number | null;
  readonly segments: readonly {
    readonly address: string;
    readonly bytes: number;
    readonly fileBytes: number;
    readonly access: string;
  }[];
  readonly sections: readonly {
    readonly name: string;
    readonly address: string;
    readonly bytes: number;
  }[];
  readonly functions: readonly {
    readonly name: string;
    readonly address: string;
    readonly bytes: number;
  }[];
}

export function summarizeElf(elf: ElfFile): ElfSummary {
  return {
    kind: "elf",
    entry: hex(elf.entry),
    level: levelOf(elf),
    segments: elf.programHeaders
      .filter(({ type }) => type === PT_LOAD)
      .map(({ address, memoryBytes, fileBytes, flags }) => ({
        address: hex(address),
        bytes: memoryBytes,
        fileBytes,
        access: access(flags),
      })),
    sections: elf.sections
      .filter(({ name }) => name !== "")
      .map(({ name, address, memoryBytes }) => ({
        name,
        address: hex(address),
        bytes: memoryBytes,
      })),
    functions: functions(elf).map(({ name, address, bytes }) => ({
      name,
      address: hex(address),
      bytes,
    })),
  };
}

export function formatElf(summary: ElfSummary): string[] {
  const { segments, sections, functions: all } = summary;
  const largest = all.toSorted((a, b) => b.bytes - a.bytes).slice(0, SYMBOLS_SHOWN_MAX);
  return [
    `executable${summary.level === null ? "" : ` for x86-64-v${summary.level}`}, entry ${summary.entry}`,
    "segments:",
    ...segments.map(
      ({ address, access, bytes, fileBytes }) =>
        `  ${address} ${access} ${String(bytes).padStart(8)} bytes${fileBytes < bytes ? `, ${fileBytes} of them from the file` : ""}`,
    ),
    ...(sections.length === 0
      ? ["no sections and no names: what a machine is given; the file .elf beside it has them"]
      : ["sections:"]),
    ...sections.map(
      ({ address, bytes, name }) => `  ${address} ${String(bytes).padStart(8)}  ${name}`,
    ),
    ...(all.length === 0
      ? []
      : [
          `functions: ${all.length}, ${largest.length < all.length ? `the ${largest.length} largest` : "by size"}:`,
        ]),
    ...largest.map(
      ({ address, bytes, name }) => `  ${address} ${String(bytes).padStart(8)}  ${name}`,
    ),
  ];
}

function levelOf(elf: ElfFile): number | null {
  const note = elf.programHeaders.find(({ type }) => type === PT_NOTE);
  if (note === undefined || note.fileBytes !== NOTE_HEADER_BYTES + NOTE_BYTES) return null;
  const { buffer, byteOffset } = elf.bytes;
  const place = byteOffset + note.offset + NOTE_HEADER_BYTES + NOTE_LEVEL;
  return new DataView(buffer).getUint32(place, true);
}

/** The instructions of the one function whose name is, or contains, `part`. */
export function listFunction(elf: ElfFile, part: string, path: string): string[] {
  const all = functions(elf);
  const exact = all.filter(({ name }) => name === part);
  const found =
    exact.length > 0 ? exact.slice(0, 1) : all.filter(({ name }) => name.includes(part));
  if (found.length === 0) refuse(`no function's name contains \`${part}\``, { file: path });
  if (found.length > 1)
    refuse(`${found.length} functions' names contain \`${part}\``, {
      file: path,
      help: found
        .slice(0, 8)
        .map(({ name }) => name)
        .join(", "),
    });
  const symbol = found[0]!;
  const section = elf.sections[symbol.section]!;
  const start = Number(symbol.address - section.address);
  return [
    `${symbol.name}:`,
    ...disassemble(section.bytes.subarray(start, start + symbol.bytes), symbol.address, (address) =>
      nameOf(all, address),
    ),
  ];
}

/** Functions by address; of several names for one place the first stays. */
function functions(elf: ElfFile): SymbolView[] {
  const text = sectionNamed(elf, ".text");
  const found = elf.symbols
    .filter(({ type, bytes }) => type === SymbolType.Function && bytes > 0)
    .toSorted((a, b) => Number(a.address - b.address));
  if (text === undefined) return [];
  return found.filter(
    (symbol, index) => index === 0 || symbol.address !== found[index - 1]!.address,
  );
}

function nameOf(all: readonly SymbolView[], address: bigint): string | null {
  const owner = all.find(
    (symbol) => address >= symbol.address && address < symbol.address + BigInt(symbol.bytes),
  );
  if (owner === undefined) return null;
  return address === owner.address
    ? owner.name
    : `${owner.name}+0x${(address - owner.address).toString(16)}`;
}

function access(flags: number): string {
  return `${flags & PF_R ? "r" : "-"}${flags & PF_W ? "w" : "-"}${flags & PF_X ? "x" : "-"}`;
}

function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(16, "0")}`;
}
