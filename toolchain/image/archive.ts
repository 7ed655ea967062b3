import {
  ARCHIVE_BYTES,
  ARCHIVE_COUNT,
  ARCHIVE_ENTRIES,
  ARCHIVE_ENTRIES_MAX,
  ARCHIVE_ENTRY_BYTES,
  ARCHIVE_ENTRY_INDEX,
  ARCHIVE_ENTRY_KIND,
  ARCHIVE_ENTRY_LENGTH,
  ARCHIVE_ENTRY_OFFSET,
  ARCHIVE_FORMAT,
  ARCHIVE_KIND_BLOB,
  ARCHIVE_KIND_PROGRAM,
  ARCHIVE_KIND_SYMBOLS,
  ARCHIVE_MAGIC_HIGH,
  ARCHIVE_MAGIC_LOW,
} from "../../kernel/abi/archive.ts";
import { PAGE_BYTES } from "../../kernel/abi/address-space.ts";
import { refuse } from "../report/diagnostic.ts";

const FORMAT = 1;

export interface ArchiveContents {
  /** The signed blob. */
  readonly blob: Uint8Array;
  /** Executables, in the order of the blob's program table. */
  readonly programs: readonly Uint8Array[];
  /** Names and lines of their code, in the same order; faults are explained by them. */
  readonly symbols?: readonly Uint8Array[];
}

/** Refuses more programs than an archive has entries for. */
export function requireRoomInArchive(programs: number, haveSymbols: boolean): void {
  const room = haveSymbols ? ((ARCHIVE_ENTRIES_MAX - 1) / 2) | 0 : ARCHIVE_ENTRIES_MAX - 1;
  if (programs > room)
    refuse(`an image of ${programs} programs`, {
      help: `the boot archive has room for ${room}${haveSymbols ? " with their symbols" : ""}`,
    });
}

/** The boot archive (kernel/abi/archive.ts): each file on pages of its own, zero-padded. */
export function buildArchive({ blob, programs, symbols = [] }: ArchiveContents): Uint8Array {
  const files = [
    { kind: ARCHIVE_KIND_BLOB, index: 0, bytes: blob },
    ...programs.map((bytes, index) => ({ kind: ARCHIVE_KIND_PROGRAM, index, bytes })),
    ...symbols.map((bytes, index) => ({ kind: ARCHIVE_KIND_SYMBOLS, index, bytes })),
  ];
  requireRoomInArchive(programs.length, symbols.length > 0);

  const wholePages = (bytes: number) => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
  const total = PAGE_BYTES + files.reduce((sum, file) => sum + wholePages(file.bytes.length), 0);
  const archive = new Uint8Array(total);
  const view = new DataView(archive.buffer);
  view.setUint32(0, ARCHIVE_MAGIC_LOW, true);
  view.setUint32(4, ARCHIVE_MAGIC_HIGH, true);
  view.setUint32(ARCHIVE_FORMAT, FORMAT, true);
  view.setUint32(ARCHIVE_COUNT, files.length, true);
  view.setBigUint64(ARCHIVE_BYTES, BigInt(total), true);

  let place = PAGE_BYTES;
  for (const [number, { kind, index, bytes }] of files.entries()) {
    const entry = ARCHIVE_ENTRIES + number * ARCHIVE_ENTRY_BYTES;
    view.setUint32(entry + ARCHIVE_ENTRY_KIND, kind, true);
    view.setUint32(entry + ARCHIVE_ENTRY_INDEX, index, true);
    view.setBigUint64(entry + ARCHIVE_ENTRY_OFFSET, BigInt(place), true);
    view.setBigUint64(entry + ARCHIVE_ENTRY_LENGTH, BigInt(bytes.length), true);
    archive.set(bytes, place);
    place += wholePages(bytes.length);
  }
  return archive;
}
