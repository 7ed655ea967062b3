import { Command, commandAt, commandCount, findCommand } from "./command";
import { bold, endLine, line, printLine } from "./output";
import { Words } from "./words";

const ABOUT_COLUMN: u32 = 28;

export function help(words: Words): void {
  if (words.count > 1) return helpOne(words);
  for (let index = 0; index < commandCount(); index++) show(commandAt(index));
  printLine("");
  printLine("Keys: arrows, Home, End, Delete, Tab completes, ^A ^E ^K ^U ^W edit,");
  printLine("^L clears the screen, ^C gives a line up.");
}

function helpOne(words: Words): void {
  const command = findCommand(words.at(1));
  if (command !== null) return show(command);
  line.string("there is no command `").text(words.at(1)).string("`; `help` lists what there is");
  endLine();
}

function show(command: Command): void {
  line.string("  ");
  bold(command.usage);
  line.padTo(ABOUT_COLUMN).string(command.about);
  endLine();
}
