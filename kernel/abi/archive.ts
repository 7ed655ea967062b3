// The boot archive: one file that the boot loader puts into memory beside the kernel (a PVH
// module). It holds the signed blob, the programs, and for each program the names and lines of its
// code. The blob has the programs' digests. The names are unsigned; they only explain faults.
// Everything is page-aligned, so that code is mapped from the archive itself.

/** "TRINEARC" */
export const ARCHIVE_MAGIC_LOW = 0x4e495254;
export const ARCHIVE_MAGIC_HIGH = 0x43524145;
// Header, one page: magic u64, u32 format = 1, u32 entry count, u64 bytes in all; entries from
// offset 64 on.
export const ARCHIVE_FORMAT = 8;
export const ARCHIVE_COUNT = 12;
export const ARCHIVE_BYTES = 16;
export const ARCHIVE_ENTRIES = 64;
// An entry, 32 bytes: u32 kind (1 blob, 2 program, 3 symbols of a program), u32 program index, u64
// offset, u64 bytes, u64 zero.
export const ARCHIVE_ENTRY_KIND = 0;
export const ARCHIVE_ENTRY_INDEX = 4;
export const ARCHIVE_ENTRY_OFFSET = 8;
export const ARCHIVE_ENTRY_LENGTH = 16;
export const ARCHIVE_ENTRY_BYTES = 32;
export const ARCHIVE_KIND_BLOB = 1;
export const ARCHIVE_KIND_PROGRAM = 2;
/** A table in the format of toolchain/elf/symbol-table.md. */
export const ARCHIVE_KIND_SYMBOLS = 3;
export const ARCHIVE_ENTRIES_MAX = 126;
