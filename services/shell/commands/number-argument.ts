import { endLine, line } from "../output/print";
import { Words } from "../line/words";

/**
 * The number in word `index`, or `otherwise` if the line has no such word. If the word is not a
 * number from 1 to `most`, prints so, calling it `name`, and returns -1.
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
