// What is typed, byte by byte, as the console hands it over.

import { CONSOLE_READ_DATA_MAX } from "../../../build/generated/interfaces/Console";
import { console } from "../../../build/generated/programs/shell";
import { sleep } from "../../runtime/sleep";
import { Text } from "../../runtime/text";

/** ^C as it is typed. */
const INTERRUPT: u32 = 0x03;
/** Wait after a read that failed, so that a console which cannot be reached costs no time. */
const RETRY_NS: u64 = 50_000_000;

const arrived: Text = Text.withRoom(CONSOLE_READ_DATA_MAX);
let consumed: u32 = 0;

/** Whether the next byte is still to come. */
export function isInputUsedUp(): bool {
  return consumed === arrived.length;
}

/** The next byte. Waits for it; a console that was restarted loses at most what it held. */
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

/** Takes every ^C out of what has arrived and has not been used; whether there was one. */
export function takeInterrupts(): bool {
  const length = arrived.length;
  arrived.length = consumed;
  for (let at = consumed; at < length; at++) {
    const byte = load<u8>(arrived.address + at);
    if (byte !== INTERRUPT) arrived.byte(byte);
  }
  return arrived.length < length;
}
