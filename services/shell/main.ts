// The prompt: reads a line, runs its command, and repeats.

import { collectIfDue } from "../runtime/collector";
import { showBanner } from "./commands/about";
import { defineCommands, runLine } from "./commands/commands";
import { completeLine } from "./line/completion";
import { LineEditor } from "./line/line-editor";

const editor = new LineEditor(completeLine);

export function main(): void {
  defineCommands();
  showBanner();
  editor.askWidth();
  while (true) {
    runLine(editor.readLine());
    // Between two lines, no local variable refers to an object.
    collectIfDue();
  }
}
