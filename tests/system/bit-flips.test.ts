// Bits of a signed system changed at 40 places: header, signature, rules, strings, every program.
// None of them boots; each says why.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BLOB_HEADER_BYTES, BLOB_SIGNATURE_BYTES } from "../../kernel/abi/blob.ts";
import { summarizeArchive } from "../../toolchain/inspect/archive.ts";
import { summarizeBlob } from "../../toolchain/inspect/blob.ts";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const FLIPS = 40;

let image: TestImage;
let archive: Buffer;
let folder = "";
beforeAll(() => {
  image = buildTestImage("main");
  archive = readFileSync(image.archivePath);
  folder = mkdtempSync(join(tmpdir(), "trine-flips-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Part {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** What must not change: header and signature of the blob, each of its sections, each program. */
function parts(): Part[] {
  const { entries } = summarizeArchive(archive, image.archivePath);
  const blob = entries.find(({ kind }) => kind === "blob")!;
  const sections = summarizeBlob(
    archive.subarray(blob.offset, blob.offset + blob.bytes),
    "policy.blob",
  ).sections;
  return [
    { name: "header", offset: blob.offset, bytes: BLOB_HEADER_BYTES },
    {
      name: "signature",
      offset: blob.offset + blob.bytes - BLOB_SIGNATURE_BYTES,
      bytes: BLOB_SIGNATURE_BYTES,
    },
    ...sections
      .filter(({ bytes }) => bytes > 0)
      .map(({ name, offset, bytes }) => ({ name, offset: blob.offset + offset, bytes })),
    ...entries
      .filter(({ kind }) => kind === "program")
      .map(({ index, offset, bytes }) => ({ name: `program ${index}`, offset, bytes })),
  ];
}

/** The same bits in every run: the parts in turn, places spread over each. */
function flips(): { readonly part: string; readonly offset: number; readonly bit: number }[] {
  const all = parts();
  return Array.from({ length: FLIPS }, (_, number) => {
    const part = all[number % all.length]!;
    const offset = part.offset + ((number * 2654435761) % part.bytes);
    return { part: part.name, offset, bit: number % 8 };
  });
}

test(`${FLIPS} flipped bits, ${FLIPS} refusals`, async () => {
  for (const { part, offset, bit } of flips()) {
    const changed = Buffer.from(archive);
    changed[offset]! ^= 1 << bit;
    const path = join(folder, "changed.arc");
    writeFileSync(path, changed);
    await using machine = BootedMachine.start({
      boot: { kind: "kernel", path: image.kernelImagePath, archive: path },
    });
    const where = `bit ${bit} of byte ${offset} in ${part}`;
    await machine
      .waitFor(/trine: boot refused: .+/)
      .catch((error: Error) => expect.fail(`${where}: ${error.message}`));
    await machine.exitCode();
    expect(machine.transcript, where).not.toContain("trine> ");
  }
});
