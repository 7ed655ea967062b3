import { setCallTimeout } from "../../runtime/message";
import { Text } from "../../runtime/text";
import { endLine, line } from "../output/print";
import { Words } from "../line/words";

/** How long a command waits for an answer: afterwards, the user gets the prompt back. */
const PATIENCE_NS: u64 = 5_000_000_000;

const SPACE: i32 = 0x20;
const LETTER_A: i32 = 0x41;
const LETTER_Z: i32 = 0x5a;

/** One command of the shell. */
@final
export class Command {
  private argumentsLeast: u32 = 0;
  private argumentsMost: u32 = 0;
  /**
   * The argument, counted from 1, that names another command; the rest of the line belongs to that
   * command. 0 if there is no such argument.
   */
  readonly commandArgument: u32;
  /**
   * The first of three arguments that ask the policy: subject, target, and a method of the target.
   * 0 if the command has none.
   */
  private readonly subjectArgument: u32;

  /**
   * @param usage the name and the arguments, each a word; optional arguments are in brackets, and
   *   `...]` at the end means that more may follow. `help` shows the usage, the number of arguments
   *   is checked against it, and completion follows it.
   * @param run receives the line's words; word 0 is the command's own name.
   */
  constructor(
    readonly name: string,
    readonly usage: string,
    readonly about: string,
    /** True if completion offers names of domains for its arguments. */
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

  /** True if argument `index`, counted from 1, names a class, or a domain of that class. */
  takesClass(index: u32): bool {
    return this.subjectArgument !== 0 && index - this.subjectArgument < 2;
  }

  /** True if argument `index` is a method of the class that the argument before it names. */
  takesMethod(index: u32): bool {
    return this.subjectArgument !== 0 && index - this.subjectArgument === 2;
  }

  /** Runs the command, or prints its usage if the number of arguments is wrong. */
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

/** The argument of `usage`, counted from 1, that contains `word`; 0 if none does. */
function argumentOf(usage: string, word: string): u32 {
  const found = usage.indexOf(word);
  let argument: u32 = 0;
  for (let at = 0; at < found; at++) if (usage.charCodeAt(at) === SPACE) argument += 1;
  return argument;
}

/** The table in `commands.ts` has fewer. */
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
