// The table of commands, in the order that `help` shows.

import { Text } from "../runtime/text";
import { about, uptime } from "./about";
import { attack } from "./attack";
import { audit } from "./audit";
import { Command, defineCommand, findCommand } from "./command";
import { kill, reboot, shutdown, start, stop } from "./control";
import { domains } from "./domains";
import { events } from "./events";
import { handles } from "./handles";
import { help } from "./help";
import { memoryUse } from "./memory-use";
import { endLine, flush, line } from "./output";
import { ping } from "./ping";
import { nearest } from "./suggestion";
import { trace } from "./trace";
import { why } from "./why";
import { Words } from "./words";

/** Fills the table. Called once, before the first line is run. */
export function defineCommands(): void {
  define("help", "help [COMMAND]", "what commands there are, or what one does", false, help);
  define("domains", "domains", "the programs: class, state, memory, restarts", false, domains);
  define("memory", "memory", "who uses how much of the machine's memory", false, memoryUse);
  define("handles", "handles NAME", "what a domain holds handles to, with which rights", true, handles);
  define("audit", "audit [COUNT]", "the latest denials and faults, and why or where", false, audit);
  define("events", "events [COUNT]", "what started and what ended, and why", false, events);
  define("trace", "trace A B [COMMAND]", "messages between two domains, for 5 s or a command", true, trace);
  define("why", "why SUBJECT TARGET METHOD", "whether the policy allows it, and by which rule", true, why);
  define("start", "start NAME", "starts a domain", true, start);
  define("kill", "kill NAME", "ends a domain; its rule may bring it back", true, kill);
  define("stop", "stop NAME", "ends a domain and keeps it down", true, stop);
  define("ping", "ping [COUNT]", "round trips of a message to the echo service", false, ping);
  define("attack", "attack [NUMBER]", "tries forbidden things, shows what stopped each", false, attack);
  define("uptime", "uptime", "how long the system has been running", false, uptime);
  define("about", "about", "what this system is, and what it was built from", false, about);
  define("shutdown", "shutdown", "switches the machine off", false, shutdown);
  define("reboot", "reboot", "starts the machine again", false, reboot);
}

function define(name: string, usage: string, about: string, takesDomain: bool, run: (words: Words) => void): void {
  defineCommand(new Command(name, usage, about, takesDomain, run));
}

const words = new Words();

/** Runs the command that `text` holds. */
export function runLine(text: Text): void {
  words.split(text);
  if (words.count == 0) return;
  const command = findCommand(words.at(0));
  if (command === null) {
    suggest(words.at(0));
  } else {
    const run = command.run;
    run(words);
  }
  flush();
}

function suggest(name: Text): void {
  line.string("there is no command `").text(name).string("`; ");
  const command = nearest(name);
  if (command === null) line.string("`help` lists what there is");
  else line.string("did you mean `").string(command.name).string("`?");
  endLine();
}
