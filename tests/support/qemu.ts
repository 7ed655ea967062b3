/**
 * A booted image, driven by its serial line: start, wait for text, type, look at the screen, take
 * the exit value. Each wait has a limit, and a wait that fails says what the machine printed last,
 * so that no test hangs and none fails in silence.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import {
  guestExitValue,
  type MachineOptions,
  QEMU_PROGRAM,
  qemuArguments,
} from "../../toolchain/run/machine.ts";
import { ControlConnection } from "./qemu-control.ts";

export type BootOptions = Omit<MachineOptions, "serial" | "controlSocket"> & {
  /** The machine has no serial port, only its screen. */
  readonly withoutSerial?: boolean;
};

/**
 * A shell answers in milliseconds, and a boot takes two seconds. The limit allows for a slow or
 * busy host.
 */
const WAIT_DEFAULT_MS = 120_000;
const TAIL_LINES = 25;

interface Waiter {
  readonly pattern: string | RegExp;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class BootedMachine {
  /** Everything that came over the serial line since the start. */
  transcript = "";
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly folder: string;
  private readonly ended: Promise<number | null>;
  private control: Promise<ControlConnection> | null = null;
  private waiter: Waiter | null = null;
  private complaints = "";
  /** Text before this place was matched by an earlier wait. */
  private consumed = 0;
  private hasEnded = false;

  private constructor(options: BootOptions) {
    this.folder = mkdtempSync(join(tmpdir(), "trine-qemu-"));
    const all: MachineOptions = {
      ...options,
      serial: options.withoutSerial === true ? "none" : "pipe",
      controlSocket: this.controlSocket,
    };
    this.child = spawn(QEMU_PROGRAM, qemuArguments(all), { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout.setEncoding("latin1").on("data", (text: string) => this.receive(text));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => (this.complaints += text));
    // Typing into a machine that has just ended is not an error: the next wait reports the
    // end.
    this.child.stdin.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.child.on("error", (error) => {
        this.complaints += error.message;
        resolve(null);
      });
      this.child.on("close", resolve);
    }).then((code) => this.end(code as number | null));
  }

  /** Starts QEMU; the caller ends it with `stop`, or declares it with `await using`. */
  static start(options: BootOptions): BootedMachine {
    return new BootedMachine(options);
  }

  /**
   * Waits until `pattern` appears behind the text of the last wait, and returns the text from
   * there to the end of the match. One wait at a time.
   */
  waitFor(pattern: string | RegExp, timeoutMs = WAIT_DEFAULT_MS): Promise<string> {
    if (this.waiter !== null) throw new Error("waitFor is called while another wait is under way");
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail(`within ${timeoutMs} ms`), timeoutMs);
      this.waiter = { pattern, resolve, reject, timer };
      this.tryMatch();
      if (this.waiter !== null && this.hasEnded) this.fail("before QEMU ended");
    });
  }

  /** Later waits ignore everything that was printed so far. */
  skip(): void {
    this.consumed = this.transcript.length;
  }

  /** Sends characters as a terminal does. Enter is `\r`. */
  type(text: string): void {
    this.child.stdin.write(text, "latin1");
  }

  /** Types a command and Enter, waits for `prompt`, and returns what was printed between. */
  async command(
    line: string,
    prompt: string | RegExp = "> ",
    timeoutMs = WAIT_DEFAULT_MS,
  ): Promise<string> {
    this.type(`${line}\r`);
    return this.waitFor(prompt, timeoutMs);
  }

  /**
   * The value that the guest wrote to the debug exit port. Fails if QEMU ends otherwise or not in
   * time.
   */
  async exitValue(timeoutMs = WAIT_DEFAULT_MS): Promise<number> {
    const code = await this.exitCode(timeoutMs);
    const value = guestExitValue(code);
    if (value === null)
      throw new Error(`QEMU ended with code ${code}, not by the debug exit port\n${this.tail()}`);
    return value;
  }

  /** QEMU's own exit code; 0 when the guest switched the machine off. */
  async exitCode(timeoutMs = WAIT_DEFAULT_MS): Promise<number | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`QEMU still runs after ${timeoutMs} ms\n${this.tail()}`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([this.ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** One of QEMU's machine commands, for example `execute("query-status")`. */
  async execute(
    command: string,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<unknown> {
    this.control ??= ControlConnection.open(this.controlSocket);
    return (await this.control).execute(command, parameters);
  }

  /** A line for QEMU's monitor, for example `info registers`; returns what it prints. */
  async monitor(line: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": line }));
  }

  /**
   * Presses keys of the emulated keyboard together, by QEMU's names: `sendKeys("ctrl", "alt",
   * "delete")`.
   */
  async sendKeys(...keys: readonly string[]): Promise<void> {
    await this.execute("send-key", { keys: keys.map((data) => ({ type: "qcode", data })) });
  }

  /** Writes the screen as a PPM picture. */
  async screendump(path: string): Promise<void> {
    await this.execute("screendump", { filename: path });
  }

  /** The 25 lines of the text screen, without blanks at their ends. */
  async screenText(): Promise<string[]> {
    const dump = await this.monitor("xp /2000hx 0xb8000");
    const cells = [...dump.matchAll(/0x([0-9a-f]{4})\b/g)].map(
      (match) => Number.parseInt(match[1] ?? "0", 16) & 0xff,
    );
    const lines = Array.from({ length: 25 }, (_, row) => cells.slice(row * 80, row * 80 + 80));
    return lines.map((line) =>
      line
        .map((cell) => (cell < 32 ? " " : String.fromCharCode(cell)))
        .join("")
        .trimEnd(),
    );
  }

  /** Ends QEMU at once and cleans up; does nothing if QEMU has ended already. */
  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
    if (this.control !== null)
      await this.control.then(
        (control) => control.close(),
        () => {},
      );
    rmSync(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private get controlSocket(): string {
    return join(this.folder, "control");
  }

  private receive(text: string): void {
    this.transcript += text;
    this.tryMatch();
  }

  private tryMatch(): void {
    const waiter = this.waiter;
    if (waiter === null) return;
    const rest = this.transcript.slice(this.consumed);
    const end = endOfMatch(rest, waiter.pattern);
    if (end === null) return;
    this.consumed += end;
    clearTimeout(waiter.timer);
    this.waiter = null;
    waiter.resolve(rest.slice(0, end));
  }

  private fail(when: string): void {
    const waiter = this.waiter;
    if (waiter === null) return;
    clearTimeout(waiter.timer);
    this.waiter = null;
    waiter.reject(new Error(`${String(waiter.pattern)} did not show up ${when}\n${this.tail()}`));
  }

  private end(code: number | null): number | null {
    this.hasEnded = true;
    this.fail("before QEMU ended");
    return code;
  }

  private tail(): string {
    const lines = this.transcript.split("\n").slice(-TAIL_LINES).join("\n");
    return `${this.complaints}--- last lines of the serial line ---\n${lines}`;
  }
}

/** The place behind the first match, or null. */
function endOfMatch(text: string, pattern: string | RegExp): number | null {
  if (typeof pattern === "string") {
    const start = text.indexOf(pattern);
    return start < 0 ? null : start + pattern.length;
  }
  const match = pattern.exec(text);
  return match === null ? null : match.index + match[0].length;
}
