/**
 * Model and matrix → the blob's bytes, as policy/blob.md describes them. Unsigned: key, purpose and
 * signature are zero.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import * as blob from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import {
  HEADER_FLAG_RECEIVE,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
  REGISTER_WORDS_MAX,
} from "../../kernel/abi/system-call.ts";
import { Records, Strings } from "./bytes.ts";
import type { Matrix } from "./close.ts";
import type { Field, Method, Model } from "./model.ts";

/** Longest text of a rule or path that the kernel's audit log can hand out. */
const TEXT_CHARACTERS_MAX = 160;
const FIELD_KINDS = {
  unsigned: 0,
  signed: 1,
  bytes: 2,
  text: 3,
  handle: 4,
} as const satisfies Record<Field["kind"], blob.FieldKind>;

interface Section {
  readonly count: number;
  readonly bytes: Uint8Array;
}

export function emit(model: Model, matrix: Matrix): Uint8Array<ArrayBuffer> {
  const strings = new Strings(stringsOf(model));
  const interfaces = emitInterfaces(model, strings);
  const rules = emitRules(model, matrix, strings);
  const pairs = emitPairs(matrix);
  // In order of BlobSection.
  const before = [
    emitSlots(model, strings),
    emitHandles(model, strings),
    emitPrograms(model, strings),
    emitClasses(model, strings),
    interfaces.interfaces,
    interfaces.methods,
    interfaces.fields,
    rules.rules,
    rules.program,
  ];
  const execute = emitExecute(model);
  const text = strings.bytes();
  return assemble(model, [
    ...before,
    { count: text.length, bytes: text },
    execute,
    pairs.pairs,
    pairs.bindings,
  ]);
}

/** Every string that a table names. */
function* stringsOf(model: Model): Iterable<string> {
  for (const slot of model.slots) yield* [slot.name, ...slot.handles.map((handle) => handle.name)];
  for (const program of model.programs) yield program.name;
  for (const known of model.classes)
    if (known !== undefined) yield* [known.name, shortened(known.span?.file ?? "")];
  for (const entry of model.interfaces) {
    yield entry.name;
    for (const method of entry.methods)
      yield* [method.name, ...[...method.request, ...method.response].map((field) => field.name)];
  }
  for (const rule of model.rules) yield* [shortened(rule.span.file), shortened(rule.text)];
}

/** SHA-256 over, for each program: its name, a zero byte, its digest. */
function imageDigest(model: Model): Uint8Array {
  const hash = sha256.create();
  for (const { name, digest } of model.programs)
    hash.update(new TextEncoder().encode(`${name}\0`)).update(digest);
  return hash.digest();
}

function assemble(model: Model, sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const start = blob.BLOB_HEADER_BYTES + sections.length * blob.BLOB_SECTION_BYTES;
  const total =
    sections.reduce((at, section) => aligned(at + section.bytes.length), start) +
    blob.BLOB_SIGNATURE_BYTES;
  const header = new Records(1, total);
  header.u32(0, blob.BLOB_MAGIC, blob.BLOB_MAGIC_LOW);
  header.u32(0, blob.BLOB_MAGIC + 4, blob.BLOB_MAGIC_HIGH);
  header.u32(0, blob.BLOB_FORMAT, blob.BLOB_FORMAT_VERSION);
  header.u32(0, blob.BLOB_BYTES, total);
  header.u64(0, blob.BLOB_POLICY_VERSION, BigInt(model.version));
  header.u32(0, blob.BLOB_SECTION_COUNT, sections.length);
  header.copy(0, blob.BLOB_IMAGE_DIGEST, imageDigest(model));
  let at = start;
  sections.forEach((section, i) => {
    const entry = blob.BLOB_HEADER_BYTES + i * blob.BLOB_SECTION_BYTES;
    header.u32(0, entry, i + 1);
    header.u32(0, entry + 4, at);
    header.u32(0, entry + 8, section.bytes.length);
    header.u32(0, entry + 12, section.count);
    header.copy(0, at, section.bytes);
    at = aligned(at + section.bytes.length);
  });
  return header.bytes;
}

function aligned(offset: number): number {
  return (offset + 7) & ~7;
}

function emitSlots(model: Model, strings: Strings): Section {
  const records = new Records(model.slots.length, blob.SLOT_BYTES);
  let firstHandle = 0;
  model.slots.forEach((slot, i) => {
    records.u32(i, blob.SLOT_NAME, strings.offsetOf(slot.name));
    records.u32(i, blob.SLOT_CLASS, slot.classId);
    records.u32(i, blob.SLOT_PROGRAM, slot.program);
    records.u32(i, blob.SLOT_PRIORITY, slot.priority);
    records.u32(i, blob.SLOT_CEILING, slot.ceiling);
    records.u32(i, blob.SLOT_QUOTA_PAGES, slot.quotaPages);
    records.u32(i, blob.SLOT_QUOTA_HANDLES, slot.quotaHandles);
    records.u32(i, blob.SLOT_QUOTA_THREADS, slot.quotaThreads);
    records.u32(i, blob.SLOT_QUOTA_OBJECTS, slot.quotaObjects);
    records.u32(i, blob.SLOT_RESTART, slot.restart);
    records.u32(
      i,
      blob.SLOT_FLAGS,
      (slot.autostart ? blob.SLOT_FLAG_AUTOSTART : 0) | (i === 0 ? machineFlags(model) : 0),
    );
    records.u32(i, blob.SLOT_FAULT_SLOT, slot.faultSlot);
    records.u32(i, blob.SLOT_FAULT_ENDPOINT, slot.faultEndpoint);
    records.u32(i, blob.SLOT_FIRST_HANDLE, firstHandle);
    records.u32(i, blob.SLOT_HANDLE_COUNT, slot.handles.length);
    firstHandle += slot.handles.length;
  });
  return { count: model.slots.length, bytes: records.bytes };
}

/** The flags of the machine; they belong to the supervisor, slot 0. */
function machineFlags(model: Model): number {
  return (
    (model.rebootsOnLoop ? blob.SLOT_FLAG_REBOOT : 0) |
    (model.rebootsOnPanic ? blob.SLOT_FLAG_REBOOT_ON_PANIC : 0) |
    (model.usesPcid ? blob.SLOT_FLAG_PCID : 0)
  );
}

function emitHandles(model: Model, strings: Strings): Section {
  const handles = model.slots.flatMap((slot) => slot.handles);
  const records = new Records(handles.length, blob.INITIAL_HANDLE_BYTES);
  handles.forEach((handle, i) => {
    records.u32(i, blob.INITIAL_HANDLE_TYPE, handle.type);
    records.u32(i, blob.INITIAL_HANDLE_RIGHTS, handle.rights);
    records.u32(i, blob.INITIAL_HANDLE_INTERFACE, handle.interfaceId);
    records.u32(i, blob.INITIAL_HANDLE_TARGET_SLOT, handle.targetSlot);
    records.u32(i, blob.INITIAL_HANDLE_TARGET_ENDPOINT, handle.targetEndpoint);
    records.u32(i, blob.INITIAL_HANDLE_NAME, strings.offsetOf(handle.name));
    records.u64(i, blob.INITIAL_HANDLE_BADGE, handle.badge);
    records.u32(i, blob.INITIAL_HANDLE_FIRST, handle.first);
    records.u32(i, blob.INITIAL_HANDLE_COUNT, handle.count);
    records.u32(i, blob.INITIAL_HANDLE_CLASS, handle.classId);
  });
  return { count: handles.length, bytes: records.bytes };
}

function emitPrograms(model: Model, strings: Strings): Section {
  const records = new Records(model.programs.length, blob.PROGRAM_BYTES);
  model.programs.forEach((program, i) => {
    records.u32(i, blob.PROGRAM_NAME, strings.offsetOf(program.name));
    records.u32(i, blob.PROGRAM_FLAGS, program.verified ? blob.PROGRAM_FLAG_VERIFIED : 0);
    records.copy(i, blob.PROGRAM_DIGEST, program.digest);
  });
  return { count: model.programs.length, bytes: records.bytes };
}

function emitClasses(model: Model, strings: Strings): Section {
  const records = new Records(model.classes.length, blob.CLASS_BYTES);
  model.classes.forEach((known, i) => {
    if (known === undefined) return;
    records.u32(i, blob.CLASS_NAME, strings.offsetOf(known.name));
    if (known.span === undefined) return;
    records.u32(i, blob.CLASS_FILE, strings.offsetOf(shortened(known.span.file)));
    records.u32(i, blob.CLASS_LINE, known.span.line);
  });
  return { count: model.classes.length, bytes: records.bytes };
}

function emitInterfaces(
  model: Model,
  strings: Strings,
): { readonly interfaces: Section; readonly methods: Section; readonly fields: Section } {
  const methods = model.interfaces.flatMap((entry) =>
    entry.methods.map((method) => ({
      ...method,
      interfaceId: entry.id,
      errors: entry.errors.length,
    })),
  );
  const fields = methods.flatMap((method) => [...method.request, ...method.response]);
  const interfaceRecords = new Records(model.interfaces.length, blob.INTERFACE_BYTES);
  let firstMethod = 0;
  model.interfaces.forEach((entry, i) => {
    interfaceRecords.u32(i, blob.INTERFACE_ID, entry.id);
    interfaceRecords.u32(i, blob.INTERFACE_VERSION, entry.version);
    interfaceRecords.u32(i, blob.INTERFACE_NAME, strings.offsetOf(entry.name));
    interfaceRecords.u32(i, blob.INTERFACE_FIRST_METHOD, firstMethod);
    interfaceRecords.u32(i, blob.INTERFACE_METHOD_COUNT, entry.methods.length);
    interfaceRecords.u32(i, blob.INTERFACE_ERROR_COUNT, entry.errors.length);
    firstMethod += entry.methods.length;
  });
  const methodRecords = new Records(methods.length, blob.METHOD_BYTES);
  let firstField = 0;
  methods.forEach((method, i) => {
    const handles = (side: readonly Field[]) =>
      side.filter((field) => field.kind === "handle").length;
    methodRecords.u32(i, blob.METHOD_NAME, strings.offsetOf(method.name));
    methodRecords.u32(i, blob.METHOD_FIRST_FIELD, firstField);
    methodRecords.u16(i, blob.METHOD_REQUEST_FIELDS, method.request.length);
    methodRecords.u16(i, blob.METHOD_RESPONSE_FIELDS, method.response.length);
    methodRecords.u32(i, blob.METHOD_PLAIN_CALL, plainCall(method, method.interfaceId));
    methodRecords.u16(
      i,
      blob.METHOD_REQUEST_WORDS,
      method.request.length - handles(method.request),
    );
    methodRecords.u16(i, blob.METHOD_REQUEST_HANDLES, handles(method.request));
    methodRecords.u16(
      i,
      blob.METHOD_RESPONSE_WORDS,
      method.response.length - handles(method.response),
    );
    methodRecords.u16(i, blob.METHOD_RESPONSE_HANDLES, handles(method.response));
    methodRecords.u16(i, blob.METHOD_ERROR_COUNT, method.errors);
    methodRecords.u16(i, blob.METHOD_PLAIN_ANSWER, plainAnswer(method) & 0xffff);
    methodRecords.u16(i, blob.METHOD_REQUEST_FREE, freeFields(method.request));
    methodRecords.u16(i, blob.METHOD_RESPONSE_FREE, freeFields(method.response));
    firstField += method.request.length + method.response.length;
  });
  const fieldRecords = new Records(fields.length, blob.FIELD_BYTES);
  fields.forEach((field, i) => {
    fieldRecords.u32(i, blob.FIELD_NAME, strings.offsetOf(field.name));
    fieldRecords.u32(i, blob.FIELD_KIND, FIELD_KINDS[field.kind]);
    fieldRecords.u64(i, blob.FIELD_MAX, field.max);
  });
  return {
    interfaces: { count: model.interfaces.length, bytes: interfaceRecords.bytes },
    methods: { count: methods.length, bytes: methodRecords.bytes },
    fields: { count: fields.length, bytes: fieldRecords.bytes },
  };
}

function plainCall({ number, request }: Method, interfaceId: number): number {
  if (!isPlain(request)) return blob.METHOD_NOT_PLAIN;
  const naming = (interfaceId << HEADER_INTERFACE_SHIFT) | (number << HEADER_METHOD_SHIFT);
  return (naming | request.length | (hasBounds(request) ? blob.METHOD_BOUNDED : 0)) >>> 0;
}

/** Signed: negative if there are bounds. */
function plainAnswer({ response }: Method): number {
  if (!isPlain(response)) return blob.METHOD_ANSWER_NOT_PLAIN;
  const header = HEADER_FLAG_RECEIVE | response.length;
  return hasBounds(response) ? -header : header;
}

/** How many of the first fields take any word. */
function freeFields(side: readonly Field[]): number {
  const bounded = side.findIndex(
    (field) =>
      FIELD_KINDS[field.kind] !== blob.FieldKind.Unsigned || field.max !== 0xffff_ffff_ffff_ffffn,
  );
  return bounded < 0 ? side.length : bounded;
}

/** True if the message has nothing but words that fit into registers and have a bound at most. */
function isPlain(side: readonly Field[]): boolean {
  return (
    side.length <= REGISTER_WORDS_MAX &&
    side.every((field) => FIELD_KINDS[field.kind] === blob.FieldKind.Unsigned)
  );
}

function hasBounds(side: readonly Field[]): boolean {
  return freeFields(side) !== side.length;
}

function emitRules(
  model: Model,
  matrix: Matrix,
  strings: Strings,
): { readonly rules: Section; readonly program: Section } {
  const records = new Records(model.rules.length, blob.RULE_BYTES);
  let firstInstruction = 0;
  model.rules.forEach((rule, i) => {
    const length = matrix.programs[i]?.length ?? 0;
    records.u32(i, blob.RULE_FLAGS, rule.isRequire ? blob.RULE_FLAG_REQUIRE : 0);
    records.u8(i, blob.RULE_EVENTS, rule.events);
    records.u8(i, blob.RULE_EVENTS_READ, rule.read === undefined ? 0 : 1 << rule.read);
    records.u8(i, blob.RULE_EVENTS_RECORDED, rule.recorded);
    records.u64(i, blob.RULE_METHODS, rule.methods);
    records.u32(i, blob.RULE_INTERFACE, rule.interfaceId);
    records.u32(i, blob.RULE_PROGRAM, firstInstruction);
    records.u32(i, blob.RULE_PROGRAM_COUNT, length);
    records.u32(i, blob.RULE_FILE, strings.offsetOf(shortened(rule.span.file)));
    records.u32(i, blob.RULE_LINE, rule.span.line);
    records.u32(i, blob.RULE_TEXT, strings.offsetOf(shortened(rule.text)));
    firstInstruction += length;
  });
  const instructions = matrix.programs.flat();
  const program = new Records(instructions.length, blob.INSTRUCTION_BYTES);
  instructions.forEach((instruction, i) => {
    program.u8(i, blob.INSTRUCTION_OPERATION, instruction.operation);
    program.u8(i, blob.INSTRUCTION_WORD, instruction.left.word);
    program.u8(i, blob.INSTRUCTION_SHIFT, instruction.left.shift);
    program.u16(i, blob.INSTRUCTION_ON_TRUE, instruction.onTrue);
    program.u16(i, blob.INSTRUCTION_ON_FALSE, instruction.onFalse);
    program.u64(i, blob.INSTRUCTION_MASK, instruction.left.mask);
    program.u64(i, blob.INSTRUCTION_VALUE, instruction.value);
  });
  return {
    rules: { count: model.rules.length, bytes: records.bytes },
    program: { count: instructions.length, bytes: program.bytes },
  };
}

/** Pairs with the same rules share one run of bindings. */
function emitPairs(matrix: Matrix): { readonly pairs: Section; readonly bindings: Section } {
  const records = new Records(matrix.pairs.length, blob.PAIR_BYTES);
  const runs = new Map<string, number>();
  const bindings: number[] = [];
  matrix.pairs.forEach((pair, i) => {
    const numbers = pair.rules.map((rule) => rule.number);
    const key = numbers.join();
    const first = runs.get(key) ?? bindings.length;
    if (!runs.has(key)) {
      runs.set(key, first);
      bindings.push(...numbers);
    }
    records.u64(
      i,
      blob.PAIR_KEY,
      (BigInt(pair.subject) << 32n) | (BigInt(pair.target) << 16n) | BigInt(pair.interfaceId),
    );
    records.u32(i, blob.PAIR_FIRST_BINDING, first);
    records.u32(i, blob.PAIR_BINDING_COUNT, numbers.length);
    records.u64(i, blob.PAIR_REQUEST, pair.plain[Event.Request]);
    records.u64(i, blob.PAIR_RESPONSE, pair.plain[Event.Response]);
    records.u64(i, blob.PAIR_ERROR, pair.plain[Event.Error]);
  });
  const bindingRecords = new Records(bindings.length, 4);
  bindings.forEach((rule, i) => bindingRecords.u32(i, 0, rule));
  return {
    pairs: { count: matrix.pairs.length, bytes: records.bytes },
    bindings: { count: bindings.length, bytes: bindingRecords.bytes },
  };
}

function emitExecute(model: Model): Section {
  const grants = [...model.execute].sort((a, b) => a.classId - b.classId || a.program - b.program);
  const records = new Records(grants.length, blob.EXECUTE_BYTES);
  grants.forEach((grant, i) => {
    records.u32(i, blob.EXECUTE_CLASS, grant.classId);
    records.u32(i, blob.EXECUTE_PROGRAM, grant.program);
    records.u32(i, blob.EXECUTE_RULE, grant.rule);
  });
  return { count: grants.length, bytes: records.bytes };
}

function shortened(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX - 3)}...`;
}
