// Typed bytes, as they come from the console.

import { CONSOLE_READ_DATA_MAX } from "../../../build/generated/interfaces/Console";
import { console } from "../../../build/generated/programs/shell";
import { sleep } from "../../runtime/sleep";
import { Text } from "../../runtime/text";

/** ^C as it is typed. */
const INTERRUPT: u32 = 0x03;
/** Pause after a failed read, so that a console which cannot be reached costs no CPU time. */
const RETRY_NS: u64 = 50_000_000;

const arrived: Text = Text.withRoom(CONSOLE_READ_DATA_MAX);
let consumed: u32 = 0;

/** True if the next byte has not arrived yet. */
export function isInputUsedUp(): bool {
  return consumed === arrived.length;
}

/** Returns the next byte; waits for it. A console that restarts loses at most the bytes it held. */
export function nextByte(): u32 {
  while (isInputUsedUp()) {
    consumed = 0;
    arrived.clear();
    const answer = console.read();
    if (answer.ok) arrived.text(answer.data);
    else sleep(RETRY_NS);
  }
  return arrived.byteAt(consumed++);
}

/** Removes every ^C from the bytes that have arrived and are not used; true if there was one. */
export function takeInterrupts(): bool {
  return arrived.removeEvery(INTERRUPT, consumed);
}
