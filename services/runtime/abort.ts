// What a failed assertion or a `throw` does: says so in the kernel's log, where the program has one, and stops in a fault that the
// supervisor reports.

import { LogClient } from "../../build/generated/interfaces/Log";
import { Text } from "./text";

let log: LogClient = changetype<LogClient>(<usize>0);
const message = Text.withRoom(256);

/** From now on failures are written there. */
export function logFailuresTo(client: LogClient): void {
  log = client;
}

export function abort(reason: string | null = null, file: string | null = null, line: u32 = 0, column: u32 = 0): void {
  if (log.handle != 0) {
    message.clear();
    if (file !== null) message.string(file).string(".ts:").number(line).byte(0x3a).number(column).string(": ");
    message.string(reason === null ? "failed assertion" : reason);
    log.write(message);
  }
  unreachable();
}
