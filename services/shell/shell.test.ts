import { beforeEach, expect, test } from "vitest";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { ObjectType } from "../../kernel/abi/object.ts";
import { Status } from "../../kernel/abi/status.ts";
import { fails, fakePeer, refuses } from "../../tests/support/fake-peer.ts";
import { loadInNode, type NodeProgram, Waits } from "../../tests/support/service-in-node.ts";
import AttackPlan from "../interfaces/attack-plan.idl.ts";
import Console from "../interfaces/console.idl.ts";
import Echo from "../interfaces/echo.idl.ts";
import Audit from "../interfaces/kernel/audit.idl.ts";
import Policy from "../interfaces/kernel/policy.idl.ts";
import Slots from "../interfaces/kernel/slots.idl.ts";
import System from "../interfaces/kernel/system.idl.ts";
import Trace from "../interfaces/kernel/trace.idl.ts";
import Supervisor from "../interfaces/supervisor.idl.ts";

const NAMES = ["supervisor", "serial", "console", "shell", "echo", "attacker", "intruder"];
const CLASSES = ["None", "Supervisor", "Uart", "Console", "Shell", "Echo", "Attacker", "Intruder"];
const READ_MAX = 64;
const ATTACKER = 5;
const INTRUDER = 6;
const ATTEMPTS = AttackPlan.methods.next.returns.attempt.names;

/** A small system around the shell. What is typed comes byte by byte or in the pieces of `typed`. */
class System_ {
  shown = "";
  typed: string[] = [];
  signer: "development" | "release" = "development";
  readonly running = NAMES.map((_, slot) => slot < ATTACKER);
  readonly starts = NAMES.map((_, slot) => (slot < ATTACKER ? 1 : 0));
  readonly audit: { kind: number; subjectSlot: number; targetSlot: number; interfaceId: number; method: number; rule: number; line: number; detail: bigint; targetClass?: number }[] = [];
  readonly ended: string[] = [];
  /** What the attacker does once it is started: set by the test. */
  attackerActs: () => void = () => {};
  program!: NodeProgram;
  isExposed = false;

  readonly peers = {
    console: fakePeer(Console, {
      write: ({ text }) => void (this.shown += text),
      read: () => {
        // While the attacker forges answers, nothing is typed.
        if (this.isExposed) fails(Status.Timeout);
        const input = Buffer.from(this.typed.shift() ?? waits());
        if (input.length > READ_MAX) this.typed.unshift(input.toString("latin1", READ_MAX));
        return { data: input.subarray(0, READ_MAX) };
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
        this.starts[slot]!++;
      },
      stop: ({ slot }) => void (this.running[slot] = false),
      status: ({ slot }) => ({
        wanted: slot < ATTACKER, ended: "faulted" as const, faultKind: FaultKind.OutOfBounds, address: 0x8010_0000n, instruction: 0x10_0000_1000n, code: 0, restarts: 1, nextStartNs: 0n,
      }),
      place: ({ slot, instruction }) => ({ text: slot === ATTACKER ? `steal (attacker.ts:${instruction})` : "" }),
      nextEvent: ({ from }) => {
        if (from > 2n) refuses(Supervisor, "NoEvent");
        const what = from === 2n ? ("faulted" as const) : ("started" as const);
        return { sequence: from === 0n ? 1n : from, timeNs: 5_000_000n, slot: 1, what, faultKind: FaultKind.NullReference, address: 16n, instruction: 0n, code: 1 };
      },
    }),
    echo: fakePeer(Echo, { words: (words) => words, nothing: () => {} }),
    slots: fakePeer(Slots, {
      count: () => ({ count: NAMES.length }),
      name: ({ slot }) => ({ text: NAMES[slot] ?? fails(Status.NotFound) }),
      find: ({ name }) => ({ slot: NAMES.includes(name) ? NAMES.indexOf(name) : fails(Status.NotFound) }),
      describe: ({ slot }) => ({
        state: this.running[slot] ? ("running" as const) : ("empty" as const), classId: slot + 1, pagesUsed: 20 + slot, pagesQuota: 64, handlesUsed: 5, threads: 1, starts: this.starts[slot]!,
        verified: slot !== 4, restart: "always" as const, priority: 100, consumedNs: 1_500_000n, autostart: true,
      }),
      handleAt: ({ index }) => {
        if (index > 7) fails(Status.NotFound);
        const type = index < 7 ? ObjectType.Domain : ObjectType.Endpoint;
        return { index: Math.max(index, 1), type, rights: 7, targetSlot: 2, interfaceId: 0x101, badge: 0x2an, parent: 0 };
      },
    }),
    audit: fakePeer(Audit, {
      info: () => ({ next: BigInt(this.audit.length), oldest: 0n, lost: 3n }),
      read: ({ sequence }) => {
        const record = this.audit[Number(sequence)] ?? fails(Status.NotFound);
        return { sequence, timeNs: 1_000_000n, subjectClass: 1, targetClass: 2, repeats: 1, ...record };
      },
      ruleText: ({ rule }) => ({ text: `policy/modules/x.policy:${rule}: never Attacker -> Supervisor` }),
    }),
    policy: fakePeer(Policy, {
      info: () => ({ version: 1n, epoch: 1, signer: this.signer, classes: 6, rules: 40 }),
      className: ({ classId }) => ({ text: CLASSES[classId] ?? fails(Status.NotFound) }),
      findClass: ({ name }) => ({ classId: CLASSES.includes(name) ? CLASSES.indexOf(name) : fails(Status.NotFound) }),
      interfaceName: ({ interfaceId }) => ({ text: interfaceId === 0x101 ? "Console" : fails(Status.NotFound) }),
      methodName: ({ method }) => ({ text: ["write", "read"][method] ?? fails(Status.NotFound) }),
      findMethod: ({ name }) => (name === "write" ? { interfaceId: 0x101, method: 0 } : fails(Status.NotFound)),
      query: ({ subjectClass }) => ({ verdict: subjectClass === 4 ? ("allow" as const) : ("deny" as const), rule: 7, line: subjectClass === 4 ? 12 : 0 }),
    }),
    trace: fakePeer(Trace, { start: () => {}, stop: () => {}, next: () => this.nextMessage() }),
    system: fakePeer(System, {
      memory: () => ({ totalPages: 32768n, freePages: 30000n, kernelPages: 512n, imagePages: 200n }),
      bootLine: () => ({ text: "nx smep smap; unanchored; development key" }),
      shutdown: () => void this.ended.push("shutdown"),
      reboot: () => void this.ended.push("reboot"),
    }),
  };

  private traced = 2;
  private nextMessage() {
    if (this.traced-- === 0) fails(Status.NotFound);
    const kind = this.traced === 1 ? 0 : 1;
    return { timeNs: 3_000_000_000n, kind, from: 3, to: 2, header: 0x0101_0001, words: 5, word0: 0x10n, word1: 1n, word2: 2n, word3: 3n, outcome: kind === 1 ? Status.Denied : Status.Ok };
  }
}

function waits(): never {
  throw new Waits("nothing more is typed");
}

let system: System_;
beforeEach(() => void (system = new System_()));

/** Types the pieces, and returns what was shown after the banner, without colours and without the redrawing of the line being edited. */
async function type(...pieces: readonly string[]): Promise<string> {
  system.typed = [...pieces];
  system.program = await loadInNode("services/shell", { peers: system.peers });
  system.program.run();
  return plain(system.shown);
}

function plain(text: string): string {
  const withoutPrompts = text.replaceAll(/\r\x1b\[1mtrine> \x1b\[0m.*?\x1b\[K\r\x1b\[\d+C/g, "");
  return withoutPrompts.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "");
}

/** The line being edited when it was entered, as the last redrawing shows it. */
function lastLine(): string {
  return [...system.shown.matchAll(/trine> \x1b\[0m(.*?)\x1b\[K/g)].at(-2)?.[1] ?? "";
}

test.each([["development", "development-signed"], ["release", "release"]] as const)("the first line says that a %s system is %s", async (signer, words) => {
  system.signer = signer;
  const lines = (await type()).split("\n").filter((line) => line !== "");
  expect(lines[0]).toContain(`Trine, ${words}`);
});

test("the prompt is `trine> `, with the cursor behind it", async () => {
  await type();
  expect(system.shown.endsWith("\r\x1b[1mtrine> \x1b[0m\x1b[K\r\x1b[7C")).toBe(true);
});

test.each([
  ["what is typed is entered", "help\r", "help"],
  ["backspace takes the last character", "helpx\x7f\r", "help"],
  ["left and insert", "hlp\x1b[D\x1b[De\r", "help"],
  ["home and end", "elp\x1b[Hh\x1b[F!\r", "help!"],
  ["delete takes the next character", "xhelp\x1b[H\x1b[3~\r", "help"],
  ["^A and ^E", "elp\x01h\x05!\r", "help!"],
  ["^K takes the rest", "help me\x1b[D\x1b[D\x1b[D\x0b\r", "help"],
  ["^U takes what is before", "nonsense help\x1b[D\x1b[D\x1b[D\x1b[D\x15\r", "help"],
  ["^W takes a word", "help me\x17\r", "help "],
  ["^C gives the line up", "nonsense\x03help\r", "help"],
  ["a character of several bytes is one", "hélp\x1b[D\x1b[D\x7fe\r", "help"],
  ["home with a number, end with a letter O", "elp\x1b[1~h\x1bOF!\r", "help!"],
  ["unknown sequences are nothing", "he\x1b[21~\x1b[1;5Xlp\r", "help"],
])("editing: %s", async (_what, typed, line) => {
  await type(typed);
  expect(lastLine()).toBe(line);
});

test("keys may arrive byte by byte", async () => {
  await type(..."hlp\x1b[D\x1b[De\r");
  expect(lastLine()).toBe("help");
});

test("carriage return with line feed enters one line", async () => {
  const shown = await type("nonsense\r\nnonsense\r\n");
  expect(shown.match(/there is no command/g)).toHaveLength(2);
});

test("up and down go through history, and keep what was being typed", async () => {
  await type("uptime\r", "about\r", "half\x1b[A\x1b[A\x1b[B\x1b[B\r");
  expect(lastLine()).toBe("half");
  system = new System_();
  await type("uptime\r", "about\r", "\x1b[A\x1b[A\x1b[A\r");
  expect(lastLine()).toBe("uptime");
});

test("history keeps more lines than it has room for, the newest", async () => {
  await type(...Array.from({ length: 40 }, (_, index) => `ping ${index + 1}\r`), `${"\x1b[A".repeat(50)}\r`);
  expect(lastLine()).toBe("ping 9");
});

test("of a long line one row is shown while it is edited, the part around the cursor, and all of it once it is entered", async () => {
  const long = Array.from({ length: 30 }, (_, index) => `w${index}`).join(" ");
  const drawn = async (...pieces: string[]) => {
    await type(...pieces);
    return [...system.shown.matchAll(/trine> \x1b\[0m(.*?)\x1b\[K\r\x1b\[(\d+)C/g)].map(([, text, column]) => [text!, Number(column)] as const);
  };
  expect((await drawn(long)).at(-1)).toEqual([long.slice(-72), 79]);
  expect((await drawn(long, "\x1b[H")).at(-1)).toEqual([long.slice(0, 72), 7]);
  expect((await drawn(long, "\r")).at(-2)).toEqual([long, 7 + long.length]);
});

test("a line of more than 200 bytes is cut, and the shell goes on", async () => {
  await type(`${"x".repeat(500)}\r`);
  expect(lastLine()).toBe("x".repeat(200));
});

test.each([
  ["a command", "upt\t\r", "uptime "],
  ["the part that is common", "s\t\r", "s"],
  ["a domain", "kill ser\t\r", "kill serial "],
  ["in the middle of a line", "handles con x\x1b[D\x1b[D\t\r", "handles console  x"],
  ["nothing", "zzz\t\r", "zzz"],
])("completion of %s", async (_what, typed, line) => {
  await type(typed);
  expect(lastLine()).toBe(line);
});

test("several candidates are shown", async () => {
  expect(await type("s\t")).toMatch(/start {2}stop {2}shutdown/);
});

test("an unknown command suggests the nearest", async () => {
  expect(await type("domians\r")).toContain("there is no command `domians`; did you mean `domains`?");
  expect(await type("xyzzy\r")).toContain("`help` lists what there is");
});

test("help lists every command", async () => {
  const shown = await type("help\r");
  for (const name of ["help", "domains", "memory", "handles NAME", "audit", "trace A B", "why SUBJECT TARGET METHOD", "start", "kill", "ping", "attack", "shutdown", "reboot", "uptime", "about"]) expect(shown).toContain(name);
});

test("domains is a table, and tells what is not verified", async () => {
  const lines = (await type("domains\r")).split("\n");
  expect(lines).toContain("  0  supervisor  Supervisor  running  80 KiB   0         1.5 ms    verified");
  expect(lines.find((line) => line.includes(" echo "))).toContain("unverified");
  expect(lines.find((line) => line.includes(" attacker "))).toContain("down");
  expect(lines).toContain("The image is development-signed.");
});

test("memory shows the machine and every domain that runs", async () => {
  const shown = await type("memory\r");
  expect(shown).toContain("machine         128.0 MiB");
  expect(shown).toContain("  console       88 KiB of 256 KiB");
});

test("handles shows object, rights, owner, interface and badge", async () => {
  const shown = await type("handles shell\r");
  expect(shown).toContain("    7  endpoint    call send copy          console     Console       0x2a");
  expect(shown).toContain("7 handles");
  expect(await type("handles nobody\r")).toContain("there is no domain `nobody`");
  expect(await type("handles\r")).toContain("name a domain");
});

test("audit shows what was denied and why, faults, and losses", async () => {
  system.audit.push({ kind: 0, subjectSlot: 5, targetSlot: 2, interfaceId: 0x101, method: 1, rule: 3, line: 9, detail: 0n });
  system.audit.push({ kind: 4, subjectSlot: 5, targetSlot: 5, interfaceId: 0, method: FaultKind.NullReference, rule: 0, line: 0, detail: 16n, targetClass: 77 });
  const shown = await type("audit\r");
  expect(shown).toMatch(/#0 +1\.0 ms +denied request +attacker -> console Console\.read\n +by: policy\/modules\/x\.policy:3: never Attacker -> Supervisor/);
  expect(shown).toMatch(/#1 +1\.0 ms +fault +attacker: null reference at 0x10\n +in steal \(attacker\.ts:77\)/);
  expect(shown).toContain("3 records were lost");
});

test("why explains by class or by domain", async () => {
  expect(await type("why shell console write\r")).toContain("Shell -> Console Console.write: allowed\n  policy/modules/x.policy:7");
  expect(await type("why Echo console write\r")).toContain("Echo -> Console Console.write: denied\n  no rule allows it");
  expect(await type("why echo nowhere write\r")).toContain("`nowhere` is neither a class of the policy nor a domain");
  expect(await type("why echo console fly\r")).toContain("nothing that Console serves has a method `fly`");
  expect(await type("why echo\r")).toContain("usage: why");
});

test("trace decodes messages", async () => {
  const shown = await type("trace shell console 2\r", "q");
  expect(shown).toContain("shell -> console");
  expect(shown).toContain("Console.write text=0 bytes 0x1 0x2 0x3 and 1 more");
  expect(shown).toContain("Console.write answer 0x10 0x1 0x2 0x3 and 1 more: denied");
  expect(shown).toContain("2 messages");
});

test("start, kill and stop go through the supervisor", async () => {
  expect(await type("start attacker\r")).toContain("attacker runs, instance 1");
  expect(await type("start echo\r")).toContain("refused: it runs already");
  expect(await type("kill serial\r")).toContain("serial is ended, and runs again as instance 2");
  expect(await type("stop echo\r")).toContain("echo is down until `start`");
  expect(system.running[4]).toBe(false);
});

test("ping counts its round trips", async () => {
  expect(await type("ping 3\r")).toMatch(/3 round trips of four words in .*\n\d+ ticks of the processor's counter each/);
  expect(await type("ping 0\r")).toContain("COUNT is a number from 1");
});

test("shutdown and reboot ask the kernel", async () => {
  await type("shutdown\r", "reboot\r");
  expect(system.ended).toEqual(["shutdown", "reboot"]);
});

test("attack makes every attempt, shows what stopped it, and starts the attacker again after each fault", async () => {
  const tried: string[] = [];
  system.attackerActs = () => {
    const next = system.program.queueCall(AttackPlan, "next", {}, ({ fields }) => {
      const attempt = fields!.attempt;
      tried.push(attempt);
      system.isExposed = attempt === "forgedToken";
      if (attempt === "loadKernel") {
        system.audit.push({ kind: 4, subjectSlot: ATTACKER, targetSlot: ATTACKER, interfaceId: 0, method: FaultKind.OutOfBounds, rule: 0, line: 0, detail: 0x8010_0000n });
        system.running[ATTACKER] = false;
        return;
      }
      const outcome = attempt === "shutdownMachine" ? "succeeded" : "refused";
      system.program.queueCall(AttackPlan, "report", { attempt: ATTEMPTS.indexOf(attempt), outcome, result: Status.Denied, value: 0n }, () => system.attackerActs());
    });
    expect(next.state).toBe("waiting");
  };
  const shown = await type("attack\r");
  expect(tried).toEqual(ATTEMPTS.slice(0, -1));
  expect(shown).toMatch(/ {2}1 {2}calls the supervisor, which no rule allows +refused {2}denied/);
  expect(shown).toMatch(/reads the kernel's memory +stopped\n +audit #0: attacker: access outside its memory at 0x80100000\n +in steal/);
  expect(shown).toMatch(/switches the machine off +SUCCEEDED/);
  expect(shown).toMatch(new RegExp(`${ATTEMPTS.length - 2} refused, SOME SUCCEEDED: 1`));
  expect(shown).toMatch(/runs what it wrote on its stack +refused/);
  expect([system.starts[ATTACKER], system.starts[INTRUDER]]).toEqual([2, 1]);
});
