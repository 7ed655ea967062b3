import { Condition } from "../machine/condition.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { Register } from "../machine/register.ts";
import type { Encode, FunctionCode } from "./function-code.ts";

const { rdx } = Register;

/** Fixed registers: dividend or factor rax, results rax and rdx. Operand 3 is the other side. */
export const DIVISIONS = {
  [MachineOp.Multiply](code, instruction) {
    code.trapHere(instruction);
    code.assembler.modrm(instruction.width, 0xf7, 4, code.source(instruction, 3));
  },
  [MachineOp.DivideUnsigned](code, instruction) {
    code.assembler.modrm(4, 0x31, rdx, rdx);
    code.trapHere(instruction);
    code.assembler.modrm(instruction.width, 0xf7, 6, code.location(instruction, 3));
  },
  [MachineOp.DivideSigned]: divideSigned,
  [MachineOp.RemainderSigned]: remainderSigned,
} satisfies Partial<Record<MachineOp, Encode>>;

/** cdq or cqo, then idiv. */
function divideSigned(code: FunctionCode, instruction: MachineInstruction): void {
  if (instruction.width === 8) code.assembler.byte(0x48);
  code.assembler.byte(0x99);
  code.trapHere(instruction);
  code.assembler.modrm(instruction.width, 0xf7, 7, code.location(instruction, 3));
}

/** The remainder of a division by -1 is 0 without dividing, because the quotient may overflow. */
function remainderSigned(code: FunctionCode, instruction: MachineInstruction): void {
  const { assembler } = code;
  const [isMinusOne, done] = [assembler.newLabel(), assembler.newLabel()];
  assembler.modrm(instruction.width, 0x83, 7, code.location(instruction, 3), { immediateBytes: 1 });
  assembler.byte(0xff);
  assembler.jumpIf(Condition.Equal, isMinusOne);
  divideSigned(code, instruction);
  assembler.bind(done);
  code.later(instruction.origin, () => {
    assembler.bind(isMinusOne);
    assembler.modrm(4, 0x31, rdx, rdx);
    assembler.jump(done);
  });
}
