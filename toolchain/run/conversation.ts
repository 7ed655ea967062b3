/** Drives a machine's prompt from a script: types lines, waits for texts, prints plain lines. */
import { spawn } from "node:child_process";
import { DiagnosticError } from "../report/diagnostic.ts";
import { refuseToStart } from "../setup/programs.ts";
import { ConsoleText } from "./console-text.ts";
import { describeEnding } from "./ending.ts";
import { type MachineOptions, QEMU_PROGRAM, qemuArguments } from "./machine.ts";

/** `type` waits for the prompt and enters a line; `until` waits for a text after that line. */
export interface Act {
  readonly kind: "type" | "until";
  readonly text: string;
}

interface ConversationOptions {
  /** Seconds that each wait may take. */
  readonly seconds: number;
  /** Receives each line as soon as it is complete, and at the end the rest of the last line. */
  readonly print: (line: string) => void;
}

/** The shell's prompt. The text after it in a line is the echo of typed input. */
const PROMPT = "trine>";
const LINES_TOLD = 5;

/**
 * Performs the acts in their order, waits for the prompt after a last `type`, and ends the machine.
 * Throws a DiagnosticError if a text does not come in time, or the machine ends before it comes.
 */
export async function converse(
  machine: Omit<MachineOptions, "serial" | "reboots">,
  acts: readonly Act[],
  options: ConversationOptions,
): Promise<void> {
  const talk = new Conversation(machine, options);
  const stop = (): void => talk.stop();
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", stop);
  try {
    for (const [index, { kind, text }] of acts.entries()) {
      if (kind === "until") await talk.until(text);
      // What an `until` before it has found may be the prompt itself.
      else await talk.type(text, acts[index - 1]?.kind === "until");
    }
    if (acts.at(-1)?.kind === "type") await talk.untilPrompt(true);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", stop);
    await talk.close();
  }
}

class Conversation {
  private readonly child;
  private readonly ended: Promise<void>;
  private ending: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null =
    null;
  private readonly console = new ConsoleText();
  private said = "";
  private printed = 0;
  /** Lines before it were there when the last line was entered, or were waited for. */
  private firstLine = 0;
  /** Characters of that line which are behind us. */
  private firstColumn = 0;
  private look: () => void = () => {};
  private isStopped = false;

  constructor(
    machine: Omit<MachineOptions, "serial" | "reboots">,
    private readonly options: ConversationOptions,
  ) {
    this.child = spawn(QEMU_PROGRAM, qemuArguments({ ...machine, serial: "pipe", reboots: true }), {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdin.on("error", () => {});
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.console.add(text);
      this.print();
      this.look();
    });
    this.child.stderr.on("data", (bytes: Buffer) => (this.said += bytes.toString()));
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject).on("close", (code, signal) => {
        this.ending = { code, signal };
        this.look();
        resolve();
      });
    });
    this.ended.catch(() => {});
  }

  stop(): void {
    this.isStopped = true;
    this.child.kill("SIGKILL");
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended.catch((error: Error) => refuseToStart(QEMU_PROGRAM, error));
    if (this.console.open !== "") this.options.print(this.console.open);
  }

  /** Waits for the prompt, unless an `until` has found it already, and enters the line. */
  async type(line: string, isAwaited: boolean): Promise<void> {
    if (!isAwaited) await this.untilPrompt(false);
    const { complete, open } = this.console;
    const isEchoed = open.startsWith(PROMPT);
    this.firstLine = complete.length + (isEchoed ? 1 : 0);
    this.firstColumn = isEchoed ? 0 : open.length;
    this.child.stdin.write(`${line}\r`);
  }

  untilPrompt(mayEnd: boolean): Promise<void> {
    return this.wait(
      "the prompt",
      (line) => (line.trimEnd() === PROMPT ? line.length : -1),
      mayEnd,
    );
  }

  /** Not to be found in what was typed: the line that echoes it is behind us. */
  until(text: string): Promise<void> {
    const find = (line: string, from: number): number => {
      const at = line.indexOf(text, from);
      return at < 0 ? -1 : at + text.length;
    };
    return this.wait(`\`${text}\``, find, false);
  }

  /**
   * `find` returns the place behind what it looks for, or -1. A machine that `mayEnd` is done when
   * it has switched itself off.
   */
  private async wait(
    what: string,
    find: (line: string, from: number) => number,
    mayEnd: boolean,
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(
          () => reject(this.failure(`${what} did not come within ${this.options.seconds} s`)),
          this.options.seconds * 1000,
        );
        this.look = () => {
          if (this.find(find)) resolve();
          else if (this.ending !== null) this.end(what, mayEnd, resolve, reject);
        };
        this.ended.catch(reject);
        this.look();
      });
    } finally {
      clearTimeout(timer);
      this.look = () => {};
    }
  }

  private find(find: (line: string, from: number) => number): boolean {
    for (let index = this.firstLine; index <= this.console.complete.length; index++) {
      const column = find(
        this.console.line(index),
        index === this.firstLine ? this.firstColumn : 0,
      );
      if (column < 0) continue;
      this.firstLine = index;
      this.firstColumn = column;
      return true;
    }
    return false;
  }

  private end(
    what: string,
    mayEnd: boolean,
    resolve: () => void,
    reject: (error: Error) => void,
  ): void {
    const text = describeEnding({
      ...this.ending!,
      said: this.said,
      lastLine: this.console.last(1)[0],
      isWanted: false,
    });
    if (mayEnd && text === null) return resolve();
    if (this.isStopped) return reject(this.failure(`stopped before ${what} came`));
    reject(
      this.failure(
        `the machine ended before ${what} came${text === null ? ": it switched itself off" : `: ${text}`}`,
      ),
    );
  }

  private failure(message: string): Error {
    const lines = this.console.last(LINES_TOLD);
    const said = this.said.trim() === "" ? "" : `; QEMU says: ${this.said.trim()}`;
    const help =
      lines.length === 0
        ? "the console has shown nothing"
        : `the console's last lines are\n${lines.join("\n")}`;
    return new DiagnosticError([{ severity: "error", message: `${message}${said}`, help }]);
  }

  private print(): void {
    for (; this.printed < this.console.complete.length; this.printed++)
      this.options.print(this.console.complete[this.printed]!);
  }
}
