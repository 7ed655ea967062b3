import { Opcode } from "../../ir/opcode.ts";
import type { Rule } from "./rule.ts";
import { ADD_RULES, MUL_HIGH_RULES, MUL_RULES, SUB_RULES } from "./select-arithmetic.ts";
import { CALL_INDIRECT_RULES, CALL_RULES, TABLE_SIZE_RULES } from "./select-call.ts";
import { COMPARISON_RULES, EQZ_RULES, SELECT_RULES } from "./select-compare.ts";
import {
  BRANCH_RULES,
  JUMP_RULES,
  RETURN_RULES,
  SWITCH_RULES,
  UNREACHABLE_RULES,
} from "./select-control.ts";
import {
  CONST_RULES,
  EXTEND16_S_RULES,
  EXTEND32_S_RULES,
  EXTEND8_S_RULES,
  EXTEND_S_RULES,
  WRAP_RULES,
} from "./select-convert.ts";
import { CLZ_RULES, CTZ_RULES, POPCNT_RULES } from "./select-count-bits.ts";
import { DIV_S_RULES, DIV_U_RULES, REM_S_RULES, REM_U_RULES } from "./select-divide.ts";
import { GLOBAL_GET_RULES, GLOBAL_SET_RULES } from "./select-global.ts";
import { INTRINSIC_RULES } from "./select-intrinsic.ts";
import { AND_RULES, OR_RULES, XOR_RULES } from "./select-logic.ts";
import {
  LOAD16_S_RULES,
  LOAD16_U_RULES,
  LOAD32_S_RULES,
  LOAD32_U_RULES,
  LOAD64_RULES,
  LOAD8_S_RULES,
  LOAD8_U_RULES,
  MEMORY_COPY_RULES,
  MEMORY_FILL_RULES,
  MEMORY_GROW_RULES,
  MEMORY_SIZE_RULES,
  STORE16_RULES,
  STORE32_RULES,
  STORE64_RULES,
  STORE8_RULES,
} from "./select-memory.ts";
import { ROTL_RULES, ROTR_RULES, SHL_RULES, SHR_S_RULES, SHR_U_RULES } from "./select-shift.ts";

/**
 * The rules of each operation, in the order tried. An operation without an entry is refused.
 * `i64.extend_i32_u` needs no rule: its operand's register is extended already, and `register`
 * returns that one.
 */
export const SELECTION_RULES: Readonly<Partial<Record<Opcode, readonly Rule[]>>> = {
  [Opcode.Const]: CONST_RULES,
  [Opcode.GlobalConst]: CONST_RULES,
  [Opcode.Add]: ADD_RULES,
  [Opcode.Sub]: SUB_RULES,
  [Opcode.Mul]: MUL_RULES,
  [Opcode.And]: AND_RULES,
  [Opcode.Or]: OR_RULES,
  [Opcode.Xor]: XOR_RULES,
  [Opcode.Shl]: SHL_RULES,
  [Opcode.ShrS]: SHR_S_RULES,
  [Opcode.ShrU]: SHR_U_RULES,
  [Opcode.Rotl]: ROTL_RULES,
  [Opcode.Rotr]: ROTR_RULES,
  [Opcode.Eq]: COMPARISON_RULES,
  [Opcode.Ne]: COMPARISON_RULES,
  [Opcode.LtS]: COMPARISON_RULES,
  [Opcode.LtU]: COMPARISON_RULES,
  [Opcode.GtS]: COMPARISON_RULES,
  [Opcode.GtU]: COMPARISON_RULES,
  [Opcode.LeS]: COMPARISON_RULES,
  [Opcode.LeU]: COMPARISON_RULES,
  [Opcode.GeS]: COMPARISON_RULES,
  [Opcode.GeU]: COMPARISON_RULES,
  [Opcode.MulHighU]: MUL_HIGH_RULES,
  [Opcode.Eqz]: EQZ_RULES,
  [Opcode.Clz]: CLZ_RULES,
  [Opcode.Ctz]: CTZ_RULES,
  [Opcode.Popcnt]: POPCNT_RULES,
  [Opcode.Wrap]: WRAP_RULES,
  [Opcode.ExtendS]: EXTEND_S_RULES,
  [Opcode.Extend8S]: EXTEND8_S_RULES,
  [Opcode.Extend16S]: EXTEND16_S_RULES,
  [Opcode.Extend32S]: EXTEND32_S_RULES,
  [Opcode.Select]: SELECT_RULES,
  [Opcode.DivS]: DIV_S_RULES,
  [Opcode.DivU]: DIV_U_RULES,
  [Opcode.RemS]: REM_S_RULES,
  [Opcode.RemU]: REM_U_RULES,
  [Opcode.Load8S]: LOAD8_S_RULES,
  [Opcode.Load8U]: LOAD8_U_RULES,
  [Opcode.Load16S]: LOAD16_S_RULES,
  [Opcode.Load16U]: LOAD16_U_RULES,
  [Opcode.Load32S]: LOAD32_S_RULES,
  [Opcode.Load32U]: LOAD32_U_RULES,
  [Opcode.Load64]: LOAD64_RULES,
  [Opcode.Store8]: STORE8_RULES,
  [Opcode.Store16]: STORE16_RULES,
  [Opcode.Store32]: STORE32_RULES,
  [Opcode.Store64]: STORE64_RULES,
  [Opcode.MemorySize]: MEMORY_SIZE_RULES,
  [Opcode.MemoryGrow]: MEMORY_GROW_RULES,
  [Opcode.MemoryCopy]: MEMORY_COPY_RULES,
  [Opcode.MemoryFill]: MEMORY_FILL_RULES,
  [Opcode.GlobalGet]: GLOBAL_GET_RULES,
  [Opcode.GlobalSet]: GLOBAL_SET_RULES,
  [Opcode.TableSize]: TABLE_SIZE_RULES,
  [Opcode.Call]: CALL_RULES,
  [Opcode.CallIndirect]: CALL_INDIRECT_RULES,
  [Opcode.Intrinsic]: INTRINSIC_RULES,
  [Opcode.Jump]: JUMP_RULES,
  [Opcode.Branch]: BRANCH_RULES,
  [Opcode.Switch]: SWITCH_RULES,
  [Opcode.Return]: RETURN_RULES,
  [Opcode.Unreachable]: UNREACHABLE_RULES,
};
