// Whatever the editor shows in red, the build refuses; whatever the build refuses by form or name,
// has a help. The examples are compiled.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { read, ROOT, sourceFiles } from "../../tests/tidy/source-tree.ts";
import { compileAssemblyScript } from "../compiler/asc.ts";
import { readProgram } from "../compiler/read-program.ts";
import { type Diagnostic, DiagnosticError, formatDiagnostic } from "../report/diagnostic.ts";
import { explain } from "./explain.ts";
import { findRefusals } from "./find-refusals.ts";
import {
  anchorOf,
  helpText,
  MESSAGE_REFUSALS,
  NAME_REFUSALS,
  type Refusal,
  SYNTAX_REFUSALS,
  type SyntaxRefusal,
} from "./refusals.ts";

const FILE = "example.ts";
const main = (body: string): string => `export function main(): void {\n  ${body}\n}\n`;
const POINT = "class Point {\n  x: u32 = 0;\n  y: u32 = 0;\n  next: Point | null = null;\n}\n";

/** What the build says, explained as `trine build` does. */
async function refused(text: string): Promise<Diagnostic[]> {
  try {
    await readProgram({
      root: ROOT,
      entry: FILE,
      target: "domain",
      name: "example",
      virtualFiles: { [FILE]: text },
    });
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return explain(error.diagnostics, (file) => (file === FILE ? text : undefined));
  }
}

function found(text: string): Refusal[] {
  return findRefusals(ts.createSourceFile(FILE, text, ts.ScriptTarget.Latest, true)).map(
    ({ refusal }) => refusal,
  );
}

const EXAMPLES: readonly (readonly [SyntaxRefusal, string])[] = [
  ["destructuring", POINT + main("const { x } = new Point();")],
  ["destructuring", main("const [a, b] = [1, 2];")],
  [
    "destructuring",
    `${POINT}function f({ x }: Point): u32 {\n  return x;\n}\n${main("f(new Point());")}`,
  ],
  ["destructuring", main("let a = 1;\n  let b = 2;\n  [a, b] = [b, a];")],
  ["optionalChain", POINT + main("const point = new Point();\n  point.next?.x;")],
  ["nullish", main('const a: string | null = null;\n  const b = a ?? "x";')],
  ["asynchronous", `async function f(): Promise<void> {}\n${main("f();")}`],
  ["asynchronous", `function f(): void {}\n${main("await f();")}`],
  ["generator", `function* f(): void {}\n${main("f();")}`],
  ["exception", main("try {} catch (error) {}")],
  ["loopOf", main("for (const value of [1]) {}")],
  ["loopOf", main("for (const key in [1]) {}")],
  ["spread", main("const a = [1];\n  const b = [...a];")],
  ["spread", `function f(a: u32): void {}\n${main("f(...[1]);")}`],
  ["union", `type Answer = "yes" | "no";\n${main("")}`],
  ["union", `function f(x: u32 | string): void {}\n${main("f(1);")}`],
  ["objectType", `type Place = { x: u32 };\n${main("")}`],
  ["objectWithoutType", main("const place = { x: 1 };")],
  ["tuple", main("let pair: [u32, u32] = [1, 2];")],
  ["mappedType", `${POINT}type Key = keyof Point;\n${main("")}`],
  ["mappedType", `${POINT}type Copy = { [K in keyof Point]: u32 };\n${main("")}`],
  ["optionalParameter", `function f(x?: u32): void {}\n${main("f();")}`],
  ["noType", `function f(x: u32) {\n  return x;\n}\n${main("f(1);")}`],
  ["noType", `function f(x): u32 {\n  return 1;\n}\n${main("f(1);")}`],
  ["noType", main("const f = (x: u32) => x;\n  f(1);")],
  ["regularExpression", main("const r = /a/;")],
  ["bigint", main("const big: u64 = 1n;")],
  ["privateName", `class P {\n  #x: u32 = 1;\n}\n${main("new P();")}`],
  ["deletion", main("const map = new Map<u32, u32>();\n  delete map[1];")],
  ["membership", main("const map = new Map<u32, u32>();\n  if (1 in map) {}")],
  ["label", main("outer: for (;;) {\n    break outer;\n  }")],
  ["classExpression", main("const C = class {};")],
  ["classExpression", main("class C {}\n  new C();")],
  ["typeImport", `import type { x } from "./other";\n${main("")}`],
  ["dynamicImport", main('import("./other");')],
  ["satisfies", main("const x = 1 satisfies u32;")],
  ["satisfies", main("const x = [1] as const;")],
  ["overload", `function f(x: u32): void;\nfunction f(x: u32): void {}\n${main("f(1);")}`],
  ["stringEnum", `enum E {\n  A = "a",\n}\n${main("E.A;")}`],
  [
    "float",
    `export function half(): u32 {\n  return <u32>(load<f64>(0x10000) * 1.5);\n}\n${main("half();")}`,
  ],
];

describe("by form", () => {
  test.each(EXAMPLES)(
    "%s is found, refused, and told what to write instead: %s",
    async (key, text) => {
      const refusal = SYNTAX_REFUSALS[key];
      expect(found(text)).toContain(refusal);
      const [first] = await refused(text);
      expect(first?.help).toBe(helpText(refusal));
    },
  );

  test("each has an example", () => {
    expect(
      Object.keys(SYNTAX_REFUSALS).filter((key) => !EXAMPLES.some(([example]) => example === key)),
    ).toEqual([]);
  });
});

/** How each name is used; some are types. */
function useOf(name: string): string {
  const type: Readonly<Record<string, string>> = {
    Record: "Record<string, u32>",
    Pick: 'Pick<Point, "x">',
    Omit: 'Omit<Point, "x">',
    Exclude: "Exclude<Point, u32>",
    Extract: "Extract<Point, u32>",
  };
  const generic = ["Partial", "Required", "Readonly", "ReadonlyArray", "Awaited"];
  if (generic.includes(name)) return POINT + main(`let value: ${name}<Point>;`);
  if (name in type) return POINT + main(`let value: ${type[name]};`);
  if (["any", "unknown", "never", "object", "bigint"].includes(name))
    return main(`let value: ${name} = 1;`);
  if (name === "number")
    return `export function twice(value: number): number { return value + value; }\n${main("twice(1);")}`;
  if (name === "undefined") return main("let value: u32 = undefined;");
  if (name === "console") return main('console.log("hello");');
  if (name === "process") return main("process.exit(1);");
  if (name === "performance") return main("performance.now();");
  if (name === "crypto") return main("crypto.getRandomValues(new Uint8Array(1));");
  if (name === "Math") return main("Math.random();");
  if (name === "Date") return main("Date.now();");
  return main(`${name}(1);`);
}

describe("by name", () => {
  test.each([...NAME_REFUSALS].map(([name, refusal]) => [name, useOf(name), refusal] as const))(
    "`%s` is found, refused, and told what to use instead",
    async (_name, text, refusal) => {
      expect(found(text)).toContain(refusal);
      const [first] = await refused(text);
      expect(first?.help).toBe(helpText(refusal));
    },
  );

  test("a program may declare any of them itself", async () => {
    const text = `class Worker {\n  run(): u32 {\n    return 1;\n  }\n}\nfunction require(x: u32): u32 {\n  return x;\n}\n${main("require(new Worker().run());")}`;
    expect(found(text)).toEqual([]);
    expect(await refused(text)).toEqual([]);
  });
});

describe("by message", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, main("let count = 0;\n  const f = (): void => {\n    count += 1;\n  };\n  f();")],
    [1, main("let wide: u64 = 1;\n  let narrow: u32 = wide;")],
    [
      2,
      `${POINT}export function f(point: Point): Point {\n  if (point.next !== null) return point.next;\n  return point;\n}\n${main("f(new Point());")}`,
    ],
    [3, main("const a = [1, 2].map((x) => x + 1);")],
    [5, `import { readFileSync } from "node:fs";\n${main("readFileSync();")}`],
  ];
  test.each(cases)("row %i", async (row, text) => {
    const help = helpText(MESSAGE_REFUSALS[row]!);
    expect((await refused(text)).map((diagnostic) => diagnostic.help)).toContain(help);
  });
});

describe("what works as in TypeScript is not found", () => {
  test.each([
    [
      "an object literal for a class",
      POINT + main("const point: Point = { x: 1, y: 2, next: null };\n  assert(point.y == 2);"),
    ],
    [
      "an object literal that is returned or passed",
      `${POINT}function f(point: Point): Point {\n  return { x: point.x, y: 2, next: null };\n}\n${main("f({ x: 4, y: 3, next: null });")}`,
    ],
    [
      "an alias of a simple type, of a class, of a function",
      `${POINT}type Count = u32;\ntype Place = Point;\ntype Rule = (x: u32) => u32;\n${main("const count: Count = 1;\n  const place: Place = new Point();\n  const rule: Rule = (x) => x + 1;\n  rule(count + place.x);")}`,
    ],
    [
      "a template, a default, rest parameters",
      `function f(a: u32 = 3, ...more: u32[]): u32 {\n  return a + more.length;\n}\n${main("const text = `${f(1, 2, 3)}`;\n  assert(text.length > 0);")}`,
    ],
    ["null", POINT + main("const next = new Point().next;\n  if (next !== null) next.x = 1;")],
    [
      "numbers with a point that is no fraction",
      main("const big: u64 = 0xee;\n  assert(big > 1);"),
    ],
    [
      "names behind a dot, and as fields",
      `class C {\n  number: u32 = 1;\n  process: u32 = 2;\n}\n${main("const c = new C();\n  assert(c.number + c.process == 3);")}`,
    ],
  ])("%s", async (_what, text) => {
    expect(found(text)).toEqual([]);
    expect(await refused(text)).toEqual([]);
  });

  test("nothing is found in any program of the tree", () => {
    const programs = sourceFiles().filter(
      (file) =>
        /^(services|drivers|kernel)\/.*\.ts$/.test(file) &&
        !/\.(test|idl)\.ts$|\/program\.ts$/.test(file),
    );
    expect(programs.length).toBeGreaterThan(150);
    const all = programs.flatMap((file) =>
      found(readFileSync(join(ROOT, file), "utf8")).map(({ what }) => `${file}: ${what}`),
    );
    expect(all).toEqual([]);
  });
});

test("the program's own line comes first, with the library's after it", async () => {
  const [first] = await refused(main('console.log("hello");'));
  expect(formatDiagnostic(first!)).toMatch(
    /^example\.ts:2:\d+: env\.console\.log: programs cannot import functions, called in ~lib\/console\.ts:\d+; help: `kernel: \{ log/,
  );
});

test("a server method with an old signature is told the new one, ready to be copied", async () => {
  const file = "services/echo/main.ts";
  const text = readFileSync(join(ROOT, file), "utf8");
  const refusal = async (changed: string): Promise<Diagnostic[]> => {
    expect(changed).not.toBe(text);
    const error = await compileAssemblyScript({
      root: ROOT,
      entry: file,
      target: "domain",
      virtualFiles: { [file]: changed },
    }).catch((caught: unknown) => caught);
    const textOf = (name: string): string =>
      name === file ? changed : readFileSync(join(ROOT, name), "utf8");
    return [...explain((error as DiagnosticError).diagnostics, textOf)];
  };
  const help =
    "the interface Echo has it as `words(first: u64, second: u64, third: u64, fourth: u64, reply: EchoWordsReply): u32`";
  for (const changed of [
    text.replace("first: u64", "first: u32"),
    text.replace("fourth: u64, ", "").replace("reply.fourth = fourth;", ""),
    text.replace("reply: EchoWordsReply", "fifth: u64, reply: EchoWordsReply"),
  ]) {
    const diagnostics = await refusal(changed);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({
      file,
      line: text.slice(0, text.indexOf("words(")).split("\n").length,
      help,
    });
  }
  expect((await refusal(text.replace("nothing(): u32", "nothings(): u32")))[0]!.help).toBe(
    "the interface Echo has it as `nothing(): u32`",
  );
});

test("docs/language.md has each section that a help names, and the table", () => {
  const page = read("docs/language.md");
  const anchors = [...page.matchAll(/^## (.*)$/gm)].map((match) => anchorOf(match[1]!));
  const all = [...Object.values(SYNTAX_REFUSALS), ...NAME_REFUSALS.values(), ...MESSAGE_REFUSALS];
  for (const { section } of all) expect(anchors).toContain(anchorOf(section));
  for (const { what, help } of Object.values(SYNTAX_REFUSALS))
    expect(page).toContain(`| ${what} | ${help.replaceAll("|", "\\|")} |`);
});
