// The editor's view, through TypeScript's language server, as editors talk to it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { launchServer, type Server } from "@typescript/server-harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../../tests/tidy/source-tree.ts";

const TSSERVER = createRequire(import.meta.url).resolve("typescript/lib/tsserver.js");
const ECHO = join(ROOT, "services/echo/main.ts");
const TEXT = readFileSync(ECHO, "utf8");

interface Seen {
  readonly text: string;
  readonly category: string;
  readonly start: { readonly line: number; readonly offset: number };
  readonly source?: string;
}

let server: Server;
let sequence = 0;
let updates = 0;
let waiting: (() => void)[] = [];

beforeAll(() => {
  // As editors do: without it the server sends no word of what came later.
  server = launchServer(TSSERVER, [
    "--disableAutomaticTypingAcquisition",
    "--suppressDiagnosticEvents",
  ]);
  server.on("event", ({ event }: { event: string }) => {
    if (event !== "projectsUpdatedInBackground") return;
    updates += 1;
    waiting.forEach((resume) => resume());
    waiting = [];
  });
});
afterAll(async () => void (await server.exitOrKill(5000)));

async function ask(
  command: string,
  parameters: object,
): Promise<{ body?: unknown; success: boolean; message?: string }> {
  return (await server.message({
    seq: ++sequence,
    type: "request",
    command,
    arguments: parameters,
  })) as { body?: unknown; success: boolean; message?: string };
}

async function open(file: string, fileContent: string): Promise<void> {
  await server.message({
    seq: ++sequence,
    type: "request",
    command: "updateOpen",
    arguments: { openFiles: [{ file, fileContent, scriptKindName: "TS" }] },
  });
}

/** What our plugin says of a file. */
async function said(file: string): Promise<Seen[]> {
  const { body, success, message } = await ask("semanticDiagnosticsSync", { file });
  expect(success, message).toBe(true);
  return (body as Seen[]).filter(({ source }) => source === "trine");
}

/** Waits until the compiler has spoken once more. */
async function updated(since: number): Promise<void> {
  while (updates === since) await new Promise<void>((resume) => waiting.push(resume));
}

test("what is refused by form or name is red at once, with what to write instead", async () => {
  await open(
    ECHO,
    TEXT.replace(
      "    reply.first = first;",
      "    const { length } = [1];\n    setTimeout(() => {}, 1);\n    reply.first = first;",
    ),
  );
  const line = TEXT.slice(0, TEXT.indexOf("    reply.first")).split("\n").length;
  const seen = await said(ECHO);
  expect(seen.map(({ start }) => start.line)).toEqual([line, line + 1]);
  expect(seen[0]).toMatchObject({
    category: "error",
    start: { line, offset: 11 },
    text: expect.stringContaining(
      "destructuring is not in the language of programs; help: take one value at a time",
    ),
  });
  expect(seen[1]!.text).toContain("`sleep(nanoseconds)`");
});

test("what only the compiler knows is red when it has spoken, on the text as it stands in the editor", async () => {
  const since = updates;
  await open(
    ECHO,
    TEXT.replace(
      "    reply.first = first;",
      "    const narrow: u32 = second;\n    reply.first = first + narrow;",
    ),
  );
  await said(ECHO);
  await updated(since);
  const seen = await said(ECHO);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({
    category: "error",
    text: expect.stringMatching(
      /^Conversion from type 'u64' to 'u32' .*; help: write the conversion, `<u32>x`/,
    ),
  });
});

test("a mistake that is mended is gone, and a program that builds has none", async () => {
  const since = updates;
  await open(ECHO, TEXT);
  await said(ECHO);
  await updated(since);
  expect(await said(ECHO)).toEqual([]);
});

test("files of the host are TypeScript as ever", async () => {
  const file = join(ROOT, "services/echo/program.ts");
  await open(
    file,
    `${readFileSync(file, "utf8")}\nconst { x } = { x: 1 };\nconsole.log(x ?? 0);\n`,
  );
  expect(await said(file)).toEqual([]);
});

test("the kernel's files are programs too", async () => {
  const file = join(ROOT, "kernel/object/timer.ts");
  await open(file, `${readFileSync(file, "utf8")}\nexport async function f(): Promise<void> {}\n`);
  expect((await said(file)).length).toBeGreaterThan(0);
});
