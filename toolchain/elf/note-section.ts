import { NOTE_BYTES, NOTE_TYPE } from "../../kernel/abi/executable.ts";
import { ABI_VERSION } from "../../kernel/abi/system-call.ts";
import type { Level } from "../ir/module.ts";
import { SHF_ALLOC, SectionType } from "./format.ts";
import type { RelocatableFile } from "./relocatable.ts";

const NOTE_SECTION = ".note.trine";

/** What a domain's executable tells the kernel (kernel/abi/executable.ts). */
export interface DomainNote {
  readonly memoryPages: number;
  readonly memoryPagesMax: number;
  readonly stackBytes: number;
  readonly threadBlockBytes: number;
  readonly level: Level;
}

const NAME = "Trine";

export function writeNote(file: RelocatableFile, note: DomainNote): void {
  const { content } = file.section(NOTE_SECTION, SectionType.Note, SHF_ALLOC, 4);
  content.u32(NAME.length + 1);
  content.u32(NOTE_BYTES);
  content.u32(NOTE_TYPE);
  content.text(NAME);
  content.align(4);
  content.u32(ABI_VERSION);
  content.u32(0); // flags: no vectors
  content.u32(note.memoryPages);
  content.u32(note.memoryPagesMax);
  content.u32(note.stackBytes);
  content.u32(note.threadBlockBytes);
  content.u64(0); // no further threads
  content.u32(note.level);
  content.u32(0);
}
