import { LINEAR_NULL_BYTES } from "../../kernel/abi/address-space.ts";
import { linearImage } from "../elf/linear-image.ts";
import { linkProgram } from "../elf/link.ts";
import { writeObject } from "../elf/object.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule, Target } from "../ir/module.ts";
import { refuse } from "../report/diagnostic.ts";

/** How a Linux process runs the module: its `main`, or the calls that a test asks for. */
type LinuxProgram = "program" | "harness";

interface LinkModuleOptions {
  /** NASM sources or objects, relative to the root. */
  readonly extraObjects: readonly string[];
  readonly stackBytes: number;
  readonly program: LinuxProgram;
}

/**
 * The executable of a compiled module: object file, start stubs and linker script of its target.
 */
export function linkModule(
  root: string,
  module: IrModule,
  codes: readonly MachineCode[],
  options: LinkModuleOptions,
): Uint8Array {
  const { target, memory } = module;
  const linear = linearImage(module);
  if (linear.address < LINEAR_NULL_BYTES && target !== "linux") {
    refuse(`${module.name} has data below 64 KiB, which is never mapped in the target ${target}`, {
      help: "build it with its memory base at 65536",
    });
  }
  const isDomain = target === "domain";
  const note = {
    memoryPages: memory.initialPages,
    memoryPagesMax: memory.maximumPages,
    stackBytes: options.stackBytes,
    threadBlockBytes: 0,
    level: module.level,
  };
  return linkProgram({
    root,
    target,
    object: writeObject(module, codes, target === "kernel" ? undefined : note),
    assembly: assemblyOf(target, options.program, options.extraObjects),
    assemblyDefinitions: assemblyDefinitions(module, linear.address, options.stackBytes),
    linkerDefinitions:
      target === "linux"
        ? {}
        : {
            linear_address: linear.address,
            ...(isDomain
              ? { stack_bytes: options.stackBytes }
              : { linear_end: memory.initialPages * 65536 }),
          },
  });
}

/** What is linked besides the compiled module. */
function assemblyOf(
  target: Target,
  program: LinuxProgram,
  extraObjects: readonly string[],
): string[] {
  const stubs = {
    kernel: [],
    domain: ["toolchain/targets/domain/start.asm"],
    linux: [`toolchain/targets/linux/${program}.asm`, "toolchain/targets/linux/start.asm"],
  };
  return [...stubs[target], ...extraObjects];
}

function assemblyDefinitions(
  module: IrModule,
  linearAddress: number,
  stackBytes: number,
): Record<string, number> {
  const { target, memory, start } = module;
  if (target === "kernel") return {};
  const definitions: Record<string, number> = start < 0 ? {} : { HAS_START: 1 };
  if (target === "domain") return definitions;
  return {
    ...definitions,
    MEMORY_PAGES: memory.initialPages,
    MEMORY_PAGES_MAX: memory.maximumPages,
    LINEAR_ADDRESS: linearAddress,
    FIRST_BYTES: memory.lowPagesUsed ? 0 : LINEAR_NULL_BYTES,
    STACK_BYTES: stackBytes,
  };
}
