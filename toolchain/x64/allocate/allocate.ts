import type { Target } from "../../ir/module.ts";
import { RegisterAllocator } from "./allocate-registers.ts";
import type { Allocation } from "./allocation.ts";
import { LiveRanges } from "./live-range.ts";
import type { MachineFunction } from "../machine/machine-function.ts";
import { placeMoves } from "./place-moves.ts";
import { allocatableRegisters } from "../machine/register.ts";

/**
 * Allocation in three steps: where values live, which register each stretch gets, which moves that
 * takes.
 */
export function allocateRegisters(
  machine: MachineFunction,
  target: Target,
  isLinear?: boolean,
): Allocation {
  const registers = allocatableRegisters(target);
  const live = new LiveRanges(machine);
  const allocator = new RegisterAllocator(live, registers, isLinear);
  allocator.run();
  return placeMoves(live, allocator, registers);
}
