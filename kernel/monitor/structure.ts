// Whether a message has the structure that its interface declares. Checked before any rule, on the
// captured fixed part.

import { FIELD_BYTES, FieldKind, RULE_NONE } from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { fieldEntry } from "./blob/in-force";
import { Field, Method } from "./blob/records";
import { CarriedHandle, Finding, Message } from "./question";

/** What is wrong with a message. A field's number stands above it: fault | field << 8. */
export enum StructureFault {
  None = 0,
  WordCount = 1,
  HandleCount = 2,
  /** An arena that no field describes. */
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
export function checkShape(event: Event, shape: Method, message: Message): u32 {
  if (event === Event.Error) return checkError(shape, message);

  const isRequest = event === Event.Request;
  if (message.wordCount !== shape.words(isRequest)) return StructureFault.WordCount;
  if (message.handleCount !== shape.handles(isRequest)) return StructureFault.HandleCount;

  const free = shape.free(isRequest);
  const arenaBytes = message.arenaBytes;
  const start = changetype<usize>(fieldEntry(shape.fieldsFrom(isRequest)));
  const end = start + shape.fields(isRequest) * FIELD_BYTES;
  let word = message.words + ((<usize>free) << 3);
  let handle = changetype<usize>(message.handle(0));
  let describesArena = false;
  for (let at = start + <usize>free * FIELD_BYTES; at < end; at += FIELD_BYTES) {
    const field = changetype<Field>(at);
    const kind = field.kind;
    if (kind === FieldKind.Handle) {
      if (checkHandle(changetype<CarriedHandle>(handle), <u32>field.max) !== StructureFault.None)
        return faultAt(StructureFault.HandleType, start, at);
      handle += offsetof<CarriedHandle>();
      continue;
    }
    const value = load<u64>(word);
    word += 8;
    if (kind === FieldKind.Unsigned) {
      if (value > field.max) return faultAt(StructureFault.Value, start, at);
    } else if (kind === FieldKind.Signed) {
      if (<i64>value > <i64>field.max || <i64>value < -1 - <i64>field.max)
        return faultAt(StructureFault.Value, start, at);
    } else {
      describesArena = true;
      const length = value >> 32;
      if (length > <u64>(<u32>field.max)) return faultAt(StructureFault.TooLong, start, at);
      if ((value & 0xffffffff) + length > <u64>arenaBytes)
        return faultAt(StructureFault.ArenaRange, start, at);
    }
  }
  if (arenaBytes !== 0 && !describesArena) return StructureFault.UnexpectedArena;
  return StructureFault.None;
}

function faultAt(fault: u32, start: usize, field: usize): u32 {
  return fault | ((<u32>(field - start) / FIELD_BYTES) << 8);
}

/** The bounds of words in registers: what there is to check of a message with METHOD_BOUNDED. */
export class Bounds {
  /**
   * True if the first `words` words, at most four, are within the bounds of the fields from number
   * `firstField` on, which are all Unsigned.
   */
  @inline
  static hold(firstField: u32, words: u32, word0: u64, word1: u64, word2: u64, word3: u64): bool {
    const field = fieldEntry(firstField);
    // Most bounded messages have four words: no counting for these.
    if (words === 4)
      return (
        word0 <= Bounds.max(field, 0) &&
        word1 <= Bounds.max(field, 1) &&
        word2 <= Bounds.max(field, 2) &&
        word3 <= Bounds.max(field, 3)
      );
    return (
      (words < 1 || word0 <= Bounds.max(field, 0)) &&
      (words < 2 || word1 <= Bounds.max(field, 1)) &&
      (words < 3 || word2 <= Bounds.max(field, 2))
    );
  }
  @inline
  private static max(first: Field, index: usize): u64 {
    return changetype<Field>(changetype<usize>(first) + index * FIELD_BYTES).max;
  }
}

/**
 * Describes a fault that `checkShape` returned, for the audit log. The finding's field is the
 * StructureFault | the word or handle at fault << 8 | the event << 16; its value is the word, the
 * handle's type, or the number of words, handles or bytes, as the sender gave it.
 */
export function describeFault(
  event: Event,
  fault: u32,
  shape: Method,
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

/** Fields of the message before `field` that have a word, or those that are handles. */
function placeBefore(event: Event, shape: Method, field: u32, countsHandles: bool): u32 {
  const first = shape.fieldsFrom(event === Event.Request);
  let before: u32 = 0;
  for (let i: u32 = 0; i < field; i++) {
    const isHandle = fieldEntry(first + i).kind === FieldKind.Handle;
    if (isHandle === countsHandles) before += 1;
  }
  return before;
}

/**
 * ObjectType or interface of the `index`th handle that the event's message carries; 0 if it carries
 * fewer.
 */
export function handleField(event: Event, shape: Method, index: u32): u32 {
  const isRequest = event === Event.Request;
  const first = shape.fieldsFrom(isRequest);
  const count = shape.fields(isRequest);
  let left = index;
  for (let i: u32 = 0; i < count; i++) {
    const field = fieldEntry(first + i);
    if (field.kind !== FieldKind.Handle) continue;
    if (left === 0) return <u32>field.max;
    left -= 1;
  }
  return 0;
}

function checkError(shape: Method, message: Message): u32 {
  if (message.wordCount !== 1) return StructureFault.WordCount;
  if (message.handleCount !== 0) return StructureFault.HandleCount;
  if (message.arenaBytes !== 0) return StructureFault.UnexpectedArena;
  const error = message.word(0);
  return error === 0 || error > <u64>shape.errorCount
    ? StructureFault.ErrorNumber
    : StructureFault.None;
}

function checkHandle(handle: CarriedHandle, to: u32): u32 {
  if (to <= <u32>ObjectType.System)
    return handle.type === to ? StructureFault.None : StructureFault.HandleType;
  return handle.type === ObjectType.Endpoint && handle.interfaceId === to
    ? StructureFault.None
    : StructureFault.HandleType;
}
