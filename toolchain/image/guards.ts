import { refuse } from "../report/diagnostic.ts";

export const GUARDS_FILE = "kernel/base/guards.ts";

/**
 * The monitor's checks on the fast path alone, as `--without` would name them: the bench builds a
 * kernel that lacks them, to show their price. No other image can have such a kernel.
 */
export const UNJUDGED = "unjudged";
const JUDGED = "export const FAST_PATH_JUDGES: bool = true;";

/** The text of kernel/base/guards.ts with one constant false. */
export function withoutGuard(text: string, name: string): string {
  if (name === UNJUDGED) {
    if (!text.includes(JUDGED)) throw new Error(`${GUARDS_FILE} has no FAST_PATH_JUDGES`);
    return text.replace(JUDGED, JUDGED.replace("true", "false"));
  }
  const declaration = `export const GUARD_${name.toUpperCase()}: bool = true;`;
  if (!text.includes(declaration)) {
    const names = [...text.matchAll(/GUARD_([A-Z]+)/g)].map((match) => match[1]!.toLowerCase());
    refuse(`there is no guard \`${name}\``, {
      file: GUARDS_FILE,
      help: `one of ${names.join(", ")}`,
    });
  }
  return text.replace(declaration, declaration.replace("true", "false"));
}
