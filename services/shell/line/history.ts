import { Text } from "../../runtime/text";
import { LINE_MAX } from "./line-editor";

/** A power of two. */
const ENTRIES: u32 = 32;

/** The lines entered before. Keeps the line being edited while older lines are shown. */
@final
export class History {
  private readonly entries: StaticArray<usize> = new StaticArray<usize>(ENTRIES);
  private count: u32 = 0;
  /** How far back the shown entry is; 0 for the line being edited. */
  private back: u32 = 0;
  private readonly edited: Text = Text.withRoom(LINE_MAX);

  /** Returns to the line being edited. */
  rewind(): void {
    this.back = 0;
  }

  /** Adds a line, unless it is empty or equals the last one. */
  add(line: Text): void {
    if (line.isEmpty) return;
    if (this.count > 0 && this.at(1).equals(line)) return;
    const index = this.count & (ENTRIES - 1);
    if (this.entries[index] === 0) this.entries[index] = changetype<usize>(Text.withRoom(LINE_MAX));
    changetype<Text>(this.entries[index]).clear().text(line);
    this.count++;
  }

  /** The entry before the shown one, or null at the oldest. `line` is the line being edited. */
  older(line: Text): Text | null {
    if (this.back >= min(this.count, ENTRIES)) return null;
    if (this.back === 0) this.edited.clear().text(line);
    this.back++;
    return this.at(this.back);
  }

  /** The entry after the shown one, finally the line being edited; null if that one is shown. */
  newer(): Text | null {
    if (this.back === 0) return null;
    this.back--;
    return this.back === 0 ? this.edited : this.at(this.back);
  }

  /** Entry number `back`, counted from the last, which is 1. */
  private at(back: u32): Text {
    return changetype<Text>(this.entries[(this.count - back) & (ENTRIES - 1)]);
  }
}
