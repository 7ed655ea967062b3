/**
 * Machines with UEFI and no BIOS, under OVMF: what they start from our media says that Trine needs
 * a BIOS, waits for a key and gives back.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildImage } from "../make/build-image.ts";
import { refuse } from "../report/diagnostic.ts";
import { QEMU_PROGRAM } from "../run/machine.ts";
import type { Iteration } from "./slice.ts";

const FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/** Some ten seconds on a machine that does nothing else. */
const TIMEOUT_MS = 90_000;
/**
 * One boot in ten from USB, OVMF stands still in the middle of a line, before it starts anything of
 * ours.
 */
const BOOTS_MAX = 3;
/** Long enough for an application that does not wait to return. */
const UNTIL_KEY_MS = 1000;
const TEXT = /Trine needs a BIOS for now[^]*Press a key to go back to the firmware\./;
/** What the firmware says when an application has returned. */
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
    for (const [name, drive] of media) await bootPatiently(name, drive);
    return media.length;
  };
}

/**
 * Once more where the firmware never came to our program; what our program does wrong is told the
 * first time.
 */
async function bootPatiently(name: string, drive: readonly string[]): Promise<void> {
  for (let boots = 1; ; boots++) {
    try {
      return await boot(name, drive);
    } catch (error) {
      if (!(error instanceof FirmwareStoodStill) || boots === BOOTS_MAX) throw error;
    }
  }
}

class FirmwareStoodStill extends Error {}

/** Throws unless the text comes, stays until a key is pressed, and the firmware goes on then. */
function boot(name: string, drive: readonly string[]): Promise<void> {
  const machine = spawn(
    QEMU_PROGRAM,
    [
      "-nodefaults",
      "-machine",
      "q35",
      "-cpu",
      "max",
      "-m",
      "256",
      "-display",
      "none",
      "-vga",
      "std",
      "-serial",
      "stdio",
      "-no-reboot",
      "-drive",
      `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`,
      "-drive",
      `if=pflash,format=raw,snapshot=on,file=${VARIABLES}`,
      ...drive,
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  return new Promise<void>((resolve, reject) => {
    let output = "";
    let hasAsked = false;
    const fail = (why: string) => reject(new Error(`from ${name}: ${why}\n${output.slice(-2000)}`));
    const timer = setTimeout(() => {
      if (!/BdsDxe: starting [^\n]*\n/.test(output))
        reject(
          new FirmwareStoodStill(
            `from ${name}: the firmware starts nothing\n${output.slice(-2000)}`,
          ),
        );
      else fail(hasAsked ? "the firmware does not go on" : "the text does not come");
    }, TIMEOUT_MS);
    machine.stdout.setEncoding("latin1").on("data", (text: string) => {
      // The firmware draws each line anew, in 16-bit characters of which the serial line keeps the
      // low half.
      output += text.replace(/\x1b\[[0-9;?]*[A-Za-z=]|\0/g, "");
      if (!hasAsked && TEXT.test(output)) {
        hasAsked = true;
        void sleep(UNTIL_KEY_MS).then(() =>
          GOES_ON.test(output) ? fail("it does not wait for a key") : machine.stdin.write("x"),
        );
      }
      if (!hasAsked || !GOES_ON.test(output)) return;
      clearTimeout(timer);
      resolve();
    });
    machine
      .on("error", ({ message }) => fail(message))
      .on("close", () => {
        clearTimeout(timer);
        fail("the emulator ended");
      });
  }).finally(() => machine.kill("SIGKILL"));
}
