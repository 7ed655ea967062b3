/**
 * The kernel's side of one of its own interfaces in AssemblyScript: the numbers of its methods and
 * a view over the words of each message.
 */
import { type Field, type InterfaceModel, isInArena, type Layout, type Method } from "../model.ts";
import { writeEnumerations, writeLimits } from "./interface-file.ts";
import { fieldType, fromWord, pascal, toWord } from "./names.ts";
import { SourceWriter } from "./source-writer.ts";

export function kernelFile(model: InterfaceModel): string {
  const out = new SourceWriter();
  out.line(`// Generated from ${model.file}. Do not edit.`).line();
  out.doc(`The methods of ${model.name}, by their number in the header.`);
  out.block(`export enum ${model.name}Method`, () =>
    model.methods.forEach(({ name, index }) => out.line(`${pascal(name)} = ${index},`)),
  );
  out.line();
  for (const method of model.methods) {
    writeLimits(out, model, method);
    writeEnumerations(out, model, method);
    writeView(out, model, method, "Request", method.request);
    writeView(out, model, method, "Response", method.answer);
  }
  return `${out.toString().trimEnd()}\n`;
}

/** A class whose reference is the address of the message's words. */
function writeView(
  out: SourceWriter,
  model: InterfaceModel,
  method: Method,
  kind: "Request" | "Response",
  layout: Layout,
): void {
  const { fields, words, handles } = layout;
  if (fields.length === 0) return;
  const name = `${model.name}${pascal(method.name)}${kind}`;
  if (handles > 0) throw new Error(`${name} carries handles, which no kernel method can`);
  if (fields.filter(({ type }) => isInArena(type)).length > 1)
    throw new Error(`${name} has two texts, and the kernel's buffer holds one`);

  out.doc(`The words of \`${method.name}\`'s ${kind.toLowerCase()}.`);
  out.line("@unmanaged").line("@final");
  out.block(`export class ${name}`, () => {
    out.block(`@inline static at(words: usize): ${name}`, () =>
      out.line(`return changetype<${name}>(words);`),
    );
    out.doc("Their number.");
    out.block("@inline static get WORDS(): u32", () => out.line(`return ${words};`));
    for (const field of fields) writeField(out.line(), model, method, field);
  });
  out.line();
}

/** Of a text, the setter writes its length: a response's text begins where the arena does. */
function writeField(out: SourceWriter, model: InterfaceModel, method: Method, field: Field): void {
  const { name, type, word } = field;
  const self = "changetype<usize>(this)";
  const loaded = `load<u64>(${self}, ${8 * word})`;
  const store = (value: string): string => `store<u64>(${self}, ${value}, ${8 * word});`;
  if (isInArena(type)) {
    writeGetter(out, `${name}Offset`, "u32", `<u32>${loaded}`);
    writeGetter(out, `${name}Length`, "u32", `<u32>(${loaded} >> 32)`);
    writeSetter(out, `${name}Length`, "u32", store("(<u64>value) << 32"));
    return;
  }
  const valueType = fieldType(model, method, field);
  writeGetter(out, name, valueType, fromWord(model, method, field, loaded));
  writeSetter(out, name, valueType, store(toWord(type, "value")));
}

function writeGetter(out: SourceWriter, name: string, type: string, value: string): void {
  out.block(`@inline get ${name}(): ${type}`, () => out.line(`return ${value};`));
}

function writeSetter(out: SourceWriter, name: string, type: string, statement: string): void {
  out.block(`@inline set ${name}(value: ${type})`, () => out.line(statement));
}
