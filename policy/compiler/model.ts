/**
 * What a system's policy means: every name resolved. `resolve.ts` builds it, the rest of the
 * compiler reads it.
 */
import type { Event } from "../../kernel/abi/event.ts";
import type { Permission } from "../../kernel/abi/permission.ts";
import type { RuleOperation } from "../../kernel/abi/blob.ts";
import type { ImageDescription } from "../../toolchain/vocabulary/image.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import type { FlowEnd, InterfaceDescription } from "../../toolchain/vocabulary/interface.ts";
import type { PolicyFile } from "./parse.ts";
import type { ExpectStatement, NeverStatement, Span } from "./syntax.ts";

/** A program as it goes into an image. */
export interface ProgramInput {
  /** As the image's slots name it, relative to the root of the tree. */
  readonly folder: string;
  readonly description: ProgramDescription;
  /** SHA-256 of the executable, zero-padded to whole pages: `measureExecutable`. */
  readonly digest: Uint8Array;
  /** Whether the machine-code verifier passed it. */
  readonly verified: boolean;
  /** What the executable takes to start; undefined before it is compiled. */
  readonly needs?: ProgramNeeds | undefined;
}

/**
 * What an executable takes of its domain before its first instruction, as the kernel's loader
 * counts it.
 */
export interface ProgramNeeds {
  /**
   * Code and constants, which are mapped when it starts. Other pages are charged when they are
   * touched.
   */
  readonly readOnlyPages: number;
  /**
   * From the start of the domain's region to the end of what is loaded there, whole pages: stacks
   * lie behind.
   */
  readonly regionBytes: number;
  /** Of each thread. */
  readonly stackBytes: number;
  readonly threadBlockBytes: number;
}

export interface SystemInput {
  readonly image: ImageDescription;
  /** For diagnostics: where the image is described. */
  readonly imageFile?: string;
  /** Text of that file: lines of its slots are found in it. */
  readonly imageText?: string;
  readonly programs: readonly ProgramInput[];
  /** All that the policy may name; at least the kernel's. */
  readonly interfaces: readonly InterfaceDescription[];
  readonly policyFiles: readonly PolicyFile[];
}

export interface Field {
  readonly name: string;
  readonly kind: "unsigned" | "signed" | "bytes" | "text" | "handle";
  /** As FIELD_MAX of kernel/abi/blob.ts. */
  readonly max: bigint;
  /** Which word of the message; undefined for a handle. */
  readonly word: number | undefined;
  /** As it is written in the interface: `u32`, `bool`, `enumeration`, `text(256)`. */
  readonly type: string;
  /** Of an enumeration. */
  readonly names?: readonly string[];
}

export interface Method {
  readonly number: number;
  readonly name: string;
  readonly request: readonly Field[];
  readonly response: readonly Field[];
  /**
   * Of a kernel object's method: what it lets information out of and into. Empty for programs'
   * methods.
   */
  readonly reads: readonly FlowEnd[];
  readonly writes: readonly FlowEnd[];
}

export interface Interface {
  readonly id: number;
  readonly version: number;
  readonly name: string;
  readonly methods: readonly Method[];
  readonly errors: readonly string[];
}

export interface PolicyClass {
  readonly id: number;
  readonly name: string;
  /** The module that declares it; undefined for the kernel's, which belong to no module. */
  readonly module: string | undefined;
  /** Undefined for the kernel's. */
  readonly span: Span | undefined;
}

/** What an instruction compares: words[word] >> shift & mask. */
export interface WordOperand {
  readonly word: number;
  readonly shift: number;
  readonly mask: bigint;
}

export type Condition =
  | { readonly kind: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly kind: "not"; readonly operand: Condition }
  | {
      readonly kind: "test";
      readonly operation: RuleOperation;
      readonly left: WordOperand;
      readonly value: bigint;
    }
  /** The right side has no mask. */
  | {
      readonly kind: "testWords";
      readonly operation: RuleOperation;
      readonly left: WordOperand;
      readonly right: WordOperand;
    };

export interface Rule {
  readonly number: number;
  readonly kind: "message" | "permission" | "execute";
  readonly isRequire: boolean;
  /** Bit n for Event n. */
  readonly events: number;
  /** Those of them that are recorded when the rule helps to grant them. */
  readonly recorded: number;
  /** Bit m for method or permission m. */
  readonly methods: bigint;
  readonly interfaceId: number;
  readonly condition: Condition | undefined;
  /**
   * The event whose message the condition reads: one of `events`. Other events the rule grants as
   * they are.
   */
  readonly read: Event | undefined;
  /** Subject and target classes that it is bound to. */
  readonly pairs: readonly (readonly [number, number])[];
  /** The statement of a module that puts the rule in force: the rule itself, or a `use`. */
  readonly origin: Span;
  readonly span: Span;
  readonly text: string;
}

export interface ExecuteGrant {
  readonly classId: number;
  readonly program: number;
  readonly rule: number;
}

/** An execute rule as it is written, the image having such a program or not. */
export interface ExecuteNaming {
  readonly classId: number;
  readonly program: string;
  readonly span: Span;
  readonly text: string;
}

export interface InitialHandle {
  readonly name: string;
  readonly type: number;
  readonly rights: number;
  readonly interfaceId: number;
  readonly targetSlot: number;
  readonly targetEndpoint: number;
  readonly badge: bigint;
  readonly first: number;
  readonly count: number;
  readonly classId: number;
}

export interface Slot {
  readonly name: string;
  readonly classId: number;
  readonly program: number;
  readonly priority: number;
  readonly ceiling: number;
  readonly quotaPages: number;
  readonly quotaHandles: number;
  readonly quotaThreads: number;
  readonly quotaObjects: number;
  readonly restart: number;
  readonly autostart: boolean;
  readonly faultSlot: number;
  readonly faultEndpoint: number;
  readonly handles: readonly InitialHandle[];
}

export interface Program {
  readonly name: string;
  readonly folder: string;
  readonly digest: Uint8Array;
  readonly verified: boolean;
}

export interface Model {
  readonly imageName: string;
  readonly version: number;
  /** What follows when slot 0 dies too often: the machine starts again, or stops. */
  readonly rebootsOnLoop: boolean;
  /** Likewise after a panic of the kernel. */
  readonly rebootsOnPanic: boolean;
  /** Address spaces have PCIDs if the processor has them. */
  readonly usesPcid: boolean;
  /** By id; holes where no class has that id. */
  readonly classes: readonly (PolicyClass | undefined)[];
  /** Ascending by id. */
  readonly interfaces: readonly Interface[];
  readonly programs: readonly Program[];
  readonly slots: readonly Slot[];
  readonly rules: readonly Rule[];
  readonly execute: readonly ExecuteGrant[];
  /**
   * All execute rules: a module may serve several images, and this one need not have the program.
   */
  readonly executeNamed: readonly ExecuteNaming[];
  /** With the module in whose names they speak. */
  readonly nevers: readonly { readonly statement: NeverStatement; readonly module: string }[];
  readonly expects: readonly { readonly statement: ExpectStatement; readonly module: string }[];
}

/** Permissions by the names that the language has for them; the place is the number. */
export const PERMISSION_NAMES = [
  "transfer",
  "map_read",
  "map_write",
  "signal",
  "bind",
  "ports",
  "copy",
  "seal",
] as const satisfies readonly string[];
export const permissionNumber = (name: string): Permission | undefined => {
  const number = (PERMISSION_NAMES as readonly string[]).indexOf(name);
  return number < 0 ? undefined : number;
};

/** Kernel object classes, by their id, which is their ObjectType. */
export const KERNEL_CLASSES = [
  "",
  "Domain",
  "Memory",
  "Inbox",
  "Endpoint",
  "Notice",
  "Thread",
  "Interrupt",
  "Ports",
  "Clock",
  "Audit",
  "Policy",
  "Slots",
  "Log",
  "Trace",
  "System",
] as const;
