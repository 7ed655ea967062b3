/** What is typed on our standard input, while it belongs to a machine. */
import type { Writable } from "node:stream";
import type { ReadStream } from "node:tty";

/** Between two characters of somebody who types on, or of a line that was pasted. */
const PAUSE_MS = 300;
/**
 * Somebody in the middle of a line thinks, and looks at what was said of the machine's end, before
 * Enter.
 */
const ENTER_MS_MAX = 5000;
/** Whatever is typed: the terminal is given back. */
const SWALLOW_MS_MAX = 15_000;

const ENTER_OR_INTERRUPT = /[\r\n\x03\x04]/;

export class TerminalInput {
  private target: Writable | null = null;
  private onTyped: (text: string) => void = () => {};

  constructor(private readonly input: ReadStream) {
    if (input.isTTY) input.setRawMode(true);
    input.on("data", this.receive).on("end", this.end);
  }

  /** From now on, what is typed goes there; where it can no longer be written, nowhere. */
  handTo(target: Writable): void {
    this.target = target;
  }

  /**
   * After the machine's end, takes what its user goes on typing, which was meant for it and must
   * not reach the shell that started us: to the next pause, or of a machine that ended in the
   * middle of something to Enter.
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
        // What was pasted goes on behind its first line.
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
