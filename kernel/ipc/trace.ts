// The trace: the last messages between two slots, for debugging. While it is off, it costs one load
// for each message.

import { MessageHeader } from "../abi/message-header";
import { Status } from "../abi/status";
import { TRACE_BASE } from "../object/layout";
import { availableFrames } from "../memory/frames";
import { copyFromUser } from "../memory/user-memory";
import { backKernelWindow } from "../memory/window";
import { domainOfSlot } from "../object/domain";
import { Thread } from "../object/thread";
import { setTraced } from "../schedule/scheduler";
import { nowNs } from "../x64/timer";

export enum TraceKind {
  Request = 0,
  Response = 1,
  Error = 2,
}

/** More words than any interface between programs has. */
const TRACE_WORDS_MAX: u32 = 16;
/** Bytes of the arena that a record keeps: more than a line of text. */
const TRACE_ARENA_MAX: u32 = 80;
export const TRACE_DATA_MAX: u32 = (TRACE_WORDS_MAX << 3) + TRACE_ARENA_MAX;
const TRACE_DATA: usize = 48;
const TRACE_RECORD_BYTES: usize = 256;
/** 64 KiB: more than a person reads. The oldest record is dropped for a new one. */
const TRACE_RECORDS: u32 = 256;
const TRACE_BYTES: u32 = TRACE_RECORDS * <u32>TRACE_RECORD_BYTES;

/** One message: sender, receiver, content, and the status it ended with. */
@unmanaged
@final
class TraceRecord {
  timeNs: u64;
  kind: TraceKind;
  /** Slots. */
  from: u32;
  to: u32;
  /** Interface and method of the call, as a header word. */
  header: MessageHeader;
  wordCount: u32;
  status: Status;
  handleCount: u32;
  arenaBytes: u32;
  /** How many bytes of the arena the record keeps. */
  arenaKept: u32;

  /** Address of the words that the record keeps, and behind them the arena's first bytes. */
  @inline
  get data(): usize {
    return changetype<usize>(this) + TRACE_DATA;
  }
  @inline
  get dataBytes(): u32 {
    return (this.wordsKept << 3) + this.arenaKept;
  }
  @inline
  get wordsKept(): u32 {
    return this.wordCount < TRACE_WORDS_MAX ? this.wordCount : TRACE_WORDS_MAX;
  }
  @inline
  static at(index: u32): TraceRecord {
    return changetype<TraceRecord>(TRACE_BASE + <usize>index * TRACE_RECORD_BYTES);
  }
}

if (offsetof<TraceRecord>() > TRACE_DATA) ERROR("a trace record overlaps its data");
if (TRACE_DATA + <usize>TRACE_DATA_MAX > TRACE_RECORD_BYTES)
  ERROR("a trace record has no room for what it keeps");

// There is one trace in the machine. It is the state of these six variables and of the records.
let isActive: bool = false;
let isBacked: bool = false;
let slotA: u32 = 0;
let slotB: u32 = 0;
let next: u32 = 0;
let recorded: u32 = 0;

/** Drops all records and starts tracing between two slots. False if there is no memory for it. */
export function startTrace(a: u32, b: u32): bool {
  if (!isBacked) {
    // The trace gets all of its frames or none, and only frames that no quota has promised. Its
    // page tables exist since boot.
    if (availableFrames() < TRACE_BYTES >> 12) return false;
    if (!backKernelWindow(TRACE_BASE, TRACE_BYTES)) return false;
    isBacked = true;
  }
  slotA = a;
  slotB = b;
  next = 0;
  recorded = 0;
  isActive = true;
  setTraced(true);
  return true;
}

export function isTraceActive(): bool {
  return isActive;
}

export function stopTrace(): void {
  isActive = false;
  setTraced(false);
}

/**
 * Records the captured message and the first bytes of the sender's arena; of a refused message, not
 * the arena. `naming`: interface and method of the call. Called while `isTraceActive`.
 */
export function traceMessage(
  kind: TraceKind,
  from: u32,
  to: u32,
  sender: Thread,
  naming: MessageHeader,
  status: Status,
): void {
  if (!((from === slotA && to === slotB) || (from === slotB && to === slotA))) return;
  const record = TraceRecord.at(next);
  const capture = sender.capture;
  record.timeNs = nowNs();
  record.kind = kind;
  record.from = from;
  record.to = to;
  record.header = naming;
  record.wordCount = capture.wordCount;
  record.status = status;
  record.handleCount = capture.handleCount;
  record.arenaBytes = capture.arenaBytes;
  record.arenaKept = 0;
  memory.copy(record.data, capture.words, record.wordsKept << 3);
  if (status === Status.Ok) keepArena(record, sender);
  next = (next + 1) % TRACE_RECORDS;
  if (recorded < TRACE_RECORDS) recorded += 1;
}

/**
 * Keeps the beginning of the arena, or nothing if the sender cannot read it: then the message will
 * fail.
 */
function keepArena(record: TraceRecord, sender: Thread): void {
  const bytes = record.arenaBytes < TRACE_ARENA_MAX ? record.arenaBytes : TRACE_ARENA_MAX;
  const to = record.data + (record.wordsKept << 3);
  if (copyFromUser(domainOfSlot(sender.owner), to, sender.capture.arenaAddress, bytes))
    record.arenaKept = bytes;
}

/** Takes the oldest record, null if there is none. It is valid until the next message. */
export function takeTraceRecord(): TraceRecord | null {
  if (recorded === 0) return null;
  const oldest = (next + TRACE_RECORDS - recorded) % TRACE_RECORDS;
  recorded -= 1;
  return TraceRecord.at(oldest);
}
