import { Mnemonic as M } from "iced-x86";
import { TRAP_KINDS } from "../../kernel/abi/fault.ts";
import type { MachineInstruction, Operand } from "./instruction.ts";

/** What an operand may be: r register, m memory, i immediate, c the register cl. */
type OperandKinds = string;

interface Shape {
  readonly operands: readonly OperandKinds[];
  /** Widths of the first operand. */
  readonly widths: readonly number[];
}

const ANY_WIDTH = [8, 16, 32, 64];
const WIDE = [32, 64];
const shape = (
  operands: readonly OperandKinds[],
  widths: readonly number[] = ANY_WIDTH,
): Shape => ({ operands, widths });

const TWO = [shape(["rm", "rmi"])];
const SHIFT = [shape(["r", "ic"], WIDE)];
const BITS = [shape(["r", "rm"], WIDE)];
const MULTIPLY = [shape(["rm"], WIDE)];
/**
 * Not of memory: where the machine refuses, the kernel reads the divisor from its register to tell
 * why.
 */
const DIVIDE = [shape(["r"], WIDE)];
const NONE = [shape([])];
const JUMP = [shape(["b"])];

const JUMPS = [
  M.Jo,
  M.Jno,
  M.Jb,
  M.Jae,
  M.Je,
  M.Jne,
  M.Jbe,
  M.Ja,
  M.Js,
  M.Jns,
  M.Jp,
  M.Jnp,
  M.Jl,
  M.Jge,
  M.Jle,
  M.Jg,
];
const SETS = [
  M.Seto,
  M.Setno,
  M.Setb,
  M.Setae,
  M.Sete,
  M.Setne,
  M.Setbe,
  M.Seta,
  M.Sets,
  M.Setns,
  M.Setp,
  M.Setnp,
  M.Setl,
  M.Setge,
  M.Setle,
  M.Setg,
];
const MOVES = [
  M.Cmovo,
  M.Cmovno,
  M.Cmovb,
  M.Cmovae,
  M.Cmove,
  M.Cmovne,
  M.Cmovbe,
  M.Cmova,
  M.Cmovs,
  M.Cmovns,
  M.Cmovp,
  M.Cmovnp,
  M.Cmovl,
  M.Cmovge,
  M.Cmovle,
  M.Cmovg,
];

/**
 * Every instruction that compiled code may contain outside the two indirect sequences, with the
 * forms of its operands.
 */
const ALLOWED = new Map<M, readonly Shape[]>([
  [M.Mov, TWO],
  [M.Add, TWO],
  [M.Or, TWO],
  [M.And, TWO],
  [M.Sub, TWO],
  [M.Xor, TWO],
  [M.Cmp, TWO],
  [M.Test, TWO],
  // Of memory it would reach beyond its operand.
  [M.Bt, [shape(["r", "r"], WIDE)]],
  [M.Movzx, BITS],
  [M.Movsx, BITS],
  [M.Movsxd, BITS],
  [M.Xchg, [shape(["r", "r"], WIDE)]],
  [M.Lea, [shape(["r", "m"], WIDE)]],
  [M.Neg, [shape(["r"])]],
  [M.Not, [shape(["r"])]],
  [M.Imul, [shape(["r", "rm"], WIDE), shape(["r", "rm", "i"], WIDE)]],
  [M.Mul, MULTIPLY],
  [M.Div, DIVIDE],
  [M.Idiv, DIVIDE],
  [M.Cdq, NONE],
  [M.Cqo, NONE],
  [M.Shl, SHIFT],
  [M.Shr, SHIFT],
  [M.Sar, SHIFT],
  [M.Rol, SHIFT],
  [M.Ror, SHIFT],
  [M.Bsf, BITS],
  [M.Bsr, BITS],
  [M.Lzcnt, BITS],
  [M.Tzcnt, BITS],
  [M.Popcnt, BITS],
  [M.Push, [shape(["r"], [64]), shape(["i"])]],
  [M.Pop, [shape(["r"], [64])]],
  [M.Call, [shape(["b"])]],
  [M.Jmp, JUMP],
  [M.Ret, [shape([]), shape(["i"])]],
  [M.Ud2, NONE],
  ...JUMPS.map((jump) => [jump, JUMP] as const),
  ...SETS.map((set) => [set, [shape(["r"], [8])]] as const),
  ...MOVES.map((move) => [move, BITS] as const),
]);

/** String instructions have implied operands; they are checked as memory operands. */
export const STRING_INSTRUCTIONS: ReadonlyMap<
  M,
  { readonly bytes: number; readonly readsSource: boolean }
> = new Map([
  [M.Movsb, { bytes: 1, readsSource: true }],
  [M.Movsq, { bytes: 8, readsSource: true }],
  [M.Stosb, { bytes: 1, readsSource: false }],
  [M.Stosq, { bytes: 8, readsSource: false }],
]);

/** Allowed only in listed functions (privileged-functions.ts). */
export const PRIVILEGED: ReadonlySet<M> = new Set([
  M.In,
  M.Out,
  M.Rdmsr,
  M.Wrmsr,
  M.Invlpg,
  M.Hlt,
  M.Cli,
  M.Sti,
  M.Cpuid,
  M.Rdtsc,
  M.Rdrand,
  M.Pause,
  M.Lfence,
  M.Syscall,
]);

/** Where control ends. */
export const TRAPS: ReadonlySet<M> = new Set([M.Ud1, M.Ud2]);
export const CONDITIONAL_JUMPS: ReadonlySet<M> = new Set(JUMPS);
export const CONDITIONAL_SETS: ReadonlySet<M> = new Set(SETS);
export const CONDITIONAL_MOVES: ReadonlySet<M> = new Set(MOVES);

/**
 * A move to or from a control register: privileged too, though its mnemonic is that of every move.
 */
export function isControlMove(instruction: MachineInstruction): boolean {
  return (
    instruction.mnemonic === M.Mov &&
    instruction.operands.some(
      (operand) => operand.kind === "other" && /^CR[0-4]$/.test(operand.name),
    )
  );
}

/** The instruction and the forms of its operands stand on the list. */
export function isAllowed(instruction: MachineInstruction): boolean {
  if (instruction.hasForbiddenPrefix) return false;
  if (STRING_INSTRUCTIONS.has(instruction.mnemonic))
    return instruction.hasRepeat && hasPlainStringOperands(instruction);
  if (instruction.hasRepeat || !movesStackByWords(instruction)) return false;
  if (instruction.mnemonic === M.Ud1) return namesTrapKind(instruction);
  return (ALLOWED.get(instruction.mnemonic) ?? []).some((allowed) =>
    matches(allowed, instruction.operands),
  );
}

/** Pushes and pops of 16 bits exist, and move rsp by two. */
function movesStackByWords({ mnemonic, stackIncrement, operands }: MachineInstruction): boolean {
  const [first] = operands;
  switch (mnemonic) {
    case M.Push:
    case M.Call:
      return stackIncrement === -8;
    case M.Pop:
      return stackIncrement === 8;
    case M.Ret:
      return stackIncrement === 8 + (first?.kind === "immediate" ? Number(first.value) : 0);
    default:
      return true;
  }
}

/**
 * Three bytes, which is two registers and no prefix; the registers' numbers are those of a kind
 * (kernel/abi/fault.ts).
 */
function namesTrapKind({ length, operands: [first, second] }: MachineInstruction): boolean {
  if (length !== 3 || first?.kind !== "register" || second?.kind !== "register") return false;
  const kind = first.number * 8 + second.number;
  return kind < 32 && ((TRAP_KINDS >> kind) & 1) === 1;
}

function matches(allowed: Shape, operands: readonly Operand[]): boolean {
  if (operands.length !== allowed.operands.length) return false;
  const [first] = operands;
  if (first?.kind === "register" && !allowed.widths.includes(first.bits)) return false;
  return operands.every((operand, index) =>
    allowed.operands[index]!.includes(letterOf(operand, allowed.operands[index]!)),
  );
}

function letterOf(operand: Operand, wanted: OperandKinds): string {
  switch (operand.kind) {
    case "register":
      return wanted.includes("c") ? (operand.number === 1 && operand.bits === 8 ? "c" : "?") : "r";
    case "memory":
      return "m";
    case "immediate":
      return "i";
    case "branch":
      return "b";
    default:
      return "?";
  }
}

/**
 * rdi, rsi and no segment: the address-size prefix and segment overrides show up as other kinds.
 */
function hasPlainStringOperands({ operands }: MachineInstruction): boolean {
  return operands.every((operand) =>
    operand.kind === "other"
      ? operand.name === "MemoryESRDI" || operand.name === "MemorySegRSI"
      : operand.kind === "register",
  );
}
