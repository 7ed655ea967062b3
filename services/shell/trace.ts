import { clock, console, trace as tracer } from "../../build/generated/programs/shell";
import { HEADER_INTERFACE_SHIFT, HEADER_METHOD_MASK, HEADER_METHOD_SHIFT } from "../../kernel/abi/system-call";
import { setCallTimeout } from "../runtime/message";
import { statusName } from "../runtime/status-name";
import { explain } from "./control";
import { addMethodName, addSlotName, findSlot, NO_SLOT } from "./names";
import { dim, endLine, flush, line, printLine, red } from "./output";
import { Words } from "./words";

const SECOND: u64 = 1_000_000_000;
const SECONDS_DEFAULT: i64 = 5;
const SECONDS_MAX: i64 = 3600;
/** The kernel keeps fewer. */
const MESSAGES_MAX: u32 = 4096;
const WORDS_SHOWN: u32 = 4;

/** Records for a while or until a key is pressed, and shows afterwards: what is shown would else be recorded. */
export function trace(words: Words): void {
  const first = findSlot(words.at(1));
  if (first == NO_SLOT) return;
  const second = findSlot(words.at(2));
  if (second == NO_SLOT) return;
  const seconds = words.count > 3 ? words.at(3).toNumber() : SECONDS_DEFAULT;
  if (seconds < 1 || seconds > SECONDS_MAX) return printLine("SECONDS is a number from 1 to 3600");

  line.string("recording for ").number(seconds).string(" s; any key ends it");
  endLine();
  flush();
  const started = clock.now().nanoseconds;
  if (!explain(tracer.start(first, second))) return;
  const before = setCallTimeout(<u64>seconds * SECOND);
  console.read();
  setCallTimeout(before);
  if (!explain(tracer.stop())) return;

  let count: u32 = 0;
  while (count < MESSAGES_MAX && show(started)) count++;
  line.number(count).string(count == 1 ? " message" : " messages");
  endLine();
}

/** Shows the next message recorded; false if there is none. */
function show(started: u64): bool {
  const message = tracer.next();
  if (!message.ok) return false;
  const timeNs = message.timeNs;
  const kind = message.kind;
  const from = message.from;
  const to = message.to;
  const header = message.header;
  const outcome = message.outcome;
  const wordCount = message.words;
  const shown = min(wordCount, WORDS_SHOWN);
  const word0 = message.word0;
  const word1 = message.word1;
  const word2 = message.word2;
  const word3 = message.word3;

  line.duration(timeNs > started ? timeNs - started : 0).padTo(12);
  addSlotName(from, line).string(kind == 0 ? " -> " : " => ");
  addSlotName(to, line).padTo(38);
  addMethodName(header >> HEADER_INTERFACE_SHIFT, (header >> HEADER_METHOD_SHIFT) & HEADER_METHOD_MASK, line);
  if (kind == 1) dim(" answer");
  if (kind == 2) red(" error");
  if (shown > 0) line.byte(0x20).hex(word0);
  if (shown > 1) line.byte(0x20).hex(word1);
  if (shown > 2) line.byte(0x20).hex(word2);
  if (shown > 3) line.byte(0x20).hex(word3);
  if (wordCount > shown) line.string(" and ").number(wordCount - shown).string(" more");
  if (outcome != 0) {
    line.string(": ");
    red(statusName(outcome));
  }
  endLine();
  return true;
}
