/** Standard input while it belongs to a machine. */
import type { Writable } from "node:stream";
import type { ReadStream } from "node:tty";

/** The longest pause between two characters of continuous typing, or of a pasted line. */
const PAUSE_MS = 300;
/** Time to read how the machine ended, in the middle of a line, before Enter. */
const ENTER_MS_MAX = 5000;
/** After this time the terminal is released, even if the user still types. */
const SWALLOW_MS_MAX = 15_000;

const ENTER_OR_INTERRUPT = /[\r\n\x03\x04]/;

export class TerminalInput {
  private target: Writable | null = null;
  private onTyped: (text: string) => void = () => {};

  constructor(private readonly input: ReadStream) {
    if (input.isTTY) input.setRawMode(true);
    input.on("data", this.receive).on("end", this.end);
  }

  /** Sends further input there, and drops it once nothing more can be written. */
  handTo(target: Writable): void {
    this.target = target;
  }

  /**
   * After the machine's end, drops the input that was meant for the machine and must not reach the
   * shell that started this process: up to the next pause or, if the machine ended in the middle of
   * its work, up to Enter.
   */
  async swallow(to: "pause" | "enter"): Promise<void> {
    this.target = null;
    if (!this.input.isTTY) return;
    await new Promise<void>((resolve) => {
      const last = setTimeout(resolve, SWALLOW_MS_MAX);
      const done = (): void => {
        clearTimeout(last);
        resolve();
      };
      let waitMs = to === "enter" ? ENTER_MS_MAX : PAUSE_MS;
      let timer = setTimeout(done, waitMs);
      this.onTyped = (text) => {
        // Pasted text continues after its first line.
        if (ENTER_OR_INTERRUPT.test(text)) waitMs = PAUSE_MS;
        clearTimeout(timer);
        timer = setTimeout(done, waitMs);
      };
    });
  }

  giveBack(): void {
    this.input.off("data", this.receive).off("end", this.end);
    if (this.input.isTTY) this.input.setRawMode(false);
    this.input.pause();
  }

  private readonly receive = (bytes: Buffer): void => {
    if (this.target?.writable === true) this.target.write(bytes);
    this.onTyped(bytes.toString("latin1"));
  };

  private readonly end = (): void => void this.target?.end();
}
