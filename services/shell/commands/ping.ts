import { clock, echo } from "../../../build/generated/programs/shell";
import { Status } from "../../../kernel/abi/status";
import { TIMEOUT_NONE } from "../../../kernel/abi/system-call";
import { setCallTimeout } from "../../runtime/message";
import { readTsc } from "../../runtime/x64";
import { explain } from "../output/answer";
import { isInterrupted } from "../line/interrupt";
import { numberArgument } from "./number-argument";
import { dim, endLine, flush, line, printLine } from "../output/print";
import { Words } from "../line/words";

const COUNT_DEFAULT: i64 = 1000;
const COUNT_MAX: i64 = 10_000_000;
/** Round trips between two checks for ^C. The checks are not measured. */
const TRIPS_A_LOOK: i64 = 1024;
/** How long to wait for the first answer between two checks for ^C, and how many checks. */
const LOOK_NS: u64 = 200_000_000;
const LOOKS = 25;
/** LOOKS times LOOK_NS. */
const PATIENCE = "5 s";

/** What has been measured so far. */
let trips: i64 = 0;
let elapsedNs: u64 = 0;
let ticks: u64 = 0;
let wrong: i64 = 0;

export function ping(words: Words): void {
  const count = numberArgument(words, 1, "COUNT", COUNT_DEFAULT, COUNT_MAX);
  if (count < 0 || !isAnswered()) return;

  trips = 0;
  elapsedNs = 0;
  ticks = 0;
  wrong = 0;
  // Only a call without a timeout takes the kernel's fast path. The echo service has just answered;
  // if it dies, the call fails and ends the loop.
  const before = setCallTimeout(TIMEOUT_NONE);
  let status: u32 = Status.Ok;
  while (trips < count && status === Status.Ok && !isInterrupted())
    status = measure(min(TRIPS_A_LOOK, count - trips));
  setCallTimeout(before);

  if (trips > 0) show();
  if (status !== Status.Ok) printLine("the echo service has died");
}

/**
 * Makes the first call, which shows whether the policy allows it and the echo service answers, and
 * loads the caches on both sides.
 */
function isAnswered(): bool {
  const before = setCallTimeout(LOOK_NS);
  let isGood: bool = false;
  for (let look = 1; !isInterrupted(); look++) {
    const answer = echo.words(1, 2, 3, 4);
    if (answer.status !== Status.Timeout) {
      isGood = explain(answer);
      break;
    }
    if (look === LOOKS) {
      printLine("no answer within " + PATIENCE + "; `domains` shows whether the echo service runs");
      break;
    }
    if (look === 1) {
      printLine("no answer yet; waiting for " + PATIENCE + ", ^C ends the wait");
      flush();
    }
  }
  setCallTimeout(before);
  return isGood;
}

/** Makes `count` round trips. Any status except Ok says how the last one failed. */
function measure(count: i64): u32 {
  const beforeNs = clock.now().nanoseconds;
  const ticksBefore = readTsc();
  let status: u32 = Status.Ok;
  for (const end = trips + count; trips < end; trips++) {
    const answer = echo.words(trips, 2, 3, 4);
    status = answer.status;
    if (status !== Status.Ok) break;
    if (answer.first !== <u64>trips || answer.fourth !== 4) wrong++;
  }
  ticks += readTsc() - ticksBefore;
  elapsedNs += clock.now().nanoseconds - beforeNs;
  return status;
}

function show(): void {
  line
    .number(trips)
    .string(" round trips of four words in ")
    .duration(elapsedNs)
    .string(", ")
    .duration(elapsedNs / trips)
    .string(" each");
  endLine();
  line.number(ticks / trips).string(" ticks of the processor's counter each");
  dim(" (under QEMU: the host's clock)");
  endLine();
  if (wrong === 0) return;
  line.number(wrong).string(" came back wrong");
  endLine();
}
