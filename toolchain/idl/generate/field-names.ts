/**
 * The generated AssemblyScript with the names of all fields and errors, for programs that show
 * messages to people.
 */
import { type Field, type InterfaceModel, type Layout } from "../model.ts";
import { SourceWriter } from "./source-writer.ts";

/** The letter before a field's name says how to show the field's word. */
const KINDS = {
  plain: "n",
  u8: "c",
  u16: "w",
  u32: "d",
  signed: "s",
  i32: "i",
  bool: "t",
  bytes: "b",
  enumeration: "e",
  handle: "h",
};

export function fieldNamesFile(models: readonly InterfaceModel[]): string {
  const out = new SourceWriter();
  out.line("// Generated from all interfaces. Do not edit.").line();
  out.doc(
    "Kinds of fields, by the letter before a name. An enumeration's names follow its own, each behind `=`, the most bytes of a text behind `:`. A handle has no word.",
  );
  for (const [kind, letter] of Object.entries(KINDS)) {
    if (kind !== "plain")
      out.line(
        `export const FIELD_${kind.toUpperCase()}: i32 = 0x${letter.charCodeAt(0).toString(16)};`,
      );
  }
  out.line();
  out.doc(
    "The fields of a request or answer: first those that have a word, in order, then the handles. Empty if there are none, or none are known.",
  );
  out.block("export function fieldNames(header: u32, isAnswer: bool): string", () => {
    out.block("switch (((header >> 16) << 12) | ((header >> 4) & 63))", () => {
      for (const model of models) {
        for (const { index, name, request, answer } of model.methods) {
          const [takes, returns] = [names(request), names(answer)];
          if (takes === "" && returns === "") continue;
          out.line(
            `case 0x${(model.id * 0x1000 + index).toString(16)}: return isAnswer ? "${returns}" : "${takes}"; // ${model.name}.${name}`,
          );
        }
      }
      out.line('default: return "";');
    });
  });
  out.line();
  out.doc("The errors of an interface, in order.");
  out.block("export function errorNames(interfaceId: u32): string", () => {
    out.block("switch (interfaceId)", () => {
      for (const { id, name, errors } of models)
        if (errors.length > 0)
          out.line(`case 0x${id.toString(16)}: return "${errors.join(" ")}"; // ${name}`);
      out.line('default: return "";');
    });
  });
  return out.toString();
}

function names({ fields }: Layout): string {
  const placed = [
    ...fields.filter(({ word }) => word >= 0),
    ...fields.filter(({ word }) => word < 0),
  ];
  return placed.map((field) => kindOf(field) + field.name + limitOf(field)).join(" ");
}

function kindOf({ type }: Field): string {
  switch (type.kind) {
    case "bytes":
    case "text":
      return KINDS.bytes;
    case "enumeration":
      return KINDS.enumeration;
    case "handle":
      return KINDS.handle;
    case "scalar":
      return type.name === "u64"
        ? KINDS.plain
        : type.name === "i64"
          ? KINDS.signed
          : KINDS[type.name];
  }
}

function limitOf({ type }: Field): string {
  if (type.kind === "enumeration") return type.names.map((name) => `=${name}`).join("");
  return type.kind === "bytes" || type.kind === "text" ? `:${type.max}` : "";
}
