/**
 * The features of TypeScript that the language of programs refuses, with what to write instead. The
 * compiler adds the help to its errors, the editor shows both, and docs/language.md lists the
 * table; tests hold the three together.
 */
export interface Refusal {
  /** The feature's name in the message and on the page. */
  readonly what: string;
  /** What to write instead. */
  readonly help: string;
  /** The heading of the section of docs/language.md that explains more. */
  readonly section: string;
}

const TYPES = "Types say how wide they are";
const CLASSES = "Classes, interfaces, generics, enums: as you know them";
const NULL = "Null: narrow locals, not fields";
const CAPTURE = "Functions cannot capture";
const UNION = "No union types, no `any`";
const LOOPS = "Loops over indices";
const ERRORS = "Errors are values";
const WORLD = "The world is what the handles reach";
const SYNTAX = "What to write instead";

/** Found by its form, wherever it stands (find-refusals.ts). */
export const SYNTAX_REFUSALS = {
  destructuring: {
    what: "destructuring",
    help: "take one value at a time: `const x = point.x;`",
    section: SYNTAX,
  },
  optionalChain: {
    what: "`?.`",
    help: "copy the field, test the copy: `const next = entry.next; if (next !== null) …`",
    section: NULL,
  },
  nullish: {
    what: "`??`",
    help: "write the test: `value !== null ? value : other`",
    section: NULL,
  },
  asynchronous: {
    what: "`async` and `await`",
    help: "a call returns when it is answered; what a server waits for arrives at one inbox: `serve(…)`",
    section: ERRORS,
  },
  generator: {
    what: "a generator",
    help: "a class with a method `next()`, or a loop",
    section: ERRORS,
  },
  exception: {
    what: "`try` and `catch`",
    help: "return an error number of the interface; a `throw` ends the domain, and its supervisor restarts it",
    section: ERRORS,
  },
  loopOf: {
    what: "`for … of` and `for … in`",
    help: "count: `for (let index = 0; index < values.length; index++)`",
    section: LOOPS,
  },
  spread: {
    what: "the spread `...`",
    help: "copy in a loop, or `first.concat(second)`",
    section: SYNTAX,
  },
  union: {
    what: "a union type",
    help: "`X | null` is the only one; else an enum, a class with a tag, or an interface",
    section: UNION,
  },
  objectType: {
    what: "an object type",
    help: "a class with these fields: `class Point { x: u32 = 0; y: u32 = 0; }`",
    section: CLASSES,
  },
  objectWithoutType: {
    what: "an object literal without a class",
    help: "say which class it is: `const point: Point = { x: 1, y: 2 };`",
    section: CLASSES,
  },
  tuple: {
    what: "a tuple type",
    help: "a class with named fields, or `StaticArray<T>`",
    section: CLASSES,
  },
  mappedType: {
    what: "a computed type (`keyof`, mapped, conditional)",
    help: "write the class out",
    section: CLASSES,
  },
  optionalParameter: {
    what: "an optional parameter or field",
    help: "give it a value: `count: u32 = 0`",
    section: SYNTAX,
  },
  noType: {
    what: "a parameter or result without a type",
    help: "write it: `(count: u32): u32 => count + 1`",
    section: TYPES,
  },
  regularExpression: {
    what: "a regular expression",
    help: "compare bytes: `text.startsWith(…)`, a loop over `charCodeAt(index)`",
    section: SYNTAX,
  },
  bigint: {
    what: "a bigint literal",
    help: "`u64` and `i64` take it as a number: `0xffff_ffff_ffff_ffff`",
    section: TYPES,
  },
  privateName: { what: "`#name`", help: "`private name`", section: CLASSES },
  deletion: {
    what: "`delete`",
    help: "`map.delete(key)`, or set the field to `null`",
    section: SYNTAX,
  },
  membership: { what: "`in`", help: "`map.has(key)`", section: SYNTAX },
  label: {
    what: "a label",
    help: "put the inner loop into a function and return from it",
    section: SYNTAX,
  },
  classExpression: {
    what: "a class inside of a function",
    help: "declare it at the top of a module",
    section: CLASSES,
  },
  typeImport: {
    what: "`import type`",
    help: "`import { … }`: types and values come alike",
    section: SYNTAX,
  },
  dynamicImport: {
    what: "`import(…)`",
    help: '`import { … } from "./file"` at the top: what a program is, is fixed when it is built',
    section: WORLD,
  },
  satisfies: {
    what: "`satisfies` and `as const`",
    help: "give the variable its type",
    section: TYPES,
  },
  overload: {
    what: "an overloaded function",
    help: "functions of different names, or a generic one",
    section: SYNTAX,
  },
  stringEnum: {
    what: "an enum of texts",
    help: "an enum of numbers, and a function that names them",
    section: CLASSES,
  },
  float: {
    what: "floating point",
    help: "count in a smaller unit: 1500 milliseconds for 1.5 s",
    section: TYPES,
  },
} as const satisfies Record<string, Refusal>;

export type SyntaxRefusal = keyof typeof SYNTAX_REFUSALS;

const entries = (names: readonly string[], refusal: Refusal): (readonly [string, Refusal])[] =>
  names.map((name) => [name, refusal]);
const unnamed =
  (help: string, section: string) =>
  (name: string): readonly [string, Refusal] => [name, { what: `\`${name}\``, help, section }];

/** Found as a name that nothing in the program declares. */
export const NAME_REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  ...["undefined"].map(unnamed("`null` for references; numbers always have a value", NULL)),
  ...["any", "unknown", "never", "object"].map(
    unnamed("a class, an interface or a generic `<T>`", UNION),
  ),
  ...["number"].map(unnamed("say how wide it is: `i32`, `u32`, `u64`, …", TYPES)),
  ...["bigint", "BigInt"].map(unnamed("`u64` or `i64`", TYPES)),
  ...[
    "Record",
    "Partial",
    "Required",
    "Pick",
    "Omit",
    "Readonly",
    "ReadonlyArray",
    "Exclude",
    "Extract",
    "Awaited",
  ].map(unnamed("write the class out; `Map<K, V>` for a table", CLASSES)),
  ...entries(["Promise", "queueMicrotask"], {
    what: "a promise",
    help: SYNTAX_REFUSALS.asynchronous.help,
    section: ERRORS,
  }),
  ...entries(["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval"], {
    what: "a timer of the host",
    help: "`sleep(nanoseconds)`; a server that also serves waits in `servePending(messagesMax, timeoutNs)`",
    section: WORLD,
  }),
  ...entries(["Date", "performance"], {
    what: "the host's clock",
    help: '`kernel: { clock: "Clock" }` in program.ts, then `clock.now()`',
    section: WORLD,
  }),
  ...entries(["Math"], {
    what: "`Math`",
    help: "`min<u32>(a, b)`, `max`, `abs`, `clz`, `ctz`, `popcnt` are built in, for integers",
    section: TYPES,
  }),
  ...entries(["console"], {
    what: "the host's console",
    help: '`kernel: { log: "Log" }` in program.ts, then `log.write(…)`; the `Console` interface writes to the terminal',
    section: WORLD,
  }),
  ...entries(
    [
      "process",
      "require",
      "module",
      "exports",
      "globalThis",
      "window",
      "document",
      "Buffer",
      "URL",
      "TextEncoder",
      "TextDecoder",
      "fetch",
      "crypto",
      "Worker",
      "Intl",
      "WebAssembly",
      "structuredClone",
    ],
    {
      what: "an object of Node or a browser",
      help: "a program reaches what its manifest names, by generated stubs; text is written with services/runtime/text.ts",
      section: WORLD,
    },
  ),
  ...entries(
    [
      "JSON",
      "Proxy",
      "Reflect",
      "WeakMap",
      "WeakSet",
      "WeakRef",
      "FinalizationRegistry",
      "eval",
      "Function",
      "RegExp",
    ],
    {
      what: "an object of JavaScript's library",
      help: "messages have fields with types: no text is parsed on the way",
      section: WORLD,
    },
  ),
]);

/** Found by asc's message, where neither form nor name says more; the first that matches counts. */
export const MESSAGE_REFUSALS: readonly (Refusal & { readonly message: RegExp })[] = [
  {
    what: "a function that captures",
    message: /Closures \(AS100\)/,
    help: "pass it as a parameter, or keep it in a variable of the module",
    section: CAPTURE,
  },
  {
    what: "a narrowing conversion",
    message: /\(AS200\)/,
    help: "write the conversion, `<u32>x`: it keeps the low bits",
    section: TYPES,
  },
  {
    what: "null where a value is needed",
    message: /\| null' is not assignable .*\(AS2322\)|\(AS2531\)/,
    help: "copy the field to a `const` and test that",
    section: NULL,
  },
  {
    what: "a type argument that is missing",
    message: /\(AS1140\)/,
    help: "name the type: `values.map<u32>(…)`",
    section: CLASSES,
  },
  {
    what: "a type that is missing",
    message: /Type expected \(AS1110\)/,
    help: SYNTAX_REFUSALS.noType.help,
    section: TYPES,
  },
  {
    what: "a module of Node",
    message: /\(AS6054\)/,
    help: "a program imports files of the tree by their paths; packages and Node's modules are not there",
    section: WORLD,
  },
  {
    what: "floating point",
    message: /floating point is not supported/,
    help: SYNTAX_REFUSALS.float.help,
    section: TYPES,
  },
  {
    what: "a function of the host",
    message: /programs cannot import functions/,
    help: "a program reaches what its manifest names, by generated stubs",
    section: WORLD,
  },
];

/** A heading's anchor, as web pages of Markdown make it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

/** `what to write (docs/language.md#section)`. */
export function helpText({ help, section }: Pick<Refusal, "help" | "section">): string {
  return `${help} (docs/language.md#${anchorOf(section)})`;
}
