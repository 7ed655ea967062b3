// The console: keeps typed input until a program reads it, writes text to the serial line, and
// survives restarts of the line's driver.

import { serve } from "../runtime/server";
import { Terminal } from "./terminal";

export function main(): void {
  const terminal = new Terminal();
  terminal.connect();
  serve(terminal);
}
