import { Text } from "../runtime/text";
import { Command, commandAt, commandCount } from "./command";

/** Words longer than this are not compared. */
const LENGTH_MAX: u32 = 16;
/** So many letters may be wrong, missing or too many. */
const DISTANCE_MAX: u32 = 2;

const previous = new StaticArray<u32>(LENGTH_MAX + 1);
const current = new StaticArray<u32>(LENGTH_MAX + 1);

/** The command whose name is closest to `name`, or null if none is close. */
export function nearest(name: Text): Command | null {
  let best: Command | null = null;
  let bestDistance = DISTANCE_MAX + 1;
  for (let index = 0; index < commandCount(); index++) {
    const found = distance(name, commandAt(index).name);
    // A word of which nothing is right is not close, however short.
    if (found >= bestDistance || found >= name.length) continue;
    best = commandAt(index);
    bestDistance = found;
  }
  return best;
}

/** Letters to change, add or leave out to get from one word to the other. */
function distance(typed: Text, name: string): u32 {
  const columns = <u32>name.length;
  if (typed.length > LENGTH_MAX || columns > LENGTH_MAX) return DISTANCE_MAX + 1;
  for (let column: u32 = 0; column <= columns; column++) previous[column] = column;
  for (let row: u32 = 1; row <= typed.length; row++) {
    current[0] = row;
    for (let column: u32 = 1; column <= columns; column++) {
      const isSame = typed.byteAt(row - 1) == <u32>name.charCodeAt(column - 1);
      const replaced = previous[column - 1] + (isSame ? 0 : 1);
      current[column] = min(replaced, min(previous[column], current[column - 1]) + 1);
    }
    for (let column: u32 = 0; column <= columns; column++) previous[column] = current[column];
  }
  return previous[columns];
}
