import { Mnemonic as M } from "iced-x86";
import {
  type MachineInstruction,
  type Memory,
  NO_REGISTER,
  type Operand,
  R15,
  RIP,
  RSP,
} from "./instruction.ts";
import { Base, bound, CLEAR, type MachineState, UNKNOWN } from "./machine-state.ts";
import {
  CONDITIONAL_MOVES,
  CONDITIONAL_SETS,
  isControlMove,
  STRING_INSTRUCTIONS,
} from "./opcode-rules.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSI = 6;
const RDI = 7;
const DIRECT_MAP_BASE = 0xffff_8000_0000_0000n;

/**
 * What an instruction does to the state. Instructions that no rule accepts may do anything, and so
 * may be treated as doing nothing: the executable is refused for them. Calls, branches and returns
 * are the flow's (flow.ts).
 */
export function transfer(
  state: MachineState,
  instruction: MachineInstruction,
  isKernel: boolean,
): void {
  const { mnemonic, operands, memory } = instruction;
  const [first, second] = operands;
  if (memory !== null && mnemonic !== M.Lea) touchStack(state, memory, writesMemory(instruction));

  if (isStackAdjustment(instruction)) {
    const bytes = Number(BigInt.asIntN(64, (second as Operand & { kind: "immediate" }).value));
    state.depth += mnemonic === M.Sub ? bytes : -bytes;
    state.untouched = Math.max(0, state.untouched + (mnemonic === M.Sub ? bytes : -bytes));
    dropSlotsBelow(state);
    return;
  }
  if (mnemonic === M.Push) {
    state.depth += 8;
    state.untouched = 0;
    if (first?.kind === "register") state.save(first.number, state.depth);
    return;
  }
  if (mnemonic === M.Pop) {
    const register = first?.kind === "register" ? first.number : NO_REGISTER;
    if (register === NO_REGISTER) return;
    const isRestored = state.slot[register] === state.depth;
    state.set(register, UNKNOWN);
    if (isRestored) state.original |= 1 << register;
    state.depth -= 8;
    dropSlotsBelow(state);
    // What it read lies right below rsp now. Without this, a loop of `sub rsp` and `pop` would
    // count up without end.
    state.untouched = 0;
    return;
  }
  const repeated = STRING_INSTRUCTIONS.get(mnemonic);
  if (repeated !== undefined) {
    const bytes = state.base[RCX] === Base.None ? state.max[RCX]! * repeated.bytes : UNKNOWN;
    state.set(RDI, bound(state.max[RDI]! + bytes), state.base[RDI]);
    if (repeated.readsSource) state.set(RSI, bound(state.max[RSI]! + bytes), state.base[RSI]);
    state.set(RCX, 0);
    return;
  }

  switch (mnemonic) {
    case M.Mul:
    case M.Div:
    case M.Idiv: {
      const limit = widthOf(instruction, 0) === 32 ? CLEAR : UNKNOWN;
      state.set(RAX, limit);
      state.set(RDX, limit);
      return;
    }
    case M.Cdq:
      state.set(RDX, CLEAR);
      return;
    case M.Cqo:
      state.set(RDX, UNKNOWN);
      return;
    case M.Bsf:
    case M.Bsr:
      // Of zero they may leave all 64 bits of the register as they were.
      if (first?.kind === "register") state.set(first.number, UNKNOWN);
      return;
    case M.Rdmsr:
    case M.Rdtsc:
      state.set(RAX, CLEAR);
      state.set(RDX, CLEAR);
      return;
    case M.Cpuid:
      for (const register of [RAX, RBX, RCX, RDX]) state.set(register, CLEAR);
      return;
    case M.Syscall:
      // The kernel returns words in callee-saved registers too, and zero in all others.
      for (let register = 0; register < 16; register++)
        if (register !== RSP) state.set(register, UNKNOWN);
      return;
    case M.Cmp:
    case M.Test:
    case M.Bt:
    case M.Out:
    case M.Wrmsr:
    case M.Invlpg:
    case M.Hlt:
    case M.Cli:
    case M.Sti:
    case M.Pause:
    case M.Lfence:
      return;
    case M.Xchg:
      if (first?.kind === "register" && second?.kind === "register")
        exchange(state, first.number, second.number, first.bits);
      return;
    default:
      if (first?.kind === "register")
        define(state, instruction, first.number, first.bits, isKernel);
  }
}

/** The stack pointer's only arithmetic. */
export function isStackAdjustment({ mnemonic, operands }: MachineInstruction): boolean {
  const [first, second] = operands;
  return (
    (mnemonic === M.Add || mnemonic === M.Sub) &&
    first?.kind === "register" &&
    first.number === RSP &&
    first.bits === 64 &&
    second?.kind === "immediate"
  );
}

/** The first operand is memory and is written. */
export function writesMemory({ mnemonic, operands }: MachineInstruction): boolean {
  return (
    operands[0]?.kind === "memory" &&
    mnemonic !== M.Cmp &&
    mnemonic !== M.Test &&
    mnemonic !== M.Mul &&
    mnemonic !== M.Call &&
    mnemonic !== M.Invlpg
  );
}

/**
 * An upper bound of the address `[base + index * scale + displacement]`, or UNKNOWN if a part is
 * negative or unbounded.
 */
function addressBound(state: MachineState, memory: Memory): number {
  if (memory.displacement < 0) return UNKNOWN;
  const part = (register: number): number =>
    register === NO_REGISTER
      ? 0
      : register < 16 && state.base[register] === Base.None
        ? state.max[register]!
        : UNKNOWN;
  return bound(part(memory.base) + part(memory.index) * memory.scale + memory.displacement);
}

/**
 * `[r15 + register + displacement]` in the kernel: the other register (NO_REGISTER: none), or null
 * if the operand has another form.
 */
export function kernelOffset(memory: Memory): number | null {
  if (memory.is32 || memory.scale !== 1 || memory.displacement < 0) return null;
  if (memory.base === R15) return memory.index;
  return memory.index === R15 ? memory.base : null;
}

/** A register destination of an instruction that computes its first operand. */
function define(
  state: MachineState,
  instruction: MachineInstruction,
  register: number,
  bits: number,
  isKernel: boolean,
): void {
  const { mnemonic } = instruction;
  if (mnemonic === M.In) return bits === 32 ? state.set(register, CLEAR) : state.setPart(register);
  if (isControlMove(instruction)) return state.set(register, UNKNOWN);
  if (CONDITIONAL_SETS.has(mnemonic) || bits < 32) return state.setPart(register);
  if (mnemonic === M.Mov && bits === 64) return move64(state, register, instruction, isKernel);
  if (mnemonic === M.Lea && bits === 64)
    return loadAddress(state, register, instruction.memory!, isKernel);
  if (mnemonic === M.Add && bits === 64) return add64(state, register, instruction.operands[1]!);
  if (CONDITIONAL_MOVES.has(mnemonic) && bits === 64) {
    const other = sourceBound(state, instruction.operands[1]!, 64);
    return state.set(register, Math.max(plainBound(state, register), other));
  }
  const result = resultBound(state, instruction, register, bits);
  // A 32-bit write clears the upper half, whatever it computes.
  state.set(register, bits === 32 ? Math.min(result, CLEAR) : result);
}

function move64(
  state: MachineState,
  register: number,
  { operands }: MachineInstruction,
  isKernel: boolean,
): void {
  const source = operands[1]!;
  if (source.kind === "register")
    return state.set(register, state.max[source.number]!, state.base[source.number]);
  if (source.kind !== "immediate") return state.set(register, UNKNOWN);
  const value = BigInt.asUintN(64, source.value);
  if (isKernel && value === DIRECT_MAP_BASE) return state.set(register, 0, Base.Physical);
  state.set(register, value <= BigInt(CLEAR) ? Number(value) : UNKNOWN);
}

function loadAddress(
  state: MachineState,
  register: number,
  memory: Memory,
  isKernel: boolean,
): void {
  if (memory.is32) return state.set(register, CLEAR);
  if (memory.base === RIP || memory.base === RSP) return state.set(register, UNKNOWN);
  const offset = isKernel ? kernelOffset(memory) : null;
  if (offset === null) return state.set(register, addressBound(state, memory));
  if (offset !== NO_REGISTER && !state.isClear(offset)) return state.set(register, UNKNOWN);
  state.set(
    register,
    bound((offset === NO_REGISTER ? 0 : state.max[offset]!) + memory.displacement),
    Base.Linear,
  );
}

function add64(state: MachineState, register: number, source: Operand): void {
  const isPhysical = (number: number) => state.base[number] === Base.Physical;
  if (isPhysical(register) || (source.kind === "register" && isPhysical(source.number)))
    return state.set(register, UNKNOWN, Base.Physical);
  state.set(register, bound(plainBound(state, register) + sourceBound(state, source, 64)));
}

/** Bound of the result of a register computation, before the width is taken into account. */
function resultBound(
  state: MachineState,
  instruction: MachineInstruction,
  register: number,
  bits: number,
): number {
  const { mnemonic, operands } = instruction;
  const source = operands[1];
  const old =
    bits === 32 ? Math.min(plainBound(state, register), CLEAR) : plainBound(state, register);
  const isItself = source?.kind === "register" && source.number === register;
  const other = source === undefined ? UNKNOWN : sourceBound(state, source, bits);
  switch (mnemonic) {
    case M.Mov:
      return other;
    case M.Movzx:
      return operandBytes(instruction, 1) === 1 ? 0xff : 0xffff;
    case M.And:
      return Math.min(old, other);
    case M.Or:
      return old <= CLEAR && other <= CLEAR ? CLEAR : UNKNOWN;
    case M.Xor:
      return isItself ? 0 : old <= CLEAR && other <= CLEAR ? CLEAR : UNKNOWN;
    case M.Sub:
      return isItself ? 0 : UNKNOWN;
    case M.Shr: {
      if (source?.kind !== "immediate") return old;
      const count = Number(source.value) & (bits - 1);
      return old === UNKNOWN ? bound(2 ** (64 - count) - 1) : Math.floor(old / 2 ** count);
    }
    case M.Lzcnt:
    case M.Tzcnt:
    case M.Popcnt:
      return 64;
    default:
      return UNKNOWN;
  }
}

/** Bound of a source operand read with `bits` bits. */
function sourceBound(state: MachineState, source: Operand, bits: number): number {
  const limit = bits === 32 ? CLEAR : UNKNOWN;
  if (source.kind === "register") return Math.min(plainBound(state, source.number), limit);
  if (source.kind !== "immediate") return limit;
  const value = BigInt.asUintN(bits, source.value);
  return value <= BigInt(CLEAR) ? Number(value) : limit;
}

function plainBound(state: MachineState, register: number): number {
  return state.base[register] === Base.None ? state.max[register]! : UNKNOWN;
}

function exchange(state: MachineState, left: number, right: number, bits: number): void {
  const [leftMax, leftBase, rightMax, rightBase] = [
    state.max[left]!,
    state.base[left]!,
    state.max[right]!,
    state.base[right]!,
  ];
  if (bits === 64) {
    state.set(left, rightMax, rightBase);
    state.set(right, leftMax, leftBase);
  } else {
    state.set(left, CLEAR);
    state.set(right, CLEAR);
  }
}

/**
 * Stores into the function's own frame end what is known of the slots they hit; below an access,
 * only what lies between it and rsp is untouched.
 */
function touchStack(state: MachineState, memory: Memory, isWrite: boolean): void {
  if (memory.base !== RSP) return;
  state.untouched = Math.min(state.untouched, Math.max(0, memory.displacement));
  if (!isWrite) return;
  state.overwrite(
    state.depth - memory.displacement - memory.bytes,
    state.depth - memory.displacement,
  );
}

/** Forgets slots that rsp has left behind: what comes to lie there next is something else. */
export function dropSlotsBelow(state: MachineState): void {
  state.overwrite(state.depth, Number.POSITIVE_INFINITY);
}

function widthOf({ operands, memory }: MachineInstruction, index: number): number {
  const operand = operands[index];
  return operand?.kind === "register" ? operand.bits : (memory?.bytes ?? 8) * 8;
}

function operandBytes(instruction: MachineInstruction, index: number): number {
  return widthOf(instruction, index) / 8;
}
