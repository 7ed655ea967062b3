// Numbers of the ELF64 format that we write and read (System V ABI, x86-64 supplement).

/** Offsets of the file header's fields. */
export const HEADER_TYPE = 16;
export const HEADER_MACHINE = 18;
export const HEADER_ENTRY = 24;
export const HEADER_PROGRAM_OFFSET = 32;
export const HEADER_SECTION_OFFSET = 40;
export const HEADER_PROGRAM_BYTES = 54;
export const HEADER_PROGRAM_COUNT = 56;
export const HEADER_SECTION_BYTES = 58;
export const HEADER_SECTION_COUNT = 60;
export const HEADER_NAMES_INDEX = 62;
export const ELF_HEADER_BYTES = 64;

/** Offsets in a program header. */
export const PROGRAM_TYPE = 0;
export const PROGRAM_FLAGS = 4;
export const PROGRAM_OFFSET = 8;
export const PROGRAM_ADDRESS = 16;
export const PROGRAM_PHYSICAL_ADDRESS = 24;
export const PROGRAM_FILE_BYTES = 32;
export const PROGRAM_MEMORY_BYTES = 40;
export const PROGRAM_ALIGNMENT = 48;

/** Offsets in a section header. */
export const SECTION_NAME = 0;
export const SECTION_TYPE = 4;
export const SECTION_FLAGS = 8;
export const SECTION_ADDRESS = 16;
export const SECTION_OFFSET = 24;
export const SECTION_LENGTH = 32;
export const SECTION_LINK = 40;

/** Offsets in a symbol. */
export const SYMBOL_NAME = 0;
export const SYMBOL_INFO = 4;
export const SYMBOL_SECTION = 6;
export const SYMBOL_VALUE = 8;
export const SYMBOL_LENGTH = 16;

export const PROGRAM_HEADER_BYTES = 56;
export const SECTION_HEADER_BYTES = 64;
export const SYMBOL_BYTES = 24;
export const RELOCATION_BYTES = 24;

export const ET_REL = 1;
export const ET_EXEC = 2;
export const EM_X86_64 = 62;

export const PT_LOAD = 1;
export const PT_NOTE = 4;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export enum SectionType {
  Null = 0,
  ProgramBits = 1,
  SymbolTable = 2,
  StringTable = 3,
  RelocationsWithAddends = 4,
  Note = 7,
  NoBits = 8,
}

export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECUTABLE = 4;
export const SHF_INFO_LINK = 0x40;

export enum SymbolType {
  None = 0,
  Object = 1,
  Function = 2,
  Section = 3,
  File = 4,
}
export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const SHN_UNDEFINED = 0;

export enum RelocationType {
  Absolute64 = 1,
  Relative32 = 2,
  Call32 = 4,
  Absolute32 = 10,
  Absolute32Signed = 11,
}
