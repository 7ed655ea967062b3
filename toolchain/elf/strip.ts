import { ByteWriter } from "./byte-writer.ts";
import { ELF_HEADER_BYTES, PROGRAM_HEADER_BYTES, PT_LOAD, PT_NOTE } from "./format.ts";
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
  view.setBigUint64(32, BigInt(ELF_HEADER_BYTES), true); // program headers follow the header
  view.setBigUint64(40, 0n, true); // no section headers
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, kept.length, true);
  view.setUint16(60, 0, true);
  view.setUint16(62, 0, true);
  return bytes;
}
