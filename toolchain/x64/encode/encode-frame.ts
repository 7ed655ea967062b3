import { PROBE_BYTES, UNPROBED_FRAME_BYTES_MAX } from "../allocate/frame.ts";
import { ARGUMENT_REGISTERS, Register } from "../machine/register.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import { AluDigit } from "./encode-arithmetic.ts";
import { fitsByte } from "./assembler.ts";
import type { FunctionCode } from "./function-code.ts";

/** Bytes of stack arguments that the function pops when it returns. */
export function poppedBytes({ fn }: FunctionCode): number {
  return 8 * Math.max(0, fn.parameterTypes.length - ARGUMENT_REGISTERS.length);
}

/** Saves registers and makes room for slots; touches every page of a large frame on the way. */
export function encodePrologue(code: FunctionCode): void {
  const { assembler, frame } = code;
  for (const register of frame.saved) {
    push(code, register);
    code.setDepth(code.depth + 8);
  }
  let rest = frame.slotBytes;
  if (rest > UNPROBED_FRAME_BYTES_MAX) {
    for (; rest >= PROBE_BYTES; rest -= PROBE_BYTES) {
      adjustStack(code, AluDigit.Sub, PROBE_BYTES);
      code.setDepth(code.depth + PROBE_BYTES);
      const top = { ...PLAIN_ADDRESS, base: Register.rsp };
      assembler.modrm(4, 0x83, AluDigit.Or, top, { immediateBytes: 1 });
      assembler.byte(0);
    }
  }
  if (rest === 0) return;
  adjustStack(code, AluDigit.Sub, rest);
  code.setDepth(code.depth + rest);
}

/**
 * Undoes the prologue, if the block has the frame, and returns. The code behind has the depth from
 * before.
 */
export function encodeReturn(code: FunctionCode): void {
  const { assembler } = code;
  const full = code.depth;
  if (code.hasFrame) undoPrologue(code);
  const popped = poppedBytes(code);
  if (popped === 0) assembler.byte(0xc3);
  else {
    assembler.byte(0xc2);
    assembler.immediate(popped, 2);
  }
  code.setDepth(full);
}

function undoPrologue(code: FunctionCode): void {
  const { frame } = code;
  if (frame.slotBytes > 0) {
    adjustStack(code, AluDigit.Add, frame.slotBytes);
    code.setDepth(code.depth - frame.slotBytes);
  }
  for (const register of [...frame.saved].reverse()) {
    pop(code, register);
    code.setDepth(code.depth - 8);
  }
}

function adjustStack({ assembler }: FunctionCode, digit: number, bytes: number): void {
  assembler.modrm(8, fitsByte(bytes) ? 0x83 : 0x81, digit, Register.rsp);
  assembler.immediate(bytes, fitsByte(bytes) ? 1 : 4);
}

export function push({ assembler }: FunctionCode, register: number): void {
  if (register >= 8) assembler.byte(0x41);
  assembler.byte(0x50 | (register & 7));
}

function pop({ assembler }: FunctionCode, register: number): void {
  if (register >= 8) assembler.byte(0x41);
  assembler.byte(0x58 | (register & 7));
}
