/**
 * Boots the main ISO and the bench ISO in bochs, an emulator that shares no code with QEMU: another
 * BIOS, other processors, and a stricter interpretation of the manuals.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figuresOf } from "../bench/kernel-bench.ts";
import { buildImage } from "../make/build-image.ts";
import { tapOf } from "../testing/kernel-suite.ts";
import { parseTap } from "../testing/tap.ts";
import { type Iteration, SliceSkipped } from "./slice.ts";

interface Case {
  readonly model: string;
  /** What the serial line must print. */
  readonly expected: readonly string[];
}

/** Has PCIDs. */
const HASWELL = "corei7_haswell_4770";

/** The first processors of levels 2 and 3, and one that is too old. */
const CASES: readonly Case[] = [
  { model: "corei5_lynnfield_750", expected: ["trine: cpu x86-64-v2, nx wp;", "trine> "] },
  { model: HASWELL, expected: ["trine: cpu x86-64-v3, nx wp smep;", "trine> "] },
  {
    model: "core_duo_t2400_yonah",
    // The refusal must not cut the loader's line off.
    expected: [
      "trine: loading done\r\n\r\ntrine: cannot boot: the processor lacks 64-bit-mode\r\n",
    ],
  },
];

/** A boot takes 6 s on an idle host. */
const TIMEOUT_MS = 300_000;
const POLL_MS = 200;

/** The last line of the bench image. */
const BENCH_END = /: the end\. Each line.*\r?\n/;

const BIOS = "/usr/share/bochs/BIOS-bochs-latest";
const VIDEO_BIOS = "/usr/share/vgabios/vgabios.bin";
const TEXT_DISPLAY = "/usr/lib/*/bochs/plugins/libbx_term_gui.so";
const PROGRAM = "/usr/bin/bochs-bin";
/** Runs bochs in a terminal, which its text display needs. */
const TERMINAL = "/usr/bin/script";
const INSTALL = "apt-get install --no-install-recommends bochs bochs-term bochsbios vgabios";

export async function prepareBochsBoot(root: string): Promise<Iteration> {
  const isThere = [BIOS, VIDEO_BIOS, PROGRAM, TERMINAL].every((path) => existsSync(path));
  if (!isThere || globSync(TEXT_DISPLAY).length === 0) {
    throw new SliceSkipped(`bochs is not installed (${INSTALL})`);
  }
  const request = {
    root,
    image: "main",
    medium: "iso",
    release: false,
    without: undefined,
  } as const;
  const iso = join(root, (await buildImage(request, "plain")).bootPath);
  const benchIso = join(root, (await buildImage({ ...request, image: "bench" }, "plain")).bootPath);
  const testIso = join(
    root,
    (await buildImage({ ...request, image: "test-pcid" }, "plain")).bootPath,
  );
  return async () => {
    await measureIn(benchIso);
    await testWithPcid(testIso);
    for (const { model, expected } of CASES) {
      const output = await bootUntil(iso, model, expected);
      const missing = expected.filter((text) => !output.includes(text));
      if (missing.length > 0) {
        throw new Error(`bochs, ${model}: not seen: ${missing.join(", ")}\n${output.slice(-2000)}`);
      }
    }
    return CASES.length + 2;
  };
}

/** `make bench-metal` measures to its end and has all figures. */
async function measureIn(iso: string): Promise<void> {
  const output = await bootUntil(iso, HASWELL, [BENCH_END]);
  // bochs has no port for an exit code; the last line has been reached.
  figuresOf({ output, exitCode: 1 });
}

/** The cases of the suite `kernel` with PCIDs, which QEMU's processors do not have. */
async function testWithPcid(iso: string): Promise<void> {
  const output = await bootUntil(iso, HASWELL, [/^tester: 1\.\.\d+\r?\n/m]);
  const cases = parseTap(tapOf(output));
  const failed = cases.filter(({ outcome }) => outcome === "failed");
  if (!/^trine: cpu .* pcid/m.test(output) || cases.length === 0 || failed.length > 0)
    throw new Error(`the test image in bochs, with PCIDs\n${output.slice(-4000)}`);
}

/** The serial output until it is complete, bochs has ended, or the time is over. */
async function bootUntil(
  iso: string,
  model: string,
  expected: readonly (string | RegExp)[],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "trine-bochs-"));
  const serial = join(folder, "serial");
  const output = (): string => (existsSync(serial) ? readFileSync(serial, "latin1") : "");
  writeFileSync(join(folder, "bochsrc"), configuration(iso, model, folder));
  // Debian's bochs starts in its debugger.
  writeFileSync(join(folder, "continue"), "c\n");
  const command = `exec ${PROGRAM} -q -f bochsrc -rc continue`;
  const child = spawn(TERMINAL, ["-qec", command, "/dev/null"], {
    cwd: folder,
    detached: true,
    stdio: "ignore",
    env: { ...process.env, TERM: "xterm" },
  });
  const ended = once(child, "close");
  try {
    const end = performance.now() + TIMEOUT_MS;
    while (performance.now() < end && child.exitCode === null) {
      if (expected.every((text) => isIn(text, output()))) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return output();
  } finally {
    // Ending `script` closes the terminal, which ends bochs.
    if (child.exitCode === null) process.kill(-child.pid!, "SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

function isIn(text: string | RegExp, output: string): boolean {
  return typeof text === "string" ? output.includes(text) : text.test(output);
}

function configuration(iso: string, model: string, folder: string): string {
  return [
    "config_interface: textconfig",
    "display_library: term",
    "megs: 128",
    `romimage: file=${BIOS}`,
    `vgaromimage: file=${VIDEO_BIOS}`,
    "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
    `ata0-master: type=cdrom, path="${iso}", status=inserted`,
    "boot: cdrom",
    `cpu: model=${model}, count=1, ips=50000000, reset_on_triple_fault=0`,
    "clock: sync=none",
    `com1: enabled=1, mode=file, dev=${join(folder, "serial")}`,
    // The bench makes it interrupt.
    "com2: enabled=1, mode=null",
    `log: ${join(folder, "log")}`,
    "panic: action=fatal",
    "error: action=ignore",
    "info: action=ignore",
    "debug: action=ignore",
    "",
  ].join("\n");
}
