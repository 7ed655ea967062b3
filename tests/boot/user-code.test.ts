import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { buildKernel } from "../../toolchain/image/kernel.ts";
import { BootedMachine } from "../support/qemu.ts";

const PROBE_EXIT = 0x10;
const CODE = 0x10_0000_0000;
const STEP = 32;
/** RFLAGS with IF and the bit that is always set. */
const INTERRUPTS_ON = 0x202;
const root = findRoot();
const folder = mkdtempSync(join(tmpdir(), "trine-user-test-"));
const code = join(folder, "user-code.bin");

let lines: string[] = [];
/** Offset in the code where the forbidden instructions start. */
let firstForbidden = 0;

/** Boots the probe with a command line; returns its lines and the lines of a panic. */
async function run(
  commandLine: string,
  guardsOff?: string,
): Promise<{ readonly lines: string[]; readonly exit: number }> {
  const kernel = await buildKernel({
    root,
    outDir: "build/test/boot",
    entry: "tests/boot/user-probe.ts",
    name: `user-probe${guardsOff === undefined ? "" : `-without-${guardsOff}`}`,
    extraAssembly: ["tests/boot/planted.asm"],
    ...(guardsOff === undefined ? {} : { guardsOff }),
  });
  const boot = { kind: "kernel", path: join(root, kernel.imagePath), archive: code } as const;
  await using machine = BootedMachine.start({
    boot,
    countInstructions: true,
    extra: ["-append", `${commandLine} panic=exit`],
  });
  const exit = await machine.exitValue();
  return {
    exit,
    lines: machine.transcript
      .split("\r\n")
      .filter((line) => line.startsWith("probe: ") || line.includes("panic")),
  };
}

beforeAll(async () => {
  const assembled = spawnSync("nasm", ["-f", "bin", "-o", code, "tests/boot/user-code.asm"], {
    cwd: root,
  });
  expect(assembled.stderr.toString()).toBe("");
  const bytes = readFileSync(code);
  firstForbidden = bytes.indexOf(Buffer.from([0x66, 0xba, 0x81, 0x00]));
  const ended = await run("");
  lines = ended.lines;
  expect(ended.exit, lines.join("\n")).toBe(PROBE_EXIT);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** RFLAGS without carry, parity, adjust, zero, sign and overflow, which any instruction changes. */
const withoutArithmetic = (flags: string) => Number.parseInt(flags, 16) & ~0x8d5;
const calls = () => lines.filter((line) => line.startsWith("probe: call"));

test("a thread starts with the registers that it was given, and with no flag but interrupts", () => {
  const [, flags] = /^probe: call 0 77 0 (\S+)$/.exec(calls()[0]!)!;
  expect(withoutArithmetic(flags!)).toBe(INTERRUPTS_ON);
});

test("a system call returns its results, and zero in all other registers", () => {
  // rdi: all dead registers together; rsi: flags; rdx: the words, of which the probe has changed
  // one by 1.
  const [, dead, flags, words] = /^probe: call 1 (\S+) (\S+) (\S+)$/.exec(calls()[2]!)!;
  expect(dead).toBe("0");
  expect(withoutArithmetic(flags!)).toBe(INTERRUPTS_ON);
  expect(Number.parseInt(words!, 16)).toBe(0x1111 + 0x2222 + 0x3333 + 0x4444 + 1);
});

test("interrupts leave registers, stack pointer and fs as they were", () => {
  expect(
    lines.filter((line) => line === "probe: interrupt in user code at its place"),
  ).toHaveLength(3);
  expect(calls()).toContain("probe: call 2 3fff 1000010ff8 feedface00000000");
});

test("a granted port can be read", () => {
  expect(calls().at(-1)).toMatch(/^probe: call 3/);
});

test("flags of user code never reach the kernel", () => {
  expect(lines).not.toContain("probe: user flags in the kernel");
});

test("each forbidden instruction raises its fault, and the kernel continues", () => {
  const faults = lines
    .filter((line) => line.startsWith("probe: fault"))
    .map((line) => line.slice("probe: fault ".length));
  const at = (index: number, offset = 0) =>
    (CODE + firstForbidden + index * STEP + offset).toString(16);
  expect(faults).toEqual([
    `13 0 ${at(0, 4)}`, // a port without grant
    `13 0 ${at(1)}`, // cli
    // int 0x20: its gate is not for user code. Processors give the vector times 8, QEMU times 16.
    expect.stringMatching(new RegExp(`^13 [12]02 ${at(2)}$`)),
    `13 0 ${at(3)}`, // mov from cr3
    "14 5 fffffff000010000", // the kernel's linear memory
    "14 7 ffff800000000000", // the direct map
    "14 15 ffffffff80100000", // the kernel's code
    `6 0 ${at(7)}`, // a vector instruction
    `7 0 ${at(8)}`, // an x87 instruction
    `6 0 ${at(9)}`, // rdfsbase
    `13 0 ${at(10)}`, // sidt, by UMIP
    `13 0 ${at(11)}`, // rdpmc
    expect.stringMatching(new RegExp(`^13 (1a|32) ${at(12)}$`)), // int3
    // icebp: a debug exception; QEMU does not know it
    expect.stringMatching(new RegExp(`^(1 0 ${at(13, 1)}|6 0 ${at(13)})$`)),
    expect.stringMatching(/^1 0 /), // the trap flag
    "14 4 1000031000", // memory that is not mapped
    "14 15 1000010fc0", // a page of data as code
    `0 0 ${at(17, 2)}`, // division by zero
    expect.stringMatching(new RegExp(`^(6|13) 0 ${at(18)}$`)), // sysenter
    `13 4 ${at(19, 5)}`, // a selector of a local table
    `13 0 ${at(20)}`, // hlt
    "13 0 800000000000", // a return to an address that is not canonical
    "13 0 ffffffff80100000", // a return into the kernel
  ]);
});

// Each fence is tested with a bug planted in the kernel, or with an attack of user code; then the
// same bug or attack is tried without the fence.

test("a kernel that follows a wrong address into user memory is stopped by SMAP, and by nothing else", async () => {
  expect((await run("plant=read")).lines.at(-1)).toContain(
    "kernel panic: page fault at address 0x1000010108, error code 0x1",
  );
  expect((await run("plant=read", "smap")).lines).toContain(
    "probe: the kernel read feedface00000000",
  );
});

test("a kernel that jumps into user code is stopped by SMEP, and by nothing else", async () => {
  expect((await run("plant=run")).lines.at(-1)).toContain(
    "kernel panic: page fault at address 0x1000000002, error code 0x11",
  );
  expect((await run("plant=run", "smep")).lines).toContain("probe: the kernel ran 5eed");
});

test("user code that jumps into data is stopped by NX, and by nothing else", async () => {
  const stopped = "probe: fault 14 15 1000010fc0";
  expect(lines).toContain(stopped);
  expect((await run("", "nx")).lines).not.toContain(stopped);
});
