// ^C while a command runs: a long command checks for ^C between its steps, and ends early.

import { console } from "../../../build/generated/programs/shell";
import { Status } from "../../../kernel/abi/status";
import { setCallTimeout } from "../../runtime/message";
import { takeInterrupts } from "./input";
import { endLine, flush, line } from "../output/print";

let isNoted = false;

/** Forgets a ^C that was typed before. */
export function forgetInterrupt(): void {
  isNoted = false;
}

/** True if ^C was typed since `forgetInterrupt`. Shows `^C` in the current line the first time. */
export function isInterrupted(): bool {
  if (!isNoted) ask(false);
  return isNoted;
}

/** Waits for ^C and returns how the wait ended: Status.Timeout if no ^C was typed. */
export function awaitInterrupt(nanoseconds: u64): u32 {
  const before = setCallTimeout(nanoseconds);
  const status = ask(true);
  setCallTimeout(before);
  return status;
}

/** ^C may have arrived together with the command's own line; else the console has it. */
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
