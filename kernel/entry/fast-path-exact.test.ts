import { beforeAll, expect, test } from "vitest";
import {
  SAVE_R10,
  SAVE_R12,
  SAVE_R13,
  SAVE_R14,
  SAVE_R9,
  SAVE_RBX,
  SAVE_RDI,
  SAVE_RDX,
  SAVE_RSI,
} from "../abi/thread-save-area.ts";
import { ObjectType } from "../abi/object.ts";
import {
  RECORD_ARENA_ADDRESS,
  RECORD_ARENA_BYTES,
  RECORD_HANDLES,
  RECORD_HANDLE_COUNT,
  RECORD_RECEIVE_ADDRESS,
  RECORD_RECEIVE_BYTES,
  RECORD_RECEIVE_HANDLES,
  RECORD_WORD_COUNT,
} from "../abi/message-record.ts";
import { Status } from "../abi/status.ts";
import {
  HEADER_FLAG_ERROR,
  HEADER_FLAG_FORWARD,
  HEADER_FLAG_KEEP_MASKED,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
  SystemCall,
} from "../abi/system-call.ts";
import {
  DOMAIN,
  INBOX,
  KernelInNode,
  THREAD,
  type TestSystem,
  buildSystem,
  compileKernel,
  named,
} from "../../tests/support/kernel-in-node.ts";
import { failureOf, randomOf } from "../../tests/support/random-programs.ts";
import { REGION } from "../../tests/support/small-executable.ts";
import {
  ADD,
  CLIENT,
  COPY,
  MANY,
  OTHER,
  QUIET,
  ROOT,
  SERVER,
  SILENT,
  TEST_SYSTEM,
  startSlot,
  stopSlot,
} from "../../tests/support/test-system.ts";

// Two kernels, one without fast path, do the same messages. After each, everything that the
// kernel keeps must be the same, to the byte.

const SLOTS = [SERVER, CLIENT, OTHER];
/** Records in one page, up to its end and across two, with places of arenas behind them. */
const RECORD = 0x20000;
const RECORDS = [0, 1024, 2048, 3072, 4096 - 616, 4096 - 608, 4096 - 128].map(
  (offset) => RECORD + offset,
);
const ARENAS = [0x22000, 0x23800, 0x23ff8];
// Kernel memory that is compared (memory/layout.ts).
const READY_QUEUE = { address: 0x02800000, bytes: 40 + 1024 };
const SEQUENCES = { address: 0x02820000, bytes: 8 * 24 };
const THREADS = 0x03200000;
const INBOXES = 0x02c00000;
const ENDPOINTS = 0x02e00000;
const DOMAINS = 0x02a00000;
const HANDLES = 0x10000000;
/** The audit log, of which the test system's slots and the kernel take less. */
const AUDIT = 0x02880000;
const AUDIT_BYTES = 6 * 256 * 72;
const THREADS_SEEN = 24;
/** ThreadState. */
const READY = 0;
const CALLING = 1;
/** Where the captured words lie in a thread: the short way does not write them. */
const CAPTURE = 1408;
const CAPTURED_WORDS = CAPTURE + 128;
/** ThreadState.AwaitingReply. */
const AWAITING_REPLY = 2;

const SYSTEM: TestSystem = {
  ...TEST_SYSTEM,
  slots: {
    ...TEST_SYSTEM.slots,
    server: { ...TEST_SYSTEM.slots["server"], ceiling: 140 },
    client: { ...TEST_SYSTEM.slots["client"], ceiling: 150 },
    other: { ...TEST_SYSTEM.slots["other"], priority: 90, ceiling: 150 },
  },
  programs: Object.fromEntries(
    Object.entries(TEST_SYSTEM.programs).map(([name, program]) => [
      name,
      { ...program, executable: { threadEntry: REGION } },
    ]),
  ),
};

let fast: WebAssembly.Module;
let slow: WebAssembly.Module;
let archive: Uint8Array;
beforeAll(async () => {
  fast = await compileKernel();
  slow = await compileKernel({ slow: true });
  archive = await buildSystem(SYSTEM);
});

/**
 * All that the kernel keeps of threads but their capture buffers; queues, inboxes, endpoints,
 * domains, the first handles.
 */
function state(kernel: KernelInNode): Record<string, string> {
  const hex = (address: number, bytes: number): string =>
    Buffer.from(kernel.windowBytes(address, bytes)).toString("hex");
  const parts: Record<string, string> = {
    current: kernel.current.toString(16),
    armed: String(kernel.big("armedDeadline")),
    frames: String(kernel.number("availableFrames")),
    ready: hex(READY_QUEUE.address, READY_QUEUE.bytes),
    sequences: hex(SEQUENCES.address, SEQUENCES.bytes),
    log: kernel.log,
  };
  for (let index = 0; index < THREADS_SEEN; index++) {
    if (kernel.number("threadAt", index) === 0) continue;
    const thread = kernel.windowBytes(THREADS + index * 2048, CAPTURE);
    // A place in a queue means something only while the thread is in one; the short way leaves the
    // ready queue out.
    const isQueued = kernel.number("isQueuedOffset");
    if (thread[isQueued] === 0) thread.fill(0, kernel.number("queuePriorityOffset"), isQueued);
    // A call on the short way is received at once, so it leaves out what is kept until then.
    const state = thread[kernel.number("stateOffset")]!;
    if (state !== CALLING && state !== AWAITING_REPLY)
      thread.fill(0, kernel.number("callHeaderOffset"), kernel.number("callHeaderOffset") + 4);
    // A method of the kernel that the short way serves leaves nothing of its call behind.
    if (state !== AWAITING_REPLY)
      thread.fill(0, kernel.number("callEpochOffset"), kernel.number("callEpochOffset") + 8);
    if (state !== AWAITING_REPLY)
      thread.fill(0, kernel.number("serverOffset"), kernel.number("serverOffset") + 4);
    if (state !== CALLING)
      thread.fill(0, kernel.number("callHandleOffset"), kernel.number("callHandleEnd"));
    // What a ready thread had for a record means nothing any more, nor what it knows of none.
    const isLongAt = kernel.number("isLongOffset");
    if (state === READY || thread[isLongAt] === 0) thread.fill(0, isLongAt, isLongAt + 2);
    parts[`thread ${index}`] = Buffer.from(thread).toString("hex");
  }
  for (const slot of [ROOT, ...SLOTS]) {
    parts[`inbox ${slot}`] = hex(INBOXES + slot * 2048, 2048);
    parts[`endpoints ${slot}`] = hex(ENDPOINTS + slot * 32 * 128, 128);
    parts[`domain ${slot}`] = hex(DOMAINS + slot * 2048, 1024);
    parts[`handles ${slot}`] = hex(HANDLES + slot * 0x40000, 64 * 16);
  }
  return parts;
}

/** True if a thread's last call was denied. */
function isDenied(kernel: KernelInNode, thread: number): boolean {
  return (
    kernel.number("threadState", thread) === READY && kernel.result(thread).status === Status.Denied
  );
}

/** True if a thread waits for the answer to a call with a timeout. */
function isTimed(kernel: KernelInNode, thread: number): boolean {
  return (
    thread !== 0 &&
    kernel.number("threadState", thread) === AWAITING_REPLY &&
    kernel.register(thread, SAVE_R9) !== 0n
  );
}

/** True if a thread waits in a system call with a record. */
function isLong(kernel: KernelInNode, thread: number): boolean {
  return thread !== 0 && (Number(kernel.register(thread, SAVE_RSI)) & HEADER_FLAG_LONG) !== 0;
}

/** Where two states differ first: offset, then four bytes of each. */
function difference(left: string, right: string): string {
  const at = [...left].findIndex((digit, index) => digit !== right[index]) & ~7;
  return left === right
    ? ""
    : `offset ${at / 2}: ${left.slice(at, at + 8)} ${right.slice(at, at + 8)}`;
}

/**
 * One act of the running thread, or of time, or of the supervisor. `tokens`: of the calls that
 * threads hold.
 */
function act(
  kernel: KernelInNode,
  random: (below: number) => number,
  tokens: Map<number, { token: bigint; method: number }>,
  notices: Map<number, number>,
): void {
  const choice = random(100);
  if (choice < 3) return kernel.pass(BigInt(random(8_000_000)));
  if (choice < 5) kernel.number("endTurn");
  const thread = kernel.current;
  const slot = kernel.currentSlot;
  if (slot < 0) return kernel.pass(400_000n);
  if (slot === ROOT) {
    // The supervisor looks around now and then. If the programs wait for each other, or for no one,
    // some start again.
    const unlucky = SLOTS[random(3)]!;
    if (kernel.slotState(unlucky) === "empty") startSlot(kernel, unlucky);
    else if (random(6) === 0) stopSlot(kernel, unlucky);
    return void kernel.recv(thread, { timeout: 200_000n });
  }
  const held = kernel.result(thread);
  if (held.status === Status.Ok && held.token !== 0n)
    tokens.set(thread, { token: held.token, method: (held.header >>> HEADER_METHOD_SHIFT) & 63 });

  const big = (): bigint => (BigInt(random(2 ** 31)) << 33n) | BigInt(random(2 ** 31));
  const words = {
    [SAVE_RBX]: big(),
    [SAVE_R12]: random(4) === 0 ? 0n : big(),
    [SAVE_R13]: big(),
    [SAVE_R14]: big(),
  };
  const timeout = random(4) === 0 ? BigInt(1 + random(300_000)) : 0n;
  const place = RECORDS[random(RECORDS.length)]!;
  const record = random(20) === 0 ? big() : BigInt(place);
  /** Fills the record for a message of `method`; now and then for another that is wrong there. */
  const fill = (method: number): void => {
    const wordCount = method === MANY ? 40 : method === COPY ? 1 : 2;
    const bytes = new Uint8Array(608).map(() => random(256));
    const view = new DataView(bytes.buffer);
    const arenaBytes = method === COPY ? random(6000) : 0;
    const odd = (value: number, other: number): number => (random(25) === 0 ? other : value);
    view.setUint32(RECORD_WORD_COUNT, odd(wordCount, random(70)), true);
    view.setUint32(RECORD_HANDLE_COUNT, odd(0, random(6)), true);
    view.setUint32(RECORD_ARENA_BYTES, odd(arenaBytes, random(70000)), true);
    view.setUint32(RECORD_ARENA_ADDRESS, odd(ARENAS[random(3)]!, random(0xffff_ffff)), true);
    view.setUint32(RECORD_RECEIVE_ADDRESS, odd(ARENAS[random(3)]!, random(0xffff_ffff)), true);
    view.setUint32(RECORD_RECEIVE_BYTES, odd(6000, random(6000)), true);
    view.setUint32(RECORD_RECEIVE_HANDLES, odd(1, random(6)), true);
    view.setUint32(RECORD_HANDLES, INBOX, true);
    kernel.write(slot, place, bytes);
    if (method === COPY) words[SAVE_RBX] = BigInt(odd(arenaBytes, 6000)) << 32n;
  };
  const call = (
    handle: number,
    interfaceId: number,
    method: number,
    count: number,
    flags = 0,
  ): void =>
    kernel.raw(thread, SystemCall.Call, {
      ...words,
      [SAVE_RDI]: BigInt(handle),
      [SAVE_R9]: timeout,
      [SAVE_RDX]: record,
      [SAVE_R10]: big(),
      [SAVE_RSI]: BigInt(
        ((interfaceId << HEADER_INTERFACE_SHIFT) |
          (method << HEADER_METHOD_SHIFT) |
          count |
          flags) >>>
          0,
      ),
    });
  const flag = (bit: number, one: number): number => (random(one) === 0 ? bit : 0);
  const mostly = (bit: number): number => (random(5) === 0 ? 0 : bit);

  const answered = tokens.get(thread);
  if (answered !== undefined && random(10) !== 0) {
    const token =
      random(20) === 0 ? BigInt(random(8)) | (BigInt(random(6)) << 16n) : answered.token;
    const hasRecord = answered.method === MANY || answered.method === COPY || random(30) === 0;
    const count = answered.method === MANY ? 4 : 1;
    fill(answered.method);
    if (random(8) !== 0) tokens.delete(thread);
    const flags =
      flag(HEADER_FLAG_ERROR, 20) |
      flag(HEADER_FLAG_FORWARD, 30) |
      (hasRecord && random(10) !== 0 ? HEADER_FLAG_LONG : 0) |
      flag(HEADER_FLAG_KEEP_MASKED, 30);
    const receive = random(6) === 0 ? 0 : HEADER_FLAG_RECEIVE | mostly(HEADER_FLAG_RECORD);
    const inbox = random(30) === 0 ? big() : BigInt(INBOX);
    if ((flags & HEADER_FLAG_FORWARD) !== 0) words[SAVE_RBX] = BigInt(named(random(2)));
    return kernel.raw(thread, SystemCall.Reply, {
      ...words,
      [SAVE_RDI]: token,
      // Interface and method mean nothing in the header of a reply.
      [SAVE_RSI]: BigInt(
        ((random(16) === 0 ? random(8) : count) |
          flags |
          receive |
          (random(2) === 0
            ? 0
            : (random(2 ** 16) << HEADER_INTERFACE_SHIFT) | (random(64) << 4))) >>>
          0,
      ),
      [SAVE_R10]: inbox,
      [SAVE_R9]: random(2) === 0 ? timeout : 0n,
      [SAVE_RDX]: record,
    });
  }
  // Who serves receives most of the time, so that callers find somebody.
  if (slot === CLIENT ? random(20) === 0 : random(3) !== 0) {
    fill(COPY);
    return kernel.raw(thread, SystemCall.Recv, {
      [SAVE_R10]: BigInt(INBOX),
      [SAVE_RSI]: BigInt(mostly(HEADER_FLAG_LONG)),
      [SAVE_R9]: timeout,
      [SAVE_RDX]: record,
    });
  }
  const notice = notices.get(slot);
  switch (random(44)) {
    case 0:
      return call(THREAD, 6, 3, 1, 0); // A priority that is out of range.
    case 1:
      return void kernel.call(thread, THREAD, 6, 3, [BigInt(60 + random(90))]);
    case 2:
      return void kernel.call(thread, DOMAIN, 1, 6, [0n, BigInt(60 + random(60))]);
    case 3:
      return random(4) === 0 ? void kernel.call(thread, THREAD, 6, 5) : undefined;
    case 4:
      return call(
        named(random(3)),
        random(4) === 0 ? 0x101 : 0x100,
        random(64),
        random(8),
        random(4) === 0 ? 8 : 0,
      );
    case 5:
      return void kernel.call(thread, DOMAIN, 1, 7, [BigInt(named(1)), 7n, 0n]);
    case 6:
      return call(named(random(2)), 0x100, QUIET, 0);
    case 7:
    case 8:
      return call(named(random(2)), 0x100, SILENT, 0);
    case 30:
    case 31:
    case 32:
    case 33: // No rule allows it of the server.
      return call(named(slot === CLIENT ? 0 : 1), 0x100, SILENT, 0);
    case 9:
    case 10: // What no handle of this slot names, or the clock.
      return call(named(1), ObjectType.Clock, 0, random(8) === 0 ? random(4) : 0);
    case 11:
    case 12:
    case 13:
    case 14: {
      if (notice === undefined || random(20) === 0) {
        const made = kernel.call(thread, DOMAIN, 1, 5, [BigInt(INBOX), 0xffn]);
        if (made.status === Status.Ok) notices.set(slot, Number(made.words[0]));
        return;
      }
      // Bits that the notice has, none, or more.
      words[SAVE_RBX] = BigInt([1 << random(8), 0, random(512)][random(3)]!);
      return call(notice, ObjectType.Notice, 0, random(20) === 0 ? random(4) : 1);
    }
    case 15:
    case 16:
    case 17:
    case 22:
    case 23:
    case 26:
    case 27:
      fill(MANY);
      return call(named(slot === CLIENT ? 0 : 1), 0x100, MANY, 4, HEADER_FLAG_LONG);
    case 18:
    case 19:
    case 20:
    case 21:
    case 24:
    case 25:
    case 28:
    case 29:
      fill(COPY);
      return call(named(slot === CLIENT ? 0 : 1), 0x100, COPY, 1, HEADER_FLAG_LONG);
    default:
      return call(named(slot === CLIENT ? 0 : 1), 0x100, ADD, random(20) === 0 ? random(5) : 2);
  }
}

test.each(Array.from({ length: 4 }, (_, seed) => seed + 1))(
  "messages leave the same state on both ways, to the byte (seed %i)",
  (seed) => {
    const kernels = [fast, slow].map((module) => new KernelInNode(module, archive));
    const randoms = kernels.map(() => randomOf(seed));
    const tokens = kernels.map(() => new Map<number, { token: bigint; method: number }>());
    const notices = kernels.map(() => new Map<number, number>());
    for (const kernel of kernels) for (const slot of SLOTS) startSlot(kernel, slot);
    let short = 0;
    let long = 0;
    let timed = 0;
    let denied = 0;
    for (let step = 0; step < 2500; step++) {
      const before = kernels[0]!.current;
      const exits = kernels[0]!.shortExits;
      const failures = kernels.map((kernel, side) =>
        failureOf(
          () => act(kernel, randoms[side]!, tokens[side]!, notices[side]!),
          /cannot run|machine stopped/,
        ),
      );
      expect(failures[0]).toBe(failures[1]);
      if (failures[0]!.includes("machine stopped")) break;
      const [left, right] = kernels.map(state);
      for (const part of Object.keys(left!))
        expect(difference(left![part]!, right![part]!), `step ${step}: ${part}`).toBe("");
      // The short way is the one that captures nothing.
      const captured = kernels.map((kernel) =>
        before === 0 ? "" : kernel.windowBytes(before + CAPTURED_WORDS, 16).join(),
      );
      if (captured[0] !== captured[1]) short += 1;
      if (kernels[0]!.shortExits > exits && isLong(kernels[0]!, before)) long += 1;
      if (kernels[0]!.shortExits > exits && isTimed(kernels[0]!, before)) timed += 1;
      if (before !== 0 && kernels[0]!.shortExits > exits && isDenied(kernels[0]!, before))
        denied += 1;
      if (step % 8 === 0) {
        const [one, other] = kernels.map((kernel) => kernel.windowBytes(AUDIT, AUDIT_BYTES));
        expect(Buffer.compare(one!, other!), `step ${step}: audit`).toBe(0);
      }
      if (step % 8 === 0) expect(kernels[0]!.hasMemoryOf(kernels[1]!), `step ${step}`).toBe(true);
      if (step % 50 === 0) kernels[0]!.check();
    }
    expect(short).toBeGreaterThan(100);
    expect(long).toBeGreaterThan(15);
    expect(timed).toBeGreaterThan(10);
    expect(denied).toBeGreaterThan(5);
  },
);
