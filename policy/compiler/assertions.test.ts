// `never` and `expect` against the kernel's monitor: random policies are compiled and loaded, every
// question that a statement implies is put to the monitor, one by one, and the compiler must have
// said the same of the statement. What a kernel method shows stands here once more.
import { beforeAll, expect, test } from "vitest";
import { Event } from "../../kernel/abi/event.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { Permission } from "../../kernel/abi/permission.ts";
import { Status } from "../../kernel/abi/status.ts";
import { type Monitor, compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { compileTest } from "../../tests/support/policy-system.ts";
import { testSigner } from "../../tests/support/test-signer.ts";
import { keyRingText } from "../../toolchain/keys/key-ring.ts";
import { signBlob } from "../../toolchain/keys/sign-blob.ts";
import type { Field, Interface, Method, Model } from "./model.ts";
import { PERMISSION_NAMES } from "./model.ts";

const POLICIES = 45;
const STATEMENTS = 24;
const CLASSES = ["Supervisor", "Uart", "Console", "Files", "Shell", "Attack"];
/** Who serves what in the test system. */
const SERVED: readonly (readonly [string, string])[] = [
  ["Uart", "Uart"],
  ["Console", "Console"],
  ["Files", "Files"],
  ["Files", "Admin"],
];
const KERNEL: Readonly<Record<string, readonly string[]>> = {
  Domain: ["exit", "createMemory", "revoke", "info"],
  Memory: ["info", "seal", "step"],
  Notice: ["signal"],
  Inbox: ["info", "bindEndpoint"],
  Audit: ["info", "read", "ruleText"],
  Slots: ["count", "describe", "handleAt", "start", "stop"],
  Log: ["write"],
  Trace: ["start", "stop", "next"],
  System: ["memory", "shutdown", "bootLine"],
};
const SINKS = ["Audit", "Trace", "Log", "Slots", "System"];
/** What a method shows of a sink, does to all domains, and so on: as its kernel code does it. */
const SHOWS = [
  "Audit.info",
  "Audit.read",
  "Slots.describe",
  "Slots.handleAt",
  "Slots.start",
  "Slots.stop",
  "System.memory",
  "Trace.next",
];
const STARTS = ["Slots.start", "Slots.stop", "System.shutdown", "System.reboot"];
const READS_OBJECT = ["Memory.info", "Memory.seal", "Memory.step", "Inbox.info"];
const WRITES_OBJECT = ["Memory.seal", "Notice.signal", "Inbox.bindEndpoint"];

const signer = testSigner(5);
let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await compileMonitor({ keyRing: keyRingText([signer]) });
});

class Random {
  private state: number;
  constructor(seed: number) {
    this.state = (seed * 2654435761) >>> 0 || 1;
  }
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>>= 0) % limit;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
  some<T>(from: readonly T[], most: number): readonly T[] {
    return [...new Set(Array.from({ length: 1 + this.below(most) }, () => this.pick(from)))];
  }
}

/** Asks the monitor of one loaded policy. */
class Oracle {
  private readonly monitor: Monitor;
  readonly model: Model;

  constructor(blob: Uint8Array<ArrayBuffer>, model: Model) {
    this.model = model;
    this.monitor = startMonitor(wasm);
    const signed = signBlob(blob, signer);
    expect(this.monitor.number("monitorLoad", this.monitor.put(signed), signed.length)).toBe(0);
    this.monitor.run("auditReset");
  }

  id(name: string): number {
    return this.model.classes.findIndex((known) => known?.name === name);
  }

  interface(name: string): Interface {
    return this.model.interfaces.find((known) => known.name === name)!;
  }

  interfacesOf(target: string): readonly Interface[] {
    if (target.startsWith("kernel."))
      return this.model.interfaces.filter((known) => known.name === target.slice(7));
    return SERVED.filter(([name]) => name === target).map(([, targetInterface]) =>
      this.interface(targetInterface),
    );
  }

  mayCall(subject: string, target: string, targetInterface: Interface, method: Method): boolean {
    return (
      this.monitor.judgeEarly({
        subjectClass: this.id(subject),
        targetClass: this.id(target),
        interfaceId: targetInterface.id,
        method: method.number,
      }) === Status.Ok
    );
  }

  permits(subject: string, target: string, permission: Permission): boolean {
    return this.monitor.number("permits", this.id(subject), this.id(target), permission) === 1;
  }

  /**
   * Judges a message with zeros in its words and handles to objects of these classes; endpoints
   * have that of `owner`.
   */
  judge(
    event: Event,
    subject: string,
    target: string,
    targetInterface: Interface,
    method: Method,
    owner: string,
  ): boolean {
    const fields =
      event === Event.Error ? [] : event === Event.Request ? method.request : method.response;
    const words = fields.filter((field) => field.kind !== "handle").map(() => 0n);
    const handles = fields
      .filter((field) => field.kind === "handle")
      .map((field) => {
        const type = Number(field.max);
        return type < 16
          ? { type, interfaceId: 0, objectClass: type }
          : { type: ObjectType.Endpoint, interfaceId: type, objectClass: this.id(owner) };
      });
    const status = this.monitor.judge({
      event,
      subjectClass: this.id(subject),
      targetClass: this.id(target),
      interfaceId: targetInterface.id,
      method: method.number,
      words: event === Event.Error ? [1n] : words,
      handles,
    });
    expect([Status.Ok, Status.Denied]).toContain(status);
    return status === Status.Ok;
  }

  /** Whether that event can be granted with some handles. */
  canBe(
    event: Event,
    subject: string,
    target: string,
    targetInterface: Interface,
    method: Method,
  ): boolean {
    return CLASSES.some((owner) =>
      this.judge(event, subject, target, targetInterface, method, owner),
    );
  }

  /** The event is let through by the rules, its handles aside. */
  isAllowedByRules(
    event: Event,
    subject: string,
    target: string,
    targetInterface: Interface,
    method: Method,
  ): boolean {
    if (event === Event.Request) return this.mayCall(subject, target, targetInterface, method);
    return (
      this.monitor.number(
        "queryVerdict",
        this.id(subject),
        this.id(target),
        targetInterface.id,
        method.number,
        event,
      ) === 1
    );
  }
}

// What is true of information, edge by edge, by asking of everything.

type Edges = Set<string>;

function edges(oracle: Oracle): { readonly flows: Edges; readonly objects: Edges } {
  const flows: Edges = new Set();
  const objects: Edges = new Set();
  const add = (from: string, to: string): void => void (from !== to && flows.add(`${from}>${to}`));
  const calls = (subject: string, name: string): boolean => {
    const [kernelClass = "", methodName] = name.split(".");
    const targetInterface = oracle.interface(kernelClass);
    const method = targetInterface.methods.find((known) => known.name === methodName);
    return (
      method !== undefined &&
      oracle.mayCall(subject, `kernel.${kernelClass}`, targetInterface, method)
    );
  };
  for (const s of CLASSES) {
    for (const sink of SINKS) add(s, sink);
    // Slot 0 hears of every end.
    add(s, "Supervisor");
    for (const name of SHOWS) if (calls(s, name)) add(name.split(".")[0]!, s);
    if (STARTS.some((name) => calls(s, name))) for (const t of CLASSES) add(s, t);
    for (const [t, interfaceName] of SERVED) {
      const targetInterface = oracle.interface(interfaceName);
      for (const method of targetInterface.methods) {
        if (!oracle.mayCall(s, t, targetInterface, method)) continue;
        add(s, t);
        const speaks =
          (method.response.length > 0 &&
            oracle.isAllowedByRules(Event.Response, s, t, targetInterface, method)) ||
          (targetInterface.errors.length > 0 &&
            oracle.isAllowedByRules(Event.Error, s, t, targetInterface, method));
        if (speaks) add(t, s);
      }
    }
  }
  for (const type of [ObjectType.Memory, ObjectType.Notice, ObjectType.Inbox, 0x101]) {
    for (const maker of CLASSES) {
      const holders = holdersOf(oracle, maker, type);
      if (calls(maker, "Domain.revoke")) for (const holder of holders) add(maker, holder);
      if (type > 15 || holders.size < 2) continue;
      const kernelClass = ObjectType[type]!;
      const over = `kernel.${kernelClass}`;
      const [write, read] =
        type === ObjectType.Memory
          ? [Permission.MapWrite, Permission.MapRead]
          : type === ObjectType.Notice
            ? [Permission.Signal]
            : [];
      for (const w of holders) {
        const writes =
          (write !== undefined && oracle.permits(w, over, write)) ||
          WRITES_OBJECT.some((name) => name.startsWith(`${kernelClass}.`) && calls(w, name));
        for (const r of holders) {
          if (w === r) continue;
          const reads =
            (read !== undefined && oracle.permits(r, over, read)) ||
            READS_OBJECT.some((name) => name.startsWith(`${kernelClass}.`) && calls(r, name)) ||
            (type === ObjectType.Notice && r === maker);
          if (reads && writes) objects.add(`${w}>${r}`);
          if (reads && (writes || (type === ObjectType.Inbox && w === maker))) add(w, r);
        }
      }
    }
  }
  return { flows, objects };
}

/** The classes that can come to hold a handle to an object that `maker` made. */
function holdersOf(oracle: Oracle, maker: string, type: number): ReadonlySet<string> {
  const carries = (fields: readonly Field[]): boolean =>
    fields.some((field) => field.kind === "handle" && field.max === BigInt(type));
  const maySend = (sender: string): boolean =>
    type > 15 || oracle.permits(sender, `kernel.${ObjectType[type]}`, Permission.Transfer);
  const holders = new Set([maker]);
  for (let before = 0; before !== holders.size; ) {
    before = holders.size;
    for (const s of CLASSES) {
      for (const [t, interfaceName] of SERVED) {
        const targetInterface = oracle.interface(interfaceName);
        for (const method of targetInterface.methods.filter((known) =>
          oracle.mayCall(s, t, targetInterface, known),
        )) {
          if (holders.has(s) && carries(method.request) && maySend(s)) holders.add(t);
          if (
            holders.has(t) &&
            carries(method.response) &&
            maySend(t) &&
            oracle.isAllowedByRules(Event.Response, s, t, targetInterface, method)
          )
            holders.add(s);
        }
      }
    }
  }
  return holders;
}

/** Every path, one step longer each time. */
function flowsTo(flows: Edges, from: string, to: string, through: readonly string[]): boolean {
  const pairs = [...flows].map((edge) => edge.split(">") as [string, string]);
  const reached = new Set([from]);
  for (let before = 0; before !== reached.size; ) {
    before = reached.size;
    for (const [a, b] of pairs) if (reached.has(a) && !through.includes(a)) reached.add(b);
  }
  return reached.has(to);
}

// Random policies and statements, each with what it must come to.

function randomPolicy(random: Random, oracle: Pick<Oracle, "model">): string {
  const lines: string[] = [];
  for (let i = 0; i < 7 + random.below(8); i++) {
    const subject =
      random.below(8) === 0 ? `any except ${random.pick(CLASSES)}` : random.pick(CLASSES);
    const kind = random.below(7);
    if (kind < 3) {
      const [target, interfaceName] = random.pick(SERVED);
      const methods = oracle.model.interfaces
        .find((known) => known.name === interfaceName)!
        .methods.map((method) => method.name);
      const events = random.pick([
        "",
        "",
        "request ",
        "request, response ",
        "request, error ",
        "response ",
      ]);
      lines.push(
        `allow ${events}${subject} -> ${target}.${interfaceName} { ${random.some(methods, 2).join(", ")} }`,
      );
    } else if (kind < 5) {
      const target = random.pick(Object.keys(KERNEL));
      lines.push(
        `allow ${subject} -> kernel.${target} { ${random.some(KERNEL[target]!, 2).join(", ")} }`,
      );
    } else {
      lines.push(
        `grant ${subject} -> ${random.pick(["kernel.Memory", "kernel.Memory", "kernel.Notice", "kernel.Inbox", ...CLASSES])} { ${random.some(["transfer", "transfer", "copy", "map_read", "map_write", "signal", "bind"], 3).join(", ")} }`,
      );
    }
  }
  return lines.join("\n");
}

interface Statement {
  readonly text: string;
  readonly holds: boolean;
}

function randomStatement(
  random: Random,
  oracle: Oracle,
  known: ReturnType<typeof edges>,
): Statement {
  const kind = random.below(8);
  if (kind < 3) return neverMessage(random, oracle, known.objects);
  if (kind === 3) return neverGrant(random, oracle);
  if (kind < 6) return neverFlow(random, known.flows);
  return expectation(random, oracle);
}

function randomSubjects(random: Random): {
  readonly text: string;
  readonly names: readonly string[];
} {
  if (random.below(5) === 0) return { text: "any", names: CLASSES };
  const names = random.some(CLASSES, 3);
  if (random.below(4) === 0)
    return {
      text: `any except { ${names.join(", ")} }`,
      names: CLASSES.filter((name) => !names.includes(name)),
    };
  return { text: `{ ${names.join(", ")} }`, names };
}

function neverMessage(random: Random, oracle: Oracle, objects: Edges): Statement {
  const subjects = randomSubjects(random);
  const entries = Array.from({ length: 1 + random.below(3) }, () => {
    const target =
      random.below(3) === 0 ? `kernel.${random.pick(Object.keys(KERNEL))}` : random.pick(CLASSES);
    const targetInterface = random.pick(oracle.interfacesOf(target));
    const depth = targetInterface === undefined ? 0 : random.below(3);
    const method = targetInterface === undefined ? undefined : random.pick(targetInterface.methods);
    const text =
      depth === 0
        ? target
        : depth === 1
          ? `${target}.${targetInterface!.name}`
          : `${target}.${targetInterface!.name}.${method!.name}`;
    return {
      target,
      text,
      targetInterface: depth > 0 ? targetInterface : undefined,
      method: depth > 1 ? method : undefined,
    };
  });
  const isBroken = subjects.names.some((subject) =>
    entries.some(({ target, targetInterface, method }) => {
      const interfaces =
        targetInterface === undefined ? oracle.interfacesOf(target) : [targetInterface];
      if (
        interfaces.some((one) =>
          one.methods.some(
            (each) =>
              (method === undefined || each.name === method.name) &&
              oracle.mayCall(subject, target, one, each),
          ),
        )
      )
        return true;
      if (targetInterface !== undefined) return false;
      return (
        PERMISSION_NAMES.some((_, permission) => oracle.permits(subject, target, permission)) ||
        objects.has(`${subject}>${target}`)
      );
    }),
  );
  return {
    text: `never ${subjects.text} -> { ${entries.map((entry) => entry.text).join(", ")} }`,
    holds: !isBroken,
  };
}

function neverGrant(random: Random, oracle: Oracle): Statement {
  const subjects = randomSubjects(random);
  const targets = random.some(["kernel.Memory", "kernel.Notice", ...CLASSES], 3);
  const wanted = random.some(["transfer", "copy"], 2);
  const isBroken = subjects.names.some((subject) =>
    targets.some((target) =>
      wanted.some((name) =>
        oracle.permits(subject, target, PERMISSION_NAMES.indexOf(name as "copy")),
      ),
    ),
  );
  return {
    text: `never grant ${subjects.text} -> { ${targets.join(", ")} } { ${wanted.join(", ")} }`,
    holds: !isBroken,
  };
}

function neverFlow(random: Random, flows: Edges): Statement {
  const shuffled = [...CLASSES].sort(() => random.below(3) - 1);
  const from = shuffled.slice(0, 1 + random.below(2));
  const to = random.below(6) === 0 ? [random.pick(SINKS)] : shuffled.slice(2, 3 + random.below(2));
  const through =
    random.below(3) === 0
      ? []
      : [
          ...shuffled.slice(4, 4 + random.below(3)),
          ...SINKS.filter((sink) => !to.includes(sink) && random.below(2) === 0),
        ];
  const written = (names: readonly string[]): string =>
    `{ ${names.map((name) => (SINKS.includes(name) ? `kernel.${name}` : name)).join(", ")} }`;
  const isBroken = from.some((a) => to.some((b) => flowsTo(flows, a, b, through)));
  return {
    text: `never flow ${written(from)} -> ${written(to)}${through.length === 0 ? "" : ` except through ${written(through)}`}`,
    holds: !isBroken,
  };
}

function expectation(random: Random, oracle: Oracle): Statement {
  const all = SERVED.flatMap(([target, name]) =>
    oracle.interface(name).methods.flatMap((method) =>
      CLASSES.map((subject) => ({
        target,
        targetInterface: oracle.interface(name),
        method,
        subject,
      })),
    ),
  );
  // Half of them about what may be asked, which little is.
  const asked = all.filter(({ target, targetInterface, method, subject }) =>
    oracle.mayCall(subject, target, targetInterface, method),
  );
  const { target, targetInterface, method, subject } = random.pick(
    asked.length > 0 && random.below(2) === 0 ? asked : all,
  );
  const wantsAllowed = random.below(2) === 0;
  const event = random.pick([
    "",
    "request ",
    "response ",
    ...(targetInterface.errors.length > 0 ? ["error "] : []),
  ]);
  const number =
    event === "response " ? Event.Response : event === "error " ? Event.Error : Event.Request;
  const endpoint = (
    number === Event.Response ? method.response : number === Event.Request ? method.request : []
  ).find((field) => field.kind === "handle" && field.max > 15n);
  const named = endpoint !== undefined && random.below(2) === 0 ? random.pick(CLASSES) : undefined;
  const verdicts = new Map(
    CLASSES.map((owner) => [
      owner,
      oracle.judge(number, subject, target, targetInterface, method, owner),
    ]),
  );
  const owners = named === undefined ? CLASSES : [named];
  const servers = SERVED.filter(
    ([, served]) => endpoint !== undefined && endpoint.max === BigInt(oracle.interface(served).id),
  ).map(([name]) => name);
  const isDenied = owners.every((owner) => verdicts.get(owner) === false);
  const isAllowed =
    !isDenied &&
    (named === undefined && endpoint !== undefined ? servers : owners).every(
      (owner) => verdicts.get(owner) === true,
    );
  const isAnswered =
    event !== "" || oracle.canBe(Event.Response, subject, target, targetInterface, method);
  const text = `expect ${wantsAllowed ? "allow" : "deny"} ${event}${subject} -> ${target}.${targetInterface.name}.${method.name}${named === undefined ? "" : `(${endpoint!.name} = ${named})`}`;
  return { text, holds: wantsAllowed ? isAllowed && isAnswered : isDenied };
}

test(`the compiler says of ${POLICIES * STATEMENTS} random statements what the monitor's answers come to`, async () => {
  const { model } = await compileTest("");
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= POLICIES; seed++) {
    const random = new Random(seed);
    const policy = randomPolicy(random, { model: model! });
    const compiled = await compileTest(policy);
    if (compiled.blob === undefined || compiled.model === undefined)
      throw new Error(`${policy}\n${JSON.stringify(compiled.diagnostics)}`);
    const oracle = new Oracle(compiled.blob, compiled.model);
    const known = edges(oracle);
    const statements = Array.from({ length: STATEMENTS }, () =>
      randomStatement(random, oracle, known),
    );
    const firstLine = policy.split("\n").length + 2;
    // In parts, so that no statement's mistakes are beyond those that are told.
    const broken = new Set<number>();
    for (let at = 0; at < STATEMENTS; at += 4) {
      const part = statements.slice(at, at + 4);
      const { diagnostics } = await compileTest(
        `${policy}\n${part.map(({ text }) => text).join("\n")}`,
      );
      for (const { line, message } of diagnostics) {
        expect(message).not.toContain("more mistakes");
        broken.add((line ?? 0) - firstLine + at);
      }
    }
    statements.forEach(({ text, holds }, i) => {
      expect(!broken.has(i), `seed ${seed}: \`${text}\` in\n${policy}`).toBe(holds);
      const key = `${text
        .split(" ")
        .slice(0, 2)
        .join(" ")
        .replace(/never (?!flow|grant).*/, "never")} ${holds}`;
      counts[key] = (counts[key] ?? 0) + 1;
    });
  }
  // Each kind has come out both ways, often enough.
  for (const kind of ["never", "never flow", "never grant", "expect allow", "expect deny"]) {
    for (const holds of [true, false])
      expect(
        counts[`${kind} ${holds}`] ?? 0,
        `${kind} ${holds} of ${JSON.stringify(counts)}`,
      ).toBeGreaterThan(15);
  }
});
