// Completion of commands and of the names of domains.

import { slots } from "../../build/generated/programs/shell";
import { Text, utf8 } from "../runtime/text";
import { commandAt, commandCount, findCommand } from "./command";
import { add, endLine, flush, line } from "./output";
import { Words } from "./words";

const CANDIDATES_MAX: u32 = 64;

const words = new Words();
/** Place of a view of what stands before the word. */
const before: usize = memory.data(offsetof<Text>(), 4);
const word: Text = Text.withRoom(64);
const common: Text = Text.withRoom(64);
const shown: Text = Text.withRoom(1024);
let candidates: u32 = 0;

/** Adds to `insertion` what all names that fit have in common; if that is nothing, shows them. */
export function completeLine(text: Text, cursor: u32, insertion: Text): void {
  let start = cursor;
  while (start > 0 && text.byteAt(start - 1) != 0x20) start--;
  word.clear().bytes(text.address + start, cursor - start);

  candidates = 0;
  common.clear();
  shown.clear();
  words.split(Text.view(before, text.address, start));
  const command = findCommand(words.at(0));
  if (words.count == 0 || (command !== null && command.takesCommand(words.count))) offerCommands();
  else if (command !== null && command.takesDomain) offerDomains();
  if (candidates == 0) return;

  insertion.bytes(common.address + word.length, common.length - word.length);
  if (candidates == 1) insertion.byte(0x20);
  else if (insertion.isEmpty) showCandidates();
}

function offerCommands(): void {
  for (let index = 0; index < commandCount(); index++) offer(utf8(commandAt(index).name));
}

function offerDomains(): void {
  const count = min(slots.count().count, CANDIDATES_MAX);
  for (let slot: u32 = 0; slot < count; slot++) {
    const answer = slots.name(slot);
    if (answer.ok) offer(answer.text);
  }
}

/** Counts `name` as a candidate if it starts with the word. */
function offer(name: Text): void {
  if (name.length < word.length || memory.compare(name.address, word.address, word.length) != 0) return;
  if (candidates == 0) common.text(name);
  let same: u32 = 0;
  while (same < common.length && common.byteAt(same) == name.byteAt(same)) same++;
  common.length = same;
  candidates++;
  shown.text(name).string("  ");
}

function showCandidates(): void {
  line.byte(0x0a);
  add(line);
  line.clear();
  add(shown);
  endLine();
  flush();
}
