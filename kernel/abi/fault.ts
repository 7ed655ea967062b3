/**
 * Why a thread was stopped. Carried by the fault message, the audit record and the kernel's log.
 */
export enum FaultKind {
  None = 0,
  /** Load or store outside what is mapped. */
  OutOfBounds = 1,
  /** Load or store in the first 64 KiB. */
  NullReference = 2,
  /** The native stack's guard was touched. */
  StackExhausted = 3,
  DivideByZero = 4,
  DivideOverflow = 5,
  /** wasm `unreachable`: a failed assertion or abort. */
  Unreachable = 6,
  IndirectCallSignature = 7,
  IndirectCallBound = 8,
  /** An instruction that user code may not execute, or that does not exist. */
  IllegalInstruction = 9,
  /** Port access without a grant, or another general protection fault. */
  Protection = 10,
  /** Execution of a page that is not code. */
  ExecuteData = 11,
  /**
   * First touch of a page beyond the domain's quota, or when the machine has none left; growth of
   * linear memory that is refused.
   */
  QuotaExhausted = 12,
  /** Debug, breakpoint, floating point and other exceptions. */
  Other = 13,
  /** An indirect call through a table's entry that holds no function. */
  IndirectCallNull = 14,
}

/**
 * A mask of the kinds that compiled code raises by `ud1 r32, r32`. The numbers of the two registers
 * are the octal digits of the kind's number, so that the instruction's last byte is 0xc0 + kind.
 * `ud2` is Unreachable.
 */
export const TRAP_KINDS =
  (1 << FaultKind.OutOfBounds) |
  (1 << FaultKind.IndirectCallSignature) |
  (1 << FaultKind.IndirectCallBound) |
  (1 << FaultKind.IndirectCallNull) |
  (1 << FaultKind.QuotaExhausted);

/** The kind in words, for people. */
export function faultName(kind: FaultKind): string {
  switch (kind) {
    case FaultKind.OutOfBounds:
      return "access outside its memory";
    case FaultKind.NullReference:
      return "null reference";
    case FaultKind.StackExhausted:
      return "stack exhausted";
    case FaultKind.DivideByZero:
      return "division by zero";
    case FaultKind.DivideOverflow:
      return "division overflow";
    case FaultKind.Unreachable:
      return "failed check of its own";
    case FaultKind.IndirectCallSignature:
      return "indirect call of another signature";
    case FaultKind.IndirectCallBound:
      return "indirect call outside the table";
    case FaultKind.IllegalInstruction:
      return "illegal instruction";
    case FaultKind.Protection:
      return "protection fault";
    case FaultKind.ExecuteData:
      return "execution of data";
    case FaultKind.QuotaExhausted:
      return "out of memory: its quota's or the machine's";
    case FaultKind.Other:
      return "exception";
    case FaultKind.IndirectCallNull:
      return "indirect call of a null function";
    default:
      return "no fault";
  }
}
