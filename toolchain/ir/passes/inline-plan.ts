import { reversePostorder } from "../control-flow.ts";
import type { IrFunction } from "../function.ts";
import { Intrinsic } from "../intrinsic.ts";
import { usesMessageWords } from "../message-words.ts";
import type { IrModule } from "../module.ts";
import { isPure, Opcode } from "../opcode.ts";
import type { InlineDecision } from "./inline.ts";

/** A callee of at most this many instructions costs about as much as its call. */
const SMALL = 12;
/** A callee with only one call, and no other way to be called, disappears with it. */
const ONLY_CALL_MAX = 80;
/**
 * A call costs more in a function that keeps a message's words: four fewer registers keep their
 * value across it.
 */
const KEEPING_WORDS_MAX = 60;
/** Callers do not grow beyond this: register allocation gets worse, and listings hard to read. */
const CALLER_MAX = 3_000;

/**
 * Functions of these files may use privileged instructions; the verifier lists them by name, so
 * that their code must stay in them.
 */
function isConfined(name: string): boolean {
  return name.startsWith("kernel/x64/");
}

/** The verifier allows the kernel to read the time stamp counter anywhere. */
function onlyReadsClock(fn: IrFunction): boolean {
  return (
    fn.blockCount === 1 &&
    fn.blockInstructions[0]!.every((instruction) => {
      const op = fn.opcode(instruction);
      return (
        isPure(op) ||
        op === Opcode.Return ||
        (op === Opcode.Intrinsic && fn.immediate(instruction) === Intrinsic.ReadTsc)
      );
    })
  );
}

/** Programs may use ports only in the functions that the verifier lists, so these keep them. */
function usesPorts(fn: IrFunction): boolean {
  return fn.blockInstructions.some((list) =>
    list.some((instruction) => {
      return (
        fn.opcode(instruction) === Opcode.Intrinsic &&
        fn.immediate(instruction) >= Intrinsic.In8 &&
        fn.immediate(instruction) <= Intrinsic.Out32
      );
    }),
  );
}

/** Field accessors that asc makes up. They hold one load or store and no privileged instruction. */
function isAccessor(fn: IrFunction): boolean {
  return (
    /#[gs]et:/.test(fn.name) &&
    fn.blockCount === 1 &&
    sizeOf(fn) <= 2 &&
    !fn.blockInstructions[0]!.some((instruction) => {
      const op = fn.opcode(instruction);
      return op === Opcode.Intrinsic || op === Opcode.Call || op === Opcode.CallIndirect;
    })
  );
}

/**
 * Decides by size and number of calls. `isFinished`: the callee's own calls are decided, so that
 * its body may be copied.
 */
export function planInlining(
  module: IrModule,
  isFinished: (fn: IrFunction) => boolean,
): InlineDecision {
  const uses = countUses(module);
  const sizes = new Map<IrFunction, number>();
  return (caller, callee, isCold) => {
    if (!isFinished(callee)) return false;
    if (isAccessor(callee) || usesMessageWords(callee)) return true;
    const isCalleeConfined = isConfined(callee.name) && !onlyReadsClock(callee);
    if (isConfined(caller.name) || isCalleeConfined || isCold || usesPorts(callee)) return false;
    let size = sizes.get(callee);
    if (size === undefined) {
      size = sizeOf(callee);
      sizes.set(callee, size);
    }
    const isWanted =
      size <= SMALL ||
      (size <= ONLY_CALL_MAX && uses[callee.functionIndex] === 1) ||
      (size <= KEEPING_WORDS_MAX && usesMessageWords(caller));
    if (!isWanted) return false;
    // The caller grows while calls are inlined, so it is measured each time; all instructions ever
    // made are a cheap upper bound.
    return caller.opcodes.length + size <= CALLER_MAX;
  };
}

/** Instructions that become code: constants mostly become operands. */
function sizeOf(fn: IrFunction): number {
  let size = 0;
  const seen = new Set<number>();
  const work: number[] = [];
  for (const block of reversePostorder(fn)) {
    work.push(...fn.blockInstructions[block]!);
    for (const { args } of fn.blockEdges[block]!)
      for (const value of args) work.push(fn.definition(value));
  }
  for (let instruction = work.pop(); instruction !== undefined; instruction = work.pop()) {
    if (instruction === -1 || seen.has(instruction)) continue;
    seen.add(instruction);
    const op = fn.opcode(instruction as never);
    if (op !== Opcode.Const && op !== Opcode.Return && op !== Opcode.Jump) size++;
    for (let i = 0; i < fn.operandCount(instruction as never); i++)
      work.push(fn.definition(fn.operand(instruction as never, i)));
  }
  return size;
}

/**
 * Direct calls of each function; being exported, in a table or the start function counts as many.
 */
function countUses(module: IrModule): Int32Array {
  const uses = new Int32Array(module.functions.length);
  for (const entry of module.functions) {
    if (entry.kind !== "defined") continue;
    for (const list of entry.body.blockInstructions) {
      for (const instruction of list)
        if (entry.body.opcode(instruction) === Opcode.Call)
          uses[entry.body.immediate(instruction)]!++;
    }
  }
  for (const index of otherwiseReachable(module)) uses[index]! += 2;
  return uses;
}

/** Functions that can be called from outside or through a table. */
export function otherwiseReachable(module: IrModule): number[] {
  const entries = [
    ...module.tables.flatMap((table) => table.entries),
    ...module.elementSegments.flat(),
  ];
  return [...module.exports.values(), ...entries, module.start].filter((index) => index >= 0);
}
