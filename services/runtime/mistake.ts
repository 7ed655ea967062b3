// What was wrong with a request of this program's own, in words: the kernel's answer is a number,
// and only the stub knows the names. The variables start as constants: stubs are called before any
// module's own code has run.

import { Answer, markMistake } from "./message";
import { Text } from "./text";

let tooLongField: string = "";
let tooLongBytes: u32 = 0;
let tooLongMax: u32 = 0;

/** Keeps, of a call that was malformed, which of its fields is too long. */
export function noteLength(field: string, bytes: u32, bytesMax: u32): void {
  if (bytes <= bytesMax) return;
  markMistake();
  tooLongField = field;
  tooLongBytes = bytes;
  tooLongMax = bytesMax;
}

/**
 * Adds what was wrong with the request that was answered so: `: text is at most 64 bytes, 65
 * given`. Nothing if its stub knows nothing.
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
