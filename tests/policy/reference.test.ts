// The compiler and the kernel's monitor against a reference written from the language page alone:
// random policies and messages. `trine soak --slice policy-reference` has as many as one likes.
import { beforeAll, expect, test } from "vitest";
import { Event } from "../../kernel/abi/event.ts";
import { Status } from "../../kernel/abi/status.ts";
import type { CompiledSystem } from "../../policy/compiler/compile.ts";
import { Random } from "../../toolchain/fuzz/random.ts";
import { keyRingText } from "../../toolchain/keys/key-ring.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { REFERENCE_SEED } from "../../toolchain/soak/policy-reference.ts";
import { type Monitor, compileMonitor, startMonitor } from "../support/load-monitor.ts";
import {
  adminInterface,
  compileTest,
  consoleInterface,
  filesInterface,
  uartInterface,
} from "../support/policy-system.ts";
import { testSigner } from "../support/test-signer.ts";
import { PolicyGenerator, rangeOf } from "./random-policy.ts";
import { type Message, Reference, type World, fieldsOf } from "./reference.ts";
import { type EventName, printExpectation, printPolicy } from "./statements.ts";

const seed = process.env[REFERENCE_SEED];
/** A seed of the soak has ten times as many. */
const POLICIES = seed === undefined ? 12 : 100;
const MESSAGES = seed === undefined ? 500 : 1_000;
const EXPECTATIONS = 40;
/** Of the first statement: the classes stand before. */
const FIRST_LINE = 2;
/** Of audit records. */
const GRANTED = 7;

const world: World = {
  classes: ["Supervisor", "Uart", "Console", "Files", "Shell", "Attack"],
  interfaces: [consoleInterface, uartInterface, filesInterface, adminInterface],
  servers: new Map([
    ["Console", ["Console"]],
    ["Uart", ["Uart"]],
    ["Files", ["Files"]],
    ["Admin", ["Files"]],
  ]),
};
const served = [
  { target: "Uart", interfaceName: "Uart" },
  { target: "Console", interfaceName: "Console" },
  { target: "Files", interfaceName: "Files" },
  { target: "Files", interfaceName: "Admin" },
];
const EVENTS = { request: Event.Request, response: Event.Response, error: Event.Error } as const;
const KERNEL_TYPES: Readonly<Record<string, number>> = { Memory: 2, Notice: 5 };
const ENDPOINT = 4;

const signer = testSigner(3);
let wasm: Uint8Array;
beforeAll(async () => void (wasm = await compileMonitor({ keyRing: keyRingText([signer]) })));

interface Running {
  readonly monitor: Monitor;
  readonly classId: (name: string) => number;
}

function start(system: CompiledSystem): Running {
  const monitor = startMonitor(wasm);
  const signed = signBlob(system.blob!, signer);
  expect(monitor.number("monitorLoad", monitor.put(signed), signed.length)).toBe(0);
  monitor.run("auditStart");
  return {
    monitor,
    classId: (name) => system.model!.classes.findIndex((known) => known?.name === name),
  };
}

/** Where a method's number is its place in the description. */
function numbers(message: { readonly interfaceName: string; readonly method: string }) {
  const known = world.interfaces.find(({ name }) => name === message.interfaceName)!;
  return { interfaceId: known.id, method: Object.keys(known.methods).indexOf(message.method) };
}

/** The message as it travels; some of those that the interface does not let through. */
function travelling(message: Message, { classId }: Running, random: Random) {
  const fields = fieldsOf(world, message.interfaceName, message.method, message.event);
  const words: bigint[] = [];
  const handles: { type: number; interfaceId: number; objectClass: number }[] = [];
  let arenaBytes = 0;
  for (const [field, type] of fields) {
    if (type.kind === "handle") {
      const object = message.objects.get(field)!;
      const known = world.interfaces.find(({ name }) => name === type.to);
      handles.push({
        type: known === undefined ? KERNEL_TYPES[type.to]! : ENDPOINT,
        interfaceId: known?.id ?? 0,
        objectClass: classId(object),
      });
    } else if (type.kind === "bytes" || type.kind === "text") {
      const length = message.values.get(field)!;
      words.push((length << 32n) | BigInt(arenaBytes));
      arenaBytes += Number(length);
    } else {
      words.push(BigInt.asUintN(64, message.values.get(field)!));
    }
  }
  const isMalformed = random.chance(4) && spoil();
  return { message: { ...message, isMalformed }, words, handles, arenaBytes };

  function spoil(): boolean {
    const at = fields.findIndex(([, { kind }]) => kind !== "handle");
    const type = fields[at]?.[1];
    switch (random.below(4)) {
      case 0:
        words.push(0n);
        return true;
      case 1:
        handles.push({ type: 2, interfaceId: 0, objectClass: 2 });
        return true;
      case 2:
        if (handles.length === 0) return false;
        handles[0]!.type = 6;
        return true;
      default: {
        if (type === undefined || at !== 0) return false;
        const [low, high] = rangeOf(type);
        if (high >= (1n << 63n) - 1n) return false;
        const isText = type.kind === "bytes" || type.kind === "text";
        words[0] = isText
          ? (high + 1n) << 32n
          : BigInt.asUintN(64, low < 0n && random.chance(50) ? low - 1n : high + 1n);
        return true;
      }
    }
  }
}

async function run(seedOfRun: number): Promise<ReadonlyMap<string, number>> {
  const random = new Random(seedOfRun);
  const generator = new PolicyGenerator(world, served, random);
  const seen = new Map<string, number>();
  const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let policy = 0; policy < POLICIES; policy++) {
    const statements = generator.statements();
    const text = printPolicy(statements);
    const where = (): string => `seed ${seedOfRun}, policy ${policy}:\n${text}\n`;
    const system = await compileTest(text);
    if (system.blob === undefined) {
      // Some have too many conditions for one decision.
      for (const diagnostic of system.diagnostics)
        expect(diagnostic.message, where()).toMatch(/may take \d+ instructions/);
      count("too costly");
      continue;
    }
    const reference = new Reference(world, statements, FIRST_LINE);
    const running = start(system);
    compareWhy(reference, running, where, count);
    for (let i = 0; i < MESSAGES; i++) {
      const sent = travelling(generator.message(statements), running, random);
      compareVerdict(reference, running, sent, where, count);
    }
    await compareExpectations(reference, generator, statements, where, count);
  }
  return seen;
}

type Count = (what: string) => void;

function compareVerdict(
  reference: Reference,
  { monitor, classId }: Running,
  { message, words, handles, arenaBytes }: ReturnType<typeof travelling>,
  where: () => string,
  count: Count,
): void {
  const wanted = reference.judge(message);
  const before = monitor.big("auditNext");
  const status = monitor.judge({
    ...numbers(message),
    event: EVENTS[message.event],
    subjectClass: classId(message.subject),
    targetClass: classId(message.target),
    words,
    handles,
    arenaBytes,
  });
  const found: string[] = [];
  for (let at = before; at < monitor.big("auditNext"); at++) {
    const record = monitor.auditRecord(at)!;
    found.push(`${record.kind === GRANTED ? "granted" : "denied"} ${record.line}`);
  }
  const told = [`status ${Status[status]}`, ...(wanted.kind === "malformed" ? [] : found)];
  const [name, records] =
    wanted.kind === "granted"
      ? ["Ok", wanted.recorded.map((line) => `granted ${line}`)]
      : wanted.kind === "denied"
        ? ["Denied", [`denied ${wanted.line ?? 0}`]]
        : ["Malformed", []];
  const show = (): string =>
    `${where()}${JSON.stringify({ ...message, values: [...message.values].map(String), objects: [...message.objects] })}`;
  if (told.join() !== [`status ${name}`, ...records].join())
    expect(told, show()).toEqual([`status ${name}`, ...records]);
  const kind =
    wanted.kind === "denied" && wanted.line !== undefined ? "denied by a rule" : wanted.kind;
  count(`${message.event} ${kind}`);
  if (records.length > 1 && wanted.kind === "granted") count("several records");
}

function compareWhy(
  reference: Reference,
  { monitor, classId }: Running,
  where: () => string,
  count: Count,
): void {
  for (const subject of world.classes) {
    for (const { target, interfaceName } of served) {
      const known = world.interfaces.find(({ name }) => name === interfaceName)!;
      const bits = monitor.big("verdictBits", classId(subject), classId(target), known.id);
      for (const [number, method] of Object.keys(known.methods).entries()) {
        const call = { subject, target, interfaceName, method };
        const isCached = ((bits >> BigInt(number)) & 1n) === 1n;
        if (isCached !== reference.isCached(call))
          expect(isCached, `${where()}cached: ${JSON.stringify(call)}`).toBe(!isCached);
        count(isCached ? "cached" : "not cached");
        for (const event of Object.keys(EVENTS) as EventName[]) {
          const question = [classId(subject), classId(target), known.id, number, EVENTS[event]];
          const verdict = ["denied", "allowed", "depends"][
            monitor.number("queryVerdict", ...question)
          ];
          const line = monitor.number("ruleLine", monitor.number("queryRule", ...question));
          const wanted = reference.why(call, event);
          const wantedLine = wanted.kind === "denied" ? 0 : wanted.line;
          if (verdict !== wanted.kind || line !== wantedLine)
            expect(
              { kind: verdict, line },
              `${where()}${event} of ${JSON.stringify(call)}`,
            ).toEqual(wanted);
          count(`why ${wanted.kind}`);
        }
      }
    }
  }
}

async function compareExpectations(
  reference: Reference,
  generator: PolicyGenerator,
  statements: ReturnType<PolicyGenerator["statements"]>,
  where: () => string,
  count: Count,
): Promise<void> {
  const expectations = Array.from({ length: EXPECTATIONS }, () =>
    generator.expectation(statements),
  );
  const lines = expectations.map((expectation) => printed(expectation));
  const { diagnostics } = await compileTest(`${printPolicy(statements)}\n${lines.join("\n")}`);
  const failing = diagnostics
    .filter(({ severity }) => severity === "error")
    .map((diagnostic) => {
      expect(diagnostic.message, `${where()}${formatDiagnostic(diagnostic)}`).toContain(
        "does not hold",
      );
      return diagnostic.line! - FIRST_LINE - statements.length;
    });
  for (const [i, expectation] of expectations.entries()) {
    const holds = reference.holds(expectation);
    count(`expect ${expectation.allow ? "allow" : "deny"} ${holds ? "holds" : "fails"}`);
    if (failing.includes(i) === holds) expect(!holds, `${where()}${lines[i]}`).toBe(holds);
  }
}

function printed(expectation: Parameters<typeof printExpectation>[0]): string {
  const fields = fieldsOf(
    world,
    expectation.interfaceName,
    expectation.method,
    expectation.event ?? "request",
  );
  const lengths = new Set<string>();
  const names = new Map<string, readonly string[]>();
  for (const [field, type] of fields) {
    if (type.kind === "bytes" || type.kind === "text") lengths.add(field);
    if (type.kind === "enumeration") names.set(field, type.names);
    if (type.kind === "scalar" && type.name === "bool") names.set(field, ["false", "true"]);
  }
  return printExpectation(expectation, lengths, names);
}

test("random policies mean what the language page says: verdicts, lines, records, cached bits, why, expect", async () => {
  const seen = await run(seed === undefined ? 8 : Number(seed));
  for (const kind of [
    "request granted",
    "request denied",
    "request denied by a rule",
    "request malformed",
    "response granted",
    "response denied",
    "response denied by a rule",
    "error granted",
    "error denied",
    "error denied by a rule",
    "several records",
    "cached",
    "not cached",
    "why denied",
    "why allowed",
    "why depends",
    "expect allow holds",
    "expect allow fails",
    "expect deny holds",
    "expect deny fails",
  ])
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(10);
});
