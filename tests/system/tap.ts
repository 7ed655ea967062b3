// Cases and their outcome as TAP, on the kernel's own log: it needs no driver, so a broken driver
// cannot hide a broken kernel.

import { clearLong, requestLong, sendArena, setWord, initialHandle } from "./message";
import { ObjectType } from "../../kernel/abi/object";
import { HANDLE_INDEX_FIRST_NAMED } from "../../kernel/abi/system-call";

/**
 * Index of the Log handle among the tester's named handles: after `own`, `assistant` and `other`.
 */
const LOG = initialHandle(HANDLE_INDEX_FIRST_NAMED + 3);
const LINE_BYTES_MAX: u32 = 256;
const line: usize = memory.data(256, 8);
let lineBytes: u32 = 0;

let cases: u32 = 0;
let failedCases: u32 = 0;
let failed = false;
/** What the expectations of the running case found wrong, for its diagnostic lines. */
let expectation: u32 = 0;

/** Runs one case. `intent` says what holds if it passes. */
export function test(intent: string, body: () => void): void {
  failed = false;
  expectation = 0;
  cases++;
  body();
  if (failed) failedCases++;
  put(failed ? "not ok " : "ok ");
  putNumber(cases);
  put(" - ");
  put(intent);
  flush();
}

/** Ends the run: the plan and a summary. Returns the number of cases that failed. */
export function finish(): u32 {
  put("1..");
  putNumber(cases);
  flush();
  put("# ");
  putNumber(cases - failedCases);
  put(" passed, ");
  putNumber(failedCases);
  put(" failed");
  flush();
  return failedCases;
}

export function expect(condition: bool): void {
  expectation++;
  if (condition) return;
  failed = true;
  put("# expectation ");
  putNumber(expectation);
  put(" does not hold");
  flush();
}

export function expectEqual(actual: u64, expected: u64): void {
  expectation++;
  if (actual === expected) return;
  failed = true;
  put("# expectation ");
  putNumber(expectation);
  put(": expected ");
  putNumber(expected);
  put(", got ");
  putNumber(actual);
  flush();
}

export function comment(text: string, value: u64): void {
  put("# ");
  put(text);
  put(" ");
  putNumber(value);
  flush();
}

/** ASCII only. */
function put(text: string): void {
  for (let index = 0; index < text.length; index++) putByte(<u8>text.charCodeAt(index));
}

function putNumber(value: u64): void {
  let divisor: u64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor !== 0; divisor /= 10) putByte(<u8>(48 + ((value / divisor) % 10)));
}

function putByte(byte: u8): void {
  if (lineBytes === LINE_BYTES_MAX) return;
  store<u8>(line + lineBytes, byte);
  lineBytes++;
}

/** The kernel ends the line. */
function flush(): void {
  clearLong(1);
  sendArena(line, lineBytes);
  setWord(0, (<u64>lineBytes) << 32);
  requestLong(LOG, ObjectType.Log, 0, 1);
  lineBytes = 0;
}
