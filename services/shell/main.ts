// The prompt: reads a line, runs a command, for ever.

import { showBanner } from "./about";
import { defineCommands, runLine } from "./commands";
import { completeLine } from "./completion";
import { LineEditor } from "./line-editor";

export function main(): void {
  const editor = new LineEditor(completeLine);
  defineCommands();
  showBanner();
  editor.askWidth();
  while (true) runLine(editor.readLine());
}
