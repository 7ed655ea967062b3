import {
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  copyFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Decoder, DecoderOptions } from "iced-x86";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KERNEL_STACK_RESERVE } from "../../kernel/abi/address-space.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { readElf } from "../../toolchain/elf/read.ts";
import { buildArchive } from "../../toolchain/image/archive.ts";
import { buildDisk } from "../../toolchain/image/disk.ts";
import { buildIso } from "../../toolchain/image/iso.ts";
import { buildKernel } from "../../toolchain/image/kernel.ts";
import type { BootMedium } from "../../toolchain/run/machine.ts";
import {
  CLOCK_ERROR_MAX,
  clocksBesideBusyProcess,
  hostTscHz,
} from "../../toolchain/soak/busy-clock.ts";
import { type Needs, needsOf } from "../../toolchain/verify/level.ts";
import { BootedMachine, type BootOptions } from "../support/qemu.ts";

const PROBE_EXIT = 0x10;
const root = findRoot();
const folder = mkdtempSync(join(tmpdir(), "trine-boot-test-"));
const path = (name: string) => join(folder, name);
let kernel = "";
let kernelWithSymbols = "";
let archiveFacts = "";

beforeAll(async () => {
  const built = await buildKernel({
    root,
    outDir: "build/test/boot",
    entry: "tests/boot/probe.ts",
    name: "probe",
  });
  kernel = join(root, built.imagePath);
  kernelWithSymbols = join(root, built.elfPath);

  // More than one chunk of the loader, not a whole number of pages, and no two words equal.
  const program = new Uint8Array(1_234_567).map((_, i) => (i * 2_654_435_761) >>> 13);
  const archive = buildArchive({
    blob: new Uint8Array(5000).fill(7),
    programs: [program, new Uint8Array(1)],
  });
  writeFileSync(path("archive"), archive);
  const words = new Uint32Array(archive.buffer);
  const sum = words.reduce((total, word) => total + BigInt(word), 0n);
  archiveFacts = `probe: archive ${archive.length} sum ${sum.toString(16)}`;

  const media = { root, kernelPath: kernel, archivePath: path("archive") };
  buildIso({ ...media, outPath: path("image.iso"), commandLine: "greet" });
  buildDisk({ ...media, outPath: path("image.img"), commandLine: "greet" });
  writeFileSync(path("empty.img"), new Uint8Array(1 << 20));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Boots and returns the serial output until the probe switched the machine off. */
async function bootToEnd(options: BootOptions): Promise<string> {
  await using machine = BootedMachine.start(options);
  expect(await machine.exitValue()).toBe(PROBE_EXIT);
  return machine.transcript;
}

const asPvh = (commandLine: string): BootOptions => ({
  boot: { kind: "kernel", path: kernel, archive: path("archive") },
  extra: ["-append", commandLine],
});
const onStick = (name: string): BootMedium => ({ kind: "disk", path: path(name) });

describe("the kernel starts, with the whole archive,", () => {
  test("from qemu -kernel", async () => {
    const transcript = await bootToEnd(asPvh("greet"));
    expect(transcript).toContain(archiveFacts);
    expect(transcript).toContain("probe: hello");
  });

  test.each<[string, BootOptions]>([
    ["a CD", { boot: { kind: "iso", path: path("image.iso") } }],
    ["a stick with the same ISO", { boot: onStick("image.iso") }],
    ["a disk", { boot: onStick("image.img") }],
    [
      "a CD on a machine with PCI Express",
      { boot: { kind: "iso", path: path("image.iso") }, extra: ["-machine", "q35"] },
    ],
    [
      "a stick on a USB port",
      {
        boot: onStick("empty.img"),
        extra: [
          "-device",
          "qemu-xhci",
          "-drive",
          `file=${path("image.iso")},format=raw,if=none,id=stick,snapshot=on`,
          "-device",
          "usb-storage,drive=stick,bootindex=0",
        ],
      },
    ],
    ["a disk with little memory", { boot: onStick("image.img"), memoryMiB: 16 }],
    ["a disk with memory above 4 GiB", { boot: onStick("image.img"), memoryMiB: 5120 }],
  ])("from %s", async (_medium, options) => {
    const transcript = await bootToEnd(options);
    expect(transcript).toMatch(/trine: loading\.* done/);
    expect(transcript).toContain(archiveFacts);
    expect(transcript).toContain("probe: hello");
  });
});

test("the boot line names the fences that are on", async () => {
  expect(await bootToEnd(asPvh(""))).toContain("trine: cpu x86-64-v3, nx wp smep smap umip\r\n");
});

test("the boot line names the fences that are missing", async () => {
  const transcript = await bootToEnd({ ...asPvh(""), cpu: "max,-smap,-umip" });
  expect(transcript).toContain("trine: cpu x86-64-v3, nx wp smep; missing: smap umip\r\n");
});

test.each([
  ["qemu64", 1],
  ["qemu64,+popcnt,+ssse3,+sse4.1,+sse4.2,+lahf-lm", 2],
  ["Nehalem", 2],
  ["Nehalem,-popcnt", 1],
  ["Haswell", 3],
  ["Haswell,-movbe", 2],
  ["Haswell,-sse4.2", 1],
])("the boot line names the level of %s: %i", async (cpu, level) => {
  expect(await bootToEnd({ ...asPvh(""), cpu })).toContain(`trine: cpu x86-64-v${level}, nx wp`);
});

test("the memory map leaves out the kernel and the archive, and holds the rest", async () => {
  const transcript = await bootToEnd({ ...asPvh(""), memoryMiB: 64 });
  const ranges = [...transcript.matchAll(/probe: memory ([0-9a-f]+) ([0-9a-f]+)/g)].map(
    ([, start, end]) => [Number.parseInt(start!, 16), Number.parseInt(end!, 16)] as const,
  );
  expect(ranges.length).toBeGreaterThan(0);
  for (const [start, end] of ranges) {
    expect(start).toBeGreaterThan(0x100000);
    expect(end).toBeLessThanOrEqual(64 << 20);
  }
  const total = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  expect(total).toBeGreaterThan(58 << 20);
});

test("no page is writable and executable, by any address, and user code could reach none", async () => {
  const [, executable, writable, wrong] = /probe: executable (\S+) writable (\S+) wrong (\S+)/.exec(
    await bootToEnd(asPvh("act=walk")),
  )!;
  expect(Number.parseInt(executable!, 16)).toBeGreaterThan(2);
  expect(Number.parseInt(writable!, 16)).toBeGreaterThan(100);
  expect(wrong).toBe("0");
});

test("interrupts of the timer come at their time", async () => {
  const transcript = await bootToEnd({ ...asPvh("act=timer"), countInstructions: true });
  expect(transcript.match(/probe: tick in time/g)).toHaveLength(3);
});

test("the clock's rate is found beside a busy process on the same core", async () => {
  const truth = hostTscHz(root);
  const found = await clocksBesideBusyProcess(asPvh(""), 3);
  for (const hz of found)
    expect(Math.abs(hz / truth - 1), `${hz} of ${truth} Hz`).toBeLessThan(CLOCK_ERROR_MAX);
});

test("the rate of the clock is known after as many readings as its bounds need, and the boot line names it", async () => {
  // Counting instructions, the emulated counter runs at 1 GHz, and a reading takes a tick of the
  // 8254.
  const transcript = await bootToEnd({ ...asPvh(""), countInstructions: true });
  expect(transcript).toContain("clock 1000 MHz, timer local APIC; TSC not invariant\r\n");
  const [, hz, us] = /probe: clock (\d+) Hz known after us (\d+)/.exec(transcript)!;
  expect(Math.abs(Number(hz) / 1e9 - 1)).toBeLessThan(0.001);
  expect(Number(us)).toBeLessThan(5000);
});

test("without a local APIC the 8254 is the timer", async () => {
  const transcript = await bootToEnd({
    ...asPvh("act=timer"),
    cpu: "max,-apic",
    countInstructions: true,
  });
  expect(transcript).toContain("timer 8254");
  expect(transcript.match(/probe: tick in time/g)).toHaveLength(3);
});

describe("a panic", () => {
  /** Boots with an action that fails; returns what was printed from the panic on. */
  async function panicOf(commandLine: string, cpu = "max"): Promise<string> {
    await using machine = BootedMachine.start({ ...asPvh(`${commandLine} panic=exit`), cpu });
    expect(await machine.exitValue()).toBe(0x7f);
    return machine.transcript.slice(machine.transcript.indexOf("kernel panic"));
  }

  test("shows who called whom, in TypeScript names and lines", async () => {
    const text = await panicOf("act=panic");
    expect(text).toContain("kernel panic: the probe panics");
    const lines = readFileSync(join(root, "tests/boot/probe.ts"), "utf8").split("\n");
    const lineOf = (part: string) => lines.findIndex((line) => line.includes(part)) + 1;
    const places = [...text.matchAll(/at (\S+) \(tests\/boot\/probe\.ts:(\d+)\)/g)].map(
      ([, name, line]) => [name!.split("/").at(-1), Number(line)],
    );
    // A function that the compiler put into its caller has no frame of its own: its line appears
    // with the caller's name.
    expect(places[0]![1]).toBe(lineOf(`panic("the probe panics")`));
    expect(places.at(-1)).toEqual(["start", lineOf("act();")]);
    const chain = [
      lineOf(`panic("the probe panics")`),
      lineOf("inner(value - 1)"),
      lineOf("outer(3)"),
      lineOf("act();"),
    ];
    expect(chain.filter((line) => places.some((place) => place[1] === line))).toEqual(
      places.map((place) => place[1]),
    );
  });

  test("names the assertion that failed", async () => {
    expect(await panicOf("act=assert")).toMatch(/the probe asserts at tests\/boot\/probe\.ts:\d+/);
  });

  test.each([
    ["act=divide", /division by zero.* in \S+act \(tests\/boot\/probe\.ts:\d+\)/],
    ["act=overflow", /division overflow.* in \S+act \(tests\/boot\/probe\.ts:\d+\)/],
    [
      "act=call-null",
      /indirect call of a null function.* in \S+act \(tests\/boot\/probe\.ts:\d+\)/,
    ],
    ["act=unreachable", /failed check of its own.* in \S+act \(tests\/boot\/probe\.ts:\d+\)/],
    ["act=load-null", /page fault at address 0xfffffff000000008/],
    ["act=load-middle", /page fault at address 0xfffffff07fffffff/],
    ["act=load-upper", /page fault at address 0xfffffff080000000/],
    ["act=load-end", /page fault at address 0xfffffff0ffffffff/],
    ["act=load-text", /page fault at address 0xffff800000100000/],
    ["act=store-archive", /page fault at address 0xffff8000[0-9a-f]+, error code 0x3/],
  ])("ends what %s does, on processors with and without SMAP", async (action, expected) => {
    expect(await panicOf(action)).toMatch(expected);
    expect(await panicOf(action, "max,-smap,-smep")).toMatch(expected);
  });

  test("shows on the screen too", async () => {
    await using machine = BootedMachine.start(asPvh("act=panic"));
    await machine.waitFor("at tests/boot/probe/start");
    await expect
      .poll(async () => (await machine.screenText()).join("\n"))
      .toContain("trine: kernel panic: the probe panics");
  });
});

describe("code of the kernel that not every processor has", () => {
  test("stops the build where it is written by hand", async () => {
    const source = "build/test/boot/newer.asm";
    writeFileSync(join(root, source), "section .text\nbits 64\nnewer:\n  tzcnt eax, ebx\n  ret\n");
    const options = { root, outDir: "build/test/boot", name: "newer", extraAssembly: [source] };
    await expect(buildKernel(options)).rejects.toThrow(
      /^kernel\/entry\/main\.ts: the verifier refuses the kernel's code: .*tzcnt eax,ebx: x86-64-v3 has it/,
    );
  });

  test("is not there before the switch to long mode either", () => {
    const elf = readElf(readFileSync(kernelWithSymbols), "kernel.elf");
    const boot = elf.sections.find((section) => section.name === ".boot")!;
    const offset = (name: string): number =>
      Number(elf.symbols.find((symbol) => symbol.name === name)!.address - boot.address);
    const [wide, data] = [offset("in_long_mode"), offset("boot_gdt")];
    const found = [
      ...neededBy(boot.bytes.subarray(0, wide), 32),
      ...neededBy(boot.bytes.subarray(wide, data), 64),
    ];
    expect(found.length).toBeGreaterThan(300);
    expect(found.filter(({ needs }) => needs !== 1)).toEqual([]);
  });
});

/** What each instruction needs of the processor. */
function neededBy(
  code: Uint8Array,
  bits: number,
): { readonly text: string; readonly needs: Needs }[] {
  const decoder = new Decoder(bits, code, DecoderOptions.None);
  const found = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    found.push({ text: instruction.toString(), needs: needsOf(instruction) });
    instruction.free();
  }
  decoder.free();
  return found;
}

describe("what firmware has locked", () => {
  const NX_OFF = 1n << 34n;
  const FEW_LEAVES = 1n << 22n;
  let locked = "";

  beforeAll(async () => {
    const built = await buildKernel({
      root,
      outDir: "build/test/boot",
      entry: "tests/boot/firmware-probe.ts",
      name: "firmware-probe",
      extraAssembly: ["tests/boot/firmware.asm"],
    });
    const { symbols } = readElf(readFileSync(join(root, built.elfPath)), built.elfPath);
    const address = (name: string): bigint =>
      symbols.find((symbol) => symbol.name === name)!.address;
    // The PVH note holds the address of the entry point.
    const bytes = readFileSync(join(root, built.imagePath));
    const entry = bytes.indexOf("Xen\0", 0, "latin1") + 4;
    expect(bytes.readBigUInt64LE(entry)).toBe(address("pvh_entry"));
    const distance = address("locked_start") - address("pvh_start");
    bytes.writeBigUInt64LE(address("pvh_entry") + distance, entry);
    writeFileSync(path("locked.bin"), bytes);
    locked = path("locked.bin");
  });

  async function locksOn(cpu: string): Promise<bigint> {
    const transcript = await bootToEnd({ boot: { kind: "kernel", path: locked }, cpu });
    return BigInt(`0x${/probe: locks (?:0x)?([0-9a-f]+)/.exec(transcript)![1]!}`);
  }

  const intel = ["Nehalem", "Denverton", "max,vendor=GenuineIntel"];
  test.each(intel)("is lifted on Intel's %s", async (cpu) => {
    expect((await locksOn(cpu)) & (NX_OFF | FEW_LEAVES)).toBe(0n);
  });

  // AMD processors lack this register. QEMU emulates it there too, so a write to it is visible.
  test.each(["Opteron_G1", "EPYC", "max"])("is not touched on AMD's %s", async (cpu) => {
    expect((await locksOn(cpu)) & (NX_OFF | FEW_LEAVES)).toBe(NX_OFF | FEW_LEAVES);
  });
});

describe("a boot that cannot succeed says why, on the serial line and the screen:", () => {
  async function refusal(reason: string | RegExp, options: BootOptions): Promise<void> {
    await using machine = BootedMachine.start(options);
    const text = await machine.waitFor(/trine: cannot boot: [^\r\n]+\r\n/);
    const message = text.slice(text.indexOf("trine: cannot boot"), -2);
    expect(message.slice("trine: cannot boot: ".length)).toMatch(reason);
    await expect
      .poll(async () => (await machine.screenText()).join("\n"))
      .toContain(message.slice(0, 79));
    // The part that does not fit into one row.
    expect((await machine.screenText()).join("\n")).toContain(message.slice(80));
  }

  /** The image with a change, under another name. */
  function damaged(name: string, change: (bytes: Uint8Array) => void): BootMedium {
    const bytes = new Uint8Array(readFileSync(path("image.img")));
    change(bytes);
    writeFileSync(path(name), bytes);
    return onStick(name);
  }
  /** Searches behind the loader, whose code contains the same words. */
  const indexOf = (bytes: Uint8Array, text: string) =>
    Buffer.from(bytes.buffer).indexOf(text, (1 << 20) + 2048, "latin1");

  test("a CD that ends too early", async () => {
    copyFileSync(path("image.iso"), path("short.iso"));
    truncateSync(path("short.iso"), 1 << 20);
    await refusal("read error", { boot: { kind: "iso", path: path("short.iso") } });
  });

  test("a disk that ends too early", async () => {
    copyFileSync(path("image.img"), path("short.img"));
    truncateSync(path("short.img"), (1 << 20) + (1 << 19));
    await refusal("read error", { boot: onStick("short.img") });
  });

  test("a disk whose loader is gone", () =>
    refusal("the loader is not where it should be", {
      boot: damaged("no-loader.img", (bytes) => bytes.fill(0, 1 << 20, (1 << 20) + 2048)),
    }));
  test("a disk whose kernel is gone", () =>
    refusal("the kernel is not where it should be, or damaged", {
      boot: damaged("no-kernel.img", (bytes) =>
        bytes.fill(0, indexOf(bytes, "\x7fELF"), indexOf(bytes, "\x7fELF") + 16),
      ),
    }));
  test("a disk whose archive is gone", () =>
    refusal("the archive is not where it should be, or damaged", {
      boot: damaged("no-archive.img", (bytes) =>
        bytes.fill(0, indexOf(bytes, "TRINEARC"), indexOf(bytes, "TRINEARC") + 16),
      ),
    }));

  const EVERYTHING = "FPU TSC MSR PAE CX8 CMOV MMX FXSR SSE SSE2 NX 64-bit-mode";
  const NOTHING = "-fpu,-tsc,-msr,-pae,-cx8,-cmov,-mmx,-fxsr,-sse,-sse2,-nx,-lm";
  const lacks = (features: string): RegExp => new RegExp(`^the processor lacks ${features}$`);
  test.each<[string, string, () => BootOptions]>([
    [
      "64-bit mode, from CD",
      "NX 64-bit-mode",
      () => ({
        boot: { kind: "iso", path: path("image.iso") },
        cpu: "qemu32,-nx",
      }),
    ],
    ["64-bit mode, from -kernel", "NX 64-bit-mode", () => ({ ...asPvh(""), cpu: "qemu32,-nx" })],
    ["NX", "NX", () => ({ boot: onStick("image.img"), cpu: "max,-nx" })],
    ["several things", "CMOV SSE2 NX", () => ({ ...asPvh(""), cpu: "qemu64,-nx,-cmov,-sse2" })],
    ["anything", EVERYTHING, () => ({ ...asPvh(""), cpu: `qemu64,${NOTHING}` })],
  ])("a processor without %s", (_what, features, options) => refusal(lacks(features), options()));

  test("a machine with too little memory for the archive", () =>
    refusal(/^too little memory, the image alone needs MiB: +\d+$/, {
      boot: onStick("image.img"),
      memoryMiB: 5,
    }));
  test("a machine with too little memory for the kernel", () =>
    refusal(/^too little memory, the image alone needs MiB: +\d+$/, {
      boot: onStick("image.img"),
      memoryMiB: 1,
    }));
});

test("an image without archive starts, and the kernel sees none", async () => {
  buildDisk({ root, kernelPath: kernel, archivePath: null, outPath: path("bare.img") });
  expect(await bootToEnd({ boot: onStick("bare.img") })).toContain("probe: archive 0 sum 0");
});

test("equal inputs give equal images, whatever their files' dates", async () => {
  const media = { root, kernelPath: kernel, archivePath: path("archive"), commandLine: "greet" };
  await new Promise((resolve) => setTimeout(resolve, 1100));
  buildIso({ ...media, outPath: path("again.iso") });
  buildDisk({ ...media, outPath: path("again.img") });
  expect(readFileSync(path("again.iso")).equals(readFileSync(path("image.iso")))).toBe(true);
  expect(readFileSync(path("again.img")).equals(readFileSync(path("image.img")))).toBe(true);
});

describe("the real kernel refuses to start, and says why:", () => {
  let realKernel = "";
  let stackBound = 0;
  beforeAll(async () => {
    const built = await buildKernel({ root, outDir: "build/test/boot" });
    realKernel = join(root, built.imagePath);
    stackBound = built.stack.bytes! + KERNEL_STACK_RESERVE;
  });

  /** Boots with these bytes as archive; expects the reason, and that the machine ends by itself. */
  async function refusal(reason: string, archive: Uint8Array | null): Promise<void> {
    if (archive !== null) writeFileSync(path("tried.arc"), archive);
    await using machine = BootedMachine.start({
      boot: {
        kind: "kernel",
        path: realKernel,
        ...(archive === null ? {} : { archive: path("tried.arc") }),
      },
    });
    // The lines about the machine are printed; whose system it is, is not known.
    expect(await machine.waitFor(`trine: boot refused: ${reason}\r\n`)).toMatch(
      /^trine: cpu .*\r\ntrine: processor .*\r\ntrine: memory .*\r\ntrine: boot refused/,
    );
    expect(await machine.exitValue()).toBe(1);
  }
  const whole = () =>
    buildArchive({
      blob: new Uint8Array(5000).fill(7),
      programs: [new Uint8Array(70_000).fill(1), new Uint8Array(5)],
    });
  const NO_ARCHIVE = "no boot archive, or a damaged one";

  test("and has not needed more stack than the compiler says", async () => {
    await using machine = BootedMachine.start({
      boot: { kind: "kernel", path: realKernel },
      extra: ["-append", "stack=mark"],
    });
    const [, used] = /kernel stack (\d+) bytes used/.exec(
      await machine.waitFor(/bytes used of \d+/),
    )!;
    expect(Number(used)).toBeGreaterThan(100);
    expect(Number(used)).toBeLessThan(stackBound);
  });

  test("no archive", () => refusal(NO_ARCHIVE, null));
  test("bytes that are not an archive", () => refusal(NO_ARCHIVE, new Uint8Array(8192).fill(0x55)));
  test.each([1, 63, 4095, 4096, 12_287, 81_920])("an archive cut to %i bytes", (bytes) =>
    refusal(NO_ARCHIVE, whole().subarray(0, bytes)),
  );
  test("an archive whose policy is not a policy", () =>
    refusal("policy is not a policy (2)", whole()));
  test.each<[string, number, bigint]>([
    ["an entry behind its end", 64 + 8, 1n << 20n],
    ["an entry that wraps around", 64 + 8, 0xffff_ffff_ffff_f000n],
    ["an entry not on a page", 64 + 8, 4097n],
    ["an entry longer than the archive", 64 + 16, 1n << 40n],
    ["an entry so long that its number of pages wraps to zero", 64 + 16, 0xffff_ffff_ffff_ffffn],
    ["a size larger than its bytes", 16, 1n << 40n],
    ["more entries than fit", 8, (127n << 32n) | 1n],
    ["another format", 8, (3n << 32n) | 2n],
  ])("an archive with %s", (_what, offset, value) => {
    const archive = whole();
    new DataView(archive.buffer).setBigUint64(offset, value, true);
    return refusal(NO_ARCHIVE, archive);
  });
});
