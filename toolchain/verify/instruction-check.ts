import { Mnemonic as M } from "iced-x86";
import type { Level, Target } from "../ir/module.ts";
import type { Rule } from "./finding.ts";
import { type MachineInstruction, type Memory, NO_REGISTER, R15, RIP, RSP } from "./instruction.ts";
import type { Layout, Range } from "./layout.ts";
import { Base, type MachineState } from "./machine-state.ts";
import { isAllowed, isControlMove, PRIVILEGED, STRING_INSTRUCTIONS } from "./opcode-rules.ts";
import { isPrivilegedFunction } from "./privileged-functions.ts";
import { isStackAdjustment, kernelOffset, writesMemory } from "./transfer.ts";

const RCX = 1;
const RSI = 6;
const RDI = 7;
const RETURN_ADDRESS_BYTES = 8;
/** What `push` takes. */
const SLOT_BYTES = 8;
/**
 * rsp may go down this far without a touch: less than the guard of 64 KiB, with room for what is
 * pushed behind it.
 */
const UNTOUCHED_MAX = 0xf000;

const DISPLACEMENT_MAX = 0x7fff_ffff;

/** Nothing is mapped from the end of linear memory to here, counted from its start. */
const WINDOW_BYTES = 0x2_0001_0000;
const LINUX_LINEAR_BASE = 0x1000_0000;
/** Nothing of a domain is mapped between its linear memory and its region. */
const STRING_END: Readonly<Record<Target, number>> = {
  kernel: WINDOW_BYTES,
  domain: 0x10_0000_0000,
  linux: LINUX_LINEAR_BASE + WINDOW_BYTES,
};

/** In user mode: allowed in listed functions only. */
const PORTS: ReadonlySet<M> = new Set([M.In, M.Out]);
/** In user mode: allowed anywhere. */
const HARMLESS: ReadonlySet<M> = new Set([M.Rdtsc, M.Pause, M.Lfence]);

type Complain = (rule: Rule, message: string) => void;

export interface FunctionContext {
  readonly name: string;
  readonly target: Target;
  /** What the executable says that it needs of the processor. */
  readonly level: Level;
  readonly layout: Layout;
  readonly threadBlockBytes: number;
  /** Bytes of stack that a thread has. */
  readonly stackBytes: number;
  /** Bytes of stack arguments of the function. */
  readonly argumentBytes: number;
}

/**
 * Rules for an instruction by itself, wherever it stands; they hold for code that cannot be reached
 * too.
 */
export function checkForm(
  instruction: MachineInstruction,
  { name, target, level }: FunctionContext,
  isInSequence: boolean,
  complain: Complain,
): void {
  const { mnemonic, operands } = instruction;
  const isPrivileged = PRIVILEGED.has(mnemonic) || isControlMove(instruction);
  if (isPrivileged) checkPrivileged(instruction, name, target, complain);
  else if (
    isInSequence ? instruction.hasForbiddenPrefix || instruction.hasRepeat : !isAllowed(instruction)
  )
    complain("opcode", "this instruction, or this form of it, is not on the list");
  else checkLevel(instruction, level, complain);

  for (const operand of operands) {
    // The registers of `ud1` are a number that nothing reads (opcode-rules.ts).
    if (operand.kind !== "register" || mnemonic === M.Ud1) continue;
    if (operand.number === RSP && !isStackAdjustment(instruction))
      complain(
        "stack operand",
        "rsp is used other than as an address, by push and pop, or by add and sub of a constant",
      );
    if (operand.number === R15 && target === "kernel")
      complain("base register", "r15 is the base of linear memory and no operand");
  }
  if (mnemonic === M.Lea && instruction.memory !== null) {
    const { base, index } = instruction.memory;
    if (base === RSP || index === RSP)
      complain("stack operand", "the address of the stack is taken");
    if (base === RIP && !isInSequence)
      complain("memory operand", "the address of constants or globals is taken");
  }
}

/**
 * An old processor does not refuse all that it lacks: it takes LZCNT and TZCNT for BSR and BSF, and
 * the program computes something else.
 */
export function checkLevel({ needs }: MachineInstruction, level: Level, complain: Complain): void {
  if (needs === null) complain("level", "no level of x86-64 has it");
  else if (needs > level) {
    complain("level", `x86-64-v${needs} has it; the executable's level is x86-64-v${level}`);
  }
}

function checkPrivileged(
  { mnemonic, hasForbiddenPrefix, hasRepeat }: MachineInstruction,
  name: string,
  target: Target,
  complain: Complain,
): void {
  if (!isPossible(mnemonic, target, isPrivilegedFunction(name, target)))
    complain(
      "privileged",
      "only functions on the checked-in list may contain it (toolchain/verify/privileged-functions.ts)",
    );
  if (hasForbiddenPrefix || hasRepeat)
    complain("opcode", "it has a prefix that is not on the list");
}

function isPossible(mnemonic: M, target: Target, isListed: boolean): boolean {
  // The fast path reads the time stamp inline; elsewhere that is as harmless as it is in a domain.
  if (target === "kernel") return (isListed && mnemonic !== M.Syscall) || mnemonic === M.Rdtsc;
  if (HARMLESS.has(mnemonic)) return true;
  // A domain may ask the kernel for anything from anywhere: the kernel believes nothing that a
  // system call brings.
  return target === "domain" && (mnemonic === M.Syscall || (isListed && PORTS.has(mnemonic)));
}

/** Rules that rest on what is known before an instruction. */
export function checkInContext(
  instruction: MachineInstruction,
  state: MachineState,
  context: FunctionContext,
  isInSequence: boolean,
  complain: Complain,
): void {
  const { mnemonic, memory, operands } = instruction;
  if (STRING_INSTRUCTIONS.has(mnemonic)) checkString(instruction, state, context, complain);
  if (memory !== null && mnemonic !== M.Lea && mnemonic !== M.Invlpg && !isInSequence)
    checkMemory(instruction, memory, state, context, complain);

  if (mnemonic === M.Pop && state.depth < RETURN_ADDRESS_BYTES)
    complain("stack depth", "it pops what the function did not push");
  if (mnemonic === M.Push && state.depth + SLOT_BYTES > context.stackBytes)
    complainFrame(context, complain);
  if (isStackAdjustment(instruction)) {
    const [, amount] = operands;
    const bytes = amount?.kind === "immediate" ? Number(BigInt.asIntN(64, amount.value)) : 0;
    const isDown = mnemonic === M.Sub;
    if (bytes < 0) complain("stack depth", "rsp changes by a negative number");
    if (!isDown && bytes > state.depth)
      complain("stack depth", "rsp goes above the return address");
    if (isDown && state.depth + bytes > context.stackBytes) complainFrame(context, complain);
    if (isDown && state.untouched + bytes > UNTOUCHED_MAX)
      complain("frame step", "rsp could jump over the guard: pages in between must be touched");
  }
}

function complainFrame({ stackBytes }: FunctionContext, complain: Complain): void {
  complain("stack depth", `the function's frame is larger than the stack of ${stackBytes} bytes`);
}

function checkString(
  { mnemonic }: MachineInstruction,
  state: MachineState,
  { name, target }: FunctionContext,
  complain: Complain,
): void {
  const { bytes, readsSource } = STRING_INSTRUCTIONS.get(mnemonic)!;
  const count = state.base[RCX] === Base.None ? state.max[RCX]! : Number.POSITIVE_INFINITY;
  const wanted = target === "kernel" ? Base.Linear : Base.None;
  for (const register of readsSource ? [RDI, RSI] : [RDI]) {
    const isPhysical = state.base[register] === Base.Physical && isPrivilegedFunction(name, target);
    const stays =
      state.base[register] === wanted && state.max[register]! + count * bytes <= STRING_END[target];
    if (!isPhysical && !stays)
      complain(
        "memory operand",
        `${register === RDI ? "the destination" : "the source"} could leave linear memory and its guard`,
      );
  }
}

function checkMemory(
  instruction: MachineInstruction,
  memory: Memory,
  state: MachineState,
  context: FunctionContext,
  complain: Complain,
): void {
  const { target, layout } = context;
  if (memory.segment === "other") return complain("memory operand", "a segment other than fs");
  if (memory.segment === "fs") {
    const isInside =
      memory.base === NO_REGISTER &&
      memory.index === NO_REGISTER &&
      !memory.is32 &&
      memory.displacement >= 0 &&
      memory.displacement + memory.bytes <= context.threadBlockBytes;
    if (!isInside || target !== "domain")
      complain("memory operand", "it does not lie in the thread block");
    return;
  }
  if (memory.base === RSP || memory.index === RSP)
    return checkStackOperand(memory, state, context, complain);
  if (memory.base === RIP) {
    const isInside =
      !memory.is32 &&
      (covers(layout.variables, memory) ||
        (!writesMemory(instruction) && covers(layout.constants, memory)));
    if (!isInside)
      complain("memory operand", "it lies neither in the globals nor, as a read, in the constants");
    return;
  }
  if (memory.base > R15 || memory.index > R15)
    return complain("memory operand", "its registers are none that an operand may have");
  if (target === "kernel") return checkKernelOperand(memory, state, context, complain);
  if (memory.is32) return;
  // Only the accumulator's moves have an absolute address of 64 bits.
  if (memory.displacement > DISPLACEMENT_MAX)
    return complain("memory operand", "an absolute address of 64 bits");
  if (memory.index !== NO_REGISTER)
    return complain("memory operand", "a sum of registers, and not computed mod 2^32");
  if (memory.displacement < 0) return complain("memory operand", "a negative displacement");
  if (memory.base !== NO_REGISTER && !state.isClear(memory.base))
    complain("memory operand", "the upper half of its register may not be clear");
}

function checkKernelOperand(
  memory: Memory,
  state: MachineState,
  { name, target }: FunctionContext,
  complain: Complain,
): void {
  const offset = kernelOffset(memory);
  if (offset !== null) {
    if (offset !== NO_REGISTER && !(offset < R15 && state.isClear(offset)))
      complain("memory operand", "the upper half of its register may not be clear");
    return;
  }
  const isPhysical = (register: number) =>
    register !== NO_REGISTER && register < R15 && state.base[register] === Base.Physical;
  const isPhysicalOperand =
    !memory.is32 && (isPhysical(memory.base) || (isPhysical(memory.index) && memory.scale === 1));
  if (!isPhysicalOperand || !isPrivilegedFunction(name, target))
    complain(
      "memory operand",
      "it is neither relative to r15 nor physical memory in a listed function",
    );
}

function checkStackOperand(
  memory: Memory,
  state: MachineState,
  { argumentBytes }: FunctionContext,
  complain: Complain,
): void {
  if (memory.index !== NO_REGISTER || memory.is32)
    return complain("stack operand", "the stack is addressed with an index");
  const start = memory.displacement;
  const end = start + memory.bytes;
  const isOwn = start >= 0 && end <= state.depth;
  const arguments_ = state.depth + RETURN_ADDRESS_BYTES;
  const isArgument = start >= arguments_ && end <= arguments_ + argumentBytes;
  if (!isOwn && !isArgument)
    complain("stack operand", "it lies neither in the function's frame nor in its arguments");
}

/** How far beyond the return address a stack operand reaches. */
export function argumentReach({ memory }: MachineInstruction, state: MachineState): number {
  return memory?.base === RSP
    ? Math.max(0, memory.displacement + memory.bytes - state.depth - RETURN_ADDRESS_BYTES)
    : 0;
}

function covers(range: Range, memory: Memory): boolean {
  return memory.displacement >= range.start && memory.displacement + memory.bytes <= range.end;
}
