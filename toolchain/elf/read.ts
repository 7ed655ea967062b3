import { refuse } from "../report/diagnostic.ts";
import {
  ELF_HEADER_BYTES,
  EM_X86_64,
  ET_EXEC,
  HEADER_ENTRY,
  HEADER_MACHINE,
  HEADER_NAMES_INDEX,
  HEADER_PROGRAM_BYTES,
  HEADER_PROGRAM_COUNT,
  HEADER_PROGRAM_OFFSET,
  HEADER_SECTION_BYTES,
  HEADER_SECTION_COUNT,
  HEADER_SECTION_OFFSET,
  HEADER_TYPE,
  PROGRAM_ADDRESS,
  PROGRAM_ALIGNMENT,
  PROGRAM_FILE_BYTES,
  PROGRAM_FLAGS,
  PROGRAM_HEADER_BYTES,
  PROGRAM_MEMORY_BYTES,
  PROGRAM_OFFSET,
  PROGRAM_PHYSICAL_ADDRESS,
  PROGRAM_TYPE,
  SECTION_ADDRESS,
  SECTION_FLAGS,
  SECTION_HEADER_BYTES,
  SECTION_LENGTH,
  SECTION_LINK,
  SECTION_NAME,
  SECTION_OFFSET,
  SECTION_TYPE,
  SHN_UNDEFINED,
  SYMBOL_BYTES,
  SYMBOL_INFO,
  SYMBOL_LENGTH,
  SYMBOL_NAME,
  SYMBOL_SECTION,
  SYMBOL_VALUE,
  SectionType,
} from "./format.ts";

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: bigint;
  readonly physicalAddress: bigint;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly alignment: number;
}

interface SectionView {
  readonly name: string;
  readonly type: SectionType;
  readonly flags: number;
  readonly address: bigint;
  /** Contents; empty for a section without bits. */
  readonly bytes: Uint8Array;
  /** Bytes in memory: `bytes.length`, or more for a section without bits. */
  readonly memoryBytes: number;
}

export interface SymbolView {
  readonly name: string;
  readonly address: bigint;
  readonly bytes: number;
  readonly type: number;
  readonly isGlobal: boolean;
  /** Index in `sections`; undefined symbols are left out. */
  readonly section: number;
}

/**
 * A finished ELF64 executable as it stands in a file, with all ranges checked. Section headers and
 * symbols may be absent.
 */
export interface ElfFile {
  readonly bytes: Uint8Array;
  readonly entry: bigint;
  readonly programHeaders: readonly ProgramHeader[];
  readonly sections: readonly SectionView[];
  readonly symbols: readonly SymbolView[];
}

/** Bounds what a hostile file can make us do. */
const HEADERS_MAX = 1024;
const SYMBOLS_MAX = 1 << 20;
const NAME_BYTES_MAX = 4096;

/**
 * Reads an x86-64 executable. Whatever is read is inside the file and inside the table that names
 * it; anything else is refused with a diagnostic that names `path`.
 */
export function readElf(bytes: Uint8Array, path: string): ElfFile {
  const fail = (message: string): never =>
    refuse(`not a usable executable: ${message}`, { file: path });
  if (bytes.length < ELF_HEADER_BYTES) fail("it is shorter than an ELF header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const expected: readonly (readonly [number, number, string])[] = [
    [0, 0x7f, "no ELF magic"],
    [1, 0x45, "no ELF magic"],
    [2, 0x4c, "no ELF magic"],
    [3, 0x46, "no ELF magic"],
    [4, 2, "not a 64-bit file"],
    [5, 1, "not little-endian"],
    [6, 1, "unknown ELF version"],
  ];
  for (const [offset, value, message] of expected) if (bytes[offset] !== value) fail(message);
  if (view.getUint16(HEADER_TYPE, true) !== ET_EXEC) fail("its type is not ET_EXEC");
  if (view.getUint16(HEADER_MACHINE, true) !== EM_X86_64) fail("it is not for x86-64");

  /**
   * A file offset or length; numbers that no file of ours reaches are refused before they lose
   * precision.
   */
  const size = (offset: number, what: string): number => {
    const value = view.getBigUint64(offset, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(`${what} is ${value}`);
    return Number(value);
  };
  const range = (offset: number, length: number, what: string): Uint8Array => {
    if (offset + length > bytes.length) fail(`${what} ends behind the end of the file`);
    return bytes.subarray(offset, offset + length);
  };
  const table = (
    offset: number,
    count: number,
    entryBytes: number,
    expectedBytes: number,
    what: string,
  ): void => {
    if (count === 0) return;
    if (count > HEADERS_MAX) fail(`${count} ${what}s`);
    if (entryBytes !== expectedBytes) fail(`a ${what} of ${entryBytes} bytes`);
    range(offset, count * entryBytes, `the table of ${what}s`);
  };

  const programOffset = size(HEADER_PROGRAM_OFFSET, "the place of the program headers");
  const programCount = view.getUint16(HEADER_PROGRAM_COUNT, true);
  table(
    programOffset,
    programCount,
    view.getUint16(HEADER_PROGRAM_BYTES, true),
    PROGRAM_HEADER_BYTES,
    "program header",
  );
  const programHeaders: ProgramHeader[] = [];
  for (let index = 0; index < programCount; index++) {
    const at = programOffset + index * PROGRAM_HEADER_BYTES;
    const header: ProgramHeader = {
      type: view.getUint32(at + PROGRAM_TYPE, true),
      flags: view.getUint32(at + PROGRAM_FLAGS, true),
      offset: size(at + PROGRAM_OFFSET, "a segment's offset"),
      address: view.getBigUint64(at + PROGRAM_ADDRESS, true),
      physicalAddress: view.getBigUint64(at + PROGRAM_PHYSICAL_ADDRESS, true),
      fileBytes: size(at + PROGRAM_FILE_BYTES, "a segment's length"),
      memoryBytes: size(at + PROGRAM_MEMORY_BYTES, "a segment's length in memory"),
      alignment: size(at + PROGRAM_ALIGNMENT, "an alignment"),
    };
    range(header.offset, header.fileBytes, `segment ${index}`);
    if (header.memoryBytes < header.fileBytes)
      fail(`segment ${index} is longer in the file than in memory`);
    if (header.address + BigInt(header.memoryBytes) > 1n << 64n)
      fail(`segment ${index} wraps around the end of the address space`);
    programHeaders.push(header);
  }

  const sectionOffset = size(HEADER_SECTION_OFFSET, "the place of the section headers");
  const sectionCount = view.getUint16(HEADER_SECTION_COUNT, true);
  table(
    sectionOffset,
    sectionCount,
    view.getUint16(HEADER_SECTION_BYTES, true),
    SECTION_HEADER_BYTES,
    "section header",
  );
  const raw = Array.from({ length: sectionCount }, (_, index) => {
    const at = sectionOffset + index * SECTION_HEADER_BYTES;
    const type: SectionType = view.getUint32(at + SECTION_TYPE, true);
    const length = size(at + SECTION_LENGTH, "a section's length");
    return {
      nameOffset: view.getUint32(at + SECTION_NAME, true),
      type,
      flags: Number(view.getBigUint64(at + SECTION_FLAGS, true) & 0xffffffffn),
      address: view.getBigUint64(at + SECTION_ADDRESS, true),
      bytes:
        type === SectionType.NoBits || type === SectionType.Null
          ? new Uint8Array(0)
          : range(size(at + SECTION_OFFSET, "a section's offset"), length, `section ${index}`),
      memoryBytes: length,
      link: view.getUint32(at + SECTION_LINK, true),
    };
  });
  const nameTable = raw[view.getUint16(HEADER_NAMES_INDEX, true)];
  const sections: SectionView[] = raw.map((section, index) => ({
    name:
      index === 0 || nameTable === undefined
        ? ""
        : textAt(nameTable.bytes, section.nameOffset, fail),
    type: section.type,
    flags: section.flags,
    address: section.address,
    bytes: section.bytes,
    memoryBytes: section.memoryBytes,
  }));

  const symbols: SymbolView[] = [];
  for (const section of raw) {
    if (section.type !== SectionType.SymbolTable) continue;
    const strings = raw[section.link];
    if (strings === undefined || strings.type !== SectionType.StringTable)
      fail("the symbol table names no string table");
    readSymbols(section.bytes, strings!.bytes, sectionCount, symbols, fail);
  }
  return { bytes, entry: view.getBigUint64(HEADER_ENTRY, true), programHeaders, sections, symbols };
}

export function sectionNamed(elf: ElfFile, name: string): SectionView | undefined {
  return elf.sections.find((section) => section.name === name);
}

export function symbolNamed(elf: ElfFile, name: string): SymbolView | undefined {
  return elf.symbols.find((symbol) => symbol.name === name);
}

function readSymbols(
  bytes: Uint8Array,
  strings: Uint8Array,
  sectionCount: number,
  symbols: SymbolView[],
  fail: (message: string) => never,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / SYMBOL_BYTES);
  if (count > SYMBOLS_MAX) fail(`${count} symbols`);
  for (let index = 1; index < count; index++) {
    const at = index * SYMBOL_BYTES;
    const info = view.getUint8(at + SYMBOL_INFO);
    const section = view.getUint16(at + SYMBOL_SECTION, true);
    if (section === SHN_UNDEFINED) continue;
    if (section >= sectionCount && section < 0xff00)
      fail(`symbol ${index} lies in section ${section}, which does not exist`);
    const length = view.getBigUint64(at + SYMBOL_LENGTH, true);
    symbols.push({
      name: textAt(strings, view.getUint32(at + SYMBOL_NAME, true), fail),
      address: view.getBigUint64(at + SYMBOL_VALUE, true),
      bytes: length > 0xffffffffn ? fail(`symbol ${index} has ${length} bytes`) : Number(length),
      type: info & 15,
      isGlobal: info >> 4 !== 0,
      section,
    });
  }
}

function textAt(strings: Uint8Array, offset: number, fail: (message: string) => never): string {
  const end = strings.indexOf(0, offset);
  if (offset > strings.length || end < 0 || end - offset > NAME_BYTES_MAX)
    fail("a name does not end inside its string table");
  return new TextDecoder().decode(strings.subarray(offset, end));
}
