/** The rules by their number in README.md. */
export type Rule =
  | "segments"
  | "functions"
  | "opcode"
  | "level"
  | "branch target"
  | "call target"
  | "memory operand"
  | "stack depth"
  | "stack operand"
  | "saved register"
  | "indirect jump"
  | "indirect call"
  | "privileged"
  | "base register"
  | "frame step"
  | "falls through"
  | "effort";

/** One reason why an executable is not accepted. */
export interface Finding {
  readonly rule: Rule;
  /** Symbol of the function, or of the file's part. */
  readonly function: string;
  /**
   * Address of the instruction, as in a disassembly; empty if the finding is about no instruction.
   */
  readonly address: string;
  /** Disassembled instruction. */
  readonly instruction: string;
  readonly message: string;
}

export function formatFinding(finding: Finding): string {
  const place =
    finding.address === ""
      ? finding.function
      : `${finding.function} at ${finding.address}: ${finding.instruction}`;
  return `${place}: ${finding.message} (rule: ${finding.rule})`;
}
