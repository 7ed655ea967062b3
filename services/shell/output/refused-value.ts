// What was wrong with a message, by the names that its interface has: of what no interface knows,
// and of what a rule refused.

import { AuditReadAnswer } from "../../../build/generated/interfaces/Audit";
import {
  FIELD_BOOL,
  FIELD_BYTES,
  FIELD_ENUMERATION,
  FIELD_I32,
  FIELD_SIGNED,
  FIELD_U16,
  FIELD_U8,
  fieldNames,
} from "../../../build/generated/interfaces/field-names";
import { Text } from "../../runtime/text";
import {
  COLON,
  EQUALS,
  SPACE,
  addChoice,
  addErrorName,
  addFieldName,
  countFields,
  endOf,
  findField,
} from "./fields";

/** Kinds of audit records (services/interfaces/kernel/audit.idl.ts). */
const KIND_DENIED_RESPONSE: u32 = 1;
const KIND_DENIED_ERROR: u32 = 2;
/** StructureFault of kernel/monitor/structure.ts. */
const WORD_COUNT: u32 = 1;
const HANDLE_COUNT: u32 = 2;
const UNEXPECTED_ARENA: u32 = 3;
const VALUE: u32 = 4;
const ARENA_RANGE: u32 = 5;
const TOO_LONG: u32 = 6;
const HANDLE_TYPE: u32 = 7;
/** Of a descriptor of bytes in the arena, the half that holds the length. */
const LENGTH_SHIFT: u32 = 32;

/**
 * Adds why a message has not the structure that its interface declares: field, limit and what was
 * given.
 */
export function addMalformation(record: AuditReadAnswer, to: Text): void {
  const fault = record.field & 0xff;
  const place = (record.field >> 8) & 0xff;
  const event = (record.field >> 16) & 3;
  const given = record.detail;
  const names = namesOf(record, event !== 0);
  switch (fault) {
    case WORD_COUNT:
      to.string("the interface wants ").number(event === 2 ? 1 : countFields(names, false));
      to.string(" words, ").number(given).string(" given");
      return;
    case HANDLE_COUNT:
      to.string("the interface wants ").number(event === 2 ? 0 : countFields(names, true));
      to.string(" handles, ").number(given).string(" given");
      return;
    case UNEXPECTED_ARENA:
      to.string("no field is of bytes or text, ").number(given).string(" bytes given");
      return;
    case VALUE:
    case ARENA_RANGE:
    case TOO_LONG:
    case HANDLE_TYPE: {
      const at = findField(names, place, fault === HANDLE_TYPE);
      if (at < 0) to.string("field ").number(place);
      else addFieldName(names, at, to);
      if (fault === ARENA_RANGE)
        to.string(" reaches to byte ").number(given).string(", beyond the bytes that were sent");
      else if (fault === HANDLE_TYPE) to.string(" is a handle of another type");
      else addLimit(names, at, given, to);
      return;
    }
    default:
      to.string("the interface has no error ").number(given);
  }
}

/** Adds the limit of the field whose letter stands at `at`, and what was given instead. */
function addLimit(names: string, at: i32, given: u64, to: Text): void {
  const kind = at < 0 ? 0 : names.charCodeAt(at);
  to.string(" is ");
  if (kind === FIELD_BOOL) to.string("0 or 1");
  else if (kind === FIELD_BYTES)
    to.string("at most ")
      .number(numberAt(names, endOf(names, at, COLON) + 1))
      .string(" bytes");
  else if (kind === FIELD_I32) to.string("from -2147483648 to 2147483647");
  else if (kind === FIELD_ENUMERATION) to.string("at most ").number(choices(names, at) - 1);
  else
    to.string("at most ").number(
      kind === FIELD_U8 ? 0xff : kind === FIELD_U16 ? 0xffff : 0xffff_ffff,
    );
  to.string(", ");
  if (kind === FIELD_I32) to.signed(<i64>given);
  else to.number(given);
  to.string(" given");
}

/**
 * Adds the value that the rule read last, as `first = 6` or `flags & 0x3 = 0x2`; nothing where it
 * read none.
 */
export function addRefusedValue(record: AuditReadAnswer, to: Text): void {
  const field = record.field;
  const word = field & 0xff;
  if (word === 0) return;
  to.string("  ");
  const value = record.detail;
  if (record.kind === KIND_DENIED_ERROR)
    return addErrorName(record.interfaceId, value, to.string("error = "));
  const names = namesOf(record, record.kind === KIND_DENIED_RESPONSE);
  const at = findField(names, word - 1, false);
  const isLength = ((field >> 8) & 0xff) === LENGTH_SHIFT;
  const mask = record.mask;
  if (at < 0) to.string("word ").number(word - 1);
  else if (isLength) addFieldName(names, at, to.string("length("));
  else addFieldName(names, at, to);
  if (isLength && at >= 0) to.byte(0x29);
  if (mask !== 0) to.string(" & ").hex(mask);
  to.string(" = ");
  const kind = at < 0 || isLength || mask !== 0 ? 0 : names.charCodeAt(at);
  if (kind === FIELD_ENUMERATION) addChoice(names, at, value, to);
  else if (kind === FIELD_BOOL) to.string(value === 0 ? "false" : "true");
  else if (kind === FIELD_SIGNED || kind === FIELD_I32) to.signed(<i64>value);
  else if (mask !== 0) to.hex(value);
  else to.number(value);
}

function namesOf(record: AuditReadAnswer, isAnswer: bool): string {
  return fieldNames((record.interfaceId << 16) | (record.method << 4), isAnswer);
}

function choices(names: string, at: i32): u32 {
  let count: u32 = 0;
  const end = endOf(names, at, SPACE);
  for (let place = endOf(names, at, EQUALS); place < end; place = endOf(names, place + 1, EQUALS))
    count++;
  return count;
}

function numberAt(names: string, at: i32): u64 {
  let value: u64 = 0;
  for (; at < names.length && names.charCodeAt(at) !== SPACE; at++)
    value = value * 10 + <u64>(names.charCodeAt(at) - 0x30);
  return value;
}
