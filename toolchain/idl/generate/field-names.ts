/** The generated AssemblyScript that knows the names of all fields, for whoever shows messages to people. */
import { type InterfaceModel, isInArena, type Layout, REGISTER_WORDS } from "../model.ts";
import { SourceWriter } from "./source-writer.ts";

/** Letter before a field's name: how its word is to be shown. */
const PLAIN = "n";
const SIGNED = "s";
const BYTES = "b";

export function fieldNamesFile(models: readonly InterfaceModel[]): string {
  const out = new SourceWriter();
  out.line("// Generated from all interfaces. Do not edit.").line();
  out.doc("Kinds of words, by the letter before a name: bytes or text, and signed numbers. Any other letter: a number.");
  out.line(`export const FIELD_BYTES: i32 = 0x${BYTES.charCodeAt(0).toString(16)};`);
  out.line(`export const FIELD_SIGNED: i32 = 0x${SIGNED.charCodeAt(0).toString(16)};`).line();
  out.doc("Names of the first four words of a request or answer, in order, each with the letter of its kind before it; empty if there are none, or none are known.");
  out.block("export function fieldNames(header: u32, isAnswer: bool): string", () => {
    out.block("switch (((header >> 16) << 12) | ((header >> 4) & 63))", () => {
      for (const model of models) {
        for (const { index, name, request, answer } of model.methods) {
          const [takes, returns] = [names(request), names(answer)];
          if (takes === "" && returns === "") continue;
          out.line(`case 0x${(model.id * 0x1000 + index).toString(16)}: return isAnswer ? "${returns}" : "${takes}"; // ${model.name}.${name}`);
        }
      }
      out.line('default: return "";');
    });
  });
  return out.toString();
}

function names(layout: Layout): string {
  const words = layout.fields.filter((field) => field.word >= 0).slice(0, REGISTER_WORDS);
  return words.map(({ name, type }) => (isInArena(type) ? BYTES : type.kind === "scalar" && type.name.startsWith("i") ? SIGNED : PLAIN) + name).join(" ");
}
