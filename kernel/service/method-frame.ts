// What a kernel method sees: its caller, its arguments in the caller's capture buffer, and a place
// for its results. One method runs at a time, so there is one of each.

import { Status } from "../abi/status";
import { CAPTURE_ARENA_ADDRESS, CAPTURE_WORDS } from "../object/capture";
import { copyFromUser } from "../memory/user-memory";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { findHandle } from "../handle/table";
import { Thread } from "../object/thread";
import { clamped } from "../base/speculation";

/** Longest text that a kernel method takes or gives: the boot line. */
const TEXT_MAX: u32 = 512;

let callerThread: Thread = changetype<Thread>(<usize>0);
let callerDomain: Domain = changetype<Domain>(<usize>0);
let handle: HandleEntry = changetype<HandleEntry>(<usize>0);

/** u64[16] */
const resultWords: usize = memory.data(128, 8);
let resultCount: u32 = 0;
const text: usize = memory.data(512, 8);
let textBytes: u32 = 0;

export function beginMethod(thread: Thread, domain: Domain, entry: HandleEntry): void {
  callerThread = thread;
  callerDomain = domain;
  handle = entry;
  resultCount = 0;
  textBytes = 0;
}

export function caller(): Thread {
  return callerThread;
}
export function callingDomain(): Domain {
  return callerDomain;
}
/** The handle that the method was called on. */
export function calledHandle(): HandleEntry {
  return handle;
}

export function argument(index: u32): u64 {
  return load<u64>(callerThread.capture + CAPTURE_WORDS + ((<usize>index) << 3));
}
/**
 * An argument of 32 bits. The structure check has seen that it is; without that check its upper
 * half is ignored.
 */
export function argument32(index: u32): u32 {
  return <u32>argument(index);
}
/** The caller's own handle whose number is an argument; null if there is none. */
export function argumentHandle(index: u32): HandleEntry | null {
  const number = argument(index);
  return number >> 32 !== 0 ? null : findHandle(callerDomain, <u32>number);
}

/** Brings a text argument into the text buffer. */
export function readText(index: u32, max: u32): Status {
  const descriptor = argument(index);
  const offset = <u32>descriptor;
  const length = <u32>(descriptor >> 32);
  if (length > max || length > TEXT_MAX) return Status.BadArgument;
  const bytes = clamped(length, TEXT_MAX + 1);
  const start = <u64>load<u32>(callerThread.capture, CAPTURE_ARENA_ADDRESS) + <u64>offset;
  if (start > <u64>u32.MAX_VALUE) return Status.BadAddress;
  if (!copyFromUser(callerDomain, text, <u32>start, bytes)) return Status.BadAddress;
  textBytes = bytes;
  return Status.Ok;
}

export function textStart(): usize {
  return text;
}
export function textLength(): u32 {
  return textBytes;
}

/** Adds a word to the results. */
export function give(value: u64): void {
  store<u64>(resultWords + ((<usize>resultCount) << 3), value);
  resultCount += 1;
}
export function giveBool(value: bool): void {
  give(value ? 1 : 0);
}
/** Gives a text, cut at `max` bytes. */
export function giveText(from: usize, bytes: u32, max: u32): void {
  const length = bytes < max ? bytes : max;
  memory.copy(text, from, length);
  textBytes = length;
  give((<u64>length) << 32);
}
/** Gives a text that has been put at `textStart`. */
export function giveTextAsIs(bytes: u32): void {
  textBytes = bytes;
  give((<u64>bytes) << 32);
}
/** Adds bytes to the text that will be given: `giveBuiltText` ends it. */
export function appendText(from: usize, bytes: u32): void {
  const room = TEXT_MAX - textBytes;
  const length = bytes < room ? bytes : room;
  memory.copy(text + textBytes, from, length);
  textBytes += length;
}
export function appendByte(byte: u32): void {
  if (textBytes === TEXT_MAX) return;
  store<u8>(text + textBytes, <u8>byte);
  textBytes += 1;
}
/** Adds a string literal of ASCII. */
export function appendLiteral(literal: string): void {
  const start = changetype<usize>(literal);
  const length = <u32>literal.length;
  for (let i: u32 = 0; i < length; i++) appendByte(<u32>load<u16>(start + ((<usize>i) << 1)));
}
export function appendNumber(value: u64): void {
  let unit: u64 = 1;
  while (value / unit >= 10) unit *= 10;
  while (unit > 0) {
    appendByte(48 + <u32>((value / unit) % 10));
    unit /= 10;
  }
}
export function giveBuiltText(): void {
  give((<u64>textBytes) << 32);
}

export function results(): usize {
  return resultWords;
}
export function resultsGiven(): u32 {
  return resultCount;
}
