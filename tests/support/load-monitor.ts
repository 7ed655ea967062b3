/**
 * Compiles the security monitor to WebAssembly and runs it in this process, with the test's clock
 * and key ring.
 */
import asc from "assemblyscript/asc";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { Event } from "../../kernel/abi/event.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * What the kernel's other parts import, and what tests look at besides. Records are filled and read
 * here, so that no test knows their layout.
 */
const ENTRY = `
export * from "./monitor";
export { ed25519Verify } from "./crypto/ed25519";
export { sha512Begin, sha512Update, sha512End } from "./crypto/sha512";
export { verifyStructure } from "./blob/blob";
export { areMachinePorts } from "./blob/machine-ports";
export { putInForce } from "./blob/in-force";
export { findPair, permits } from "./matrix";
export { setTime } from "./clock";

import { METHOD_ANSWER_NOT_PLAIN, METHOD_BOUNDED } from "../abi/blob";
import {
  AuditRecord, Bounds, Event, Method, auditBytes, auditRead, auditRecord, auditReset, judge, judgeEarly, query, slotCount,
} from "./monitor";
import { Finding, Message, Question } from "./question";

const records: usize = memory.data(1025 * 7 * 72, 8);
export function auditStart(): bool {
  if (auditBytes(slotCount()) > 1025 * 7 * 72) return false;
  auditReset(records);
  return true;
}

const message = changetype<Message>(memory.data(1024, 8));
const question = changetype<Question>(memory.data(64, 8));
const finding = changetype<Finding>(memory.data(64, 8));

export function setWord(index: u32, value: u64): void {
  store<u64>(message.words + (index << 3), value);
}

export function setHandle(index: u32, type: u32, interfaceId: u32, classId: u32): void {
  const handle = message.handle(index);
  handle.type = type;
  handle.interfaceId = interfaceId;
  handle.classId = classId;
}

export function ask(
  event: u32, subjectSlot: u32, targetSlot: u32, subjectClass: u32, targetClass: u32,
  interfaceId: u32, method: u32,
): void {
  question.event = event;
  question.subjectSlot = subjectSlot;
  question.targetSlot = targetSlot;
  question.subjectClass = subjectClass;
  question.targetClass = targetClass;
  question.interfaceId = interfaceId;
  question.method = method;
  question.message = message;
}

export function setSize(words: u32, handles: u32, arenaBytes: u32): usize {
  message.wordCount = words;
  message.handleCount = handles;
  message.arenaBytes = arenaBytes;
  return changetype<usize>(message);
}

export function judgeAsked(): u32 {
  return judge(question);
}

export function judgeAskedEarly(): u32 {
  return judgeEarly(question);
}

export function recordAsked(actor: u32, kind: u32, rule: u32, value: u64): void {
  finding.rule = rule;
  finding.value = value;
  auditRecord(actor, kind, question, finding);
}

export function queryVerdict(subject: u32, target: u32, id: u32, method: u32, event: u32): u32 {
  return query(subject, target, id, method, event).verdict;
}
export function queryRule(subject: u32, target: u32, id: u32, method: u32, event: u32): u32 {
  return query(subject, target, id, method, event).rule;
}
export function queryTransfer(subject: u32, target: u32, id: u32, method: u32, event: u32): u32 {
  return query(subject, target, id, method, event).transfer;
}
export function queryMissingClass(
  subject: u32, target: u32, id: u32, method: u32, event: u32,
): u32 {
  return query(subject, target, id, method, event).missingClass;
}

/** As the fast path checks a message of words in registers (kernel/entry/fast-path.ts). */
export function fitsRegisters(
  event: Event, shape: Method, words: u32, word0: u64, word1: u64, word2: u64, word3: u64,
): bool {
  const isRequest = event === Event.Request;
  const call = shape.plainCall;
  const answer = <i32>shape.plainAnswer;
  if (isRequest ? (call & 0xfc00) !== 0 : answer === METHOD_ANSWER_NOT_PLAIN) return false;
  if ((isRequest ? call & 7 : <u32>abs(answer) & 7) !== words) return false;
  if (isRequest ? (call & METHOD_BOUNDED) === 0 : answer > 0) return true;
  return Bounds.hold(shape.fieldsFrom(isRequest), words, word0, word1, word2, word3);
}

let found: AuditRecord | null = null;
export function findRecord(sequence: u64): bool {
  found = auditRead(sequence);
  return found !== null;
}
export function recordSequence(): u64 { return found!.sequence; }
export function recordTimeNs(): u64 { return found!.timeNs; }
export function recordKind(): u32 { return found!.kind; }
export function recordSubjectSlot(): u32 { return found!.subjectSlot; }
export function recordTargetSlot(): u32 { return found!.targetSlot; }
export function recordSubjectClass(): u32 { return found!.subjectClass; }
export function recordTargetClass(): u32 { return found!.targetClass; }
export function recordInterface(): u32 { return found!.interfaceId; }
export function recordMethod(): u32 { return found!.method; }
export function recordRule(): u32 { return found!.rule; }
export function recordLine(): u32 { return found!.line; }
export function recordRepeats(): u32 { return found!.repeats; }
export function recordDetail(): u64 { return found!.detail; }
export function recordField(): u32 { return found!.field; }
export function recordMask(): u64 { return found!.mask; }
`;
const CLOCK = `
let time: u64 = 0;
export function setTime(ns: u64): void { time = ns; }
export function nowNs(): u64 { return time; }
`;

// A function takes and returns numbers and bigints as WebAssembly does: i64 is bigint, the rest
// numbers.
type MonitorFunction = (...args: readonly (number | bigint)[]) => number | bigint | undefined;

export interface Monitor {
  readonly memory: WebAssembly.Memory;
  /** Calls an export whose result is an i32, as an unsigned number; booleans come as 0 and 1. */
  number(name: string, ...args: readonly (number | bigint)[]): number;
  /** Calls an export whose result is an i64, unsigned. */
  big(name: string, ...args: readonly (number | bigint)[]): bigint;
  run(name: string, ...args: readonly (number | bigint)[]): void;
  /** Fills the one message that questions are asked about, and returns its address. */
  setMessage(parts: MessageParts): number;
  /** Calls `judge`. */
  judge(question: Question): number;
  /** Calls `judgeEarly`, which reads no message. */
  judgeEarly(question: Question): number;
  /** The audit record of that sequence, or the oldest one after it. */
  auditRecord(sequence: bigint): AuditRecord | undefined;
  /** Copies bytes into the memory of the monitor, aligned to 8, and returns the address. */
  put(bytes: Uint8Array): number;
  /** Forgets what `put` placed. */
  clear(): void;
  read(address: number, bytes: number): Uint8Array;
  text(address: number): string;
}

interface MessageParts {
  readonly words?: readonly bigint[];
  readonly handles?: readonly CarriedHandle[];
  readonly arenaBytes?: number;
}

/**
 * A question to the monitor, as Question of kernel/monitor/question.ts. Left out: a request from
 * slot 4 to slot 2, with an empty message.
 */
export interface Question extends MessageParts {
  readonly event?: Event;
  readonly subjectSlot?: number;
  readonly targetSlot?: number;
  readonly subjectClass: number;
  readonly targetClass: number;
  readonly interfaceId: number;
  readonly method: number;
}

interface CarriedHandle {
  readonly type: number;
  readonly interfaceId: number;
  readonly objectClass: number;
}

export interface AuditRecord {
  readonly sequence: bigint;
  readonly timeNs: bigint;
  readonly kind: number;
  readonly subjectSlot: number;
  readonly targetSlot: number;
  readonly subjectClass: number;
  readonly targetClass: number;
  readonly interfaceId: number;
  readonly method: number;
  readonly rule: number;
  readonly line: number;
  readonly repeats: number;
  readonly detail: bigint;
  readonly field: number;
  readonly mask: bigint;
}

interface MonitorOptions {
  /** Text of kernel/monitor/blob/key-ring.ts. */
  readonly keyRing?: string;
  /** Text of kernel/base/guards.ts. */
  readonly guards?: string;
}

export async function compileMonitor(options: MonitorOptions = {}): Promise<Uint8Array> {
  const virtual = new Map([
    ["kernel/monitor/test-entry.ts", ENTRY],
    ["kernel/monitor/clock.ts", CLOCK],
  ]);
  if (options.keyRing !== undefined)
    virtual.set("kernel/monitor/blob/key-ring.ts", options.keyRing);
  if (options.guards !== undefined) virtual.set("kernel/base/guards.ts", options.guards);
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "kernel/monitor/test-entry.ts",
      "--outFile",
      "monitor.wasm",
      "--runtime",
      "stub",
      "-O1",
      "--memoryBase",
      "65536",
      "--use",
      "abort=",
    ],
    {
      readFile(name: string) {
        const text = virtual.get(name.replace(/^\.\//, ""));
        if (text !== undefined) return text;
        try {
          return readFileSync(join(ROOT, name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile(name: string, content: unknown) {
        if (name === "monitor.wasm" && content instanceof Uint8Array) wasm = content;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === undefined)
    throw new Error(`the monitor does not compile: ${stderr.toString()}`);
  return wasm;
}

export function startMonitor(wasm: Uint8Array): Monitor {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>),
    {},
  );
  const memory = instance.exports["memory"] as WebAssembly.Memory;
  const start = memory.buffer.byteLength;
  let next = start;
  const call = (name: string, args: readonly (number | bigint)[]): number | bigint | undefined => {
    const found = instance.exports[name] as MonitorFunction | undefined;
    if (found === undefined) throw new Error(`the monitor does not export ${name}`);
    return found(...args);
  };
  const number = (name: string, ...args: readonly (number | bigint)[]): number => {
    const value = call(name, args);
    if (typeof value !== "number") throw new Error(`${name} does not return an i32`);
    return value >>> 0;
  };
  const big = (name: string, ...args: readonly (number | bigint)[]): bigint => {
    const value = call(name, args);
    if (typeof value !== "bigint") throw new Error(`${name} does not return an i64`);
    return BigInt.asUintN(64, value);
  };
  const ask = (question: Question): void => {
    call("ask", [
      question.event ?? Event.Request,
      question.subjectSlot ?? 4,
      question.targetSlot ?? 2,
      question.subjectClass,
      question.targetClass,
      question.interfaceId,
      question.method,
    ]);
  };
  const setMessage = ({ words = [], handles = [], arenaBytes = 0 }: MessageParts): number => {
    words.forEach((word, i) => call("setWord", [i, word]));
    handles.forEach(({ type, interfaceId, objectClass }, i) =>
      call("setHandle", [i, type, interfaceId, objectClass]),
    );
    return number("setSize", words.length, handles.length, arenaBytes);
  };
  return {
    memory,
    number,
    big,
    run(name, ...args) {
      call(name, args);
    },
    setMessage,
    judge(question) {
      ask(question);
      setMessage(question);
      return number("judgeAsked");
    },
    judgeEarly(question) {
      ask(question);
      return number("judgeAskedEarly");
    },
    auditRecord(sequence) {
      if (number("findRecord", sequence) === 0) return undefined;
      return {
        sequence: big("recordSequence"),
        timeNs: big("recordTimeNs"),
        kind: number("recordKind"),
        subjectSlot: number("recordSubjectSlot"),
        targetSlot: number("recordTargetSlot"),
        subjectClass: number("recordSubjectClass"),
        targetClass: number("recordTargetClass"),
        interfaceId: number("recordInterface"),
        method: number("recordMethod"),
        rule: number("recordRule"),
        line: number("recordLine"),
        repeats: number("recordRepeats"),
        detail: big("recordDetail"),
        field: number("recordField"),
        mask: big("recordMask"),
      };
    },
    put(bytes) {
      const address = next;
      next = (next + bytes.length + 7) & ~7;
      const missing = next - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65536));
      new Uint8Array(memory.buffer).set(bytes, address);
      return address;
    },
    clear() {
      next = start;
    },
    read: (address, bytes) => new Uint8Array(memory.buffer).slice(address, address + bytes),
    text(address) {
      const all = new Uint8Array(memory.buffer);
      let end = address;
      while (all[end] !== 0) end++;
      return new TextDecoder().decode(all.slice(address, end));
    },
  };
}

export async function loadMonitor(options: MonitorOptions = {}): Promise<Monitor> {
  return startMonitor(await compileMonitor(options));
}
