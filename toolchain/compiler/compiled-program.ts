/** What a program is compiled from, and what its compilation returns. */
import type { Level, Target } from "../ir/module.ts";
import type { Diagnostic } from "../report/diagnostic.ts";
import type { Finding } from "../verify/verify.ts";
import type { StackDepth } from "./stack-depth.ts";

export interface CompileOptions {
  readonly root: string;
  /**
   * AssemblyScript entry, relative to the root. Domains and linux programs export `main`. A
   * domain's may be NASM (`.asm`).
   */
  readonly entry: string;
  readonly target: Target;
  /** Folder of the outputs `<name>.elf`, `<name>.bin` (domains), `<name>.lst`. */
  readonly outDir: string;
  readonly name: string;
  /** Texts that take the place of files, by path relative to the root. */
  readonly virtualFiles?: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
  /** NASM sources (`.asm`) or objects (`.o`) to link, relative to the root. */
  readonly extraObjects?: readonly string[];
  /**
   * Linear memory may grow to this many pages of 64 KiB. Default: what the module says, else 256.
   */
  readonly memoryPagesMax?: number;
  /** Native stack. Default: 64 KiB for a domain, 8 MiB for linux. */
  readonly stackBytes?: number;
  /**
   * The level of x86-64 that the processor must have. Default: the lowest; the kernel always has
   * the lowest.
   */
  readonly level?: Level;
  /** Switches the allocation checker off. Default: on. */
  readonly check?: boolean;
  /** The program drives a device: a driver may not pause to collect garbage. */
  readonly isDriver?: boolean;
}

export interface ProgramSizes {
  /** Bytes of machine code, constants, variables, initial linear memory. */
  readonly text: number;
  readonly rodata: number;
  readonly data: number;
  readonly linear: number;
  readonly functions: number;
  /** Bytes of the file that the kernel takes (`.bin`), or of the ELF file. */
  readonly executable: number;
}

export interface CompiledProgram {
  /** What the entry is written in. */
  readonly language: "typescript" | "assembly";
  /** Executable with symbols, line tables and debug information. */
  readonly elfPath: string;
  /** What goes into the boot archive: the same segments without anything else; only for domains. */
  readonly binaryPath: string | null;
  readonly listingPath: string;
  /**
   * Names and lines of its code (toolchain/elf/symbol-table.md); only for domains, the kernel
   * carries its own.
   */
  readonly symbolsPath: string | null;
  /**
   * The program has a collector. Its heap may grow to `heapBytesMax`, and a collection takes at
   * most `pauseInstructionsMax` instructions.
   */
  readonly collects: boolean;
  readonly heapBytesMax: number;
  readonly pauseInstructionsMax: number;
  /** The verifier found nothing. */
  readonly verified: boolean;
  readonly findings: readonly Finding[];
  readonly sizes: ProgramSizes;
  readonly stack: StackDepth;
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[];
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
  /** Nothing had changed since an earlier run, whose files are still valid. */
  readonly fromCache: boolean;
}
