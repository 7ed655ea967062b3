// The table of commands, in the order of `help`.

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

/** Fills the table. Call it once, before the first line is run. */
export function defineCommands(): void {
  define("help", "help [COMMAND]", "lists the commands, or explains one", false, help);
  define("domains", "domains", "lists the programs: class, state, memory", false, domains);
  define("memory", "memory", "shows how much memory each domain uses", false, memoryUse);
  define("handles", "handles NAME", "lists the handles and rights of a domain", true, handles);
  define("audit", "audit [COUNT]", "shows the latest denials and faults, and why", false, audit);
  define("events", "events [COUNT]", "shows starts and ends of domains, and why", false, events);
  define(
    "trace",
    "trace A B [SECONDS|COMMAND ...]",
    "records the messages between two domains",
    true,
    trace,
  );
  define(
    "why",
    "why SUBJECT TARGET METHOD",
    "shows if the policy allows it, and the rule",
    false,
    why,
  );
  define("start", "start NAME", "starts a domain", true, start);
  define("kill", "kill NAME", "ends a domain; its rule may restart it", true, kill);
  define("stop", "stop NAME", "ends a domain and keeps it down", true, stop);
  define("ping", "ping [COUNT]", "times messages to the echo service", false, ping);
  define(
    "attack",
    "attack [NUMBER]",
    "tries what is forbidden, shows what stops it",
    false,
    attack,
  );
  define("uptime", "uptime", "shows how long the system has been running", false, uptime);
  define("about", "about", "shows what this system is, and who signed it", false, about);
  define("shutdown", "shutdown", "switches the machine off", false, shutdown);
  define("reboot", "reboot", "restarts the machine", false, reboot);
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

/** Runs the command line `text`. */
export function runLine(text: Text): void {
  words.split(text);
  if (words.count === 0) return;
  forgetInterrupt();
  const command = findCommand(words.at(0));
  if (command === null) sayUnknown(words.at(0));
  else command.start(words);
  flush();
}
