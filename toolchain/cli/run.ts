/**
 * `trine run`: builds an image and boots it, with the serial console on this terminal or driven by
 * the command line.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootMedium, buildImage, type BuiltImage, checkRequest } from "../make/build-image.ts";
import { findRoot } from "../cache/tree.ts";
import { refuse } from "../report/diagnostic.ts";
import { defaultForm } from "../report/progress.ts";
import { type Act, converse } from "../run/conversation.ts";
import { freeDebugPort } from "../run/debug-port.ts";
import type { MachineOptions } from "../run/machine.ts";
import { runOnTerminal } from "../run/start.ts";
import { showWarnings } from "./build.ts";
import { numberOption } from "../report/number-option.ts";

export interface RunFlags {
  readonly medium: string;
  readonly memory?: string;
  readonly cpu?: string;
  readonly kvm?: boolean;
  readonly debug?: boolean;
  readonly port?: string;
  readonly acts: readonly Act[];
  readonly timeout?: string;
  readonly json: boolean;
}

/** With less memory, the loader cannot even print an error. */
const MEMORY_MIB_MIN = 4;
const TIMEOUT_SECONDS_DEFAULT = 60;
/** As in the guest's `help`. */
export const GUEST_COMMANDS = "`shutdown` switches the machine off, `reboot` restarts the machine";

export async function run(image: string, flags: RunFlags): Promise<void> {
  const root = findRoot();
  const request = checkRequest({
    root,
    image,
    medium: flags.medium,
    release: false,
    without: undefined,
  });
  const memory =
    flags.memory === undefined
      ? {}
      : { memoryMiB: numberOption("--memory", flags.memory, MEMORY_MIB_MIN) };
  const seconds =
    flags.timeout === undefined
      ? TIMEOUT_SECONDS_DEFAULT
      : numberOption("--timeout", flags.timeout);
  if (flags.timeout !== undefined && flags.acts.length === 0)
    refuse("--timeout is for --until and --type", { help: "add one of them" });
  if (flags.port !== undefined && flags.debug !== true)
    refuse("--port is gdb's", { help: "add --debug" });
  if (flags.acts.some(({ kind, text }) => kind === "until" && text === ""))
    refuse("--until waits for a text, and it is empty");
  const debugPort = flags.debug === true ? await freeDebugPort(flags.port) : undefined;
  const built = await buildImage(request, defaultForm(flags.json));
  if (!flags.json) showWarnings(built);

  if (debugPort !== undefined)
    process.stderr.write(
      `waiting for gdb on port ${debugPort}; in another terminal: ${gdbCommand(root, built, debugPort)}\n`,
    );
  const machine: Omit<MachineOptions, "serial"> = {
    boot: bootMedium(root, built),
    ...memory,
    ...(flags.cpu === undefined ? {} : { cpu: flags.cpu }),
    ...(flags.kvm === true ? { accelerate: true } : {}),
    ...(debugPort === undefined ? {} : { debugPort }),
  };
  if (flags.acts.length > 0)
    return converse(machine, flags.acts, {
      seconds,
      print: (line) => void process.stdout.write(`${line}\n`),
    });
  process.stderr.write(
    `booting in QEMU; ctrl-a x leaves, ctrl-a c is QEMU's monitor\nat the prompt ${GUEST_COMMANDS}\n`,
  );
  process.exitCode = await runOnTerminal(machine);
}

/**
 * Writes gdb's commands to a file: the kernel's symbols, and those of each program, whose addresses
 * are the same in every domain.
 */
function gdbCommand(root: string, built: BuiltImage, port: number): string {
  const script = `${built.folder}/debug-${port}.gdb`;
  const lines = [
    "set debuginfod enabled off",
    "set confirm off",
    "set architecture i386:x86-64",
    `file ${built.kernelPath}`,
    `target remote 127.0.0.1:${port}`,
    "# Programs share their addresses: add the symbols of the one that you look at, for example",
    ...built.programs.map(({ elfPath }) => `#   add-symbol-file ${elfPath}`),
    // Stops at the first instruction, where all parameters are in their registers. Other functions
    // are named in the same way, by file and name.
    "hbreak *'kernel/entry/boot/start'",
    "",
  ];
  writeFileSync(join(root, script), lines.join("\n"));
  return `gdb -q -x ${script}`;
}
