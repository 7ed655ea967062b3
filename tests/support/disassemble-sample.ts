import { Decoder, DecoderOptions, Formatter, FormatterSyntax, OpKind } from "iced-x86";
import type { IrFunction } from "../../toolchain/ir/function.ts";
import type { MachineCode } from "../../toolchain/ir/machine-code.ts";
import type { IrModule } from "../../toolchain/ir/module.ts";
import { compileFunction } from "../../toolchain/x64/compile-function.ts";
import { moduleOf } from "./sample-function.ts";

/**
 * Compiles a hand-built function, with the checker, and returns its machine code as text, one
 * instruction a line; for tests.
 */
export function assemblyOf(fn: IrFunction, module: IrModule = moduleOf("domain", [fn])): string[] {
  return disassemble(compileFunction(fn, module, { check: true }).bytes);
}

/** The rules that selected the instructions of a function, in the order of the code. */
export function rulesOf(code: MachineCode): string[] {
  return code.notes.map(({ rule }) => rule);
}

export function disassemble(bytes: Uint8Array): string[] {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const lines: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    // The formatter writes a 64-bit immediate whose low half is a digit as that digit, unless it
    // writes no number in decimal.
    formatter.smallHexNumbersInDecimal = !(instruction.op1Kind === OpKind.Immediate64);
    lines.push(instruction.isInvalid ? "invalid" : formatter.format(instruction));
    instruction.free();
  }
  formatter.free();
  decoder.free();
  return lines;
}
