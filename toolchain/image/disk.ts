/**
 * A raw disk image for BIOS machines: a partition table, in its first partition the loader, the
 * kernel and the archive, in its second what UEFI firmware is told.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  assembleBootSectors,
  LOADER_BYTES,
  masterBootRecord,
  placeFiles,
  SECTOR_BYTES,
  type Place,
} from "./boot-sectors.ts";
import type { BootImageOptions } from "./iso.ts";

/**
 * Start of the partition, and what the whole is rounded up to: partitioning tools align to 1 MiB.
 */
const ALIGNMENT_BYTES = 1 << 20;
/** Raw data that is no file system. */
const PARTITION_TYPE = 0xda;

export function buildDisk({
  root,
  kernelPath,
  archivePath,
  outPath,
  commandLine = "",
}: BootImageOptions): void {
  const { mbr, loader, efi } = assembleBootSectors(root);
  let end = ALIGNMENT_BYTES;
  const place = (bytes: number): Place => {
    const offset = end;
    end += Math.ceil(bytes / LOADER_BYTES) * LOADER_BYTES;
    return { offset, bytes };
  };
  const kernel = readFileSync(kernelPath);
  const archive = archivePath === null ? null : readFileSync(archivePath);
  const loaderPlace = place(LOADER_BYTES);
  const kernelPlace = place(kernel.length);
  const archivePlace = archive === null ? null : place(archive.length);
  const efiPlace = place(efi.length);

  const image = new Uint8Array(Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES);
  image.set(
    masterBootRecord(mbr, loaderPlace, PARTITION_TYPE, ALIGNMENT_BYTES / SECTOR_BYTES, efiPlace),
  );
  image.set(efi, efiPlace.offset);
  image.set(placeFiles(loader, kernelPlace, archivePlace, commandLine), loaderPlace.offset);
  image.set(kernel, kernelPlace.offset);
  if (archive !== null && archivePlace !== null) image.set(archive, archivePlace.offset);
  mkdirSync(dirname(outPath), { recursive: true });
  writeFileSync(`${outPath}.draft`, image);
  renameSync(`${outPath}.draft`, outPath);
}
