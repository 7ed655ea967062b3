/**
 * The shell in this process, with a small system around it: peers that answer for the console, the
 * supervisor, the echo service and the kernel, and what a person types.
 */
import { FaultKind } from "../../kernel/abi/fault.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { Status } from "../../kernel/abi/status.ts";
import Console from "../../services/interfaces/console.idl.ts";
import Echo from "../../services/interfaces/echo.idl.ts";
import Audit from "../../services/interfaces/kernel/audit.idl.ts";
import Policy from "../../services/interfaces/kernel/policy.idl.ts";
import Slots from "../../services/interfaces/kernel/slots.idl.ts";
import System from "../../services/interfaces/kernel/system.idl.ts";
import Trace from "../../services/interfaces/kernel/trace.idl.ts";
import Serial from "../../services/interfaces/serial.idl.ts";
import Supervisor from "../../services/interfaces/supervisor.idl.ts";
import { fakePeer, fails, refuses } from "./fake-peer.ts";
import { loadInNode, type NodeProgram, Waits } from "./service-in-node.ts";

/** The slots of the system, by their numbers. */
export const NAMES = ["supervisor", "serial", "console", "shell", "echo", "attacker", "intruder"];
const CLASSES = ["None", "Supervisor", "Uart", "Console", "Shell", "Echo", "Attacker", "Intruder"];
const READ_MAX = 64;
const SERIAL = 1;
const CONSOLE = 2;
const SHELL = 3;
export const ECHO = 4;
export const ATTACKER = 5;
export const INTRUDER = 6;

/** A system whose state a test sets before it types. */
export class ShellSystem {
  /** All that the shell has written, with its escape sequences. */
  shown = "";
  /** What is still to be typed; the console hands it over in these pieces. */
  private typed: string[] = [];
  signer: "development" | "release" = "development";
  readonly running = NAMES.map((_, slot) => slot < ATTACKER);
  readonly starts = NAMES.map((_, slot) => (slot < ATTACKER ? 1 : 0));
  readonly transfer: Record<
    "request" | "response" | "error",
    "none" | "allow" | "deny" | "depends"
  > = { request: "none", response: "none", error: "none" };
  readonly audit: {
    kind: number;
    subjectSlot: number;
    targetSlot: number;
    interfaceId: number;
    method: number;
    rule: number;
    line: number;
    detail: bigint;
    field?: number;
    mask?: bigint;
    timeNs?: bigint;
    targetClass?: number;
  }[] = [];
  readonly ended: string[] = [];
  /** What the attacker does once it is started: set by the test. */
  attackerActs: () => void = () => {};
  program!: NodeProgram;
  /** The number of the check at which a running command finds ^C; 0: none is typed. */
  interruptAt = 0;
  /** When a killed domain is started again; 0: at once. */
  backOffNs = 0n;
  /** Messages that a trace finds. */
  traced: Traced[] = [];

  readonly peers = {
    console: fakePeer(Console, {
      write: ({ text }) => void (this.shown += text),
      read: () => {
        const input = Buffer.from(this.typed.shift() ?? waits());
        if (input.length > READ_MAX) this.typed.unshift(input.toString("latin1", READ_MAX));
        return { data: input.subarray(0, READ_MAX) };
      },
      interrupted: ({ wait }) => {
        const typed = --this.interruptAt === 0;
        return typed || !wait ? { typed } : fails(Status.Timeout);
      },
    }),
    supervisor: fakePeer(Supervisor, {
      start: ({ slot }) => {
        if (this.running[slot]) refuses(Supervisor, "AlreadyRunning");
        this.running[slot] = true;
        this.starts[slot]!++;
        if (slot === ATTACKER || slot === INTRUDER) this.attackerActs();
      },
      kill: ({ slot }) => {
        if (!this.running[slot]) refuses(Supervisor, "NotRunning");
        if (this.backOffNs === 0n) this.starts[slot]!++;
      },
      stop: ({ slot }) => void (this.running[slot] = false),
      status: ({ slot }) => ({
        wanted: slot < ATTACKER,
        ended: "faulted" as const,
        faultKind: FaultKind.OutOfBounds,
        address: 0x8010_0000n,
        instruction: 0x10_0000_1000n,
        code: 0,
        restarts: 1,
        nextStartNs: this.backOffNs,
      }),
      place: ({ slot, instruction }) => ({
        text: slot === ATTACKER ? `steal (attacker.ts:${instruction})` : "",
      }),
      nextEvent: ({ from }) => {
        if (from > 2n) refuses(Supervisor, "NoEvent");
        const what = from === 2n ? ("faulted" as const) : ("started" as const);
        return {
          sequence: from === 0n ? 1n : from,
          timeNs: 5_000_000n,
          slot: 1,
          what,
          faultKind: FaultKind.NullReference,
          address: 16n,
          instruction: 0n,
          code: 1,
        };
      },
    }),
    echo: fakePeer(Echo, {
      words: (words) => (this.running[ECHO] ? words : fails(Status.Timeout)),
      nothing: () => {},
    }),
    slots: fakePeer(Slots, {
      count: () => ({ count: NAMES.length }),
      name: ({ slot }) => ({ text: NAMES[slot] ?? fails(Status.NotFound) }),
      find: ({ name }) => ({
        slot: NAMES.includes(name) ? NAMES.indexOf(name) : fails(Status.NotFound),
      }),
      describe: ({ slot }) => ({
        state: this.running[slot] ? ("running" as const) : ("empty" as const),
        classId: slot + 1,
        pagesUsed: 20 + slot,
        pagesQuota: 64,
        handlesUsed: 5,
        threads: 1,
        starts: this.starts[slot]!,
        verified: slot !== 4,
        restart: "always" as const,
        priority: 100,
        consumedNs: 1_500_000n,
        autostart: true,
        ended: "never" as const,
        endCode: 0,
      }),
      handleAt: ({ slot, index }) => {
        if (index > 7) fails(Status.NotFound);
        const type = index < 7 ? ObjectType.Domain : ObjectType.Endpoint;
        const [targetSlot, interfaceId] =
          slot === CONSOLE ? [SERIAL, Serial.id] : [CONSOLE, Console.id];
        return {
          index: Math.max(index, 1),
          type,
          rights: 7,
          targetSlot,
          interfaceId,
          badge: 0x2an,
          parent: 0,
        };
      },
    }),
    audit: fakePeer(Audit, {
      info: () => ({ next: BigInt(this.audit.length), oldest: 0n, lost: 3n }),
      read: ({ sequence }) => {
        const record = this.audit[Number(sequence)] ?? fails(Status.NotFound);
        return {
          sequence,
          timeNs: 1_000_000n,
          subjectClass: 1,
          targetClass: 2,
          repeats: 1,
          field: 0,
          mask: 0n,
          ...record,
        };
      },
      ruleText: ({ rule }) => ({
        text: `policy/modules/x.policy:${rule}: never Attacker -> Supervisor`,
      }),
    }),
    policy: fakePeer(Policy, {
      info: () => ({ version: 1n, epoch: 1, signer: this.signer, classes: 6, rules: 40 }),
      className: ({ classId }) => ({ text: CLASSES[classId] ?? fails(Status.NotFound) }),
      findClass: ({ name }) => ({
        classId: CLASSES.includes(name) ? CLASSES.indexOf(name) : fails(Status.NotFound),
      }),
      interfaceName: ({ interfaceId }) => ({
        text:
          interfaceId === 0x101
            ? "Console"
            : interfaceId === 0x7f0
              ? "Colours"
              : fails(Status.NotFound),
      }),
      methodName: ({ interfaceId, method }) => ({
        text:
          (interfaceId === 0x7f0 ? ["write", "wash"] : ["write", "read"])[method] ??
          fails(Status.NotFound),
      }),
      interfaceAt: ({ classId, index }) => ({
        interfaceId:
          (classId === CLASSES.indexOf("Console") ? [0x101, 0x101, 0x7f0][index] : undefined) ??
          fails(Status.NotFound),
      }),
      findMethod: ({ name }) =>
        name === "write" ? { interfaceId: 0x101, method: 0 } : fails(Status.NotFound),
      query: ({ subjectClass, event }) => {
        const isAllowed = subjectClass === 4 || (subjectClass === 2 && event === "request");
        const transfer = this.transfer[event];
        return {
          verdict: isAllowed ? ("allow" as const) : ("deny" as const),
          rule: 7,
          line: isAllowed ? 12 : 0,
          transfer,
          missingClass: transfer === "deny" ? 3 : 0,
        };
      },
    }),
    trace: fakePeer(Trace, { start: () => {}, stop: () => {}, next: () => this.nextMessage() }),
    system: fakePeer(System, {
      memory: () => ({
        totalPages: 32768n,
        freePages: 30000n,
        kernelPages: 512n,
        imagePages: 200n,
      }),
      bootLine: () => ({ text: "nx smep smap; unanchored; development key" }),
      shutdown: () => void this.ended.push("shutdown"),
      reboot: () => void this.ended.push("reboot"),
    }),
  };

  /**
   * Starts the shell, types the pieces, and returns what was shown, without colours and without the
   * redrawing of the line being edited.
   */
  async type(...pieces: readonly string[]): Promise<string> {
    this.typed = [...pieces];
    this.program = await loadInNode("services/shell", { peers: this.peers, slot: SHELL });
    this.program.run();
    return this.text;
  }

  /** What was shown, as `type` returns it. */
  get text(): string {
    const withoutPrompts = this.shown.replaceAll(
      /\r\x1b\[1mtrine> \x1b\[0m.*?\x1b\[K\r\x1b\[\d+C/g,
      "",
    );
    return withoutPrompts.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "");
  }

  /** The line being edited when it was entered, as the last redrawing shows it. */
  get lastLine(): string {
    return [...this.shown.matchAll(/trine> \x1b\[0m(.*?)\x1b\[K/g)].at(-2)?.[1] ?? "";
  }

  private nextMessage() {
    const { words = [], arena = "", ...rest } = this.traced.shift() ?? fails(Status.NotFound);
    const data = Buffer.concat([
      Buffer.from(BigUint64Array.from(words.slice(0, 16)).buffer),
      Buffer.from(arena).subarray(0, 80),
    ]);
    return {
      timeNs: this.program.nowNs - 999_600_000n,
      kind: 0,
      from: 3,
      to: 2,
      outcome: Status.Ok,
      words: words.length,
      handles: 0,
      arenaLength: arena.length,
      ...rest,
      data,
    };
  }
}

/** A message as a test gives it to the trace. */
export interface Traced {
  readonly header: number;
  readonly kind?: number;
  readonly words?: readonly bigint[];
  readonly arena?: string;
  readonly outcome?: Status;
}

function waits(): never {
  throw new Waits("nothing more is typed");
}
