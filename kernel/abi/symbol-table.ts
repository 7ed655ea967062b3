// Offsets in a table of names and lines (toolchain/elf/symbol-table.md): the toolchain writes such
// tables, the kernel and the supervisor read them.

// Header: u64 address of the code, then u32s. Offsets of parts count from the start of the table.
export const SYMBOLS_TEXT_ADDRESS = 0;
export const SYMBOLS_TEXT_BYTES = 8;
export const SYMBOLS_FUNCTION_COUNT = 12;
export const SYMBOLS_FUNCTIONS = 16;
export const SYMBOLS_DEEP_COUNT = 20;
export const SYMBOLS_DEEP = 24;
export const SYMBOLS_FILE_COUNT = 28;
export const SYMBOLS_FILES = 32;
export const SYMBOLS_DETAILS = 36;
export const SYMBOLS_STRINGS = 40;
export const SYMBOLS_BYTES = 44;
export const SYMBOLS_HEADER_BYTES = 48;

// A function: text offset, bytes of code, offset of its details in that part.
export const SYMBOLS_FUNCTION_START = 0;
export const SYMBOLS_FUNCTION_LENGTH = 4;
export const SYMBOLS_FUNCTION_DETAILS = 8;
export const SYMBOLS_FUNCTION_BYTES = 12;

// A deep range: text offset of its start at offset 0, of its end, depth of the frame in between.
export const SYMBOLS_DEEP_END = 4;
export const SYMBOLS_DEEP_DEPTH = 8;
export const SYMBOLS_DEEP_BYTES = 12;

/** A file: offset of its name in the string part. */
export const SYMBOLS_FILE_BYTES = 4;
/** The number of no file: its name is empty. */
export const SYMBOLS_NO_FILE = 0;

/** A number of the details is a LEB128 of at most this many bytes. */
export const SYMBOLS_NUMBER_BYTES_MAX = 5;
