// The part of the structural verifier that looks at classes, interfaces, methods and fields.

import {
  BlobSection,
  CLASSES_MAX,
  CLASS_BYTES,
  CLASS_FILE,
  CLASS_KERNEL,
  CLASS_LINE,
  CLASS_NAME,
  FIELD_BYTES,
  FIELD_KIND,
  FIELD_MAX,
  FIELD_NAME,
  FIRST_PROGRAM_CLASS,
  FieldKind,
  INTERFACES_MAX,
  INTERFACE_BYTES,
  INTERFACE_ERROR_COUNT,
  INTERFACE_EXECUTE,
  INTERFACE_FIRST_METHOD,
  INTERFACE_ID,
  INTERFACE_METHOD_COUNT,
  INTERFACE_NAME,
  METHODS_MAX,
  METHOD_BYTES,
  METHOD_ERROR_COUNT,
  METHOD_FIRST_FIELD,
  METHOD_NAME,
  METHOD_REQUEST_FIELDS,
  METHOD_REQUEST_FREE,
  METHOD_REQUEST_HANDLES,
  METHOD_REQUEST_WORDS,
  METHOD_RESPONSE_FIELDS,
  METHOD_RESPONSE_FREE,
  METHOD_RESPONSE_HANDLES,
  METHOD_RESPONSE_WORDS,
} from "../../abi/blob";
import { ObjectType } from "../../abi/object";
import { ARENA_BYTES_MAX, MESSAGE_HANDLES_MAX, MESSAGE_WORDS_MAX } from "../../abi/system-call";
import { isName, isString } from "./name";
import { countOf, interfaceEntryIn, sectionOf } from "./sections";

/** Errors of one interface: their numbers travel in a word, but a table of more is a mistake. */
const ERRORS_MAX: u32 = 4096;

export function verifyInterfaces(blob: usize): bool {
  return verifyClasses(blob) && verifyInterfaceTable(blob) && verifyMethods(blob);
}

/** Whether a class exists: it has a name. */
export function isClass(blob: usize, classId: u32): bool {
  if (classId === 0 || classId >= countOf(blob, BlobSection.Classes)) return false;
  return load<u32>(sectionOf(blob, BlobSection.Classes) + classId * CLASS_BYTES + CLASS_NAME) !== 0;
}

function verifyClasses(blob: usize): bool {
  const count = countOf(blob, BlobSection.Classes);
  if (count <= <u32>FIRST_PROGRAM_CLASS || count > <u32>CLASSES_MAX) return false;
  for (let classId: u32 = 0; classId < count; classId++) {
    const entry = sectionOf(blob, BlobSection.Classes) + classId * CLASS_BYTES;
    const name = load<u32>(entry + CLASS_NAME);
    const isReserved =
      classId === 0 || (classId > <u32>CLASS_KERNEL && classId < <u32>FIRST_PROGRAM_CLASS);
    if (isReserved ? name !== 0 : !isName(blob, name)) return false;
    const file = load<u32>(entry + CLASS_FILE);
    if (!isString(blob, file)) return false;
    if (classId < <u32>FIRST_PROGRAM_CLASS && (file !== 0 || load<u32>(entry + CLASS_LINE) !== 0))
      return false;
    if (load<u32>(entry + 12) !== 0) return false;
  }
  return true;
}

/** Ascending by id, so that the search finds each; their methods lie one behind the other. */
function verifyInterfaceTable(blob: usize): bool {
  const count = countOf(blob, BlobSection.Interfaces);
  if (count > <u32>INTERFACES_MAX) return false;
  let previous: u32 = 0;
  let methods: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Interfaces) + i * INTERFACE_BYTES;
    const id = load<u32>(entry + INTERFACE_ID);
    if (id <= previous || id >= <u32>INTERFACE_EXECUTE) return false;
    previous = id;
    if (!isName(blob, load<u32>(entry + INTERFACE_NAME))) return false;
    const ownMethods = load<u32>(entry + INTERFACE_METHOD_COUNT);
    if (ownMethods > <u32>METHODS_MAX || load<u32>(entry + INTERFACE_FIRST_METHOD) !== methods)
      return false;
    methods += ownMethods;
    if (load<u32>(entry + INTERFACE_ERROR_COUNT) > ERRORS_MAX) return false;
    if (load<u64>(entry + 24) !== 0) return false;
    if (methods > countOf(blob, BlobSection.Methods)) return false;
    if (
      !verifyErrorCounts(
        blob,
        methods - ownMethods,
        ownMethods,
        load<u32>(entry + INTERFACE_ERROR_COUNT),
      )
    )
      return false;
  }
  return methods === countOf(blob, BlobSection.Methods);
}

function verifyErrorCounts(blob: usize, first: u32, count: u32, errors: u32): bool {
  for (let i: u32 = first; i < first + count; i++) {
    if (
      load<u32>(sectionOf(blob, BlobSection.Methods) + i * METHOD_BYTES + METHOD_ERROR_COUNT) !==
      errors
    )
      return false;
  }
  return true;
}

/**
 * Their fields lie one behind the other; the counts of words and handles are what the fields say.
 */
function verifyMethods(blob: usize): bool {
  const count = countOf(blob, BlobSection.Methods);
  const fieldCount = countOf(blob, BlobSection.Fields);
  let field: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Methods) + i * METHOD_BYTES;
    if (!isName(blob, load<u32>(entry + METHOD_NAME))) return false;
    if (load<u32>(entry + METHOD_FIRST_FIELD) !== field) return false;
    const requestFields = load<u32>(entry + METHOD_REQUEST_FIELDS);
    const responseFields = load<u32>(entry + METHOD_RESPONSE_FIELDS);
    if (requestFields > fieldCount - field) return false;
    if (
      !verifyFields(
        blob,
        field,
        requestFields,
        load<u16>(entry + METHOD_REQUEST_WORDS),
        load<u16>(entry + METHOD_REQUEST_HANDLES),
      )
    )
      return false;
    field += requestFields;
    if (responseFields > fieldCount - field) return false;
    if (
      !verifyFields(
        blob,
        field,
        responseFields,
        load<u16>(entry + METHOD_RESPONSE_WORDS),
        load<u16>(entry + METHOD_RESPONSE_HANDLES),
      )
    )
      return false;
    field += responseFields;
    const firstResponse = field - responseFields;
    if (
      <u32>load<u16>(entry + METHOD_REQUEST_FREE) !==
      freeFields(blob, firstResponse - requestFields, requestFields)
    )
      return false;
    if (
      <u32>load<u16>(entry + METHOD_RESPONSE_FREE) !==
      freeFields(blob, firstResponse, responseFields)
    )
      return false;
  }
  return field === fieldCount;
}

/** How many of the first fields take any word. */
function freeFields(blob: usize, first: u32, count: u32): u32 {
  let free: u32 = 0;
  for (; free < count; free++) {
    const entry = sectionOf(blob, BlobSection.Fields) + (first + free) * FIELD_BYTES;
    if (
      load<u32>(entry + FIELD_KIND) !== FieldKind.Unsigned ||
      load<u64>(entry + FIELD_MAX) !== u64.MAX_VALUE
    )
      break;
  }
  return free;
}

function verifyFields(blob: usize, first: u32, count: u32, words: u32, handles: u32): bool {
  if (
    words > <u32>MESSAGE_WORDS_MAX ||
    handles > <u32>MESSAGE_HANDLES_MAX ||
    count !== words + handles
  )
    return false;
  let foundHandles: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = sectionOf(blob, BlobSection.Fields) + (first + i) * FIELD_BYTES;
    const max = load<u64>(entry + FIELD_MAX);
    if (!isName(blob, load<u32>(entry + FIELD_NAME))) return false;
    switch (load<u32>(entry + FIELD_KIND)) {
      case FieldKind.Unsigned:
        break;
      case FieldKind.Signed:
        if (<i64>max < 0) return false;
        break;
      case FieldKind.Bytes:
      case FieldKind.Text:
        if (max > <u64>ARENA_BYTES_MAX) return false;
        break;
      case FieldKind.Handle:
        if (max === 0 || max > 0xffff) return false;
        if (max > <u64>ObjectType.System && interfaceEntryIn(blob, <u32>max) === 0) return false;
        foundHandles += 1;
        break;
      default:
        return false;
    }
  }
  return foundHandles === handles;
}
