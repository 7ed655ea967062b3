import { refuse } from "../report/diagnostic.ts";

/** The value of an option that takes a number, zero or above. */
export function numberOption(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) refuse(`${name} takes a number, not \`${text}\``);
  return value;
}
