import { resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { generateAll } from "../make/generate.ts";
import { describePause } from "./collection-pause.ts";
import { compileProgram } from "./compile.ts";

const root = resolve(import.meta.dirname, "../..");
const OUT = "build/test/collecting";
const ENTRY = "services/collecting-test/main.ts";
const HEAD = `
  import { EchoServer, EchoWordsReply } from "../../build/generated/interfaces/Echo";
  import { OK, addService, serve, servePending } from "../runtime/server";
  import { collect, collectIfDue } from "../runtime/collector";
  import { domain } from "../runtime/handles";
  class Node { next: Node | null = null; }
  let head: Node | null = null;
  let text = "none";
  let make: () => void = (): void => {};
`;

/** A server whose method `nothing` does `handler`, started by `start`. */
function program(handler: string, start = "serve(new Echo());"): string {
  return `${HEAD}class Echo extends EchoServer {
    nothing(): u32 {
      ${handler}
      return OK;
    }
    words(first: u64, second: u64, third: u64, fourth: u64, reply: EchoWordsReply): u32 { return OK; }
  }
  export function main(): void {
    ${start}
  }\n`;
}
const compile = (text: string, more: { isDriver?: boolean; memoryPagesMax?: number } = {}) =>
  compileProgram({
    root,
    entry: ENTRY,
    target: "domain",
    outDir: OUT,
    name: "collecting",
    check: false,
    virtualFiles: { [ENTRY]: text },
    ...more,
  });
const lineOf = (text: string, part: string): number =>
  text.slice(0, text.indexOf(part)).split("\n").length;

beforeAll(async () => {
  await generateAll(root);
});

describe("a program gets the collector if it makes objects while it serves", () => {
  test.each([
    ["makes none", "head = null;", false],
    ["makes some by `new`", "head = new Node();", true],
    ["makes a text", 'text = text + "x";', true],
    ["makes one behind a function value", "make();", false],
    ["copies an array", "const list: u32[] = [1, 2]; if (list.length > 3) head = null;", true],
  ])("%s", async (_what, handler, collects) => {
    const built = await compile(
      program(handler, 'head = new Node(); text = "a" + text; serve(new Echo());'),
    );
    expect(built).toMatchObject({ collects, verified: true });
    expect(
      readFileSync(resolve(root, built.listingPath), "utf8").includes("services/runtime/collector"),
    ).toBe(collects);
  });

  test("makes one behind a function value that may be there", async () => {
    expect(
      await compile(
        program("make();", "make = (): void => { head = new Node(); }; serve(new Echo());"),
      ),
    ).toMatchObject({ collects: true });
  });
});

test("the heap is bounded by the program's largest memory", async () => {
  const built = await compile(program("head = new Node();"), { memoryPagesMax: 4 });
  expect(built.heapBytesMax).toBeGreaterThan(2 * 65536);
  expect(built.heapBytesMax).toBeLessThanOrEqual(3 * 65536);
  // A heap full of the smallest objects, all of the dearest kind.
  expect(built.pauseInstructionsMax).toBe(((3 * 65536) / 32) * 240);
  expect(describePause(built.heapBytesMax, built.pauseInstructionsMax)).toMatch(
    /^collects between requests: heap at most 19\d KiB, a pause of at most some 1\.5 million instructions \(75 a live object, 240 a freed one\)$/,
  );
});

test("a driver is refused, with the line that makes an object", async () => {
  const text = program("head = new Node();");
  await expect(compile(text, { isDriver: true })).rejects.toThrow(
    `${ENTRY}:${lineOf(text, "head = new Node()")}:`,
  );
  await expect(compile(text, { isDriver: true })).rejects.toThrow(
    "a driver makes objects while it serves",
  );
  expect(
    await compile(program("head = null;", "head = new Node(); serve(new Echo());"), {
      isDriver: true,
    }),
  ).toMatchObject({ collects: false });
});

test("threads and objects in one program are refused, with the line that starts one", async () => {
  const text = program("head = null;", "domain.createThread(0, 1);\nserve(new Echo());");
  await expect(compile(text)).rejects.toThrow(
    `${ENTRY}:${lineOf(text, "domain.createThread(0, 1)")}:`,
  );
  await expect(compile(text)).rejects.toThrow("the program starts threads and makes objects");
});

test("a loop of the program's own must collect by itself", async () => {
  const own = "addService(new Echo()); while (true) { servePending(4, 1000); }";
  await expect(compile(program("head = new Node();", own))).rejects.toThrow(
    "its own loop collects none",
  );
  expect(
    await compile(program("head = new Node();", own.replace("; }", "; collectIfDue(); }"))),
  ).toMatchObject({ collects: true });
});

describe("a loop without an end that makes objects and collects none", () => {
  const NEVER_FREED = "objects are made in a loop without an end, and never freed";
  test.each([
    ["makes them itself", "while (true) {\nhead = new Node();\n}", "head = new Node();\n}"],
    ["in a function", "while (true) {\nsay();\n}", "say();\n}"],
    [
      "serves between",
      'addService(new Echo());\nwhile (true) {\ntext += "x"; servePending(4, 1000);\n}',
      "text +=",
    ],
    [
      "leaves by a failed check only",
      "while (true) {\nsay(); assert(text.length < 9);\n}",
      "say(); assert",
    ],
    ["collects elsewhere", "collectIfDue();\nwhile (true) {\nsay();\n}", "say();\n}"],
  ])("%s: the build warns, with the line", async (_what, start, line) => {
    const text = program("head = null;", start).replace(
      "export function main",
      'function say(): void { text = text + "x"; }\nexport function main',
    );
    const { diagnostics } = await compile(text);
    expect(diagnostics).toEqual([
      expect.objectContaining({
        severity: "warning",
        file: ENTRY,
        line: lineOf(text, line),
        message: NEVER_FREED,
      }),
    ]);
  });

  test.each([
    ["it collects", "while (true) { say(); collectIfDue(); }"],
    ["it ends", "for (let index = 0; index < 9; index++) say();\nserve(new Echo());"],
    ["it makes them before", "say(); while (true) servePending(4, 1000);"],
    ["it may end", "while (true) { say(); if (text.length > 5) break; }"],
  ])("no warning where %s", async (_what, start) => {
    const text = program("head = null;", start).replace(
      "export function main",
      'function say(): void { text = text + "x"; }\nexport function main',
    );
    expect((await compile(text)).diagnostics).toEqual([]);
  });
});

test("a program that could hide a reference is not built", async () => {
  const text = program("head = new Node(); store<usize>(70000, changetype<usize>(head));");
  await expect(compile(text)).rejects.toThrow(`${ENTRY}:${lineOf(text, "store<usize>")}:`);
  // Without the collector nothing is freed, and the same line is right.
  const atStart = program(
    "head = null;",
    "head = new Node(); store<usize>(70000, changetype<usize>(head)); serve(new Echo());",
  );
  expect(await compile(atStart)).toMatchObject({ collects: false });
});

test("a reference that lives across a handler which collects is refused", async () => {
  const text = program("const own = new Node();\ncollect();\nhead = own;");
  await expect(compile(text)).rejects.toThrow(`${ENTRY}:${lineOf(text, "collect();\nhead")}:`);
});
