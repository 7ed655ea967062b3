/**
 * The vocabulary of interface descriptions (`*.idl.ts`). A description is data, owned by neither
 * client nor server; stubs, dispatch, message layouts for the monitor and reference pages are
 * generated from it.
 *
 * Layout of a message. Every field takes one 64-bit word, in order of declaration: word 0 first, at
 * most 64. Integers and booleans are zero- or sign-extended to the word. `bytes` and `text` are a
 * descriptor, offset in the arena (low half) and length (high half). A `handle` takes no word: the
 * n-th handle field is the n-th handle of the message. An error reply carries its number, counted
 * from 1 in order of declaration, in word 0 and nothing else.
 */
type ScalarName = "u8" | "u16" | "u32" | "u64" | "i32" | "i64" | "bool";

export type FieldType =
  | { readonly kind: "scalar"; readonly name: ScalarName }
  | { readonly kind: "enumeration"; readonly names: readonly string[] }
  /** At most `max` bytes in the arena. */
  | { readonly kind: "bytes"; readonly max: number }
  /** At most `max` bytes of UTF-8 in the arena. */
  | { readonly kind: "text"; readonly max: number }
  /** A handle carried by the message, of the object type or interface named. */
  | { readonly kind: "handle"; readonly to: string };

// The types keep what was written, so that tools can derive a field's TypeScript type from its
// description (message.ts).
const scalar = <const N extends ScalarName>(
  name: N,
): { readonly kind: "scalar"; readonly name: N } => ({ kind: "scalar", name });
export const u8 = scalar("u8");
export const u16 = scalar("u16");
export const u32 = scalar("u32");
export const u64 = scalar("u64");
export const i32 = scalar("i32");
export const i64 = scalar("i64");
export const bool = scalar("bool");
/** One of the names; its number is its place in the list. */
export const enumeration = <const N extends readonly string[]>(
  ...names: N
): { readonly kind: "enumeration"; readonly names: N } => ({ kind: "enumeration", names });
export const bytes = (max: number): { readonly kind: "bytes"; readonly max: number } => ({
  kind: "bytes",
  max,
});
export const text = (max: number): { readonly kind: "text"; readonly max: number } => ({
  kind: "text",
  max,
});
export const handle = (to: string): { readonly kind: "handle"; readonly to: string } => ({
  kind: "handle",
  to,
});

/**
 * Where a method of a kernel object reads or writes information, besides its reply: `never flow`
 * follows these ends.
 *
 *   Audit, Trace, Log, Slots, System   state that all programs share: records, messages, lines,
 *              states of domains, memory of the machine
 *   object     the called object, as far as other domains have a handle to it
 *   domains    every other domain: the method decides whether it runs
 *   handles    every domain that was sent a handle: the method removes the handle
 *   own        none of these: the caller's own domain, or what is the same for all domains, such as
 *              image, policy and clock
 */
export const FLOW_ENDS = [
  "Audit",
  "Trace",
  "Log",
  "Slots",
  "System",
  "object",
  "domains",
  "handles",
  "own",
] as const;
export type FlowEnd = (typeof FLOW_ENDS)[number];

export interface MethodDescription {
  /** What the method does; becomes the reference page and the stub's docstring. */
  readonly about?: string;
  readonly takes?: Readonly<Record<string, FieldType>>;
  readonly returns?: Readonly<Record<string, FieldType>>;
  /** May be repeated after `Restarted` without harm. */
  readonly idempotent?: boolean;
  /** Of a kernel object, at least one of the two; one that returns something says what it reads. */
  readonly reads?: readonly FlowEnd[];
  readonly writes?: readonly FlowEnd[];
}

export interface InterfaceDescription {
  readonly name: string;
  /** Unique in a system: below 0x100 the kernel's own, up to 0xffff programs'. */
  readonly id: number;
  /** Raised by every change that an old client or server would not understand. */
  readonly version: number;
  readonly about?: string;
  readonly errors?: readonly string[];
  /** Method n of the interface is the n-th entry; at most 64. New ones are appended. */
  readonly methods: Readonly<Record<string, MethodDescription>>;
}

export function defineInterface<const T extends InterfaceDescription>(description: T): T {
  return description;
}
