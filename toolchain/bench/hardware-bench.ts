/**
 * What each measure for the processor spares a round trip of four words, as far as an emulator can
 * count it. Cycles are what `make bench-metal` measures.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Decoder, DecoderOptions } from "iced-x86";
import { type ElfFile, readElf, sectionNamed } from "../elf/read.ts";
import { bootMedium, buildImage } from "../make/build-image.ts";
import { costlyKindOf } from "./costly-instructions.ts";
import type { Figure } from "./figure.ts";
import { footprintOf, traceRoundTrip } from "./message-trace.ts";

export async function runHardwareBench(root: string): Promise<Figure[]> {
  const built = await buildImage(
    { root, image: "bench", medium: "kernel", release: false, without: undefined },
    "plain",
  );
  const path = join(root, built.kernelPath);
  const kernel = readElf(readFileSync(path), path);
  const trace = await traceRoundTrip(bootMedium(root, built), kernel);
  const own = footprintOf(trace.kernel);
  const user = footprintOf(trace.user);
  const count = (id: string, about: string, value: number, kind?: string): Figure => ({
    id,
    about,
    value,
    unit: "count",
    ...(kind === undefined ? {} : { costly: { [kind]: value } }),
  });

  const switches = own.costly["cr3"] ?? 0;
  const ofLongExit = (kind: string): number => costlyIn(kernel, "resume", kind);
  const skipped = (kind: string): number => switches * ofLongExit(kind) - (own.costly[kind] ?? 0);
  return [
    count("code-lines", "functions in order: cache lines of the kernel's code", own.codeLines),
    count("code-pages", "functions in order: pages of the kernel's code", own.codePages),
    count("data-lines", "cache lines of the kernel's data", own.dataLines),
    count("data-pages", "pages of the kernel's data, each of 4 KiB", own.dataPages),
    count("space-switches", "writes of CR3, with PCIDs as without", switches, "cr3"),
    count(
      "user-pages",
      "PCIDs: pages of both programs, whose translations are lost without",
      user.codePages + user.dataPages,
    ),
    count(
      "segment-loads-skipped",
      "verified programs: loads of segment registers that are left out",
      skipped("segment"),
      "segment",
    ),
    count(
      "fs-base-writes-skipped",
      "verified programs: writes of the base behind fs that are left out",
      skipped("msrWrite"),
      "msrWrite",
    ),
  ];
}

/** How many instructions of that kind an assembly function holds. */
function costlyIn(kernel: ElfFile, name: string, kind: string): number {
  const entry = kernel.symbols.find((symbol) => symbol.name === name)!;
  const stubs = sectionNamed(kernel, ".stubs")!;
  const start = Number(entry.address - stubs.address);
  const decoder = new Decoder(
    64,
    stubs.bytes.subarray(start, start + entry.bytes),
    DecoderOptions.None,
  );
  let count = 0;
  while (decoder.canDecode) if (costlyKindOf(decoder.decode()) === kind) count++;
  return count;
}
