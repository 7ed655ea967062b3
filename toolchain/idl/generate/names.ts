/** Names and types as generated AssemblyScript spells them. */
import type { FieldType } from "../../vocabulary/interface.ts";
import type { Field, InterfaceModel, Method } from "../model.ts";

/** `nextEvent` → `NextEvent`. */
export function pascal(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** `nextEvent` → `NEXT_EVENT`. */
export function constant(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .replace(/-/g, "_")
    .toUpperCase();
}

export const clientName = (model: InterfaceModel): string => `${model.name}Client`;
export const serverName = (model: InterfaceModel): string => `${model.name}Server`;
export const errorName = (model: InterfaceModel): string => `${model.name}Error`;
export const answerName = (model: InterfaceModel, method: Method): string =>
  `${model.name}${pascal(method.name)}Answer`;
export const replyName = (model: InterfaceModel, method: Method): string =>
  `${model.name}${pascal(method.name)}Reply`;
export const interfaceConstant = (model: InterfaceModel): string =>
  `${constant(model.name)}_INTERFACE`;
export const headerConstant = (method: Method): string => `${constant(method.name)}_HEADER`;

/** The enumeration's own name: `Slots.describe.state` → `SlotsDescribeState`. */
export function enumerationName(model: InterfaceModel, method: Method, field: Field): string {
  return `${model.name}${pascal(method.name)}${pascal(field.name)}`;
}

/** The type of a field in a stub's parameters and getters. */
export function fieldType(model: InterfaceModel, method: Method, field: Field): string {
  const { type } = field;
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enumeration":
      return enumerationName(model, method, field);
    case "handle":
      return "u32";
    case "bytes":
    case "text":
      return "Text";
  }
}

/** The word that holds `value`, zero- or sign-extended. */
export function toWord(type: FieldType, value: string): string {
  if (type.kind === "enumeration") return `<u64>(<u32>${value})`;
  if (type.kind === "scalar" && type.name === "u64") return value;
  if (type.kind === "scalar" && (type.name === "i32" || type.name === "i64"))
    return `<u64>(<i64>${value})`;
  return `<u64>${value}`;
}

/** A field's value out of the expression `word`. */
export function fromWord(
  model: InterfaceModel,
  method: Method,
  field: Field,
  word: string,
): string {
  const { type } = field;
  if (type.kind === "scalar" && type.name === "u64") return word;
  if (type.kind === "scalar" && type.name === "bool") return `${word} != 0`;
  return `<${fieldType(model, method, field)}>${type.kind === "enumeration" ? `<u32>${word}` : word}`;
}

/** Offset of a word in a message record; the runtime's `wordOffset` (a test compares them). */
export function wordOffset(word: number): number {
  return word < 4 ? word * 8 : 128 + (word - 4) * 8;
}

/** `load<u64>(at, offset)` of a word. */
export function loadWord(at: string, word: number): string {
  return word === 0 ? `load<u64>(${at})` : `load<u64>(${at}, ${wordOffset(word)})`;
}

export function storeWord(at: string, word: number, value: string): string {
  return word === 0
    ? `store<u64>(${at}, ${value});`
    : `store<u64>(${at}, ${value}, ${wordOffset(word)});`;
}
