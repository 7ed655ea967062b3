/**
 * What firmware starts: two pieces of code by a BIOS (boot/bios), into which the image builder
 * writes places, and one by UEFI (boot/efi).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "../elf/assemble.ts";
import { refuse } from "../report/diagnostic.ts";
import { writeBootConstants } from "./boot-constants.ts";
import { buildFat } from "./fat.ts";

export const SECTOR_BYTES = 512;
export const LOADER_BYTES = 2048;

// Offsets in loader.asm: the table of places.
const PLACES_MAGIC_OFFSET = 8;
const PLACES_MAGIC = 0x44414f4c;
const KERNEL_OFFSET = 12;
const ARCHIVE_OFFSET = 20;
const COMMAND_LINE_OFFSET = 28;
const COMMAND_LINE_BYTES = 128;
// Offsets in mbr.asm.
const LOADER_PLACE_OFFSET = 432;
const PARTITION_OFFSET = 446;
const PARTITION_BYTES = 16;
const PARTITION_ACTIVE = 0x80;
const MBR_USED_BYTES = 440;

/** Where a file lies on the medium: a byte offset that is a multiple of 2048, and its length. */
export interface Place {
  readonly offset: number;
  readonly bytes: number;
}

interface BootSectors {
  readonly mbr: Uint8Array;
  readonly loader: Uint8Array;
  /** A FAT image with what a machine without BIOS starts: it says so. */
  readonly efi: Uint8Array;
}

interface Partition {
  readonly type: number;
  readonly firstSector: number;
  readonly sectors: number;
}

/** Type of a partition in which UEFI firmware looks for what to start. */
const PARTITION_TYPE_EFI = 0xef;
/** Where it looks on media that can be removed. */
const EFI_PATH = ["EFI", "BOOT", "BOOTX64.EFI"];

/** Assembles all three. */
export function assembleBootSectors(root: string): BootSectors {
  writeBootConstants(join(root, "build/generated/abi.inc"));
  const code = (name: string): Uint8Array =>
    new Uint8Array(readFileSync(assemble(root, `boot/${name}.asm`, {}, "bin")));
  return {
    mbr: code("bios/mbr"),
    loader: code("bios/loader"),
    efi: buildFat(EFI_PATH, code("efi/needs-bios")),
  };
}

/** A copy of the loader that knows where its files are. */
export function placeFiles(
  loader: Uint8Array,
  kernel: Place,
  archive: Place | null,
  commandLine: string,
): Uint8Array {
  const placed = loader.slice();
  const view = new DataView(placed.buffer);
  if (placed.length !== LOADER_BYTES || view.getUint32(PLACES_MAGIC_OFFSET, true) !== PLACES_MAGIC)
    throw new Error("boot/bios/loader.asm has no table of places");
  if (!/^[\x20-\x7e]*$/.test(commandLine) || commandLine.length >= COMMAND_LINE_BYTES) {
    refuse(`a command line of ${commandLine.length} characters`, {
      help: `at most ${COMMAND_LINE_BYTES - 1}, all of them printable ASCII`,
    });
  }
  view.setUint32(KERNEL_OFFSET, sectorOf(kernel), true);
  view.setUint32(KERNEL_OFFSET + 4, kernel.bytes, true);
  if (archive !== null) {
    view.setUint32(ARCHIVE_OFFSET, sectorOf(archive), true);
    view.setUint32(ARCHIVE_OFFSET + 4, archive.bytes, true);
  }
  placed.set(new TextEncoder().encode(commandLine), COMMAND_LINE_OFFSET);
  return placed;
}

/**
 * A whole first sector: code that loads `loader`, and a partition table with what a BIOS starts,
 * active, up to where `efi` lies, and that behind it. They must not overlap: UEFI firmware believes
 * no table in which two do.
 */
export function masterBootRecord(
  mbr: Uint8Array,
  loader: Place,
  type: number,
  firstSector: number,
  efi: Place,
): Uint8Array {
  const efiSector = sectorOf(efi);
  return withPartitions(mbr, loader, [
    { type, firstSector, sectors: efiSector - firstSector },
    { type: PARTITION_TYPE_EFI, firstSector: efiSector, sectors: efi.bytes / SECTOR_BYTES },
  ]);
}

function withPartitions(
  mbr: Uint8Array,
  loader: Place,
  partitions: readonly Partition[],
): Uint8Array {
  const sector = new Uint8Array(SECTOR_BYTES);
  sector.set(mbr.subarray(0, MBR_USED_BYTES));
  const view = new DataView(sector.buffer);
  view.setUint32(LOADER_PLACE_OFFSET, sectorOf(loader), true);
  for (const [i, { type, firstSector, sectors }] of partitions.entries()) {
    const entry = PARTITION_OFFSET + i * PARTITION_BYTES;
    sector[entry] = i === 0 ? PARTITION_ACTIVE : 0;
    sector.set(cylinderHeadSector(firstSector), entry + 1);
    sector[entry + 4] = type;
    sector.set(cylinderHeadSector(firstSector + sectors - 1), entry + 5);
    view.setUint32(entry + 8, firstSector, true);
    view.setUint32(entry + 12, sectors, true);
  }
  view.setUint16(SECTOR_BYTES - 2, 0xaa55, true);
  return sector;
}

function sectorOf(place: Place): number {
  if (place.offset % LOADER_BYTES !== 0)
    throw new Error(`a boot file at byte ${place.offset}, which is no multiple of ${LOADER_BYTES}`);
  return place.offset / SECTOR_BYTES;
}

/**
 * The old form of a sector number, for 255 heads of 63 sectors; its largest where it does not fit.
 */
function cylinderHeadSector(sector: number): [number, number, number] {
  const cylinder = Math.floor(sector / (255 * 63));
  if (cylinder > 1023) return [254, 0xff, 0xff];
  const head = Math.floor(sector / 63) % 255;
  return [head, (sector % 63) + 1 + ((cylinder >> 8) << 6), cylinder & 0xff];
}
