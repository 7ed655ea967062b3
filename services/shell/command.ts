import { Text } from "../runtime/text";
import { Words } from "./words";

/** One command of the shell. */
@final
export class Command {
  /** @param run gets the line's words; word 0 is the command's own name. */
  constructor(
    readonly name: string,
    readonly usage: string,
    readonly about: string,
    /** Its arguments are names of domains, as far as completion goes. */
    readonly takesDomain: bool,
    readonly run: (words: Words) => void,
  ) {}
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
