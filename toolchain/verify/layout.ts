import {
  DOMAIN_REGION_BYTES,
  DOMAIN_REGION_HIGH,
  LINEAR_NULL_BYTES,
  PAGE_BYTES,
} from "../../kernel/abi/address-space.ts";
import { PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE } from "../elf/format.ts";
import { type ElfFile, type ProgramHeader, sectionNamed } from "../elf/read.ts";
import type { Target } from "../ir/module.ts";
import type { Finding } from "./finding.ts";

/** A range of bytes, by offset from the start of the text. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** The parts of an executable that the rules speak of. */
export interface Layout {
  readonly textAddress: bigint;
  readonly text: Uint8Array;
  /** What compiled code may read: constants, jump tables, tables of functions. */
  readonly constants: Range;
  /** What compiled code may read and write besides linear memory: globals. */
  readonly variables: Range;
  /**
   * Hand-written code, which is not verified: calls may go to the functions that the file declares
   * there. Empty in a domain.
   */
  readonly stubs: Range;
}

const LINEAR_END = 1n << 32n;
const REGION_START = BigInt(DOMAIN_REGION_HIGH) << 32n;
const REGION_END = REGION_START + BigInt(DOMAIN_REGION_BYTES);
const DOMAIN_HEADERS_MAX = 8;

/** Checks the segments; null if there is no text to look at. */
export function readLayout(elf: ElfFile, target: Target, findings: Finding[]): Layout | null {
  const report = (message: string): void =>
    void findings.push({
      rule: "segments",
      function: "segments",
      address: "",
      instruction: "",
      message,
    });
  const loads = elf.programHeaders.filter(
    (header) => header.type === PT_LOAD && header.memoryBytes > 0,
  );
  checkProtection(loads, report);
  if (target === "domain") checkDomainSegments(elf, loads, report);

  const section = (name: string, flags: number): PlacedBytes | null =>
    loadedSection(elf, loads, name, flags, report);
  const text =
    target === "domain"
      ? onlySegment(loads, PF_R | PF_X, elf, report)
      : section(".text", PF_R | PF_X);
  if (text === null || text.bytes.length === 0) {
    report("there is no code");
    return null;
  }
  const relative = (range: PlacedBytes | null): Range => {
    if (range === null) return { start: 0, end: 0, bytes: new Uint8Array(0) };
    const start = Number(range.address - text.address);
    return { start, end: start + range.bytes.length, bytes: range.bytes };
  };
  const isDomain = target === "domain";
  const regionLoads = loads.filter((header) => header.address >= REGION_START);
  return {
    textAddress: text.address,
    text: text.bytes,
    constants: relative(
      isDomain ? onlySegment(regionLoads, PF_R, elf, null) : section(".rodata", PF_R),
    ),
    variables: relative(
      isDomain ? onlySegment(regionLoads, PF_R | PF_W, elf, null) : section(".data", PF_R | PF_W),
    ),
    stubs: relative(isDomain ? null : section(".stubs", PF_R | PF_X)),
  };
}

function checkProtection(loads: readonly ProgramHeader[], report: (message: string) => void): void {
  const ordered = [...loads].sort((left, right) => (left.address < right.address ? -1 : 1));
  ordered.forEach((header, index) => {
    if ((header.flags & PF_W) !== 0 && (header.flags & PF_X) !== 0)
      report(`the segment at ${hex(header.address)} is writable and executable`);
    if (header.address % BigInt(PAGE_BYTES) !== 0n)
      report(`the segment at ${hex(header.address)} does not start on a page`);
    const next = ordered[index + 1];
    if (next !== undefined && lastPageEnd(header) > next.address)
      report(`the segments at ${hex(header.address)} and ${hex(next.address)} share a page`);
  });
}

/** What the kernel accepts of a domain (kernel/abi/executable.ts). */
function checkDomainSegments(
  elf: ElfFile,
  loads: readonly ProgramHeader[],
  report: (message: string) => void,
): void {
  if (elf.programHeaders.length > DOMAIN_HEADERS_MAX)
    report(`${elf.programHeaders.length} program headers; at most ${DOMAIN_HEADERS_MAX}`);
  if (elf.programHeaders.filter((header) => header.type === PT_NOTE).length !== 1)
    report("it needs exactly one note");
  for (const header of elf.programHeaders) {
    if (header.type !== PT_LOAD && header.type !== PT_NOTE)
      report(`a program header of type ${header.type}`);
  }
  for (const header of loads) {
    const end = header.address + BigInt(header.memoryBytes);
    const isLinear = header.address >= BigInt(LINEAR_NULL_BYTES) && end <= LINEAR_END;
    const isRegion = header.address >= REGION_START && end <= REGION_END;
    if (!isLinear && !isRegion)
      report(
        `the segment at ${hex(header.address)} lies neither in linear memory nor in the domain's region`,
      );
    if (isLinear && header.flags !== (PF_R | PF_W))
      report(
        `the segment at ${hex(header.address)} is linear memory and must be readable and writable, no more`,
      );
  }
}

interface PlacedBytes {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** The one segment with these rights; without `report`, none is fine. */
function onlySegment(
  loads: readonly ProgramHeader[],
  flags: number,
  elf: ElfFile,
  report: ((message: string) => void) | null,
): PlacedBytes | null {
  const matching = loads.filter((header) => header.flags === flags);
  if (report !== null) {
    const executable = loads.filter((header) => (header.flags & PF_X) !== 0);
    if (executable.length !== 1)
      report(`${executable.length} executable segments; exactly one is allowed`);
  }
  const [header] = matching;
  if (header === undefined || header.memoryBytes > DOMAIN_REGION_BYTES) return null;
  const bytes = new Uint8Array(header.memoryBytes);
  bytes.set(elf.bytes.subarray(header.offset, header.offset + header.fileBytes));
  return { address: header.address, bytes };
}

/**
 * A section that a segment with these rights loads, from the very bytes that the section names:
 * where the two differ, the segment is what runs.
 */
function loadedSection(
  elf: ElfFile,
  loads: readonly ProgramHeader[],
  name: string,
  flags: number,
  report: (message: string) => void,
): PlacedBytes | null {
  const section = sectionNamed(elf, name);
  if (section === undefined || section.bytes.length === 0) return null;
  const offset = section.bytes.byteOffset - elf.bytes.byteOffset;
  const end = section.address + BigInt(section.bytes.length);
  const isLoaded = loads.some(
    (header) =>
      header.flags === flags &&
      section.address >= header.address &&
      end <= header.address + BigInt(header.fileBytes) &&
      section.address - header.address === BigInt(offset - header.offset),
  );
  if (!isLoaded) report(`${name} is not what a segment loads to its address`);
  return { address: section.address, bytes: section.bytes };
}

function lastPageEnd(header: ProgramHeader): bigint {
  const end = header.address + BigInt(header.memoryBytes);
  return ((end + BigInt(PAGE_BYTES) - 1n) / BigInt(PAGE_BYTES)) * BigInt(PAGE_BYTES);
}

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
