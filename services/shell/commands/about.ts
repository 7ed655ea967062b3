import { PolicyInfoSigner } from "../../../build/generated/interfaces/Policy";
import { clock, policy, system } from "../../../build/generated/programs/shell";
import { bold, dim, endLine, flush, line, printLine } from "../output/print";
import { Words } from "../line/words";

/** Shows the first lines on the console, which say by which key the system is signed. */
export function showBanner(): void {
  line.byte(0x0a);
  bold("Trine");
  line.string(", ");
  addSigner();
  endLine();
  dim("`help` lists the commands, Tab completes them.");
  endLine();
  flush();
}

export function about(_words: Words): void {
  printLine("Trine, a microkernel operating system in TypeScript:");
  printLine("three system calls, and every message is judged.");
  const info = policy.info();
  if (info.ok) {
    line
      .string("Policy   version ")
      .number(info.version)
      .string(", epoch ")
      .number(info.epoch)
      .string(", ")
      .number(info.classes)
      .string(" classes, ")
      .number(info.rules)
      .string(" rules");
    endLine();
  }
  line.string("System   ");
  addSigner();
  endLine();
  const boot = system.bootLine();
  if (!boot.ok) return;
  line.string("Boot     ").text(boot.text);
  endLine();
}

export function uptime(_words: Words): void {
  const now = clock.now();
  if (!now.ok) return printLine("the clock does not answer");
  line.string("running for ").duration(now.nanoseconds);
  endLine();
}

function addSigner(): void {
  const info = policy.info();
  if (!info.ok) line.string("of unknown signature");
  else if (info.signer === PolicyInfoSigner.Release) line.string("release");
  else if (info.signer === PolicyInfoSigner.Development)
    line.string("development-signed: not for use outside development");
  else line.string("unsigned");
}
