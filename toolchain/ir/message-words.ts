import type { Instruction, IrFunction } from "./function.ts";
import { Intrinsic } from "./intrinsic.ts";
import { Opcode } from "./opcode.ts";

function isOfMessageWords(fn: IrFunction, instruction: Instruction): boolean {
  return (
    fn.opcode(instruction) === Opcode.MessageWord ||
    (fn.opcode(instruction) === Opcode.Intrinsic &&
      fn.immediate(instruction) === Intrinsic.SetMessageWord)
  );
}

/** An instruction of a scheduled function that reads or sets a word, if it has any. */
export function findUseOfMessageWords(fn: IrFunction): Instruction | undefined {
  return fn.blockInstructions.flat().find((instruction) => isOfMessageWords(fn, instruction));
}

/**
 * Whether the function reads or sets words of the message with which the kernel was entered. They
 * are in registers that no code but an entry point's knows of, so that every other such function
 * must be inlined. May be true of a function whose last use was optimized away.
 */
export function usesMessageWords(fn: IrFunction): boolean {
  for (let instruction = 0; instruction < fn.opcodes.length; instruction++)
    if (isOfMessageWords(fn, instruction as Instruction)) return true;
  return false;
}
