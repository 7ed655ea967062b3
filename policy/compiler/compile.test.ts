import { describe, expect, test } from "vitest";
import {
  BASE_POLICY,
  compileTest,
  consoleInterface,
  kernelInterfaces,
  testImage,
  testPrograms,
} from "../../tests/support/policy-system.ts";
import { defineInterface, u32, u64 } from "../../toolchain/vocabulary/interface.ts";
import type { ImageDescription, SlotDescription } from "../../toolchain/vocabulary/image.ts";
import { formatDiagnostics } from "../../toolchain/report/diagnostic.ts";
import { Event } from "../../kernel/abi/event.ts";
import { Status } from "../../kernel/abi/status.ts";
import {
  BLOB_BYTES_MAX,
  COST_BASE,
  COST_BINDING,
  COST_FIELD,
  COST_INSTRUCTION,
} from "../../kernel/abi/blob.ts";
import {
  type CompiledSystem,
  type ProgramInput,
  type SystemInput,
  compileSystem,
} from "./compile.ts";
import { decideMessage } from "./evaluate.ts";

async function compile(statements: string): Promise<CompiledSystem> {
  const system = await compileTest(statements);
  expect(formatDiagnostics(system.diagnostics)).toBe("");
  return system;
}

describe("a policy compiles, tests included:", () => {
  test.each<readonly [string, string]>([
    [
      "nothing is allowed that no rule allows",
      "expect deny Shell -> Console expect deny Shell -> kernel.Clock.now expect deny grant Shell -> kernel.Memory { * } expect deny execute Shell program uart",
    ],
    [
      "an allow covers request, response and error",
      "allow Shell -> Console { readLine } expect allow Shell -> Console.readLine expect allow request Shell -> Console.readLine expect allow response Shell -> Console.readLine expect allow error Shell -> Console.readLine(error = Closed)",
    ],
    [
      "an allow of one event leaves the others denied",
      "allow request Shell -> Console { readLine } expect allow request Shell -> Console.readLine expect deny response Shell -> Console.readLine expect deny error Shell -> Console.readLine",
    ],
    [
      "a condition on the request leaves the answers free",
      "allow Shell -> Console { readLine } when max == 3 expect allow Shell -> Console.readLine(max = 3) expect deny Shell -> Console.readLine expect allow response Shell -> Console.readLine(length(text) = 1024)",
    ],
    [
      "one allow of several is enough",
      "allow Shell -> Console { readLine } when max == 3 allow any -> Console { readLine } when max > 5 expect allow Shell -> Console.readLine(max = 3) expect deny Shell -> Console.readLine(max = 5) expect allow Shell -> Console.readLine(max = 6) expect deny Attack -> Console.readLine(max = 3)",
    ],
    [
      "all requires that are bound must hold",
      "allow Shell -> Console { readLine } require Shell -> Console { readLine } when max > 2 require any -> Console { readLine } when max < 5 expect allow Shell -> Console.readLine(max = 3) expect deny Shell -> Console.readLine(max = 2) expect deny Shell -> Console.readLine(max = 5) expect allow response Shell -> Console.readLine(length(text) = 1)",
    ],
    [
      "a require binds only where its `if` holds",
      "allow Shell -> Console { write } require Shell -> Console { write } if urgent when length(text) <= 8 expect allow Shell -> Console.write(length(text) = 9) expect allow Shell -> Console.write(length(text) = 8, urgent = true) expect deny Shell -> Console.write(length(text) = 9, urgent = true)",
    ],
    [
      "a require allows nothing by itself",
      "require Shell -> Console { readLine } when max > 2 expect deny Shell -> Console.readLine(max = 3)",
    ],
    [
      "a require narrows what another module allows",
      "allow any -> Console { readLine } require Shell -> Console { readLine } when max > 2 expect deny Shell -> Console.readLine(max = 2) expect allow Attack -> Console.readLine(max = 2)",
    ],
    [
      "a condition on a response",
      "allow Shell -> Files.Files { read } require response Shell -> Files.Files { read } when length(data) <= 512 expect allow response Shell -> Files.Files.read(length(data) = 512) expect deny response Shell -> Files.Files.read(length(data) = 513)",
    ],
    [
      "a condition on an error",
      "allow Shell -> Files.Files { open } require error Shell -> Files.Files { open } when error == NotFound expect allow error Shell -> Files.open(error = NotFound) expect deny error Shell -> Files.open(error = Full)",
    ],
    [
      "sets, `any` and exceptions",
      "allow { Shell, Attack } -> { Console, Uart } { write } allow any except { Shell, Uart } -> Files.Admin { stats } expect allow Attack -> Uart.write expect deny Console -> Uart.write expect allow Files -> Files.stats expect deny Shell -> Files.stats",
    ],
    [
      "`*` is every method",
      "allow Shell -> Files.Files { * } grant Files -> { kernel.Memory, Console } { transfer } expect allow Shell -> Files.open expect allow Shell -> Files.lend expect deny Shell -> Files.shutdown",
    ],
    [
      "methods called as words of the language",
      "allow Shell -> kernel.Slots { name, find } allow Shell -> kernel.Audit { read } expect allow Shell -> kernel.Slots.find",
    ],
    [
      "the kernel's own messages",
      "class Guard allow kernel -> Guard.Fault { fault } expect allow kernel -> Guard.Fault.fault(kind = 3) expect deny Shell -> Guard.Fault.fault",
    ],
    [
      "constants, units, other bases",
      "const A = 0x10 const B = A const C = 4K const D = C & 0xff00 allow Shell -> Uart { configure } when baud == C or parity == B expect allow Shell -> Uart.configure(baud = 4096) expect allow Shell -> Uart.configure(parity = A) expect deny Shell -> Uart.configure expect deny Shell -> Uart.configure(baud = 0b1, parity = 1_5)",
    ],
    [
      "interfaces of modules, one using another",
      "interface writer(client) { allow client -> Console { write } } interface user(client, other) { use writer(client) use writer(other) allow client -> Console { flush } } use user(Shell, Attack) expect allow Shell -> Console.flush expect allow Attack -> Console.write expect deny Attack -> Console.flush",
    ],
    [
      "an interface with a server as parameter",
      "interface shown(server) { allow Shell -> server.Uart { write } } use shown(Uart) expect allow Shell -> Uart.write",
    ],
    [
      "permissions",
      "grant Console -> kernel.Memory { map_read, transfer } grant { Shell, Attack } -> { kernel.Notice, Console } { signal } expect allow grant Console -> kernel.Memory { map_read, transfer } expect deny grant Console -> kernel.Memory { map_write, seal } expect allow grant Attack -> Console { signal }",
    ],
    [
      "comments, also within rules",
      "allow /* who */ Shell -> Console { // what\n flush } // end\nexpect allow Shell -> Console.flush",
    ],
    [
      "a rule for a class without a slot names its interface",
      "class Later allow Later -> Console { flush } allow Shell -> Later.Admin { stats } allow execute Later program later expect deny execute Later program later expect allow Shell -> Later.Admin.stats",
    ],
    [
      "tests with a class of another module",
      "expect deny Attack -> Files.Admin.shutdown(code = 3)",
    ],
  ])("%s", async (_name, statements) => {
    const { expects } = await compile(statements);
    expect(expects.failed).toBe(0);
    expect(expects.passed).toBe((statements.match(/expect (allow|deny)/g) ?? []).length);
  });
});

describe("never", () => {
  test.each<readonly [string, string]>([
    [
      "holds where nothing is allowed",
      "never Attack -> any except Attack never flow Attack -> any except { Attack, Supervisor }",
    ],
    [
      "of one method leaves the others",
      "allow Shell -> kernel.Slots { describe } never any -> kernel.Slots { start, stop } never Shell -> kernel.Slots.stop",
    ],
    [
      "does not count what only the response is allowed for",
      "allow response Shell -> Uart { write } never Shell -> Uart",
    ],
    [
      "flow through a trusted class",
      "allow Attack -> Console { write } allow Console -> Uart { write } never flow Attack -> Uart except through Console never flow Attack -> Uart except through { Console, Files }",
    ],
    [
      "of methods that no rule grants, though others are",
      "allow Shell -> Files.Admin { stats } never Shell -> { Files.Files, Files.Admin.shutdown }",
    ],
    [
      "flow does not come back in an empty answer",
      "allow Attack -> kernel.Domain { exit } allow Shell -> Uart { write } never flow Uart -> Shell",
    ],
    [
      "flow does not come back in an error where no rule lets errors through",
      "allow request, response Shell -> Console { flush } never flow Console -> Shell",
    ],
    [
      "a kernel method that shows nothing of others",
      "allow Shell -> kernel.Slots { count, name, find } allow Shell -> kernel.Audit { ruleText } allow Shell -> kernel.Policy { * } never flow Attack -> Shell",
    ],
    [
      "flow into a sink without readers",
      "allow Attack -> kernel.Log { write } never flow Attack -> Shell",
    ],
    [
      "flow through a sink that is named as known",
      "allow Shell -> kernel.Audit { read } never flow Attack -> Shell except through kernel.Audit",
    ],
    [
      "flow does not turn round where no answer is allowed",
      "allow request Attack -> Console { write } never flow Console -> Attack",
    ],
    [
      "starting a trace shows nothing yet",
      "allow Shell -> kernel.Trace { start, stop } never flow Files -> Shell",
    ],
    [
      "memory whose handle cannot reach the other",
      "grant { Shell, Attack } -> kernel.Memory { * } never Shell -> Attack never flow Shell -> Attack",
    ],
    [
      "memory that one side cannot write and the other cannot transfer",
      "allow request Shell -> Uart { share } grant Shell -> kernel.Memory { transfer, map_read } grant Uart -> kernel.Memory { map_read } never flow Uart -> Shell",
    ],
  ])("%s", async (_name, statements) => {
    await compile(statements);
  });

  test.each<readonly [string, string, string]>([
    [
      "an answer is a flow back",
      "allow Attack -> Console { readLine } never flow Console -> Attack",
      "Console -> Attack (answer to Console.readLine",
    ],
    [
      "shared memory is a flow from each class that may write it",
      "allow request Shell -> Uart { share } grant Shell -> kernel.Memory { transfer, map_read } grant Uart -> kernel.Memory { map_write } never flow Uart -> Shell",
      "Uart -> kernel.Memory of Shell (writes shared memory, test.policy:2), then kernel.Memory of Shell -> Shell (reads shared memory, test.policy:2)",
    ],
    [
      "shared memory between two to whom a third gave it",
      "allow request Shell -> { Uart } { share } allow response Attack -> Files.Files { lend } allow request Attack -> Files.Files { lend } allow request Files -> Uart { share }\ngrant Files -> kernel.Memory { transfer }\ngrant Attack -> kernel.Memory { map_write }\ngrant Uart -> kernel.Memory { map_read }\nnever Attack -> Uart",
      "Attack may reach Uart through shared memory",
    ],
    [
      "a notice is a flow to the class that made it",
      "allow request Shell -> Uart { share } grant Shell -> kernel.Notice { transfer } grant Uart -> kernel.Notice { signal } never Uart -> Shell",
      "Uart may reach Shell through a notice",
    ],
    [
      "a reader of traces sees all classes",
      "allow Shell -> kernel.Trace { next }\nnever flow Files -> Shell",
      "Files -> kernel.Trace (its messages can be traced, test.policy:1), then kernel.Trace -> Shell (Trace.next, test.policy:2)",
    ],
    [
      "a list is judged to its first member",
      "allow Shell -> Files.Files { open }\nnever Shell -> { Files.Files, Files.Admin }",
      "Shell may call Files.Files.open",
    ],
    [
      "a list is judged to its last member",
      "allow Shell -> Files.Admin { stats }\nnever Shell -> { Files.Files, Files.Admin }",
      "Shell may call Files.Admin.stats",
    ],
    [
      "methods of one class apart",
      "allow Shell -> Files.Files { open }\nnever Shell -> { Files.open, Files.shutdown }",
      "Shell may call Files.Files.open",
    ],
    [
      "a class and an interface of it",
      "allow Shell -> Files.Files { open }\nnever Shell -> { Files, Files.Admin }",
      "Shell may call Files.Files.open",
    ],
    [
      "methods of the kernel apart",
      "allow Shell -> kernel.Slots { stop }\nnever Shell -> { kernel.Slots.stop, kernel.Slots.start }",
      "Shell may call kernel.Slots.Slots.stop",
    ],
    [
      "a permission over the last of several",
      "grant Shell -> kernel.Memory { map_write }\nnever grant Shell -> { kernel.Notice, kernel.Memory } { map_write }",
      "Shell has map_write over objects of kernel.Memory",
    ],
    [
      "permissions of several rules",
      "grant Shell -> kernel.Memory { map_read }\ngrant any -> kernel.Memory { seal, copy }\nnever grant Shell -> kernel.Memory { map_read, map_write, seal }",
      "Shell has map_read, seal over objects of kernel.Memory",
    ],
    [
      "a class that asks itself",
      "allow Uart -> Uart { write }\nnever any -> Uart",
      "Uart may call Uart.Uart.write",
    ],
    [
      "a class that has permissions over its own",
      "grant Uart -> Uart { transfer }\nnever Uart -> Uart",
      "Uart has permissions over objects of Uart",
    ],
    [
      "the kernel as the one who asks",
      "allow kernel -> Files.Fault { fault }\nnever kernel -> Files",
      "Files does not serve Fault",
    ],
    [
      "a program that another may run as well",
      "allow execute Attack program shell\nnever execute any except Shell program shell",
      "Attack may run shell",
    ],

    [
      "what is denied is read in the audit log",
      "allow Attack -> Files.Files { seek } when first == 1\nallow Shell -> kernel.Audit { read }\nnever flow Attack -> Shell",
      "Attack -> kernel.Audit (what it is denied and its faults are recorded, test.policy:1), then kernel.Audit -> Shell (Audit.read, test.policy:3)",
    ],
    [
      "what another has read is seen in the audit log",
      "allow { Shell, Files } -> kernel.Audit { read }\nnever flow Files -> Shell",
      "Files -> kernel.Audit (",
    ],
    [
      "how a program ended is shown",
      "allow Shell -> kernel.Slots { describe }\nnever flow Attack -> Shell",
      "Attack -> kernel.Slots (its state is shown, test.policy:1), then kernel.Slots -> Shell (Slots.describe, test.policy:2)",
    ],
    [
      "badges of handles are shown",
      "allow Shell -> kernel.Slots { handleAt }\nnever flow Attack -> Shell",
      "kernel.Slots -> Shell (Slots.handleAt, test.policy:2)",
    ],
    [
      "the first slot is told of every end",
      "never flow Attack -> Supervisor",
      "Attack -> Supervisor (its end is reported, test.policy:1)",
    ],
    [
      "the memory that is left is shown",
      "allow Shell -> kernel.System { memory }\nnever flow Attack -> Shell",
      "Attack -> kernel.System (the memory that it uses is counted, test.policy:1), then kernel.System -> Shell (System.memory, test.policy:2)",
    ],
    [
      "who starts a program tells it something",
      "allow Shell -> kernel.Slots { start }\nnever flow Shell -> Console",
      "Shell -> Console (Slots.start, test.policy:2)",
    ],
    [
      "who stops a program tells it something",
      "allow Shell -> kernel.Slots { stop }\nnever flow Shell -> Console",
      "Shell -> Console (Slots.stop, test.policy:2)",
    ],
    [
      "whether something runs is the answer of `start`",
      "allow Shell -> kernel.Slots { start }\nnever flow Attack -> Shell",
      "kernel.Slots -> Shell (Slots.start, test.policy:2)",
    ],
    [
      "the log takes what is written there",
      "allow Shell -> kernel.Log { write }\nnever flow Shell -> kernel.Log",
      "Shell -> kernel.Log (Log.write, test.policy:2)",
    ],
    [
      "everything that faults stands in the log",
      "never flow Shell -> kernel.Log",
      "Shell -> kernel.Log (its faults are logged, test.policy:1)",
    ],
    [
      "an error is an answer",
      "allow request, error Shell -> Console { flush }\nnever flow Console -> Shell",
      "Console -> Shell (answer to Console.flush, test.policy:2)",
    ],
    [
      "the sender of a handle can take it away",
      "allow request Shell -> Files.Files { lend }\nallow response Shell -> Files.Files { lend }\nallow Files -> kernel.Domain { revoke }\nnever flow Files -> Shell",
      "Files -> Shell (",
    ],
    [
      "a seal is seen by others",
      "allow request Shell -> Uart { share }\ngrant Shell -> kernel.Memory { transfer }\nallow Uart -> kernel.Memory { seal }\nallow Shell -> kernel.Memory { info }\nnever flow Uart -> Shell",
      "Uart -> kernel.Memory of Shell (writes shared memory, test.policy:4), then kernel.Memory of Shell -> Shell (reads shared memory, test.policy:5)",
    ],
    [
      "a chain over three",
      "allow Attack -> Files.Admin { shutdown } allow Shell -> Files.Files { open } allow Files -> Console { write }\nallow Console -> Uart { write } never flow Attack -> Uart except through { Supervisor }",
      "Attack -> Files (request Admin.shutdown, test.policy:2), then Files -> Console",
    ],
  ])("fails: %s", async (_name, statements, because) => {
    const { diagnostics, blob } = await compileTest(statements);
    expect(blob).toBeUndefined();
    expect(formatDiagnostics(diagnostics)).toContain(because);
  });
});

describe("a server may forward a call to another that serves the same interface", () => {
  /** Attack serves Console too; the image gives `holder` a handle to Console's. */
  function systemWhere(holder: "attack" | "files"): Partial<SystemInput> {
    const programs = testPrograms.map(({ description, ...program }): ProgramInput => {
      const { name, serves, uses, ...rest } = description;
      const isAttack = name === "attack";
      const held = name === holder ? { console: consoleInterface } : isAttack ? {} : uses;
      return {
        ...program,
        description: {
          ...rest,
          name,
          ...(isAttack ? { serves: { terminal: consoleInterface } } : { serves }),
          uses: held,
        } as ProgramInput["description"],
      };
    });
    const { attack, files } = testImage.slots as Record<string, SlotDescription>;
    const channels = { console: "console.terminal" };
    const slots = {
      ...testImage.slots,
      attack: { ...attack!, channels: {} },
      files: files!,
      [holder]: { ...testImage.slots[holder]!, channels },
    };
    return { programs, image: { ...testImage, slots } };
  }
  const both = "allow request Shell -> { Console.Console, Attack.Console } { write }\n";
  const chain = "Attack -> Console (passes on Console.write of Shell, test.policy:2)";
  const lent = "allow request, response Attack -> Files.Files { lend }\n";

  test.each<readonly [string, "attack" | "files", string, string]>([
    ["by a handle of the image", "attack", both, chain],
    [
      "by a handle that was sent",
      "files",
      `${both}${lent}grant Files -> Console { transfer }\n`,
      chain,
    ],
    ["not by one that may not be sent", "files", `${both}${lent}`, ""],
    ["not without a handle", "files", both, ""],
    [
      "not where each is asked something else",
      "attack",
      "allow request Shell -> Console.Console { write }\nallow request Shell -> Attack.Console { flush }\n",
      "",
    ],
    [
      "not where another asks",
      "attack",
      "allow request Shell -> Console.Console { write }\nallow request Files -> Attack.Console { write }\n",
      "",
    ],
  ])("%s", async (_how, holder, rules, because) => {
    const { diagnostics } = await compileTest(
      `${rules}never flow Attack -> Console`,
      systemWhere(holder),
    );
    if (because === "") expect(formatDiagnostics(diagnostics)).toBe("");
    else expect(formatDiagnostics(diagnostics)).toContain(because);
  });
});

describe("a `never` that says nothing is a mistake:", () => {
  test.each<readonly [string, string]>([
    [
      "never execute Attack program shel",
      "test.policy:2:30: the image has no program `shel`; help: did you mean `shell`?",
    ],
    [
      "never any except { Supervisor, Uart, Console, Files, Shell, Attack } -> Uart",
      "test.policy:2:7: these are no classes at all, so the statement says nothing; help: take it out, or except fewer",
    ],
    [
      "never Uart -> any except { Supervisor, Uart, Console, Files, Shell, Attack }",
      "test.policy:2:15: these are no classes at all",
    ],
    [
      "never flow Shell -> Uart except through Shell",
      "test.policy:2:41: Shell is an end of the flow: `through` it says nothing; help: leave it out, here or there",
    ],
    [
      "never flow Shell -> { Uart, Console } except through { Files, Console }",
      "test.policy:2:63: Console is an end of the flow",
    ],
    [
      "never flow any -> Uart",
      "test.policy:2:1: `never flow any -> Uart` can never hold: Uart is on both sides; help: all instances of a class are one end: leave it out on one side, as in `any except Uart`",
    ],
    [
      "never flow Shell -> kernel.Clock",
      "test.policy:2:21: information does not stay in kernel.Clock: it is no end of a flow; help: a class of programs, or one of kernel.Audit, kernel.Trace, kernel.Log, kernel.Slots, kernel.System",
    ],
    ["never flow Shell -> kernel", "test.policy:2:21: information does not stay in kernel"],
    [
      "never flow Shell -> Uart.write",
      "test.policy:2:26: a class is expected here, not `Uart.write`",
    ],
    [
      "never grant Shell -> Console { map_write }",
      "test.policy:2:32: no class can have `map_write` over objects of Console: this says nothing; help: it is over objects of kernel.Memory",
    ],
    [
      "never grant Shell -> Files.Files { copy }",
      "test.policy:2:28: a class is expected here, not `Files.Files`",
    ],
    [
      "allow kernel -> Console { write }",
      "test.policy:2:7: the kernel sends nothing by Console: the rule could never apply; help: its messages are `Fault.fault`",
    ],
    [
      "grant kernel -> Console { copy }",
      "test.policy:2:7: the kernel needs no permission; help: name classes of programs",
    ],
    [
      "expect deny execute Attack program shel",
      "test.policy:2:36: the image has no program `shel`; help: did you mean `shell`?",
    ],
    [
      "class Ghost expect deny execute Ghost program nothing",
      "test.policy:2:47: the image has no program `nothing`",
    ],
    [
      "expect deny grant Shell -> Console { ports }",
      "test.policy:2:38: no class can have `ports` over objects of Console",
    ],
    ["expect deny error Shell -> Uart.write", "test.policy:2:28: the interface Uart has no errors"],
    [
      "expect deny response Shell -> kernel.Clock.now",
      "test.policy:2:31: a kernel method is one decision: its events are not judged separately",
    ],
    [
      "expect deny Shell -> Console.write(length(text) = 1, length(text) = 2)",
      "test.policy:2:61: `text` is named twice",
    ],
  ])("%s", async (statements, message) => {
    const { diagnostics, blob } = await compileTest(statements);
    expect(blob).toBeUndefined();
    expect(formatDiagnostics(diagnostics)).toContain(message);
  });
});

describe("an `expect` judges each event apart, with the handles that it carries:", () => {
  const share = "allow Console -> Uart { share }";
  const lend = "allow Shell -> Files.Files { lend } grant Files -> kernel.Memory { transfer }";
  test.each<readonly [string, string, string]>([
    [
      "a request that is delivered is not denied, whatever its answer",
      "allow request Shell -> Console { flush }\nexpect deny Shell -> Console.flush",
      "it is allowed; help: by test.policy:2",
    ],
    [
      "whatever it holds",
      "allow request Shell -> Console { write }\nexpect deny Shell -> Console.write(length(text) = 3)",
      "it is allowed; help: by test.policy:2",
    ],
    [
      "a call without an answer is not allowed",
      "allow request Shell -> Console { flush }\nexpect allow Shell -> Console.flush",
      "the request is allowed, and its response denied; help: no rule allows it",
    ],
    [
      "an object that may not be transferred",
      `${share}\nexpect allow Console -> Uart.share`,
      "it is denied; help: the handle `buffer` needs `grant Console -> kernel.Memory { transfer }`",
    ],
    [
      "the second of two objects",
      `${share} grant Console -> kernel.Memory { transfer }\nexpect allow Console -> Uart.share(at = 1)`,
      "it is denied; help: the handle `wake` needs `grant Console -> kernel.Notice { transfer }`",
    ],
    [
      "an object in a response",
      "allow Shell -> Files.Files { lend }\nexpect allow response Shell -> Files.lend",
      "it is denied; help: the handle `pages` needs `grant Files -> kernel.Memory { transfer }`",
    ],
    [
      "a call whose response could never pass",
      "allow Shell -> Files.Files { lend }\nexpect allow Shell -> Files.lend",
      "the request is allowed, and its response denied; help: the handle `pages` needs `grant Files -> kernel.Memory { transfer }`",
    ],
    [
      "an endpoint of a class that may not be transferred",
      `${lend} grant Files -> Attack { transfer }\nexpect allow response Shell -> Files.lend(console = Console)`,
      "it is denied; help: the handle `console` needs `grant Files -> Console { transfer }`",
    ],
    [
      "an endpoint of whatever class: allowed for some",
      `${lend} grant Files -> Attack { transfer }\nexpect allow response Shell -> Files.lend`,
      "it depends on the handle `console`; help: say whose endpoint it is: `console = Class`",
    ],
    [
      "an endpoint of whatever class: denied for some",
      `${lend} grant Files -> Attack { transfer }\nexpect deny response Shell -> Files.lend`,
      "it depends on the handle `console`",
    ],
    [
      "an endpoint that no class may transfer",
      `${lend}\nexpect allow response Shell -> Files.lend`,
      "it is denied; help: the handle `console` needs `grant Files -> Console { transfer }`",
    ],
    [
      "the class of an object is fixed",
      `${share}\nexpect deny Console -> Uart.share(buffer = Shell)`,
      "`buffer` is handle(Memory): its class is always kernel.Memory; help: leave it out",
    ],
    [
      "a number is no class",
      `${lend}\nexpect deny response Shell -> Files.lend(console = 3)`,
      "`console` is handle(Console): whose endpoint it is says a class; help: `console = Class`",
    ],
  ])("fails: %s", async (_name, statements, because) => {
    const { diagnostics, blob } = await compileTest(statements);
    expect(blob).toBeUndefined();
    expect(formatDiagnostics(diagnostics)).toContain(because);
  });

  test.each<readonly [string, string]>([
    [
      "both handles may be transferred",
      `${share} grant Console -> { kernel.Memory, kernel.Notice } { transfer } expect allow Console -> Uart.share(at = 1)`,
    ],
    [
      "one of them may not",
      `${share} grant Console -> kernel.Memory { transfer } expect deny Console -> Uart.share`,
    ],
    [
      "the endpoint's class is named",
      `${lend} grant Files -> Attack { transfer } expect allow response Shell -> Files.lend(console = Attack) expect deny response Shell -> Files.lend(console = Console)`,
    ],
    [
      "every server's endpoint may be transferred",
      `${lend} grant Files -> Console { transfer } expect allow Shell -> Files.lend expect allow response Shell -> Files.lend`,
    ],
    [
      "the request carries nothing",
      "allow Shell -> Files.Files { lend } expect allow request Shell -> Files.lend",
    ],
  ])("holds: %s", async (_name, statements) => {
    await compile(statements);
  });
});

describe("a condition means what it says:", () => {
  type Values = Readonly<Record<string, bigint>>;
  const U = (value: bigint): bigint => BigInt.asUintN(64, value);
  const truth: readonly (readonly [string, string, (v: Values) => boolean])[] = [
    ["Files.Files { seek }", "first < last", ({ first = 0n, last = 0n }) => first < last],
    ["Files.Files { seek }", "first <= last", ({ first = 0n, last = 0n }) => first <= last],
    ["Files.Files { seek }", "first > last", ({ first = 0n, last = 0n }) => first > last],
    ["Files.Files { seek }", "first >= last", ({ first = 0n, last = 0n }) => first >= last],
    ["Files.Files { seek }", "first == last", ({ first = 0n, last = 0n }) => first === last],
    ["Files.Files { seek }", "first != last", ({ first = 0n, last = 0n }) => first !== last],
    ["Files.Files { seek }", "from < to", ({ from = 0n, to = 0n }) => from < to],
    ["Files.Files { seek }", "from >= to", ({ from = 0n, to = 0n }) => from >= to],
    ["Files.Files { seek }", "from <= -1", ({ from = 0n }) => from <= -1n],
    ["Files.Files { seek }", "from > -2", ({ from = 0n }) => from > -2n],
    ["Files.Files { seek }", "-2 < from", ({ from = 0n }) => from > -2n],
    ["Files.Files { seek }", "3 >= first", ({ first = 0n }) => first <= 3n],
    ["Files.Files { seek }", "from in -2..2", ({ from = 0n }) => from >= -2n && from <= 2n],
    ["Files.Files { seek }", "from in -2147483648..-1", ({ from = 0n }) => from <= -1n],
    ["Files.Files { seek }", "first in 2..4294967295", ({ first = 0n }) => first >= 2n],
    ["Files.Files { seek }", "first in 0..2", ({ first = 0n }) => first <= 2n],
    [
      "Files.Files { seek }",
      "first in { 1, 3, 0xffffffff }",
      ({ first = 0n }) => [1n, 3n, 0xffff_ffffn].includes(first),
    ],
    ["Files.Files { seek }", "from in { -1, 2 }", ({ from = 0n }) => from === -1n || from === 2n],
    ["Files.Files { seek }", "(from & 0x8000000000000000) != 0", ({ from = 0n }) => from < 0n],
    ["Files.Files { seek }", "first & 3 == 2", ({ first = 0n }) => (first & 3n) === 2n],
    [
      "Files.Files { seek }",
      "last == first & 3",
      ({ first = 0n, last = 0n }) => last === (first & 3n),
    ],
    [
      "Files.Files { seek }",
      "(first & 3) <= last",
      ({ first = 0n, last = 0n }) => (first & 3n) <= last,
    ],
    [
      "Files.Files { seek }",
      "last >= (first & 3)",
      ({ first = 0n, last = 0n }) => last >= (first & 3n),
    ],
    [
      "Files.Files { seek }",
      "not first == 1 and last == 1 or first == 2",
      ({ first = 0n, last = 0n }) => (!(first === 1n) && last === 1n) || first === 2n,
    ],
    [
      "Files.Files { seek }",
      "not (first == 1 and last == 1) or first == 2",
      ({ first = 0n, last = 0n }) => first === 2n || !(first === 1n && last === 1n),
    ],
    [
      "Files.Files { seek }",
      "first == 1 or last == 1 and from == 1",
      ({ first = 0n, last = 0n, from = 0n }) => first === 1n || (last === 1n && from === 1n),
    ],
    [
      "Files.Files { seek }",
      "(first == 1 or last == 1) and from == 1",
      ({ first = 0n, last = 0n, from = 0n }) => (first === 1n || last === 1n) && from === 1n,
    ],
    [
      "Files.Files { seek }",
      "not not first in { 1, 3 } and not (last == 2 or not from > 0)",
      ({ first = 0n, last = 0n, from = 0n }) =>
        (first === 1n || first === 3n) && last !== 2n && from > 0n,
    ],
  ];
  const values = [-2147483648n, -3n, -2n, -1n, 0n, 1n, 2n, 3n, 4n, 0x7fff_ffffn];

  test.each(truth)("%s when %s", async (target, condition, holds) => {
    const { model } = await compile(`allow Shell -> ${target} when ${condition}`);
    if (model === undefined) throw new Error("no model");
    const [shell, files] = [36, 35];
    let state = 7;
    const pick = (): bigint =>
      values[((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16) % values.length] ?? 0n;
    let granted = 0;
    for (let i = 0; i < 400; i++) {
      const [first, last, from, to] = [
        BigInt.asUintN(32, pick()),
        BigInt.asUintN(32, pick()),
        pick(),
        pick(),
      ] as const;
      const decision = decideMessage(model, {
        event: Event.Request,
        subject: shell,
        target: files,
        interfaceId: 0x103,
        method: 2,
        words: [first, last, U(from), U(to)],
        handles: [],
        arenaBytes: 0,
      });
      expect(
        decision.status === Status.Ok,
        `${condition} with ${first} ${last} ${from} ${to}`,
      ).toBe(holds({ first, last, from, to }));
      granted += decision.status === Status.Ok ? 1 : 0;
    }
    expect(granted).toBeGreaterThan(0);
    expect(granted).toBeLessThan(400);
  });
});

describe("the blob", () => {
  test("is the same bytes whatever the order of files, and twice", async () => {
    const files = [
      { file: "other.policy", text: "module other\nclass Other" },
      { file: "base.policy", text: `${BASE_POLICY}\nallow Shell -> Console { flush }` },
    ];
    const first = await compileTest("", { policyFiles: files });
    const again = await compileTest("", { policyFiles: files.toReversed() });
    expect(first.blob).toBeDefined();
    expect(again.blob).toEqual(first.blob);
  });

  test("comes with costs that follow the formula", async () => {
    const { costs, model } = await compile(
      "allow Shell -> Console { write } when length(text) <= 3 and not urgent\nallow Attack -> Console { flush }",
    );
    const cost = (subject: string, method: number) =>
      costs.find(
        (candidate) =>
          model?.classes[candidate.subject]?.name === subject &&
          candidate.interfaceId === 0x101 &&
          candidate.method === method,
      )?.instructions;
    expect(cost("Shell", 0)).toBe(COST_BASE + 2 * COST_FIELD + COST_BINDING + 2 * COST_INSTRUCTION);
    expect(cost("Attack", 2)).toBe(COST_BASE + COST_FIELD);
    expect(cost("Shell", 2)).toBeUndefined();
  });

  test("comes with a description for other tools", async () => {
    const { sidecar } = await compile("allow Shell -> Console { write } when length(text) < 9");
    expect(sidecar?.rules.find((rule) => rule.kind === "allow")).toMatchObject({
      events: ["request", "response", "error"],
      interface: "Console",
      methods: ["write"],
      conditional: true,
      file: "test.policy",
      line: 2,
    });
    expect(sidecar?.pairs).toContainEqual({
      subject: "Shell",
      target: "Console",
      interface: "Console",
      rules: [6],
      plain: [],
    });
    expect(sidecar?.execute).toContainEqual({ class: "Shell", program: "shell", rule: 4 });
    expect(JSON.parse(JSON.stringify(sidecar))).toEqual(sidecar);
  });
});

test("200 classes and 2,000 rules compile in under 2 s into less than half of what the kernel takes", async () => {
  const service = defineInterface({
    name: "Service",
    id: 0x110,
    version: 1,
    methods: {
      ask: { takes: { size: u32, flags: u64 }, returns: { answer: u64 } },
      tell: { takes: { what: u32 } },
      stop: {},
    },
  });
  const classes = Array.from({ length: 200 }, (_, i) => `C${i}`);
  const slots: Record<string, SlotDescription> = {};
  const programs: ProgramInput[] = [];
  classes.forEach((name, i) => {
    slots[`s${i}`] = {
      program: `services/p${i}`,
      class: name,
      priority: 1 + (i % 200),
      quota: { pages: 16 },
    };
    programs.push({
      folder: `services/p${i}`,
      description: { name: `p${i}`, entry: "main.ts", serves: { service } },
      digest: new Uint8Array(32).fill(i),
      verified: true,
    });
  });
  const files = classes.map((name, i) => ({
    file: `policy/modules/${name}.policy`,
    text: [
      `module m${i}`,
      `class ${name}`,
      `allow execute ${name} program p${i}`,
      `allow ${name} -> kernel.Domain { info, exit, createMemory }`,
      `grant ${name} -> kernel.Memory { map_read, map_write }`,
      ...Array.from(
        { length: 7 },
        (_, k) =>
          `allow ${name} -> C${(i * 7 + k + 1) % 200} { ask } when size <= ${64 + k} and (flags & 0x${(k + 1).toString(16)}) == 0`,
      ),
      `never C${(i + 100) % 200} -> kernel.System`,
      `expect deny ${name} -> kernel.System.reboot`,
    ].join("\n"),
  }));
  const image: ImageDescription = { name: "large", version: 1, policy: [], slots };
  const input = { image, programs, interfaces: await kernelInterfaces(), policyFiles: files };
  // Of this process: the machine may be busy with other tests.
  const start = process.cpuUsage();
  const { blob, diagnostics, model } = await compileSystem(input);
  const { user, system } = process.cpuUsage(start);
  expect(formatDiagnostics(diagnostics)).toBe("");
  expect(model?.rules.length).toBeGreaterThanOrEqual(2000);
  expect(blob?.length).toBeLessThan(BLOB_BYTES_MAX / 2);
  expect((user + system) / 1000).toBeLessThan(2000);
});
