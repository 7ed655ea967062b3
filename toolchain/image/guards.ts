import { refuse } from "../report/diagnostic.ts";

export const GUARDS_FILE = "kernel/base/guards.ts";

/** The text of kernel/base/guards.ts with one constant false. */
export function withoutGuard(text: string, name: string): string {
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
