import { describe, expect, test } from "vitest";
import {
  BASE_POLICY,
  compileTest,
  consoleInterface,
  kernelInterfaces,
  testImage,
  testPrograms,
} from "../../tests/support/policy-system.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { type MethodDescription, u32 } from "../../toolchain/vocabulary/interface.ts";
import {
  type Device,
  type ImageDescription,
  type SlotDescription,
  interrupt,
  ports,
} from "../../toolchain/vocabulary/image.ts";

async function errors(statements: string): Promise<readonly string[]> {
  const { diagnostics, blob } = await compileTest(statements);
  if (diagnostics.length > 0) expect(blob).toBeUndefined();
  return diagnostics.map(formatDiagnostic);
}

// The statements start in line 2 of test.policy.
describe("a mistake is told with its place, what is wrong and what would be right:", () => {
  test.each<readonly [string, string]>([
    // Syntax.
    [
      "alow Shell -> Console { write }",
      "test.policy:2:1: `alow` starts no statement; help: did you mean `allow`?",
    ],
    [
      "Shell -> Console { write }",
      "test.policy:2:1: `Shell` starts no statement; help: a statement starts with `class`, `const`, `interface`, `open`, `use`, `allow`, `require`, `grant`, `never`, `expect`",
    ],
    [
      "allow Shell Console { write }",
      "test.policy:2:13: `Console` is not expected here; help: expected: `->`",
    ],
    ["allow Shell -> Console", "test.policy:2:23: the file ends here; help: expected: `{`"],
    ["allow Shell -> Console { write", "test.policy:2:31: the file ends here; help: expected: `}`"],
    [
      "allow Shell -> Console { write, }",
      "test.policy:2:33: `}` is not expected here; help: expected: a name",
    ],
    [
      "allow Shell -> Console { }",
      "test.policy:2:26: `}` is not expected here; help: expected: a name, `*`",
    ],
    ["class 3", "test.policy:2:7: `3` is not expected here; help: expected: a name"],
    [
      "allow Shell -> Console { write } $",
      'test.policy:2:34: the character "$" has no meaning here',
    ],
    [
      "const A = 09x",
      "test.policy:2:11: `09x` is not a number; help: write `4096`, `4_096`, `0x1000` or `4K`",
    ],
    [
      "const A = 0x",
      "test.policy:2:11: `0x` is not a number; help: write `4096`, `4_096`, `0x1000` or `4K`",
    ],
    [
      "const A = 0x_",
      "test.policy:2:11: `0x_` is not a number; help: write `4096`, `4_096`, `0x1000` or `4K`",
    ],
    [
      "const A = 0x1_0000_0000_0000_0000",
      "test.policy:2:11: `0x1_0000_0000_0000_0000` does not fit into 64 bits",
    ],

    // Classes, interfaces, methods.
    [
      "allow Shel -> Console { write }",
      "test.policy:2:7: unknown class `Shel`; help: did you mean `Shell`?",
    ],
    [
      "allow Zebra -> Console { write }",
      "test.policy:2:7: unknown class `Zebra`; help: declare it: `class Zebra`",
    ],
    [
      "allow Shell -> Console.Consol { write }",
      "test.policy:2:24: unknown interface `Consol`; help: did you mean `Console`?",
    ],
    [
      "allow Shell -> Console.Uart { write }",
      "test.policy:2:24: Console does not serve Uart; help: it serves Console",
    ],
    [
      "allow Shell -> Console { wirte }",
      "test.policy:2:26: the interface Console has no method `wirte`; help: did you mean `write`?",
    ],
    [
      "allow Shell -> Files { open }",
      "test.policy:2:16: Files serves several interfaces; help: `Files.Files` or `Files.Admin`",
    ],
    [
      "allow Shell -> Attack { open }",
      "test.policy:2:16: Attack serves nothing; help: `Attack.Interface`",
    ],
    [
      "allow Shell -> kernel.Clok { now }",
      "test.policy:2:23: the kernel has no objects of class `Clok`; help: did you mean `Clock`?",
    ],
    [
      "allow Shell -> kernel { now }",
      "test.policy:2:16: `kernel` sends messages; it receives none; help: the kernel's services are `kernel.Domain`, `kernel.Clock`, …",
    ],
    [
      "allow kernel.Clock -> Console { flush }",
      "test.policy:2:7: kernel.Clock asks for nothing: it cannot be a subject; help: the kernel's own messages have the subject `kernel`",
    ],
    [
      "allow Shell.Console -> Console { flush }",
      "test.policy:2:13: a class is expected here, not `Shell.Console`; help: `Shell`",
    ],
    [
      "allow Shell -> any { flush }",
      "test.policy:2:16: a rule names its targets: `any` is for subjects; help: name the classes, or write a `never`",
    ],
    [
      "allow Shell -> Console.Console.write { flush }",
      "test.policy:2:32: `Console.Console.write` is too long for a target; help: `Class.Interface { methods }`",
    ],
    [
      "class Shell",
      "test.policy:2:7: the class `Shell` is declared in test.policy:1; help: a class is declared once in a system",
    ],
    [
      "class New, New",
      "test.policy:2:12: the class `New` is declared in test.policy:2; help: a class is declared once in a system",
    ],
    [
      "class kernel",
      "test.policy:2:7: the class `kernel` is the kernel's own; help: a class is declared once in a system",
    ],
    [
      "allow request Shell -> kernel.Clock { now }",
      "test.policy:2:7: a kernel method is one decision: its request and response cannot be allowed separately; help: leave the event out",
    ],
    [
      "require Shell -> Console { flush }",
      "test.policy:2:1: a `require` without `when` narrows nothing; help: add a condition, or write `allow`",
    ],

    // Permissions.
    [
      "grant Shell -> kernel.Memory { map_raed }",
      "test.policy:2:32: unknown permission `map_raed`; help: did you mean `map_read`?",
    ],
    [
      "grant Shell -> Console.Console { transfer }",
      "test.policy:2:16: a permission is over the objects of a class, not over an interface; help: `Console`",
    ],

    // Conditions.
    [
      "allow Shell -> Console { write } when length(txt) <= 3",
      "test.policy:2:46: the request of Console.write has no field `txt`; help: did you mean `text`?",
    ],
    [
      "allow Shell -> Console { write, flush } when not urgent",
      "test.policy:2:50: the request of Console.flush has no field `urgent`; help: it has no fields",
    ],
    [
      "allow Shell -> Console { write } when text == 3",
      "test.policy:2:39: `text` is text(4096): a rule cannot read its content; help: `length(text)`",
    ],
    [
      "allow Shell -> Console { write } when urgent == 3",
      "test.policy:2:49: a bool is compared with `true` and `false`",
    ],
    [
      "allow Shell -> Console { write } when length(urgent) == 3",
      "test.policy:2:46: `urgent` is bool: it has no length; help: `urgent` itself",
    ],
    [
      "allow Shell -> Console { write } when length(text)",
      "test.policy:2:39: this is a number, not a condition; help: compare it: `length(name) <= 31`",
    ],
    [
      "allow Shell -> Console { write } when length(text) <= 4096",
      "test.policy:2:39: length(text) <= 4096 is always true; help: it is between 0 and 4096",
    ],
    [
      "allow Shell -> Console { write } when length(text) > 5000",
      "test.policy:2:39: length(text) > 5000 is always false; help: it is between 0 and 4096",
    ],
    [
      "allow Shell -> Console { write } when true",
      "test.policy:2:39: the condition is always true; help: leave `when` out, or the rule",
    ],
    [
      "allow Shell -> Console { write } when 1 == 1",
      "test.policy:2:39: the comparison reads nothing of the message; help: its fields: text, urgent",
    ],
    [
      "allow Shell -> Uart { configure } when mode < raw",
      "test.policy:2:40: `mode` has names, not an order; help: compare with `==`, `!=` or `in { … }`",
    ],
    [
      "allow Shell -> Uart { configure } when mode == coocked",
      "test.policy:2:48: `coocked` is no name of the enumeration; help: did you mean `cooked`?",
    ],
    [
      "allow Shell -> Uart { configure } when mode == 1",
      "test.policy:2:48: an enumeration is compared with its names; help: one of `raw`, `cooked`, `off`",
    ],
    [
      "allow Shell -> Uart { configure } when baud",
      "test.policy:2:40: `baud` is a number, not a condition; help: compare it: `baud != 0`",
    ],
    [
      "allow Shell -> Uart { configure } when baud & 3",
      "test.policy:2:40: this is a number, not a condition; help: compare it: `(flags & 0x3) == 0`",
    ],
    [
      "allow Shell -> Uart { configure } when (baud & 3) == 4",
      "test.policy:2:40: `baud` & 0x3 == 4 is always false; help: it is between 0 and 3",
    ],
    [
      "allow Shell -> Uart { configure } when (parity & 0x100) == 0",
      "test.policy:2:41: `parity` & 0x100 is always 0; help: it is at most 255",
    ],
    [
      "allow Shell -> Uart { configure } when parity == 256",
      "test.policy:2:40: `parity` == 256 is always false; help: it is between 0 and 255",
    ],
    [
      "allow Shell -> Uart { configure } when parity in 5..4",
      "test.policy:2:40: the range 5..4 is empty; help: 4..5",
    ],
    [
      "allow Shell -> Uart { configure } when parity in 0..255",
      "test.policy:2:40: `parity` is always in 0..255; help: it is between 0 and 255",
    ],
    [
      "allow Shell -> Uart { configure } when parity in 256..300",
      "test.policy:2:40: `parity` is never in 256..300; help: it is between 0 and 255",
    ],
    [
      "allow Shell -> Uart { configure } when baud == LIMIT",
      "test.policy:2:48: the request of Uart.configure has no field `LIMIT`; help: its fields: baud, mode, parity",
    ],
    [
      "const LIMIT = 3 allow Shell -> Uart { configure } when baud == LIMTI",
      "test.policy:2:64: the request of Uart.configure has no field `LIMTI`; help: did you mean `LIMIT`?",
    ],
    [
      "allow Shell -> Uart { share } when buffer == 1",
      "test.policy:2:36: `buffer` is a handle: a rule cannot read it; help: the class of its object is judged by `grant … { transfer }`",
    ],
    [
      "allow Shell -> Files.Files { read } when file == offset",
      "test.policy:2:42: `file` is unsigned, `offset` signed; help: compare each with a number",
    ],
    [
      "allow Shell -> Files.Files { seek } when (first & 3) == (last & 3)",
      "test.policy:2:42: only one side of a comparison can have a mask",
    ],
    [
      "allow Shell -> Files.Files { seek } when (first == last) == (from == to)",
      "test.policy:2:43: a condition cannot be compared; help: use `and`, `or`, `not`",
    ],
    [
      "allow error Shell -> Files.Files { open } when error == NotFond",
      "test.policy:2:57: `NotFond` is no name of the enumeration; help: did you mean `NotFound`?",
    ],
    [
      "allow request, response Shell -> Console { readLine } when max == 3",
      "test.policy:2:60: a condition reads one event, and the rule has several; help: write a rule for each",
    ],
    [
      "allow response Shell -> Console { readLine } when max == 3",
      "test.policy:2:51: the response of Console.readLine has no field `max`; help: its fields: text",
    ],

    // Programs.
    [
      "allow execute Shell program shel",
      "test.policy:2:29: the image has no program `shel`; help: did you mean `shell`?",
    ],
    [
      "allow execute kernel program shell",
      "test.policy:2:15: only a class that a policy file declares can run a program",
    ],

    // Interfaces of modules.
    [
      "use test.writer(Shell)",
      "test.policy:2:10: the module test offers no `writer`; help: it opens no interface",
    ],
    [
      "use tset.writer(Shell)",
      "test.policy:2:5: unknown module `tset`; help: did you mean `test`?",
    ],
    [
      "interface a(x) { use b(x) } interface b(x) { use a(x) } use a(Shell)",
      "test.policy:2:46: `a` uses itself",
    ],
    ["interface a(x, y) { } use a(Shell)", "test.policy:2:23: `a` takes x, y; help: `use a(x, y)`"],
    [
      "interface a(Shell) { }",
      "test.policy:2:13: the parameter `Shell` has the name of a class; help: parameters start with a small letter",
    ],
    [
      "interface a(x) { allow y -> Console { flush } } use a(Shell)",
      "test.policy:2:24: unknown class `y`; help: did you mean `x`?",
    ],
    [
      "interface a() { } interface a() { }",
      "test.policy:2:29: the interface `a` is declared twice",
    ],

    // never.
    [
      "allow Shell -> Uart { write }\nnever Shell -> Uart",
      "test.policy:3:1: `never Shell -> Uart` does not hold: Shell may call Uart.Uart.write; help: by test.policy:2: `allow Shell -> Uart { write }`",
    ],
    [
      "allow Shell -> Uart { write } when length(data) == 1\nnever any except Console -> Uart.write",
      "test.policy:3:1: `never any except Console -> Uart.write` does not hold: Shell may call Uart.Uart.write; help: by test.policy:2: `allow Shell -> Uart { write } when length(data) == 1`",
    ],
    [
      "grant Attack -> kernel.Ports { ports }\nnever grant any except Uart -> kernel.Ports { ports }",
      "test.policy:3:1: `never grant any except Uart -> kernel.Ports { ports }` does not hold: Attack has ports over objects of kernel.Ports; help: by test.policy:2: `grant Attack -> kernel.Ports { ports }`",
    ],
    [
      "never execute Shell program shell",
      "test.policy:2:1: `never execute Shell program shell` does not hold: Shell may run shell; help: by test.policy:1: `allow execute Shell program shell`",
    ],
    [
      "never Shell -> Uart.wrte",
      "test.policy:2:21: Uart serves no method or interface `wrte`; help: did you mean `write`?",
    ],
    [
      "never Shell -> kernel",
      "test.policy:2:16: `kernel` receives no messages; help: `kernel.Slots`, `kernel.System`, …",
    ],
    [
      "allow Attack -> Console { write }\nallow Console -> Uart { write }\nnever flow Attack -> Uart",
      "test.policy:4:1: `never flow Attack -> Uart` does not hold: Attack -> Console (request Console.write, test.policy:2), then Console -> Uart (request Uart.write, test.policy:3); help: take one of these rules away, or name the class that may pass it on: `except through …`",
    ],

    // expect.
    [
      "expect allow Shell -> Console.flush",
      "test.policy:2:1: `expect allow Shell -> Console.flush` does not hold: it is denied; help: no rule allows it",
    ],
    [
      "allow Shell -> Console { write } when not urgent\nexpect allow Shell -> Console.write(urgent = true)",
      "test.policy:3:1: `expect allow Shell -> Console.write(urgent = true)` does not hold: it is denied; help: the condition does not hold of test.policy:2: `allow Shell -> Console { write } when not urgent`",
    ],
    [
      "allow Shell -> Console { flush }\nexpect deny Shell -> Console.flush",
      "test.policy:3:1: `expect deny Shell -> Console.flush` does not hold: it is allowed; help: by test.policy:2: `allow Shell -> Console { flush }`",
    ],
    [
      "allow Shell -> Console { flush }\nexpect deny Shell -> Console",
      "test.policy:3:1: `expect deny Shell -> Console` does not hold: something of it is allowed; help: by test.policy:2: `allow Shell -> Console { flush }`",
    ],
    [
      "expect allow Shell -> Console",
      "test.policy:2:23: which method is expected to be allowed?; help: `expect allow A -> B.method`",
    ],
    [
      "expect deny Shell -> Console.flush(x = 3)",
      "test.policy:2:36: the request of Console.flush has no field `x`; help: it has no fields",
    ],
    [
      "expect deny Shell -> Console.write(text = 3)",
      "test.policy:2:36: `text` is text(4096); help: `length(text) = …`",
    ],
    [
      "expect deny Shell -> Uart.configure(parity = 256)",
      "test.policy:2:46: 256 is not in the range of `parity`: u8; help: 0 to 255",
    ],
    [
      "expect allow execute Shell program uart",
      "test.policy:2:1: `expect allow execute Shell program uart` does not hold: no rule allows it",
    ],
    [
      "expect deny grant Shell -> kernel.Memory { map_read }\ngrant any -> kernel.Memory { map_read }",
      "test.policy:2:1: `expect deny grant Shell -> kernel.Memory { map_read }` does not hold: map_read is allowed",
    ],
  ])("%s", async (statements, expected) => {
    expect(await errors(statements)).toContain(expected);
  });

  test("several mistakes of one file are all told", async () => {
    expect(
      await errors(
        "allow Shel -> Console { flush }\nallow Shell -> Console { flsh }\nnever Shell -> Uart.x",
      ),
    ).toHaveLength(2);
  });

  test("an empty file, or one without its module", async () => {
    const compile = async (text: string) =>
      (await compileTest("", { policyFiles: [{ file: "a.policy", text }] })).diagnostics.map(
        formatDiagnostic,
      )[0];
    expect(await compile("")).toBe(
      "a.policy:1:1: the file is empty; help: a policy file starts with `module` and its name",
    );
    expect(await compile("allow")).toBe(
      "a.policy:1:1: `allow` is not expected here; help: a policy file starts with `module` and its name",
    );
  });

  test("two modules of one name", async () => {
    const { diagnostics } = await compileTest("", {
      policyFiles: [
        { file: "a.policy", text: BASE_POLICY },
        { file: "b.policy", text: "module base" },
      ],
    });
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "b.policy:1:8: the module `base` is also in a.policy; help: give one of them another name",
    ]);
  });
});

describe("an image that does not fit its programs and policy is refused:", () => {
  const imageText = `export default defineImage({\n  slots: {\n    console: {\n      class: "Console",\n      channels: { uart: "x" },\n    },\n    shell: {\n      program: "p",\n      class: "Shell",\n    },\n  },\n});\n`;
  const withSlot = (name: string, change: Partial<SlotDescription>): ImageDescription => {
    const slot = testImage.slots[name];
    if (slot === undefined) throw new Error(name);
    return { ...testImage, slots: { ...testImage.slots, [name]: { ...slot, ...change } } };
  };
  test.each<readonly [string, ImageDescription, string]>([
    [
      "class",
      withSlot("shell", { class: "Shel" }),
      "images/test.image.ts:9:7: no policy file declares the class `Shel` of the slot shell; help: did you mean `Shell`?",
    ],
    [
      "kernel class",
      withSlot("shell", { class: "kernel" }),
      "images/test.image.ts:9:7: no policy file declares the class `kernel` of the slot shell; help: add `class kernel` to a policy file of the image",
    ],
    [
      "program",
      withSlot("shell", { program: "services/shel" }),
      "images/test.image.ts:8:7: there is no program in `services/shel`; help: did you mean `services/shell`?",
    ],
    [
      "execute",
      withSlot("shell", { class: "Attack" }),
      "images/test.image.ts:9:7: the slot shell could never start: no rule lets Attack run the program shell; help: `allow execute Attack program shell`",
    ],
    [
      "channel left out",
      withSlot("console", { channels: {} }),
      'images/test.image.ts:5:7: console does not say whose Uart `uart` is; help: channels: { uart: "slot.endpoint" }',
    ],
    [
      "channel to nobody",
      withSlot("console", { channels: { uart: "urt.port" } }),
      "images/test.image.ts:5:19: there is no slot `urt`; help: did you mean `uart`?",
    ],
    [
      "channel to nothing",
      withSlot("console", { channels: { uart: "uart.prt" } }),
      "images/test.image.ts:5:19: uart serves no `prt`; help: did you mean `port`?",
    ],
    [
      "channel of another interface",
      withSlot("console", { channels: { uart: "files.files" } }),
      "images/test.image.ts:5:19: `files.files` serves Files, not Uart",
    ],
    [
      "channel without endpoint",
      withSlot("console", { channels: { uart: "uart" } }),
      'images/test.image.ts:5:19: `uart` is not of the form "slot.endpoint"',
    ],
    [
      "channel that the program does not use",
      withSlot("console", { channels: { uart: "uart.port", files: "files.files" } }),
      "images/test.image.ts:5:7: console uses no `files`; help: its manifest uses `uart`",
    ],
    [
      "channel called as what every object has",
      withSlot("console", { channels: { uart: "uart.port", constructor: "files.files" } }),
      "images/test.image.ts:5:7: console uses no `constructor`; help: its manifest uses `uart`",
    ],
    [
      "device called as what every object has",
      withSlot("shell", { devices: { valueOf: interrupt(3) } }),
      "images/test.image.ts:7:5: shell has no device `valueOf`; help: its manifest has nothing",
    ],
    [
      "slot that would come first",
      { ...testImage, slots: { ...testImage.slots, 7: testImage.slots["shell"]! } },
      "images/test.image.ts:2:3: `7` is no name of a slot; help: 1 to 31 letters, digits, _ and -, not digits alone",
    ],
    [
      "badge",
      withSlot("console", { channels: { uart: { to: "uart.port", badge: -1 } } }),
      "images/test.image.ts:5:19: the badge -1 is no whole number",
    ],
    [
      "priority",
      withSlot("shell", { priority: 256 }),
      "images/test.image.ts:7:5: the priority 256 of shell is not between 1 and 255",
    ],
    [
      "ceiling",
      withSlot("shell", { ceiling: 10 }),
      "images/test.image.ts:7:5: the ceiling 10 of shell is not between its priority 50 and 255",
    ],
    [
      "handles beyond the table",
      withSlot("shell", { quota: { pages: 10, handles: 4096 } }),
      "images/test.image.ts:7:5: the quota of 4096 handles of shell is not between 1 and 4095",
    ],
    [
      "threads beyond the stacks",
      withSlot("shell", { quota: { pages: 10, threads: 30 } }),
      "images/test.image.ts:7:5: the quota of 30 threads of shell is not between 1 and 29",
    ],
    [
      "objects of all slots",
      withSlot("shell", { quota: { pages: 10, objects: 8153 } }),
      "images/test.image.ts:7:5: the slots' quotas of objects add up to 8193, and the kernel has 8192 for all of them; help: give smaller `quota.objects`: shell has 8153, supervisor has 8, uart has 8; a slot that says nothing gets 8",
    ],
    [
      "quota",
      withSlot("shell", { quota: { pages: 0 } }),
      "images/test.image.ts:7:5: the quota of 0 pages of shell is not between 1 and 16777216",
    ],
    [
      "handles",
      withSlot("shell", { quota: { pages: 10, handles: 5 } }),
      "images/test.image.ts:7:5: shell starts with 7 handles and has a quota of 5; help: raise `quota.handles`",
    ],
    [
      "device left out",
      withSlot("uart", { devices: {} }),
      "images/test.image.ts:2:3: uart does not say which ports `registers` is; help: devices: { registers: ports(0x3f8, 8) }",
    ],
    [
      "device that is none",
      withSlot("shell", { devices: { line: { kind: "interrupt", line: 3 } } }),
      "images/test.image.ts:7:5: shell has no device `line`; help: its manifest has nothing",
    ],
    [
      "ports beyond the last",
      withSlot("uart", {
        devices: {
          registers: { kind: "ports", first: 65535, count: 2 },
          line: { kind: "interrupt", line: 4 },
        },
      }),
      "images/test.image.ts:2:3: uart: `registers` names ports that do not exist; help: ports(first, count): at least one, and the last at most 0xffff",
    ],
    [
      "fault handler",
      withSlot("shell", { faultHandler: "files.files" }),
      "images/test.image.ts:7:5: `files.files` serves Files, not Fault",
    ],
  ])("%s", async (_name, image, expected) => {
    const { diagnostics, blob } = await compileTest("", { image, imageText });
    expect(blob).toBeUndefined();
    expect(diagnostics.map(formatDiagnostic)).toContain(expected);
  });

  // In line 4, columns from 18 on.
  const driver = (registers: string, line: string): string =>
    `export default defineImage({\n  slots: {\n    uart: {\n      devices: { registers: ${registers}, line: ${line} },\n    },\n  },\n});\n`;
  const NOT_THERE =
    "uart: `registers` names ports that do not exist; help: ports(first, count): at least one, and the last at most 0xffff";
  test.each<readonly [string, string, number, string]>([
    [
      "ports(0, 65536)",
      "interrupt(4)",
      18,
      "uart: `registers` takes ports 0x0 to 0x1f, which belong to the DMA controller; help: grant the registers of the one device",
    ],
    [
      "ports(0x10, 0x11)",
      "interrupt(4)",
      18,
      "uart: `registers` takes ports 0x10 to 0x1f, which belong to the DMA controller; help: grant the registers of the one device",
    ],
    [
      "ports(0x21, 1)",
      "interrupt(4)",
      18,
      "uart: `registers` takes port 0x21, which belongs to the interrupt controller; help: grant the registers of the one device",
    ],
    [
      "ports(0xa1, 1)",
      "interrupt(4)",
      18,
      "uart: `registers` takes port 0xa1, which belongs to the second interrupt controller and the firmware (0xb2); help: grant the registers of the one device",
    ],
    [
      "ports(0x60, 5)",
      "interrupt(4)",
      18,
      "uart: `registers` takes ports 0x61 to 0x64, which belong to the timer's gate, the NMI and the keyboard controller, which resets the machine; help: grant the registers of the one device",
    ],
    [
      "ports(0xcf9, 1)",
      "interrupt(4)",
      18,
      "uart: `registers` takes port 0xcf9, which belongs to the chipset: PCI configuration (0xcf8), reset (0xcf9), power; help: grant the registers of the one device",
    ],
    ["ports(0xffff, 2)", "interrupt(4)", 18, NOT_THERE],
    ["ports(0xfff8, 16)", "interrupt(4)", 18, NOT_THERE],
    ["ports(0x3f8, 0)", "interrupt(4)", 18, NOT_THERE],
    ["ports(-8, 8)", "interrupt(4)", 18, NOT_THERE],
    ["ports(0x10000, 1)", "interrupt(4)", 18, NOT_THERE],
    ["ports(0x3f8, 0.5)", "interrupt(4)", 18, NOT_THERE],
    ["ports(0x3f8, 8)", "interrupt(16)", 46, "uart: there is no interrupt line 16; help: 0 to 15"],
    ["ports(0x3f8, 8)", "interrupt(-1)", 46, "uart: there is no interrupt line -1; help: 0 to 15"],
    [
      "ports(0x3f8, 8)",
      "interrupt(0)",
      46,
      "uart: `line` takes interrupt line 0, which belongs to the timer; help: name the line of the device",
    ],
    [
      "ports(0x3f8, 8)",
      "interrupt(2)",
      46,
      "uart: `line` takes interrupt line 2, which belongs to the second interrupt controller; help: name the line of the device",
    ],
  ])(
    "a device of the machine's own, or none: %s, %s",
    async (registers, line, column, expected) => {
      const devices = new Function(
        "ports",
        "interrupt",
        `return { registers: ${registers}, line: ${line} };`,
      )(ports, interrupt) as SlotDescription["devices"];
      const { diagnostics, blob } = await compileTest("", {
        image: withSlot("uart", { devices: devices! }),
        imageText: driver(registers, line),
      });
      expect(blob).toBeUndefined();
      expect(diagnostics.map(formatDiagnostic)).toEqual([
        `images/test.image.ts:4:${column}: ${expected}`,
      ]);
    },
  );

  test.each<readonly [string, Device, Device, readonly string[]]>([
    [
      "the same",
      ports(0x3f8, 8),
      interrupt(4),
      [
        "images/test.image.ts:8:18: uart (`registers`) and second (`registers`) share ports 0x3f8 to 0x3ff",
        "images/test.image.ts:8:46: uart (`line`) and second (`line`) share interrupt line 4",
      ],
    ],
    [
      "a last port",
      ports(0x3ff, 1),
      interrupt(5),
      ["images/test.image.ts:8:18: uart (`registers`) and second (`registers`) share port 0x3ff"],
    ],
    [
      "a first port",
      ports(0x3f0, 9),
      interrupt(5),
      ["images/test.image.ts:8:18: uart (`registers`) and second (`registers`) share port 0x3f8"],
    ],
    [
      "ports around",
      ports(0x3e8, 24),
      interrupt(5),
      [
        "images/test.image.ts:8:18: uart (`registers`) and second (`registers`) share ports 0x3f8 to 0x3ff",
      ],
    ],
    ["neighbours", ports(0x3f0, 8), interrupt(5), []],
  ])("a device that two slots hold: %s", async (_name, registers, line, expected) => {
    const text = driver("ports(0x3f8, 8)", "interrupt(4)").replace(
      "    },\n  },",
      "    },\n    second: {\n\n      devices: { registers: ports(0x3f8, 8), line: interrupt(4) },\n    },\n  },",
    );
    const image = {
      ...testImage,
      slots: {
        ...testImage.slots,
        second: { ...testImage.slots["uart"]!, devices: { registers, line } },
      },
    };
    const { diagnostics, blob } = await compileTest("", { image, imageText: text });
    expect(diagnostics.map(formatDiagnostic)).toEqual(
      expected.map(
        (message) => `${message}; help: a device is one slot's: let the others call its driver`,
      ),
    );
    expect(blob === undefined).toBe(expected.length > 0);
  });

  test("a device that one slot holds twice, and ports that three slots hold", async () => {
    const programs = testPrograms.map((program) =>
      program.folder !== "drivers/uart"
        ? program
        : {
            ...program,
            description: {
              ...program.description,
              devices: { ...program.description.devices, more: "ports" as const },
            },
          },
    );
    const devices = { registers: ports(0x300, 32), line: interrupt(4), more: ports(0x308, 8) };
    const other = {
      ...testImage.slots["uart"]!,
      devices: { registers: ports(0x31f, 4), line: interrupt(5), more: ports(0x318, 4) },
    };
    const { diagnostics } = await compileTest("", {
      programs,
      image: {
        ...testImage,
        slots: { ...testImage.slots, uart: { ...testImage.slots["uart"]!, devices }, other },
      },
    });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "uart (`registers`) and uart (`more`) share ports 0x308 to 0x30f",
      "uart (`registers`) and other (`more`) share ports 0x318 to 0x31b",
      "uart (`registers`) and other (`registers`) share port 0x31f",
    ]);
  });

  test.each(["constructor", "toString", "hasOwnProperty"])(
    "a channel and a device `%s`, which the slot leaves out",
    async (handle) => {
      const programs = testPrograms.map((program) =>
        program.folder !== "services/shell"
          ? program
          : {
              ...program,
              description: { ...program.description, uses: { [handle]: consoleInterface } },
            },
      );
      const { diagnostics } = await compileTest("", {
        image: withSlot("shell", { channels: {} }),
        imageText,
        programs,
      });
      expect(diagnostics.map(formatDiagnostic)).toEqual([
        `images/test.image.ts:7:5: shell does not say whose Console \`${handle}\` is; help: channels: { ${handle}: "slot.endpoint" }`,
      ]);
      const drivers = testPrograms.map((program) =>
        program.folder !== "services/shell"
          ? program
          : {
              ...program,
              description: {
                name: "shell",
                entry: "main.ts",
                devices: { [handle]: "ports" as const },
              },
            },
      );
      const driver = await compileTest("", {
        image: withSlot("shell", { channels: {} }),
        imageText,
        programs: drivers,
      });
      expect(driver.diagnostics.map(formatDiagnostic)).toEqual([
        `images/test.image.ts:7:5: shell does not say which ports \`${handle}\` is; help: devices: { ${handle}: ports(0x3f8, 8) }`,
      ]);
    },
  );

  test("a program that names two handles alike", async () => {
    const programs = testPrograms.map((program) =>
      program.folder !== "services/console"
        ? program
        : {
            ...program,
            description: { ...program.description, kernel: { uart: "Clock" as const } },
          },
    );
    const { diagnostics } = await compileTest("", { image: testImage, imageText, programs });
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "images/test.image.ts:3:5: console names two handles `uart`; help: give one of them another name in its manifest",
    ]);
  });

  test.each([256, 257])(
    "%i named handles of one slot, of which 256 are the most",
    async (count) => {
      // Besides its policy handle.
      const names = Array.from({ length: count - 1 }, (_, i) => `c${i}`);
      const programs = testPrograms.map((program) =>
        program.folder !== "services/shell"
          ? program
          : {
              ...program,
              description: {
                ...program.description,
                uses: Object.fromEntries(names.map((name) => [name, consoleInterface])),
              },
            },
      );
      const image = withSlot("shell", {
        quota: { pages: 64, handles: 300 },
        channels: Object.fromEntries(names.map((name) => [name, "console.terminal"])),
      });
      const { diagnostics, blob } = await compileTest("", { image, imageText, programs });
      const refused = [
        "images/test.image.ts:7:5: shell starts with 257 handles besides its own three; help: at most 256: serve many clients by one endpoint, told apart by badges",
      ];
      expect(diagnostics.map(formatDiagnostic)).toEqual(count > 256 ? refused : []);
      expect(blob === undefined).toBe(count > 256);
    },
  );

  test.each<readonly [string, MethodDescription, string]>([
    [
      "nothing",
      { takes: { slot: u32 } },
      'the kernel method Slots.watch does not say what it reads or writes; help: `writes: ["own"]`, or others of "Audit", "Trace", "Log", "Slots", "System", "object", "domains", "handles", "own"',
    ],
    [
      "only what it writes, and returns something",
      { returns: { count: u32 }, writes: ["own"] },
      'the kernel method Slots.watch returns something and does not say what it reads; help: `reads: ["own"]`',
    ],
    [
      "two empty lists",
      { reads: [], writes: [] },
      "the kernel method Slots.watch does not say what it reads or writes",
    ],
    [
      "something else",
      { reads: ["Clock" as "own"] },
      "Slots.watch reads or writes `Clock`, which is nothing that programs share",
    ],
  ])("a kernel method that says %s", async (_name, method, message) => {
    const interfaces = (await kernelInterfaces()).map((known) =>
      known.name === "Slots" ? { ...known, methods: { ...known.methods, watch: method } } : known,
    );
    const { diagnostics, blob } = await compileTest("", { interfaces });
    expect(blob).toBeUndefined();
    expect(diagnostics.map(formatDiagnostic).join("\n")).toContain(message);
  });

  test("a program's method that says what it reads", async () => {
    const { diagnostics } = await compileTest("", {
      interfaces: [
        ...(await kernelInterfaces()),
        { name: "A", id: 0x200, version: 1, methods: { x: { reads: ["Audit"] } } },
      ],
    });
    expect(diagnostics[0]?.message).toBe(
      "A.x: only methods of kernel objects say what they read and write",
    );
  });

  test("interfaces that clash", async () => {
    const { diagnostics } = await compileTest("", {
      interfaces: [
        { name: "A", id: 0x200, version: 1, methods: {} },
        { name: "B", id: 0x200, version: 1, methods: {} },
      ],
    });
    expect(diagnostics[0]?.message).toBe("the interfaces A and B both have the id 512");
  });

  test("a program that the verifier did not pass is marked, and a warning unless its slot says that it may be one", async () => {
    const programs = testPrograms.map((program) => ({
      ...program,
      verified: program.folder !== "services/attack",
    }));
    const { diagnostics, model } = await compileTest("", { programs });
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "images/test.image.ts: warning: the program attack in the slot attack was not passed by the machine-code verifier; help: it runs, and is shown as unverified; if that is meant, write `mayBeUnverified: true` into the slot",
    ]);
    expect(
      model?.programs.filter((program) => !program.verified).map((program) => program.name),
    ).toEqual(["attack"]);
    const declared = await compileTest("", {
      programs,
      image: withSlot("attack", { mayBeUnverified: true }),
    });
    expect(declared.diagnostics).toEqual([]);
    expect(declared.model?.programs.find((program) => program.name === "attack")?.verified).toBe(
      false,
    );
  });
});

describe("policy text of any kind ends in a diagnostic, soon:", () => {
  test.each<readonly [string, string]>([
    ["10,000 open parentheses", `allow Shell -> Console { write } when ${"(".repeat(10_000)}`],
    ["10,000 negations", `allow Shell -> Console { write } when ${"not ".repeat(10_000)} urgent`],
    ["10,000 terms", `allow Shell -> Console { write } when urgent${" and urgent".repeat(10_000)}`],
    ["10,000 masks", `allow Shell -> Uart { configure } when baud${" & 1".repeat(10_000)} == 1`],
    [
      "10,000 members",
      `allow Shell -> Uart { configure } when baud in { ${Array.from({ length: 10_000 }, (_, i) => i).join(", ")} }`,
    ],
    [
      "an interface that doubles 16 times",
      `${Array.from({ length: 15 }, (_, i) => `interface i${i}(x) { use i${i + 1}(x) use i${i + 1}(x) }`).join("\n")}\ninterface i15(x) { allow x -> Console { flush } }\nuse i0(Shell)`,
    ],
    ["a comment that does not end", "/* allow"],
    ["zero bytes", "\0\0\0"],
    ["a name of 100,000 letters", `class ${"a".repeat(100_000)}`],
    ["2 MB", `// ${"x".repeat(2_000_000)}`],
  ])("%s", async (_name, statements) => {
    const before = process.cpuUsage();
    const { diagnostics } = await compileTest(statements);
    expect(diagnostics.some((diagnostic) => diagnostic.severity === "error")).toBe(true);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(10_000);
  });

  test("random bytes and random words of the language", async () => {
    const words = [
      "allow",
      "require",
      "grant",
      "never",
      "expect",
      "deny",
      "class",
      "const",
      "use",
      "interface",
      "any",
      "except",
      "when",
      "and",
      "or",
      "not",
      "in",
      "..",
      "->",
      "{",
      "}",
      "(",
      ")",
      ",",
      ".",
      "Shell",
      "Console",
      "write",
      "urgent",
      "length",
      "text",
      "==",
      "<=",
      "&",
      "3",
      "0x3",
      "true",
      "request",
      "kernel",
      "flow",
      "through",
      "execute",
      "program",
      "*",
      "=",
      "audit",
      "-",
    ];
    let state = 99;
    const next = (limit: number): number =>
      (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % limit;
    for (let i = 0; i < 300; i++) {
      const text =
        i % 3 === 0
          ? String.fromCharCode(...Array.from({ length: next(60) }, () => next(256)))
          : Array.from({ length: 1 + next(25) }, () => words[next(words.length)]).join(" ");
      const { diagnostics } = await compileTest(text);
      for (const diagnostic of diagnostics) expect(diagnostic.message.length).toBeGreaterThan(5);
    }
  });
});
