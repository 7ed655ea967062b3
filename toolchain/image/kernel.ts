/**
 * The kernel: hand-written entry code and the compiled TypeScript, in one ELF file that PVH loaders
 * and boot/bios take.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { listInputs, readInput } from "../cache/inputs.ts";
import { compileProgram } from "../compiler/compile.ts";
import type { CompiledProgram } from "../compiler/compiled-program.ts";
import { stripExecutable } from "../elf/strip.ts";
import { generateInterfaces } from "../idl/generate/interfaces.ts";
import { KERNEL_STACK_BYTES, KERNEL_STACK_RESERVE } from "../../kernel/abi/address-space.ts";
import { refuse } from "../report/diagnostic.ts";
import { formatFinding } from "../verify/finding.ts";
import { writeBootConstants } from "./boot-constants.ts";
import { GUARDS_FILE, withoutGuard } from "./guards.ts";

export interface KernelOptions {
  /** Root of the tree. */
  readonly root: string;
  /**
   * Folder of the outputs, relative to the root: `kernel.elf` with debug information, `kernel.bin`
   * to boot, `kernel.lst`.
   */
  readonly outDir: string;
  /** Name of one guard of kernel/base/guards.ts to switch off, for tests: `smep`, `rights`, … */
  readonly guardsOff?: string;
  /** AssemblyScript entry; default kernel/entry/main.ts. */
  readonly entry?: string;
  /** Base name of the outputs; default kernel. */
  readonly name?: string;
  /** NASM sources to link besides boot and kernel/x64, for tests. */
  readonly extraAssembly?: readonly string[];
  /** Texts that take the place of files, such as the ring of public keys. */
  readonly virtualFiles?: Readonly<Record<string, string>>;
}

const KERNEL_ENTRY = "kernel/entry/main.ts";

export interface BuiltKernel extends CompiledProgram {
  /**
   * What boots: without symbols and debug information. Relative to the root, like all paths here.
   */
  readonly imagePath: string;
}

const ASSEMBLY_FOLDERS = ["boot", "kernel/x64"];

export async function buildKernel(options: KernelOptions): Promise<BuiltKernel> {
  const {
    root,
    outDir,
    guardsOff,
    entry = KERNEL_ENTRY,
    name = "kernel",
    extraAssembly = [],
    virtualFiles = {},
  } = options;
  if (isAbsolute(outDir)) throw new Error(`outDir is relative to the root, not ${outDir}`);
  writeBootConstants(join(root, "build/generated/abi.inc"));
  await generateInterfaces(root);
  const guards = new Map<string, string>();
  if (guardsOff !== undefined)
    guards.set(GUARDS_FILE, withoutGuard(String(readInput(root, GUARDS_FILE)), guardsOff));
  const program = await compileProgram({
    root,
    entry,
    target: "kernel",
    outDir,
    name,
    virtualFiles: new Map([...Object.entries(virtualFiles), ...guards]),
    extraObjects: [...assemblySources(root), ...extraAssembly],
  });
  // Kernels of tests do what none may.
  if (entry === KERNEL_ENTRY && guardsOff === undefined) requireVerified(program, entry);
  requireStackFits(program, entry);

  const imagePath = join(outDir, `${name}.bin`);
  if (!program.fromCache || !existsSync(join(root, imagePath))) {
    mkdirSync(join(root, outDir), { recursive: true });
    writeFileSync(
      join(root, imagePath),
      stripExecutable(readFileSync(join(root, program.elfPath)), program.elfPath),
    );
  }
  return { ...program, imagePath };
}

/** A program that the verifier refuses is only marked; a kernel that it refuses is not built. */
function requireVerified({ findings }: CompiledProgram, entry: string): void {
  if (findings.length === 0) return;
  refuse(`the verifier refuses the kernel's code: ${formatFinding(findings[0]!)}`, {
    file: entry,
    help: "`trine verify --target kernel` lists all findings",
  });
}

function requireStackFits({ stack }: CompiledProgram, entry: string): void {
  const room = KERNEL_STACK_BYTES - KERNEL_STACK_RESERVE;
  if (stack.bytes !== null && stack.bytes <= room) return;
  refuse(`the kernel's calls need ${stack.bytes} bytes of stack: ${stack.chain.join(" → ")}`, {
    file: entry,
    help: `there are ${room}: make frames smaller, or KERNEL_STACK_BYTES of kernel/abi/address-space.ts larger`,
  });
}

/** The NASM sources, in an order that does not depend on the file system. */
function assemblySources(root: string): string[] {
  return ASSEMBLY_FOLDERS.flatMap((folder) => listInputs(root, `${folder}/*.asm`));
}
