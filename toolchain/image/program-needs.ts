/** Reads from an executable what it takes of its domain to start. */
import { DOMAIN_REGION_HIGH, PAGE_BYTES } from "../../kernel/abi/address-space.ts";
import {
  NOTE_BYTES,
  NOTE_STACK_BYTES,
  NOTE_THREAD_BLOCK_BYTES,
} from "../../kernel/abi/executable.ts";
import type { ProgramNeeds } from "../../policy/compiler/model.ts";
import { PF_W, PT_LOAD, PT_NOTE } from "../elf/format.ts";
import { readElf } from "../elf/read.ts";

const REGION_START = BigInt(DOMAIN_REGION_HIGH) << 32n;
/** Sizes, type and name of the note, before its description. */
const NOTE_HEAD_BYTES = 20;

/**
 * Of an executable of ours; `path` is what a diagnostic names. Undefined where it has no note that
 * the kernel could read.
 */
export function programNeeds(elf: Uint8Array, path: string): ProgramNeeds | undefined {
  const { programHeaders } = readElf(elf, path);
  const note = programHeaders.find((header) => header.type === PT_NOTE);
  if (note === undefined || note.fileBytes < NOTE_HEAD_BYTES + NOTE_BYTES) return undefined;
  const description = new DataView(
    elf.buffer,
    elf.byteOffset + note.offset + NOTE_HEAD_BYTES,
    NOTE_BYTES,
  );
  const loads = programHeaders.filter(
    (header) => header.type === PT_LOAD && header.memoryBytes > 0,
  );
  const ends = loads
    .filter((header) => header.address >= REGION_START)
    .map(
      (header) => pages(Number(header.address - REGION_START) + header.memoryBytes) * PAGE_BYTES,
    );
  return {
    readOnlyPages: loads
      .filter((header) => (header.flags & PF_W) === 0)
      .reduce((sum, header) => sum + pages(header.memoryBytes), 0),
    regionBytes: Math.max(0, ...ends),
    stackBytes: description.getUint32(NOTE_STACK_BYTES, true),
    threadBlockBytes: description.getUint32(NOTE_THREAD_BLOCK_BYTES, true),
  };
}

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}
