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

/**
 * Allocation in three steps: where values live, which register each stretch gets, which moves that
 * takes.
 */
export function allocateRegisters(
  machine: MachineFunction,
  target: Target,
  isLinear?: boolean,
): Allocation {
  const registers = allocatableRegisters(target).filter(
    (register) => machine.messageWords === null || !MESSAGE_WORD_REGISTERS.includes(register),
  );
  const live = new LiveRanges(machine);
  const framed = machine.messageWords === null ? planShrinkWrap(live) : null;
  if (framed !== null) {
    const allocation = allocateOnce(live, registers, framed, isLinear);
    if (prologueBlock(allocation) === framed.start) {
      hit("allocator: prologue behind an early return");
      return allocation;
    }
    hit("allocator: early return needs the frame");
    return allocateOnce(new LiveRanges(machine), registers, null, isLinear);
  }
  return allocateOnce(live, registers, null, isLinear);
}

function allocateOnce(
  live: LiveRanges,
  registers: readonly number[],
  framed: FramedBlocks | null,
  isLinear?: boolean,
): Allocation {
  const allocator = new RegisterAllocator(live, registers, framed, isLinear);
  allocator.run();
  return placeMoves(live, allocator, registers, framed);
}
