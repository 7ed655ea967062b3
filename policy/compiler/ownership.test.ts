// Who may say what: each statement stands in the module `test`, which declares the class Terminal,
// beside the module `base` with all classes of the test image.
import { describe, expect, test } from "vitest";
import { BASE_POLICY, compileTest } from "../../tests/support/policy-system.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import type { Rule } from "./model.ts";

const OFFERS = `
interface hidden(client) { allow client -> Console { write } }
open interface writer(client) { allow client -> Console { write } }
open interface reader(client) { use writer(client) allow client -> Console { readLine } }
open interface short(client, most: 1..80) { allow client -> Console { write } when length(text) <= most }
open interface shared(client) { grant client -> kernel.Memory { transfer } }
open interface pair(one, other) { allow { one, other } -> Console { flush } }
`;

async function compile(statements: string, offers = OFFERS) {
  return compileTest("", {
    policyFiles: [
      { file: "base.policy", text: BASE_POLICY + offers },
      { file: "test.policy", text: `module test\nclass Terminal\n${statements}` },
    ],
  });
}

async function messages(statements: string, offers = OFFERS): Promise<readonly string[]> {
  return (await compile(statements, offers)).diagnostics
    .filter(({ severity }) => severity === "error")
    .map(formatDiagnostic);
}

describe("a module may speak of pairs of which it owns one:", () => {
  test.each([
    ["its class asks another's", "allow Terminal -> Console { flush }"],
    ["its class is asked", "allow Shell -> Terminal.Console { flush }"],
    ["any class asks its own", "allow any -> Terminal.Console { flush }"],
    ["its class asks the kernel", "allow Terminal -> kernel.Clock { now }"],
    ["the kernel reports to its class", "allow kernel -> Terminal.Fault { fault }"],
    ["its class has a permission", "grant Terminal -> kernel.Memory { map_read }"],
    ["another has a permission over its endpoints", "grant Shell -> Terminal { transfer }"],
    ["its class is narrowed", "require Terminal -> Console { write } when urgent"],
    [
      "its class is narrowed towards the kernel",
      "require Terminal -> kernel.Log { write } when length(text) < 9",
    ],
    [
      "others are narrowed towards its class",
      "require any -> Terminal.Console { write } when urgent",
    ],
    ["an assertion names anybody", "never Shell -> Uart\nexpect deny Shell -> Uart.write"],
    ["an open interface", "use base.writer(Terminal)"],
    ["an open interface that uses another", "use base.reader(Terminal)"],
    ["an interface that lets its user ask the kernel", "use base.shared(Terminal)"],
    ["its own interface", "interface mine(x) { allow x -> Console { flush } } use mine(Terminal)"],
    [
      "an own interface that uses another's",
      "interface mine(x) { use base.reader(x) } use mine(Terminal)",
    ],
    ["two classes", "class Second use base.pair(Terminal, Second)"],
  ])("%s", async (_what, statements) => {
    expect(await messages(statements)).toEqual([]);
  });

  test.each([
    [
      "allow Shell -> Console { flush }",
      "test.policy:3:1: neither Shell nor Console belongs to the module test; help: ask the module base, which can say `use base.writer(Shell)` or `use base.reader(Shell)` or `use base.short(Shell)`",
    ],
    [
      "allow { Terminal, Shell } -> Console { flush }",
      "test.policy:3:1: neither Shell nor Console belongs",
    ],
    [
      "allow any -> { Terminal.Console, Console } { flush }",
      "test.policy:3:1: neither Supervisor nor Console belongs",
    ],
    [
      "allow Shell -> kernel.Slots { stop }",
      "test.policy:3:1: neither Shell nor kernel.Slots belongs to the module test; help: ask the module base",
    ],
    ["allow kernel -> Console { flush }", "neither kernel nor Console belongs"],
    [
      "grant Shell -> kernel.Memory { transfer }",
      "test.policy:3:1: neither Shell nor kernel.Memory belongs to the module test; help: ask the module base",
    ],
    ["grant any -> kernel.Memory { transfer }", "neither Supervisor nor kernel.Memory belongs"],
    [
      "grant Shell -> Console { transfer }",
      "test.policy:3:1: neither Shell nor Console belongs to the module test; help: ask the module base",
    ],
    ["require Shell -> Console { write } when urgent", "neither Shell nor Console belongs"],
    ["require any -> Console { write } when urgent", "neither Supervisor nor Console belongs"],
    [
      "require any -> kernel.Log { write } when length(text) < 9",
      "neither Supervisor nor kernel.Log belongs",
    ],
    [
      "allow execute Shell program attack",
      "test.policy:3:15: Shell does not belong to the module test; help: ask the module base: it says what runs as its classes",
    ],
    [
      "use base.hidden(Terminal)",
      "test.policy:3:10: `base.hidden` is not open to other modules; help: `open interface hidden(…)` in base.policy:2",
    ],
    [
      "use base.hiden(Terminal)",
      "test.policy:3:10: the module base offers no `hiden`; help: it opens no interface",
    ],
    [
      "use base.wrter(Terminal)",
      "test.policy:3:10: the module base offers no `wrter`; help: did you mean `writer`?",
    ],
    [
      "use base.writer(Shell)",
      "test.policy:3:17: Shell does not belong to the module test; help: ask the module base: a module uses interfaces for its own classes",
    ],
    ["use base.pair(Terminal, Shell)", "test.policy:3:25: Shell does not belong"],
    ["use base.writer(kernel.Clock)", "test.policy:3:17: kernel.Clock does not belong"],
    [
      "interface mine(x) { allow x -> Console { flush } } use mine(Shell)",
      "test.policy:3:21: neither Shell nor Console belongs to the module test",
    ],
  ])("not %s", async (statements, message) => {
    const [first, ...others] = await messages(statements);
    expect(first).toContain(message);
    expect(others).toEqual([]);
  });
});

describe("an interface obeys the rule of its module, used or not:", () => {
  test.each([
    [
      "open interface a(client) { allow client -> Console { flush } }",
      "test.policy:3:28: neither client nor Console belongs to the module test; help: ask the module base",
    ],
    [
      "open interface a(client) { allow client -> client.Console { flush } }",
      "neither client nor client belongs to the module test; help: let the module that uses the interface say it",
    ],
    [
      "open interface a(x) { allow Shell -> Console { flush } }",
      "neither Shell nor Console belongs to the module test",
    ],
    [
      "open interface a(x) { allow Shell -> kernel.Slots { stop } }",
      "neither Shell nor kernel.Slots belongs to the module test",
    ],
    [
      "open interface a(client) { require client -> kernel.Log { write } when length(text) < 9 }",
      "neither client nor kernel.Log belongs to the module test; help: let the module that uses the interface say it",
    ],
    [
      "open interface a(client) { use base.writer(client) }",
      "test.policy:3:44: `client` stands for a class of another module; help: let that module use base.writer",
    ],
    [
      "interface b(x) { allow x -> Terminal.Console { flush } } open interface a(client) { use b(client) }",
      "`client` stands for a class of another module; help: `open interface b(…)`",
    ],
    [
      "interface a(x) { allow Shell -> x.Console { flush } grant Shell -> kernel.Memory { seal } }",
      "neither Shell nor kernel.Memory",
    ],
  ])("%s", async (statements, message) => {
    const [first, ...others] = await messages(statements);
    expect(first).toContain(message);
    expect(others).toEqual([]);
  });

  test("a module that uses its own interface could as well write the rules", async () => {
    expect(await messages("", `${OFFERS}use writer(Shell) use hidden(Attack)`)).toEqual([]);
    expect(await messages("", `${OFFERS}use writer(Terminal)`)).toEqual([]);
    expect(await messages("", `${OFFERS}use shared(Terminal)`)).toEqual([
      "base.policy:6:33: neither Terminal nor kernel.Memory belongs to the module base; help: ask the module test",
    ]);
  });
});

describe("a value is a constant of the rules that an interface puts in force:", () => {
  const limits = async (statements: string): Promise<readonly bigint[]> => {
    const { model, diagnostics } = await compile(statements);
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const isShort = (rule: Rule): boolean => rule.text.includes("most");
    return (model?.rules ?? [])
      .filter(isShort)
      .flatMap(({ condition }) => (condition?.kind === "test" ? condition.value : []));
  };
  test("at either end of its range, by a constant, each use with its own", async () => {
    expect(await limits("use base.short(Terminal, most = 1)")).toEqual([1n]);
    expect(await limits("use base.short(Terminal, most = 80)")).toEqual([80n]);
    expect(await limits("const A = 0x10 use base.short(Terminal, most = A & 0x30)")).toEqual([16n]);
    expect(
      await limits("class B use base.short(B, most = 2) use base.short(most = 3, Terminal)"),
    ).toEqual([2n, 3n]);
  });
  test("handed on by an interface", async () => {
    expect(
      await limits(
        "interface mine(x, n: 5..9) { use base.short(x, most = n) } use mine(Terminal, n = 7)",
      ),
    ).toEqual([7n]);
  });

  test.each([
    [
      "use base.short(Terminal, most = 0)",
      "test.policy:3:33: 0 is not in the range of `most`; help: 1 to 80",
    ],
    [
      "use base.short(Terminal, most = 81)",
      "test.policy:3:33: 81 is not in the range of `most`; help: 1 to 80",
    ],
    ["use base.short(Terminal, most = -1)", "-1 is not in the range of `most`"],
    [
      "use base.short(Terminal)",
      "test.policy:3:1: `base.short` takes client, most = 1..80; help: `use base.short(client, most = 1..80)`",
    ],
    [
      "use base.short(Terminal, 5)",
      "test.policy:3:26: `5` is not expected here; help: expected: a name",
    ],
    [
      "use base.short(Terminal, least = 5)",
      "test.policy:3:26: `base.short` takes client, most = 1..80",
    ],
    ["use base.short(Terminal, most = 5, most = 5)", "`base.short` takes client, most = 1..80"],
    ["use base.short(most = 5)", "`base.short` takes client, most = 1..80"],
    ["use base.writer(client = 5)", "`base.writer` takes client; help: `use base.writer(client)`"],
    [
      "use base.short(Terminal, most = nothing)",
      "the request of module test has no field `nothing`",
    ],
    [
      "interface a(x, n: 0..9) { allow x -> Console { write } when length(text) < n }",
      "`length(text) < 0` is always false".replaceAll("`", ""),
    ],
    [
      "interface a(x, n: 1..5_000) { allow x -> Console { write } when length(text) <= n }",
      "length(text) <= 5000 is always true",
    ],
    ["interface a(x, n: 9..1) { }", "test.policy:3:16: the range 9..1 is empty; help: 1..9"],
    ["const N = 3 interface a(x, N: 1..9) { }", "the parameter `N` has the name of a constant"],
    ["interface a(x, x: 1..9) { }", "the parameter `x` is named twice"],
    [
      "interface mine(x, n: 5..81) { use base.short(x, most = n) }",
      "81 is not in the range of `most`",
    ],
    [
      "interface a(x, max: 1..9) { allow x -> Console { readLine } when max <= 3 }",
      "`max` names a field and a value of the policy",
    ],
  ])("not %s", async (statements, message) => {
    const [first, ...others] = await messages(statements);
    expect(first).toContain(message);
    expect(others).toEqual([]);
  });
});

test("words that came later can still be names", async () => {
  expect(
    await messages(
      `class ended, open, then
      allow open -> Console { flush }
      allow ended -> Console { write }
      allow { ended, then } -> Console { flush }
      interface if(audited) { allow audited -> Console { write } }
      use if(open)`,
    ),
  ).toEqual([]);
});
