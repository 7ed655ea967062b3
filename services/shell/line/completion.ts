// Completion of the names of commands, domains, classes and methods.

import { policy, slots } from "../../../build/generated/programs/shell";
import { Text, utf8 } from "../../runtime/text";
import { Command, commandAt, commandCount, findCommand } from "../commands/command";
import { add, endLine, flush, line } from "../output/print";
import { classOf, NO_CLASS } from "../output/names";
import { Words } from "./words";

/** Candidates beyond this many bytes are counted and not shown. */
const SHOWN_BYTES_MAX: u32 = 800;
/** Longer than any name, also of a method with its interface. */
const WORD_ROOM: u32 = 200;

const words = new Words();
/** Memory for a view of the text before the word. */
const before: usize = memory.data(offsetof<Text>(), 4);
const word: Text = Text.withRoom(WORD_ROOM);
const common: Text = Text.withRoom(WORD_ROOM);
const shown: Text = Text.withRoom(SHOWN_BYTES_MAX);
const qualified: Text = Text.withRoom(WORD_ROOM);
let candidates: u32 = 0;
let hidden: u32 = 0;

/** Adds to `insertion` what all matching names continue with; if that is nothing, shows them. */
export function completeLine(text: Text, cursor: u32, insertion: Text): void {
  let start = cursor;
  while (start > 0 && text.byteAt(start - 1) !== 0x20) start--;
  word.clear().bytes(text.address + start, cursor - start);

  candidates = 0;
  hidden = 0;
  common.clear();
  shown.clear();
  words.split(Text.view(before, text.address, start));
  offerNext(words);
  if (candidates === 0) return;

  insertion.bytes(common.address + word.length, common.length - word.length);
  if (candidates === 1) insertion.byte(0x20);
  else if (insertion.isEmpty) showCandidates();
}

/** Offers what may follow these words, the first of which is a command. */
function offerNext(given: Words): void {
  if (given.count === 0) return offerCommands();
  const command = findCommand(given.at(0));
  if (command === null) return;
  const inner = command.commandArgument;
  if (inner !== 0 && given.count === inner) return offerCommands();
  if (inner !== 0 && given.count > inner && findCommand(given.at(inner)) !== null)
    return offerNext(given.from(inner));
  offerArgument(command, given);
}

function offerArgument(command: Command, given: Words): void {
  if (command.takesMethod(given.count)) return offerMethods(classOf(given.at(given.count - 1)));
  const isClass = command.takesClass(given.count);
  if (isClass) offerClasses();
  if (isClass || command.takesDomain) offerDomains();
}

function offerCommands(): void {
  for (let index = 0; index < commandCount(); index++) offer(utf8(commandAt(index).name));
}

function offerDomains(): void {
  const count = slots.count().count;
  for (let slot: u32 = 0; slot < count; slot++) {
    const answer = slots.name(slot);
    if (answer.ok) offer(answer.text);
  }
}

/** Not every number has a class. */
function offerClasses(): void {
  const count = policy.info().classes;
  for (let classId: u32 = 1; classId < count; classId++) {
    const answer = policy.className(classId);
    if (answer.ok) offer(answer.text);
  }
}

/** Offers all methods that the class serves; after `Interface.`, with their interface. */
function offerMethods(classId: u32): void {
  if (classId === NO_CLASS) return;
  let isQualified: bool = false;
  for (let at: u32 = 0; at < word.length; at++) if (word.byteAt(at) === 0x2e) isQualified = true;
  for (let index: u32 = 0; ; index++) {
    const served = policy.interfaceAt(classId, index);
    if (!served.ok) return;
    offerMethodsOf(served.interfaceId, isQualified);
  }
}

function offerMethodsOf(interfaceId: u32, isQualified: bool): void {
  qualified.clear();
  if (isQualified) {
    const name = policy.interfaceName(interfaceId);
    if (!name.ok) return;
    qualified.text(name.text).byte(0x2e);
  }
  const prefix = qualified.length;
  for (let method: u32 = 0; ; method++) {
    const name = policy.methodName(interfaceId, method);
    if (!name.ok) return;
    qualified.length = prefix;
    offer(qualified.text(name.text));
  }
}

/** Counts `name` as a candidate if it starts with the word and was not offered before. */
function offer(name: Text): void {
  if (name.length < word.length || memory.compare(name.address, word.address, word.length) !== 0)
    return;
  if (candidates === 0) common.text(name);
  else if (isShown(name)) return;
  let same: u32 = 0;
  while (same < common.length && common.byteAt(same) === name.byteAt(same)) same++;
  common.length = same;
  candidates++;
  if (shown.length + name.length + 2 <= shown.room) shown.text(name).string("  ");
  else hidden++;
}

function isShown(name: Text): bool {
  for (let at: u32 = 0; at + name.length < shown.length; at++) {
    if (
      (at === 0 || shown.byteAt(at - 1) === 0x20) &&
      shown.byteAt(at + name.length) === 0x20 &&
      memory.compare(shown.address + at, name.address, name.length) === 0
    )
      return true;
  }
  return false;
}

function showCandidates(): void {
  line.byte(0x0a);
  add(line);
  line.clear().text(shown);
  if (hidden > 0) line.string("and ").number(hidden).string(" more");
  endLine();
  flush();
}
