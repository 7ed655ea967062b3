/** The text form of a function, for listings and tests. */
import type { Block, Instruction, IrFunction, Value } from "./function.ts";
import { Intrinsic } from "./intrinsic.ts";
import type { IrModule } from "./module.ts";
import { isLoad, isPure, isStore, Opcode, Type } from "./opcode.ts";

export function printFunction(fn: IrFunction, module?: IrModule): string {
  const typeNames = (types: readonly Type[]): string =>
    types.map((type) => TYPE_NAMES[type]).join(", ");
  const lines = [
    `function ${fn.name}(${typeNames(fn.parameterTypes)}) -> (${typeNames(fn.resultTypes)})`,
  ];
  const order =
    fn.blockOrder.length > 0
      ? fn.blockOrder
      : Array.from({ length: fn.blockCount }, (_, i) => i as Block);
  const placed = new Set(fn.blockInstructions.flat());
  const printed = new Set<Instruction>();

  for (const block of order) {
    const parameters = fn.blockParameters[block]!.map(
      (value) => `v${value}: ${TYPE_NAMES[fn.valueType(value)]}`,
    ).join(", ");
    const depth = fn.loopDepths[block]! > 0 ? `  ; loop depth ${fn.loopDepths[block]}` : "";
    lines.push(`block${block}(${parameters}):${depth}`);
    for (const instruction of fn.blockInstructions[block]!) {
      // Before scheduling, pure values stand in no list: they are shown where they are first used.
      for (let i = 0; i < fn.operandCount(instruction); i++)
        printFloating(fn.operand(instruction, i));
      for (const { args } of isTerminator(instruction) ? fn.blockEdges[block]! : [])
        args.forEach(printFloating);
      print(instruction, block);
    }
  }
  return `${lines.join("\n")}\n`;

  function isTerminator(instruction: Instruction): boolean {
    return fn.opcode(instruction) >= Opcode.Jump;
  }
  function printFloating(value: Value): void {
    const definition = fn.definition(value);
    if (
      definition === -1 ||
      !isPure(fn.opcode(definition)) ||
      printed.has(definition) ||
      placed.has(definition)
    )
      return;
    printed.add(definition);
    for (let i = 0; i < fn.operandCount(definition); i++) printFloating(fn.operand(definition, i));
    print(definition, -1);
  }
  function print(instruction: Instruction, block: Block | -1): void {
    lines.push(`  ${printInstruction(fn, instruction, block, module)}`);
  }
}

/** `v7 = Add.i32 v3, v4`; a terminator with its edges if `block` is given. */
export function printInstruction(
  fn: IrFunction,
  instruction: Instruction,
  block: Block | -1 = -1,
  module?: IrModule,
): string {
  const op = fn.opcode(instruction);
  const results = Array.from(
    { length: fn.resultCount(instruction) },
    (_, i) => `v${fn.result(instruction, i)}`,
  );
  const type = fn.type(instruction) === Type.None ? "" : `.${TYPE_NAMES[fn.type(instruction)]}`;
  const operands = Array.from(
    { length: fn.operandCount(instruction) },
    (_, i) => `v${fn.operand(instruction, i)}`,
  );
  const words = [...immediates(fn, instruction, module), ...operands];
  const edges =
    block === -1 || op < Opcode.Jump
      ? []
      : fn.blockEdges[block]!.map(({ target, args }) => {
          return `block${target}(${args.map((value) => `v${value}`).join(", ")})`;
        });
  const left = results.length > 0 ? `${results.join(", ")} = ` : "";
  return `${left}${Opcode[op]}${type} ${[...words, ...edges].join(", ")}`.trimEnd();
}

function immediates(fn: IrFunction, instruction: Instruction, module?: IrModule): string[] {
  const op = fn.opcode(instruction);
  const immediate = fn.immediate(instruction);
  if (op === Opcode.Const)
    return [
      String(
        BigInt.asIntN(fn.type(instruction) === Type.I32 ? 32 : 64, fn.constantBits(instruction)),
      ),
    ];
  if (isLoad(op) || isStore(op)) return immediate === 0 ? [] : [`+${immediate >>> 0}`];
  switch (op) {
    case Opcode.Call:
      return [module?.functions[immediate]?.name ?? `function${immediate}`];
    case Opcode.CallIndirect:
      return [`signature${immediate}`, `table${fn.auxiliaries.data[instruction]}`];
    case Opcode.Intrinsic:
      return [Intrinsic[immediate]!];
    case Opcode.GlobalGet:
    case Opcode.GlobalSet:
      return [module?.globals[immediate]?.name ?? `global${immediate}`];
    case Opcode.MemoryInit:
    case Opcode.DataDrop:
      return [`data${immediate}`];
    case Opcode.TableSize:
    case Opcode.TableCopy:
    case Opcode.TableInit:
    case Opcode.ElemDrop:
      return [`${immediate & 0xffff}`, `${immediate >>> 16}`];
    default:
      return [];
  }
}

const TYPE_NAMES: Readonly<Record<Type, string>> = {
  [Type.None]: "none",
  [Type.I32]: "i32",
  [Type.I64]: "i64",
  [Type.F32]: "f32",
  [Type.F64]: "f64",
  [Type.V128]: "v128",
};
