import type { TrapKind } from "../../ir/machine-code.ts";
import type { MachineInstruction } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { ARITHMETIC } from "./encode-arithmetic.ts";
import { CALLS } from "./encode-call.ts";
import { DIVISIONS } from "./encode-divide.ts";
import { encodeReturn } from "./encode-frame.ts";
import { MOVES } from "./encode-move.ts";
import { STRINGS } from "./encode-string.ts";
import { SYSTEM } from "./encode-system.ts";
import type { Encode, FunctionCode } from "./function-code.ts";

/** Operations that have no code, or whose code depends on the blocks around them. */
type BlockOp =
  | MachineOp.Label
  | MachineOp.Parameters
  | MachineOp.Jump
  | MachineOp.Branch
  | MachineOp.JumpTable;

/** How each operation is encoded. */
const ENCODERS: Readonly<Record<Exclude<MachineOp, BlockOp>, Encode>> = {
  ...MOVES,
  ...ARITHMETIC,
  ...DIVISIONS,
  ...CALLS,
  ...STRINGS,
  ...SYSTEM,
  [MachineOp.TrapIf](code, { condition, trap, origin }) {
    code.assembler.jumpIf(condition, code.trapLabel(trap as TrapKind, origin));
  },
  [MachineOp.Trap](code, instruction) {
    const { trap, origin } = instruction;
    if (trap !== 0 && code.isChecked(trap)) {
      code.failedCheck(trap, origin);
      return;
    }
    code.trapHere(instruction);
    code.assembler.plain(0x0f, 0x0b);
  },
  [MachineOp.Return]: (code) => encodeReturn(code),
};

export function encodeInstruction(
  op: Exclude<MachineOp, BlockOp>,
  code: FunctionCode,
  instruction: MachineInstruction,
): void {
  ENCODERS[op](code, instruction);
}
