// What a failed assertion or a `throw` does: says so in the kernel's log, where the program has
// one, and stops in a fault that the supervisor reports.

import { LogClient } from "../../build/generated/interfaces/Log";
import { Text } from "./text";

/** Handle of the log; 0: the program has none. */
let log: u32 = 0;
let message: Text | null = null;

/** From now on failures are written there. */
export function logFailuresTo(client: LogClient): void {
  log = client.handle;
  message = Text.withRoom(256);
}

// Whatever fails calls this, code that runs before this module's included: its variables start as
// constants.
export function abort(
  reason: string | null = null,
  file: string | null = null,
  line: u32 = 0,
  column: u32 = 0,
): void {
  const text = message;
  if (text !== null) {
    text.clear();
    if (file !== null)
      text.string(file).string(".ts:").number(line).byte(0x3a).number(column).string(": ");
    text.string(reason === null ? "failed assertion" : reason);
    LogClient.of(log).write(text);
  }
  unreachable();
}
