import { greedy, log, maker, starved } from "../../../build/generated/programs/asker";
import { keep } from "../../../services/runtime/message";
import { Text } from "../../../services/runtime/text";

const WORDS: u32 = 40;
const REPORT_EVERY: u32 = 1000;
/** With the room that a collection waits for, less than a maker's heap, and more. */
const HELD_KIBIBYTES: u32 = 200;
const TOO_MANY_KIBIBYTES: u32 = 400;

const line = Text.withRoom(200);
const word = Text.withRoom(32);

export function main(): void {
  exhaust();
  let requests: u32 = 0;
  while (true) {
    for (let index: u32 = 0; index < REPORT_EVERY; index++) ask(requests++);
    report(requests);
  }
}

/**
 * Others keep what they make: one's memory grows as far as its program says, the other's as far as
 * its quota, and then they end.
 */
function exhaust(): void {
  const held = greedy.hold(HELD_KIBIBYTES).status;
  const ended = greedy.hold(TOO_MANY_KIBIBYTES).status;
  starved.hold(TOO_MANY_KIBIBYTES);
  log.write(line.clear().string("held ").number(held).string(" ended ").number(ended));
}

function ask(number: u32): void {
  word
    .clear()
    .string("word-")
    .number(number % WORDS);
  const answer = maker.count(word);
  if (!answer.ok) fail(number, answer.status);
  const expected = number / WORDS + 1;
  if (answer.times !== expected) fail(number, answer.times);
}

function report(requests: u32): void {
  const state = keep(maker.state());
  line
    .clear()
    .string("requests ")
    .number(requests)
    .string(" pages ")
    .number(state.pages)
    .string(" collections ")
    .number(state.collections);
  log.write(line.string(" lived ").number(state.lived).string(" pause ").number(state.pauseNs));
}

function fail(number: u32, what: u32): void {
  log.write(line.clear().string("request ").number(number).string(" failed: ").number(what));
  unreachable();
}
