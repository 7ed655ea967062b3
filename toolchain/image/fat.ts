/**
 * A FAT12 file system with one file, in as many folders as its path names: what UEFI firmware looks
 * for on a medium.
 */

const SECTOR_BYTES = 512;
/** Few enough for FAT12, whose entries have 12 bits, and room for a file that says something. */
const SECTORS = 512;
const FATS = 2;
const FAT_SECTORS = 2;
const ROOT_ENTRIES = 64;
const ENTRY_BYTES = 32;
const MEDIA_FIXED = 0xf8;
const FIRST_CLUSTER = 2;
const CLUSTER_LAST = 0xfff;
const ATTRIBUTE_DIRECTORY = 0x10;
const ATTRIBUTE_ARCHIVE = 0x20;
/** 1 January 2026: equal inputs give equal bytes. */
const DATE = ((2026 - 1980) << 9) | (1 << 5) | 1;

const ROOT_START = 1 + FATS * FAT_SECTORS;
const DATA_START = ROOT_START + (ROOT_ENTRIES * ENTRY_BYTES) / SECTOR_BYTES;

/** `path` is of names of at most 8 capital letters, digits and a type of at most 3. */
export function buildFat(path: readonly string[], file: Uint8Array): Uint8Array {
  const clusters = Math.ceil(file.length / SECTOR_BYTES);
  const folders = path.length - 1;
  if (folders + clusters > SECTORS - DATA_START)
    throw new Error(`a file of ${file.length} bytes does not fit into the FAT image`);
  const image = new Uint8Array(SECTORS * SECTOR_BYTES);
  image.set(bootSector());

  // Each folder is a cluster that holds the next name; the file's clusters follow.
  path.forEach((name, depth) => {
    const isFile = depth === folders;
    const cluster = FIRST_CLUSTER + depth;
    const place = depth === 0 ? ROOT_START * SECTOR_BYTES : offsetOf(cluster - 1) + 2 * ENTRY_BYTES;
    image.set(
      entry(
        shortName(name),
        isFile ? ATTRIBUTE_ARCHIVE : ATTRIBUTE_DIRECTORY,
        isFile && clusters === 0 ? 0 : cluster,
        isFile ? file.length : 0,
      ),
      place,
    );
    if (isFile) return;
    image.set(entry(".".padEnd(11), ATTRIBUTE_DIRECTORY, cluster, 0), offsetOf(cluster));
    // The root's number is 0 there.
    image.set(
      entry("..".padEnd(11), ATTRIBUTE_DIRECTORY, depth === 0 ? 0 : cluster - 1, 0),
      offsetOf(cluster) + ENTRY_BYTES,
    );
  });
  image.set(file, offsetOf(FIRST_CLUSTER + folders));

  const fat = new Uint8Array(FAT_SECTORS * SECTOR_BYTES);
  setLink(fat, 0, 0xf00 | MEDIA_FIXED);
  setLink(fat, 1, CLUSTER_LAST);
  for (let i = 0; i < folders + clusters; i++)
    setLink(
      fat,
      FIRST_CLUSTER + i,
      i < folders || i === folders + clusters - 1 ? CLUSTER_LAST : FIRST_CLUSTER + i + 1,
    );
  for (let copy = 0; copy < FATS; copy++) image.set(fat, (1 + copy * FAT_SECTORS) * SECTOR_BYTES);
  return image;
}

function bootSector(): Uint8Array {
  const sector = new Uint8Array(SECTOR_BYTES);
  const view = new DataView(sector.buffer);
  // A jump to itself: nothing starts from here.
  sector.set([0xeb, 0xfe, 0x90]);
  sector.set(ascii("TRINE   "), 3);
  view.setUint16(11, SECTOR_BYTES, true);
  view.setUint8(13, 1); // sectors a cluster
  view.setUint16(14, 1, true); // sectors before the tables
  view.setUint8(16, FATS);
  view.setUint16(17, ROOT_ENTRIES, true);
  view.setUint16(19, SECTORS, true);
  view.setUint8(21, MEDIA_FIXED);
  view.setUint16(22, FAT_SECTORS, true);
  // sectors a track, heads: of no meaning, but firmware may divide by them
  view.setUint16(24, 32, true);
  view.setUint16(26, 2, true);
  view.setUint8(36, 0x80);
  view.setUint8(38, 0x29); // a number, a label and a type follow
  view.setUint32(39, 0x5472696e, true);
  sector.set(ascii("NO NAME    FAT12   "), 43);
  view.setUint16(510, 0xaa55, true);
  return sector;
}

function entry(name: string, attribute: number, cluster: number, bytes: number): Uint8Array {
  const record = new Uint8Array(ENTRY_BYTES);
  const view = new DataView(record.buffer);
  record.set(ascii(name));
  view.setUint8(11, attribute);
  for (const date of [16, 18, 24]) view.setUint16(date, DATE, true);
  view.setUint16(26, cluster, true);
  view.setUint32(28, bytes, true);
  return record;
}

function shortName(name: string): string {
  const [, base, type = ""] = /^([A-Z0-9]{1,8})(?:\.([A-Z0-9]{1,3}))?$/.exec(name) ?? [];
  if (base === undefined) throw new Error(`${name} is no short name`);
  return base.padEnd(8) + type.padEnd(3);
}

/** Two entries share three bytes. */
function setLink(fat: Uint8Array, cluster: number, value: number): void {
  const at = cluster + (cluster >> 1);
  if (cluster % 2 === 0) {
    fat[at] = value & 0xff;
    fat[at + 1] = (fat[at + 1]! & 0xf0) | (value >> 8);
  } else {
    fat[at] = (fat[at]! & 0x0f) | ((value & 0xf) << 4);
    fat[at + 1] = value >> 4;
  }
}

function offsetOf(cluster: number): number {
  return (DATA_START + cluster - FIRST_CLUSTER) * SECTOR_BYTES;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
