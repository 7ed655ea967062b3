// ^C while a command runs: a command that takes long asks for it between its steps, and ends early.

import { console } from "../../../build/generated/programs/shell";
import { Status } from "../../../kernel/abi/status";
import { setCallTimeout } from "../../runtime/message";
import { takeInterrupts } from "./input";
import { endLine, flush, line } from "../output/print";

let isNoted = false;

/** What was typed before does not count any more. */
export function forgetInterrupt(): void {
  isNoted = false;
}

/**
 * Whether ^C was typed since it was last forgotten. The first time it is shown, in the line being
 * written.
 */
export function isInterrupted(): bool {
  if (!isNoted) ask(false);
  return isNoted;
}

/** Waits for ^C. Returns how the wait ended: Status.Timeout if none was typed. */
export function awaitInterrupt(nanoseconds: u64): u32 {
  const before = setCallTimeout(nanoseconds);
  const status = ask(true);
  setCallTimeout(before);
  return status;
}

/** It may have arrived together with the command's own line; else the console knows. */
function ask(wait: bool): u32 {
  if (takeInterrupts()) {
    note();
    return Status.Ok;
  }
  const answer = console.interrupted(wait);
  const status = answer.status;
  if (answer.ok && answer.typed) note();
  return status;
}

function note(): void {
  isNoted = true;
  line.string("^C");
  endLine();
  flush();
}
