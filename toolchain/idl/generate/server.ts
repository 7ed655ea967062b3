/**
 * The server's side of an interface in AssemblyScript: an abstract class with a method for each
 * method of the interface and a dispatch that reads requests, and for each answer with fields a
 * class by which a handler fills in the answer.
 */
import { type Field, type InterfaceModel, isInArena, type Method } from "../model.ts";
import {
  fieldType,
  fromWord,
  headerConstant,
  interfaceConstant,
  loadWord,
  replyName,
  serverName,
  storeWord,
  toWord,
} from "./names.ts";
import type { SourceWriter } from "./source-writer.ts";

export function writeServer(out: SourceWriter, model: InterfaceModel): void {
  for (const method of model.methods) writeReply(out, model, method);

  const isLong = model.methods.some((method) => method.request.isLong);
  const arenaBytes = Math.max(0, ...model.methods.map((method) => method.request.arenaBytes));
  const handles = Math.max(0, ...model.methods.map((method) => method.request.handles));
  out.doc(
    `Serves ${model.name}: extend it, write the methods, and hand an object of it to \`serve\`. Texts and replies belong to the one request.`,
  );
  out.block(`export abstract class ${serverName(model)} extends Service`, () => {
    out.block("constructor()", () =>
      out.line(`super(${interfaceConstant(model)}, ${isLong}, ${arenaBytes}, ${handles});`),
    );
    for (const method of model.methods) {
      out.line().doc(method.about);
      out.line(`abstract ${method.name}(${handlerParameters(model, method)}): u32;`);
    }
    out.line();
    out.block("dispatch(method: u32): u32", () => {
      out.block("switch (method)", () => {
        for (const method of model.methods) writeCase(out, model, method);
      });
      out.line(
        `return errorReply(SERVER_RECORD, ${interfaceConstant(model)} << 16 | method << 4, UNKNOWN_METHOD);`,
      );
    });
  });
  out.line();
}

function handlerParameters(model: InterfaceModel, method: Method): string {
  const fields = method.request.fields.map(
    (field) => `${field.name}: ${fieldType(model, method, field)}`,
  );
  if (method.answer.fields.length > 0) fields.push(`reply: ${replyName(model, method)}`);
  return fields.join(", ");
}

function writeCase(out: SourceWriter, model: InterfaceModel, method: Method): void {
  const header = headerConstant(method);
  const values = method.request.fields.map((field) => requestField(model, method, field));
  const hasReply = method.answer.fields.length > 0;
  if (hasReply) values.push("reply");
  out.block(`case ${method.index}:`, () => {
    if (hasReply) out.line(`const reply = ${replyName(model, method)}.at(SERVER_RECORD);`);
    out.line(`const error = this.${method.name}(${values.join(", ")});`);
    out.line("if (error == DEFERRED) return DEFERRED;");
    out.line(`if (error != OK) return errorReply(SERVER_RECORD, ${header}, error);`);
    out.line(hasReply ? "return reply.finish();" : `return ${header} & ~HEADER_WORDS_MASK;`);
  });
}

function requestField(model: InterfaceModel, method: Method, field: Field): string {
  if (field.type.kind === "handle") return `load<u32>(SERVER_RECORD, ${96 + 4 * field.handle})`;
  const word = loadWord("SERVER_RECORD", field.word);
  if (isInArena(field.type))
    return `Text.view(memory.data(12, 4), requestArena() + <u32>${word}, <u32>(${word} >> 32))`;
  return fromWord(model, method, field, word);
}

/**
 * The class of an answer: setters, and `finish`, which makes the message. For a deferred answer
 * `to` returns the object, and `send` or `refuse` sends the message.
 */
function writeReply(out: SourceWriter, model: InterfaceModel, method: Method): void {
  const { answer } = method;
  const name = replyName(model, method);
  const inArena = answer.fields.filter((field) => isInArena(field.type));
  const self = "changetype<usize>(this)";
  const header = `(${headerConstant(method)} & ~HEADER_WORDS_MASK)${answer.words === 0 ? "" : ` | ${Math.min(answer.words, 4)}`}`;

  out.doc(`The answer to \`${method.name}\`.`);
  out.line("@unmanaged").line("@final");
  out.block(`export class ${name}`, () => {
    if (inArena.length > 0) out.line("private static arena: usize = 0;").line();
    out.doc("An empty answer in `record`.");
    out.block(`static at(record: usize): ${name}`, () => {
      out.line(`const reply = changetype<${name}>(record);`);
      if (inArena.length > 0) {
        out.line(`if (${name}.arena == 0) ${name}.arena = heap.alloc(${answer.arenaBytes});`);
        let offset = 0;
        for (const { name: field, type } of inArena) {
          const max = isInArena(type) ? type.max : 0;
          out.line(`reply.${field}.address = ${name}.arena${offset === 0 ? "" : ` + ${offset}`};`);
          out.line(`reply.${field}.length = 0;`);
          out.line(`reply.${field}.room = ${max};`);
          offset += max;
        }
      }
      out.line("return reply;");
    });
    out.line().doc("The answer to a deferred request: fill it in, then `send` it. One at a time.");
    out.block(`static to(token: u64): ${name}`, () => {
      out.line("store<u64>(DEFERRED_RECORD, token, RECORD_TOKEN);");
      out.line(`return ${name}.at(DEFERRED_RECORD);`);
    });
    for (const field of answer.fields) writeSetter(out.line(), model, method, field);
    out.line().doc("Makes the message and returns its header.");
    out.block("finish(): u32", () => {
      if (!answer.isLong) return void out.line(`return ${header};`);
      let [arena, bytes] = ["0", "0"];
      if (inArena.length > 0) {
        [arena, bytes] = [`${name}.arena`, "end"];
        out.line("let end: u32 = 0;");
        for (const { name: field, word } of inArena) {
          out.line(storeWord(self, word, `describeBytes(end, this.${field}.length)`));
          out.line(
            `memory.copy(${name}.arena + end, this.${field}.address, this.${field}.length);`,
          );
          out.line(`end += this.${field}.length;`);
        }
      }
      out.line(
        `return longReply(${self}, ${header}, ${answer.words}, ${answer.handles}, ${arena}, ${bytes});`,
      );
    });
    out
      .line()
      .doc("Sends an answer made with `to`. The status is Gone if the caller no longer waits.");
    out.block("send(): u32", () => out.line(`return sendReply(${self}, this.finish());`));
    out.line().doc("Sends an error of the interface instead.");
    out.block("refuse(error: u32): u32", () =>
      out.line(`return sendReply(${self}, errorReply(${self}, ${headerConstant(method)}, error));`),
    );
  });
  out.line();
}

function writeSetter(out: SourceWriter, model: InterfaceModel, method: Method, field: Field): void {
  const self = "changetype<usize>(this)";
  const type = fieldType(model, method, field);
  if (isInArena(field.type)) {
    out.doc("Empty at first; as long as the interface allows.");
    out.block(`get ${field.name}(): Text`, () =>
      out.line("return changetype<Text>(memory.data(12, 4));"),
    );
  } else if (field.type.kind === "handle") {
    out.block(`${field.name}(handle: u32, rights: u32): void`, () =>
      out.line(`putHandle(${self}, ${field.handle}, handle, rights);`),
    );
  } else {
    out.block(`@inline set ${field.name}(value: ${type})`, () =>
      out.line(storeWord(self, field.word, toWord(field.type, "value"))),
    );
  }
}
