/**
 * Executables made by hand, the smallest that the kernel's loader accepts: for tests that run the
 * kernel in Node, where no user code runs.
 */
import { NOTE_BYTES, NOTE_TYPE } from "../../kernel/abi/executable.ts";
import { ABI_VERSION } from "../../kernel/abi/system-call.ts";

export interface SegmentOptions {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: bigint;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

export interface ExecutableOptions {
  /** This text is part of the code, so that executables differ. */
  readonly name: string;
  readonly memoryPages?: number;
  readonly memoryPagesMax?: number;
  readonly stackBytes?: number;
  readonly threadBlockBytes?: number;
  readonly threadEntry?: bigint;
  readonly abiVersion?: number;
  /** Level of x86-64. */
  readonly level?: number;
  /** Initial data of linear memory, from 64 KiB on. */
  readonly data?: Uint8Array;
}

export const REGION = 0x10_0000_0000n;
const PAGE = 4096;
const READ = 4;
const WRITE = 2;
const EXECUTE = 1;
export const LOAD = 1;
export const NOTE = 4;

/** Pages of the file: headers, linear data, code, note with constants, globals. */
export function smallExecutable(options: ExecutableOptions): Uint8Array {
  const { data = new TextEncoder().encode("initial data") } = options;
  const dataPages = Math.max(1, Math.ceil(data.length / PAGE));
  const code = PAGE * (1 + dataPages);
  const file = new Uint8Array(code + 3 * PAGE);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 62, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, REGION, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);

  const segments: SegmentOptions[] = [
    {
      type: LOAD,
      flags: READ | WRITE,
      offset: PAGE,
      address: 0x10000n,
      fileBytes: data.length,
      memoryBytes: data.length,
    },
    {
      type: LOAD,
      flags: READ | EXECUTE,
      offset: code,
      address: REGION,
      fileBytes: PAGE,
      memoryBytes: PAGE,
    },
    {
      type: LOAD,
      flags: READ,
      offset: code + PAGE,
      address: REGION + 0x1000n,
      fileBytes: 64,
      memoryBytes: 64,
    },
    {
      type: LOAD,
      flags: READ | WRITE,
      offset: code + 2 * PAGE,
      address: REGION + 0x2000n,
      fileBytes: 16,
      memoryBytes: 0x1800,
    },
    {
      type: NOTE,
      flags: READ,
      offset: code + PAGE,
      address: REGION + 0x1000n,
      fileBytes: 20 + NOTE_BYTES,
      memoryBytes: 20 + NOTE_BYTES,
    },
  ];
  view.setUint16(56, segments.length, true);
  for (const [index, segment] of segments.entries()) writeSegment(view, index, segment);

  file.set(data, PAGE);
  file.set([0x0f, 0x0b], code);
  file.set(new TextEncoder().encode(options.name), code + 16);
  const note = code + PAGE;
  view.setUint32(note, 6, true);
  view.setUint32(note + 4, NOTE_BYTES, true);
  view.setUint32(note + 8, NOTE_TYPE, true);
  file.set(new TextEncoder().encode("Trine"), note + 12);
  view.setUint32(note + 20, options.abiVersion ?? ABI_VERSION, true);
  view.setUint32(note + 28, options.memoryPages ?? 4, true);
  view.setUint32(note + 32, options.memoryPagesMax ?? 16, true);
  view.setUint32(note + 36, options.stackBytes ?? 0x4000, true);
  view.setUint32(note + 40, options.threadBlockBytes ?? 0, true);
  view.setBigUint64(note + 44, options.threadEntry ?? REGION, true);
  view.setUint32(note + 52, options.level ?? 1, true);
  return file;
}

/** Writes a program header; tests also use it to write wrong ones. */
export function writeSegment(view: DataView, index: number, segment: SegmentOptions): void {
  const place = 64 + index * 56;
  view.setUint32(place, segment.type, true);
  view.setUint32(place + 4, segment.flags, true);
  view.setBigUint64(place + 8, BigInt(segment.offset), true);
  view.setBigUint64(place + 16, segment.address, true);
  view.setBigUint64(place + 24, segment.address, true);
  view.setBigUint64(place + 32, BigInt(segment.fileBytes), true);
  view.setBigUint64(place + 40, BigInt(segment.memoryBytes), true);
  view.setBigUint64(place + 48, 4096n, true);
}
