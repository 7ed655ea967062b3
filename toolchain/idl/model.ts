/**
 * The input of the generators: an interface with the place of each field in the message (the layout
 * rules are in `toolchain/vocabulary/interface.ts`). A model exists only for a description that
 * passed `check.ts`.
 */
import type {
  FieldType,
  InterfaceDescription,
  MethodDescription,
} from "../vocabulary/interface.ts";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Place among the words; -1 for a handle, which has no word. */
  readonly word: number;
  /** Place among the message's handles; -1 if the field is not a handle. */
  readonly handle: number;
}

/** One direction of a method: request or answer. */
export interface Layout {
  readonly fields: readonly Field[];
  readonly words: number;
  readonly handles: number;
  /** Bytes of arena when every field is at its longest. */
  readonly arenaBytes: number;
  /** The message does not fit into registers, and so needs a record. */
  readonly isLong: boolean;
}

export interface Method {
  /** Number in the message header. */
  readonly index: number;
  readonly name: string;
  readonly about: string | undefined;
  readonly idempotent: boolean;
  readonly request: Layout;
  readonly answer: Layout;
}

export interface InterfaceModel {
  readonly name: string;
  readonly id: number;
  readonly version: number;
  readonly about: string | undefined;
  /** The description, relative to the root of the tree. */
  readonly file: string;
  /** Error n of the interface is `errors[n - 1]`. */
  readonly errors: readonly string[];
  readonly methods: readonly Method[];
  readonly description: InterfaceDescription;
}

/**
 * Words that travel in registers; the same number as REGISTER_WORDS_MAX in
 * kernel/abi/system-call.ts (a test compares them).
 */
export const REGISTER_WORDS = 4;

/** The largest value of each type. */
export const SCALAR_MAX = {
  u8: 0xffn,
  u16: 0xffffn,
  u32: 0xffff_ffffn,
  u64: 0xffff_ffff_ffff_ffffn,
  i32: 0x7fff_ffffn,
  i64: 0x7fff_ffff_ffff_ffffn,
  bool: 1n,
} as const;

export function buildModel(file: string, description: InterfaceDescription): InterfaceModel {
  const { name, id, version, about } = description;
  const methods = Object.entries(description.methods).map(([methodName, method], index) =>
    buildMethod(methodName, method, index),
  );
  return { name, id, version, about, file, errors: description.errors ?? [], methods, description };
}

function buildMethod(name: string, method: MethodDescription, index: number): Method {
  return {
    index,
    name,
    about: method.about,
    idempotent: method.idempotent ?? false,
    request: layOut(method.takes ?? {}),
    answer: layOut(method.returns ?? {}),
  };
}

/** Gives each field its word or handle, in order of declaration. */
export function layOut(fields: Readonly<Record<string, FieldType>>): Layout {
  let words = 0;
  let handles = 0;
  let arenaBytes = 0;
  const placed = Object.entries(fields).map(([name, type]): Field => {
    if (type.kind === "handle") return { name, type, word: -1, handle: handles++ };
    if (isInArena(type)) arenaBytes += type.max;
    return { name, type, word: words++, handle: -1 };
  });
  return {
    fields: placed,
    words,
    handles,
    arenaBytes,
    isLong: words > REGISTER_WORDS || handles > 0 || arenaBytes > 0,
  };
}

/** Request and answer travel in registers. */
export const isShort = ({ request, answer }: Method): boolean => !request.isLong && !answer.isLong;

export function isInArena(type: FieldType): type is Extract<FieldType, { readonly max: number }> {
  return type.kind === "bytes" || type.kind === "text";
}
