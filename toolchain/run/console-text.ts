/**
 * The text that a serial console shows: without colours, and with only the last state of each line.
 */

// Escape sequences, which a terminal does not show: CSI … letter, and two characters.
const ESCAPE_SEQUENCE = /\x1b(?:\[[0-9;?]*[@-~]|[@-Z\\-_a-z])/g;
/** A longer line keeps only its end, for a machine that writes no line end for hours. */
const OPEN_LINE_CHARACTERS_MAX = 1 << 16;

export class ConsoleText {
  /** The complete lines. */
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

  /** The text of the line that has not ended. */
  get open(): string {
    return shown(this.rest);
  }

  /** Line `index`; the open line follows the complete ones, and all later lines are empty. */
  line(index: number): string {
    return this.complete[index] ?? (index === this.complete.length ? this.open : "");
  }

  /** The last lines that are not empty. */
  last(count: number): string[] {
    return [...this.complete.slice(-10 * count), this.open]
      .filter((line) => line.trim() !== "")
      .slice(-count);
  }
}

/** A carriage return discards the line, except at its end, where it only moves the cursor. */
function shown(line: string): string {
  return line
    .replace(ESCAPE_SEQUENCE, "")
    .replaceAll("\x07", "")
    .replace(/\r+$/, "")
    .replace(/^.*\r/s, "");
}
