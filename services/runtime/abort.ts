// What a failed assertion or a `throw` does: writes the reason to the kernel's log, if the program
// has a handle to it, and stops with a fault that the supervisor reports.

import { LogClient } from "../../build/generated/interfaces/Log";
import { Text } from "./text";

/** Handle of the log; 0 if the program has none. */
let log: u32 = 0;
let message: Text | null = null;

/** Makes `abort` write to this log. */
export function logFailuresTo(client: LogClient): void {
  log = client.handle;
  message = Text.withRoom(256);
}

// May be called before this module's own code has run, so its variables are initialized with
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
