import { Opcode } from "../../ir/opcode.ts";

/**
 * The operations of machine instructions. Operand lists are given as: definitions, then uses;
 * `source` is the last use, an immediate or a memory operand (see `Source`). Registers of a memory
 * operand come after all others.
 */
export enum MachineOp {
  /** Start of a block. Parameters of the block get their values here. */
  Label,
  /** The function's parameters that come in registers: fixed definitions. */
  Parameters,

  /** d ← source. Width 4 clears the upper half. */
  Move,
  /**
   * d ← source extended from 8, 16, 32 bits to `width`; zero extensions clear the upper half in any
   * case.
   */
  MoveZero8,
  MoveZero16,
  MoveSign8,
  MoveSign16,
  MoveSign32,
  /** d ← immediate (64 bits: immediate, immediateHigh). Rematerializable. */
  MoveImmediate,
  /** d ← address of the memory operand, mod 2^width. Rematerializable if it has no register. */
  Lea,
  /** d (fixed, a message word's register) ← source. */
  SetMessageWord,
  /** memory ← use or immediate, `width` bytes. */
  Store,

  /**
   * d ← a op source; d takes a's register. With `toMemory`: memory ← memory op (use or immediate),
   * no d.
   */
  Add,
  Or,
  And,
  Sub,
  Xor,
  Imul,
  /**
   * d ← a + b or a + immediate without tie: becomes add or lea, whichever the registers allow.
   * Flags are undefined.
   */
  AddFlexible,
  /** d ← source * immediate. */
  ImulImmediate,
  /** Flags of a - source, a & source. a may be the memory operand (`toMemory`). */
  Cmp,
  Test,
  /** Carry ← bit b of a, b modulo the width; the other flags are undefined. */
  BitTest,

  /** d ← a shifted by immediate or by rcx (last use, fixed); d takes a's register. */
  Shl,
  Shr,
  Sar,
  Rol,
  Ror,
  /** d ← op a; d takes a's register. */
  Neg,
  Not,
  /** d ← op source. */
  Lzcnt,
  Tzcnt,
  Popcnt,
  /**
   * d ← number of the highest, lowest bit of source that is set, and the zero flag clear. With none
   * the zero flag is set and d undefined, its upper half too: d is declared as an i64.
   */
  Bsr,
  Bsf,

  /** d ← condition ? 1 : 0. */
  SetCondition,
  /** d ← condition ? source : a; d takes a's register. */
  ConditionalMove,

  /** rdx (first d), rax (second d) ← rax * source. */
  Multiply,
  /**
   * Quotient in rax (d), remainder in rdx (d) of rax by a register. The upper half of the dividend
   * is made inside. May trap.
   */
  DivideUnsigned,
  DivideSigned,
  /** rdx ← rax rem register, 0 for -1, which would overflow. May trap. */
  RemainderSigned,

  /** Traps with kind `trap` if `condition` holds. */
  TrapIf,

  /** Pushes a use or an immediate: an argument on the stack. */
  Push,
  /** d ← incoming stack argument number `immediate`. */
  LoadArgument,
  Call,
  CallIndirect,

  // Bulk memory, physical memory: fixed registers rdi, rsi (or rax), rcx. `immediate` holds
  // `StringSides`.
  MemoryCopy,
  MemoryFill,
  StringCopy,
  StringFill,

  // Machine instructions that are intrinsics.
  In,
  Out,
  ReadMsr,
  WriteMsr,
  ReadControl,
  WriteControl,
  InvalidatePage,
  Halt,
  DisableInterrupts,
  EnableInterrupts,
  Cpuid,
  ReadTsc,
  Rdrand,
  Pause,
  LoadFence,
  SystemCall,

  // Terminators.
  Jump,
  /** To the first successor if `condition` holds, else to the second. */
  Branch,
  /**
   * Bound compare and jump table; uses: index, then two early temporaries as definitions. The last
   * successor is the default.
   */
  JumpTable,
  Return,
  /** ud2. */
  Trap,
}

/** What side of a string instruction is: linear memory or physical memory. Bits of `immediate`. */
export const DESTINATION_PHYSICAL = 1;
export const SOURCE_PHYSICAL = 2;

/** True if the operation may change the flags. */
export function writesFlags(op: MachineOp): boolean {
  switch (op) {
    case MachineOp.Label:
    case MachineOp.Parameters:
    case MachineOp.Move:
    case MachineOp.MoveZero8:
    case MachineOp.MoveZero16:
    case MachineOp.MoveSign8:
    case MachineOp.MoveSign16:
    case MachineOp.MoveSign32:
    case MachineOp.MoveImmediate:
    case MachineOp.SetMessageWord:
    case MachineOp.Lea:
    case MachineOp.Store:
    case MachineOp.Not:
    case MachineOp.SetCondition:
    case MachineOp.ConditionalMove:
    case MachineOp.TrapIf:
    case MachineOp.Push:
    case MachineOp.LoadArgument:
    case MachineOp.In:
    case MachineOp.Out:
    case MachineOp.Jump:
    case MachineOp.Branch:
    case MachineOp.Trap:
    case MachineOp.Pause:
    case MachineOp.LoadFence:
    case MachineOp.Halt:
    case MachineOp.DisableInterrupts:
    case MachineOp.EnableInterrupts:
      return false;
    default:
      return true;
  }
}

export function readsFlags(op: MachineOp): boolean {
  return (
    op === MachineOp.SetCondition ||
    op === MachineOp.ConditionalMove ||
    op === MachineOp.TrapIf ||
    op === MachineOp.Branch
  );
}

/** Operations that the machine applies to memory directly. */
export const TO_MEMORY: Partial<Record<Opcode, MachineOp>> = {
  [Opcode.Add]: MachineOp.Add,
  [Opcode.Sub]: MachineOp.Sub,
  [Opcode.And]: MachineOp.And,
  [Opcode.Or]: MachineOp.Or,
  [Opcode.Xor]: MachineOp.Xor,
};
