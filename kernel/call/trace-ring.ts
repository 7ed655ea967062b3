// The trace: the last messages between two slots, for whoever debugs. Off, it costs one load a message.

import { nowNs } from "../x64/timer";
import { CAPTURE_WORDS, CAPTURE_WORD_COUNT } from "../ipc/capture";
import { TRACE_BASE } from "../memory/layout";
import { availableFrames } from "../memory/frames";
import { backKernelWindow } from "../memory/window";
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
export const TRACE_WORDS: usize = 32;
const TRACE_RECORD_BYTES: usize = 64;
/** 32 KiB: more than anybody reads, and the oldest go first. */
const TRACE_RECORDS: u32 = 512;
const TRACE_BYTES: u32 = TRACE_RECORDS * <u32>TRACE_RECORD_BYTES;

let isActive: bool = false;
let isBacked: bool = false;
let slotA: u32 = 0;
let slotB: u32 = 0;
let next: u32 = 0;
let kept: u32 = 0;

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
  kept = 0;
  isActive = true;
  return true;
}

export function isTraceActive(): bool {
  return isActive;
}

export function stopTrace(): void {
  isActive = false;
}

/** Records a message as it stands in its sender's capture buffer. */
export function traceMessage(kind: TraceKind, from: u32, to: u32, sender: Thread, header: u32, status: u32): void {
  if (!isActive) return;
  if (!((from === slotA && to === slotB) || (from === slotB && to === slotA))) return;
  const record = TRACE_BASE + <usize>next * TRACE_RECORD_BYTES;
  const words = load<u32>(sender.capture, CAPTURE_WORD_COUNT);
  store<u64>(record + TRACE_TIME, nowNs());
  store<u32>(record + TRACE_KIND, <u32>kind);
  store<u32>(record + TRACE_FROM, from);
  store<u32>(record + TRACE_TO, to);
  store<u32>(record + TRACE_HEADER, header);
  store<u32>(record + TRACE_WORD_COUNT, words);
  store<u32>(record + TRACE_STATUS, status);
  for (let i: u32 = 0; i < 4; i++) {
    store<u64>(record + TRACE_WORDS + (<usize>i << 3), i < words ? load<u64>(sender.capture + CAPTURE_WORDS + (<usize>i << 3)) : 0);
  }
  next = (next + 1) % TRACE_RECORDS;
  if (kept < TRACE_RECORDS) kept += 1;
}

/** Takes the oldest record kept: its address, 0 if there is none. It holds until the next message. */
export function takeTraceRecord(): usize {
  if (kept === 0) return 0;
  const oldest = (next + TRACE_RECORDS - kept) % TRACE_RECORDS;
  kept -= 1;
  return TRACE_BASE + <usize>oldest * TRACE_RECORD_BYTES;
}
