/** `trine run`: builds an image and boots it with the serial console on this terminal. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootMedium, buildImage, type BuiltImage, checkRequest } from "../build/build-image.ts";
import { findRoot } from "../build/tree.ts";
import { defaultForm } from "../report/progress.ts";
import { runOnTerminal } from "../run/start.ts";
import { showWarnings } from "./build.ts";
import { numberOption } from "./number-option.ts";

export interface RunFlags {
  readonly medium: string;
  readonly memory?: string;
  readonly cpu?: string;
  readonly kvm?: boolean;
  readonly debug?: boolean;
  readonly json: boolean;
}

const DEBUG_PORT = 1234;
/** Below, not even the loader has room to say so. */
const MEMORY_MIB_MIN = 4;

export async function run(image: string, flags: RunFlags): Promise<void> {
  const root = findRoot();
  const request = checkRequest({ root, image, medium: flags.medium, release: false, without: undefined });
  const memory = flags.memory === undefined ? {} : { memoryMiB: numberOption("--memory", flags.memory, MEMORY_MIB_MIN) };
  const built = await buildImage(request, defaultForm(flags.json));
  if (!flags.json) showWarnings(built);

  process.stderr.write("booting in QEMU; ctrl-a x leaves, ctrl-a c is QEMU's monitor\n");
  if (flags.debug === true) process.stderr.write(`waiting for gdb; in another terminal: ${gdbCommand(root, built)}\n`);
  process.exitCode = await runOnTerminal({
    boot: bootMedium(root, built),
    ...memory,
    ...(flags.cpu === undefined ? {} : { cpu: flags.cpu }),
    ...(flags.kvm === true ? { accelerate: true } : {}),
    ...(flags.debug === true ? { debugPort: DEBUG_PORT } : {}),
  });
}

/** Writes gdb's commands to a file: the kernel's symbols, and those of each program, whose addresses are the same in every domain. */
function gdbCommand(root: string, built: BuiltImage): string {
  const script = `${built.folder}/debug.gdb`;
  const lines = [
    "set debuginfod enabled off",
    "set confirm off",
    "set architecture i386:x86-64",
    `file ${built.kernelPath}`,
    `target remote 127.0.0.1:${DEBUG_PORT}`,
    "# Programs share their addresses: add the symbols of the one that you look at, for example",
    ...built.programs.map(({ elfPath }) => `#   add-symbol-file ${elfPath}`),
    "hbreak start",
    "",
  ];
  writeFileSync(join(root, script), lines.join("\n"));
  return `gdb -q -x ${script}`;
}
