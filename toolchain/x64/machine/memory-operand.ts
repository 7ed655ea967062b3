/**
 * A memory operand, `[segment: base + index * scale + displacement + symbol]`. `Part` is what base
 * and index are numbers of: virtual registers while the operand is selected, operands of an
 * instruction, x86 registers when it is encoded. -1: none.
 */
export interface MemoryOperand<Part extends number> {
  readonly base: Part;
  readonly index: Part;
  readonly scale: 1 | 2 | 4 | 8;
  readonly displacement: number;
  /** Without `absolute`: rip-relative, without registers. With it: the linear base. */
  readonly symbol: string | null;
  readonly absolute: boolean;
  /** 32-bit address arithmetic (67h). */
  readonly address32: boolean;
  /** fs-relative. */
  readonly threadBlock: boolean;
}

/** A memory operand before it is encoded. */
export interface WindowedOperand<Part extends number> extends MemoryOperand<Part> {
  /** In the kernel's window: r15 is the base when the operand is encoded, and `base` the index. */
  readonly window: boolean;
}

/** An operand without parts, to be completed. */
export const PLAIN_ADDRESS: MemoryOperand<-1> = {
  base: -1,
  index: -1,
  scale: 1,
  displacement: 0,
  symbol: null,
  absolute: false,
  address32: false,
  threadBlock: false,
};
