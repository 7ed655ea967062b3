/** Words of the policy language. */

/** No class, constant, module or interface has such a name; methods and fields may. */
const RESERVED: readonly string[] = [
  "module",
  "class",
  "const",
  "interface",
  "use",
  "allow",
  "require",
  "grant",
  "execute",
  "program",
  "never",
  "flow",
  "expect",
  "deny",
  "any",
  "except",
  "through",
  "request",
  "response",
  "error",
  "when",
  "audit",
  "and",
  "or",
  "in",
  "length",
];

/** Mean something in their places only: anything can have such a name. */
const SOFT: readonly string[] = ["open", "if", "then", "ended"];

/** No field can be called so: they stand where a field can stand. */
const VALUES: readonly string[] = ["not", "true", "false"];

/** All words that mean something by themselves. */
export const WORDS: readonly string[] = [...RESERVED, ...SOFT, ...VALUES];

/** Words with which a statement starts. */
export const STATEMENT_WORDS: readonly string[] = [
  "class",
  "const",
  "interface",
  "open",
  "use",
  "allow",
  "require",
  "grant",
  "never",
  "expect",
];

const reserved = new Set([...RESERVED, ...VALUES]);
const values = new Set(VALUES);

/** Whether a class, a constant, a module or an interface can have that name. */
export function canBeName(word: string): boolean {
  return !reserved.has(word);
}

/** Whether a method or a field can have that name. */
export function canBeField(word: string): boolean {
  return !values.has(word);
}
