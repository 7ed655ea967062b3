import { Text } from "../../runtime/text";
import { Command, commandAt, commandCount } from "./command";
import { endLine, line } from "../output/print";

/** Words longer than this are not compared. */
const LENGTH_MAX: u32 = 16;
/**
 * At most so many letters may be wrong, missing, extra or exchanged with their neighbour, and fewer
 * than half of the letters.
 */
const DISTANCE_MAX: u32 = 2;

let beforePrevious = new StaticArray<u32>(LENGTH_MAX + 1);
let previous = new StaticArray<u32>(LENGTH_MAX + 1);
let current = new StaticArray<u32>(LENGTH_MAX + 1);

/** Says that there is no such command, and suggests the most similar one. */
export function sayUnknown(name: Text): void {
  line.string("there is no command `").text(name).string("`; ");
  const command = nearest(name);
  if (command === null) line.string("`help` lists the commands");
  else line.string("did you mean `").string(command.name).string("`?");
  endLine();
}

/** The command with the name most similar to `name`, or that begins with it; or null. */
function nearest(name: Text): Command | null {
  let best: Command | null = null;
  let bestDistance = DISTANCE_MAX + 1;
  for (let index = 0; index < commandCount(); index++) {
    const found = distance(name, commandAt(index).name);
    if (found >= bestDistance || found * 2 >= name.length) continue;
    best = commandAt(index);
    bestDistance = found;
  }
  for (let index = 0; index < commandCount() && best === null; index++) {
    if (isBeginning(name, commandAt(index).name)) best = commandAt(index);
  }
  return best;
}

/** The letter in lower case, so that `HELP` is similar to `help`. */
function letterOf(typed: Text, index: u32): u32 {
  const byte = typed.byteAt(index);
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function isBeginning(typed: Text, name: string): bool {
  if (typed.length > <u32>name.length) return false;
  for (let index: u32 = 0; index < typed.length; index++)
    if (letterOf(typed, index) !== <u32>name.charCodeAt(index)) return false;
  return true;
}

/**
 * How many letters must be changed, added, removed or exchanged to turn one word into the other.
 */
function distance(typed: Text, name: string): u32 {
  const columns = <u32>name.length;
  if (typed.length > LENGTH_MAX || columns > LENGTH_MAX) return DISTANCE_MAX + 1;
  for (let column: u32 = 0; column <= columns; column++) current[column] = column;
  for (let row: u32 = 1; row <= typed.length; row++) {
    const oldest = beforePrevious;
    beforePrevious = previous;
    previous = current;
    current = oldest;
    current[0] = row;
    for (let column: u32 = 1; column <= columns; column++)
      current[column] = cheapest(typed, name, row, column);
  }
  return current[columns];
}

function cheapest(typed: Text, name: string, row: u32, column: u32): u32 {
  const isSame = letterOf(typed, row - 1) === <u32>name.charCodeAt(column - 1);
  const replaced = previous[column - 1] + (isSame ? 0 : 1);
  const least = min(replaced, min(previous[column], current[column - 1]) + 1);
  if (row < 2 || column < 2) return least;
  const isExchanged =
    letterOf(typed, row - 1) === <u32>name.charCodeAt(column - 2) &&
    letterOf(typed, row - 2) === <u32>name.charCodeAt(column - 1);
  return isExchanged ? min(least, beforePrevious[column - 2] + 1) : least;
}
