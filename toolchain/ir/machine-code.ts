/**
 * What the back end makes of one function, and what the object writer, listings and the unwinder
 * take.
 */
export interface MachineCode {
  /** Symbol. */
  readonly name: string;
  readonly functionIndex: number;
  readonly bytes: Uint8Array;
  readonly relocations: readonly Relocation[];
  /**
   * Ascending by offset: from `offset` on, code comes from wasm offset `origin` (-1: none), inlined
   * at `inlinedAt` (-1: not).
   */
  readonly lines: readonly {
    readonly offset: number;
    readonly origin: number;
    readonly inlinedAt: number;
  }[];
  readonly inlinedCalls: readonly {
    readonly functionIndex: number;
    readonly origin: number;
    readonly inlinedAt: number;
  }[];
  /** Instructions that may trap, for listings. */
  readonly traps: readonly Trap[];
  readonly jumpTables: readonly JumpTable[];
  /**
   * Bytes from the return address down to rsp where the frame is, pushes of saved registers
   * included. Constant after the prologue.
   */
  readonly frameBytes: number;
  /** Callee-saved registers in the order pushed, as x86 numbers. */
  readonly savedRegisters: readonly number[];
  /**
   * Ascending by offset: from `offset` on, rsp lies `depth` bytes below the return address
   * (prologue, epilogues, outgoing arguments). Without `hasFrame`, the code belongs to a path on
   * which the prologue never runs.
   */
  readonly depths: readonly {
    readonly offset: number;
    readonly depth: number;
    readonly hasFrame: boolean;
  }[];
  /** Direct calls, for stack-depth analysis: symbol of the callee and the depth at the call. */
  readonly calls: readonly {
    readonly symbol: string | null;
    readonly signature: number;
    readonly depth: number;
  }[];
  /** Bytes of stack arguments that the function pops (`ret n`). */
  readonly poppedBytes: number;
  /** Where the parameters of the source are, as far as that is certain: for debuggers. */
  readonly parameters: readonly ParameterPlaces[];
  /**
   * One text line for each instruction, for listings: code offset, IR instruction it implements
   * (-1: none), rule's name.
   */
  readonly notes: readonly {
    readonly offset: number;
    readonly instruction: number;
    readonly rule: string;
  }[];
}

export interface ParameterPlaces {
  readonly name: string;
  readonly bytes: 4 | 8;
  /** Ascending by code offset, half open, disjoint; elsewhere the value is not known. */
  readonly places: readonly ParameterPlace[];
}

export interface ParameterPlace {
  readonly from: number;
  readonly to: number;
  /**
   * An x86 register number, or bytes from the canonical frame address (where rsp was before the
   * call pushed the return address).
   */
  readonly place: { readonly register: number } | { readonly frameOffset: number };
}

export interface Relocation {
  /** Offset of the field in the code. */
  readonly offset: number;
  /**
   * pc32: rip-relative data; call32: call or jump to a function; abs32s: sign-extended absolute
   * (`linear_base + offset`); abs64.
   */
  readonly kind: "pc32" | "call32" | "abs32s" | "abs64";
  readonly symbol: string;
  readonly addend: number;
}

export enum TrapKind {
  Unreachable = 1,
  OutOfBounds = 2,
  /** The machine's own at idiv/div: a divisor of zero, or else a quotient that has no room. */
  Divide = 3,
  IndirectCallBound = 4,
  IndirectCallSignature = 5,
  StackExhausted = 6,
  IndirectCallNull = 7,
  /** The memory that an object needs cannot be had. */
  OutOfMemory = 8,
}

interface Trap {
  readonly offset: number;
  readonly kind: TrapKind;
}

/**
 * A table of 32-bit offsets relative to the table itself, in .rodata, symbol `<function>.jump<n>`.
 */
interface JumpTable {
  readonly symbol: string;
  /** Code offsets inside the function. */
  readonly entries: readonly number[];
}

// Symbols that machine code refers to, defined by the object writer.
/**
 * Mutable shared globals: 8 bytes each, in index order of those that are mutable and not
 * thread-local.
 */
export const GLOBALS_SYMBOL = "trine.globals";
/**
 * Signature that stands in a null entry. A compare with any signature that there is, which is from
 * 1 on, overflows with it and with no other, so that the flags of the check that fails tell a null
 * entry from one of another signature.
 */
export const NULL_SIGNATURE = 0x8000_0000;
/**
 * Table n: entries of 16 bytes (u64 code address, u32 signature, 4 spare). Length of a table that
 * can change: u32 at `<symbol>.length`.
 */
export const tableSymbol = (index: number): string => `trine.table${index}`;
/** u32: current size of linear memory in pages of 64 KiB. */
export const MEMORY_PAGES_SYMBOL = "trine.memory_pages";
/** Link-time base of linear memory in the target linux; 0 for domains. */
export const LINEAR_BASE_SYMBOL = "linear_base";
