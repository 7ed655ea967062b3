// Prints one line `bench NAME: MINIMUM MEDIAN ROUNDS` for each figure on the kernel's log. Counts
// the operations that failed, since their figures would be wrong. On a real machine the ticks are
// cycles of the time-stamp counter, and the fences around each reading keep what is measured
// between the two readings; the line "counter" is the price of the readings themselves.

import { PlainKindsColour } from "../../../build/generated/interfaces/Plain";
import { answerer, log } from "../../../build/generated/programs/bencher";
import { loadFence, readTsc } from "../../../drivers/support/x64";
import { ObjectType } from "../../../kernel/abi/object";
import {
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_FIRST_NAMED,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_LONG,
  MESSAGE_WORDS_MAX,
  TIMEOUT_POLL,
} from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { Text } from "../../../services/runtime/text";
import { call } from "../../../services/runtime/trine";
import { TICKS_NO_PORT } from "../ticks";
import {
  arena,
  clearLong,
  header,
  initialHandle,
  receive,
  receiveArena,
  record,
  request0,
  request1,
  request2,
  sendArena,
  setWord,
  word,
} from "../../system/message";

const DOMAIN = initialHandle(HANDLE_INDEX_DOMAIN);
const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const RESPONDER = initialHandle(HANDLE_INDEX_FIRST_NAMED);
const RELAY = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);
const TRIGGER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 2);
const CLOCK = initialHandle(HANDLE_INDEX_FIRST_NAMED + 5);
const SLOTS = initialHandle(HANDLE_INDEX_FIRST_NAMED + 6);
const SYSTEM = initialHandle(HANDLE_INDEX_FIRST_NAMED + 7);

/** Slots by their order in the image. */
const RESPONDER_SLOT: u32 = 1;
const RELAY_SLOT: u32 = 2;
const DRIVER_SLOT: u32 = 3;
const TRIGGER_SLOT: u32 = 4;
const LOWER_SLOT: u32 = 5;
const EQUAL_SLOT: u32 = 6;
const ANSWERER_SLOT: u32 = 7;
const CROWD_FIRST_SLOT: u32 = 8;
const CROWD_MIDDLE: u32 = 30;
const CROWD_ALL: u32 = 200;

const RESPONDER_INTERFACE: u32 = 0x7f1;
const TIMING_INTERFACE: u32 = 0x7f2;
const SECOND: u64 = 1_000_000_000;

const ROUNDS: u32 = 201;
const samples: usize = memory.data(201 * 8, 8);
let notice: u32 = 0;

let failures: u64 = 0;
let lastFailure: u64 = 0;

export function main(): void {
  start(RESPONDER_SLOT, RESPONDER);
  measure("counter", () => {});
  measure("round trip, 0 words", () => {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 0, 0), record, 0));
  });
  measure("round trip, 4 words", fourWords);
  clearLong(MESSAGE_WORDS_MAX);
  measure("round trip, 64 words", () => {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 2, 4, HEADER_FLAG_LONG), record, 0));
  });
  clearLong(1);
  sendArena(arena, 4096);
  receiveArena(arena, 65536);
  setWord(0, (<u64>4096) << 32);
  measure("round trip, 4 KiB", () => {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 3, 1, HEADER_FLAG_LONG), record, 0));
  });
  measure("round trip, timed", () => {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 1, 4), record, SECOND));
  });
  start(RELAY_SLOT, RELAY);
  measure("round trip, nested", () => {
    must(call(RELAY, header(RESPONDER_INTERFACE, 1, 4), record, 0));
  });
  generatedStubs();
  busy("round trip, lower thread ready", LOWER_SLOT, fourWords);
  busy("round trip, equal thread busy", EQUAL_SLOT, fourWords);
  busy("generated stubs, lower thread ready", LOWER_SLOT, fourFields);
  besideCrowd();
  measure("denied call", () => {
    expect(Status.Denied, call(RESPONDER, header(RESPONDER_INTERFACE, 4, 0), record, 0));
  });
  measure("clock.now", () => {
    must(call(CLOCK, header(ObjectType.Clock, 0, 0), record, 0));
  });
  measure("bad handle", () => {
    expect(Status.BadHandle, call(0, header(ObjectType.Clock, 0, 0), record, 0));
  });
  must(request2(DOMAIN, ObjectType.Domain, 5, INBOX, 1));
  notice = <u32>word(0);
  measure("notice, signal and receive", () => {
    must(request1(notice, ObjectType.Notice, 0, 1));
    expect(Status.Notified, receive(INBOX, 0, TIMEOUT_POLL));
  });
  interruptToDriver();
  domainStart();
  idleDomain();
  print("failures", failures, lastFailure, 0);
  say(
    failures === 0
      ? "the end. Each line: minimum, median, rounds, in ticks of the time-stamp counter"
      : "the end. Operations failed, so these are no figures",
  );
  request1(SYSTEM, ObjectType.System, 1, failures === 0 ? 0 : 1);
}

function must(status: u32): void {
  expect(Status.Ok, status);
}

function expect(wanted: u32, status: u32): void {
  if (status === wanted) return;
  failures++;
  lastFailure = status;
}

function fourWords(): void {
  must(call(RESPONDER, header(RESPONDER_INTERFACE, 1, 4), record, 0));
}

/**
 * Round trips with the generated code on both sides, the fields written and read as a program does.
 */
function generatedStubs(): void {
  start(ANSWERER_SLOT, 0);
  measure("generated stubs, 0 words", () => {
    must(answerer.none().status);
  });
  measure("generated stubs, 4 words", fourFields);
  measure("generated stubs, 4 kinds of fields", () => {
    const answer = answerer.kinds(PlainKindsColour.Blue, true, 65535, 7);
    if (!answer.ok) failures++;
    if (answer.colour !== PlainKindsColour.Blue) failures++;
    if (!answer.isOn || answer.small !== 65535 || answer.any !== 7) failures++;
  });
}

function fourFields(): void {
  const answer = answerer.four(1, 2, 3, 4);
  if (!answer.ok) failures++;
  if (answer.a + answer.b + answer.c + answer.d !== 10) failures++;
}

/** Starts a slot. If a handle to one of its endpoints is given, waits until it has answered. */
function start(slot: u32, endpoint: u32): void {
  must(request1(SLOTS, ObjectType.Slots, 3, slot));
  if (endpoint !== 0) firstAnswer(endpoint);
}

/** The first call after a restart returns Restarted, once. */
function firstAnswer(endpoint: u32): void {
  const first = call(endpoint, header(RESPONDER_INTERFACE, 1, 4), record, 0);
  if (first === Status.Restarted)
    must(call(endpoint, header(RESPONDER_INTERFACE, 1, 4), record, 0));
  else must(first);
}

function stop(slot: u32): void {
  let status: u32 = Status.Again;
  while (status === Status.Again) status = request1(SLOTS, ObjectType.Slots, 4, slot);
  must(status);
}

/** A round trip of four words while the thread of a slot could always run. */
function busy(name: string, slot: u32, body: () => void): void {
  start(slot, 0);
  measure(name, body);
  stop(slot);
}

/** A round trip beside domains that wait, few and many. */
function besideCrowd(): void {
  for (let index: u32 = 0; index < CROWD_MIDDLE; index++) start(CROWD_FIRST_SLOT + index, 0);
  measure("round trip, 30 domains more", fourWords);
  for (let index = CROWD_MIDDLE; index < CROWD_ALL; index++) start(CROWD_FIRST_SLOT + index, 0);
  measure("round trip, 200 domains more", fourWords);
  for (let index: u32 = 0; index < CROWD_ALL; index++) stop(CROWD_FIRST_SLOT + index);
}

/**
 * From the write that raises a line to the driver's return from `recv`, including the preemption of
 * the running thread.
 */
function interruptToDriver(): void {
  start(DRIVER_SLOT, 0);
  start(TRIGGER_SLOT, 0);
  for (let round: u32 = 0; round <= ROUNDS; round++) {
    must(request0(TRIGGER, TIMING_INTERFACE, 0));
    const ticks = word(0);
    if (ticks === TICKS_NO_PORT) {
      say("no second serial port, so no interrupt to measure");
      break;
    }
    if (ticks === 0) failures++;
    if (round > 0) store<u64>(sample(round - 1), ticks);
  }
  if (word(0) !== TICKS_NO_PORT) printSamples("interrupt to driver", ROUNDS);
  stop(TRIGGER_SLOT);
  stop(DRIVER_SLOT);
}

/**
 * Start of a domain until it has answered its first call, and its end until everything is given
 * back.
 */
function domainStart(): void {
  const rounds = ROUNDS / 10;
  const ends = samples + ((<usize>rounds) << 3);
  for (let round: u32 = 0; round < rounds; round++) {
    const ending = readTsc();
    stop(RESPONDER_SLOT);
    store<u64>(ends + ((<usize>round) << 3), readTsc() - ending);
    const starting = readTsc();
    start(RESPONDER_SLOT, RESPONDER);
    store<u64>(sample(round), readTsc() - starting);
  }
  printSamples("domain start", rounds);
  memory.copy(samples, ends, (<usize>rounds) << 3);
  printSamples("domain end", rounds);
}

/** Pages that a running, idle domain holds: what stopping it frees. */
function idleDomain(): void {
  must(request0(RESPONDER, RESPONDER_INTERFACE, 0));
  const running = freePages();
  stop(RESPONDER_SLOT);
  const bytes = (freePages() - running) * 4096;
  print("idle domain, bytes", bytes, bytes, 0);
}

function freePages(): u64 {
  must(request0(SYSTEM, ObjectType.System, 0));
  return word(1);
}

function measure(name: string, body: () => void): void {
  body();
  for (let round: u32 = 0; round < ROUNDS; round++) {
    loadFence();
    const start = readTsc();
    loadFence();
    body();
    loadFence();
    const end = readTsc();
    loadFence();
    store<u64>(sample(round), end - start);
  }
  printSamples(name, ROUNDS);
}

function sample(round: u32): usize {
  return samples + ((<usize>round) << 3);
}

function printSamples(name: string, rounds: u32): void {
  sort(rounds);
  print(name, load<u64>(sample(0)), load<u64>(sample(rounds / 2)), rounds);
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

const line: Text = Text.withRoom(128);

function print(name: string, minimum: u64, median: u64, rounds: u32): void {
  line.clear().string("bench ").string(name).string(": ").number(minimum).string(" ");
  log.write(line.number(median).string(" ").number(rounds));
}

function say(text: string): void {
  log.write(line.clear().string(text));
}
