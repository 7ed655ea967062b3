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
} from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { fieldEntry } from "./blob/sections";

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

// What the IPC path says about each handle that a message carries: 16 bytes, up to
// MESSAGE_HANDLES_MAX of them in a row.
/** u32: ObjectType. */
export const CARRIED_TYPE: u32 = 0;
/** u32: an endpoint's interface. */
export const CARRIED_INTERFACE: u32 = 4;
/** u32: class of the object: an endpoint owner's, or the ObjectType's number. */
export const CARRIED_CLASS: u32 = 8;
/** u32: rights that the receiver will get. */
export const CARRIED_RIGHTS: u32 = 12;
export const CARRIED_BYTES: u32 = 16;

/**
 * Checks a message against `shape` (methodShape): exact number of words and handles, every value in
 * the range of its type, every descriptor inside the arena. `capture` is u64[words], `handles` the
 * descriptions of `handleCount` handles. Answers a StructureFault. At most 68 fields.
 */
export function checkShape(
  event: Event,
  shape: usize,
  capture: usize,
  words: u32,
  handles: usize,
  handleCount: u32,
  arenaBytes: u32,
): u32 {
  if (event === Event.Error) return checkError(shape, capture, words, handleCount, arenaBytes);

  const isRequest = event === Event.Request;
  if (words !== <u32>load<u16>(shape + (isRequest ? METHOD_REQUEST_WORDS : METHOD_RESPONSE_WORDS)))
    return StructureFault.WordCount;
  if (
    handleCount !==
    <u32>load<u16>(shape + (isRequest ? METHOD_REQUEST_HANDLES : METHOD_RESPONSE_HANDLES))
  )
    return StructureFault.HandleCount;

  const requestFields = load<u32>(shape + METHOD_REQUEST_FIELDS);
  const start = fieldEntry(load<u32>(shape + METHOD_FIRST_FIELD) + (isRequest ? 0 : requestFields));
  const end =
    start + (isRequest ? requestFields : load<u32>(shape + METHOD_RESPONSE_FIELDS)) * FIELD_BYTES;
  const free = <usize>load<u16>(shape + (isRequest ? METHOD_REQUEST_FREE : METHOD_RESPONSE_FREE));
  let word = capture + (free << 3);
  let carried = handles;
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
      fault = checkHandle(carried, <u32>max);
      carried += CARRIED_BYTES;
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

let describedField: u32 = 0;
let describedValue: u64 = 0;

/**
 * Finds out what stands where `checkShape` found `fault`: for people, who are to see what is wrong.
 * Takes what `checkShape` took.
 */
export function describeFault(
  event: Event,
  fault: u32,
  shape: usize,
  capture: usize,
  words: u32,
  handles: usize,
  handleCount: u32,
  arenaBytes: u32,
): void {
  const what = fault & 0xff;
  let place: u32 = 0;
  describedValue = 0;
  if (what === StructureFault.WordCount) describedValue = <u64>words;
  else if (what === StructureFault.HandleCount) describedValue = <u64>handleCount;
  else if (what === StructureFault.UnexpectedArena) describedValue = <u64>arenaBytes;
  else if (what === StructureFault.ErrorNumber) describedValue = load<u64>(capture);
  else {
    place = placeBefore(event, shape, fault >> 8, what === StructureFault.HandleType);
    if (what === StructureFault.HandleType) {
      describedValue = <u64>load<u32>(handles + place * CARRIED_BYTES + CARRIED_TYPE);
    } else {
      const value = load<u64>(capture + (place << 3));
      describedValue =
        what === StructureFault.Value
          ? value
          : what === StructureFault.TooLong
            ? value >> 32
            : (value & 0xffffffff) + (value >> 32);
    }
  }
  describedField = what | (place << 8) | ((<u32>event) << 16);
}

/**
 * What `describeFault` found: the StructureFault | which word or handle of the message << 8 | the
 * event << 16.
 */
export function faultField(): u32 {
  return describedField;
}
/** What stands there, or the number of words, handles or bytes: as the sender gave it. */
export function faultGiven(): u64 {
  return describedValue;
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

function checkError(
  shape: usize,
  capture: usize,
  words: u32,
  handleCount: u32,
  arenaBytes: u32,
): u32 {
  if (words !== 1) return StructureFault.WordCount;
  if (handleCount !== 0) return StructureFault.HandleCount;
  if (arenaBytes !== 0) return StructureFault.UnexpectedArena;
  const error = load<u64>(capture);
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

function checkHandle(carried: usize, to: u32): u32 {
  const type = load<u32>(carried + CARRIED_TYPE);
  if (to <= <u32>ObjectType.System)
    return type === to ? StructureFault.None : StructureFault.HandleType;
  return type === ObjectType.Endpoint && load<u32>(carried + CARRIED_INTERFACE) === to
    ? StructureFault.None
    : StructureFault.HandleType;
}
