/**
 * The vocabulary of program manifests (`services/<name>/program.ts`, `drivers/<name>/program.ts`)
 * and image descriptions (`images/<name>.image.ts`). Both are data; the image builder checks them
 * against each other, the interfaces and the policy.
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

export type Device =
  | { readonly kind: "ports"; readonly first: number; readonly count: number }
  | { readonly kind: "interrupt"; readonly line: number };
export const ports = (first: number, count: number): Device => ({ kind: "ports", first, count });
export const interrupt = (line: number): Device => ({ kind: "interrupt", line });

export interface SlotDescription {
  /** Folder of the program, relative to the root of the tree. */
  readonly program: string;
  /** Its class in the policy. */
  readonly class: string;
  /** 1 (low) … 255; the priority of its first thread. */
  readonly priority: number;
  /** Highest priority that a call may lend it; default: 255. */
  readonly ceiling?: number;
  readonly quota: {
    readonly pages: number;
    readonly handles?: number;
    readonly threads?: number;
    readonly objects?: number;
  };
  /** `uses` name → "slot.endpoint", or with a badge. */
  readonly channels?: Readonly<
    Record<string, string | { readonly to: string; readonly badge: number }>
  >;
  readonly devices?: Readonly<Record<string, Device>>;
  /** What the supervisor does when the instance ends. */
  readonly restart?: "never" | "onFault" | "always";
  /** Start with the system; default true. */
  readonly autostart?: boolean;
  /**
   * The program may be one that the machine-code verifier did not pass; without this the build
   * warns of it. Default false.
   */
  readonly mayBeUnverified?: boolean;
  /**
   * "slot.endpoint" that serves the interface Fault; default: the supervisor's, where it has one.
   */
  readonly faultHandler?: string;
}

export interface ImageDescription {
  readonly name: string;
  /** Policy version: only rises. */
  readonly version: number;
  /** Policy files, relative to the root of the tree; globs allowed. */
  readonly policy: readonly string[];
  /** Slot 0 is the first entry: the supervisor, which the kernel itself starts and restarts. */
  readonly slots: Readonly<Record<string, SlotDescription>>;
  /** After 5 deaths of slot 0 within 60 s. Default "stop". */
  readonly onSupervisorLoop?: "stop" | "reboot";
  /**
   * After a panic of the kernel. Default "stop". "reboot" here and above waits 10 s, and gives up
   * after 5 failures in a row.
   */
  readonly onPanic?: "stop" | "reboot";
}

export const defineProgram = <const T extends ProgramDescription>(description: T): T => description;
export const defineImage = <const T extends ImageDescription>(description: T): T => description;
