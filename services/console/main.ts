// The terminal: keeps what is typed until somebody reads it, shows what is written, and outlives
// the driver of its line.

import { serve } from "../runtime/server";
import { Terminal } from "./terminal";

export function main(): void {
  const terminal = new Terminal();
  terminal.connect();
  serve(terminal);
}
