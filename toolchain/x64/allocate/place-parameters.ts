import type { IrFunction } from "../../ir/function.ts";
import type { ParameterPlace, ParameterPlaces } from "../../ir/machine-code.ts";
import { Type } from "../../ir/opcode.ts";
import { type Allocation, isSlot, type Location, NOWHERE, slotOf } from "./allocation.ts";
import type { Frame } from "./frame.ts";
import { beforePoint, behindPoint, instructionAt, latePoint } from "./live-range.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { ARGUMENT_REGISTERS } from "../machine/register.ts";

const RETURN_ADDRESS_BYTES = 8;

/**
 * Code offsets of an instruction: before its moves, at itself, behind itself, behind the moves
 * there; undefined if it has no code.
 */
type Places = (instruction: number) => readonly number[] | undefined;

/**
 * Where a debugger finds the parameters that have a name. Only certain places are listed: those
 * where the allocator has the value live, without the moves at both ends and the inside of the last
 * use. A parameter that the source assigns to is listed only up to the function's own code, because
 * its name may have another value afterwards.
 */
export function placeParameters(
  fn: IrFunction,
  allocation: Allocation,
  frame: Frame,
  places: Places,
): ParameterPlaces[] {
  return fn.namedParameters.flatMap(({ name, isAssigned }, index) => {
    if (name === undefined) return [];
    const known = [...placesAtEntry(index, allocation, places)];
    if (!isAssigned) known.push(...placesInBody(allocation, frame, index, places));
    // A stack argument stays where the caller pushed it.
    const stackIndex = index - ARGUMENT_REGISTERS.length;
    const end = endOfCode(allocation, places);
    const all: ParameterPlace[] =
      stackIndex >= 0 && !isAssigned
        ? [{ from: 0, to: end, place: { frameOffset: 8 * stackIndex } }]
        : known;
    return [{ name, bytes: fn.parameterTypes[index] === Type.I64 ? 8 : 4, places: joined(all) }];
  });
}

/**
 * Until the moves away from the registers in which parameters come, and in any case where the first
 * instruction has not run: that instruction may be the last use.
 */
function* placesAtEntry(
  index: number,
  { machine }: Allocation,
  places: Places,
): Iterable<ParameterPlace> {
  const parameters = machine.instructions.findIndex(({ op }) => op === MachineOp.Parameters);
  const to = Math.max(places(parameters)?.[2] ?? 0, 1);
  const register = ARGUMENT_REGISTERS[index];
  yield {
    from: 0,
    to,
    place:
      register === undefined
        ? { frameOffset: 8 * (index - ARGUMENT_REGISTERS.length) }
        : { register },
  };
}

function* placesInBody(
  { machine, parameterPlaces }: Allocation,
  frame: Frame,
  index: number,
  places: Places,
): Iterable<ParameterPlace> {
  for (const { from, to, location } of parameterPlaces[index] ?? []) {
    if (location === NOWHERE) continue;
    const place = placeOf(location, frame);
    for (
      let i = instructionAt(from);
      i <= instructionAt(to) && i < machine.instructions.length;
      i++
    ) {
      const offsets = places(i);
      if (offsets === undefined) continue;
      const [start, own, behind, end] = offsets as [number, number, number, number];
      if (from < beforePoint(i) && to > beforePoint(i)) yield { from: start, to: own, place };
      if (from > beforePoint(i) || to <= beforePoint(i)) {
        if (from <= latePoint(i) && to > behindPoint(i)) yield { from: behind, to: end, place };
        continue;
      }
      // A jump may have the target's return in its place, and a last use may overwrite what it has
      // read: only their first byte is certain.
      const { op } = machine.instructions[i]!;
      const isThrough =
        to > behindPoint(i) &&
        op !== MachineOp.Jump &&
        op !== MachineOp.Branch &&
        op !== MachineOp.JumpTable;
      yield { from: own, to: isThrough ? end : Math.min(own + 1, end), place };
    }
  }
}

function placeOf(location: Location, frame: Frame): ParameterPlace["place"] {
  if (!isSlot(location)) return { register: location };
  return { frameOffset: frame.slotOffsets[slotOf(location)]! - frame.bytes - RETURN_ADDRESS_BYTES };
}

function endOfCode({ machine }: Allocation, places: Places): number {
  return machine.instructions.reduce((end, _, i) => Math.max(end, places(i)?.[3] ?? 0), 0);
}

/** Without empty ones, and neighbours of one place as one. */
function joined(all: readonly ParameterPlace[]): ParameterPlace[] {
  const result: ParameterPlace[] = [];
  for (const next of [...all].filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (
      last !== undefined &&
      last.to >= next.from &&
      JSON.stringify(last.place) === JSON.stringify(next.place)
    )
      result[result.length - 1] = { ...last, to: Math.max(last.to, next.to) };
    else result.push(last !== undefined && last.to > next.from ? { ...next, from: last.to } : next);
  }
  return result.filter(({ from, to }) => from < to);
}
