/**
 * The kernel's side of one of its own interfaces in AssemblyScript: the numbers of its methods and
 * a view over the words of each message.
 */
import { ObjectType } from "../../../kernel/abi/object.ts";
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
  // The kernel serves its objects' methods; a fault it reports as a client of the handler.
  const isServer = model.id <= ObjectType.System;
  for (const method of model.methods) {
    writeLimits(out, model, method);
    writeEnumerations(out, model, method);
    writeView(out, model, method, {
      kind: "Request",
      layout: method.request,
      isWritten: !isServer,
    });
    writeView(out, model, method, {
      kind: "Response",
      layout: method.answer,
      isWritten: isServer,
    });
  }
  return `${out.toString().trimEnd()}\n`;
}

interface View {
  readonly kind: "Request" | "Response";
  readonly layout: Layout;
  /** The kernel writes the message; otherwise it reads the message. */
  readonly isWritten: boolean;
}

/** A class whose reference is the address of the message's words. */
function writeView(
  out: SourceWriter,
  model: InterfaceModel,
  method: Method,
  { kind, layout, isWritten }: View,
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
    for (const field of fields) {
      if (isWritten) writeSetter(out, model, method, field);
      else writeGetter(out, model, method, field);
    }
  });
  out.line();
}

const SELF = "changetype<usize>(this)";

/** For a text, a setter of its length: a text that the kernel sends begins where the arena does. */
function writeSetter(out: SourceWriter, model: InterfaceModel, method: Method, field: Field): void {
  const [name, type, value] = isInArena(field.type)
    ? [`${field.name}Length`, "u32", "(<u64>value) << 32"]
    : [field.name, fieldType(model, method, field), toWord(field.type, "value")];
  out.block(`@inline set ${name}(value: ${type})`, () =>
    out.line(`store<u64>(${SELF}, ${value}, ${8 * field.word});`),
  );
}

/** For a text, two getters: where it begins in the sender's arena, and its length. */
function writeGetter(out: SourceWriter, model: InterfaceModel, method: Method, field: Field): void {
  const word = `load<u64>(${SELF}, ${8 * field.word})`;
  const getters = isInArena(field.type)
    ? [
        [`${field.name}Offset`, "u32", `<u32>${word}`],
        [`${field.name}Length`, "u32", `<u32>(${word} >> 32)`],
      ]
    : [[field.name, fieldType(model, method, field), fromWord(model, method, field, word)]];
  for (const [name, type, value] of getters)
    out.block(`@inline get ${name}(): ${type}`, () => out.line(`return ${value};`));
}
