// Policy text that somebody wrote to break the compiler, or by a slip of a script: each ends in
// diagnostics, soon, and leaves no trace.
import { describe, expect, test } from "vitest";
import { BASE_POLICY, compileTest } from "../../tests/support/policy-system.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { MISTAKES_SHOWN } from "./mistakes.ts";

/** As much as a file may have, less a line for its beginning and end. */
const ROOM = (1 << 20) - 600;
const filled = (unit: string, room = ROOM): string => unit.repeat(Math.floor(room / unit.length));
const numbered = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

interface Outcome {
  readonly messages: readonly string[];
  readonly compiles: boolean;
  readonly cpuSeconds: number;
}

/** Compiles, then an innocent policy in the same process. */
async function outcome(statements: string): Promise<Outcome> {
  const before = process.cpuUsage();
  const { diagnostics, blob } = await compileTest(statements);
  const { user, system } = process.cpuUsage(before);
  const innocent = await compileTest(
    "allow Shell -> Console { flush } expect allow Shell -> Console.flush",
  );
  expect(innocent.diagnostics.map(formatDiagnostic)).toEqual([]);
  return {
    messages: diagnostics.map(formatDiagnostic),
    compiles: blob !== undefined,
    cpuSeconds: (user + system) / 1e6,
  };
}

describe("a file of the largest size is read in time that grows with its length:", () => {
  // A square of the length would take minutes for each; measured is 0.1 to 2 s.
  const CPU_SECONDS_MAX = 5;
  test.each<readonly [string, string, string]>([
    [
      "a comment that does not end",
      `/*${filled("x")}`,
      "test.policy:2:1: the comment that starts here does not end; help: end it with `*/`",
    ],
    [
      "beginnings of comments",
      filled("/* "),
      "test.policy:2:1: the comment that starts here does not end; help: end it with `*/`",
    ],
    ["stars", filled("*"), "test.policy:2:1: `*` starts no statement"],
    ["words", filled("a "), "test.policy:2:1: `a` starts no statement"],
    [
      "one name",
      `allow Shell -> a${filled("b")} { flush }`,
      "test.policy:2:16: unknown class `abbbb",
    ],
    ["open parentheses", `const A = ${filled("(")}`, "the condition nests deeper than 64"],
    ["closed parentheses", filled(")"), "test.policy:2:1: `)` starts no statement"],
    [
      "members of a set",
      `allow Shell -> Console { readLine } when max in { ${filled("1, ", ROOM - 100)}1 }`,
      "the condition has more than 150 terms",
    ],
    [
      "segments of a path",
      `allow Shell${filled(".a", 200_000)} -> Console { flush }`,
      "test.policy:2:13: a class is expected here, not `Shell.a.a",
    ],
    [
      "parts of a program's name",
      `allow execute Shell program a${filled("-a", 200_000)}`,
      "test.policy:2:29: the image has no program `a-a-a",
    ],
    ["a number", `const A = ${filled("9")}`, "does not fit into 64 bits"],
    [
      "uses",
      `interface w(x) { allow x -> Console { flush } }\n${filled("use w(Shell)\n", ROOM - 100)}`,
      "the modules use interfaces more than 10000 times",
    ],
    [
      "the same rule",
      filled("allow Shell -> Console { flush }\n"),
      "rules are bound to Shell -> Console; help: at most 150: join some",
    ],
    [
      "unknown names near thousands of known ones",
      `class ${numbered(3_000, (i) => `Class${i},`)} Last\n${numbered(20_000, (i) => `allow Clas${i} -> Console { flush }`)}`,
      "more mistakes are not shown",
    ],
    [
      "pairs of classes",
      `class ${numbered(3_000, (i) => `C${i},`)} Last\nallow any -> { ${numbered(3_000, (i) => `C${i}.Console,`)} Last.Console } { flush }`,
      "pairs of classes; help: at most 65536",
    ],
    ["classes", numbered(50_000, (i) => `class C${i}`), "classes; help: at most 4064"],
  ])("%s", async (_name, statements, message) => {
    const { messages, cpuSeconds } = await outcome(statements);
    expect(messages.join("\n")).toContain(message);
    expect(messages.length).toBeLessThanOrEqual(MISTAKES_SHOWN + 1);
    for (const told of messages) expect(told.length).toBeLessThan(5_000);
    expect(cpuSeconds).toBeLessThan(CPU_SECONDS_MAX);
  });

  test("a comment of a megabyte", async () => {
    const { compiles, cpuSeconds } = await outcome(
      `/*${filled("x * / ")}*/ allow Shell -> Console { flush }`,
    );
    expect(compiles).toBe(true);
    expect(cpuSeconds).toBeLessThan(5);
  });
});

describe("what nests:", () => {
  const condition = (text: string): string => `allow Shell -> Console { write } when ${text}`;
  test.each<readonly [string, string]>([
    ["`not` with comments between", condition(`${"not/**/".repeat(1_000)}urgent`)],
    ["`not` with lines between", condition(`${"not//\n".repeat(1_000)}urgent`)],
    ["65 parentheses", condition(`${"(".repeat(65)}urgent${")".repeat(65)}`)],
    ["65 `not`", condition(`${"not ".repeat(65)}urgent`)],
    [
      "parentheses and `not` together",
      condition(`${"not ".repeat(32)}(${"not ".repeat(32)}urgent)`),
    ],
    [
      "60 times 60 `not`",
      condition(`${`${"not ".repeat(60)}(`.repeat(60)}urgent${")".repeat(60)}`),
    ],
  ])("%s is too deep", async (_name, statements) => {
    const { messages } = await outcome(statements);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(
      /^test\.policy:\d+:\d+: the condition nests deeper than 64; help: write it flat/,
    );
  });

  test.each<readonly [string, string]>([
    ["64 parentheses", condition(`${"(".repeat(64)}urgent${")".repeat(64)}`)],
    ["64 `not`", condition(`${"not ".repeat(64)}urgent`)],
    [
      "one after the other",
      condition(Array.from({ length: 100 }, () => "not (urgent)").join(" and ")),
    ],
    [
      "in comments",
      `// ${"(".repeat(100)}\n/* ${"not ".repeat(100)} */\n${condition("urgent")} // :(`,
    ],
    ["comments one in the other", "/* a *//* ( *// // */\n"],
  ])("%s does not", async (_name, statements) => {
    const { messages } = await outcome(statements);
    if (statements.includes("*// //"))
      expect(messages).toEqual(['test.policy:2:15: the character "/" has no meaning here']);
    else expect(messages).toEqual([]);
  });

  test("chains of 150 terms in 63 parentheses", async () => {
    const chain = " and max == 1".repeat(149);
    const { messages } = await outcome(
      `allow Shell -> Console { readLine } when ${"(".repeat(63)}max == 1${`${chain})`.repeat(63)}`,
    );
    expect(messages).toEqual([
      "test.policy:2:104: the condition has more than 150 terms; help: use ranges and masks, or several rules",
    ]);
  });

  test.each([
    ["first", false],
    ["last", true],
  ] as const)(
    "9,000 interfaces that use one another, the innermost %s",
    async (_name, isReversed) => {
      const uses = Array.from(
        { length: 9_000 },
        (_, i) => `interface i${i}(x) { use i${i + 1}(x) }`,
      );
      if (isReversed) uses.reverse();
      const { messages } = await outcome(
        `${uses.join("\n")}\ninterface i9000(x) { allow x -> Console { flush } }\nuse i0(Shell)`,
      );
      expect(messages[0]).toContain(
        "interfaces use one another more than 64 deep; help: use the innermost directly",
      );
    },
  );
});

describe("what a reader does not see is refused, with its place:", () => {
  test.each<readonly [string, string, string]>([
    [
      "a carriage return that hides a rule behind a comment",
      "// harmless\rallow Attack -> Console { flush }",
      "2:12: a carriage return (U+000D) stands here without a line feed",
    ],
    [
      "a text that runs backwards",
      "/* \u202e } allow Attack -> Console { flush } \u2066 */",
      "2:4: the character U+202E changes the direction of the text around it",
    ],
    ["an isolate", "class A // \u2067", "2:12: the character U+2067 changes the direction"],
    ["a space of no width", "class A\u200bB", "2:8: the character U+200B cannot be seen"],
    [
      "another space",
      "class\u00a0A",
      "2:6: the character U+00A0 cannot be seen, or not be told from a space",
    ],
    ["a line separator", "// \u2028allow Attack -> Console { flush }", "2:4: the character U+2028"],
    ["a letter that is blank", "// \u3164", "2:4: the character U+3164"],
    ["a tag", "// \u{e0041}", "2:4: the character U+E0041"],
    ["half a surrogate pair", "// \ud800", "2:4: the character U+D800"],
    ["a form feed", "class\fA", "2:6: the character U+000C"],
    ["an escape", "// \x1b[2J", "2:4: the character U+001B"],
    ["a zero byte", "\0", "2:1: the character U+0000"],
    [
      "a letter of another alphabet",
      "class \u0410",
      '2:7: the character "\u0410" has no meaning here; help: names and words are ASCII',
    ],
  ])("%s", async (_name, statements, message) => {
    const { messages } = await outcome(statements);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(`test.policy:${message}`);
  });

  test("a byte order mark", async () => {
    const { diagnostics } = await compileTest("", {
      policyFiles: [{ file: "a.policy", text: `\ufeff${BASE_POLICY}` }],
    });
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "a.policy:1:1: the file starts with a byte order mark (U+FEFF); help: save it as UTF-8 without one",
    ]);
  });

  test("letters of any language can stand in comments, and both line ends", async () => {
    expect(
      (
        await outcome(
          "// Zoë, 漢字, e\u0301, → …\r\nallow Shell -> Console { flush } /* größer\r\n */\r\n",
        )
      ).messages,
    ).toEqual([]);
  });
});

test("of 130,000 duplicates the first hundred are told, and how many more there are", async () => {
  const { messages } = await outcome(
    `class ${Array.from({ length: 130_000 }, () => "A").join(",")}`,
  );
  expect(messages).toHaveLength(101);
  expect(messages[0]).toBe(
    "test.policy:2:9: the class `A` is declared in test.policy:2; help: a class is declared once in a system",
  );
  expect(messages[100]).toBe("129899 more mistakes are not shown; help: mend these first");
});

describe("a slip in a word of the language is recognised:", () => {
  test.each<readonly [string, string]>([
    ["modul x", "modul → module"],
    ["alow Shell -> Console { flush }", "alow → allow"],
    ["interface a(x) { alow x -> Console { flush } }", "alow → allow"],
    ["requrie Shell -> Console { write } when urgent", "requrie → require"],
    ["conts A = 3", "conts → const"],
    ["interfce a(x) { }", "interfce → interface"],
    ["opn interface a(x) { }", "opn → open"],
    ["grnt Shell -> Console { transfer }", "grnt → grant"],
    ["nevr Shell -> Uart", "nevr → never"],
    ["never flw Shell -> Uart", "flw → flow"],
    ["never flow Shell -> Uart excpt through Console", "excpt → except"],
    ["never flow Shell -> Uart except thruogh Console", "thruogh → through"],
    ["expect alow Shell -> Console.flush", "alow → allow"],
    ["expect deni Shell -> Console.flush", "deni → deny"],
    ["allow excute Shell program shell", "excute → execute"],
    ["allow execute Shell progam shell", "progam → program"],
    ["allow requst Shell -> Console { flush }", "requst → request"],
    ["allow requst, response Shell -> Console { flush }", "requst → request"],
    ["allow any excpt Shell -> Console { flush }", "excpt → except"],
    ["allow ani -> Console { flush }", "ani → any"],
    ["allow Shell -> kernl.Clock { now }", "kernl → kernel"],
    ["allow Shell -> kernel.Clok { now }", "Clok → Clock"],
    ["allow Shell -> Console { write } whn urgent", "whn → when"],
    ["allow Shell -> Console { flush } audt", "audt → audit"],
    ["require ended Shell -> Console { flush } tehn take tries", "tehn → then"],
    ["allow Shell -> Console { write } when urgent nad urgent", "nad → and"],
    ["allow Shell -> Console { write } when nto urgent", "nto → not"],
    ["allow Shell -> Console { write } when lenght(text) < 3", "lenght → length"],
    ["allow Shell -> Console { write } when length(txt) < 3", "txt → text"],
    ["allow Shell -> Console { write } when urgent == flase", "flase → false"],
    ["grant Shell -> kernel.Memory { map_raed }", "map_raed → map_read"],
    ["use tset.x(Shell)", "tset → test"],
  ])("%s", async (statements, slip) => {
    const [word = "", meant = ""] = slip.split(" → ");
    const input =
      word === "modul" ? { policyFiles: [{ file: "test.policy", text: statements }] } : {};
    const [first] = (await compileTest(statements, input)).diagnostics;
    expect(first?.help).toBe(`did you mean \`${meant}\`?`);
    expect(first?.message).toContain(`\`${word}\``);
    // The place is that of the word itself.
    const line =
      (word === "modul" ? statements : `module test\n${statements}`).split("\n")[
        (first?.line ?? 1) - 1
      ] ?? "";
    expect(line.slice((first?.column ?? 1) - 1)).toMatch(new RegExp(`^${word}\\b`));
  });
});

describe("an interface without users is checked all the same:", () => {
  test.each<readonly [string, string]>([
    [
      "interface a(x) { allow x -> Console { flsh } }",
      "test.policy:2:39: the interface Console has no method `flsh`; help: did you mean `flush`?",
    ],
    [
      "interface a(x) { allow y -> Console { flush } }",
      "test.policy:2:24: unknown class `y`; help: did you mean `x`?",
    ],
    [
      "interface a(x) { allow x -> Console { write } when urgnt }",
      "test.policy:2:52: the request of Console.write has no field `urgnt`; help: did you mean `urgent`?",
    ],
    [
      "interface a(x) { grant x -> kernel.Memory { map_rd } }",
      "test.policy:2:45: unknown permission `map_rd`; help: did you mean `map_read`?",
    ],
    [
      "interface a(x) { use test.writer(x) }",
      "test.policy:2:27: the module test offers no `writer`; help: it opens no interface",
    ],
    [
      "interface a(x) { use b(x, x) } interface b(x) { }",
      "test.policy:2:18: `b` takes x; help: `use b(x)`",
    ],
    ["interface a(x) { use a(x) }", "test.policy:2:18: `a` uses itself"],
    [
      "interface a(x) { use b(x) } interface b(x) { use c(x) } interface c(x) { use a(x) }",
      "test.policy:2:74: `a` uses itself",
    ],
    [
      "interface a(x) { allow x -> x.Cnsole { write } }",
      "test.policy:2:31: unknown interface `Cnsole`; help: did you mean `Console`?",
    ],
    [
      "interface a(x) { allow x -> x.Console { flsh } }",
      "test.policy:2:41: the interface Console has no method `flsh`; help: did you mean `flush`?",
    ],
  ])("%s", async (statements, message) => {
    expect((await outcome(statements)).messages).toEqual([message]);
  });

  test("and one that is used has its mistake told once", async () => {
    const { messages } = await outcome(
      "interface a(x) { allow x -> Console { flsh } } use a(Shell) use a(Attack) use a(Uart)",
    );
    expect(messages).toEqual([
      "test.policy:2:39: the interface Console has no method `flsh`; help: did you mean `flush`?",
    ]);
  });

  test("and what depends on the class is left to its use", async () => {
    expect(
      (await outcome("interface a(server) { allow Shell -> server { write } }")).messages,
    ).toEqual([]);
    expect(
      (await outcome("interface a(server) { allow Shell -> server { write } } use a(Files)"))
        .messages,
    ).toEqual([
      "test.policy:2:38: Files serves several interfaces; help: `Files.Files` or `Files.Admin`",
    ]);
  });
});
