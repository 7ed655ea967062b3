/**
 * Gives each way to a block that only returns constants a block of its own. So a return before the
 * frame is needed shares nothing with one behind, and no constant waits in a register for a jump.
 * The back end keeps one copy of those whose code is the same.
 */
import { predecessorEdges, reversePostorder } from "../control-flow.ts";
import type { IrFunction, Value } from "../function.ts";
import { Opcode, Type } from "../opcode.ts";

export function separateReturns(fn: IrFunction): void {
  const order = reversePostorder(fn);
  const predecessors = predecessorEdges(fn, order);
  for (const block of order) {
    for (const edge of fn.blockEdges[block]!) {
      const { target, args } = edge;
      if (target === order[0] || predecessors[target]!.length < 2) continue;
      const old = fn.blockInstructions[target]![0]!;
      if (fn.opcode(old) !== Opcode.Return) continue;
      const parameters = fn.blockParameters[target]!;
      const results: Value[] = [];
      for (let index = 0; index < fn.operandCount(old); index++) {
        const parameter = parameters.indexOf(fn.operand(old, index));
        results.push(parameter < 0 ? fn.operand(old, index) : args[parameter]!);
      }
      const isConstant = (value: Value): boolean => {
        const definition = fn.definition(value);
        return definition !== -1 && fn.opcode(definition) === Opcode.Const;
      };
      if (!results.every(isConstant)) continue;
      const copy = fn.newBlock();
      const [origin, inlinedAt] = [fn.origin(old), fn.inlinedAt.data[old]!];
      fn.blockInstructions[copy]!.push(
        fn.newInstruction(Opcode.Return, Type.None, results, [], 0, origin, 0, inlinedAt),
      );
      edge.target = copy;
      edge.args = [];
    }
  }
}
