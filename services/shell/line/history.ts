import { Text } from "../../runtime/text";
import { LINE_MAX } from "./line-editor";

/** A power of two. */
const ENTRIES: u32 = 32;

/** The lines entered before. The one being edited is kept while older ones are looked at. */
@final
export class History {
  private readonly entries: StaticArray<usize> = new StaticArray<usize>(ENTRIES);
  private count: u32 = 0;
  /** How far back the editor has gone; 0: at the line being edited. */
  private back: u32 = 0;
  private readonly edited: Text = Text.withRoom(LINE_MAX);

  /** Back to the newest. */
  rewind(): void {
    this.back = 0;
  }

  /** Keeps a line, unless it is empty or the same as the last. */
  add(line: Text): void {
    if (line.isEmpty) return;
    if (this.count > 0 && this.at(1).equals(line)) return;
    const index = this.count & (ENTRIES - 1);
    if (this.entries[index] === 0) this.entries[index] = changetype<usize>(Text.withRoom(LINE_MAX));
    changetype<Text>(this.entries[index]).clear().text(line);
    this.count++;
  }

  /** The entry before the one shown, or null at the oldest. `line` is what is being edited now. */
  older(line: Text): Text | null {
    if (this.back >= min(this.count, ENTRIES)) return null;
    if (this.back === 0) this.edited.clear().text(line);
    this.back++;
    return this.at(this.back);
  }

  /**
   * The entry after the one shown, at last the line that was being edited; null if that is shown
   * already.
   */
  newer(): Text | null {
    if (this.back === 0) return null;
    this.back--;
    return this.back === 0 ? this.edited : this.at(this.back);
  }

  /** The entry `back` before now, 1 being the last. */
  private at(back: u32): Text {
    return changetype<Text>(this.entries[(this.count - back) & (ENTRIES - 1)]);
  }
}
