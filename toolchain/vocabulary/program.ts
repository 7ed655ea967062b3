/**
 * The vocabulary of program manifests (`services/<name>/program.ts`, `drivers/<name>/program.ts`).
 * A manifest is data; the image builder checks it against interfaces, images and the policy.
 */
import type { InterfaceDescription } from "./interface.ts";

/** Kernel objects that a program may ask for by name. */
type KernelObjectName = "Clock" | "Audit" | "Policy" | "Slots" | "Log" | "Trace" | "System";

/**
 * What a program is, whichever image it is put into. The handles of an instance follow from the
 * order here: index HANDLE_INDEX_FIRST_NAMED on, first `serves`, then `uses`, then `kernel`, then
 * `devices`; their numbers are generated as constants of these names.
 */
export interface ProgramDescription {
  readonly name: string;
  /**
   * Beside the manifest: AssemblyScript that exports `main(): void`, or NASM (`.asm`) that defines
   * `_start` and is marked as unverified.
   */
  readonly entry: string;
  /** Endpoints that it owns, each received by its main inbox. */
  readonly serves?: Readonly<Record<string, InterfaceDescription>>;
  /** Endpoints of others that it calls. */
  readonly uses?: Readonly<Record<string, InterfaceDescription>>;
  readonly kernel?: Readonly<Record<string, KernelObjectName>>;
  /** Hardware: the image says which ports and which line. */
  readonly devices?: Readonly<Record<string, "ports" | "interrupt">>;
  /** Linear memory in pages of 64 KiB: at most. Default 256 (16 MiB). */
  readonly memoryPagesMax?: number;
  /** Native stack; default 64 KiB. */
  readonly stackBytes?: number;
  /**
   * What its code may use of the processor, as x86-64-v1, v2 or v3; default "v1". The kernel
   * refuses to start it on a processor that has less.
   */
  readonly level?: ProcessorLevel;
}

export type ProcessorLevel = "v1" | "v2" | "v3";

export const defineProgram = <const T extends ProgramDescription>(description: T): T => description;
