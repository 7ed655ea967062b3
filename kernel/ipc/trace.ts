// The trace: the last messages between two slots, for whoever debugs. Off, it costs one load a
// message.

import { nowNs } from "../x64/timer";
import { Status } from "../abi/status";
import {
  CAPTURE_ARENA_ADDRESS,
  CAPTURE_ARENA_BYTES,
  CAPTURE_HANDLE_COUNT,
  CAPTURE_WORDS,
  CAPTURE_WORD_COUNT,
} from "../object/capture";
import { TRACE_BASE } from "../object/layout";
import { availableFrames } from "../memory/frames";
import { copyFromUser } from "../memory/user-memory";
import { backKernelWindow } from "../memory/window";
import { domainOfSlot } from "../object/domain";
import { Thread } from "../object/thread";

export enum TraceKind {
  Request = 0,
  Response = 1,
  Error = 2,
}

export const TRACE_TIME: usize = 0;
export const TRACE_KIND: usize = 8;
export const TRACE_FROM: usize = 12;
export const TRACE_TO: usize = 16;
export const TRACE_HEADER: usize = 20;
export const TRACE_WORD_COUNT: usize = 24;
export const TRACE_STATUS: usize = 28;
export const TRACE_HANDLE_COUNT: usize = 32;
export const TRACE_ARENA_BYTES: usize = 36;
/** How many bytes of the arena the record keeps. */
const TRACE_ARENA_KEPT: usize = 40;
/** The words that the record keeps, and behind them the arena's beginning. */
export const TRACE_DATA: usize = 48;
const TRACE_RECORD_BYTES: usize = 256;
/** More words than any interface between programs has. */
const TRACE_WORDS_MAX: u32 = 16;
/** A line of text, and more. */
const TRACE_ARENA_MAX: u32 = 80;
export const TRACE_DATA_MAX: u32 = (TRACE_WORDS_MAX << 3) + TRACE_ARENA_MAX;
/** 64 KiB: more than anybody reads, and the oldest go first. */
const TRACE_RECORDS: u32 = 256;
const TRACE_BYTES: u32 = TRACE_RECORDS * <u32>TRACE_RECORD_BYTES;

let isActive: bool = false;
let isBacked: bool = false;
let slotA: u32 = 0;
let slotB: u32 = 0;
let next: u32 = 0;
let recorded: u32 = 0;

/** Starts anew, for the messages between two slots. False if memory is out. */
export function startTrace(a: u32, b: u32): bool {
  if (!isBacked) {
    // All of it or nothing, and only what is promised to nobody. Page tables are there since boot.
    if (availableFrames() < TRACE_BYTES >> 12) return false;
    if (!backKernelWindow(TRACE_BASE, TRACE_BYTES)) return false;
    isBacked = true;
  }
  slotA = a;
  slotB = b;
  next = 0;
  recorded = 0;
  isActive = true;
  return true;
}

export function isTraceActive(): bool {
  return isActive;
}

export function stopTrace(): void {
  isActive = false;
}

/**
 * Records a message as it stands in its sender's capture buffer, and the beginning of its arena as
 * it stands with the sender. Of a message that was refused the arena is not looked at: nobody reads
 * it.
 */
export function traceMessage(
  kind: TraceKind,
  from: u32,
  to: u32,
  sender: Thread,
  header: u32,
  status: u32,
): void {
  if (!isActive) return;
  if (!((from === slotA && to === slotB) || (from === slotB && to === slotA))) return;
  const record = TRACE_BASE + <usize>next * TRACE_RECORD_BYTES;
  const capture = sender.capture;
  const words = load<u32>(capture, CAPTURE_WORD_COUNT);
  const arenaBytes = load<u32>(capture, CAPTURE_ARENA_BYTES);
  store<u64>(record + TRACE_TIME, nowNs());
  store<u32>(record + TRACE_KIND, <u32>kind);
  store<u32>(record + TRACE_FROM, from);
  store<u32>(record + TRACE_TO, to);
  store<u32>(record + TRACE_HEADER, header);
  store<u32>(record + TRACE_WORD_COUNT, words);
  store<u32>(record + TRACE_STATUS, status);
  store<u32>(record + TRACE_HANDLE_COUNT, load<u32>(capture, CAPTURE_HANDLE_COUNT));
  store<u32>(record + TRACE_ARENA_BYTES, arenaBytes);

  const data = record + TRACE_DATA;
  memory.copy(data, capture + CAPTURE_WORDS, wordsKept(words) << 3);
  let kept =
    status !== <u32>Status.Ok ? 0 : arenaBytes < TRACE_ARENA_MAX ? arenaBytes : TRACE_ARENA_MAX;
  if (
    !copyFromUser(
      domainOfSlot(sender.owner),
      data + (wordsKept(words) << 3),
      load<u32>(capture, CAPTURE_ARENA_ADDRESS),
      kept,
    )
  )
    kept = 0;
  store<u32>(record + TRACE_ARENA_KEPT, kept);
  next = (next + 1) % TRACE_RECORDS;
  if (recorded < TRACE_RECORDS) recorded += 1;
}

function wordsKept(words: u32): u32 {
  return words < TRACE_WORDS_MAX ? words : TRACE_WORDS_MAX;
}

/** Bytes at TRACE_DATA of a record. */
export function traceDataBytes(record: usize): u32 {
  return (
    (wordsKept(load<u32>(record + TRACE_WORD_COUNT)) << 3) + load<u32>(record + TRACE_ARENA_KEPT)
  );
}

/**
 * Takes the oldest record kept: its address, 0 if there is none. It holds until the next message.
 */
export function takeTraceRecord(): usize {
  if (recorded === 0) return 0;
  const oldest = (next + TRACE_RECORDS - recorded) % TRACE_RECORDS;
  recorded -= 1;
  return TRACE_BASE + <usize>oldest * TRACE_RECORD_BYTES;
}

if (TRACE_DATA + <usize>TRACE_DATA_MAX > TRACE_RECORD_BYTES)
  ERROR("a trace record has no room for what it keeps");
