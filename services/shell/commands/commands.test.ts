import { beforeEach, describe, expect, test } from "vitest";
import { FaultKind } from "../../../kernel/abi/fault.ts";
import { Status } from "../../../kernel/abi/status.ts";
import {
  ATTACKER,
  ECHO,
  INTRUDER,
  NAMES,
  ShellSystem,
  type Traced,
} from "../../../tests/support/shell-system.ts";
import AttackPlan from "../../interfaces/attack-plan.idl.ts";
import Console from "../../interfaces/console.idl.ts";
import Echo from "../../interfaces/echo.idl.ts";

const ATTEMPTS = AttackPlan.methods.next.returns.attempt.names;

let system: ShellSystem;
beforeEach(() => void (system = new ShellSystem()));
const type = (...pieces: readonly string[]): Promise<string> => system.type(...pieces);

test.each([
  ["development", "development-signed"],
  ["release", "release"],
] as const)("the first line says that a %s system is %s", async (signer, words) => {
  system.signer = signer;
  const lines = (await type()).split("\n").filter((line) => line !== "");
  expect(lines[0]).toContain(`Trine, ${words}`);
});

describe("on a terminal that reports its width, no word is broken:", () => {
  const width = (columns: number): string => `\x1b[24;${columns}R`;
  const rows = async (columns: number, ...typed: string[]): Promise<string[]> =>
    (await type(width(columns), ...typed)).split("\n");

  test.each([80, 40, 21])("in %i columns", async (columns) => {
    const all = await rows(
      columns,
      "help\r",
      "domains\r",
      "handles shell\r",
      "about\r",
      "events\r",
      "why Shell Console write\r",
    );
    // The banner is written before the terminal can report its width.
    const tooLong = all.slice(4).filter((row) => row.length > columns && row.trim().includes(" "));
    expect(tooLong).toEqual([]);
    // Only spaces may be lost.
    system = new ShellSystem();
    const whole = await type(
      "help\r",
      "domains\r",
      "handles shell\r",
      "about\r",
      "events\r",
      "why Shell Console write\r",
    );
    expect(all.join(" ").split(/\s+/)).toEqual(whole.split(/\s+/));
  });

  test("a row that fits exactly is not broken; the next row of a longer line is indented", async () => {
    expect(await rows(48, "about\r")).toContain("three system calls, and every message is judged.");
    system = new ShellSystem();
    expect((await rows(47, "about\r")).join("\n")).toContain(
      "three system calls, and every message is\n  judged.\n",
    );
  });

  test("without a reported width, lines are not broken", async () => {
    expect(
      Math.max(
        ...(await type("handles shell\r", "about\r")).split("\n").map((line) => line.length),
      ),
    ).toBeGreaterThan(60);
  });
});

test.each([
  ["domians", "domains"],
  ["hlep", "help"],
  ["HELP", "help"],
  ["dom", "domains"],
  ["shutdwn", "shutdown"],
  ["help upti", "uptime"],
  ["trace shell echo pnig", "ping"],
])("for `%s`, `%s` is suggested", async (typed, meant) => {
  expect(await type(`${typed}\r`)).toMatch(
    new RegExp(`there is no command .*; did you mean .${meant}.\\?`),
  );
});

test.each(["xyzzy", "quit", "ls", "x".repeat(200)])(
  "for `%s`, which is similar to no command, `help` is suggested",
  async (typed) => {
    expect(await type(`${typed}\r`)).toContain("`help` lists the commands");
  },
);

test("help lists every command with its arguments, aligned and in fewer than 80 columns", async () => {
  const lines = (await type("help\r")).split("\n");
  const commands = lines.filter((line) => /^ {2}\S/.test(line));
  expect(commands.map((line) => line.slice(2, 34).trimEnd())).toEqual([
    "help [COMMAND]",
    "domains",
    "memory",
    "handles NAME",
    "audit [COUNT]",
    "events [COUNT]",
    "trace A B [SECONDS|COMMAND ...]",
    "why SUBJECT TARGET METHOD",
    "start NAME",
    "kill NAME",
    "stop NAME",
    "ping [COUNT]",
    "attack [NUMBER]",
    "uptime",
    "about",
    "shutdown",
    "reboot",
  ]);
  for (const line of commands) expect(line).toMatch(/^.{33} {2}\S/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
});

test.each([
  ["kill", "kill NAME"],
  ["kill echo serial", "kill NAME"],
  ["reboot now", "reboot"],
  ["trace shell", "trace A B [SECONDS|COMMAND ...]"],
  ["trace shell echo kill", "kill NAME"],
  ["why echo", "why SUBJECT TARGET METHOD"],
])("`%s` has the wrong number of words", async (typed, usage) => {
  expect(await type(`${typed}\r`)).toContain(`usage: ${usage}\n`);
  expect(system.ended).toEqual([]);
});

test.each([
  ["audit x", "COUNT", 100_000],
  ["events 0", "COUNT", 1024],
  ["ping 10000001", "COUNT", 10_000_000],
  ["attack -1", "NUMBER", ATTEMPTS.length - 1],
  ["trace shell echo 0", "SECONDS", 3600],
])("`%s` has a number out of range", async (typed, name, most) => {
  expect(await type(`${typed}\r`)).toContain(`${name} is a number from 1 to ${most}\n`);
});

test("domains prints a table, and marks programs that are not verified", async () => {
  const lines = (await type("domains\r")).split("\n");
  expect(lines).toContain(
    "  0  supervisor  Supervisor  running  80 KiB   0         1.5 ms    verified",
  );
  expect(lines.find((line) => line.includes(" echo "))).toContain("unverified");
  expect(lines.find((line) => line.includes(" attacker "))).toContain("down");
  expect(lines).toContain("The image is development-signed.");
});

test("memory shows the machine and every running domain", async () => {
  const shown = await type("memory\r");
  expect(shown).toContain("machine         128.0 MiB");
  expect(shown).toContain("  console       88 KiB of 256 KiB");
});

test("handles shows object, rights, owner, interface and badge", async () => {
  const shown = await type("handles shell\r");
  expect(shown).toContain(
    "    7  endpoint    call send copy          console     Console       0x2a",
  );
  expect(shown).toContain("7 handles");
  expect(await type("handles nobody\r")).toContain("there is no domain `nobody`");
});

test("audit shows what was denied and why, faults, and losses", async () => {
  system.audit.push({
    kind: 0,
    subjectSlot: 5,
    targetSlot: 2,
    interfaceId: 0x101,
    method: 1,
    rule: 3,
    line: 9,
    detail: 0n,
  });
  system.audit.push({
    kind: 4,
    subjectSlot: 5,
    targetSlot: 5,
    interfaceId: 0,
    method: FaultKind.NullReference,
    rule: 0,
    line: 0,
    detail: 16n,
    targetClass: 77,
  });
  const shown = await type("audit\r");
  expect(shown).toMatch(
    /#0 +0:00:00\.001 +denied request +attacker -> console Console\.read\n +by: policy\/modules\/x\.policy:3: never Attacker -> Supervisor/,
  );
  expect(shown).toMatch(
    /#1 +0:00:00\.001 +fault +attacker: null reference at 0x10\n +in steal \(attacker\.ts:77\)/,
  );
  expect(shown).toContain("3 records were lost");
});

test("why explains requests and answers separately", async () => {
  expect(await type("why serial console write\r")).toContain(
    "  request   allowed  policy/modules/x.policy:7: never Attacker -> Supervisor\n  response  denied   no rule allows it\n",
  );
});

test("why says whether the handles of a message may be sent", async () => {
  system.transfer.request = "deny";
  system.transfer.response = "depends";
  const shown = await type("why shell console write\r");
  expect(shown).toContain(
    "  request   denied   policy/modules/x.policy:7: never Attacker -> Supervisor\n                     no rule grants Shell -> Console { transfer } for a handle in it\n",
  );
  expect(shown).toContain(
    "  response  depends  the same rule\n                     and on the owner of the endpoint that is sent: this needs Console -> its class { transfer }\n",
  );
});

test("audit shows a granted message as granted", async () => {
  system.audit.push({
    kind: 7,
    subjectSlot: 3,
    targetSlot: 2,
    interfaceId: Console.id,
    method: 0,
    rule: 3,
    line: 9,
    detail: 0n,
  });
  const shown = await type("audit\r");
  expect(system.shown).toContain("\x1b[32mgranted\x1b[0m  shell -> console");
  expect(shown).not.toContain("unknown");
});

test.each<readonly [string, number, number, bigint, string]>([
  ["a text that is too long", 0, 6, 1_025n, "text is at most 1024 bytes, 1025 given"],
  [
    "bytes that were not sent",
    0,
    5,
    70n,
    "text reaches to byte 70, beyond the bytes that were sent",
  ],
  ["a word too many", 0, 1, 2n, "the interface wants 1 words, 2 given"],
  ["handles that the interface does not have", 0, 2, 4n, "the interface wants 0 handles, 4 given"],
  [
    "an error that the interface does not have",
    0,
    8 | (2 << 16),
    9n,
    "the interface has no error 9",
  ],
])(
  "audit names field and limit of a malformed message: %s",
  async (_name, method, field, detail, message) => {
    system.audit.push({
      kind: 6,
      subjectSlot: 3,
      targetSlot: 2,
      interfaceId: Console.id,
      method,
      rule: 0xffff_ffff,
      line: 0,
      detail,
      field,
    });
    expect(await type("audit\r")).toContain(
      `malformed  shell -> console Console.write\n                   ${message}\n`,
    );
  },
);

test.each<readonly [string, number, number, number, bigint, bigint, string]>([
  ["a number", Echo.id, 1, 1, 6n, 0n, "first = 6"],
  ["a length", Console.id, 0, 1 | (32 << 8), 300n, 0n, "length(text) = 300"],
  ["a number under a mask", Echo.id, 1, 2, 4n, 0xcn, "second & 0xc = 0x4"],
  [
    "nothing of a number under a mask",
    Echo.id,
    1,
    2,
    0n,
    0xff00_0000_0000_0000n,
    "second & 0xff00000000000000 = 0x0",
  ],
  ["a length under a mask", Console.id, 0, 1 | (32 << 8), 1n, 7n, "length(text) & 0x7 = 0x1"],
])(
  "audit shows the value that a rule refused: %s",
  async (_name, interfaceId, method, field, detail, mask, message) => {
    system.audit.push({
      kind: 0,
      subjectSlot: 3,
      targetSlot: 4,
      interfaceId,
      method,
      rule: 3,
      line: 9,
      detail,
      field,
      mask,
    });
    expect(await type("audit\r")).toContain(
      `by: policy/modules/x.policy:3: never Attacker -> Supervisor\n                     ${message}\n`,
    );
  },
);

test("audit shows times to the millisecond, also after a day", async () => {
  const record = {
    kind: 0,
    subjectSlot: 5,
    targetSlot: 2,
    interfaceId: 0x101,
    method: 1,
    rule: 3,
    line: 9,
    detail: 0n,
  };
  system.audit.push(
    { ...record, timeNs: 59_999_999_999n },
    { ...record, timeNs: 127_315_000_000n },
    { ...record, timeNs: 90_061_007_000_000n },
  );
  const shown = await type("audit\r");
  expect(shown).toContain("#0    0:00:59.999  denied request");
  expect(shown).toContain("#1    0:02:07.315  denied request");
  expect(shown).toContain("#2    25:01:01.007 denied request");
});

test("why explains by class or by domain", async () => {
  expect(await type("why shell console write\r")).toContain(
    "Shell -> Console Console.write\n  request   allowed  policy/modules/x.policy:7: never Attacker -> Supervisor\n  response  allowed  the same rule\n",
  );
  expect(await type("why Echo console write\r")).toContain(
    "Echo -> Console Console.write\n  request   denied   no rule allows it\n  response  denied   no rule allows it\n",
  );
  expect(await type("why echo nowhere write\r")).toContain(
    "`nowhere` is neither a class of the policy nor a domain",
  );
  expect(await type("why echo console fly\r")).toContain("Console serves no method `fly`");
});

const CONSOLE_WRITE = 0x0101_0001;
const CONSOLE_INTERRUPTED = 0x0101_0030;
const SUPERVISOR_NEXT_EVENT = 0x0102_0040;
const describing = (text: string): bigint => BigInt(text.length) << 32n;

test.each<[string, Traced, string]>([
  [
    "text, with what a terminal must not get",
    { header: CONSOLE_WRITE, words: [describing('a "b"\x1b[2J\n')], arena: 'a "b"\x1b[2J\n' },
    String.raw`write text="a \"b\"\x1b[2J\n"`,
  ],
  [
    "long text",
    { header: CONSOLE_WRITE, words: [describing("x".repeat(300))], arena: "x".repeat(300) },
    `write\n            text="${"x".repeat(40)}"... 300 bytes`,
  ],
  [
    "text that was not recorded",
    { header: CONSOLE_WRITE, words: [describing("secret")], outcome: Status.Denied },
    "write text=6 bytes: denied",
  ],
  ["a truth", { header: CONSOLE_INTERRUPTED, words: [1n] }, " wait=true\n"],
  [
    "names of an enumeration, and times",
    {
      header: SUPERVISOR_NEXT_EVENT,
      kind: 1,
      words: [7n, 1_500_000_000n, 2n, 3n, 1n, 2n ** 40n, 0n, 0n],
    },
    "answer sequence=7\n            timeNs=1.5 s slot=2 what=faulted faultKind=1 address=0x10000000000\n            instruction=0 code=0",
  ],
  [
    "an error by its name",
    { header: SUPERVISOR_NEXT_EVENT, kind: 2, words: [8n] },
    "error NoEvent\n",
  ],
  [
    "an error that the interface does not have",
    { header: SUPERVISOR_NEXT_EVENT, kind: 2, words: [99n] },
    "error 99\n",
  ],
  [
    "an interface that is not known",
    { header: 0x0fff_0001, words: Array.from({ length: 20 }, (_, index) => BigInt(index)) },
    "interface 0xfff.write 0x0 0x1 0x2 0x3 0x4 0x5 0x6\n            0x7 0x8 0x9 0xa 0xb 0xc 0xd 0xe 0xf and 4 more\n",
  ],
])("trace shows %s", async (_what, message, expected) => {
  system.traced = [message];
  const shown = await type("trace shell console 2\r");
  expect(shown).toContain(
    "1.000400  shell -> console".replace("->", (message.kind ?? 0) === 0 ? "->" : "=>"),
  );
  expect(shown).toContain(expected);
  expect(shown).toContain("\n1 message\n");
});

test("a trace without a command ends at ^C, or after its seconds, and shows what was recorded", async () => {
  for (const interruptAt of [0, 1]) {
    system = new ShellSystem();
    system.interruptAt = interruptAt;
    system.traced = [{ header: CONSOLE_INTERRUPTED, words: [0n] }];
    expect(await type("trace shell console 2\r")).toContain(
      `recording for 2 s; ^C ends it\n${interruptAt === 1 ? "^C\n" : ""}`,
    );
    expect(system.text).toContain("1 message\n");
  }
});

test("^C ends the output of a trace", async () => {
  system.traced = Array.from({ length: 10 }, () => ({ header: CONSOLE_INTERRUPTED, words: [0n] }));
  system.interruptAt = 4;
  expect(await type("trace shell console uptime\r")).toMatch(/\^C\n3 messages\n/);
});

test("start, kill and stop go through the supervisor", async () => {
  expect(await type("start attacker\r")).toContain("attacker: instance 1 is running");
  expect(await type("start echo\r")).toContain("refused: it is already running");
  expect(await type("kill serial\r")).toContain("serial was killed; instance 2 is running");
  expect(await type("stop echo\r")).toContain("echo is down until `start`");
  expect(system.running[4]).toBe(false);
  system.backOffNs = 2_500_000_000n;
  expect(await type("kill serial\r")).toContain(
    "serial was killed; the next instance starts in 1.3 s",
  );
});

test.each(["serial", "console", "shell"])(
  "the shell does not stop %s, which it needs",
  async (name) => {
    expect(await type(`stop ${name}\r`)).toContain(
      `refused: this prompt needs ${name}; \`kill\` restarts it`,
    );
    expect(system.running).toEqual(NAMES.map((_, slot) => slot < ATTACKER));
  },
);

test("ping counts its round trips", async () => {
  expect(await type("ping 3\r")).toMatch(
    /3 round trips of four words in .*\n\d+ ticks of the processor's counter each/,
  );
  expect(await type("ping 3000\r")).toContain("3000 round trips");
});

test("^C ends a ping, which then shows its measurements", async () => {
  system.interruptAt = 4;
  expect(await type("ping 10000000\r", "uptime\r")).toMatch(
    /\^C\n2048 round trips of four words[^]*running for/,
  );
});

test("^C that arrives with the command's own line ends the command, and other input is kept", async () => {
  expect(await type("ping 10000000\rupt\x03ime\r")).toMatch(/\^C\n[^]*running for/);
});

test("^C that arrives with the command's own line ends a wait", async () => {
  expect(await type("trace shell echo 3600\rupt\x03ime\r")).toMatch(
    /\^C\n0 messages\n\nrunning for 1\.0 s/,
  );
});

test("^C ends a ping that is not answered", async () => {
  system.running[ECHO] = false;
  system.interruptAt = 3;
  expect(await type("ping\r")).toContain("no answer yet; waiting for 5 s, ^C ends the wait\n^C\n");
});

test("a ping that is not answered says how long it waits, and then ends", async () => {
  system.running[ECHO] = false;
  const shown = await type("ping\r", "uptime\r");
  expect(shown).toContain(
    "no answer yet; waiting for 5 s, ^C ends the wait\nno answer within 5 s; `domains` shows whether the echo service runs\n",
  );
  expect(shown).toContain("running for");
});

test("^C ends a list", async () => {
  system.audit.push(
    ...Array.from({ length: 9 }, () => ({
      kind: 0,
      subjectSlot: 5,
      targetSlot: 2,
      interfaceId: 0x101,
      method: 1,
      rule: 3,
      line: 9,
      detail: 0n,
    })),
  );
  system.interruptAt = 3;
  const shown = await type("audit\r");
  expect(shown).toContain("#1 ");
  expect(shown).not.toContain("#2 ");
});

test("^C ends the attack and the attacker", async () => {
  system.interruptAt = 1;
  expect(await type("attack\r")).toMatch(/\^C\n0 refused/);
  expect(system.running[ATTACKER]).toBe(false);
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
      if (attempt === "loadKernel") {
        system.audit.push({
          kind: 4,
          subjectSlot: ATTACKER,
          targetSlot: ATTACKER,
          interfaceId: 0,
          method: FaultKind.OutOfBounds,
          rule: 0,
          line: 0,
          detail: 0x8010_0000n,
        });
        system.running[ATTACKER] = false;
        return;
      }
      const outcome = attempt === "shutdownMachine" ? "succeeded" : "refused";
      system.program.queueCall(
        AttackPlan,
        "report",
        { attempt: ATTEMPTS.indexOf(attempt), outcome, result: Status.Denied, value: 0n },
        () => system.attackerActs(),
      );
    });
    expect(next.state).toBe("waiting");
  };
  const shown = await type("attack\r");
  expect(tried).toEqual(ATTEMPTS.slice(0, -1));
  expect(shown).toMatch(/ {2}1 {2}calls the supervisor, which no rule allows +refused {2}denied/);
  expect(shown).toMatch(
    /reads the kernel's memory +stopped\n +audit #0: attacker: access outside its memory at 0x80100000\n +in steal/,
  );
  expect(shown).toMatch(/switches the machine off +SUCCEEDED/);
  expect(shown).toMatch(new RegExp(`${ATTEMPTS.length - 2} refused, SOME SUCCEEDED: 1`));
  expect(shown).toMatch(/runs what it wrote on its stack +refused/);
  expect([system.starts[ATTACKER], system.starts[INTRUDER]]).toEqual([2, 1]);
});
