import { ByteWriter } from "./byte-writer.ts";
import {
  ELF_HEADER_BYTES,
  HEADER_NAMES_INDEX,
  HEADER_PROGRAM_BYTES,
  HEADER_PROGRAM_COUNT,
  HEADER_PROGRAM_OFFSET,
  HEADER_SECTION_COUNT,
  HEADER_SECTION_OFFSET,
  PROGRAM_HEADER_BYTES,
  PT_LOAD,
  PT_NOTE,
} from "./format.ts";
import { readElf } from "./read.ts";

const PAGE_BYTES = 4096;

/**
 * The part of a domain's executable that the kernel takes: ELF header, program headers, segments,
 * nothing else. Every segment starts on a page of the file and the rest of its last page is zero,
 * so that code and constants are mapped from where they lie in the boot archive.
 */
export function stripExecutable(elfBytes: Uint8Array, path: string): Uint8Array {
  const elf = readElf(elfBytes, path);
  const kept = elf.programHeaders.filter(
    (header) => (header.type === PT_LOAD && header.memoryBytes > 0) || header.type === PT_NOTE,
  );
  const writer = new ByteWriter();
  writer.raw(elfBytes.subarray(0, ELF_HEADER_BYTES));

  let place = PAGE_BYTES;
  const loads = kept
    .filter((header) => header.type === PT_LOAD)
    .map((header) => {
      const offset = header.fileBytes === 0 ? 0 : place;
      place += Math.ceil(header.fileBytes / PAGE_BYTES) * PAGE_BYTES;
      return { header, offset };
    });
  for (const header of kept) {
    // The note lies inside a loaded segment and moves with it.
    const owner = loads.find(
      ({ header: load }) =>
        header.offset >= load.offset &&
        header.offset + header.fileBytes <= load.offset + load.fileBytes,
    );
    writer.u32(header.type);
    writer.u32(header.flags);
    writer.u64(
      owner === undefined || header.fileBytes === 0
        ? 0
        : owner.offset + header.offset - owner.header.offset,
    );
    writer.u64(header.address);
    writer.u64(header.physicalAddress);
    writer.u64(header.fileBytes);
    writer.u64(header.memoryBytes);
    writer.u64(header.alignment);
  }
  for (const { header } of loads) {
    if (header.fileBytes === 0) continue;
    writer.align(PAGE_BYTES);
    writer.raw(elfBytes.subarray(header.offset, header.offset + header.fileBytes));
  }
  writer.align(PAGE_BYTES);

  const bytes = writer.bytes();
  const view = new DataView(bytes.buffer);
  view.setBigUint64(HEADER_PROGRAM_OFFSET, BigInt(ELF_HEADER_BYTES), true);
  view.setBigUint64(HEADER_SECTION_OFFSET, 0n, true);
  view.setUint16(HEADER_PROGRAM_BYTES, PROGRAM_HEADER_BYTES, true);
  view.setUint16(HEADER_PROGRAM_COUNT, kept.length, true);
  view.setUint16(HEADER_SECTION_COUNT, 0, true);
  view.setUint16(HEADER_NAMES_INDEX, 0, true);
  return bytes;
}
