/**
 * Messages on the host: converts the values of an interface's fields to the words, arena and
 * handles that carry them, and back. The types of the values follow from the description, so that
 * the compiler checks a test or a tool against the interface.
 */
import type {
  FieldType,
  InterfaceDescription,
  MethodDescription,
} from "../vocabulary/interface.ts";
import { isInArena, type Layout, layOut } from "./model.ts";

/** The TypeScript type of a field's value. */
type FieldValue<F> = F extends { readonly kind: "scalar"; readonly name: infer N }
  ? N extends "u64" | "i64"
    ? bigint
    : N extends "bool"
      ? boolean
      : number
  : F extends { readonly kind: "enumeration"; readonly names: readonly (infer N)[] }
    ? N
    : F extends { readonly kind: "text" }
      ? string
      : F extends { readonly kind: "bytes" }
        ? Uint8Array
        : F extends { readonly kind: "handle" }
          ? number
          : never;

type Fields<F> = { -readonly [K in keyof F]: FieldValue<F[K]> };
/** An empty interface would accept any object. */
type NoFields = Record<never, never>;
export type MethodName<I extends InterfaceDescription> = keyof I["methods"] & string;
export type Takes<
  I extends InterfaceDescription,
  M extends MethodName<I>,
> = I["methods"][M] extends { readonly takes: infer F } ? Fields<F> : NoFields;
export type Returns<
  I extends InterfaceDescription,
  M extends MethodName<I>,
> = I["methods"][M] extends { readonly returns: infer F } ? Fields<F> : NoFields;
export type ErrorName<I extends InterfaceDescription> = I extends {
  readonly errors: readonly (infer N extends string)[];
}
  ? N
  : never;

export type Value = number | bigint | boolean | string | Uint8Array;
export type Values = Readonly<Record<string, Value>>;

/** A message as it is sent. */
export interface WireMessage {
  readonly words: readonly bigint[];
  readonly arena: Uint8Array;
  readonly handles: readonly number[];
}

/** Number and description of a method. */
export function findMethod(
  description: InterfaceDescription,
  name: string,
): { index: number; method: MethodDescription } {
  const index = Object.keys(description.methods).indexOf(name);
  if (index < 0) throw new Error(`${description.name} has no method ${name}`);
  return { index, method: description.methods[name]! };
}

export function encodeMessage(layout: Layout, values: Values): WireMessage {
  const words: bigint[] = [];
  const handles: number[] = [];
  const parts: Uint8Array[] = [];
  let arenaBytes = 0;
  for (const { name, type } of layout.fields) {
    const value = values[name];
    if (value === undefined) throw new Error(`field ${name} has no value`);
    if (type.kind === "handle") {
      handles.push(value as number);
    } else if (isInArena(type)) {
      const part =
        typeof value === "string" ? new TextEncoder().encode(value) : (value as Uint8Array);
      if (part.length > type.max)
        throw new Error(`field ${name} has ${part.length} bytes, more than ${type.max}`);
      words.push(BigInt(arenaBytes) | (BigInt(part.length) << 32n));
      parts.push(part);
      arenaBytes += part.length;
    } else {
      words.push(encodeWord(type, value));
    }
  }
  return { words, arena: Buffer.concat(parts), handles };
}

export function decodeMessage(
  layout: Layout,
  { words, arena, handles }: WireMessage,
): Record<string, Value> {
  if (words.length !== layout.words || handles.length !== layout.handles) {
    throw new Error(
      `${words.length} words and ${handles.length} handles where ${layout.words} and ${layout.handles} belong`,
    );
  }
  return Object.fromEntries(
    layout.fields.map(({ name, type, word, handle }) => {
      if (handle >= 0) return [name, handles[handle]!];
      if (!isInArena(type)) return [name, decodeWord(type, words[word]!)];
      const offset = Number(words[word]! & 0xffffffffn);
      const length = Number(words[word]! >> 32n);
      if (offset + length > arena.length || length > type.max)
        throw new Error(
          `field ${name}: ${length} bytes at ${offset} do not lie in an arena of ${arena.length}`,
        );
      const part = arena.slice(offset, offset + length);
      return [
        name,
        type.kind === "text" ? new TextDecoder("utf-8", { fatal: true }).decode(part) : part,
      ];
    }),
  );
}

export const requestLayout = (method: MethodDescription): Layout => layOut(method.takes ?? {});
export const answerLayout = (method: MethodDescription): Layout => layOut(method.returns ?? {});

function encodeWord(type: FieldType, value: Value): bigint {
  if (type.kind === "enumeration") {
    const index = type.names.indexOf(value as string);
    if (index < 0) throw new Error(`${String(value)} is none of ${type.names.join(", ")}`);
    return BigInt(index);
  }
  return BigInt.asUintN(64, BigInt(value as number | bigint | boolean));
}

function decodeWord(type: FieldType, word: bigint): Value {
  if (type.kind === "enumeration") return type.names[Number(word)] ?? Number(word);
  if (type.kind !== "scalar") throw new Error(`${type.kind} takes no word`);
  if (type.name === "bool") return word !== 0n;
  if (type.name === "i64") return BigInt.asIntN(64, word);
  if (type.name === "u64") return word;
  return Number(BigInt.asIntN(64, word));
}
