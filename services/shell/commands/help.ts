import { Command, commandAt, commandCount, findCommand } from "./command";
import { bold, endLine, line, printLine } from "../output/print";
import { sayUnknown } from "./suggestion";
import { Words } from "../line/words";

/** Right of the longest usage. */
const ABOUT_COLUMN: u32 = 35;

export function help(words: Words): void {
  if (words.count > 1) return helpOne(words);
  for (let index = 0; index < commandCount(); index++) show(commandAt(index));
  printLine("");
  printLine("Keys: arrows, Home, End, Delete, ^A ^E ^K ^U ^W, Alt-B Alt-F; Tab completes,");
  printLine("^L clears the screen, ^C ends a command or discards the line.");
}

function helpOne(words: Words): void {
  const command = findCommand(words.at(1));
  if (command === null) sayUnknown(words.at(1));
  else show(command);
}

function show(command: Command): void {
  line.string("  ");
  bold(command.usage);
  line.padTo(ABOUT_COLUMN).string(command.about);
  endLine();
}
