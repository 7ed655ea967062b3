import type { Target } from "../../ir/module.ts";
import { RegisterAllocator } from "./allocate-registers.ts";
import type { Allocation } from "./allocation.ts";
import { declareCoverage, hit } from "../machine/coverage.ts";
import { prologueBlock } from "./frame.ts";
import { LiveRanges } from "./live-range.ts";
import type { MachineFunction } from "../machine/machine-function.ts";
import { placeMoves } from "./place-moves.ts";
import { allocatableRegisters, MESSAGE_WORD_REGISTERS } from "../machine/register.ts";
import { type FramedBlocks, planShrinkWrap } from "./shrink-wrap.ts";

declareCoverage("allocator: prologue behind an early return");
declareCoverage("allocator: early return needs the frame");

interface AllocateOptions {
  /** Its callers keep nothing in a callee-saved register. Default: false. */
  readonly savesNothing?: boolean;
  /** For tests. Default: by the number of instructions. */
  readonly isLinear?: boolean;
}

/**
 * Allocation in three steps: where values live, which register each stretch gets, which moves that
 * takes.
 */
export function allocateRegisters(
  machine: MachineFunction,
  target: Target,
  options: AllocateOptions = {},
): Allocation {
  const registers = allocatableRegisters(target).filter(
    (register) => machine.messageWords === null || !MESSAGE_WORD_REGISTERS.includes(register),
  );
  const live = new LiveRanges(machine);
  const framed = options.savesNothing === true ? null : planShrinkWrap(live);
  if (framed !== null) {
    const allocation = allocateOnce(live, registers, framed, options);
    if (prologueBlock(allocation) === framed.start) {
      hit("allocator: prologue behind an early return");
      return allocation;
    }
    hit("allocator: early return needs the frame");
    return allocateOnce(new LiveRanges(machine), registers, null, options);
  }
  return allocateOnce(live, registers, null, options);
}

function allocateOnce(
  live: LiveRanges,
  registers: readonly number[],
  framed: FramedBlocks | null,
  { savesNothing = false, isLinear }: AllocateOptions,
): Allocation {
  const allocator = new RegisterAllocator(live, registers, framed, savesNothing, isLinear);
  allocator.run();
  return placeMoves(live, allocator, registers, framed);
}
