/**
 * The signed blob: header, sections, slots with their handles, programs. Shows what stands there;
 * judging it is the kernel's business.
 */
import * as blob from "../../kernel/abi/blob.ts";
import {
  ObjectType,
  RIGHT_BIND,
  RIGHT_CALL,
  RIGHT_CONTROL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_MAP_WRITE,
  RIGHT_MINT,
  RIGHT_RECEIVE,
  RIGHT_SEAL,
  RIGHT_SIGNAL,
  RIGHT_TRANSFER,
} from "../../kernel/abi/object.ts";
import { refuse } from "../report/diagnostic.ts";

interface BlobSummary {
  readonly kind: "blob";
  readonly policyVersion: string;
  readonly keyPurpose: string;
  readonly publicKey: string;
  readonly imageDigest: string;
  readonly sections: readonly {
    readonly name: string;
    readonly offset: number;
    readonly bytes: number;
    readonly count: number;
  }[];
  readonly programs: readonly {
    readonly name: string;
    readonly digest: string;
    readonly verified: boolean;
  }[];
  readonly slots: readonly {
    readonly name: string;
    readonly class: string;
    readonly program: string;
    readonly handles: readonly HandleSummary[];
  }[];
}

interface HandleSummary {
  readonly name: string;
  readonly object: string;
  readonly rights: readonly string[];
  /**
   * An endpoint as images name it (`slot.endpoint`), ports, or an interrupt line; empty for what
   * there is only one of.
   */
  readonly target: string;
}

export function isBlob(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (
    bytes.length >= 8 &&
    view.getUint32(0, true) === blob.BLOB_MAGIC_LOW &&
    view.getUint32(4, true) === blob.BLOB_MAGIC_HIGH
  );
}

export function summarizeBlob(bytes: Uint8Array, path: string): BlobSummary {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return new BlobReader(bytes, view).summary();
  } catch (error) {
    if (error instanceof RangeError)
      return refuse("the blob ends before what its header announces", { file: path });
    throw error;
  }
}

export function formatBlob(summary: BlobSummary): string[] {
  return [
    `signed blob, policy version ${summary.policyVersion}`,
    `  signed for ${summary.keyPurpose} by ${summary.publicKey}`,
    `  image ${summary.imageDigest}`,
    "sections:",
    ...summary.sections.map(
      ({ name, offset, bytes, count }) =>
        `  ${name.padEnd(12)} ${String(count).padStart(6)} entries, ${bytes} bytes at ${offset}`,
    ),
    "programs:",
    ...summary.programs.map(
      ({ name, digest, verified }) =>
        `  ${name.padEnd(16)} ${digest} ${verified ? "verified" : "UNVERIFIED"}`,
    ),
    "slots:",
    ...summary.slots.flatMap((slot) => [
      `  ${slot.name}: class ${slot.class}, program ${slot.program}`,
      ...slot.handles.map(formatHandle),
    ]),
  ];
}

function formatHandle({ name, object, rights, target }: HandleSummary): string {
  return `    ${name.padEnd(14)} ${object.padEnd(10)} ${rights.join(" ").padEnd(20)} ${target}`.trimEnd();
}

/** The shell's `handles` says the same words. */
function rightNames(type: ObjectType, rights: number): string[] {
  const own: Partial<Record<ObjectType, readonly (readonly [number, string])[]>> = {
    [ObjectType.Endpoint]: [[RIGHT_MINT, "mint"]],
    [ObjectType.Inbox]: [
      [RIGHT_RECEIVE, "recv"],
      [RIGHT_BIND, "bind"],
    ],
    [ObjectType.Notice]: [[RIGHT_SIGNAL, "signal"]],
    [ObjectType.Memory]: [
      [RIGHT_MAP_READ, "read"],
      [RIGHT_MAP_WRITE, "write"],
      [RIGHT_SEAL, "seal"],
    ],
    [ObjectType.Slots]: [[RIGHT_CONTROL, "control"]],
  };
  const known = [
    [RIGHT_CALL, "call"],
    [RIGHT_TRANSFER, "send"],
    [RIGHT_COPY, "copy"],
    ...(own[type] ?? []),
  ] as const;
  const unnamed = known.reduce((rest, [right]) => rest & ~right, rights);
  return [
    ...known.filter(([right]) => (rights & right) !== 0).map(([, name]) => name),
    ...(unnamed === 0 ? [] : [hexNumber(unnamed)]),
  ];
}

function hexNumber(value: number): string {
  return `0x${value.toString(16)}`;
}

interface Section {
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
}

/** Reads outside the file throw a RangeError. */
class BlobReader {
  private readonly sections = new Map<blob.BlobSection, Section>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly view: DataView,
  ) {
    // Fewer would be shown as a system without slots.
    if (
      this.u32(blob.BLOB_SECTION_COUNT) !== blob.BLOB_SECTIONS ||
      this.u32(blob.BLOB_BYTES) > bytes.length
    )
      throw new RangeError("header");
    for (let index = 0; index < blob.BLOB_SECTIONS; index += 1) {
      const at = blob.BLOB_HEADER_BYTES + index * blob.BLOB_SECTION_BYTES;
      this.sections.set(this.u32(at), {
        offset: this.u32(at + 4),
        bytes: this.u32(at + 8),
        count: this.u32(at + 12),
      });
    }
  }

  summary(): BlobSummary {
    return {
      kind: "blob",
      policyVersion: String(this.view.getBigUint64(blob.BLOB_POLICY_VERSION, true)),
      keyPurpose: blob.KeyPurpose[this.u32(blob.BLOB_KEY_PURPOSE)] ?? "unknown purpose",
      publicKey: this.hex(blob.BLOB_PUBLIC_KEY, 32),
      imageDigest: this.hex(blob.BLOB_IMAGE_DIGEST, 32),
      sections: [...this.sections].map(([kind, section]) => ({
        name: blob.BlobSection[kind] ?? `kind ${kind}`,
        ...section,
      })),
      programs: this.each(blob.BlobSection.Programs, blob.PROGRAM_BYTES, (at) => ({
        name: this.text(this.u32(at + blob.PROGRAM_NAME)),
        digest: this.hex(at + blob.PROGRAM_DIGEST, 32),
        verified: (this.u32(at + blob.PROGRAM_FLAGS) & blob.PROGRAM_FLAG_VERIFIED) !== 0,
      })),
      slots: this.each(blob.BlobSection.Slots, blob.SLOT_BYTES, (at) => ({
        name: this.text(this.u32(at + blob.SLOT_NAME)),
        class: this.className(this.u32(at + blob.SLOT_CLASS)),
        program: this.nameIn(
          blob.BlobSection.Programs,
          blob.PROGRAM_BYTES,
          this.u32(at + blob.SLOT_PROGRAM),
          blob.PROGRAM_NAME,
        ),
        handles: this.handles(
          this.u32(at + blob.SLOT_FIRST_HANDLE),
          this.u32(at + blob.SLOT_HANDLE_COUNT),
        ),
      })),
    };
  }

  private handles(first: number, count: number): HandleSummary[] {
    return this.each(blob.BlobSection.Handles, blob.INITIAL_HANDLE_BYTES, (at) => {
      const type: ObjectType = this.u32(at + blob.INITIAL_HANDLE_TYPE);
      const rights = rightNames(type, this.u32(at + blob.INITIAL_HANDLE_RIGHTS));
      return {
        name: this.text(this.u32(at + blob.INITIAL_HANDLE_NAME)),
        object: ObjectType[type]?.toLowerCase() ?? `type ${type}`,
        rights,
        target: this.target(type, at),
      };
    }).slice(first, first + count);
  }

  private target(type: ObjectType, at: number): string {
    const [first, count] = [
      this.u32(at + blob.INITIAL_HANDLE_FIRST),
      this.u32(at + blob.INITIAL_HANDLE_COUNT),
    ];
    if (type === ObjectType.Ports) return `${hexNumber(first)} to ${hexNumber(first + count - 1)}`;
    if (type === ObjectType.Interrupt) return `line ${first}`;
    if (type !== ObjectType.Endpoint) return "";
    const [slot, endpoint] = [
      this.u32(at + blob.INITIAL_HANDLE_TARGET_SLOT),
      this.u32(at + blob.INITIAL_HANDLE_TARGET_ENDPOINT),
    ];
    const badge = this.view.getBigUint64(at + blob.INITIAL_HANDLE_BADGE, true);
    const name = `${this.nameIn(blob.BlobSection.Slots, blob.SLOT_BYTES, slot, blob.SLOT_NAME)}.${this.endpointName(slot, endpoint)}`;
    return badge === 0n ? name : `${name}, badge 0x${badge.toString(16)}`;
  }

  /** An endpoint's name is that of its owner's handle to it, the only one that can mint. */
  private endpointName(slot: number, endpoint: number): string {
    const owned = this.each(blob.BlobSection.Handles, blob.INITIAL_HANDLE_BYTES, (at) => {
      const [owner, number, rights] = [
        this.u32(at + blob.INITIAL_HANDLE_TARGET_SLOT),
        this.u32(at + blob.INITIAL_HANDLE_TARGET_ENDPOINT),
        this.u32(at + blob.INITIAL_HANDLE_RIGHTS),
      ];
      const isOwners =
        this.u32(at + blob.INITIAL_HANDLE_TYPE) === ObjectType.Endpoint &&
        owner === slot &&
        number === endpoint &&
        (rights & RIGHT_MINT) !== 0;
      return isOwners ? this.text(this.u32(at + blob.INITIAL_HANDLE_NAME)) : null;
    });
    return owned.find((name) => name !== null) ?? `endpoint ${endpoint}`;
  }

  private each<T>(kind: blob.BlobSection, entryBytes: number, read: (at: number) => T): T[] {
    const section = this.sections.get(kind) ?? { offset: 0, bytes: 0, count: 0 };
    if (section.offset + section.count * entryBytes > this.bytes.length)
      throw new RangeError("section");
    return Array.from({ length: section.count }, (_, index) =>
      read(section.offset + index * entryBytes),
    );
  }

  private className(id: number): string {
    return this.nameIn(blob.BlobSection.Classes, blob.CLASS_BYTES, id, blob.CLASS_NAME);
  }

  private nameIn(kind: blob.BlobSection, entryBytes: number, index: number, field: number): string {
    const section = this.sections.get(kind);
    if (section === undefined || index >= section.count) return `number ${index}`;
    return this.text(this.u32(section.offset + index * entryBytes + field));
  }

  private text(offset: number): string {
    const strings = this.sections.get(blob.BlobSection.Strings);
    if (strings === undefined) return "";
    const start = strings.offset + offset;
    const end = this.bytes.indexOf(0, start);
    return Buffer.from(this.bytes.subarray(start, end < 0 ? start : end)).toString("utf8");
  }

  private u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  private hex(at: number, length: number): string {
    return Buffer.from(this.bytes.subarray(at, at + length)).toString("hex");
  }
}
