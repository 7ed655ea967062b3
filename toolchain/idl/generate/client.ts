/**
 * The client's side of an interface in AssemblyScript: a class with a method for each method of the
 * interface, and a class for each answer with fields. A client's reference *is* the number of its
 * handle, so that a client takes no memory.
 */
import {
  type Field,
  type InterfaceModel,
  isInArena,
  isShort,
  type Layout,
  type Method,
  REGISTER_WORDS,
} from "../model.ts";
import {
  answerName,
  clientName,
  fieldType,
  fromWord,
  headerConstant,
  loadWord,
  storeWord,
  toWord,
} from "./names.ts";
import type { SourceWriter } from "./source-writer.ts";

/** An idempotent method is called a second time if the server was restarted meanwhile. */
const RESTARTED_TRIES = 2;

export function writeClient(out: SourceWriter, model: InterfaceModel): void {
  for (const method of model.methods)
    if (method.answer.fields.length > 0) writeAnswer(out, model, method);

  out.doc(model.about ?? `Calls a server of ${model.name}.`);
  out.line("@unmanaged").line("@final");
  out.block(`export class ${clientName(model)}`, () => {
    out.doc("The client that calls through `handle`.");
    out.block(`@inline static of(handle: u32): ${clientName(model)}`, () =>
      out.line(`return changetype<${clientName(model)}>(<usize>handle);`),
    );
    out.line();
    out.block("@inline get handle(): u32", () => out.line("return <u32>changetype<usize>(this);"));
    for (const method of model.methods) writeMethod(out.line(), model, method);
  });
  out.line();
}

function writeMethod(out: SourceWriter, model: InterfaceModel, method: Method): void {
  const answer = method.answer.fields.length > 0 ? answerName(model, method) : "Answer";
  out.doc(method.about);
  out.block(`${method.name}(${parameters(model, method)}): ${answer}`, () => {
    if (method.idempotent) {
      out.line("let tries = 0;");
      out.block(
        "do",
        () => writeCall(out, method),
        `} while (++tries < ${RESTARTED_TRIES} && isRestarted());`,
      );
    } else {
      writeCall(out, method);
    }
    out.line(`return changetype<${answer}>(CALL_RECORD);`);
  });
}

/** A short call has its words as parameters; for all others they are put into the record. */
function writeCall(out: SourceWriter, method: Method): void {
  if (isShort(method)) return void out.line(`${shortCall(method)};`);
  writeRequest(out, method.request);
  out.line(`${callExpression(method)};`);
  const inArena = method.request.fields.filter((field) => isInArena(field.type));
  if (inArena.length === 0) return;
  // The types of the other parameters keep them in range.
  out.block("if (isMalformed())", () => {
    for (const { name, type } of inArena)
      out.line(`noteLength("${name}", ${name}.length, ${isInArena(type) ? type.max : 0});`);
  });
}

/** A handle is followed by the rights that the receiver gets. */
function parameters(model: InterfaceModel, method: Method): string {
  return method.request.fields
    .map(
      (field) =>
        `${field.name}: ${fieldType(model, method, field)}${field.type.kind === "handle" ? `, ${field.name}Rights: u32` : ""}`,
    )
    .join(", ");
}

function writeRequest(out: SourceWriter, request: Layout): void {
  const inArena = request.fields.filter((field) => isInArena(field.type));
  if (inArena.length > 1) writeArena(out, request, inArena);
  for (const field of request.fields) {
    if (field.type.kind === "handle")
      out.line(`putHandle(CALL_RECORD, ${field.handle}, ${field.name}, ${field.name}Rights);`);
    else if (!isInArena(field.type))
      out.line(storeWord("CALL_RECORD", field.word, toWord(field.type, field.name)));
    else if (inArena.length === 1)
      out.line(storeWord("CALL_RECORD", field.word, `describeBytes(0, ${field.name}.length)`));
  }
}

/** Several runs of bytes are put one behind the other; one alone is sent from where it lies. */
function writeArena(out: SourceWriter, request: Layout, fields: readonly Field[]): void {
  out.line(`const arena = sendArena(${request.arenaBytes});`);
  out.line("let arenaBytes: u32 = 0;");
  for (const { name, word, type } of fields) {
    const max = isInArena(type) ? type.max : 0;
    out.line(storeWord("CALL_RECORD", word, `describeBytes(arenaBytes, ${name}.length)`));
    out.line(`memory.copy(arena + arenaBytes, ${name}.address, min(${name}.length, <u32>${max}));`);
    out.line(`arenaBytes += min(${name}.length, <u32>${max});`);
  }
}

function shortCall(method: Method): string {
  const { request, answer } = method;
  const words = Array.from({ length: REGISTER_WORDS }, (_, index) => {
    const field = request.fields.find(({ word }) => word === index);
    return field === undefined ? "0" : toWord(field.type, field.name);
  });
  // An error has one word.
  const answerWords = Math.max(1, answer.words);
  return `ShortCall.make(this.handle, ${headerConstant(method)}, ${answerWords}, ${words.join(", ")})`;
}

function callExpression(method: Method): string {
  const { request, answer } = method;
  const header = headerConstant(method);
  const inArena = request.fields.filter((field) => isInArena(field.type));
  const [arena, bytes] =
    inArena.length === 0
      ? ["0", "0"]
      : inArena.length === 1
        ? [`${inArena[0]!.name}.address`, `${inArena[0]!.name}.length`]
        : ["arena", "arenaBytes"];
  return `callLong(this.handle, ${header}, ${request.words}, ${request.handles}, ${arena}, ${bytes}, ${answer.arenaBytes}, ${answer.handles})`;
}

function writeAnswer(out: SourceWriter, model: InterfaceModel, method: Method): void {
  out.doc(`What \`${method.name}\` answers; its fields mean something if \`ok\`.`);
  out.line("@unmanaged").line("@final");
  out.block(`export class ${answerName(model, method)} extends Answer`, () => {
    method.answer.fields.forEach((field, index) => {
      if (index > 0) out.line();
      writeGetter(out, model, method, field);
    });
  });
  out.line();
}

function writeGetter(out: SourceWriter, model: InterfaceModel, method: Method, field: Field): void {
  const self = "changetype<usize>(this)";
  const type = fieldType(model, method, field);
  if (isInArena(field.type)) {
    out.block(`get ${field.name}(): ${type}`, () => {
      out.line(`const word = ${loadWord(self, field.word)};`);
      out.line(
        "return Text.view(memory.data(12, 4), receiveArena(0) + <u32>word, this.ok ? <u32>(word >> 32) : 0);",
      );
    });
    return;
  }
  const value =
    field.type.kind === "handle"
      ? `load<u32>(${self}, ${96 + 4 * field.handle})`
      : fromWord(model, method, field, loadWord(self, field.word));
  out.block(`@inline get ${field.name}(): ${type}`, () => out.line(`return ${value};`));
}
