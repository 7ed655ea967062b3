// Non-maskable interrupts, which may come at any instruction: each is logged or counted, and the
// system goes on.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { DebuggerConnection, freePort } from "../../toolchain/run/debugger-connection.ts";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const PROMPT = "trine> ";
const LINE = /trine: non-maskable interrupt (\d+) in ([^\r\n]*): the chipset does not say why\r\n/;
const ALL_LINES = new RegExp(LINE, "g");
const root = findRoot();
const kernelElf = join(root, "build/kernel/development/kernel.elf");
let main: TestImage;
beforeAll(() => void (main = buildTestImage("main")));

/** Types `line` until `answer` shows up. */
async function typeUntil(machine: BootedMachine, line: string, answer: RegExp): Promise<string> {
  for (let tries = 0; ; tries++) {
    machine.type(`${line}\r`);
    try {
      return await machine.waitFor(answer, 5000 * (tries + 1));
    } catch (error) {
      if (tries === 6 || String(error).includes("QEMU ended")) throw error;
    }
  }
}

async function expectAlive(machine: BootedMachine): Promise<void> {
  await typeUntil(machine, "\x03\rping 7", /7 round trips/);
  expect(machine.transcript).not.toMatch(/panic|ended by a fault/);
}

test.each([
  ["with a local APIC", "max"],
  ["without", "max,-apic"],
])("one is logged while nothing runs, %s", async (_which, cpu) => {
  await using machine = BootedMachine.start({ boot: main.boot, cpu });
  await machine.waitFor(PROMPT);
  await machine.monitor("nmi");
  await machine.waitFor(LINE);
  await expectAlive(machine);
});

test.each([
  ["with a local APIC", "max"],
  ["without", "max,-apic"],
])(
  "a storm of them under load neither stops the system nor fills the log, %s",
  async (_which, cpu) => {
    await using machine = BootedMachine.start({ boot: main.boot, cpu });
    await machine.waitFor(PROMPT);
    const begun = performance.now();
    machine.type("ping 10000000\r");
    for (let i = 0; i < 2000; i++) await machine.monitor("nmi");
    await machine.waitFor(LINE);
    const seconds = (performance.now() - begun) / 1000;
    await expectAlive(machine);
    const lines = [...machine.transcript.matchAll(ALL_LINES)];
    expect(lines.length).toBeLessThan(seconds + 3);
    // Those that came before the one before was taken are one.
    expect(Number(lines.at(-1)![1])).toBeGreaterThan(100);
  },
);

/** In the order of their addresses. */
function symbols(): { readonly name: string; readonly address: bigint }[] {
  const table = execFileSync("objdump", ["--syms", kernelElf], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const all = [...table.matchAll(/^([0-9a-f]{16}) .*\s(\S+)$/gm)].map(([, address, name]) => ({
    name: name!,
    address: BigInt(`0x${address}`),
  }));
  return all.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

/** Addresses of the instructions behind a label, up to the next. */
function instructionsAt(label: string): bigint[] {
  const start = addressOf(label);
  const end = symbols().find(({ address }) => address > start)!.address;
  const listing = execFileSync(
    "objdump",
    ["-d", "--no-show-raw-insn", `--start-address=${start}`, `--stop-address=${end}`, kernelElf],
    { encoding: "utf8" },
  );
  return [...listing.matchAll(/^(ffffffff[0-9a-f]{8}):\t/gm)].map((match) =>
    BigInt(`0x${match[1]}`),
  );
}

function addressOf(symbol: string): bigint {
  return symbols().find(({ name }) => name === symbol)!.address;
}

// The stubs are where one hurts: with a program's stack, between two address spaces, with half of
// the registers saved. Where less than all places need be reached, the others are those of a fault
// or of a program with ports that comes after another one.
test.each([
  ["of a system call", "ping 10000000\r", ["system_call_entry"], 1],
  ["of a program's interrupt", "ping 10000000\r", ["trap_entry", "trap_entry.interrupt"], 0.9],
  [
    "of the idle processor's interrupt",
    "",
    ["trap_entry.from_kernel", "resume.idle", "resume.wait"],
    0.85,
  ],
  [
    "of the way back",
    "ping 10000000\r",
    [
      "resume",
      "resume.switched",
      "resume.ports_set",
      "resume.all",
      "resume.same_space",
      "resume.load_fs_base",
      "resume.bitmap_there",
    ],
    0.75,
  ],
])("one before each instruction %s changes nothing", async (_where, load, labels, leastShare) => {
  const places = labels.flatMap(instructionsAt);
  expect(places.length).toBeGreaterThan(10);
  const [address, count] = [addressOf("non_maskable_address"), addressOf("non_maskable_count")];
  const debugPort = await freePort();
  await using machine = BootedMachine.start({ boot: main.boot, debugPort });
  const debug = await DebuggerConnection.open(debugPort);
  const wordAt = async (place: bigint) =>
    BigInt(/: (0x[0-9a-f]+)/.exec(await machine.monitor(`x /1gx 0x${place.toString(16)}`))![1]!);

  debug.resume();
  await machine.waitFor(PROMPT);
  machine.type(load);
  let struck = 0;
  // Calls as fast as they go, and interrupts whenever a character is typed.
  const typing = setInterval(() => machine.type(" "), 10);
  for (const place of places) {
    await debug.interrupt();
    await debug.setBreakpoint(place);
    debug.resume();
    const isReached = await debug.stops(leastShare === 1 ? 10_000 : 300);
    if (!isReached) await debug.interrupt();
    await debug.clearBreakpoint(place);
    if (isReached) await machine.monitor("nmi");
    debug.resume();
    if (!isReached) continue;
    struck++;
    await expect.poll(() => wordAt(count), { timeout: 30_000, interval: 5 }).toBe(BigInt(struck));
    expect(await wordAt(address)).toBe(place);
  }
  clearInterval(typing);
  expect(struck).toBeGreaterThanOrEqual(places.length * leastShare);
  debug.close();
  await expectAlive(machine);
  await machine.monitor("nmi");
  await expect
    .poll(() => Number([...machine.transcript.matchAll(ALL_LINES)].at(-1)?.[1]), {
      timeout: 30_000,
      interval: 5,
    })
    .toBe(struck + 1);
});
