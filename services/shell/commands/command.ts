import { setCallTimeout } from "../../runtime/message";
import { Text } from "../../runtime/text";
import { endLine, line } from "../output/print";
import { Words } from "../line/words";

/**
 * How long a command waits for an answer. Whoever takes longer is not there, and the person at the
 * prompt should get it back.
 */
const PATIENCE_NS: u64 = 5_000_000_000;

const SPACE: i32 = 0x20;
const LETTER_A: i32 = 0x41;
const LETTER_Z: i32 = 0x5a;

/** One command of the shell. */
@final
export class Command {
  private argumentsLeast: u32 = 0;
  private argumentsMost: u32 = 0;
  /** Which argument is the name of a command, from which on the line is that command's; 0: none. */
  readonly commandArgument: u32;
  /**
   * Which argument is the first of a question to the policy: subject, target, and a method of that;
   * 0: none.
   */
  private readonly subjectArgument: u32;

  /**
   * @param usage the name and the arguments, each a word; one that may be left out stands in
   *   brackets, and `...]` at the end says that more
   * may follow. It is what `help` shows, what the number of arguments is checked against, and what
   * completion goes by.
   * @param run gets the line's words; word 0 is the command's own name.
   */
  constructor(
    readonly name: string,
    readonly usage: string,
    readonly about: string,
    /** Its arguments are names of domains, as far as completion goes. */
    readonly takesDomain: bool,
    readonly run: (words: Words) => void,
  ) {
    this.commandArgument = argumentOf(usage, "COMMAND");
    this.subjectArgument = argumentOf(usage, "SUBJECT");
    for (let at = 0; at < usage.length; at++) {
      if (usage.charCodeAt(at) !== SPACE) continue;
      const first = usage.charCodeAt(at + 1);
      if (first >= LETTER_A && first <= LETTER_Z) this.argumentsLeast += 1;
      this.argumentsMost += 1;
    }
    if (usage.endsWith("...]")) this.argumentsMost = u32.MAX_VALUE;
  }

  /**
   * Whether argument `index`, counted from 1, is the name of a class, or of a domain for its class.
   */
  takesClass(index: u32): bool {
    return this.subjectArgument !== 0 && index - this.subjectArgument < 2;
  }

  /** Whether argument `index` is a method of the class that the argument before it names. */
  takesMethod(index: u32): bool {
    return this.subjectArgument !== 0 && index - this.subjectArgument === 2;
  }

  /** Does what the words say, or says how it is used. */
  start(words: Words): void {
    const given = words.count - 1;
    if (given < this.argumentsLeast || given > this.argumentsMost) {
      line.string("usage: ").string(this.usage);
      return endLine();
    }
    const before = setCallTimeout(PATIENCE_NS);
    const run = this.run;
    run(words);
    setCallTimeout(before);
  }
}

/** Which argument of `usage` has that word in it, counted from 1; 0: none. */
function argumentOf(usage: string, word: string): u32 {
  const found = usage.indexOf(word);
  let argument: u32 = 0;
  for (let at = 0; at < found; at++) if (usage.charCodeAt(at) === SPACE) argument += 1;
  return argument;
}

/** More than the table in `commands.ts` has. */
const COMMANDS_MAX = 32;
const commands = new StaticArray<Command | null>(COMMANDS_MAX);
let count = 0;

export function defineCommand(command: Command): void {
  assert(count < COMMANDS_MAX, "too many commands");
  commands[count++] = command;
}

export function commandCount(): i32 {
  return count;
}

/** The command at a place in the table. */
export function commandAt(index: i32): Command {
  assert(index < count, "no such command");
  return commands[index]!;
}

/** The command of that name, or null. */
export function findCommand(name: Text): Command | null {
  for (let index = 0; index < count; index++) {
    if (name.is(commandAt(index).name)) return commandAt(index);
  }
  return null;
}
