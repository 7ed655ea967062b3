import { clock, console, trace as tracer } from "../../build/generated/programs/shell";
import { FIELD_BYTES, FIELD_SIGNED, fieldNames } from "../../build/generated/interfaces/field-names";
import { HEADER_INTERFACE_SHIFT, HEADER_METHOD_MASK, HEADER_METHOD_SHIFT } from "../../kernel/abi/system-call";
import { setCallTimeout } from "../runtime/message";
import { statusName } from "../runtime/status-name";
import { explain } from "./answer";
import { findCommand } from "./command";
import { addMethodName, addSlotName, findSlot, NO_SLOT } from "./names";
import { dim, endLine, flush, line, printLine, red } from "./output";
import { Words } from "./words";

const SECOND: u64 = 1_000_000_000;
const SECONDS_DEFAULT: i64 = 5;
const SECONDS_MAX: i64 = 3600;
/** The kernel keeps fewer. */
const MESSAGES_MAX: u32 = 4096;
const WORDS_SHOWN: u32 = 4;
/** Larger numbers are shown in hexadecimal: they are addresses or masks rather than counts. */
const DECIMAL_MAX: u64 = 1_000_000_000;

/**
 * Records for a while or until a key is pressed, or while a command runs, and shows afterwards: what is shown would else be recorded.
 */
export function trace(words: Words): void {
  const first = findSlot(words.at(1));
  if (first == NO_SLOT) return;
  const second = findSlot(words.at(2));
  if (second == NO_SLOT) return;
  const command = words.count > 3 ? findCommand(words.at(3)) : null;
  const seconds = words.count > 3 && command === null ? words.at(3).toNumber() : SECONDS_DEFAULT;
  if (seconds < 1 || seconds > SECONDS_MAX) return printLine("what follows the names is a number of seconds, from 1 to 3600, or a command");

  const started = clock.now().nanoseconds;
  if (command === null) {
    line.string("recording for ").number(seconds).string(" s; any key ends it");
    endLine();
    flush();
    if (!explain(tracer.start(first, second))) return;
    waitForKey(<u64>seconds * SECOND);
  } else {
    if (!explain(tracer.start(first, second))) return;
    const run = command.run;
    run(words.from(3));
    flush();
  }
  if (!explain(tracer.stop())) return;

  let count: u32 = 0;
  while (count < MESSAGES_MAX && show(started)) count++;
  line.number(count).string(count == 1 ? " message" : " messages");
  endLine();
}

function waitForKey(nanoseconds: u64): void {
  const before = setCallTimeout(nanoseconds);
  console.read();
  setCallTimeout(before);
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
  const word0 = message.word0;
  const word1 = message.word1;
  const word2 = message.word2;
  const word3 = message.word3;

  line.duration(timeNs > started ? timeNs - started : 0).padTo(10);
  addSlotName(from, line).string(kind == 0 ? " -> " : " => ");
  addSlotName(to, line).padTo(28);
  addMethodName(header >> HEADER_INTERFACE_SHIFT, (header >> HEADER_METHOD_SHIFT) & HEADER_METHOD_MASK, line);
  if (kind == 1) dim(" answer");
  if (kind == 2) red(" error");
  const names = fieldNames(header, kind != 0);
  const shown = min(wordCount, WORDS_SHOWN);
  if (kind == 2) {
    line.byte(0x20).number(word0);
  } else {
    if (shown > 0) addField(names, 0, word0);
    if (shown > 1) addField(names, 1, word1);
    if (shown > 2) addField(names, 2, word2);
    if (shown > 3) addField(names, 3, word3);
    if (wordCount > shown) line.string(" and ").number(wordCount - shown).string(" more");
  }
  if (outcome != 0) {
    line.string(": ");
    red(statusName(outcome));
  }
  endLine();
  return true;
}

/** Adds word `index` under its name. Of bytes and text it tells the length: an arena is not recorded. */
function addField(names: string, index: u32, word: u64): void {
  line.byte(0x20);
  const start = startOfName(names, index);
  if (start < 0) {
    line.hex(word);
    return;
  }
  const kind = names.charCodeAt(start);
  for (let at = start + 1; at < names.length && names.charCodeAt(at) != 0x20; at++) line.byte(names.charCodeAt(at));
  line.byte(0x3d);
  if (kind == FIELD_BYTES) line.number(word >> 32).string(" bytes");
  else if (kind == FIELD_SIGNED) line.signed(<i64>word);
  else if (word < DECIMAL_MAX) line.number(word);
  else line.hex(word);
}

/** Where the name of word `index` starts, with the letter of its kind; -1: the interface is not known here. */
function startOfName(names: string, index: u32): i32 {
  let at = 0;
  for (let left = index; left > 0; left--) {
    while (at < names.length && names.charCodeAt(at) != 0x20) at++;
    at++;
  }
  return at < names.length ? at : -1;
}
