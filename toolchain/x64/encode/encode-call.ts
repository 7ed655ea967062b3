import { TrapKind } from "../../ir/machine-code.ts";
import { Condition } from "../machine/condition.ts";
import { type MachineInstruction, Source } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import { Register } from "../machine/register.ts";
import { fitsByte } from "./assembler.ts";
import { AluDigit, aluImmediate } from "./encode-arithmetic.ts";
import { push } from "./encode-frame.ts";
import type { Encode, FunctionCode } from "./function-code.ts";

const { rax, rsp } = Register;
const RETURN_ADDRESS_BYTES = 8;

/** Calls and stack arguments. The verifier relies on the exact sequences: see README.md. */
export const CALLS = {
  [MachineOp.Push]: pushArgument,
  [MachineOp.LoadArgument](code, instruction) {
    code.assembler.modrm(instruction.width, 0x8b, code.location(instruction, 0), {
      ...PLAIN_ADDRESS,
      base: rsp,
      displacement: code.depth + RETURN_ADDRESS_BYTES + 8 * instruction.immediate,
    });
  },
  [MachineOp.Call](code, instruction) {
    code.records.call(instruction.symbol, instruction.signature, code.depth);
    code.assembler.byte(0xe8);
    code.assembler.relocation("call32", instruction.symbol!, -4);
    argumentsPopped(code, instruction);
  },
  [MachineOp.CallIndirect]: callIndirect,
} satisfies Partial<Record<MachineOp, Encode>>;

function pushArgument(code: FunctionCode, instruction: MachineInstruction): void {
  const { assembler } = code;
  if (instruction.source === Source.Immediate) {
    const bytes = fitsByte(instruction.immediate) ? 1 : 4;
    assembler.byte(bytes === 1 ? 0x6a : 0x68);
    assembler.immediate(instruction.immediate, bytes);
  } else push(code, code.location(instruction, 0));
  code.pushedBytes += 8;
  code.setDepth(code.depth + 8);
}

function argumentsPopped(code: FunctionCode, { stackArgumentBytes }: MachineInstruction): void {
  if (code.pushedBytes !== stackArgumentBytes)
    throw new Error(`${code.fn.name}: stack arguments do not match the call`);
  code.pushedBytes = 0;
  code.setDepth(code.depth - stackArgumentBytes);
}

function callIndirect(code: FunctionCode, instruction: MachineInstruction): void {
  const { symbol, tableLength, origin } = instruction;
  const { assembler } = code;
  const table = code.location(instruction, instruction.temporaryOperand);
  if (tableLength >= 0) aluImmediate(code, AluDigit.Cmp, 4, rax, tableLength);
  else assembler.modrm(4, 0x3b, rax, { ...PLAIN_ADDRESS, symbol: `${symbol}.length` });
  assembler.jumpIf(Condition.AboveOrEqual, code.trapLabel(TrapKind.IndirectCallBound, origin));
  assembler.modrm(4, 0xc1, 4, rax);
  assembler.byte(4);
  assembler.modrm(8, 0x8d, table, { ...PLAIN_ADDRESS, symbol });
  assembler.modrm(8, 0x03, rax, table);
  if (instruction.checksSignature) checkSignature(code, instruction);
  code.records.call(null, instruction.signature, code.depth);
  assembler.modrm(4, 0xff, 2, { ...PLAIN_ADDRESS, base: rax });
  argumentsPopped(code, instruction);
}

/**
 * The compare overflows with the signature of a null entry and with no other: see NULL_SIGNATURE.
 */
function checkSignature(code: FunctionCode, { signature, origin }: MachineInstruction): void {
  const { assembler } = code;
  const [isOther, isNull] = [
    assembler.newLabel(),
    code.trapLabel(TrapKind.IndirectCallNull, origin),
  ];
  const entrySignature = { ...PLAIN_ADDRESS, base: rax, displacement: 8 };
  aluImmediate(code, AluDigit.Cmp, 4, entrySignature, signature);
  assembler.jumpIf(Condition.NotEqual, isOther);
  code.later(origin, () => {
    assembler.bind(isOther);
    assembler.jumpIf(Condition.Overflow, isNull);
    code.failedCheck(TrapKind.IndirectCallSignature, origin);
  });
}
