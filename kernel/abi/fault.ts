/** Why a thread was stopped. Carried by the fault message, the audit record and the kernel's log. */
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
  /** First touch of a page beyond the domain's quota. */
  QuotaExhausted = 12,
  /** Debug, breakpoint, floating point and other exceptions. */
  Other = 13,
}
