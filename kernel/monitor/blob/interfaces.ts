// The part of the structural verifier that checks classes, interfaces, methods and fields.

import {
  BlobSection,
  CLASSES_MAX,
  CLASS_KERNEL,
  FIRST_PROGRAM_CLASS,
  FieldKind,
  INTERFACES_MAX,
  INTERFACE_EXECUTE,
  METHODS_MAX,
  METHOD_ANSWER_NOT_PLAIN,
  METHOD_BOUNDED,
  METHOD_NOT_PLAIN,
} from "../../abi/blob";
import { ObjectType } from "../../abi/object";
import {
  ARENA_BYTES_MAX,
  HEADER_FLAG_RECEIVE,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
  MESSAGE_HANDLES_MAX,
  MESSAGE_WORDS_MAX,
  REGISTER_WORDS_MAX,
} from "../../abi/system-call";
import { Blob, Field, Interface, Method } from "./records";
import { isName, isString } from "./strings";

/** Errors of one interface. A larger table is a mistake. */
const ERRORS_MAX: u32 = 4096;

export function verifyInterfaces(blob: Blob): bool {
  return verifyClasses(blob) && verifyInterfaceTable(blob) && verifyMethods(blob);
}

/** True if a class exists, which means that it has a name. */
export function isClass(blob: Blob, classId: u32): bool {
  if (classId === 0 || classId >= blob.count(BlobSection.Classes)) return false;
  return blob.classOf(classId).name !== 0;
}

function verifyClasses(blob: Blob): bool {
  const count = blob.count(BlobSection.Classes);
  if (count <= <u32>FIRST_PROGRAM_CLASS || count > <u32>CLASSES_MAX) return false;
  for (let classId: u32 = 0; classId < count; classId++) {
    const entry = blob.classOf(classId);
    const isReserved =
      classId === 0 || (classId > <u32>CLASS_KERNEL && classId < <u32>FIRST_PROGRAM_CLASS);
    if (isReserved ? entry.name !== 0 : !isName(blob, entry.name)) return false;
    if (!isString(blob, entry.file)) return false;
    if (classId < <u32>FIRST_PROGRAM_CLASS && (entry.file !== 0 || entry.line !== 0)) return false;
    if (entry.reserved !== 0) return false;
  }
  return true;
}

/** Interfaces ascend by number, so that the search finds each; their methods follow each other. */
function verifyInterfaceTable(blob: Blob): bool {
  const count = blob.count(BlobSection.Interfaces);
  const methodCount = blob.count(BlobSection.Methods);
  if (count > <u32>INTERFACES_MAX) return false;
  let previous: u32 = 0;
  let methods: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const known = blob.interfaceAt(i);
    if (known.id <= previous || known.id >= <u32>INTERFACE_EXECUTE) return false;
    previous = known.id;
    if (!isName(blob, known.name)) return false;
    if (known.firstMethod !== methods) return false;
    if (known.methodCount > <u32>METHODS_MAX || known.methodCount > methodCount - methods)
      return false;
    methods += known.methodCount;
    if (known.errorCount > ERRORS_MAX || known.reserved !== 0) return false;
    if (!verifyRepeated(blob, known)) return false;
  }
  return methods === methodCount;
}

/**
 * Every method repeats the number of errors of its interface, and says in one word each what call
 * and what answer need no check.
 */
function verifyRepeated(blob: Blob, known: Interface): bool {
  for (let i: u32 = 0; i < known.methodCount; i++) {
    const method = blob.method(known.firstMethod + i);
    if (<u32>method.errorCount !== known.errorCount) return false;
    const naming = (known.id << HEADER_INTERFACE_SHIFT) | (i << HEADER_METHOD_SHIFT);
    const call = isPlain(blob, method, true)
      ? naming | method.words(true) | (hasBounds(method, true) ? METHOD_BOUNDED : 0)
      : <u32>METHOD_NOT_PLAIN;
    let answer: i32 = METHOD_ANSWER_NOT_PLAIN;
    if (isPlain(blob, method, false)) {
      answer = <i32>HEADER_FLAG_RECEIVE | <i32>method.words(false);
      if (hasBounds(method, false)) answer = -answer;
    }
    if (method.plainCall !== call || <i32>method.plainAnswer !== answer) return false;
  }
  return true;
}

/** True if the message has nothing but words that fit into registers and have a bound at most. */
function isPlain(blob: Blob, method: Method, isRequest: bool): bool {
  const count = method.fields(isRequest);
  if (count > <u32>REGISTER_WORDS_MAX) return false;
  const first = method.fieldsFrom(isRequest);
  const exist = blob.count(BlobSection.Fields);
  if (first > exist || count > exist - first) return false;
  for (let i: u32 = 0; i < count; i++) {
    if (blob.field(first + i).kind !== FieldKind.Unsigned) return false;
  }
  return true;
}

function hasBounds(method: Method, isRequest: bool): bool {
  return method.free(isRequest) !== method.words(isRequest);
}

/** Fields follow each other in the order of the methods. */
function verifyMethods(blob: Blob): bool {
  const count = blob.count(BlobSection.Methods);
  const fieldCount = blob.count(BlobSection.Fields);
  let fields: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const method = blob.method(i);
    if (!isName(blob, method.name)) return false;
    if (method.firstField !== fields) return false;
    if (method.requestFields > fieldCount - fields) return false;
    fields += method.requestFields;
    if (method.responseFields > fieldCount - fields) return false;
    fields += method.responseFields;
    if (!verifyMessage(blob, method, true) || !verifyMessage(blob, method, false)) return false;
  }
  return fields === fieldCount;
}

/** The fields of a method's request or response exist, and its counts are what they say. */
function verifyMessage(blob: Blob, method: Method, isRequest: bool): bool {
  const first = method.fieldsFrom(isRequest);
  const count = method.fields(isRequest);
  const words = method.words(isRequest);
  const handles = method.handles(isRequest);
  if (words > <u32>MESSAGE_WORDS_MAX || handles > <u32>MESSAGE_HANDLES_MAX) return false;
  if (count !== words + handles) return false;
  let foundHandles: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const field = blob.field(first + i);
    if (!verifyField(blob, field)) return false;
    if (field.kind === FieldKind.Handle) foundHandles += 1;
  }
  return foundHandles === handles && method.free(isRequest) === freeFields(blob, first, count);
}

function verifyField(blob: Blob, field: Field): bool {
  const max = field.max;
  if (!isName(blob, field.name)) return false;
  switch (field.kind) {
    case FieldKind.Unsigned:
      return true;
    case FieldKind.Signed:
      return <i64>max >= 0;
    case FieldKind.Bytes:
    case FieldKind.Text:
      return max <= <u64>ARENA_BYTES_MAX;
    case FieldKind.Handle:
      if (max === 0 || max > 0xffff) return false;
      return max <= <u64>ObjectType.System || blob.interfaceOf(<u32>max) !== null;
    default:
      return false;
  }
}

/** How many of the first fields take any word. */
function freeFields(blob: Blob, first: u32, count: u32): u32 {
  let free: u32 = 0;
  while (free < count) {
    const field = blob.field(first + free);
    if (field.kind !== FieldKind.Unsigned || field.max !== u64.MAX_VALUE) break;
    free += 1;
  }
  return free;
}
