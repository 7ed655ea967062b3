// The table of commands, in the order that `help` shows.

import { Text } from "../../runtime/text";
import { about, uptime } from "./about";
import { attack } from "./attack";
import { audit } from "./audit";
import { Command, defineCommand, findCommand } from "./command";
import { kill, reboot, shutdown, start, stop } from "./control";
import { domains } from "./domains";
import { events } from "./events";
import { handles } from "./handles";
import { help } from "./help";
import { forgetInterrupt } from "../line/interrupt";
import { memoryUse } from "./memory-use";
import { flush } from "../output/print";
import { ping } from "./ping";
import { sayUnknown } from "./suggestion";
import { trace } from "./trace";
import { why } from "./why";
import { Words } from "../line/words";

/** Fills the table. Called once, before the first line is run. */
export function defineCommands(): void {
  define("help", "help [COMMAND]", "what commands there are, or what one does", false, help);
  define("domains", "domains", "the programs: class, state, memory, restarts", false, domains);
  define("memory", "memory", "who uses how much of the machine's memory", false, memoryUse);
  define("handles", "handles NAME", "the handles of a domain, and their rights", true, handles);
  define("audit", "audit [COUNT]", "the latest denials and faults, and why", false, audit);
  define("events", "events [COUNT]", "what started and what ended, and why", false, events);
  define(
    "trace",
    "trace A B [SECONDS|COMMAND ...]",
    "the messages between two domains",
    true,
    trace,
  );
  define(
    "why",
    "why SUBJECT TARGET METHOD",
    "if the policy allows it, and by which rule",
    false,
    why,
  );
  define("start", "start NAME", "starts a domain", true, start);
  define("kill", "kill NAME", "ends a domain; its rule may bring it back", true, kill);
  define("stop", "stop NAME", "ends a domain and keeps it down", true, stop);
  define("ping", "ping [COUNT]", "round trips of a message to the echo service", false, ping);
  define(
    "attack",
    "attack [NUMBER]",
    "tries what is forbidden, shows what stops it",
    false,
    attack,
  );
  define("uptime", "uptime", "how long the system has been running", false, uptime);
  define("about", "about", "what this system is, and who signed it", false, about);
  define("shutdown", "shutdown", "switches the machine off", false, shutdown);
  define("reboot", "reboot", "starts the machine again", false, reboot);
}

function define(
  name: string,
  usage: string,
  about: string,
  takesDomain: bool,
  run: (words: Words) => void,
): void {
  defineCommand(new Command(name, usage, about, takesDomain, run));
}

const words = new Words();

/** Runs the command that `text` holds. */
export function runLine(text: Text): void {
  words.split(text);
  if (words.count === 0) return;
  forgetInterrupt();
  const command = findCommand(words.at(0));
  if (command === null) sayUnknown(words.at(0));
  else command.start(words);
  flush();
}
