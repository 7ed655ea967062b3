import type { Relocation } from "../../ir/machine-code.ts";
import type { Condition } from "../machine/condition.ts";
import type { MemoryOperand } from "../machine/memory-operand.ts";
import { Register } from "../machine/register.ts";

/** A memory operand over physical registers. */
export type PhysicalAddress = MemoryOperand<number>;

/** A register, or a memory operand. */
export type RegisterOrMemory = number | PhysicalAddress;

export const fitsByte = (value: number): boolean => value >= -128 && value <= 127;

/**
 * A place in the code: bytes before it without branches, and branches before it, whose lengths are
 * not known yet.
 */
export interface Mark {
  readonly position: number;
  readonly branches: number;
}

export type Label = number;

interface Branch {
  readonly position: number;
  readonly condition: Condition | null;
  readonly target: Label;
  isLong: boolean;
}

const FS_PREFIX = 0x64;
const OPERAND_SIZE_PREFIX = 0x66;
const ADDRESS_SIZE_PREFIX = 0x67;
const SHORT_BYTES = 2;
const LONG_JUMP_BYTES = 5;
const LONG_CONDITIONAL_BYTES = 6;

/**
 * Writes x86-64 machine code. Branches are kept aside until the end, when each gets the shortest
 * form that reaches its target; places in the code are therefore marks until `finish` has turned
 * them into offsets.
 */
export class Assembler {
  private bytes = new Uint8Array(256);
  private length = 0;
  private readonly branches: Branch[] = [];
  private readonly labels: (Mark | null)[] = [];
  private readonly relocations: {
    mark: Mark;
    kind: Relocation["kind"];
    symbol: string;
    addend: number;
  }[] = [];
  private branchBytes: Int32Array | null = null;

  mark(): Mark {
    return { position: this.length, branches: this.branches.length };
  }
  newLabel(): Label {
    return this.labels.push(null) - 1;
  }
  bind(label: Label): void {
    this.labels[label] = this.mark();
  }

  // Bytes.

  byte(value: number): void {
    if (this.length === this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes[this.length++] = value;
  }
  plain(...values: readonly number[]): void {
    for (const value of values) this.byte(value);
  }
  immediate(value: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.byte((value >> (8 * i)) & 0xff);
  }
  relocation(kind: Relocation["kind"], symbol: string, addend: number): void {
    this.relocations.push({ mark: this.mark(), kind, symbol, addend });
    for (let i = 0; i < (kind === "abs64" ? 8 : 4); i++) this.byte(0);
  }

  // Branches.

  jump(target: Label): void {
    this.branches.push({ position: this.length, condition: null, target, isLong: false });
  }
  jumpIf(condition: Condition, target: Label): void {
    this.branches.push({ position: this.length, condition, target, isLong: false });
  }

  // Instructions.

  /**
   * An instruction with a ModRM byte. `opcode` is one, two or three bytes as one number; a byte
   * register gets the REX prefix that selects its low byte. `immediateBytes` follow the operand,
   * which rip-relative displacements must know.
   */
  modrm(
    width: number,
    opcode: number,
    reg: number,
    operand: RegisterOrMemory,
    options: {
      readonly prefix?: number;
      readonly immediateBytes?: number;
      readonly byteReg?: boolean;
      readonly byteOperand?: boolean;
      readonly noRexW?: boolean;
    } = {},
  ): void {
    const {
      prefix,
      immediateBytes = 0,
      byteReg = false,
      byteOperand = false,
      noRexW = false,
    } = options;
    const isMemory = typeof operand !== "number";
    if (isMemory) {
      if (operand.threadBlock) this.byte(FS_PREFIX);
      if (operand.address32) this.byte(ADDRESS_SIZE_PREFIX);
    }
    if (width === 2) this.byte(OPERAND_SIZE_PREFIX);
    if (prefix !== undefined) this.byte(prefix);
    const base = isMemory ? Math.max(operand.base, 0) : operand;
    const index = isMemory ? Math.max(operand.index, 0) : 0;
    let rex =
      (width === 8 && !noRexW ? 8 : 0) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (base >> 3);
    if ((byteReg && reg >= 4) || (byteOperand && !isMemory && operand >= 4)) rex |= 0x40;
    if (rex !== 0) this.byte(0x40 | rex);
    if (opcode > 0xffff) this.byte(opcode >> 16);
    if (opcode > 0xff) this.byte((opcode >> 8) & 0xff);
    this.byte(opcode & 0xff);
    if (isMemory) this.memory(reg & 7, operand, immediateBytes);
    else this.byte(0xc0 | ((reg & 7) << 3) | (operand & 7));
  }

  private memory(reg: number, address: PhysicalAddress, immediateBytes: number): void {
    const { base, index, scale, displacement, symbol, absolute } = address;
    const field = reg << 3;
    if (symbol !== null && !absolute) {
      this.byte(field | 5);
      this.relocation("pc32", symbol, displacement - 4 - immediateBytes);
      return;
    }
    if (base < 0) {
      this.byte(field | 4);
      this.byte((Math.log2(scale) << 6) | ((index < 0 ? 4 : index & 7) << 3) | 5);
      this.displacement32(symbol, displacement);
      return;
    }
    const needsSib = index >= 0 || (base & 7) === Register.rsp;
    const mode =
      symbol !== null
        ? 0x80
        : displacement === 0 && (base & 7) !== Register.rbp
          ? 0
          : fitsByte(displacement)
            ? 0x40
            : 0x80;
    this.byte(mode | field | (needsSib ? 4 : base & 7));
    if (needsSib)
      this.byte((Math.log2(scale) << 6) | ((index < 0 ? 4 : index & 7) << 3) | (base & 7));
    if (mode === 0x40) this.byte(displacement & 0xff);
    else if (mode === 0x80) this.displacement32(symbol, displacement);
  }

  private displacement32(symbol: string | null, displacement: number): void {
    if (symbol === null) this.immediate(displacement, 4);
    else this.relocation("abs32s", symbol, displacement);
  }

  // Finishing.

  /**
   * Chooses the form of every branch and returns the code. Marks can be turned into offsets from
   * now on.
   */
  finish(): { bytes: Uint8Array; relocations: Relocation[] } {
    this.relax();
    const total = this.length + this.branchBytes![this.branches.length]!;
    const code = new Uint8Array(total);
    let from = 0;
    let to = 0;
    for (const branch of this.branches) {
      code.set(this.bytes.subarray(from, branch.position), to);
      to += branch.position - from;
      from = branch.position;
      const end = to + sizeOf(branch);
      const distance = this.offsetOfLabel(branch.target) - end;
      if (!branch.isLong) {
        code[to] = branch.condition === null ? 0xeb : 0x70 | branch.condition;
        code[to + 1] = distance & 0xff;
      } else {
        const opcode = branch.condition === null ? [0xe9] : [0x0f, 0x80 | branch.condition];
        code.set(opcode, to);
        for (let i = 0; i < 4; i++) code[to + opcode.length + i] = (distance >> (8 * i)) & 0xff;
      }
      to = end;
    }
    code.set(this.bytes.subarray(from, this.length), to);
    const relocations = this.relocations.map(({ mark, kind, symbol, addend }) => ({
      offset: this.offset(mark),
      kind,
      symbol,
      addend,
    }));
    return { bytes: code, relocations };
  }

  offset(mark: Mark): number {
    return mark.position + this.branchBytes![mark.branches]!;
  }
  offsetOfLabel(label: Label): number {
    const mark = this.labels[label];
    if (mark === null || mark === undefined)
      throw new Error("a branch to a label that was never bound");
    return this.offset(mark);
  }

  /**
   * Starts with all branches short and lengthens those that do not reach, until all do. Lengthening
   * never brings anything closer.
   */
  private relax(): void {
    const { branches } = this;
    this.branchBytes = new Int32Array(branches.length + 1);
    for (let changed = true; changed; ) {
      changed = false;
      branches.forEach(
        (branch, i) => (this.branchBytes![i + 1] = this.branchBytes![i]! + sizeOf(branch)),
      );
      branches.forEach((branch, i) => {
        if (branch.isLong) return;
        const end = branch.position + this.branchBytes![i]! + SHORT_BYTES;
        if (fitsByte(this.offsetOfLabel(branch.target) - end)) return;
        branch.isLong = true;
        changed = true;
      });
    }
  }
}

const sizeOf = (branch: Branch): number =>
  !branch.isLong
    ? SHORT_BYTES
    : branch.condition === null
      ? LONG_JUMP_BYTES
      : LONG_CONDITIONAL_BYTES;
