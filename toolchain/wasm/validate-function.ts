/** Validates one function body by the algorithm of the standard's appendix. */
import { BodyValidation, type Check } from "./body-validation.ts";
import { PLAIN_OPERATIONS, type WasmOp } from "./instruction-set.ts";
import type { FunctionBody, WasmModule } from "./types.ts";
import { MEMORY_CHECKS, OPERAND_CHECKS, TABLE_CHECKS, VARIABLE_CHECKS } from "./validate-access.ts";
import { CONTROL_CHECKS } from "./validate-control.ts";

const CHECKS: Readonly<Partial<Record<WasmOp, Check>>> = {
  ...CONTROL_CHECKS,
  ...OPERAND_CHECKS,
  ...VARIABLE_CHECKS,
  ...MEMORY_CHECKS,
  ...TABLE_CHECKS,
};

/** `declared`: the functions that `ref.func` may name. */
export function validateFunction(
  module: WasmModule,
  body: FunctionBody,
  declared: ReadonlySet<number>,
): void {
  const validation = new BodyValidation(module, body, declared);
  const { reader } = validation;
  while (!validation.isEnded) {
    reader.next();
    if (isPlain(validation)) continue;
    const check = CHECKS[reader.opcode as WasmOp];
    if (check === undefined) validation.fail("not allowed here");
    else check(validation);
  }
  if (!reader.isAtEnd) reader.fail("bytes are left over behind the end of the function");
}

/** Checks the instruction if its operands and result are all that there is to check. */
function isPlain(validation: BodyValidation): boolean {
  const { reader } = validation;
  const plain = PLAIN_OPERATIONS.get(reader.opcode);
  if (plain === undefined) return false;
  if (plain.accessLog2 >= 0) {
    validation.memory(0);
    if (reader.alignLog2 > plain.accessLog2) validation.fail("alignment is larger than the access");
  }
  validation.popAll(plain.parameters);
  if (plain.result !== null) validation.push(plain.result);
  return true;
}
