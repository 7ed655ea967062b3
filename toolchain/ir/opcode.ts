/**
 * The operations of the IR and what every pass needs to know of each: how many operands, whether it
 * is pure.
 *
 * An operation's width is its type column: the type of its result, for comparisons and stores the
 * type of its operands. Pure operations float: they belong to no block until `schedule` places
 * them. The others are pinned, in order, in their block.
 */
export enum Opcode {
  Nop,

  // Constants. Immediate: index in the constant pool.
  Const,
  /**
   * Value of an immutable global that is not a constant, or address-free link-time value.
   * Immediate: global index.
   */
  GlobalConst,

  // Pure, two operands.
  Add,
  Sub,
  Mul,
  And,
  Or,
  Xor,
  /** Shift counts are taken modulo the width, as wasm defines them. */
  Shl,
  ShrS,
  ShrU,
  Rotl,
  Rotr,
  // Pure comparisons; result i32 0 or 1, type column = operand type.
  Eq,
  Ne,
  LtS,
  LtU,
  GtS,
  GtU,
  LeS,
  LeU,
  GeS,
  GeU,
  /** High half of the unsigned product of two i64. */
  MulHighU,

  // Pure, one operand.
  /** x == 0; result i32, type column = operand type. */
  Eqz,
  Clz,
  Ctz,
  Popcnt,
  /** i64 -> i32. */
  Wrap,
  /** i32 -> i64. */
  ExtendS,
  ExtendU,
  /** Sign extension of the low 8, 16, 32 bits in the same type. */
  Extend8S,
  Extend16S,
  Extend32S,
  /**
   * The word of a message with which the kernel was entered, whatever was set since. Operand: its
   * number, a constant. Type column i64. Only in entry points (passes/entry-points.ts).
   */
  MessageWord,

  // Pure, three operands: condition (i32), value if not zero, value if zero.
  Select,

  // May trap, two operands: pinned.
  DivS,
  DivU,
  RemS,
  RemU,

  // Memory. Operand 0 is the i32 address; immediate = memarg offset (u32). Type column = type of
  // the value.
  Load8S,
  Load8U,
  Load16S,
  Load16U,
  Load32S,
  Load32U,
  Load64,
  /** Operands: address, value. */
  Store8,
  Store16,
  Store32,
  Store64,
  MemorySize,
  /** Operand: pages; result i32. */
  MemoryGrow,
  /** Operands: destination, source, bytes. */
  MemoryCopy,
  /** Operands: destination, byte, bytes. */
  MemoryFill,
  /** Operands: destination, source, bytes. Immediate: data segment. */
  MemoryInit,
  /** Immediate: data segment. */
  DataDrop,

  // Globals. Immediate: global index.
  GlobalGet,
  GlobalSet,

  // Tables of functions. Immediate: table (low 16 bits), element segment or second table (high 16
  // bits).
  TableSize,
  TableCopy,
  TableInit,
  ElemDrop,

  // Calls. Results are the instruction's result values.
  /** Immediate: function index. Operands: arguments. */
  Call,
  /**
   * Immediate: signature number (canonical type index); auxiliary: table. Operands: arguments, then
   * the i32 table index last.
   */
  CallIndirect,
  /**
   * A machine instruction or system call that wasm has no word for. Immediate: Intrinsic number.
   */
  Intrinsic,

  // Terminators. Edges carry the arguments of the target's parameters.
  /** One edge. */
  Jump,
  /** Operand: condition (i32). Edge 0 if not zero, edge 1 if zero. */
  Branch,
  /** Operand: index (i32). Edge i if index == i, the last edge otherwise. */
  Switch,
  /** Operands: results. */
  Return,
  /** Trap: wasm `unreachable`. Immediate: a TrapKind that says more, or 0. */
  Unreachable,
  /** Tail call to a function or through a table: reserved. */
  ReturnCall,
}

/**
 * Value and operation types. Float and vector types are reserved: what uses them is refused until
 * they are done.
 */
export enum Type {
  None = 0,
  I32 = 1,
  I64 = 2,
  F32 = 3,
  F64 = 4,
  V128 = 5,
}

export const isTerminator = (op: Opcode): boolean => op >= Opcode.Jump;
/** Floats freely, may be merged with an equal one, removed if unused. */
export const isPure = (op: Opcode): boolean => op >= Opcode.Const && op <= Opcode.Select;
export const isLoad = (op: Opcode): boolean => op >= Opcode.Load8S && op <= Opcode.Load64;
export const isStore = (op: Opcode): boolean => op >= Opcode.Store8 && op <= Opcode.Store64;
export const isComparison = (op: Opcode): boolean => op >= Opcode.Eq && op <= Opcode.GeU;
