// Images with one bit changed, and images changed and signed again: the kernel prints the reason
// and stops, and no program has run.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BLOB_HEADER_BYTES,
  BLOB_IMAGE_DIGEST,
  BLOB_POLICY_VERSION,
  BLOB_PUBLIC_KEY,
  BLOB_SECTION_BYTES,
  BLOB_SECTION_COUNT,
  BLOB_SIGNATURE_BYTES,
  BlobSection,
  INITIAL_HANDLE_CLASS,
  EXECUTE_PROGRAM,
  INTERFACE_METHOD_COUNT,
  PAIR_REQUEST,
  RULE_BYTES,
  RULE_METHODS,
  SLOT_BYTES,
  SLOT_CLASS,
  SLOT_FIRST_HANDLE,
  SLOT_PRIORITY,
  SLOT_PROGRAM,
} from "../../kernel/abi/blob.ts";
import {
  ARCHIVE_COUNT,
  ARCHIVE_ENTRIES,
  ARCHIVE_ENTRY_OFFSET,
  ARCHIVE_FORMAT,
} from "../../kernel/abi/archive.ts";
import { readElf } from "../../toolchain/elf/read.ts";
import { summarizeArchive } from "../../toolchain/inspect/archive.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import { signerFor } from "../../toolchain/keys/signer.ts";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const PAGE = 4096;
const REFUSED_EXIT = 1;
let folder = "";
let image: TestImage;
let archive: Buffer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trine-blobs-"));
  image = buildTestImage("main");
  archive = readFileSync(image.archivePath);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Place {
  readonly offset: number;
  readonly bytes: number;
}

function entries(kind: "blob" | "program"): readonly Place[] {
  return summarizeArchive(archive, "trine.arc").entries.filter((entry) => entry.kind === kind);
}
const blobPlace = (): Place => entries("blob")[0]!;

/** A section of the blob, its offset in the archive. */
function section(kind: BlobSection): Place {
  const { offset } = blobPlace();
  const view = new DataView(
    archive.buffer,
    archive.byteOffset + offset + BLOB_HEADER_BYTES + (kind - 1) * BLOB_SECTION_BYTES,
  );
  return { offset: offset + view.getUint32(4, true), bytes: view.getUint32(8, true) };
}

/**
 * Boots with these bytes as archive. The kernel must print a reason that matches `reason`, and the
 * machine must end by itself before any program has printed anything.
 */
async function refusal(changed: Uint8Array, reason: string | RegExp = ""): Promise<void> {
  const path = join(folder, "tried.arc");
  writeFileSync(path, changed);
  await using machine = BootedMachine.start({
    boot: { kind: "kernel", path: image.kernelImagePath, archive: path },
  });
  expect(await machine.exitValue()).toBe(REFUSED_EXIT);
  const [, given] = /^trine: boot refused: ([^\r\n]+)\r?$/m.exec(machine.transcript)!;
  expect(given).toMatch(reason);
  // Every line is one that the kernel prints: no domain has printed anything.
  expect(
    machine.transcript
      .split(/\r?\n/)
      .filter((line) => line !== "" && !/^(trine: |Trine, )/.test(line)),
  ).toEqual([]);
}

function flipped(offset: number, bit = offset & 7): Buffer {
  const changed = Buffer.from(archive);
  changed[offset]! ^= 1 << bit;
  return changed;
}

/** `count` different offsets spread over a place. */
const spread = ({ offset, bytes }: Place, count: number): number[] =>
  Array.from({ length: count }, (_, index) => offset + Math.floor(((index + 0.5) * bytes) / count));

describe("one bit flipped", () => {
  const flips: readonly (readonly [
    where: string,
    count: number,
    reason: RegExp,
    place: () => Place,
  ])[] = [
    ["the archive's magic", 1, /no boot archive/, () => ({ offset: 0, bytes: 8 })],
    ["the archive's format", 1, /no boot archive/, () => ({ offset: ARCHIVE_FORMAT, bytes: 1 })],
    [
      "the archive's first entry",
      1,
      /no boot archive/,
      () => ({ offset: ARCHIVE_ENTRIES + ARCHIVE_ENTRY_OFFSET, bytes: 1 }),
    ],
    ["the number of archive entries", 1, /./, () => ({ offset: ARCHIVE_COUNT, bytes: 1 })],
    ["the blob's magic", 1, /is not a policy/, () => ({ offset: blobPlace().offset, bytes: 8 })],
    [
      "the blob's version",
      1,
      /signature/,
      () => ({ offset: blobPlace().offset + BLOB_POLICY_VERSION, bytes: 8 }),
    ],
    [
      "the blob's image digest",
      2,
      /signature/,
      () => ({ offset: blobPlace().offset + BLOB_IMAGE_DIGEST, bytes: 32 }),
    ],
    [
      "the blob's public key",
      1,
      /key/,
      () => ({ offset: blobPlace().offset + BLOB_PUBLIC_KEY, bytes: 32 }),
    ],
    [
      "the section table",
      2,
      /signature/,
      () => ({ offset: blobPlace().offset + BLOB_HEADER_BYTES, bytes: 13 * BLOB_SECTION_BYTES }),
    ],
    ["the slots", 2, /signature/, () => section(BlobSection.Slots)],
    ["the initial handles", 2, /signature/, () => section(BlobSection.Handles)],
    ["the programs' digests", 2, /signature/, () => section(BlobSection.Programs)],
    ["the rules", 4, /signature/, () => section(BlobSection.Rules)],
    ["the pairs", 2, /signature/, () => section(BlobSection.Pairs)],
    ["the strings", 3, /signature/, () => section(BlobSection.Strings)],
    [
      "the signature",
      3,
      /signature/,
      () => ({
        offset: blobPlace().offset + blobPlace().bytes - BLOB_SIGNATURE_BYTES,
        bytes: BLOB_SIGNATURE_BYTES,
      }),
    ],
  ];
  test.each(flips)("in %s (%i times)", async (_where, count, reason, place) => {
    for (const offset of spread(place(), count)) await refusal(flipped(offset), reason);
  });

  test("in each segment of a program, in its headers and in its padding", async () => {
    const programs = entries("program");
    let tried = 0;
    for (const [index, { offset, bytes }] of programs.entries()) {
      const elf = readElf(archive.subarray(offset, offset + bytes), `program ${index}`);
      const segments = elf.programHeaders.filter((segment) => segment.fileBytes > 0);
      // All segments of the first two programs, two segments of each other program.
      for (const segment of index < 2 ? segments : segments.slice(0, 2)) {
        await refusal(
          flipped(offset + segment.offset + (segment.fileBytes >> 1)),
          /programs are not those of the policy/,
        );
        tried += 1;
      }
    }
    const [first] = programs;
    await refusal(flipped(first!.offset + 24), /programs are not those of the policy/);
    const padded = programs.find(({ bytes }) => bytes % PAGE !== 0);
    if (padded !== undefined)
      await refusal(
        flipped(padded.offset + Math.ceil(padded.bytes / PAGE) * PAGE - 1),
        /programs are not those of the policy/,
      );
    expect(tried).toBeGreaterThanOrEqual(12);
  });
});

describe("changed and signed again by the right key,", () => {
  /** The archive with another blob of the same length, signed as `make` signs. */
  function resigned(
    change: (view: DataView, section: (kind: BlobSection) => number) => void,
  ): Buffer {
    const { offset, bytes } = blobPlace();
    const blob = new Uint8Array(archive.subarray(offset, offset + bytes));
    change(new DataView(blob.buffer), (kind) => section(kind).offset - offset);
    const changed = Buffer.from(archive);
    changed.set(signBlob(blob, signerFor(false)), offset);
    return changed;
  }

  test("an untouched image boots", async () => {
    const path = join(folder, "same.arc");
    writeFileSync(
      path,
      resigned(() => {}),
    );
    await using machine = BootedMachine.start({
      boot: { kind: "kernel", path: image.kernelImagePath, archive: path },
    });
    await machine.waitFor("trine> ");
  });

  const broken = /does not hold together/;
  test.each<[string, RegExp, (view: DataView, section: (kind: BlobSection) => number) => void]>([
    ["a section count of 12", broken, (view) => view.setUint32(BLOB_SECTION_COUNT, 12, true)],
    [
      "a section behind the end",
      broken,
      (view) => view.setUint32(BLOB_HEADER_BYTES + 4, 0x7fff_fff8, true),
    ],
    [
      "a slot of a program that is not there",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Slots) + SLOT_BYTES + SLOT_PROGRAM, 99, true),
    ],
    [
      "a slot of priority 256",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Slots) + SLOT_PRIORITY, 256, true),
    ],
    [
      "a slot of no class",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Slots) + SLOT_CLASS, 0, true),
    ],
    [
      "a slot whose handles begin elsewhere",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Slots) + SLOT_BYTES + SLOT_FIRST_HANDLE, 0, true),
    ],
    [
      "a handle of another class than its object's",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Handles) + INITIAL_HANDLE_CLASS, 4000, true),
    ],
    [
      "an execute grant for a program that is not there",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Execute) + EXECUTE_PROGRAM, 77, true),
    ],
    [
      "65 methods of one interface",
      broken,
      (view, at) => view.setUint32(at(BlobSection.Interfaces) + INTERFACE_METHOD_COUNT, 65, true),
    ],
    [
      "cached verdicts that its rules do not grant",
      broken,
      (view, at) =>
        view.setBigUint64(at(BlobSection.Pairs) + PAIR_REQUEST, 0xffff_ffff_ffff_ffffn, true),
    ],
    [
      "a rule that allows methods which its interface has not",
      broken,
      (view, at) =>
        view.setBigUint64(at(BlobSection.Rules) + RULE_BYTES + RULE_METHODS, 1n << 63n, true),
    ],
    [
      "the image digest of another image",
      broken,
      (view) => view.setUint8(BLOB_IMAGE_DIGEST, view.getUint8(BLOB_IMAGE_DIGEST) ^ 1),
    ],
  ])("%s is refused", (_what, reason, change) => refusal(resigned(change), reason));
});
