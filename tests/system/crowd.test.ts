// As many domains as the machine is specified for, on the booted kernel: each answers after the
// last has started, one is ended and started again, and what they held is given back to the page.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SLOTS_MAX } from "../../kernel/abi/blob.ts";
import { HANDLE_INDEX_FIRST_NAMED } from "../../kernel/abi/system-call.ts";
import supervisor from "../../services/supervisor/program.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { type ImageDescription, defineImage } from "../../toolchain/vocabulary/image.ts";
import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";
import { type ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { buildAssemblySystem, slotOf } from "../support/assembly-system.ts";
import { buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const OUT = "build/test/crowd";
/** Classes of the echoes. */
const CLASSES = 60;
/** Channels of one caller: a slot has at most 256 handles. */
const CHANNELS_MAX = 250;
/** What an idle domain may hold. */
const DOMAIN_KIB = 44;
/**
 * Instructions of one call of `Slots.stop`: two steps of reclamation, the call, and what an
 * interrupt meanwhile takes, with a step of its own.
 */
const STOP_CEILING = 12_000;

type Slot = ImageDescription["slots"][string];

const Probe = defineInterface({
  name: "Probe",
  id: 0x7f3,
  version: 1,
  methods: {
    echo: { takes: { value: u64 }, returns: { next: u64 } },
    ask: { returns: { answered: u64, restarted: u64 } },
    fail: {},
  },
});

interface Crowd {
  readonly name: string;
  /** Domains, slot 0 among them. */
  readonly domains: number;
  /** Beside the system's supervisor, which starts all; else beside a program that measures. */
  readonly isSupervised: boolean;
}

/** The callers' slots come first, behind slot 0, then those of the echoes. */
class Plan {
  readonly callers: number;
  readonly echoes: number;
  readonly channels: number;

  constructor(readonly crowd: Crowd) {
    this.callers = Math.ceil((crowd.domains - 1) / (CHANNELS_MAX + 1));
    this.echoes = crowd.domains - 1 - this.callers;
    this.channels = Math.ceil(this.echoes / this.callers);
  }

  /** The echo that is a caller's channel: the last caller has some that the first has too. */
  private echoOf(caller: number, channel: number): number {
    return (caller * this.channels + channel) % this.echoes;
  }

  /** Of a caller's handle table, behind the first page of 64 places, where every domain has one. */
  get furtherHandlePages(): number {
    return Math.ceil((1 + HANDLE_INDEX_FIRST_NAMED + this.channels) / 64) - 1;
  }

  private get channelNames(): string[] {
    return Array.from({ length: this.channels }, (_, channel) => `channel${channel}`);
  }

  /** The program in the callers' slots. */
  private get caller(): string {
    return this.crowd.isSupervised ? "watcher" : "caller";
  }

  get programs(): ProgramDescription[] {
    const entry = "crowd.asm";
    const toEchoes = Object.fromEntries(this.channelNames.map((name) => [name, Probe]));
    const toCallers = Object.fromEntries(
      Array.from({ length: this.callers }, (_, caller) => [`caller${caller}`, Probe]),
    );
    const echo = { name: "echo", entry, serves: { own: Probe } };
    return this.crowd.isSupervised
      ? [{ name: this.caller, entry, uses: toEchoes, kernel: { log: "Log" } }, echo]
      : [
          {
            name: "starter",
            entry,
            uses: toCallers,
            kernel: { slots: "Slots", log: "Log", system: "System" },
          },
          { name: this.caller, entry, serves: { own: Probe }, uses: toEchoes },
          echo,
        ];
  }

  get image(): ImageDescription {
    const slot = (
      program: string,
      className: string,
      channels: Record<string, string> = {},
    ): Slot =>
      slotOf(program, {
        class: className,
        quota: { pages: 24, handles: 8 + Object.keys(channels).length, threads: 1, objects: 1 },
        autostart: this.crowd.isSupervised,
        restart: this.crowd.isSupervised ? "onFault" : "never",
        mayBeUnverified: true,
        channels,
      });
    const callers = Array.from({ length: this.callers }, (_, caller): [string, Slot] => [
      `caller${caller}`,
      slot(
        this.caller,
        "Caller",
        Object.fromEntries(
          this.channelNames.map((name, channel) => [
            name,
            `echo${this.echoOf(caller, channel)}.own`,
          ]),
        ),
      ),
    ]);
    const first: Slot = this.crowd.isSupervised
      ? {
          program: "services/supervisor",
          class: "Supervisor",
          priority: 190,
          quota: { pages: 256, handles: 64, objects: 16 },
          restart: "always",
        }
      : {
          ...slot(
            "starter",
            "Starter",
            Object.fromEntries(callers.map(([name]) => [name, `${name}.own`])),
          ),
          autostart: true,
        };
    return defineImage({
      name: this.crowd.name,
      version: 1,
      policy: [
        policyOf(this.crowd),
        ...(this.crowd.isSupervised ? ["policy/modules/supervisor.policy"] : []),
      ],
      slots: {
        first,
        ...Object.fromEntries(callers),
        ...Object.fromEntries(
          Array.from({ length: this.echoes }, (_, echo) => [
            `echo${echo}`,
            slot("echo", `Echo${echo % CLASSES}`),
          ]),
        ),
      },
    });
  }

  get rules(): string {
    const classes = Array.from({ length: CLASSES }, (_, n) => `Echo${n}`);
    return `module crowd
${["Caller", ...classes].map((name) => `class ${name}`).join("\n")}
allow execute Caller program ${this.caller}
${classes.map((name) => `allow execute ${name} program echo`).join("\n")}
${classes.map((name) => `allow Caller -> ${name}.Probe { echo, fail }`).join("\n")}
${
  this.crowd.isSupervised
    ? "allow Caller -> kernel.Log { write }"
    : `class Starter
allow execute Starter program starter
allow Starter -> Caller.Probe { ask }
allow Starter -> kernel.Slots { start, stop }
allow Starter -> kernel.Log { write }
allow Starter -> kernel.System { memory, shutdown }`
}
`;
  }
}

const policyOf = ({ name }: Crowd): string => `${OUT}/${name}.policy`;

/** The machine, booted, with the image's archive. */
async function boot(plan: Plan, memoryMiB: number): Promise<BootedMachine> {
  const { crowd, programs, image, rules } = plan;
  const { kernelImagePath } = buildTestImage("main");
  const archive = await buildAssemblySystem({
    testFile: "tests/system/crowd.test.ts",
    source: "tests/system/crowd.asm",
    outDir: OUT,
    name: crowd.name,
    programs,
    compiled: [
      {
        folder: "services/supervisor",
        description: supervisor,
        elf: readFileSync(join(findRoot(), "build/programs/supervisor.elf")),
        verified: true,
      },
    ],
    constants: { CALLERS: plan.callers, CHANNELS: plan.channels, SLOTS: crowd.domains },
    image,
    rules,
    isVerified: () => true,
  });
  return BootedMachine.start({
    boot: { kind: "kernel", path: kernelImagePath, archive },
    memoryMiB,
    countInstructions: true,
    extra: ["-append", "panic=exit"],
  });
}

/** What was printed under each letter, in order. */
function numbersIn(transcript: string): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const [, letter, digits] of transcript.matchAll(/crowd (.) ([0-9a-f]{16})/g))
    numbers.set(letter!, [...(numbers.get(letter!) ?? []), Number.parseInt(digits!, 16)]);
  expect(numbers.get("!"), transcript).toBeUndefined();
  return numbers;
}

test.each([
  { domains: 200, memoryMiB: 32 },
  { domains: SLOTS_MAX, memoryMiB: 128 },
])("$domains domains run in $memoryMiB MiB", async ({ domains, memoryMiB }) => {
  const plan = new Plan({ name: `crowd${domains}`, domains, isSupervised: false });
  await using machine = await boot(plan, memoryMiB);
  await machine.waitFor(/crowd (z|!) [0-9a-f]{16}/, 300_000);
  const numbers = numbersIn(machine.transcript);
  const number = (letter: string): number => numbers.get(letter)![0]!;
  const calls = plan.callers * plan.channels;
  expect(calls).toBeGreaterThanOrEqual(plan.echoes);
  // Each echo answers after the last one was started, and again after the last was started anew.
  expect(numbers.get("n")).toEqual([calls, calls]);
  expect(numbers.get("r")![0]).toBe(0);
  expect(numbers.get("r")![1]).toBeGreaterThanOrEqual(1);
  expect(number("g")).toBe(0);

  // The callers have more pages of handles than the one that others have.
  const pages = number("d") - plan.callers * plan.furtherHandlePages;
  const kib = (pages * 4) / (domains - 1);
  console.log(
    `${domains} domains: ${kib.toFixed(2)} KiB each; instructions: boot ${number("a")}, starts ${number("b")}, first answers ${number("c")}, ends ${number("e")}, longest step ${number("f")}`,
  );
  expect(kib).toBeLessThanOrEqual(DOMAIN_KIB);
  expect(number("f")).toBeLessThanOrEqual(STOP_CEILING);
  expect(await machine.exitValue()).toBe(0);
});

test("1,000 domains run beside the supervisor that starts them, and each that fails is started again", async () => {
  const plan = new Plan({ name: "supervised", domains: 1000, isSupervised: true });
  await using machine = await boot(plan, 128);
  await machine.waitFor(new RegExp(`(crowd z [^]*){${plan.callers}}|crowd !`), 300_000);
  const numbers = numbersIn(machine.transcript);
  const calls = Array.from({ length: 2 * plan.callers }, () => plan.channels);
  expect(numbers.get("n")).toEqual(calls);
  const restarts = numbers.get("r")!.reduce((sum, count) => sum + count);
  expect(restarts).toBeGreaterThanOrEqual(plan.echoes);
  console.log(
    `1,000 supervised domains: all have answered ${Math.max(...numbers.get("a")!)} ns after the reset, and again, each restarted, after ${Math.max(...numbers.get("b")!)} ns, waits included (an instruction takes one)`,
  );
});
