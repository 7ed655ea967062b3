// An independent check of the bench's counts: a debugger steps through one sample of the booted
// bench image, and counts as many instructions as the image's own reading of the counter says.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Decoder, DecoderOptions, Mnemonic } from "iced-x86";
import { expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { readElf, sectionNamed } from "../../toolchain/elf/read.ts";
import { DebuggerConnection, freePort } from "../../toolchain/run/debugger-connection.ts";
import { QEMU_PROGRAM, qemuArguments } from "../../toolchain/run/machine.ts";
import { runToEnd } from "../../toolchain/run/run-to-end.ts";
import { buildTestImage } from "../support/build.ts";

const TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 60_000;
const SECOND_SERIAL_PORT = ["-serial", "null"];
/** The bencher's lines in their order, each of so many samples, each between two readings. */
const LINES = ["counter", "round trip, 0 words", "round trip, 4 words"];
const SAMPLES = 201;
/** Of the last line: warm, and the turn that the stops have used up is over. */
const SAMPLE = 100;
const STEPS_MAX = 20_000;

const { boot } = buildTestImage("bench");
const path = join(findRoot(), "build/programs/bencher.elf");

/** Where the bencher reads the counter for its samples. */
function readingAddress(): bigint {
  const elf = readElf(readFileSync(path), path);
  const mark = elf.symbols.find(({ name }) => name === "tests/bench/bencher/main/mark")!;
  const text = sectionNamed(elf, ".text")!;
  const from = Number(mark.address - text.address);
  const decoder = new Decoder(64, text.bytes.subarray(from), DecoderOptions.None);
  decoder.ip = mark.address;
  const found: bigint[] = [];
  for (let isEnd = false; !isEnd && decoder.canDecode; ) {
    const instruction = decoder.decode();
    if (instruction.mnemonic === Mnemonic.Rdtsc) found.push(instruction.ip);
    isEnd = instruction.mnemonic === Mnemonic.Ret;
    instruction.free();
  }
  decoder.free();
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** Instructions from the reading that begins the sample up to the one that ends it. */
async function steppedThrough(reading: bigint): Promise<number> {
  const debugPort = await freePort();
  const options = { boot, debugPort, countInstructions: true, serial: "none" } as const;
  const machine = spawn(QEMU_PROGRAM, qemuArguments({ ...options, extra: SECOND_SERIAL_PORT }), {
    stdio: "ignore",
  });
  try {
    const debug = await DebuggerConnection.open(debugPort);
    await debug.setBreakpoint(reading);
    const hits = 2 * ((LINES.length - 1) * SAMPLES + SAMPLE);
    for (let hit = 0; hit <= hits; hit++) {
      // Else the machine would stop where it stands.
      if (hit > 0) await debug.step();
      debug.resume();
      expect(await debug.stops(STOP_TIMEOUT_MS)).toBe(true);
    }
    await debug.clearBreakpoint(reading);
    await stepTo(debug, reading);
    await stepTo(debug, reading);
    const steps = await stepTo(debug, reading);
    debug.close();
    return steps;
  } finally {
    machine.kill("SIGKILL");
  }
}

async function stepTo(debug: DebuggerConnection, reading: bigint): Promise<number> {
  for (let steps = 1; steps <= STEPS_MAX; steps++) {
    await debug.step();
    if ((await debug.registers()).rip === reading) return steps;
  }
  throw new Error("the sample does not end");
}

test("a debugger counts the instructions of a round trip that the bench publishes", async () => {
  const { output } = await runToEnd(
    { boot, countInstructions: true, extra: SECOND_SERIAL_PORT },
    TIMEOUT_MS,
  );
  const printed = [...output.matchAll(/^bencher: bench ([^:\n]+): \d+ (\d+) (\d+)/gm)];
  expect(
    printed.slice(0, LINES.length).map(([, name, , rounds]) => [name, Number(rounds)]),
  ).toEqual(LINES.map((name) => [name, SAMPLES]));
  const median = Number(printed[LINES.length - 1]![2]);
  expect(median).toBeGreaterThan(100);
  expect(await steppedThrough(readingAddress())).toBe(median);
});
