// Whether a message has the structure that its interface declares. Looked at before any rule, on
// the captured fixed part.

import {
  FIELD_BYTES,
  FIELD_KIND,
  FIELD_MAX,
  FieldKind,
  METHOD_ERROR_COUNT,
  METHOD_FIRST_FIELD,
  METHOD_REQUEST_FIELDS,
  METHOD_REQUEST_FREE,
  METHOD_REQUEST_HANDLES,
  METHOD_REQUEST_WORDS,
  METHOD_RESPONSE_FIELDS,
  METHOD_RESPONSE_FREE,
  METHOD_RESPONSE_HANDLES,
  METHOD_RESPONSE_WORDS,
  RULE_NONE,
} from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { fieldEntry } from "./blob/sections";
import { CarriedHandle, Finding, Message } from "./question";

/** What is wrong with a message. A field's number stands above it: fault | field << 8. */
export enum StructureFault {
  None = 0,
  WordCount = 1,
  HandleCount = 2,
  /** An arena where no field describes it. */
  UnexpectedArena = 3,
  /** Outside the range of its type. */
  Value = 4,
  /** Offset and length reach beyond the arena. */
  ArenaRange = 5,
  /** Longer than the field's maximum. */
  TooLong = 6,
  /** A handle to an object of another type or interface. */
  HandleType = 7,
  ErrorNumber = 8,
}

/**
 * Checks a message against `shape` (methodShape): exact number of words and handles, every value in
 * the range of its type, every descriptor inside the arena. Returns StructureFault.None, or a fault
 * and the field at fault (see StructureFault). At most 68 fields.
 */
export function checkShape(event: Event, shape: usize, message: Message): u32 {
  if (event === Event.Error) return checkError(shape, message);

  const isRequest = event === Event.Request;
  if (
    message.wordCount !==
    <u32>load<u16>(shape + (isRequest ? METHOD_REQUEST_WORDS : METHOD_RESPONSE_WORDS))
  )
    return StructureFault.WordCount;
  if (
    message.handleCount !==
    <u32>load<u16>(shape + (isRequest ? METHOD_REQUEST_HANDLES : METHOD_RESPONSE_HANDLES))
  )
    return StructureFault.HandleCount;

  const requestFields = load<u32>(shape + METHOD_REQUEST_FIELDS);
  const start = fieldEntry(load<u32>(shape + METHOD_FIRST_FIELD) + (isRequest ? 0 : requestFields));
  const end =
    start + (isRequest ? requestFields : load<u32>(shape + METHOD_RESPONSE_FIELDS)) * FIELD_BYTES;
  const free = <usize>load<u16>(shape + (isRequest ? METHOD_REQUEST_FREE : METHOD_RESPONSE_FREE));
  const arenaBytes = message.arenaBytes;
  let word = message.words + (free << 3);
  let handles: u32 = 0;
  let describesArena = false;
  for (let field = start + free * FIELD_BYTES; field < end; field += FIELD_BYTES) {
    const kind = load<u32>(field + FIELD_KIND);
    const max = load<u64>(field + FIELD_MAX);
    // Nearly all fields are of this kind, so it comes first and alone.
    if (kind === FieldKind.Unsigned) {
      if (load<u64>(word) > max) return faultAt(StructureFault.Value, start, field);
      word += 8;
      continue;
    }
    let fault: u32 = StructureFault.None;
    if (kind === FieldKind.Handle) {
      fault = checkHandle(message.handle(handles), <u32>max);
      handles += 1;
    } else {
      const value = load<u64>(word);
      word += 8;
      if (kind === FieldKind.Signed) {
        if (<i64>value > <i64>max || <i64>value < -1 - <i64>max) fault = StructureFault.Value;
      } else {
        describesArena = true;
        fault = checkRange(value, <u32>max, arenaBytes);
      }
    }
    if (fault !== StructureFault.None) return faultAt(fault, start, field);
  }
  if (arenaBytes !== 0 && !describesArena) return StructureFault.UnexpectedArena;
  return StructureFault.None;
}

function faultAt(fault: u32, start: usize, field: usize): u32 {
  return fault | ((<u32>(field - start) / FIELD_BYTES) << 8);
}

/**
 * Whether a message of words in registers, without handles and arena, has the structure of `shape`,
 * found out quickly: false also where `checkShape` would have to look closer.
 */
export function fitsPlainly(
  event: Event,
  shape: usize,
  words: u32,
  word0: u64,
  word1: u64,
  word2: u64,
  word3: u64,
): bool {
  const isRequest = event === Event.Request;
  // Word and handle counts stand side by side, so one load compares both.
  if (words !== load<u32>(shape + (isRequest ? METHOD_REQUEST_WORDS : METHOD_RESPONSE_WORDS)))
    return false;
  if (words === 0) return true;
  const skipped = isRequest ? 0 : load<u32>(shape + METHOD_REQUEST_FIELDS);
  const field = fieldEntry(load<u32>(shape + METHOD_FIRST_FIELD) + skipped);
  if (!isUnsignedWithin(field, word0)) return false;
  if (words > 1 && !isUnsignedWithin(field + FIELD_BYTES, word1)) return false;
  if (words > 2 && !isUnsignedWithin(field + 2 * FIELD_BYTES, word2)) return false;
  return words < 4 || isUnsignedWithin(field + 3 * FIELD_BYTES, word3);
}

function isUnsignedWithin(field: usize, value: u64): bool {
  return (
    load<u32>(field + FIELD_KIND) === FieldKind.Unsigned && value <= load<u64>(field + FIELD_MAX)
  );
}

if (
  METHOD_REQUEST_HANDLES !== METHOD_REQUEST_WORDS + 2 ||
  METHOD_RESPONSE_HANDLES !== METHOD_RESPONSE_WORDS + 2
)
  ERROR("fitsPlainly loads both counts at once");

/**
 * Describes a fault that `checkShape` returned, for the audit log. The finding's field is the
 * StructureFault | the word or handle at fault << 8 | the event << 16; its value is the word, the
 * handle's type, or the number of words, handles or bytes, as the sender gave it.
 */
export function describeFault(
  event: Event,
  fault: u32,
  shape: usize,
  message: Message,
  finding: Finding,
): void {
  const what = fault & 0xff;
  const isHandle = what === StructureFault.HandleType;
  const isField =
    isHandle ||
    what === StructureFault.Value ||
    what === StructureFault.TooLong ||
    what === StructureFault.ArenaRange;
  const place = isField ? placeBefore(event, shape, fault >> 8, isHandle) : 0;
  finding.rule = RULE_NONE;
  finding.field = what | (place << 8) | ((<u32>event) << 16);
  finding.value = valueAtFault(what, place, message);
  finding.mask = 0;
}

function valueAtFault(what: u32, place: u32, message: Message): u64 {
  switch (what) {
    case StructureFault.WordCount:
      return <u64>message.wordCount;
    case StructureFault.HandleCount:
      return <u64>message.handleCount;
    case StructureFault.UnexpectedArena:
      return <u64>message.arenaBytes;
    case StructureFault.HandleType:
      return <u64>message.handle(place).type;
    case StructureFault.TooLong:
      return message.word(place) >> 32;
    case StructureFault.ArenaRange:
      return (message.word(place) & 0xffffffff) + (message.word(place) >> 32);
    default:
      return message.word(place); // Value, ErrorNumber
  }
}

/** Fields of the event before `field` that have a word, or those that are handles. */
function placeBefore(event: Event, shape: usize, field: u32, countsHandles: bool): u32 {
  const first =
    load<u32>(shape + METHOD_FIRST_FIELD) +
    (event === Event.Request ? 0 : load<u32>(shape + METHOD_REQUEST_FIELDS));
  let before: u32 = 0;
  for (let i: u32 = 0; i < field; i++) {
    if ((load<u32>(fieldEntry(first + i) + FIELD_KIND) === FieldKind.Handle) === countsHandles)
      before += 1;
  }
  return before;
}

/**
 * ObjectType or interface of the `index`th handle that the event carries; 0 if it carries fewer.
 */
export function handleField(event: Event, shape: usize, index: u32): u32 {
  const requestFields = load<u32>(shape + METHOD_REQUEST_FIELDS);
  const first =
    load<u32>(shape + METHOD_FIRST_FIELD) + (event === Event.Request ? 0 : requestFields);
  const count = event === Event.Request ? requestFields : load<u32>(shape + METHOD_RESPONSE_FIELDS);
  let left = index;
  for (let i: u32 = 0; i < count; i++) {
    const field = fieldEntry(first + i);
    if (load<u32>(field + FIELD_KIND) !== FieldKind.Handle) continue;
    if (left === 0) return <u32>load<u64>(field + FIELD_MAX);
    left -= 1;
  }
  return 0;
}

function checkError(shape: usize, message: Message): u32 {
  if (message.wordCount !== 1) return StructureFault.WordCount;
  if (message.handleCount !== 0) return StructureFault.HandleCount;
  if (message.arenaBytes !== 0) return StructureFault.UnexpectedArena;
  const error = message.word(0);
  return error === 0 || error > <u64>load<u32>(shape + METHOD_ERROR_COUNT)
    ? StructureFault.ErrorNumber
    : StructureFault.None;
}

function checkRange(descriptor: u64, max: u32, arenaBytes: u32): u32 {
  const offset = descriptor & 0xffffffff;
  const length = descriptor >> 32;
  if (length > <u64>max) return StructureFault.TooLong;
  return offset + length > <u64>arenaBytes ? StructureFault.ArenaRange : StructureFault.None;
}

function checkHandle(handle: CarriedHandle, to: u32): u32 {
  if (to <= <u32>ObjectType.System)
    return handle.type === to ? StructureFault.None : StructureFault.HandleType;
  return handle.type === ObjectType.Endpoint && handle.interfaceId === to
    ? StructureFault.None
    : StructureFault.HandleType;
}
