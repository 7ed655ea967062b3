import { TraceNextAnswer } from "../../../build/generated/interfaces/Trace";
import { clock, trace as tracer } from "../../../build/generated/programs/shell";
import {
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_MASK,
  HEADER_METHOD_SHIFT,
} from "../../../kernel/abi/system-call";
import { keep } from "../../runtime/message";
import { statusName } from "../../runtime/status-name";
import { Text } from "../../runtime/text";
import { explain } from "../output/answer";
import { Command, findCommand } from "./command";
import { addError, addFields } from "../output/fields";
import { awaitInterrupt, forgetInterrupt, isInterrupted } from "../line/interrupt";
import { addMethodName, addSlotName, findSlot, NO_SLOT } from "../output/names";
import { numberArgument } from "./number-argument";
import { dim, endLine, flush, line, red } from "../output/print";
import { sayUnknown } from "./suggestion";
import { Words } from "../line/words";

const SECOND: u64 = 1_000_000_000;
const SECONDS_DEFAULT: i64 = 5;
const SECONDS_MAX: i64 = 3600;
/** The kernel keeps fewer messages. */
const MESSAGES_MAX: u32 = 4096;
const KIND_REQUEST: u32 = 0;
const KIND_ERROR: u32 = 2;
/** The kernel records fewer bytes of a message: its words and the beginning of its arena. */
const DATA_ROOM: u32 = 512;

const data: Text = Text.withRoom(DATA_ROOM);

/**
 * Records messages for some seconds, until ^C, or while a command runs. Shows them afterwards,
 * since showing them sends messages that would be recorded too.
 */
export function trace(words: Words): void {
  const first = findSlot(words.at(1));
  if (first === NO_SLOT) return;
  const second = findSlot(words.at(2));
  if (second === NO_SLOT) return;
  const command = findCommand(words.at(3));
  if (command === null && isName(words.at(3))) return sayUnknown(words.at(3));
  const seconds =
    command === null ? numberArgument(words, 3, "SECONDS", SECONDS_DEFAULT, SECONDS_MAX) : 0;
  if (seconds < 0) return;

  if (command === null) {
    line.string("recording for ").number(seconds).string(" s; ^C ends it");
    endLine();
    flush();
  }
  const started = clock.now().nanoseconds;
  if (!explain(tracer.start(first, second))) return;
  run(command, words, <u64>seconds * SECOND);
  if (!explain(tracer.stop())) return;

  // The ^C that ended the recording must not end the output.
  forgetInterrupt();
  let count: u32 = 0;
  while (count < MESSAGES_MAX && !isInterrupted() && showNext(started)) count++;
  line.number(count).string(count === 1 ? " message" : " messages");
  endLine();
}

function run(command: Command | null, words: Words, nanoseconds: u64): void {
  if (command === null) {
    awaitInterrupt(nanoseconds);
  } else {
    command.start(words.from(3));
    flush();
  }
}

/** True if a word is a name rather than a number: it begins with a letter. */
function isName(word: Text): bool {
  const first = word.byteAt(0) | 0x20;
  return first >= 0x61 && first <= 0x7a;
}

/** Shows the next message recorded; false if there is none. */
function showNext(started: u64): bool {
  const next = tracer.next();
  if (!next.ok) return false;
  data.clear().text(next.data);
  show(keep(next), started);
  return true;
}

function show(message: TraceNextAnswer, started: u64): void {
  const kind = message.kind;
  const interfaceId = message.header >> HEADER_INTERFACE_SHIFT;
  addSeconds(message.timeNs > started ? message.timeNs - started : 0);
  line.padTo(10);
  addSlotName(message.from, line).string(kind === KIND_REQUEST ? " -> " : " => ");
  addSlotName(message.to, line).padTo(28);
  addMethodName(interfaceId, (message.header >> HEADER_METHOD_SHIFT) & HEADER_METHOD_MASK, line);
  if (kind === KIND_ERROR) {
    red(" error");
    addError(interfaceId, data);
  } else {
    if (kind !== KIND_REQUEST) dim(" answer");
    addFields(message.header, kind !== KIND_REQUEST, message.words, data);
  }
  if (message.outcome !== 0) {
    line.string(": ");
    red(statusName(message.outcome));
  }
  endLine();
}

/** Adds a time in seconds with six decimal places. */
function addSeconds(nanoseconds: u64): void {
  line.number(nanoseconds / SECOND).byte(0x2e);
  for (let unit = SECOND / 10; unit >= 1000; unit /= 10) line.number((nanoseconds / unit) % 10);
}
