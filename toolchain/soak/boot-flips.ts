/**
 * Changes bits of a signed system at random places: for every bit, the kernel refuses to start,
 * says why, and does not hang.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../make/build-image.ts";
import { Random } from "../fuzz/random.ts";
import { summarizeArchive } from "../inspect/archive.ts";
import { runToEnd } from "../run/run-to-end.ts";
import type { Iteration } from "./slice.ts";

/** Boots of one iteration: some seconds. */
const BOOTS = 10;
const TIMEOUT_MS = 60_000;
const REFUSAL = "trine: boot refused: ";

export async function prepareBootFlips(root: string): Promise<Iteration> {
  const built = await buildImage(
    { root, image: "main", medium: "kernel", release: false, without: undefined },
    "plain",
  );
  const archive = readFileSync(join(root, built.archivePath));
  // Only the names of functions for fault messages are not signed.
  const parts = summarizeArchive(archive, built.archivePath).entries.filter(
    ({ kind }) => kind !== "symbols",
  );

  return async (seed) => {
    const random = new Random(seed);
    const folder = mkdtempSync(join(tmpdir(), "trine-flips-"));
    try {
      for (let boot = 0; boot < BOOTS; boot += 1) {
        const part = random.pick(parts);
        const [offset, bit] = [part.offset + random.below(part.bytes), random.below(8)];
        const changed = Buffer.from(archive);
        changed[offset]! ^= 1 << bit;
        const path = join(folder, "changed.arc");
        writeFileSync(path, changed);
        const { output, exitCode } = await runToEnd(
          { boot: { kind: "kernel", path: join(root, built.kernelImagePath), archive: path } },
          TIMEOUT_MS,
        );
        if (!output.includes(REFUSAL) || exitCode === null)
          throw new Error(
            `bit ${bit} of byte ${offset} (${part.kind} ${part.index}) is not refused\n${output.slice(-1000)}`,
          );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return BOOTS;
  };
}
