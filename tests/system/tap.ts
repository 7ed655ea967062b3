// Cases and their outcome as TAP, on the kernel's own log: it needs no driver, so a broken driver
// cannot hide a broken kernel.

import { log } from "../../build/generated/programs/tester";
import { Text } from "../../services/runtime/text";
import {
  TAP_COMMENT,
  TAP_FAILED,
  TAP_NAME,
  TAP_PASSED,
  TAP_PLAN,
} from "../../toolchain/testing/tap-format";

/** The longest line that the kernel's log accepts. The kernel adds the line end. */
const line: Text = Text.withRoom(256);

let cases: u32 = 0;
let failedCases: u32 = 0;
let failed = false;
/** Number of the current expectation in the running case. */
let expectation: u32 = 0;

/** Runs one case. `intent` says what is true if the case passes. */
export function test(intent: string, body: () => void): void {
  failed = false;
  expectation = 0;
  cases++;
  body();
  if (failed) failedCases++;
  print(
    begin(failed ? TAP_FAILED : TAP_PASSED)
      .number(cases)
      .string(TAP_NAME)
      .string(intent),
  );
}

/** Ends the run: the plan and a summary. Returns the number of cases that failed. */
export function finish(): u32 {
  print(begin(TAP_PLAN).number(cases));
  const passedCases = cases - failedCases;
  print(
    begin(TAP_COMMENT)
      .number(passedCases)
      .string(" passed, ")
      .number(failedCases)
      .string(" failed"),
  );
  return failedCases;
}

export function expect(condition: bool): void {
  expectation++;
  if (condition) return;
  failed = true;
  print(beginExpectation().string(" does not hold"));
}

export function expectEqual(actual: u64, expected: u64): void {
  expectation++;
  if (actual === expected) return;
  failed = true;
  print(beginExpectation().string(": expected ").number(expected).string(", got ").number(actual));
}

export function comment(text: string, value: u64): void {
  print(begin(TAP_COMMENT).string(text).string(" ").number(value));
}

function beginExpectation(): Text {
  return begin(TAP_COMMENT).string("expectation ").number(expectation);
}

function begin(text: string): Text {
  return line.clear().string(text);
}

/** Prints a line. The stub has its own record, so the message of the case stays unchanged. */
function print(text: Text): void {
  log.write(text);
}
