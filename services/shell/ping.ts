import { clock, echo } from "../../build/generated/programs/shell";
import { readTsc } from "../runtime/x64";
import { explain } from "./answer";
import { dim, endLine, line, printLine } from "./output";
import { Words } from "./words";

const COUNT_DEFAULT: i64 = 1000;
const COUNT_MAX: i64 = 10_000_000;

export function ping(words: Words): void {
  const count = words.count > 1 ? words.at(1).toNumber() : COUNT_DEFAULT;
  if (count < 1 || count > COUNT_MAX) return printLine("COUNT is a number from 1 to 10000000");
  // The first call brings both sides into the caches, and shows whether it is allowed at all.
  if (!explain(echo.words(1, 2, 3, 4))) return;

  const before = clock.now().nanoseconds;
  const ticksBefore = readTsc();
  let wrong: i64 = 0;
  for (let trip: i64 = 0; trip < count; trip++) {
    const answer = echo.words(trip, 2, 3, 4);
    if (!answer.ok || answer.first != <u64>trip || answer.fourth != 4) wrong++;
  }
  const ticks = readTsc() - ticksBefore;
  const elapsed = clock.now().nanoseconds - before;

  line.number(count).string(" round trips of four words in ").duration(elapsed).string(", ").duration(elapsed / count).string(" each");
  endLine();
  line.number(ticks / count).string(" ticks of the processor's counter each");
  dim(" (under QEMU: the host's clock)");
  endLine();
  if (wrong == 0) return;
  line.number(wrong).string(" came back wrong");
  endLine();
}
