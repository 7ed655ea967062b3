// Prints one line `bench NAME MINIMUM MEDIAN` for each figure on the kernel's log.

import { readTsc } from "../../../drivers/support/x64";
import { ObjectType } from "../../../kernel/abi/object";
import { HANDLE_INDEX_DOMAIN, HANDLE_INDEX_FIRST_NAMED, HANDLE_INDEX_INBOX, HEADER_FLAG_LONG, MESSAGE_WORDS_MAX, TIMEOUT_POLL } from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { call } from "../../../services/runtime/trine";
import { arena, clearLong, header, initialHandle, receive, receiveArena, record, request0, request1, request2, requestLong, sendArena, setWord, word } from "../../system/message";

const DOMAIN = initialHandle(HANDLE_INDEX_DOMAIN);
const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const RESPONDER = initialHandle(HANDLE_INDEX_FIRST_NAMED);
const LOG = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);
const CLOCK = initialHandle(HANDLE_INDEX_FIRST_NAMED + 2);
const SLOTS = initialHandle(HANDLE_INDEX_FIRST_NAMED + 3);
const SYSTEM = initialHandle(HANDLE_INDEX_FIRST_NAMED + 4);
const RESPONDER_SLOT: u32 = 1;
const RESPONDER_INTERFACE: u32 = 0x7f1;

const ROUNDS: u32 = 201;
const samples: usize = memory.data(201 * 8, 8);
let notice: u32 = 0;

export function main(): void {
  startResponder();
  measure("counter", 1, () => {});
  measure("round trip, 0 words", 1, () => { must(call(RESPONDER, header(RESPONDER_INTERFACE, 0, 0), record, 0)); });
  measure("round trip, 4 words", 1, () => { must(call(RESPONDER, header(RESPONDER_INTERFACE, 1, 4), record, 0)); });
  clearLong(MESSAGE_WORDS_MAX);
  measure("round trip, 64 words", 1, () => { must(call(RESPONDER, header(RESPONDER_INTERFACE, 2, 4, HEADER_FLAG_LONG), record, 0)); });
  clearLong(1);
  sendArena(arena, 4096);
  receiveArena(arena, 65536);
  setWord(0, (<u64>4096) << 32);
  measure("round trip, 4 KiB", 1, () => { must(call(RESPONDER, header(RESPONDER_INTERFACE, 3, 1, HEADER_FLAG_LONG), record, 0)); });
  measure("denied call", 1, () => { call(RESPONDER, header(RESPONDER_INTERFACE, 4, 0), record, 0); });
  measure("clock.now", 1, () => { must(call(CLOCK, header(ObjectType.Clock, 0, 0), record, 0)); });
  measure("bad handle", 1, () => { call(0, header(ObjectType.Clock, 0, 0), record, 0); });
  request2(DOMAIN, ObjectType.Domain, 5, INBOX, 1);
  notice = <u32>word(0);
  measure("notice, signal and receive", 1, () => { request1(notice, ObjectType.Notice, 0, 1); receive(INBOX, 0, TIMEOUT_POLL); });
  measure("domain start and reclamation", 10, () => { stopResponder(); request1(SLOTS, ObjectType.Slots, 3, RESPONDER_SLOT); });
  idleDomain();
  print("failures", failures, lastFailure);
  request1(SYSTEM, ObjectType.System, 1, failures == 0 ? 0 : 1);
}

/** A figure of something that failed would be none. */
function must(status: u32): void {
  if (status != Status.Ok) { failures++; lastFailure = status; }
}
let failures: u64 = 0;
let lastFailure: u64 = 0;

function startResponder(): void {
  request1(SLOTS, ObjectType.Slots, 3, RESPONDER_SLOT);
  for (let turn = 0; turn < 8; turn++) request0(RESPONDER, RESPONDER_INTERFACE, 0);
}

function stopResponder(): void {
  while (request1(SLOTS, ObjectType.Slots, 4, RESPONDER_SLOT) == Status.Again) {}
}

/** Pages that a running, idle domain holds: what stopping it frees. */
function idleDomain(): void {
  request0(RESPONDER, RESPONDER_INTERFACE, 0);
  request0(RESPONDER, RESPONDER_INTERFACE, 0);
  const running = freePages();
  stopResponder();
  const bytes = (freePages() - running) * 4096;
  print("idle domain, bytes", bytes, bytes);
}

function freePages(): u64 {
  request0(SYSTEM, ObjectType.System, 0);
  return word(1);
}

function measure(name: string, divisor: u32, body: () => void): void {
  const rounds = ROUNDS / divisor;
  body();
  for (let round: u32 = 0; round < rounds; round++) {
    const start = readTsc();
    body();
    store<u64>(samples + ((<usize>round) << 3), readTsc() - start);
  }
  sort(rounds);
  print(name, load<u64>(samples), load<u64>(samples + ((<usize>(rounds / 2)) << 3)));
}

function sort(count: u32): void {
  for (let end: u32 = 1; end < count; end++) {
    const value = load<u64>(samples + ((<usize>end) << 3));
    let place = end;
    for (; place > 0; place--) {
      const before = load<u64>(samples + ((<usize>place - 1) << 3));
      if (before <= value) break;
      store<u64>(samples + ((<usize>place) << 3), before);
    }
    store<u64>(samples + ((<usize>place) << 3), value);
  }
}

const line: usize = memory.data(128, 8);
let lineBytes: u32 = 0;

function print(name: string, minimum: u64, median: u64): void {
  lineBytes = 0;
  putText("bench ");
  putText(name);
  putText(": ");
  putNumber(minimum);
  putText(" ");
  putNumber(median);
  putByte(10);
  clearLong(1);
  sendArena(line, lineBytes);
  setWord(0, (<u64>lineBytes) << 32);
  requestLong(LOG, ObjectType.Log, 0, 1);
}

function putText(text: string): void {
  for (let index = 0; index < text.length; index++) putByte(<u8>text.charCodeAt(index));
}

function putNumber(value: u64): void {
  let divisor: u64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor != 0; divisor /= 10) putByte(<u8>(48 + (value / divisor) % 10));
}

function putByte(byte: u8): void {
  store<u8>(line + lineBytes, byte);
  lineBytes++;
}
