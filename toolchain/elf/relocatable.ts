import { ByteWriter } from "./byte-writer.ts";
import {
  ELF_HEADER_BYTES,
  EM_X86_64,
  ET_REL,
  RELOCATION_BYTES,
  RelocationType,
  SECTION_HEADER_BYTES,
  SHF_INFO_LINK,
  SHN_UNDEFINED,
  STB_GLOBAL,
  STB_LOCAL,
  SYMBOL_BYTES,
  SectionType,
  SymbolType,
} from "./format.ts";

/** A section being written, with contents in the file. */
export interface Section {
  readonly name: string;
  readonly type: SectionType;
  readonly flags: number;
  readonly alignment: number;
  readonly content: ByteWriter;
  readonly relocations: SectionRelocation[];
}

interface SectionRelocation {
  readonly offset: number;
  readonly type: RelocationType;
  readonly symbol: string;
  readonly addend: number;
}

interface ObjectSymbol {
  readonly name: string;
  /** What relocations call it; left out: its name. */
  readonly key?: string;
  readonly section: Section;
  readonly offset: number;
  readonly bytes: number;
  readonly type: SymbolType;
  readonly isGlobal: boolean;
}

/**
 * An ELF64 relocatable file under construction. Its bytes depend only on what was added and in
 * which order. Relocations name symbols by their keys; a key that no symbol has becomes an
 * undefined symbol, for the linker to resolve.
 */
export class RelocatableFile {
  private readonly sections: Section[] = [];
  private readonly symbols: ObjectSymbol[] = [];
  private readonly symbolKeys = new Set<string>();

  section(name: string, type: SectionType, flags: number, alignment: number): Section {
    const section: Section = {
      name,
      type,
      flags,
      alignment,
      content: new ByteWriter(),
      relocations: [],
    };
    this.sections.push(section);
    return section;
  }

  /** Adds a symbol. Keys must differ: relocations find their symbol by key. */
  symbol(symbol: ObjectSymbol): void {
    const key = symbol.key ?? symbol.name;
    if (this.symbolKeys.has(key)) throw new Error(`two symbols of one key: ${key}`);
    this.symbolKeys.add(key);
    this.symbols.push(symbol);
  }

  /**
   * Makes the start of a section a symbol of the section's name, so that relocations can count from
   * it.
   */
  sectionSymbol(name: string): void {
    const section = this.sections.find((candidate) => candidate.name === name);
    if (section === undefined) throw new Error(`no section ${name}`);
    this.symbol({ name, section, offset: 0, bytes: 0, type: SymbolType.Section, isGlobal: false });
  }

  /** The finished file: header, contents, relocations, symbols, strings, section headers. */
  write(): Uint8Array {
    const symbolTable = this.symbolTable();
    const writer = new ByteWriter();
    const headers: SectionHeader[] = [NULL_HEADER];
    const names = new StringTable();
    for (let index = 0; index < ELF_HEADER_BYTES; index++) writer.u8(0);

    for (const section of this.sections) {
      writer.align(Math.max(section.alignment, 8));
      headers.push({
        name: names.add(section.name),
        type: section.type,
        flags: section.flags,
        offset: writer.length,
        bytes: section.content.length,
        link: 0,
        info: 0,
        alignment: section.alignment,
        entryBytes: 0,
      });
      writer.raw(section.content.bytes());
    }

    const symbolTableIndex =
      this.sections.length +
      this.sections.filter((section) => section.relocations.length > 0).length +
      1;
    this.sections.forEach((section, index) => {
      if (section.relocations.length === 0) return;
      writer.align(8);
      const offset = writer.length;
      for (const relocation of section.relocations) {
        writer.u64(relocation.offset);
        writer.u32(relocation.type);
        writer.u32(symbolTable.indexOf.get(relocation.symbol)!);
        writer.u64(relocation.addend);
      }
      headers.push({
        name: names.add(`.rela${section.name}`),
        type: SectionType.RelocationsWithAddends,
        flags: SHF_INFO_LINK,
        offset,
        bytes: section.relocations.length * RELOCATION_BYTES,
        link: symbolTableIndex,
        info: index + 1,
        alignment: 8,
        entryBytes: RELOCATION_BYTES,
      });
    });

    writer.align(8);
    headers.push({
      name: names.add(".symtab"),
      type: SectionType.SymbolTable,
      flags: 0,
      offset: writer.length,
      bytes: symbolTable.content.length,
      link: symbolTableIndex + 1,
      info: symbolTable.firstGlobal,
      alignment: 8,
      entryBytes: SYMBOL_BYTES,
    });
    writer.raw(symbolTable.content.bytes());
    headers.push({
      ...NULL_HEADER,
      name: names.add(".strtab"),
      type: SectionType.StringTable,
      offset: writer.length,
      bytes: symbolTable.strings.length,
      alignment: 1,
    });
    writer.raw(symbolTable.strings);
    // Marks the stack as not executable; without it the linker warns and the kernel of Linux would
    // grant more than we need.
    headers.push({
      ...NULL_HEADER,
      name: names.add(".note.GNU-stack"),
      type: SectionType.ProgramBits,
      offset: writer.length,
      alignment: 1,
    });
    const nameOfNames = names.add(".shstrtab");
    const nameBytes = names.bytes();
    headers.push({
      ...NULL_HEADER,
      name: nameOfNames,
      type: SectionType.StringTable,
      offset: writer.length,
      bytes: nameBytes.length,
      alignment: 1,
    });
    writer.raw(nameBytes);

    writer.align(8);
    const headersOffset = writer.length;
    for (const header of headers) writeSectionHeader(writer, header);
    const bytes = writer.bytes();
    bytes.set(elfHeader(headersOffset, headers.length), 0);
    return bytes;
  }

  /** Local symbols first, as the format demands; undefined ones last. */
  private symbolTable(): {
    content: ByteWriter;
    strings: Uint8Array;
    indexOf: Map<string, number>;
    firstGlobal: number;
  } {
    const strings = new StringTable();
    const content = new ByteWriter();
    const indexOf = new Map<string, number>();
    for (let index = 0; index < SYMBOL_BYTES; index++) content.u8(0);
    let count = 1;
    const sectionIndex = new Map(this.sections.map((section, index) => [section, index + 1]));

    const add = (
      name: string,
      key: string,
      info: number,
      section: number,
      offset: number,
      bytes: number,
    ): void => {
      indexOf.set(key, count++);
      content.u32(strings.add((info & 15) === SymbolType.Section ? "" : name));
      content.u8(info);
      content.u8(0);
      content.u16(section);
      content.u64(offset);
      content.u64(bytes);
    };
    const define = (symbol: ObjectSymbol): void =>
      add(
        symbol.name,
        symbol.key ?? symbol.name,
        ((symbol.isGlobal ? STB_GLOBAL : STB_LOCAL) << 4) | symbol.type,
        sectionIndex.get(symbol.section)!,
        symbol.offset,
        symbol.bytes,
      );

    for (const symbol of this.symbols) if (!symbol.isGlobal) define(symbol);
    const firstGlobal = count;
    for (const symbol of this.symbols) if (symbol.isGlobal) define(symbol);
    for (const section of this.sections) {
      for (const relocation of section.relocations) {
        if (!indexOf.has(relocation.symbol))
          add(relocation.symbol, relocation.symbol, STB_GLOBAL << 4, SHN_UNDEFINED, 0, 0);
      }
    }
    return { content, strings: strings.bytes(), indexOf, firstGlobal };
  }
}

interface SectionHeader {
  readonly name: number;
  readonly type: SectionType;
  readonly flags: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
  readonly entryBytes: number;
}

const NULL_HEADER: SectionHeader = {
  name: 0,
  type: SectionType.Null,
  flags: 0,
  offset: 0,
  bytes: 0,
  link: 0,
  info: 0,
  alignment: 0,
  entryBytes: 0,
};

function writeSectionHeader(writer: ByteWriter, header: SectionHeader): void {
  writer.u32(header.name);
  writer.u32(header.type);
  writer.u64(header.flags);
  writer.u64(0);
  writer.u64(header.offset);
  writer.u64(header.bytes);
  writer.u32(header.link);
  writer.u32(header.info);
  writer.u64(header.alignment);
  writer.u64(header.entryBytes);
}

function elfHeader(sectionHeadersOffset: number, sectionCount: number): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  writer.u16(ET_REL);
  writer.u16(EM_X86_64);
  writer.u32(1);
  writer.u64(0);
  writer.u64(0);
  writer.u64(sectionHeadersOffset);
  writer.u32(0);
  writer.u16(ELF_HEADER_BYTES);
  writer.u16(0);
  writer.u16(0);
  writer.u16(SECTION_HEADER_BYTES);
  writer.u16(sectionCount);
  writer.u16(sectionCount - 1);
  return writer.bytes();
}

/** Strings of an ELF string table; each is stored once. */
export class StringTable {
  private readonly writer = new ByteWriter();
  private readonly offsets = new Map<string, number>();

  constructor() {
    this.add("");
  }

  /** Offset of `value` in the table. */
  add(value: string): number {
    const known = this.offsets.get(value);
    if (known !== undefined) return known;
    const offset = this.writer.length;
    this.offsets.set(value, offset);
    this.writer.text(value);
    return offset;
  }

  bytes(): Uint8Array {
    return this.writer.bytes();
  }
}
