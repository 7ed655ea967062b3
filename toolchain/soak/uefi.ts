/**
 * Machines with UEFI and no BIOS, under OVMF: the program that they start from our media says that
 * Trine needs a BIOS, waits for a key, and returns to the firmware.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildImage } from "../make/build-image.ts";
import { refuse } from "../report/diagnostic.ts";
import { QEMU_PROGRAM } from "../run/machine.ts";
import type { Iteration } from "./slice.ts";

const FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/** A boot takes some ten seconds on an idle host. */
const TIMEOUT_MS = 180_000;
const LOOK_MS = 100;
/** Long enough for a program that does not wait to return. */
const UNTIL_KEY_MS = 1000;
const TEXT = /Trine needs a BIOS for now[^]*Press a key to go back to the firmware\./;
/** What the firmware prints when the program has returned. */
const GOES_ON =
  /Press a key to go back to the firmware\.[^]*(BdsDxe: (failed|loading|No bootable)|UEFI Interactive Shell|start PXE)/;

export async function prepareUefi(root: string): Promise<Iteration> {
  if (!existsSync(FIRMWARE))
    refuse(`${FIRMWARE} is not there`, { help: "`make soak` installs the package ovmf" });
  const image = (medium: "iso" | "disk") =>
    buildImage({ root, image: "main", medium, release: false, without: undefined }, "plain");
  const [iso, disk] = [
    join(root, (await image("iso")).bootPath),
    join(root, (await image("disk")).bootPath),
  ];
  const stick = (path: string) => [
    "-drive",
    `file=${path},format=raw,snapshot=on,if=none,id=stick`,
    "-device",
    "qemu-xhci",
    "-device",
    "usb-storage,drive=stick,bootindex=0",
  ];
  const media: readonly (readonly [string, readonly string[]])[] = [
    ["a CD", ["-cdrom", iso]],
    ["a stick with the ISO", stick(iso)],
    ["a stick with the disk image", stick(disk)],
  ];
  return async () => {
    for (const [name, drive] of media) await boot(name, drive);
    return media.length;
  };
}

/** Throws unless the text comes, stays until a key is pressed, and the firmware goes on then. */
async function boot(name: string, drive: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "trine-uefi-"));
  const machine = new Machine(join(folder, "serial.txt"), drive);
  try {
    await machine.waitFor(TEXT, "the text does not come");
    await sleep(UNTIL_KEY_MS);
    if (GOES_ON.test(machine.output)) throw new Error("it does not wait for a key");
    machine.pressKey();
    await machine.waitFor(GOES_ON, "the firmware does not go on");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`from ${name}: ${why}\n${machine.output.slice(-2000)}`);
  } finally {
    machine.end();
    rmSync(folder, { recursive: true });
  }
}

/**
 * The emulator, its serial line in a file and its monitor on standard input. When the serial line
 * was a pipe, one boot in ten on a busy host stopped for good in the middle of a line. That the
 * pipe was the cause is a guess: 36 other boots over pipes did not stop. With a file, the emulator
 * never waits for a reader; with `sendkey`, the key does not come over the serial line.
 */
class Machine {
  private readonly child;
  private readonly serialPath: string;
  private failure = "";

  constructor(serialPath: string, drive: readonly string[]) {
    this.serialPath = serialPath;
    this.child = spawn(
      QEMU_PROGRAM,
      [
        "-nodefaults",
        ...["-machine", "q35", "-cpu", "max", "-m", "256"],
        ...["-display", "none", "-vga", "std"],
        ...["-serial", `file:${serialPath}`, "-monitor", "stdio"],
        "-no-reboot",
        ...["-drive", `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`],
        ...["-drive", `if=pflash,format=raw,snapshot=on,file=${VARIABLES}`],
        ...drive,
      ],
      { stdio: ["pipe", "ignore", "inherit"] },
    );
    this.child
      .on("error", ({ message }) => (this.failure = message))
      .on("close", () => (this.failure ||= "the emulator ended"));
  }

  /** What the machine has printed, without escape sequences. */
  get output(): string {
    if (!existsSync(this.serialPath)) return "";
    // The firmware prints 16-bit characters, of which the serial line keeps the low half.
    return readFileSync(this.serialPath, "latin1").replace(/\x1b\[[0-9;?]*[A-Za-z=]|\0/g, "");
  }

  async waitFor(pattern: RegExp, otherwise: string): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!pattern.test(this.output)) {
      if (this.failure !== "") throw new Error(this.failure);
      if (performance.now() > deadline) throw new Error(otherwise);
      await sleep(LOOK_MS);
    }
  }

  /** Presses a key on the machine's keyboard. */
  pressKey(): void {
    this.child.stdin.write("sendkey x\n");
  }

  end(): void {
    this.child.kill("SIGKILL");
  }
}
