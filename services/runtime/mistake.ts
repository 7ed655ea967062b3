// What was wrong with a request of this program, in words: the kernel returns a number, and only
// the stub knows the names. Stubs may be called before this module's own code has run, so its
// variables are initialized with constants.

import { Answer, markMistake } from "./message";
import { Text } from "./text";

let tooLongField: string = "";
let tooLongBytes: u32 = 0;
let tooLongMax: u32 = 0;

/** Notes which field of a malformed call is too long. */
export function noteLength(field: string, bytes: u32, bytesMax: u32): void {
  if (bytes <= bytesMax) return;
  markMistake();
  tooLongField = field;
  tooLongBytes = bytes;
  tooLongMax = bytesMax;
}

/**
 * Adds what was wrong with the request that `answer` belongs to, as `: text is at most 64 bytes, 65
 * given`. Adds nothing if its stub noted nothing.
 */
export function addMistake(answer: Answer, to: Text): void {
  if (!answer.hasMistake) return;
  to.string(": ")
    .string(tooLongField)
    .string(" is at most ")
    .number(tooLongMax)
    .string(" bytes, ")
    .number(tooLongBytes)
    .string(" given");
}
