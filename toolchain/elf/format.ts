// Numbers of the ELF64 format that we write and read (System V ABI, x86-64 supplement).

export const ELF_HEADER_BYTES = 64;
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
