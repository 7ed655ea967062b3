import { FaultKind } from "../../kernel/abi/fault";

/** What a fault was, for people. */
export function faultName(kind: u32): string {
  switch (kind) {
    case FaultKind.OutOfBounds: return "access outside its memory";
    case FaultKind.NullReference: return "null reference";
    case FaultKind.StackExhausted: return "stack exhausted";
    case FaultKind.DivideByZero: return "division by zero";
    case FaultKind.DivideOverflow: return "division overflow";
    case FaultKind.Unreachable: return "failed check of its own";
    case FaultKind.IndirectCallSignature: return "indirect call of another signature";
    case FaultKind.IndirectCallBound: return "indirect call outside the table";
    case FaultKind.IllegalInstruction: return "illegal instruction";
    case FaultKind.Protection: return "protection fault";
    case FaultKind.ExecuteData: return "execution of data";
    case FaultKind.QuotaExhausted: return "memory quota exhausted";
    case FaultKind.Other: return "exception";
    default: return "no fault";
  }
}
