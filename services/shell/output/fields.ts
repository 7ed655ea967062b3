// The fields of a message, by the names in its interface.

import {
  FIELD_BOOL,
  FIELD_BYTES,
  FIELD_ENUMERATION,
  FIELD_HANDLE,
  FIELD_I32,
  FIELD_SIGNED,
  errorNames,
  fieldNames,
} from "../../../build/generated/interfaces/field-names";
import { Text } from "../../runtime/text";
import { endLine, line } from "./print";

/** Larger numbers are shown in hexadecimal: they are addresses or masks rather than counts. */
const DECIMAL_MAX: u64 = 1_000_000_000;
/** Bytes shown of a field. */
const BYTES_SHOWN: u32 = 40;
/** A field that would exceed this width goes to the next line. */
const COLUMNS: u32 = 79;
const NEXT_LINE_COLUMN: u32 = 12;
export const SPACE: i32 = 0x20;
export const EQUALS: i32 = 0x3d;
export const COLON: i32 = 0x3a;

/** The field under construction. */
const field: Text = Text.withRoom(256);

/**
 * Adds the fields of a message of `words` words. `data` holds the first of these words, then the
 * beginning of the arena.
 */
export function addFields(header: u32, isAnswer: bool, words: u32, data: Text): void {
  const names = fieldNames(header, isAnswer);
  const known = min(words, data.length >> 3);
  let word: u32 = 0;
  for (let at = 0; at < names.length; at = endOf(names, at, SPACE) + 1) {
    const isHandle = names.charCodeAt(at) === FIELD_HANDLE;
    if (!isHandle && word >= known) continue;
    addName(names, at);
    if (isHandle) field.string("(handle)");
    else addValue(names, at, wordOf(data, word++), known << 3, data);
    addToLine();
  }
  // Words of an unknown interface have no names.
  for (; word < known; word++) {
    field.clear().hex(wordOf(data, word));
    addToLine();
  }
  if (words > known)
    line
      .string(" and ")
      .number(words - known)
      .string(" more");
}

/** Word `index` of a recorded message; the caller has checked that `data` holds it. */
function wordOf(data: Text, index: u32): u64 {
  return load<u64>(data.address + (index << 3));
}

/** Adds the name of the error in an error answer. */
export function addError(interfaceId: u32, data: Text): void {
  if (data.length < 8) return;
  addErrorName(interfaceId, wordOf(data, 0), line.byte(SPACE));
}

/** Adds the name of an interface's error, or its number if the error has no name. */
export function addErrorName(interfaceId: u32, number: u64, to: Text): void {
  const names = errorNames(interfaceId);
  let at = 0;
  for (let left = number; left > 1 && at < names.length; left--) at = endOf(names, at, SPACE) + 1;
  if (number === 0 || at >= names.length) to.number(number);
  else addPart(to, names, at, endOf(names, at, SPACE));
}

/** Begins the field described at `at`: the letter of its kind, then its name. */
function addName(names: string, at: i32): void {
  addFieldName(names, at, field.clear());
  field.byte(EQUALS);
}

function addValue(names: string, at: i32, word: u64, arena: u32, data: Text): void {
  switch (names.charCodeAt(at)) {
    case FIELD_BYTES:
      addBytes(arena, word, data);
      break;
    case FIELD_SIGNED:
    case FIELD_I32:
      field.signed(<i64>word);
      break;
    case FIELD_BOOL:
      field.string(word === 0 ? "false" : "true");
      break;
    case FIELD_ENUMERATION:
      addChoice(names, at, word, field);
      break;
    default:
      if (isDuration(names, at)) field.duration(word);
      else if (word < DECIMAL_MAX) field.number(word);
      else field.hex(word);
  }
}

/** Adds name `word` of an enumeration. Its names follow the field's name, each after `=`. */
export function addChoice(names: string, at: i32, word: u64, to: Text): void {
  const end = endOf(names, at, SPACE);
  let place = endOf(names, at, EQUALS);
  for (let left = word; left > 0 && place < end; left--) place = endOf(names, place + 1, EQUALS);
  if (place < end) addPart(to, names, place + 1, min(end, endOf(names, place + 1, EQUALS)));
  else to.number(word);
}

/** True for a time span, which ends in `Ns`, as `waitNs`. */
function isDuration(names: string, at: i32): bool {
  const end = endOf(names, at, SPACE);
  return end > at + 3 && names.charCodeAt(end - 2) === 0x4e && names.charCodeAt(end - 1) === 0x73;
}

/** Adds the recorded part of the bytes that `word` describes, and their number if some lack. */
function addBytes(arena: u32, word: u64, data: Text): void {
  const length = <u32>(word >> 32);
  const start = arena + min(<u32>word, data.length - arena);
  const shown = min(BYTES_SHOWN, min(length, data.length - start));
  if (shown > 0 || length === 0) {
    field.byte(0x22);
    for (let index: u32 = 0; index < shown; index++) addQuoted(data.byteAt(start + index));
    field.byte(0x22);
  }
  if (shown === length) return;
  if (shown > 0) field.string("... ");
  field.number(length).string(" bytes");
}

/** Adds a byte as printable characters. */
function addQuoted(byte: u32): void {
  if (byte === 0x0a) field.string("\\n");
  else if (byte === 0x0d) field.string("\\r");
  else if (byte === 0x22 || byte === 0x5c) field.byte(0x5c).byte(byte);
  else if (byte >= 0x20 && byte < 0x7f) field.byte(byte);
  else
    field
      .string("\\x")
      .byte(hexDigit(byte >> 4))
      .byte(hexDigit(byte & 15));
}

function hexDigit(value: u32): u32 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function addToLine(): void {
  if (line.column + 1 + field.column > COLUMNS) {
    endLine();
    line.padTo(NEXT_LINE_COLUMN - 1);
  }
  line.byte(SPACE).text(field);
}

/** Adds the name of the field described at `at`. */
export function addFieldName(names: string, at: i32, to: Text): void {
  addPart(
    to,
    names,
    at + 1,
    min(endOf(names, at, SPACE), min(endOf(names, at, EQUALS), endOf(names, at, COLON))),
  );
}

/**
 * Where field `index` is described, counting either the handles or the fields with a word; -1 if
 * there are fewer.
 */
export function findField(names: string, index: u32, isHandle: bool): i32 {
  let left = index;
  for (let at = 0; at < names.length; at = endOf(names, at, SPACE) + 1) {
    if ((names.charCodeAt(at) === FIELD_HANDLE) !== isHandle) continue;
    if (left-- === 0) return at;
  }
  return -1;
}

/** The number of fields that are handles, or of those that have a word. */
export function countFields(names: string, isHandle: bool): u32 {
  let count: u32 = 0;
  while (findField(names, count, isHandle) >= 0) count++;
  return count;
}

/** The place of the next `letter` from `at` on, or the end of `names`. */
export function endOf(names: string, at: i32, letter: i32): i32 {
  while (at < names.length && names.charCodeAt(at) !== letter) at++;
  return at;
}

function addPart(to: Text, names: string, start: i32, end: i32): void {
  for (let at = start; at < end; at++) to.byte(names.charCodeAt(at));
}
