import { refuse } from "./diagnostic.ts";

/** The value of an option that takes a number, `min` or above. */
export function numberOption(name: string, text: string, min = 0): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < min)
    refuse(`${name} takes a number, not \`${text}\``, min === 0 ? {} : { help: `${min} or above` });
  return value;
}
