/** The boot archive: which entries, where. */
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
  ARCHIVE_KIND_SYMBOLS,
  ARCHIVE_MAGIC_HIGH,
  ARCHIVE_MAGIC_LOW,
} from "../../kernel/abi/archive.ts";
import { DiagnosticError, refuse } from "../report/diagnostic.ts";
import { isBlob, summarizeBlob } from "./blob.ts";

type EntryKind = "blob" | "program" | "symbols";

interface ArchiveSummary {
  readonly kind: "archive";
  readonly format: number;
  readonly bytes: number;
  readonly entries: readonly ArchiveEntry[];
}

interface ArchiveEntry {
  readonly kind: EntryKind;
  readonly index: number;
  readonly offset: number;
  readonly bytes: number;
  /**
   * What the archive's blob calls the program; absent where it has no such program or cannot be
   * read.
   */
  readonly program?: string;
}

export function isArchive(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (
    bytes.length >= 8 &&
    view.getUint32(0, true) === ARCHIVE_MAGIC_LOW &&
    view.getUint32(4, true) === ARCHIVE_MAGIC_HIGH
  );
}

export function summarizeArchive(bytes: Uint8Array, path: string): ArchiveSummary {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < ARCHIVE_ENTRIES) refuse("the archive ends inside its header", { file: path });
  const count = view.getUint32(ARCHIVE_COUNT, true);
  if (count > ARCHIVE_ENTRIES_MAX)
    refuse(`the archive claims ${count} entries; at most ${ARCHIVE_ENTRIES_MAX} fit`, {
      file: path,
    });
  if (bytes.length < ARCHIVE_ENTRIES + count * ARCHIVE_ENTRY_BYTES)
    refuse("the archive ends inside its table", { file: path });
  const entries = Array.from({ length: count }, (_, index): ArchiveEntry => {
    const at = ARCHIVE_ENTRIES + index * ARCHIVE_ENTRY_BYTES;
    return {
      kind: kindOf(view.getUint32(at + ARCHIVE_ENTRY_KIND, true)),
      index: view.getUint32(at + ARCHIVE_ENTRY_INDEX, true),
      offset: Number(view.getBigUint64(at + ARCHIVE_ENTRY_OFFSET, true)),
      bytes: Number(view.getBigUint64(at + ARCHIVE_ENTRY_LENGTH, true)),
    };
  });
  const announced = Number(view.getBigUint64(ARCHIVE_BYTES, true));
  if (announced > bytes.length)
    refuse(`the archive has ${bytes.length} bytes, and its header announces ${announced}`, {
      file: path,
    });
  const outside = entries.findIndex((entry) => entry.offset + entry.bytes > bytes.length);
  if (outside >= 0) refuse(`entry ${outside} of the archive lies outside the file`, { file: path });
  const names = programNames(bytes, entries, path);
  const named = entries.map((entry) =>
    entry.kind === "blob" || names[entry.index] === undefined
      ? entry
      : { ...entry, program: names[entry.index]! },
  );
  return {
    kind: "archive",
    format: view.getUint32(ARCHIVE_FORMAT, true),
    bytes: announced,
    entries: named,
  };
}

/** None for an archive whose blob is damaged: its table can be shown all the same. */
function programNames(
  bytes: Uint8Array,
  entries: readonly ArchiveEntry[],
  path: string,
): readonly string[] {
  const entry = entries.find(({ kind }) => kind === "blob");
  const blob =
    entry === undefined
      ? new Uint8Array(0)
      : bytes.subarray(entry.offset, entry.offset + entry.bytes);
  if (!isBlob(blob)) return [];
  try {
    return summarizeBlob(blob, path).programs.map(({ name }) => name);
  } catch (error) {
    if (error instanceof DiagnosticError) return [];
    throw error;
  }
}

function kindOf(number: number): EntryKind {
  if (number === ARCHIVE_KIND_BLOB) return "blob";
  return number === ARCHIVE_KIND_SYMBOLS ? "symbols" : "program";
}

export function formatArchive({ format, bytes, entries }: ArchiveSummary): string[] {
  const lines = entries.map(
    (entry) =>
      `  ${`${entry.kind} ${entry.index}`.padEnd(12)} ${(entry.program ?? "").padEnd(16)} ${String(entry.bytes).padStart(8)} bytes at ${entry.offset}`,
  );
  return [`boot archive, format ${format}, ${bytes} bytes`, ...lines];
}
