import { describe, expect, test } from "vitest";
import {
  HANDLE_INDEX_FIRST_NAMED,
  HEADER_FLAG_ERROR,
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

/** Methods whose handlers do what a handler may do; the words of a request are not zero. */
const Handlers = defineInterface({
  name: "Handlers",
  id: 0x7fe,
  version: 1,
  errors: ["Never", "Always"],
  methods: {
    swap: { takes: { a: u64, b: u64 }, returns: { a: u64, b: u64 } },
    forget: {
      takes: { a: u64, b: u64, c: u64, d: u64 },
      returns: { a: u64, b: u64, c: u64, d: u64 },
    },
    forgetMore: {
      takes: Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`w${n}`, u64])),
      returns: Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`w${n}`, u64])),
    },
    forgetHandle: { takes: { key: handle("Notice") }, returns: { key: handle("Notice"), a: u64 } },
    refuse: { takes: { a: u64 }, returns: { a: u64 } },
    later: { takes: { a: u64 }, returns: { a: u64, b: u64 } },
    release: { takes: { a: u64 }, returns: { badge: u64, slot: u32 } },
    count: { returns: { a: u64 } },
  },
});

const HANDLERS_SOURCE = `
import { HandlersError, HandlersServer, HandlersSwapReply, HandlersForgetReply, HandlersForgetMoreReply, HandlersForgetHandleReply, HandlersRefuseReply, HandlersLaterReply, HandlersReleaseReply, HandlersCountReply } from "../../build/generated/interfaces/Handlers";
import { callBadge, callerSlot, callToken, DEFERRED, OK, serve } from "./server";
let waiting: u64 = 0;
let bitsSeen: u64 = 0;
class Handlers extends HandlersServer {
  swap(a: u64, b: u64, reply: HandlersSwapReply): u32 { reply.a = b; reply.b = a; return OK; }
  forget(a: u64, b: u64, c: u64, d: u64, reply: HandlersForgetReply): u32 { reply.c = a; return OK; }
  forgetMore(w0: u64, w1: u64, w2: u64, w3: u64, w4: u64, w5: u64, reply: HandlersForgetMoreReply): u32 { reply.w1 = w5; return OK; }
  forgetHandle(key: u32, reply: HandlersForgetHandleReply): u32 { reply.a = key; return OK; }
  refuse(a: u64, reply: HandlersRefuseReply): u32 { reply.a = a; return a == 7 ? OK : HandlersError.Always; }
  later(a: u64, reply: HandlersLaterReply): u32 { reply.a = a; waiting = callToken(); return DEFERRED; }
  release(a: u64, reply: HandlersReleaseReply): u32 {
    const answer = HandlersLaterReply.to(waiting);
    answer.b = a;
    answer.send();
    reply.badge = callBadge();
    reply.slot = callerSlot();
    return OK;
  }
  count(reply: HandlersCountReply): u32 { reply.a = bitsSeen; return OK; }
  notified(bits: u64): void { bitsSeen |= bits; }
}
export function main(): void { serve(new Handlers()); }
`;

// The loop of one service serves what waits when `main` begins; what comes later, the other loop.
describe.each(["serveAlone", "serveLoop"])("a server by %s", (loop) => {
  const load = (): Promise<NodeProgram> =>
    loadSourceInNode(
      "services/runtime",
      HANDLERS_SOURCE,
      { name: "handlers", entry: "main.ts" },
      {},
      {
        "build/generated/interfaces/Handlers.ts": interfaceFile(
          buildModel("handlers.idl.ts", Handlers),
        ),
      },
    );

  /** Sends all requests, in turn, and runs the program. */
  async function serveAll(
    send: (queue: NodeProgram["queueCall"], program: NodeProgram) => void,
  ): Promise<void> {
    const program = await load();
    if (loop === "serveLoop") program.run();
    send((...request) => program.queueCall(...request), program);
    if (loop === "serveAlone") program.run();
    else program.notify(0n);
  }
  const ignore = (): void => {};

  test("answers what its handlers make of it", async () => {
    let swapped: unknown;
    await serveAll((queue) => {
      swapped = queue(Handlers, "swap", { a: 1n, b: 2n ** 64n - 1n }, ignore);
    });
    expect(swapped).toMatchObject({ state: "answered", fields: { a: 2n ** 64n - 1n, b: 1n } });
  });

  test("a field that the handler forgets is zero, not a word of this request or of another", async () => {
    const calls: unknown[] = [];
    await serveAll((queue) => {
      const words = { w0: 11n, w1: 12n, w2: 13n, w3: 14n, w4: 15n, w5: 16n };
      calls.push(queue(Handlers, "forgetMore", words, ignore));
      calls.push(queue(Handlers, "forget", { a: 21n, b: 22n, c: 23n, d: 24n }, ignore));
      calls.push(queue(Handlers, "forgetMore", words, ignore));
      calls.push(queue(Handlers, "forgetHandle", { key: 0x10_0042 }, ignore));
    });
    const more = { w0: 0n, w1: 16n, w2: 0n, w3: 0n, w4: 0n, w5: 0n };
    expect(calls).toMatchObject([
      { fields: more },
      { fields: { a: 0n, b: 0n, c: 21n, d: 0n } },
      { fields: more },
      { fields: { key: 0, a: 0x10_0042n } },
    ]);
  });

  test("an error takes the answer's place, and the next request is served", async () => {
    const calls: unknown[] = [];
    await serveAll((queue) => {
      calls.push(queue(Handlers, "refuse", { a: 6n }, ignore));
      calls.push(queue(Handlers, "refuse", { a: 7n }, ignore));
    });
    expect(calls).toMatchObject([
      { state: "refused", error: "Always" },
      { state: "answered", fields: { a: 7n } },
    ]);
  });

  test("an answer may be given later, by another handler, beside the answer to its own request", async () => {
    const calls: unknown[] = [];
    await serveAll((queue) => {
      calls.push(queue(Handlers, "later", { a: 5n }, ignore));
      calls.push(queue(Handlers, "release", { a: 6n }, ignore, 77n));
    });
    expect(calls).toMatchObject([
      { state: "answered", fields: { a: 0n, b: 6n } },
      { state: "answered", fields: { badge: 77n, slot: 0 } },
    ]);
  });

  test("notices between two requests reach the service, with all their bits", async () => {
    const calls: { state: string; fields?: unknown }[] = [];
    await serveAll((queue, program) => {
      queue(Handlers, "swap", { a: 1n, b: 2n }, () => program.raise(2n ** 63n + 4n));
      calls.push(queue(Handlers, "count", {}, ignore));
    });
    expect(calls).toMatchObject([{ fields: { a: 2n ** 63n + 4n } }]);
  });

  test.each([
    ["a method that there is not", ((0x7fe << 16) | (9 << 4)) >>> 0],
    ["the method of another interface", ((0x7fd << 16) | (0 << 4)) >>> 0],
    ["the method of an interface above", ((0x7ff << 16) | (0 << 4)) >>> 0],
  ])("refuses %s", async (_what, header) => {
    const answers: number[] = [];
    await serveAll((_queue, program) =>
      program.queueMessage(
        header,
        { words: [1n, 2n], arena: new Uint8Array(), handles: [] },
        (of) => answers.push(of),
      ),
    );
    expect(answers).toHaveLength(1);
    expect(answers[0]! & HEADER_FLAG_ERROR).not.toBe(0);
  });
});
