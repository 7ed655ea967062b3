/**
 * What a serial console shows, as text: without colours, and of a line that is drawn again and
 * again only what stands there at last.
 */

// Sequences that a terminal obeys and does not show: CSI … letter, and two-character escapes.
const ESCAPE_SEQUENCE = /\x1b(?:\[[0-9;?]*[@-~]|[@-Z\\-_a-z])/g;
/**
 * Of a line that never ends, what is drawn last counts: a bound for a machine that writes no line
 * end for hours.
 */
const OPEN_LINE_CHARACTERS_MAX = 1 << 16;

export class ConsoleText {
  /** Lines that have ended. */
  readonly complete: string[] = [];
  private rest = "";

  constructor(raw = "") {
    this.add(raw);
  }

  add(raw: string): void {
    const lines = `${this.rest}${raw}`.split("\n");
    this.rest = lines.pop()!.slice(-OPEN_LINE_CHARACTERS_MAX);
    this.complete.push(...lines.map(shown));
  }

  /** What stands in the line that has not ended. */
  get open(): string {
    return shown(this.rest);
  }

  /** The line at `index`, the open one behind the complete ones; empty beyond. */
  line(index: number): string {
    return this.complete[index] ?? (index === this.complete.length ? this.open : "");
  }

  /** The last lines that hold something. */
  last(count: number): string[] {
    return [...this.complete.slice(-10 * count), this.open]
      .filter((line) => line.trim() !== "")
      .slice(-count);
  }
}

/** A carriage return starts the line anew; one at its end only goes back to its start. */
function shown(line: string): string {
  return line
    .replace(ESCAPE_SEQUENCE, "")
    .replaceAll("\x07", "")
    .replace(/\r+$/, "")
    .replace(/^.*\r/s, "");
}
