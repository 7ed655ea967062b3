import { expect, test } from "vitest";
import {
  HANDLE_INDEX_FIRST_NAMED,
  INITIAL_GENERATION,
  REGISTER_WORDS_MAX,
} from "../../kernel/abi/system-call.ts";
import { RECORD_HANDLES, RECORD_MORE_WORDS } from "../../kernel/abi/message-record.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { loadSourceInNode, type NodeProgram } from "../../tests/support/service-in-node.ts";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  bool,
  bytes,
  defineInterface,
  enumeration,
  handle,
  i32,
  i64,
  text,
  u16,
  u32,
  u64,
  u8,
} from "../vocabulary/interface.ts";
import { fieldNamesFile } from "./generate/field-names.ts";
import { interfaceFile } from "./generate/interface-file.ts";
import { constant, wordOffset } from "./generate/names.ts";
import { assemblyFile } from "./generate/assembly-file.ts";
import { programFile, programHandles } from "./generate/program-file.ts";
import { referencePage } from "./generate/reference-page.ts";
import { loadInterfaces } from "./load.ts";
import type { WireMessage } from "./message.ts";
import { buildModel, REGISTER_WORDS } from "./model.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Every kind of field, short and long, in both directions. */
const Everything = defineInterface({
  name: "Everything",
  id: 0x7ff,
  version: 3,
  about: "For the generator's tests.",
  errors: ["Never", "Always"],
  methods: {
    nothing: { idempotent: true },
    scalars: {
      about: "All of them.",
      takes: {
        a: u8,
        b: u16,
        c: u32,
        d: u64,
        e: i32,
        f: i64,
        g: bool,
        h: enumeration("one", "two"),
      },
      returns: {
        a: u8,
        b: u16,
        c: u32,
        d: u64,
        e: i32,
        f: i64,
        g: bool,
        h: enumeration("one", "two"),
      },
    },
    texts: {
      takes: { first: text(20), number: u32, second: bytes(30) },
      returns: { first: bytes(30), second: text(20) },
    },
    carry: { takes: { key: handle("Notice") }, returns: { key: handle("Notice"), count: u32 } },
  },
});
const model = buildModel("everything.idl.ts", Everything);

test("numbers that the generators share with the ABI are the ABI's", () => {
  expect(REGISTER_WORDS).toBe(REGISTER_WORDS_MAX);
  expect(wordOffset(4)).toBe(RECORD_MORE_WORDS);
  expect(RECORD_HANDLES).toBe(96);
  const [first] = programHandles({ name: "p", entry: "main.ts", kernel: { clock: "Clock" } });
  expect(first!.number).toBe(INITIAL_GENERATION * 0x10000 + HANDLE_INDEX_FIRST_NAMED);
});

test("every kernel interface has the number of its object type, and Fault its own", async () => {
  for (const { name, id, file } of await loadInterfaces(ROOT)) {
    if (file.startsWith("services/interfaces/kernel/"))
      expect([name, id]).toEqual([
        name,
        name === "Fault" ? 16 : ObjectType[name as keyof typeof ObjectType],
      ]);
  }
});

test("handles are numbered in the manifest's order: serves, uses, kernel, devices", () => {
  const handles = programHandles({
    name: "p",
    entry: "main.ts",
    devices: { line: "interrupt", ports: "ports" },
    kernel: { log: "Log" },
    uses: { other: Everything },
    serves: { own: Everything },
  });
  expect(handles.map(({ name, number }) => `${name} ${number.toString(16)}`)).toEqual([
    "own 10004",
    "other 10005",
    "log 10006",
    "line 10007",
    "ports 10008",
  ]);
});

test("a program with a log writes its failed assertions there", () => {
  expect(
    programFile({ name: "p", entry: "main.ts", kernel: { log: "Log" } }, "p/program.ts"),
  ).toContain("logFailuresTo(log);");
  expect(programFile({ name: "p", entry: "main.ts" }, "p/program.ts")).not.toContain(
    "logFailuresTo",
  );
});

test("a program in assembly includes handles, headers and enumerations", () => {
  const text = assemblyFile(
    { name: "p", entry: "p.asm", uses: { other: Everything } },
    "p/program.ts",
  );
  expect(text.split("\n")).toEqual(
    expect.arrayContaining([
      "%define HANDLE_OTHER 0x10004",
      "%define EVERYTHING_NOTHING_HEADER 0x7ff0000",
      "%define EVERYTHING_SCALARS_HEADER 0x7ff0014",
      "%define EVERYTHING_SCALARS_H_TWO 0x1",
    ]),
  );
});

test.each([
  ["nextEvent", "NEXT_EVENT"],
  ["AttackPlan", "ATTACK_PLAN"],
  ["readTSC", "READ_TSC"],
  ["uart-16550", "UART_16550"],
  ["a1b", "A1B"],
])("the constant for %j is %j", (name, expected) => {
  expect(constant(name)).toBe(expected);
});

test("fields and errors have their names, in the order of the words, for the programs that show messages", () => {
  const text = fieldNamesFile([model]);
  expect(text).toContain(
    'case 0x7ff001: return isAnswer ? "ca wb dc nd ie sf tg eh=one=two" : "ca wb dc nd ie sf tg eh=one=two";',
  );
  expect(text).toContain(
    'case 0x7ff002: return isAnswer ? "bfirst:30 bsecond:20" : "bfirst:20 dnumber bsecond:30";',
  );
  expect(text).toContain('case 0x7ff003: return isAnswer ? "dcount hkey" : "hkey";');
  expect(text).toContain('case 0x7ff: return "Never Always";');
});

test("the stub of a method with texts keeps which was too long, where the kernel calls the message malformed", () => {
  const file = interfaceFile(model);
  expect(file).toContain(
    'if (isMalformed()) {\n      noteLength("first", first.length, 20);\n      noteLength("second", second.length, 30);\n    }',
  );
  expect(file.match(/noteLength\("/g)).toHaveLength(2);
});

test("the reference page tells number, place and type of every field", () => {
  const page = referencePage(model);
  expect(page).toContain("Interface 0x7ff, version 3.");
  expect(page).toContain("## 2 · texts");
  expect(page).toContain("| second | bytes, at most 30 | word 2 |");
  expect(page).toContain("| key | handle to Notice | handle 0 |");
  expect(page).toContain("Errors: 1 `Never`, 2 `Always`.");
});

test("the generated file names its source and imports nothing that it does not use", () => {
  const file = interfaceFile(model);
  expect(file.split("\n")[0]).toBe("// Generated from everything.idl.ts. Do not edit.");
  for (const [, names] of file.matchAll(/^import \{ (.*) \} from/gm)) {
    for (const name of names!.split(", "))
      expect(file.split(new RegExp(`\\b${name}\\b`)).length, name).toBeGreaterThan(2);
  }
});

/**
 * A client and a server of one program, in one module: the server answers what the client sends,
 * through the switch below.
 */
const SOURCE = `
import { EverythingClient, EverythingError, EverythingScalarsH, EverythingServer, EverythingScalarsReply, EverythingTextsReply, EverythingCarryReply, EVERYTHING_VERSION, EVERYTHING_TEXTS_FIRST_MAX } from "../../build/generated/interfaces/Everything";
import { serve, OK } from "./server";
import { Text, utf8 } from "./text";
const client: EverythingClient = EverythingClient.of(0x10004);
const seen: Text = Text.withRoom(100);
class Everything extends EverythingServer {
  nothing(): u32 { return EverythingError.Always; }
  scalars(a: u8, b: u16, c: u32, d: u64, e: i32, f: i64, g: bool, h: EverythingScalarsH, reply: EverythingScalarsReply): u32 {
    reply.a = a + 1; reply.b = b + 1; reply.c = c + 1; reply.d = d + 1; reply.e = e - 1; reply.f = f - 1; reply.g = !g; reply.h = h == EverythingScalarsH.One ? EverythingScalarsH.Two : EverythingScalarsH.One;
    return OK;
  }
  texts(first: Text, number: u32, second: Text, reply: EverythingTextsReply): u32 { reply.first.text(second).number(number); reply.second.text(first).string("!"); return OK; }
  carry(key: u32, reply: EverythingCarryReply): u32 { reply.key(key + 1, 5); reply.count = 2; return OK; }
}
export function main(): void { serve(new Everything()); }
export function callNothing(): u32 { const answer = client.nothing(); return answer.ok ? 99 : answer.error; }
export function callScalars(): bool {
  const s = client.scalars(255, 65535, 7, 8, -2147483647, -5, true, EverythingScalarsH.Two);
  return s.ok && s.a == 0 && s.b == 0 && s.c == 8 && s.d == 9 && s.e == -2147483648 && s.f == -6 && !s.g && s.h == EverythingScalarsH.One;
}
export function callTexts(): u32 { const t = client.texts(utf8("door"), 42, utf8("bytes")); if (!t.ok) return 0; seen.clear().text(t.first).byte(0x2f).text(t.second); return seen.length; }
export function callEmptyTexts(): u32 { const t = client.texts(utf8(""), 0, utf8("")); if (!t.ok) return 0; seen.clear().text(t.first).byte(0x2f).text(t.second); return seen.length; }
export function seenAddress(): usize { return seen.address; }
export function callCarry(): u32 { const c = client.carry(0x10009, 3); return c.ok ? c.key * 10 + c.count : 0; }
export function version(): u32 { return EVERYTHING_VERSION * 100 + EVERYTHING_TEXTS_FIRST_MAX; }
`;

test("generated clients and servers understand each other, field by field", async () => {
  const files = { "build/generated/interfaces/Everything.ts": interfaceFile(model) };
  const itself = {
    description: Everything,
    calls: [],
    answer: (method: number, message: WireMessage) => program.exchange(Everything, method, message),
  };
  const program: NodeProgram = await loadSourceInNode(
    "services/runtime",
    SOURCE,
    { name: "everything", entry: "main.ts", uses: { itself: Everything } },
    { peers: { itself } },
    files,
  );
  program.run();
  const call = (name: string): number => program.exported(name)() as number;
  expect(call("callNothing")).toBe(2);
  expect(call("callScalars")).toBe(1);
  expect(program.text(call("seenAddress"), call("callTexts"))).toBe("bytes42/door!");
  expect(program.text(call("seenAddress"), call("callEmptyTexts"))).toBe("0/!");
  expect(call("callCarry")).toBe(0x1000a * 10 + 2);
  expect(call("version")).toBe(320);
});
