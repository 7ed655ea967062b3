// Prints one line `bench NAME: MINIMUM MEDIAN ROUNDS` for each figure on the kernel's log. Counts
// the operations that failed, since their figures would be wrong. On a real machine the ticks are
// cycles of the time-stamp counter, and the fences around each reading keep what is measured
// between the two readings; the line "counter" is the price of the readings themselves.
//
// What is measured stands in the loop that measures it, as a stub stands in the code that calls: a
// sample has no function of the bencher's around the operation.

import { PlainKindsColour } from "../../../build/generated/interfaces/Plain";
import { answerer, log } from "../../../build/generated/programs/bencher";
import { loadFence, readTsc } from "../../../drivers/support/x64";
import { QUOTA_HANDLES_MAX } from "../../../kernel/abi/blob";
import { ObjectType, RIGHT_CALL } from "../../../kernel/abi/object";
import {
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_FIRST_NAMED,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_LONG,
  MESSAGE_WORDS_MAX,
} from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { Text } from "../../../services/runtime/text";
import { call, callShort } from "../../../services/runtime/trine";
import { TICKS_NO_PORT } from "../ticks";
import {
  arena,
  clearLong,
  header,
  initialHandle,
  receiveArena,
  receiveHandles,
  receivedHandle,
  record,
  request0,
  request1,
  request2,
  request3,
  requestLong,
  sendArena,
  setWord,
  word,
} from "../../system/message";

const DOMAIN = initialHandle(HANDLE_INDEX_DOMAIN);
const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const RESPONDER = initialHandle(HANDLE_INDEX_FIRST_NAMED);
const RELAY = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);
const TRIGGER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 2);
const LISTENER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 4);
const CLOCK = initialHandle(HANDLE_INDEX_FIRST_NAMED + 6);
const SLOTS = initialHandle(HANDLE_INDEX_FIRST_NAMED + 7);
const SYSTEM = initialHandle(HANDLE_INDEX_FIRST_NAMED + 8);

/** Slots by their order in the image. */
const RESPONDER_SLOT: u32 = 1;
const RELAY_SLOT: u32 = 2;
const DRIVER_SLOT: u32 = 3;
const TRIGGER_SLOT: u32 = 4;
const LOWER_SLOT: u32 = 5;
const EQUAL_SLOT: u32 = 6;
const ANSWERER_SLOT: u32 = 7;
const LISTENER_SLOT: u32 = 8;
const CROWD_FIRST_SLOT: u32 = 9;
const CROWD_MIDDLE: u32 = 30;
const CROWD_ALL: u32 = 200;
/** In the image that has so many slots. */
const CROWD_LARGE: u32 = 1000;
/** As many as a domain may have. */
const HANDLES_MANY: u32 = QUOTA_HANDLES_MAX;

const RESPONDER_INTERFACE: u32 = 0x7f1;
const TIMING_INTERFACE: u32 = 0x7f2;
const LISTENER_INTERFACE: u32 = 0x7f4;
const SECOND: u64 = 1_000_000_000;

const ROUNDS: u32 = 201;
const samples: usize = memory.data(201 * 8, 8);

let failures: u64 = 0;
let lastFailure: u64 = 0;

/** An operation that is measured. No object: the reference is null. */
@unmanaged
abstract class Operation {
  abstract run(): void;
}

@unmanaged
@final
class Nothing extends Operation {
  @inline run(): void {}
}

@unmanaged
@final
class NoWords extends Operation {
  @inline run(): void {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 0, 0), record, 0));
  }
}

@unmanaged
@final
class FourWords extends Operation {
  @inline run(): void {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 1, 4), record, 0));
  }
}

@unmanaged
@final
class ManyWords extends Operation {
  @inline run(): void {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 2, 4, HEADER_FLAG_LONG), record, 0));
  }
}

@unmanaged
@final
class Page extends Operation {
  @inline run(): void {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 3, 1, HEADER_FLAG_LONG), record, 0));
  }
}

@unmanaged
@final
class FourWordsTimed extends Operation {
  @inline run(): void {
    must(call(RESPONDER, header(RESPONDER_INTERFACE, 1, 4), record, SECOND));
  }
}

/** The relay makes a call of its own before it answers. */
@unmanaged
@final
class Nested extends Operation {
  @inline run(): void {
    must(call(RELAY, header(RESPONDER_INTERFACE, 1, 4), record, 0));
  }
}

// With the generated code on both sides, the fields written and read as a program does.

@unmanaged
@final
class NoFields extends Operation {
  @inline run(): void {
    must(answerer.none().status);
  }
}

@unmanaged
@final
class FourFields extends Operation {
  @inline run(): void {
    const answer = answerer.four(1, 2, 3, 4);
    if (!answer.ok) failures++;
    if (answer.a + answer.b + answer.c + answer.d !== 10) failures++;
  }
}

@unmanaged
@final
class FourKinds extends Operation {
  @inline run(): void {
    const answer = answerer.kinds(PlainKindsColour.Blue, true, 65535, 7);
    if (!answer.ok) failures++;
    if (<u64>answer.colour + <u64>answer.isOn + <u64>answer.small + answer.any !== 65545)
      failures++;
  }
}

@unmanaged
@final
class Denied extends Operation {
  @inline run(): void {
    expect(Status.Denied, call(RESPONDER, header(RESPONDER_INTERFACE, 4, 0), record, 0));
  }
}

@unmanaged
@final
class ClockNow extends Operation {
  @inline run(): void {
    must(call(CLOCK, header(ObjectType.Clock, 0, 0), record, 0));
  }
}

@unmanaged
@final
class BadHandle extends Operation {
  @inline run(): void {
    expect(Status.BadHandle, call(0, header(ObjectType.Clock, 0, 0), record, 0));
  }
}

/** The listener, of higher priority, waits for the notice, and waits again when this returns. */
@unmanaged
@final
class Signal extends Operation {
  @inline run(): void {
    must(<u32>callShort(notice, header(ObjectType.Notice, 0, 1), 0, 1, 0, 0, 0));
  }
}

let notice: u32 = 0;

export function main(): void {
  start(RESPONDER_SLOT, RESPONDER);
  measure<Nothing>("counter");
  measure<NoWords>("round trip, 0 words");
  measure<FourWords>("round trip, 4 words");
  clearLong(MESSAGE_WORDS_MAX);
  measure<ManyWords>("round trip, 64 words");
  clearLong(1);
  sendArena(arena, 4096);
  receiveArena(arena, 65536);
  setWord(0, (<u64>4096) << 32);
  measure<Page>("round trip, 4 KiB");
  measure<FourWordsTimed>("round trip, timed");
  start(RELAY_SLOT, RELAY);
  measure<Nested>("round trip, nested");
  start(ANSWERER_SLOT, 0);
  measure<NoFields>("generated stubs, 0 words");
  measure<FourFields>("generated stubs, 4 words");
  measure<FourKinds>("generated stubs, 4 kinds of fields");
  busy<FourWords>("round trip, lower thread ready", LOWER_SLOT);
  busy<FourWords>("round trip, equal thread busy", EQUAL_SLOT);
  busy<FourFields>("generated stubs, lower thread ready", LOWER_SLOT);
  besideCrowd();
  withManyHandles();
  measure<Denied>("denied call");
  measure<ClockNow>("clock.now");
  measure<BadHandle>("bad handle");
  notices();
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

/** Measures while the thread of a slot could always run. */
function busy<T extends Operation>(name: string, slot: u32): void {
  start(slot, 0);
  measure<T>(name);
  stop(slot);
}

/** A round trip beside domains that wait: few, many, and very many where there are such slots. */
function besideCrowd(): void {
  let count: u32 = 0;
  for (; count < CROWD_MIDDLE; count++) start(CROWD_FIRST_SLOT + count, 0);
  measure<FourWords>("round trip, 30 domains more");
  for (; count < CROWD_ALL; count++) start(CROWD_FIRST_SLOT + count, 0);
  measure<FourWords>("round trip, 200 domains more");
  const next = CROWD_FIRST_SLOT + count;
  if (request1(SLOTS, ObjectType.Slots, 3, next) === Status.Ok) {
    for (count++; count < CROWD_LARGE; count++) start(CROWD_FIRST_SLOT + count, 0);
    measure<FourWords>("round trip, 1,000 domains more");
  }
  for (let index: u32 = 0; index < count; index++) stop(CROWD_FIRST_SLOT + index);
}

/** A round trip of a caller whose table of handles is full. */
function withManyHandles(): void {
  must(request2(DOMAIN, ObjectType.Domain, 5, INBOX, 1));
  const own = word(0);
  let count: u32 = 0;
  while (true) {
    const status = request3(DOMAIN, ObjectType.Domain, 7, own, RIGHT_CALL, 0);
    if (status !== Status.Ok) break;
    count++;
  }
  // The initial handles have places too.
  if (count < HANDLES_MANY - 64) failures++;
  measure<FourWords>("round trip, table of handles full");
  // The others were derived from it.
  let status: u32 = Status.Again;
  while (status === Status.Again) status = request1(DOMAIN, ObjectType.Domain, 9, own);
  must(status);
}

/**
 * From `signal` to the listener's return from `recv`, and from there until the signaller has
 * returned too. Its own reading of the counter is in the second.
 */
function notices(): void {
  start(LISTENER_SLOT, 0);
  clearLong(0);
  receiveHandles(1);
  must(requestLong(LISTENER, LISTENER_INTERFACE, 0, 0));
  notice = receivedHandle(0);
  const backs = memory.data(201 * 8, 8);
  for (let round: u32 = 0; round <= ROUNDS; round++) {
    const start = readTsc();
    changetype<Signal>(<usize>0).run();
    const end = readTsc();
    must(request0(LISTENER, LISTENER_INTERFACE, 1));
    const told = word(0);
    if (told <= start || told >= end) failures++;
    if (round === 0) continue;
    store<u64>(sample(round - 1), told - start);
    store<u64>(backs + ((<usize>round - 1) << 3), end - told);
  }
  printSamples("notice, to the listener", ROUNDS);
  memory.copy(samples, backs, (<usize>ROUNDS) << 3);
  printSamples("notice, back", ROUNDS);
  stop(LISTENER_SLOT);
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

function measure<T extends Operation>(name: string): void {
  const operation = changetype<T>(<usize>0);
  operation.run();
  sampled = 0;
  while (sampled < ROUNDS) {
    mark();
    operation.run();
    mark();
  }
  printSamples(name, ROUNDS);
}

let isBegun = false;
let begun: u64 = 0;
/** How many samples there are, of the operation that is measured. */
let sampled: u32 = 0;

/**
 * Begins or ends a sample. The only place that reads the counter for them, so that a trace of the
 * addresses executed shows where they begin and end: it is large enough to be called, not copied.
 */
function mark(): void {
  loadFence();
  const now = readTsc();
  loadFence();
  if (isBegun) {
    store<u64>(sample(sampled), now - begun);
    sampled++;
    begun = 0;
    isBegun = false;
  } else {
    begun = now;
    isBegun = true;
  }
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
