import { beforeAll, describe, expect, test } from "vitest";
import {
  adminInterface,
  compileTest,
  consoleInterface,
  filesInterface,
  testImage,
  testPrograms,
  uartInterface,
} from "../../tests/support/policy-system.ts";
import { type Monitor, compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { testSigner } from "../../tests/support/test-signer.ts";
import {
  type MessageEvent,
  decideExecute,
  decideMessage,
  decidePermission,
} from "../../policy/compiler/evaluate.ts";
import type { Field, Model } from "../../policy/compiler/model.ts";
import type { Matrix } from "../../policy/compiler/close.ts";
import { COST_BASE, COST_FIELD, COST_MAX, INTERFACE_PERMISSIONS, RULE_NONE } from "../abi/blob.ts";
import { Event } from "../abi/event.ts";
import { ObjectType } from "../abi/object.ts";
import { Status } from "../abi/status.ts";
import { Random } from "../../toolchain/fuzz/random.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import { keyRingText } from "../../toolchain/keys/key-ring.ts";

const signer = testSigner(9);

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await compileMonitor({ keyRing: keyRingText([signer]) });
});

interface Running {
  readonly monitor: Monitor;
  readonly model: Model;
  readonly matrix: Matrix;
}

async function start(policy: string, image = testImage): Promise<Running> {
  const { blob, model, matrix, diagnostics } = await compileTest(policy, { image });
  if (blob === undefined || model === undefined || matrix === undefined)
    throw new Error(`${policy}\n${JSON.stringify(diagnostics)}`);
  const monitor = startMonitor(wasm);
  const signed = signBlob(blob, signer);
  expect(monitor.number("monitorLoad", monitor.put(signed), signed.length)).toBe(0);
  monitor.run("auditStart");
  return { monitor, model, matrix };
}

function judge({ monitor }: Running, message: MessageEvent): number {
  return monitor.judge({ ...message, subjectClass: message.subject, targetClass: message.target });
}

const CLASSES = ["Supervisor", "Uart", "Console", "Files", "Shell", "Attack"];
const SERVED = [
  ["Uart", uartInterface],
  ["Console", consoleInterface],
  ["Files", filesInterface],
  ["Files", adminInterface],
] as const;

/** A random policy, right by construction: every condition reads fields that its method has. */
function randomPolicy(random: Random): string {
  const conditions: Readonly<Record<string, readonly string[]>> = {
    "Uart.write": ["length(data) <= 100", "length(data) != 7 and length(data) > 2"],
    "Uart.configure": [
      "baud in 9600..115200",
      "mode == cooked or not (parity >= 3)",
      "(baud & 0xff) == 0 and mode in { raw, cooked }",
      "baud < 0x10000 and (parity == 1 or parity == 2 or mode != off)",
    ],
    "Console.write": [
      "not urgent",
      "length(text) <= 64 or urgent",
      "urgent and length(text) in 1..9",
    ],
    "Console.readLine": ["max <= 1024", "(max & 0xf00) != 0x300"],
    "Files.open": [
      "mode == read",
      "flags == 3 or flags == 0x80000000",
      "length(name) >= 1 and (flags & 6) != 6",
    ],
    "Files.read": [
      "offset >= 0",
      "offset in -5..5",
      "offset < -2 or bytes > 1000",
      "file == 0xffffffffffffffff or offset == 2147483647",
    ],
    "Files.seek": [
      "first <= last",
      "first < last and from > to",
      "not (from == to) or first != last",
      "from >= to and last >= first",
    ],
    "Admin.shutdown": ["code == 0", "code in { 1, 2, 3, 5, 8 }"],
  };
  const responses: Readonly<Record<string, readonly string[]>> = {
    "Console.readLine": ["length(text) < 80"],
    "Files.read": ["isEnd", "length(data) <= 512 or not isEnd"],
    "Files.open": ["file != 0"],
    "Admin.stats": ["total > 1000000"],
  };
  const lines: string[] = [];
  for (let i = 0; i < 22; i++) {
    const [target, targetInterface] = random.pick(SERVED);
    const method = random.pick(Object.keys(targetInterface.methods));
    const key = `${targetInterface.name}.${method}`;
    const subject =
      random.below(5) === 0
        ? "any"
        : random.below(4) === 0
          ? `{ ${random.pick(CLASSES)}, ${random.pick(CLASSES)} }`
          : random.below(8) === 0
            ? `any except ${random.pick(CLASSES)}`
            : random.pick(CLASSES);
    const rule = `${subject} -> ${target}.${targetInterface.name} { ${random.below(3) === 0 ? `${method}, ${random.pick(Object.keys(targetInterface.methods))}` : method} }`;
    const single = `${subject} -> ${target}.${targetInterface.name} { ${method} }`;
    const condition = conditions[key];
    const response = responses[key];
    const audit = random.below(4) === 0 ? " audit" : "";
    const kind = random.below(7);
    if (kind <= 1) lines.push(`allow ${rule}${audit}`);
    else if (kind === 2 && condition !== undefined)
      lines.push(`allow ${single} when ${random.pick(condition)}${audit}`);
    else if (kind === 3 && condition !== undefined)
      lines.push(`require ${single} when ${random.pick(condition)}`);
    else if (kind === 4 && response !== undefined)
      lines.push(
        `${random.below(2) === 0 ? "allow" : "require"} response ${single} when ${random.pick(response)}`,
      );
    else if (kind === 5)
      lines.push(
        `allow ${random.pick(["request", "response", "error", "request, response", "response, error"])} ${rule}`,
      );
    else if (target === "Files" && targetInterface.name === "Files")
      lines.push(`${random.pick(["allow", "require"])} error ${single} when error == NotFound`);
    else if (target === "Console") lines.push(`allow error ${single} when error != Closed`);
    else
      lines.push(
        `grant ${subject} -> ${random.pick(["kernel.Memory", "kernel.Notice", "Console", "kernel.Clock"])} { ${random.pick(["transfer", "map_read, transfer", "*", "signal", "bind, seal"])} }`,
      );
  }
  return lines.join("\n");
}

const EDGES = [
  0n,
  1n,
  2n,
  3n,
  5n,
  7n,
  8n,
  64n,
  79n,
  80n,
  100n,
  101n,
  255n,
  256n,
  512n,
  1000n,
  1024n,
  4096n,
  4097n,
  9600n,
  115200n,
  0x300n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
  (1n << 64n) - 5n,
  (1n << 64n) - 6n,
  (1n << 64n) - (1n << 31n),
  (1n << 64n) - (1n << 31n) - 1n,
];

function randomWord(field: Field | undefined, random: Random, arenaBytes: number): bigint {
  if (field === undefined || random.below(12) === 0) return random.pick(EDGES);
  if (field.kind === "bytes" || field.kind === "text") {
    const length =
      random.below(5) === 0
        ? random.below(70_000)
        : random.below(Math.min(Number(field.max), 120) + 2);
    const offset =
      random.below(6) === 0 ? random.below(200) : Math.max(0, arenaBytes - length) % 65_536;
    return (BigInt(length) << 32n) | BigInt(offset);
  }
  if (field.kind === "signed")
    return BigInt.asUintN(
      64,
      random.below(2) === 0
        ? BigInt(random.below(14)) - 7n
        : random.pick([field.max, -field.max - 1n, field.max - 1n]),
    );
  return random.below(2) === 0
    ? BigInt(random.below(Math.min(Number(field.max), 12) + 1))
    : random.pick(EDGES) % (field.max + 1n);
}

function randomMessage({ model }: Running, random: Random): MessageEvent {
  const targetInterface = random.pick(model.interfaces.filter((known) => known.id >= 0x101));
  const method = random.pick(targetInterface.methods);
  const event = random.pick([Event.Request, Event.Request, Event.Response, Event.Error] as const);
  const fields =
    event === Event.Request ? method.request : event === Event.Response ? method.response : [];
  const inWords = fields.filter((field) => field.kind !== "handle");
  const inArena = inWords.some((field) => field.kind === "bytes" || field.kind === "text");
  const arenaBytes = inArena ? random.below(400) : random.below(40) === 0 ? 8 : 0;
  const wrong = random.below(30) === 0 ? 1 : 0;
  const words =
    event === Event.Error
      ? Array.from({ length: 1 + wrong }, () =>
          BigInt(random.below(targetInterface.errors.length + 2)),
        )
      : Array.from({ length: inWords.length + wrong }, (_, i) =>
          randomWord(inWords[i], random, arenaBytes),
        );
  const handles = fields
    .filter((field) => field.kind === "handle")
    .map((field) => {
      const to = Number(field.max);
      const right =
        to <= 15
          ? { type: to, interfaceId: 0, objectClass: to }
          : { type: 4, interfaceId: to, objectClass: 34 };
      return random.below(10) === 0
        ? {
            ...right,
            type: random.below(16),
            interfaceId: random.below(2) === 0 ? right.interfaceId : 0x102,
          }
        : right;
    });
  if (random.below(50) === 0) handles.push({ type: 2, interfaceId: 0, objectClass: 2 });
  const target = random.pick(["Uart", "Console", "Files", "Files", "Shell"]);
  const classId = (name: string) => model.classes.findIndex((known) => known?.name === name);
  return {
    event,
    subject: classId(random.pick(CLASSES)),
    target: classId(target),
    interfaceId: targetInterface.id,
    method: random.below(60) === 0 ? random.below(70) : method.number,
    words,
    handles,
    arenaBytes,
  };
}

describe("the kernel's engine and the reference interpreter", () => {
  test("give the same verdict on random messages under random policies", async () => {
    const random = new Random(20_240_501);
    const seen = new Map<string, number>();
    for (let policy = 0; policy < 60; policy++) {
      const running = await start(randomPolicy(random));
      for (let i = 0; i < 1500; i++) {
        const message = randomMessage(running, random);
        const expected = decideMessage(running.model, message);
        const sequence = running.monitor.big("auditNext");
        const status = judge(running, message);
        if (status !== expected.status)
          throw new Error(
            `${JSON.stringify(message, (_key, value: unknown) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value))}: engine ${Status[status]}, reference ${Status[expected.status]}`,
          );
        // Every record is read at once, so that the next is neither folded into it nor lost.
        const record = running.monitor.auditRecord(sequence);
        if (status === Status.Denied) {
          expect(record?.rule).toBe(expected.rule?.number ?? RULE_NONE);
        }
        const kind = `${Event[message.event]} ${Status[status]}${expected.rule === undefined ? "" : " by a rule"}`;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }
    // Each outcome of each event has really been compared.
    for (const kind of [
      "Request Ok",
      "Request Denied",
      "Request Denied by a rule",
      "Request Malformed",
      "Response Ok",
      "Response Denied",
      "Response Denied by a rule",
      "Response Malformed",
      "Error Ok",
      "Error Denied",
      "Error Denied by a rule",
      "Error Malformed",
    ]) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(50);
    }
  });

  test("agree where the short way looks at the structure by itself", async () => {
    const random = new Random(31);
    const running = await start("allow any -> { Uart, Console, Files.Files, Files.Admin } { * }");
    const { monitor, model } = running;
    let fitting = 0;
    for (let i = 0; i < 5000; i++) {
      const message = randomMessage(running, random);
      const words = message.words.slice(0, 4);
      if (
        message.event === Event.Error ||
        model.interfaces.find((known) => known.id === message.interfaceId)?.methods[
          message.method
        ] === undefined
      )
        continue;
      const shape = monitor.number("methodShape", message.interfaceId, message.method);
      const fits =
        monitor.number(
          "fitsRegisters",
          message.event,
          shape,
          words.length,
          words[0] ?? 0n,
          words[1] ?? 0n,
          words[2] ?? 0n,
          words[3] ?? 0n,
        ) === 1;
      if (!fits) continue;
      fitting += 1;
      expect(
        monitor.number("checkShape", message.event, shape, monitor.setMessage({ words })),
      ).toBe(0);
    }
    expect(fitting).toBeGreaterThan(500);
  });

  test("find the shape of every method, and of no other", async () => {
    const { monitor, model } = await start("");
    for (let id = 0; id < 0x200; id++) {
      const targetInterface = model.interfaces.find((known) => known.id === id);
      for (let method = 0; method < 64; method++) {
        const shape = monitor.number("methodShape", id, method);
        expect(shape !== 0).toBe(targetInterface?.methods[method] !== undefined);
        if (shape !== 0)
          expect(monitor.text(monitor.number("methodName", id, method))).toBe(
            targetInterface?.methods[method]?.name,
          );
      }
    }
  });

  test("agree on every verdict bit, permission and early answer", async () => {
    const random = new Random(77);
    for (let policy = 0; policy < 12; policy++) {
      const running = await start(randomPolicy(random));
      const { monitor, model, matrix } = running;
      for (const subject of model.classes) {
        for (const target of model.classes) {
          if (subject?.span === undefined || target === undefined) continue;
          for (const targetInterface of model.interfaces.filter((known) => known.id > 0x100)) {
            const bits = monitor.big("verdictBits", subject.id, target.id, targetInterface.id);
            for (const method of targetInterface.methods) {
              const rules = model.rules.filter(
                (rule) =>
                  rule.interfaceId === targetInterface.id &&
                  (rule.methods >> BigInt(method.number)) & 1n &&
                  rule.pairs.some(([one, other]) => one === subject.id && other === target.id),
              );
              const isPlain = (event: Event) => {
                const bound = rules.filter((rule) => (rule.events >> event) & 1);
                return (
                  bound.some((rule) => !rule.isRequire && rule.read !== event) &&
                  !bound.some((rule) => rule.isRequire || ((rule.recorded >> event) & 1) === 1)
                );
              };
              expect((bits >> BigInt(method.number)) & 1n).toBe(
                isPlain(Event.Request) && isPlain(Event.Response) ? 1n : 0n,
              );
              const early = monitor.judgeEarly({
                subjectClass: subject.id,
                targetClass: target.id,
                interfaceId: targetInterface.id,
                method: method.number,
              });
              expect(early === Status.Ok).toBe(
                rules.some((rule) => !rule.isRequire && rule.events & 1),
              );
            }
          }
          for (let permission = 0; permission < 8; permission++) {
            expect(
              monitor.number("judgePermission", 4, subject.id, target.id, permission) === Status.Ok,
            ).toBe(decidePermission(model, subject.id, target.id, permission));
          }
        }
      }
      expect(matrix.pairs.some((pair) => pair.interfaceId === INTERFACE_PERMISSIONS)).toBe(true);
    }
  });

  test("agree on which executable may run as which class", async () => {
    const { monitor, model } = await start("");
    const digest = monitor.put(new Uint8Array(32));
    const place = new Uint8Array(monitor.memory.buffer, digest, 32);
    for (const known of model.classes) {
      if (known === undefined) continue;
      for (const program of testPrograms) {
        place.set(program.digest);
        expect(monitor.number("judgeExecute", 4, known.id, digest) === Status.Ok).toBe(
          decideExecute(model, known.id, program.digest),
        );
        place[31] = (place[31] ?? 0) ^ 1;
        expect(monitor.number("judgeExecute", 4, known.id, digest)).toBe(Status.Denied);
      }
    }
  });
});

describe("the monitor", () => {
  test("answers `why` with what narrows, not with what another rule allows anyway", async () => {
    const { monitor } = await start(
      `allow Shell -> Console { write } when urgent
allow Shell -> Console { write }
allow Shell -> Console { readLine, flush }
require Shell -> Console { readLine } when max > 2
require error Shell -> Console { flush } when error == Closed`,
    );
    const ask = (method: number) =>
      [Event.Request, Event.Response, Event.Error].map((event) => {
        const rule = monitor.number("queryRule", 36, 34, 0x101, method, event);
        const verdict = monitor.number("queryVerdict", 36, 34, 0x101, method, event);
        return [verdict, monitor.number("ruleLine", rule)];
      });
    expect(ask(0)).toEqual([
      [1, 3],
      [1, 2],
      [1, 2],
    ]);
    expect(ask(1)).toEqual([
      [2, 5],
      [1, 4],
      [1, 4],
    ]);
    expect(ask(2)).toEqual([
      [1, 4],
      [1, 4],
      [2, 6],
    ]);
    // A `require` on errors takes no bit of requests and responses; one on requests does.
    expect(monitor.big("verdictBits", 36, 34, 0x101)).toBe(0b101n);
  });

  test("answers `why` with the rule and its line", async () => {
    const { monitor, model } = await start(
      "allow Shell -> Console { flush }\nallow Shell -> Console { write } when not urgent\nallow request Shell -> Console { readLine }",
    );
    const [shell, terminal] = ["Shell", "Console"].map((name) =>
      model.classes.findIndex((known) => known?.name === name),
    );
    const queryRule = (method: number, event: Event) =>
      monitor.number("queryRule", shell ?? 0, terminal ?? 0, 0x101, method, event);
    const ask = (method: number, event: Event) => [
      monitor.number("queryVerdict", shell ?? 0, terminal ?? 0, 0x101, method, event),
      monitor.number("ruleLine", queryRule(method, event)),
    ];
    for (const event of [Event.Request, Event.Response, Event.Error])
      expect(ask(2, event)).toEqual([1, 2]);
    // A condition on the request leaves the answers free.
    expect([ask(0, Event.Request), ask(0, Event.Response), ask(0, Event.Error)]).toEqual([
      [2, 3],
      [1, 3],
      [1, 3],
    ]);
    expect([ask(1, Event.Request), ask(1, Event.Response), ask(1, Event.Error)]).toEqual([
      [1, 4],
      [0, 0],
      [0, 0],
    ]);
    for (const method of [3, 64]) expect(ask(method, Event.Request)).toEqual([0, 0]);
    for (const event of [3, 4, 0xffff_ffff]) expect(ask(2, event)).toEqual([0, 0]);
    const rule = queryRule(2, Event.Request);
    expect(monitor.text(monitor.number("ruleText", rule))).toBe("allow Shell -> Console { flush }");
    expect(monitor.text(monitor.number("ruleFile", rule))).toBe("test.policy");
    // No class has a number of more than 16 bits, whatever the lower ones are.
    expect(
      monitor.number(
        "queryVerdict",
        shell ?? 0,
        (terminal ?? 0) + 0x10000,
        0x101,
        2,
        Event.Request,
      ),
    ).toBe(0);
  });

  test("answers `why` with what a message's handles need", async () => {
    const { monitor, model } = await start(
      "allow Shell -> Uart { share, write } allow Shell -> Files.Files { lend } grant Shell -> kernel.Memory { transfer } grant Files -> kernel.Memory { transfer }",
    );
    const id = (name: string): number => model.classes.findIndex((known) => known?.name === name);
    const ask = (target: string, targetInterface: number, method: number, event: Event) => [
      monitor.number("queryTransfer", id("Shell"), id(target), targetInterface, method, event),
      monitor.number("queryMissingClass", id("Shell"), id(target), targetInterface, method, event),
    ];
    const [none, denied, depends] = [0, 2, 3];
    expect(ask("Uart", 0x102, 2, Event.Request)).toEqual([denied, ObjectType.Notice]);
    expect(ask("Uart", 0x102, 2, Event.Response)).toEqual([none, 0]);
    expect(ask("Uart", 0x102, 0, Event.Request)).toEqual([none, 0]);
    expect(ask("Files", 0x103, 3, Event.Request)).toEqual([none, 0]);
    expect(ask("Files", 0x103, 3, Event.Response)).toEqual([depends, 0]);
    expect(ask("Files", 0x103, 3, Event.Error)).toEqual([none, 0]);
    expect(ask("Files", 0x103, 64, Event.Response)).toEqual([none, 0]);
    const more = await start(
      "allow Shell -> Uart { share } grant Shell -> { kernel.Memory, kernel.Notice } { transfer } allow Shell -> Files.Files { lend }",
    );
    expect(
      more.monitor.number("queryTransfer", id("Shell"), id("Uart"), 0x102, 2, Event.Request),
    ).toBe(1);
    const lend = [id("Shell"), id("Files"), 0x103, 3, Event.Response];
    expect(more.monitor.number("queryTransfer", ...lend)).toBe(denied);
    expect(more.monitor.number("queryMissingClass", ...lend)).toBe(ObjectType.Memory);
  });

  test("knows names in both directions", async () => {
    const { monitor, model } = await start("");
    const find = (name: string): number =>
      monitor.number("findClass", monitor.put(new TextEncoder().encode(name)), name.length);
    for (const known of model.classes)
      if (known !== undefined) expect(find(known.name)).toBe(known.id);
    for (const name of ["", "Shel", "Shelll", "shell", "kernel."]) expect(find(name)).toBe(0);
    const files = find("Files");
    const method = (classId: number, name: string): bigint =>
      monitor.big("findMethod", classId, monitor.put(new TextEncoder().encode(name)), name.length);
    expect(method(files, "seek")).toBe((2n << 32n) | 0x103n);
    expect(method(files, "Admin.stats")).toBe((1n << 32n) | 0x104n);
    expect(method(files, "stats")).toBe((1n << 32n) | 0x104n);
    expect(method(find("kernel.Slots"), "stop")).toBe((4n << 32n) | 12n);
    expect(method(files, "Console.write")).toBe(0n);
    expect(method(files, "")).toBe(0n);
    expect(method(find("kernel"), "fault")).toBe(0n);
    const served = (name: string, count = 9): number[] =>
      Array.from({ length: count }, (_, index) =>
        monitor.number("servedInterface", find(name), index),
      ).filter((id) => id !== 0);
    expect([served("Files"), served("kernel.Slots"), served("kernel"), served("Nobody")]).toEqual([
      [0x103, 0x104],
      [12],
      [],
      [],
    ]);
    expect(monitor.number("servedInterface", files, 0xffff_ffff)).toBe(0);
    expect(monitor.text(monitor.number("methodName", 0x103, 3))).toBe("lend");
    expect(monitor.number("methodName", 0x103, 4)).toBe(0);
    expect(monitor.number("methodName", 0x999, 0)).toBe(0);
    expect(monitor.text(monitor.number("interfaceName", 12))).toBe("Slots");
    expect(monitor.number("className", 4000)).toBe(0);
  });

  test("tells slots, their handles and their programs as the image says", async () => {
    const { monitor, model } = await start("");
    expect(monitor.number("slotCount")).toBe(model.slots.length);
    model.slots.forEach((slot, i) => {
      expect(monitor.text(monitor.number("slotName", i))).toBe(slot.name);
      const told = [
        "slotClass",
        "slotPriority",
        "slotCeiling",
        "slotQuotaPages",
        "slotQuotaHandles",
        "slotRestart",
        "slotStartsWithSystem",
        "slotFaultSlot",
        "slotHandleCount",
      ].map((name) => monitor.number(name, i));
      expect(told).toEqual([
        slot.classId,
        slot.priority,
        slot.ceiling,
        slot.quotaPages,
        slot.quotaHandles,
        slot.restart,
        slot.autostart ? 1 : 0,
        slot.faultSlot,
        slot.handles.length,
      ]);
      slot.handles.forEach((handle, n) => {
        const index = monitor.number("slotFirstHandle", i) + n;
        expect(monitor.text(monitor.number("handleName", index))).toBe(handle.name);
        expect(
          [
            "handleType",
            "handleRights",
            "handleInterface",
            "handleTargetSlot",
            "handleTargetEndpoint",
            "handleFirst",
            "handleCount",
            "handleClass",
          ].map((name) => monitor.number(name, index)),
        ).toEqual([
          handle.type,
          handle.rights,
          handle.interfaceId,
          handle.targetSlot,
          handle.targetEndpoint,
          handle.first,
          handle.count,
          handle.classId,
        ]);
        expect(monitor.big("handleBadge", index)).toBe(handle.badge);
      });
      expect(monitor.text(monitor.number("programName", monitor.number("slotProgram", i)))).toBe(
        model.programs[slot.program]?.name,
      );
    });
    expect(monitor.number("slotEndpointCount", 3)).toBe(2);
    expect(monitor.number("slotEndpointInterface", 3, 1)).toBe(0x104);
    expect(monitor.number("findSlot", monitor.put(new TextEncoder().encode("shell")), 5)).toBe(4);
    expect(monitor.number("findSlot", monitor.put(new TextEncoder().encode("shel")), 4)).toBe(
      0xffff_ffff,
    );
  });

  test("tells quotas, digests and what the machine does at the end as the image says", async () => {
    const { uart, console, ...slots } = testImage.slots;
    const { monitor, model } = await start("", {
      ...testImage,
      slots: {
        ...slots,
        uart: { ...uart!, quota: { pages: 64, threads: 3, objects: 21 } },
        console: { ...console!, quota: { pages: 64, threads: 7, objects: 5 } },
      },
      onPanic: "reboot",
      pcid: "on",
    });
    model.slots.forEach(({ quotaThreads, quotaObjects, faultEndpoint }, i) =>
      expect(
        ["slotQuotaThreads", "slotQuotaObjects", "slotFaultEndpoint"].map((name) =>
          monitor.number(name, i),
        ),
      ).toEqual([quotaThreads, quotaObjects, faultEndpoint]),
    );
    expect(new Set(model.slots.map((slot) => slot.quotaObjects))).toEqual(new Set([8, 21, 5]));
    model.programs.forEach(({ digest, verified }, i) => {
      const address = monitor.number("programDigest", i);
      expect(new Uint8Array(monitor.memory.buffer, address, 32)).toEqual(digest);
      expect(monitor.number("programIsVerified", i)).toBe(verified ? 1 : 0);
    });
    expect(
      ["rebootsOnLoop", "rebootsOnPanic", "wantsPcid"].map((name) => monitor.number(name)),
    ).toEqual([0, 1, 1]);
  });

  test("accepts the most costly decision that the compiler accepts, and the compiler refuses the next", async () => {
    // One field and 2 bindings. One test costs 20.
    const room = Math.floor((COST_MAX - COST_BASE - COST_FIELD - 2 * 24) / 20);
    const condition = (tests: number) =>
      `code in { ${Array.from({ length: tests }, (_, i) => i * 2).join(", ")} }`;
    const policy = (tests: number) =>
      `allow Shell -> Files.Admin { shutdown } when ${condition(Math.min(tests, 150))}${tests > 150 ? `\nrequire Shell -> Files.Admin { shutdown } when ${condition(tests - 150)}` : ""}`;
    const { monitor, model } = await start(policy(room));
    const shell = model.classes.findIndex((known) => known?.name === "Shell");
    const message = {
      event: Event.Request,
      subject: shell,
      target: shell - 1,
      interfaceId: 0x104,
      method: 0,
      words: [2n],
      handles: [],
      arenaBytes: 0,
    } as const;
    expect(judge({ monitor } as Running, message)).toBe(Status.Ok);
    expect(judge({ monitor } as Running, { ...message, words: [1n] })).toBe(Status.Denied);
    const refused = await compileTest(policy(room + 1));
    expect(refused.diagnostics[0]?.message).toMatch(/may take \d+ instructions/);
  });
});

describe("with a guard switched off", () => {
  const guards = (off: string) =>
    ["SMEP", "SMAP", "NX", "RIGHTS", "TOKEN", "QUOTA", "VERDICT", "STRUCTURE", "DIGEST", "PORTS"]
      .map((name) => `export const GUARD_${name}: bool = ${String(name !== off)};`)
      .join("\n");
  const answers = async (off: string): Promise<readonly number[]> => {
    const { blob, model } = await compileTest("allow Shell -> Console { flush, write }");
    if (blob === undefined || model === undefined) throw new Error("no blob");
    const monitor = startMonitor(
      await compileMonitor({ keyRing: keyRingText([signer]), guards: guards(off) }),
    );
    const signed = signBlob(blob, signer);
    monitor.number("monitorLoad", monitor.put(signed), signed.length);
    const [shell, terminal, attack] = [36, 34, 37];
    const call = (subject: number, method: number, words: readonly bigint[]) =>
      monitor.judge({
        subjectClass: subject,
        targetClass: terminal,
        interfaceId: 0x101,
        method,
        words,
      });
    return [
      call(shell, 2, []),
      call(shell, 2, [0n]),
      call(attack, 2, []),
      monitor.number("judgePermission", 5, attack, 2, 1),
      monitor.number("judgeExecute", 5, attack, monitor.put(new Uint8Array(32))),
    ];
  };
  test.each([
    ["none", [Status.Ok, Status.Malformed, Status.Denied, Status.Denied, Status.Denied]],
    ["VERDICT", [Status.Ok, Status.Malformed, Status.Ok, Status.Ok, Status.Denied]],
    ["STRUCTURE", [Status.Ok, Status.Ok, Status.Denied, Status.Denied, Status.Denied]],
    ["DIGEST", [Status.Ok, Status.Malformed, Status.Denied, Status.Denied, Status.Ok]],
  ])("(%s) exactly what it stops succeeds", async (off, expected) => {
    expect(await answers(off)).toEqual(expected);
  });
});
