import { instructionAt, type LiveRanges } from "./live-range.ts";
import { MachineOp } from "../machine/machine-op.ts";
import type { MachineFunction } from "../machine/machine-function.ts";
import { CALLEE_SAVED, CALLEE_SAVED_SET } from "../machine/register.ts";

/**
 * The blocks that run with the frame: `start`, whose code begins with the prologue, and all behind.
 */
export interface FramedBlocks {
  readonly start: number;
  /** By block: 1 with the frame. */
  readonly isFramed: Uint8Array;
}

/**
 * The latest places for the prologue, the last one first; the entry is always among them. Paths
 * that return before the place never need what a block of `needsFrame` needs.
 *
 * The search goes from the entry along blocks with one predecessor each, as long as only one way
 * leads to a block that needs the frame. So the place is in no loop, and every path to it is the
 * same.
 */
export function framedBlocks(
  machine: MachineFunction,
  needsFrame: (block: number) => boolean,
): FramedBlocks[] {
  const { blocks } = machine;
  const leadsToNeed = reaching(machine, needsFrame);
  const leadsToReturn = reaching(
    machine,
    (block) => machine.instructions[blocks[block]!.end - 1]!.op === MachineOp.Return,
  );
  const starts = [0];
  let block = 0;
  while (!needsFrame(block)) {
    const next = blocks[block]!.edges.filter(({ target }) => leadsToNeed[target]);
    if (next.length !== 1 || blocks[next[0]!.target]!.predecessors.length !== 1) break;
    // A path that only traps gains nothing by a missing prologue.
    const mayReturn = blocks[block]!.edges.some(
      ({ target }) => !leadsToNeed[target] && leadsToReturn[target],
    );
    block = next[0]!.target;
    if (mayReturn) starts.push(block);
  }
  const all = new Uint8Array(blocks.length).fill(1);
  return starts
    .reverse()
    .flatMap((start) =>
      start === 0 ? [{ start, isFramed: all }] : (enteredOnlyAt(machine, start) ?? []),
    );
}

/** The blocks from `start` on, unless one of them is also reached past `start`. */
function enteredOnlyAt({ blocks }: MachineFunction, start: number): FramedBlocks | null {
  const isFramed = new Uint8Array(blocks.length);
  isFramed[start] = 1;
  const members = [start];
  for (const block of members) {
    for (const { target } of blocks[block]!.edges) {
      if (isFramed[target]) continue;
      isFramed[target] = 1;
      members.push(target);
    }
  }
  const isClosed = members.every((block) =>
    blocks[block]!.predecessors.every((from) =>
      block === start ? !isFramed[from] : isFramed[from],
    ),
  );
  return isClosed ? { start, isFramed } : null;
}

/** By block: 1 if a path leads from its start to a block that is `wanted`. */
function reaching({ blocks }: MachineFunction, wanted: (block: number) => boolean): Uint8Array {
  const result = new Uint8Array(blocks.length);
  const work = blocks.flatMap((_, block) => (wanted(block) ? [block] : []));
  for (const block of work) result[block] = 1;
  for (const block of work) {
    for (const from of blocks[block]!.predecessors) {
      if (result[from]) continue;
      result[from] = 1;
      work.push(from);
    }
  }
  return result;
}

/**
 * Where the allocator should let the frame begin: behind the last early return that lies before all
 * calls, because values that live across a call are what the callee-saved registers are for. Null
 * if there is no such return.
 */
export function planShrinkWrap(live: LiveRanges): FramedBlocks | null {
  const { machine } = live;
  const { blocks, instructions } = machine;
  const needsFrame = new Uint8Array(blocks.length);
  instructions.forEach(({ op }, index) => {
    if (op === MachineOp.Call || op === MachineOp.CallIndirect)
      needsFrame[live.blockOfInstruction[index]!] = 1;
  });
  for (const register of CALLEE_SAVED)
    for (const { from } of live.reservations[register]!)
      needsFrame[live.blockOfInstruction[instructionAt(from)]!] = 1;
  if (needsFrame[0] || !needsFrame.includes(1)) return null;
  const [best] = framedBlocks(machine, (block) => needsFrame[block] === 1);
  return best!.start === 0 ? null : best!;
}

/** Whether no caller-saved register is free of instructions' own needs in all ranges. */
export function crossesCalls(
  live: LiveRanges,
  registers: readonly number[],
  ranges: readonly number[],
): boolean {
  return registers.every(
    (register) =>
      (CALLEE_SAVED_SET >> register) & 1 ||
      ranges.some((range) =>
        live.isReserved(register, live.from.data[range]!, live.to.data[range]!),
      ),
  );
}
