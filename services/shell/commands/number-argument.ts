import { endLine, line } from "../output/print";
import { Words } from "../line/words";

/**
 * The number that stands as word `index`, `otherwise` where none stands there; -1 after saying that
 * `name` is none from 1 to `most`.
 */
export function numberArgument(
  words: Words,
  index: u32,
  name: string,
  otherwise: i64,
  most: i64,
): i64 {
  if (index >= words.count) return otherwise;
  const number = words.at(index).toNumber();
  if (number >= 1 && number <= most) return number;
  line.string(name).string(" is a number from 1 to ").number(most);
  endLine();
  return -1;
}
