import type {
  MachineFunction,
  MachineInstruction,
  VirtualRegister,
} from "../machine/machine-function.ts";
import { REGISTER_COUNT } from "../machine/register.ts";

/** Where a value is: an x86 register number, or REGISTER_COUNT + n for stack slot n. */
export type Location = number;

export const NOWHERE = -1;
export const slotLocation = (slot: number): Location => REGISTER_COUNT + slot;
export const isSlot = (location: Location): boolean => location >= REGISTER_COUNT;
export const slotOf = (location: Location): number => location - REGISTER_COUNT;

/**
 * One machine instruction that allocation inserts. Slots are addressed by number; no flags change.
 */
export type InsertedMove =
  /** `width` bytes; 4 clears the upper half of a register. Never from slot to slot. */
  | { readonly kind: "move"; readonly from: Location; readonly to: Location; readonly width: 4 | 8 }
  /** All 64 bits of two registers change places. */
  | { readonly kind: "exchange"; readonly from: Location; readonly to: Location }
  /** A MoveImmediate or Lea is executed again, with `to` (a register) as its result. */
  | {
      readonly kind: "make";
      readonly definition: MachineInstruction;
      readonly register: VirtualRegister;
      readonly to: Location;
    };

/** A machine function with a location for each operand, and the moves between. */
export interface Allocation {
  readonly machine: MachineFunction;
  /** By operand number. Operands of instructions in `removed` have none. */
  readonly locations: Int32Array;
  /** Moves right before and right behind an instruction, by its number. */
  readonly before: ReadonlyMap<number, readonly InsertedMove[]>;
  readonly behind: ReadonlyMap<number, readonly InsertedMove[]>;
  /**
   * 1 for a definition that is rematerialized at every use, so that the definition itself needs no
   * code. By instruction.
   */
  readonly removed: Uint8Array;
  /** Bytes of each stack slot. */
  readonly slotBytes: readonly (4 | 8)[];
  /**
   * Of each parameter, where its value is while it is live, by points of live-range.ts; ascending.
   */
  readonly parameterPlaces: readonly (readonly {
    readonly from: number;
    readonly to: number;
    readonly location: Location;
  }[])[];
  /** Set of callee-saved registers that are written. */
  readonly savedRegisters: number;
}
