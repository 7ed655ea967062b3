/**
 * The server's side of an interface in AssemblyScript: an abstract class with a method for each
 * method of the interface, and for each answer a class by which a handler fills in the answer.
 *
 * Requests reach the methods in two ways. `dispatch` finds its request in a record and puts the
 * answer there: for programs that serve several interfaces. `serveAlone` is the loop of a program
 * that serves this interface alone: words stay in the registers in which they came, and each answer
 * is sent where it is made, with a word count that is a constant.
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
  fieldType,
  fromWord,
  headerConstant,
  interfaceConstant,
  loadWord,
  replyName,
  serverName,
  storeWord,
  toWord,
  wordOffset,
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
    writeDispatch(out.line(), model);
    writeLoop(out.line(), model, isLong);
  });
  out.line();
}

/** Methods whose messages need a record are apart, because both ways to the methods need them. */
function writeDispatch(out: SourceWriter, model: InterfaceModel): void {
  const long = model.methods.filter((method) => !isShort(method));
  const short = model.methods.filter(isShort);
  const unknown = `return errorReply(SERVER_RECORD, ${interfaceConstant(model)} << 16 | method << HEADER_METHOD_SHIFT, UNKNOWN_METHOD);`;
  out.block("dispatch(method: u32): u32", () => {
    if (short.length > 0)
      out.block("switch (method)", () => {
        for (const method of short) writeCase(out, model, method, "this");
      });
    out.line(long.length > 0 ? `return this.dispatchLong<${serverName(model)}>(method);` : unknown);
  });
  if (long.length === 0) return;
  out.line();
  out.block(`private dispatchLong<T extends ${serverName(model)}>(method: u32): u32`, () => {
    out.line("const service = changetype<T>(this);");
    out.block("switch (method)", () => {
      for (const method of long) writeCase(out, model, method, "service");
    });
    out.line(unknown);
  });
}

/**
 * The words are variables of the loop. Only a request for a long method is put into the record, and
 * whatever is not a plain answer is sent from there.
 */
function writeLoop(out: SourceWriter, model: InterfaceModel, isLong: boolean): void {
  const short = model.methods.filter(isShort);
  const hasLong = short.length < model.methods.length;
  // The bits of a notice take one.
  const words = Math.max(1, ...model.methods.map(({ request }) => request.words));
  const inRegisters = Array.from({ length: Math.min(words, REGISTER_WORDS) }, (_, word) => word);
  const method = `(<u32>header - (${interfaceConstant(model)} << 16)) >> HEADER_METHOD_SHIFT`;

  out.doc("The server loop of a program that serves nothing else. Does not return.");
  out.block(`serveAlone<T extends ${serverName(model)}>(): void`, () => {
    if (short.length > 0) out.line("const service = changetype<T>(this);");
    out.line("addService(this);");
    // Wide, as the registers are.
    out.line("let status: u64 = receiveRequest();");
    out.block("while (true)", () => {
      out.line("let token = receivedToken();");
      out.line("let header: u64 = receivedHeader();");
      for (const word of inRegisters)
        out.line(`let word${word} = ${loadWord("SERVER_RECORD", word)};`);
      out.block("while (<u32>status === Status.Ok)", () => {
        out.line("let answer = DEFERRED;");
        // Of another interface, the difference is no number of a method.
        out.line(
          `const method = ${isLong ? `(${method}) & ~(HEADER_FLAG_LONG >> HEADER_METHOD_SHIFT)` : method};`,
        );
        out.block("switch (method)", () => {
          for (const method of short) writeShortCase(out, model, method, isLong, inRegisters);
          out.block("default:", () => {
            if (!hasLong) {
              out.line("answer = errorReply(SERVER_RECORD, <u32>header, UNKNOWN_METHOD);");
              return;
            }
            for (const word of inRegisters)
              out.line(storeWord("SERVER_RECORD", word, `word${word}`));
            out.line("answer = this.dispatchLong<T>(method);");
          });
        });
        out.line("answerFromRecord(token, answer);").line("break;");
      });
      out.block("if (<u32>status !== Status.Ok)", () => {
        out.line("noteBits(word0);").line("awaitRequest(<u32>status);").line("status = Status.Ok;");
      });
    });
  });
}

function writeShortCase(
  out: SourceWriter,
  model: InterfaceModel,
  method: Method,
  isLong: boolean,
  inRegisters: readonly number[],
): void {
  const { answer } = method;
  const header = headerConstant(method);
  const values = method.request.fields.map((field) =>
    fromWord(model, method, field, `word${field.word}`),
  );
  const hasReply = answer.fields.length > 0;
  if (hasReply) values.push("reply");
  const flags = `HEADER_FLAG_RECEIVE${isLong ? " | HEADER_FLAG_RECORD" : ""}`;
  const words = Array.from({ length: REGISTER_WORDS }, (_, word) =>
    word < answer.words ? loadWord("SERVER_RECORD", word) : "0",
  );
  out.block(`case ${method.index}:`, () => {
    if (hasReply) out.line(`const reply = ${replyName(model, method)}.at(SERVER_RECORD);`);
    out.line(`const error = service.${method.name}(${values.join(", ")});`);
    out.block("if (error === OK)", () => {
      out.line(
        `status = replyShort(token, ${answerHeader(method)} | ${flags}, ${isLong ? "SERVER_RECORD" : "0"}, INBOX, TIMEOUT_NONE, ${words.join(", ")});`,
      );
      out.line("token = result(SystemCallResult.Token);");
      out.line("header = result(SystemCallResult.Header);");
      out.line(
        "noteRequest(token, result(SystemCallResult.Badge), result(SystemCallResult.Caller));",
      );
      for (const word of inRegisters)
        out.line(`word${word} = result(SystemCallResult.Word${word});`);
      out.line("continue;");
    });
    out.line(`if (error !== DEFERRED) answer = errorReply(SERVER_RECORD, ${header}, error);`);
    out.line("break;");
  });
}

function handlerParameters(model: InterfaceModel, method: Method): string {
  const fields = method.request.fields.map(
    (field) => `${field.name}: ${fieldType(model, method, field)}`,
  );
  if (method.answer.fields.length > 0) fields.push(`reply: ${replyName(model, method)}`);
  return fields.join(", ");
}

/** The request is read before the answer takes its place in the record. */
function writeCase(
  out: SourceWriter,
  model: InterfaceModel,
  method: Method,
  service: string,
): void {
  const header = headerConstant(method);
  const { fields } = method.request;
  const hasReply = method.answer.fields.length > 0;
  const values = fields.map((_, index) => `field${index}`);
  if (hasReply) values.push("reply");
  out.block(`case ${method.index}:`, () => {
    fields.forEach((field, index) =>
      out.line(`const field${index} = ${requestField(model, method, field)};`),
    );
    if (hasReply) out.line(`const reply = ${replyName(model, method)}.at(SERVER_RECORD);`);
    out.line(`const error = ${service}.${method.name}(${values.join(", ")});`);
    out.line("if (error === DEFERRED) return DEFERRED;");
    out.line(`if (error !== OK) return errorReply(SERVER_RECORD, ${header}, error);`);
    out.line(hasReply ? "return reply.finish();" : `return ${answerHeader(method)};`);
  });
}

/** The header of an answer; of a long one, without the flag. */
function answerHeader(method: Method): string {
  const words = Math.min(method.answer.words, REGISTER_WORDS);
  return `${headerConstant(method)} & ~HEADER_WORDS_MASK${words === 0 ? "" : ` | ${words}`}`;
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
  const header = answerHeader(method);

  out.doc(`The answer to \`${method.name}\`.`);
  out.line("@unmanaged").line("@final");
  out.block(`export class ${name}`, () => {
    if (inArena.length > 0) out.line("private static arena: usize = 0;").line();
    out.doc("An answer in `record` whose fields are all zero or empty.");
    out.block(`static at(record: usize): ${name}`, () => {
      out.line(`const reply = changetype<${name}>(record);`);
      writeClearing(out, answer);
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

/** A field that the handler forgets must not show what was there: another caller's, perhaps. */
function writeClearing(out: SourceWriter, { words, handles }: Layout): void {
  for (let word = 0; word < Math.min(words, REGISTER_WORDS); word++)
    out.line(storeWord("record", word, "0"));
  if (words > REGISTER_WORDS)
    out.line(
      `memory.fill(record + ${wordOffset(REGISTER_WORDS)}, 0, ${8 * (words - REGISTER_WORDS)});`,
    );
  for (let index = 0; index < handles; index++) out.line(`putHandle(record, ${index}, 0, 0);`);
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
