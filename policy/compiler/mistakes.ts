/**
 * What is wrong with the policies of one compilation: the first are kept and shown, all are
 * counted.
 */
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import type { Span } from "./syntax.ts";

/**
 * A person mends no more mistakes at once, and a file of a million slips must not cost more than
 * one of a hundred.
 */
export const MISTAKES_SHOWN = 100;

/** What a message quotes may be as long as the file. A chain of flows over 20 classes fits. */
const CHARACTERS_SHOWN = 2_000;

/**
 * A hint. Given as a function if it is costly to find, as the nearest of many names; called only if
 * the mistake is kept.
 */
export type Help = string | undefined | (() => string | undefined);

export class Mistakes {
  private readonly shown: Diagnostic[] = [];
  private readonly seen = new Set<string>();
  private errors = 0;
  private left = 0;

  /** Errors found so far, those that are not kept included. */
  get count(): number {
    return this.errors;
  }

  /** Something that is allowed and can hardly be meant. Told once for each place. */
  warn(span: Span, message: string, help?: string): void {
    this.show({ severity: "warning", ...span, message }, help);
  }

  refuse(span: Span, message: string, help?: Help): undefined {
    this.errors += 1;
    this.show({ severity: "error", ...span, message }, help);
    return undefined;
  }

  private show(found: Diagnostic & Span, help: Help): void {
    const { severity, message } = found;
    // A mistake in an interface's rules is found once for each `use`.
    const key = `${found.file}:${found.line}:${found.column}: ${message}`;
    if (this.seen.has(key)) return;
    if (this.shown.length >= MISTAKES_SHOWN) {
      if (severity === "error") this.left += 1;
      return;
    }
    this.seen.add(key);
    const hint = typeof help === "function" ? help() : help;
    this.shown.push({
      ...found,
      message: shortened(message),
      ...(hint === undefined ? {} : { help: shortened(hint) }),
    });
  }

  /** Takes what another part of the compiler found. */
  add(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) {
      if (diagnostic.severity === "error") this.errors += 1;
      if (this.shown.length >= MISTAKES_SHOWN) this.left += 1;
      else this.shown.push(diagnostic);
    }
  }

  /** Those kept, then how many more there are. */
  diagnostics(): readonly Diagnostic[] {
    if (this.left === 0) return this.shown;
    return [
      ...this.shown,
      {
        severity: "error",
        message: `${this.left} more mistakes are not shown`,
        help: "mend these first",
      },
    ];
  }
}

function shortened(text: string): string {
  const half = CHARACTERS_SHOWN / 2;
  return text.length <= CHARACTERS_SHOWN ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
}
