// Messages resume threads by a short way out of the kernel (`resumeMessage` of
// kernel/x64/resume.asm). It must not resume what needs more: a thread with ports, one with another
// base behind fs, one whose return address is not canonical. The fourth case, segment registers
// that a program may have loaded, is in turns.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { readElf } from "../../toolchain/elf/read.ts";
import { DebuggerConnection, freePort } from "../../toolchain/run/debugger-connection.ts";
import { type ImageDescription, defineImage, ports } from "../../toolchain/vocabulary/image.ts";
import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { buildAssemblySystem, slotOf } from "../support/assembly-system.ts";
import { buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const OUT = "build/test/long-exits";
const POLICY = `${OUT}/long-exits.policy`;
/** The call of long-exits.asm whose return address changes. */
const ASTRAY = 0x7f3_0014n;
const CANONICAL_END = 1n << 47n;
const KERNEL_HALF = 1n << 63n;
const ENTRIES_MAX = 500;
const STEPS_MAX = 5000;
const STOP_TIMEOUT_MS = 60_000;
const SYSRET = [0x48, 0x0f, 0x07];

const words = { a: u64, b: u64, c: u64, d: u64 };
const Probe = defineInterface({
  name: "Probe",
  id: 0x7f3,
  version: 1,
  methods: {
    echo: { takes: words, returns: words },
    astray: { takes: words, returns: words },
    hold: {},
  },
});

const PROGRAMS: readonly ProgramDescription[] = [
  {
    name: "judge",
    entry: "long-exits.asm",
    uses: { port: Probe, pair: Probe, thief: Probe, lost: Probe },
    kernel: { slots: "Slots", log: "Log", system: "System" },
  },
  { name: "port", entry: "long-exits.asm", serves: { own: Probe }, devices: { serial: "ports" } },
  { name: "pair", entry: "long-exits.asm", serves: { own: Probe }, uses: { sink: Probe } },
  { name: "thief", entry: "long-exits.asm", serves: { own: Probe }, uses: { port: Probe } },
  { name: "astray", entry: "long-exits.asm", serves: { own: Probe }, uses: { port: Probe } },
  { name: "sink", entry: "long-exits.asm", serves: { own: Probe } },
];

type Slot = ImageDescription["slots"][string];
const quota = { pages: 100, handles: 64, threads: 2, objects: 8 };
const slot = (program: string, more: Partial<Slot> = {}): Slot =>
  slotOf(program, { quota, ...more });
const IMAGE = defineImage({
  name: "exits",
  version: 1,
  policy: [POLICY],
  slots: {
    judge: slot("judge", {
      autostart: true,
      channels: { port: "port.own", pair: "pair.own", thief: "thief.own", lost: "astray.own" },
    }),
    port: slot("port", { devices: { serial: ports(0x2f8, 8) } }),
    // Its threads have met before the judge runs on.
    pair: slot("pair", { priority: 110, channels: { sink: "sink.own" } }),
    thief: slot("thief", { channels: { port: "port.own" } }),
    astray: slot("astray", { channels: { port: "port.own" } }),
    sink: slot("sink"),
  },
});
const RULES = `module exits
${PROGRAMS.map(({ name }) => `class ${slot(name).class}`).join("\n")}
${PROGRAMS.map(({ name }) => `allow execute ${slot(name).class} program ${name}`).join("\n")}
allow Judge -> Port.Probe { echo }
allow Judge -> Pair.Probe { echo }
allow Judge -> Thief.Probe { echo }
allow Judge -> Astray.Probe { echo }
allow Pair -> Pair.Probe { echo }
allow Pair -> Sink.Probe { hold }
allow Thief -> Port.Probe { echo }
allow Astray -> Port.Probe { echo, astray }
grant Port -> kernel.Ports { ports }
allow Pair -> kernel.Domain { createThread }
allow Judge -> kernel.Slots { start }
allow Judge -> kernel.Log { write }
allow Judge -> kernel.System { shutdown }
`;

/** A line of long-exits.asm, a byte each: status, word 0, what is behind the fs of the judge. */
interface Answer {
  readonly status: number;
  readonly word: number;
  readonly mark: number;
}

let answers: Map<string, Answer[]>;
let transcript: string;
let returns: bigint[];
beforeAll(async () => {
  const archive = await buildAssemblySystem({
    testFile: "tests/system/long-exits.test.ts",
    source: "tests/system/long-exits.asm",
    outDir: OUT,
    name: "exits",
    programs: PROGRAMS,
    image: IMAGE,
    rules: RULES,
    isVerified: () => true,
  });
  const kernel = buildTestImage("main").kernelImagePath;
  const debugPort = await freePort();
  await using machine = BootedMachine.start({
    boot: { kind: "kernel", path: kernel, archive },
    countInstructions: true,
    debugPort,
    extra: ["-serial", "null", "-append", "panic=exit"],
  });
  returns = await leadAstray(debugPort);
  await machine.waitFor(/exits z [0-9a-f]{16}/, STOP_TIMEOUT_MS);
  transcript = machine.transcript;
  answers = new Map();
  for (const [, letter, digits] of transcript.matchAll(/exits (.) ([0-9a-f]{16})/g)) {
    const number = Number.parseInt(digits!, 16);
    const answer = { status: number >> 16, word: (number >> 8) & 255, mark: number & 255 };
    answers.set(letter!, [...(answers.get(letter!) ?? []), answer]);
  }
});

/**
 * Gives the call with the header ASTRAY a return address that is not canonical, and takes single
 * steps until the domain of the caller has ended. Returns where each `sysret` went.
 */
async function leadAstray(debugPort: number): Promise<bigint[]> {
  const debug = await DebuggerConnection.open(debugPort);
  const path = join(findRoot(), "build/kernel/development/kernel.elf");
  const { symbols } = readElf(readFileSync(path), path);
  const entry = symbols.find(({ name }) => name === "system_call_entry")!.address;
  await debug.setBreakpoint(entry);
  for (let entries = 0; (await debug.registers()).rsi !== ASTRAY; entries++) {
    if (entries === ENTRIES_MAX) throw new Error("nobody makes the call");
    await debug.step();
    debug.resume();
    if (!(await debug.stops(STOP_TIMEOUT_MS))) throw new Error("the machine does not stop");
  }
  await debug.clearBreakpoint(entry);
  await debug.setRegister("rcx", CANONICAL_END);
  const targets: bigint[] = [];
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const { rip, rcx } = await debug.registers();
    if (rip >= KERNEL_HALF) {
      const code = await debug.readMemory(rip, SYSRET.length);
      if (SYSRET.every((byte, at) => code[at] === byte)) targets.push(rcx);
    }
    await debug.step();
  }
  debug.resume();
  return targets;
}

describe("the short way out of the kernel does not resume", () => {
  test("a thread with ports: it can use them after each message", () => {
    expect(answers.get("p")).toEqual(
      Array.from({ length: 3 }, () => ({ status: 0, word: 1, mark: 1 })),
    );
  });

  test("a thread with another base behind fs, in the same domain and in another one", () => {
    const found = answers.get("f")!;
    expect(found).toHaveLength(3);
    for (const answer of found) expect(answer).toEqual({ status: 0, word: 0x43, mark: 1 });
  });

  test("a thread whose return address is not canonical: it faults", () => {
    expect(returns.length).toBeGreaterThan(0);
    for (const target of returns) expect(target).toBeLessThan(CANONICAL_END);
    expect(answers.get("a")![0]!.status).not.toBe(0);
    expect(answers.get("z")![0]!.status).toBe(0);
  });
});

test("ports go with the thread that has them: the next thread faults at the same port", () => {
  const [answer] = answers.get("t")!;
  expect(answer!.status).not.toBe(0);
  expect(answer!.word).not.toBe(0xee);
});
