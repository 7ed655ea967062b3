/**
 * A hybrid ISO: a CD boots its El Torito image, a disk or USB stick with the same bytes its first
 * sector; UEFI firmware is told that it cannot. xorriso lays out the file system; the places of the
 * files are then read from it and written into the loader. Equal inputs give equal bytes.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { refuse } from "../report/diagnostic.ts";
import { refuseToStart } from "../setup/programs.ts";
import { assembleBootSectors, masterBootRecord, placeFiles, type Place } from "./boot-sectors.ts";

export interface BootImageOptions {
  /** Root of the tree: the loader's sources are there. */
  readonly root: string;
  readonly kernelPath: string;
  /** Without an archive the kernel starts and says what it misses. */
  readonly archivePath: string | null;
  readonly outPath: string;
  /** Words for the kernel, at most 127 characters. */
  readonly commandLine?: string;
}

const DATE = "2026010100000000";
/** CD sectors. */
const BLOCK_BYTES = 2048;
const DESCRIPTOR_BLOCK = 16;
/** Sticks are measured in MiB; firmware reads their last cylinder without complaint. */
const PADDING_BYTES = 1 << 20;
const PARTITION_TYPE = 0x17;

export function buildIso(options: BootImageOptions): void {
  const { root, kernelPath, archivePath, outPath, commandLine = "" } = options;
  const { mbr, loader, efi } = assembleBootSectors(root);
  const folder = mkdtempSync(join(tmpdir(), "trine-iso-"));
  try {
    const boot = join(folder, "tree/boot");
    mkdirSync(boot, { recursive: true });
    writeFileSync(join(boot, "loader.bin"), loader);
    copyFileSync(kernelPath, join(boot, "kernel.elf"));
    if (archivePath !== null) copyFileSync(archivePath, join(boot, "trine.arc"));
    writeFileSync(join(boot, "efi.img"), efi);
    const draft = join(folder, "draft.iso");
    runXorriso([
      "-as",
      "mkisofs",
      "-quiet",
      "-volid",
      "TRINE",
      `--modification-date=${DATE}`,
      "--set_all_file_dates",
      DATE,
      "-eltorito-boot",
      "boot/loader.bin",
      "-eltorito-catalog",
      "boot/boot.cat",
      "-no-emul-boot",
      "-boot-load-size",
      "4",
      // The second entry is for UEFI. It lies behind the others, so that its partition cuts none of
      // them off.
      "-eltorito-alt-boot",
      "-e",
      "boot/efi.img",
      "-no-emul-boot",
      "--sort-weight",
      "-1",
      "/boot/efi.img",
      "-o",
      draft,
      join(folder, "tree"),
    ]);

    const laidOut = readFileSync(draft);
    const image = new Uint8Array(Math.ceil(laidOut.length / PADDING_BYTES) * PADDING_BYTES);
    image.set(laidOut);
    const loaderPlace = findFile(image, ["BOOT", "LOADER.BIN"]);
    const archivePlace = archivePath === null ? null : findFile(image, ["BOOT", "TRINE.ARC"]);
    image.set(
      placeFiles(loader, findFile(image, ["BOOT", "KERNEL.ELF"]), archivePlace, commandLine),
      loaderPlace.offset,
    );
    image.set(
      masterBootRecord(mbr, loaderPlace, PARTITION_TYPE, 0, findFile(image, ["BOOT", "EFI.IMG"])),
    );
    mkdirSync(dirname(outPath), { recursive: true });
    writeFileSync(`${outPath}.draft`, image);
    renameSync(`${outPath}.draft`, outPath);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runXorriso(commandArguments: readonly string[]): void {
  const environment = {
    ...process.env,
    SOURCE_DATE_EPOCH: String(Date.UTC(2026, 0, 1) / 1000),
    TZ: "UTC",
  };
  const { error, status, stderr } = spawnSync("xorriso", commandArguments, { env: environment });
  if (error !== undefined) refuseToStart("xorriso", error);
  if (status !== 0) refuse(`xorriso fails: ${stderr.toString().trim()}`);
}

/** Where a file lies, by the directories of the ISO 9660 file system. */
function findFile(image: Uint8Array, path: readonly string[]): Place {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const recordAt = (offset: number): Place => ({
    offset: view.getUint32(offset + 2, true) * BLOCK_BYTES,
    bytes: view.getUint32(offset + 10, true),
  });
  let place = recordAt(DESCRIPTOR_BLOCK * BLOCK_BYTES + 156);
  for (const name of path) {
    const found = directoryEntry(image, place, name);
    if (found === null) throw new Error(`the ISO has no file ${path.join("/")}`);
    place = recordAt(found);
  }
  return place;
}

/**
 * Offset of the directory record of that name. Records do not cross blocks; a length of 0 ends a
 * block.
 */
function directoryEntry(image: Uint8Array, directory: Place, name: string): number | null {
  const end = directory.offset + directory.bytes;
  for (let offset = directory.offset; offset < end; ) {
    const length = image[offset]!;
    if (length === 0) {
      offset = (Math.floor(offset / BLOCK_BYTES) + 1) * BLOCK_BYTES;
      continue;
    }
    const nameBytes = image[offset + 32]!;
    const recorded = new TextDecoder("latin1").decode(
      image.subarray(offset + 33, offset + 33 + nameBytes),
    );
    if (recorded.split(";")[0] === name) return offset;
    offset += length;
  }
  return null;
}
