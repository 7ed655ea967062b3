/**
 * The generated AssemblyScript of one interface: constants, errors, enumerations, client and
 * server.
 */
import { type InterfaceModel, isInArena, type Method, REGISTER_WORDS } from "../model.ts";
import { writeClient } from "./client.ts";
import {
  constant,
  enumerationName,
  errorName,
  headerConstant,
  interfaceConstant,
  pascal,
} from "./names.ts";
import { writeServer } from "./server.ts";
import { SourceWriter } from "./source-writer.ts";

/** Names that the generated code imports from the runtime and the ABI, by file. */
const IMPORTS: readonly (readonly [string, readonly string[]])[] = [
  ["kernel/abi/message-record", ["RECORD_TOKEN"]],
  ["kernel/abi/status", ["Status"]],
  [
    "kernel/abi/system-call",
    [
      "HEADER_FLAG_LONG",
      "HEADER_FLAG_RECEIVE",
      "HEADER_FLAG_RECORD",
      "HEADER_METHOD_SHIFT",
      "HEADER_WORDS_MASK",
      "SystemCallResult",
      "TIMEOUT_NONE",
    ],
  ],
  [
    "services/runtime/message",
    [
      "Answer",
      "CALL_RECORD",
      "DEFERRED_RECORD",
      "SERVER_RECORD",
      "ShortCall",
      "callLong",
      "describeBytes",
      "isMalformed",
      "isRestarted",
      "putHandle",
      "receiveArena",
      "sendArena",
    ],
  ],
  ["services/runtime/mistake", ["noteLength"]],
  [
    "services/runtime/server",
    [
      "DEFERRED",
      "INBOX",
      "OK",
      "Service",
      "UNKNOWN_METHOD",
      "addService",
      "answerFromRecord",
      "awaitRequest",
      "errorReply",
      "longReply",
      "noteBits",
      "noteRequest",
      "receiveRequest",
      "receivedHeader",
      "receivedToken",
      "requestArena",
      "sendReply",
    ],
  ],
  ["services/runtime/text", ["Text"]],
  ["services/runtime/trine", ["replyShort", "result"]],
];

export function interfaceFile(model: InterfaceModel): string {
  const body = new SourceWriter();
  writeConstants(body, model);
  writeErrors(body, model);
  for (const method of model.methods) writeEnumerations(body, model, method);
  writeClient(body, model);
  writeServer(body, model);
  const text = body.toString();

  const head = new SourceWriter();
  head.line(`// Generated from ${model.file}. Do not edit.`).line();
  for (const [file, names] of IMPORTS) {
    const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
    if (used.length > 0) head.line(`import { ${used.join(", ")} } from "../../../${file}";`);
  }
  return `${head.line().toString()}${text.trimEnd()}\n`;
}

function writeConstants(out: SourceWriter, model: InterfaceModel): void {
  out.doc(`The number of the interface ${model.name}.`);
  out.line(`export const ${interfaceConstant(model)}: u32 = 0x${model.id.toString(16)};`);
  out.line(`export const ${constant(model.name)}_VERSION: u32 = ${model.version};`).line();
  if (model.methods.length > 0)
    out.line("// Headers of the requests: interface, method, words in registers.");
  for (const method of model.methods) {
    const header =
      model.id * 0x10000 + method.index * 16 + Math.min(method.request.words, REGISTER_WORDS);
    out.line(`const ${headerConstant(method)}: u32 = 0x${header.toString(16).padStart(8, "0")};`);
  }
  out.line();
  for (const method of model.methods) writeLimits(out, model, method);
}

/** The longest that each field of bytes or text may be. */
export function writeLimits(out: SourceWriter, model: InterfaceModel, method: Method): void {
  const limits = [...method.request.fields, ...method.answer.fields].filter((field) =>
    isInArena(field.type),
  );
  const seen = new Set<string>();
  for (const { name, type } of limits) {
    if (!isInArena(type) || seen.has(name)) continue;
    seen.add(name);
    out.line(
      `export const ${constant(model.name)}_${constant(method.name)}_${constant(name)}_MAX: u32 = ${type.max};`,
    );
  }
  if (seen.size > 0) out.line();
}

function writeErrors(out: SourceWriter, model: InterfaceModel): void {
  if (model.errors.length === 0) return;
  out.doc(
    `Why a server of ${model.name} refuses. A handler returns one of them; a client finds it in \`answer.error\`.`,
  );
  out.block(`export enum ${errorName(model)}`, () =>
    ["None", ...model.errors].forEach((name, number) => out.line(`${name} = ${number},`)),
  );
  out.line();
}

/** An enumeration that request and answer share is written once. */
export function writeEnumerations(out: SourceWriter, model: InterfaceModel, method: Method): void {
  const written = new Set<string>();
  for (const field of [...method.request.fields, ...method.answer.fields]) {
    if (field.type.kind !== "enumeration" || written.has(field.name)) continue;
    written.add(field.name);
    const { names } = field.type;
    out.doc(`\`${field.name}\` of \`${method.name}\`.`);
    out.block(`export enum ${enumerationName(model, method, field)}`, () =>
      names.forEach((name, number) => out.line(`${pascal(name)} = ${number},`)),
    );
    out.line();
  }
}
