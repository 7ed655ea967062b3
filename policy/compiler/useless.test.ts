// Each warning by one statement that has it, and one beside it that has not. The image gives Shell
// channels to Console, Files and Admin, Console one to Uart, and Attack one to Console.
import { describe, expect, test } from "vitest";
import { compileTest } from "../../tests/support/policy-system.ts";
import { Random } from "../../toolchain/fuzz/random.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { RuleOperation } from "../../kernel/abi/blob.ts";
import { constantCondition } from "./decision-diagram.ts";
import type { Condition, Field } from "./model.ts";

/** Rules for the image's channels, so that these are used. */
const CHANNELS =
  "allow request Shell -> { Console, Files.Files, Files.Admin } { * } allow request Attack -> Console { * } allow request Console -> Uart { * }";

async function warnings(statements: string, channels = CHANNELS): Promise<readonly string[]> {
  const { diagnostics, useless } = await compileTest(`${statements}\n${channels}`);
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  return useless.map((one) => formatDiagnostic(one).replace("warning: ", ""));
}

describe("a condition that is the same for all messages:", () => {
  const response = "allow response Shell -> Files.Files { read }";
  test.each([
    [
      "never",
      "allow response Shell -> Console { readLine } when length(text) < 3 and length(text) > 5",
    ],
    ["never", "allow error Shell -> Console { write } when error == Closed and error == TooFast"],
    ["always", "allow error Shell -> Console { write } when error == Closed or error == TooFast"],
    ["always", "require Shell -> Console { write } when urgent or not urgent"],
    ["always", "require Shell -> Files.Files { seek } when first <= last or last < first"],
    ["never", "require Shell -> Files.Files { seek } when first < last and last < first"],
    ["always", "require Shell -> Files.Files { seek } when from <= to or to <= from"],
    ["never", "require Shell -> Files.Files { seek } when from < to and from == to"],
    ["always", "require Shell -> Files.Files { open } when (flags & 6) != 5"],
    ["never", "require Shell -> Files.Files { open } when (flags & 6) == 6 and (flags & 4) == 0"],
    ["never", "require Shell -> Files.Files { read } when offset < 0 and offset > -1"],
    ["always", "require Shell -> Files.Files { open } when mode in { read, write }"],
    ["always", "require Shell -> Files.Admin { shutdown } if code > 5 when code > 4"],
    ["always", `${response} when isEnd or not isEnd or length(data) == 3`],
  ])("%s: %s", async (constant, statement) => {
    const found = await warnings(statement);
    expect(found.join("\n")).toContain(`test.policy:2:1: the condition ${constant} holds for `);
    expect(found).toHaveLength(1);
  });

  test.each([
    "require Shell -> Console { write } when urgent or length(text) < 3",
    "require Shell -> Files.Files { seek } when first <= last or last <= 5",
    "require Shell -> Files.Files { seek } when from < to or to < from",
    "require Shell -> Files.Files { open } when (flags & 6) != 6",
    "require Shell -> Files.Files { read } when offset > -2 and offset < 0",
    "require Shell -> Files.Admin { shutdown } if code > 5 when code > 6",
    "allow error Shell -> Console { write } when error == Closed",
  ])("but not %s", async (statement) => {
    expect(await warnings(statement)).toEqual([]);
  });

  test("is told for the method of which it is so, and once for all uses of an interface", async () => {
    const found = await warnings(
      "interface a(x) { allow response x -> Console { readLine } when length(text) < 3 and length(text) > 5 } use a(Shell) use a(Attack)",
    );
    expect(found).toEqual([
      "test.policy:2:18: the condition never holds for Console.readLine; help: the rule allows nothing",
    ]);
  });
});

test("a diagram says the same as trying all values", () => {
  const random = new Random(5);
  const fields: readonly Field[] = [
    { name: "a", kind: "unsigned", max: 5n, word: 0, type: "u8" },
    { name: "b", kind: "unsigned", max: 7n, word: 1, type: "u8" },
    { name: "c", kind: "signed", max: 3n, word: 2, type: "i8" },
    { name: "d", kind: "signed", max: 1n, word: 3, type: "i8" },
  ];
  const all = (1n << 64n) - 1n;
  const operand = (word: number, mask = all) => ({ word, shift: 0, mask });
  const leaf = (): Condition => {
    const isSigned = random.chance(50);
    const pair: readonly [number, number] = isSigned ? [2, 3] : [0, 1];
    const [word, other] = random.chance(50) ? pair : [pair[1], pair[0]];
    const isMasked = random.chance(25);
    const operations =
      isSigned && !isMasked
        ? [RuleOperation.Equal, RuleOperation.Less, RuleOperation.LessOrEqual]
        : [RuleOperation.Equal, RuleOperation.Below, RuleOperation.BelowOrEqual];
    const operation = random.pick(operations);
    if (!isMasked && random.chance(35))
      return {
        kind: "testWords",
        operation: operation + RuleOperation.EqualWord,
        left: operand(word),
        right: operand(other),
      };
    const mask = isMasked ? BigInt(1 + random.below(7)) : all;
    const value = BigInt.asUintN(64, BigInt(random.below(8)) - (isSigned && !isMasked ? 4n : 0n));
    return { kind: "test", operation, left: operand(word, mask), value };
  };
  const make = (depth: number): Condition => {
    if (depth === 0) return leaf();
    const kind = random.pick(["and", "or", "not"] as const);
    return kind === "not"
      ? { kind, operand: make(depth - 1) }
      : { kind, left: make(depth - 1), right: make(random.below(depth)) };
  };
  const value = (condition: Condition, words: readonly bigint[]): boolean => {
    switch (condition.kind) {
      case "and":
        return value(condition.left, words) && value(condition.right, words);
      case "or":
        return value(condition.left, words) || value(condition.right, words);
      case "not":
        return !value(condition.operand, words);
      case "test":
      case "testWords": {
        const left = BigInt.asUintN(64, words[condition.left.word]!) & condition.left.mask;
        const right =
          condition.kind === "test"
            ? condition.value
            : BigInt.asUintN(64, words[condition.right.word]!);
        const [a, b] = [BigInt.asIntN(64, left), BigInt.asIntN(64, right)];
        return [left === right, left < right, left <= right, a < b, a <= b][
          condition.operation % RuleOperation.EqualWord
        ]!;
      }
    }
  };
  const seen = { never: 0, always: 0, neither: 0 };
  for (let i = 0; i < 600; i++) {
    const condition = make(1 + random.below(4));
    let holds = 0;
    let count = 0;
    for (let a = 0n; a <= 5n; a++)
      for (let b = 0n; b <= 7n; b++)
        for (let c = -4n; c <= 3n; c++)
          for (let d = -2n; d <= 1n; d++) {
            count += 1;
            if (value(condition, [a, b, c, d])) holds += 1;
          }
    const wanted = holds === 0 ? "never" : holds === count ? "always" : undefined;
    expect(
      constantCondition(condition, fields),
      JSON.stringify(condition, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v)),
    ).toBe(wanted);
    seen[wanted ?? "neither"] += 1;
  }
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
});

test("a condition of eighty terms over all fields is decided soon", async () => {
  const chain = Array.from(
    { length: 20 },
    (_, i) => `(first > ${i} and last < ${i * 3 + 1} or from >= to)`,
  );
  const start = process.cpuUsage();
  await warnings(`require Shell -> Files.Files { seek } when ${chain.join(" and ")}`);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(5);
});

describe("a statement for which no handle exists:", () => {
  test.each([
    [
      "allow Attack -> Uart { write }",
      "test.policy:2:1: Attack can hold no handle to Uart: this never applies; help: let a program of class Attack use it, in its manifest and in the image",
    ],
    [
      "allow Attack -> kernel.Slots { stop }",
      "test.policy:2:1: Attack can hold no handle to kernel.Slots",
    ],
    [
      "interface a(x) { allow x -> Uart { write } } use a(Attack)",
      "test.policy:2:46: Attack can hold no handle to Uart",
    ],
    ["require Files -> Console { write } when urgent", "Files can hold no handle to Console"],
  ])("%s", async (statement, message) => {
    const found = await warnings(statement);
    expect(found.join("\n")).toContain(message);
    expect(found).toHaveLength(1);
  });

  test.each([
    ["of the image", "allow response Shell -> Console { flush }"],
    ["of one member", "allow response { Attack, Shell } -> Files.Files { open }"],
    ["of a service", "allow Supervisor -> kernel.Slots { stop }"],
    ["that every program can make", "allow Attack -> kernel.Memory { info }"],
    ["of a program that is not in the image", "class Other allow Other -> Console { flush }"],
    ["of what is not in the image", "class Other allow Shell -> Other.Console { flush }"],
    ["its own", "allow Console -> Console { flush }"],
    ["of the kernel's", "class Handler allow kernel -> Handler.Fault { fault }"],
    [
      "that is sent on",
      "allow response Shell -> Files.Files { lend } grant Files -> { Console, kernel.Memory } { transfer } allow Files -> Files.Files { lend }",
    ],
  ])("but not %s", async (_what, statement) => {
    expect((await warnings(statement)).filter((one) => one.includes("can hold no handle"))).toEqual(
      [],
    );
  });
});

describe("a channel that no rule allows:", () => {
  const others = CHANNELS.replace("allow request Attack -> Console { * }", "");
  test("is told with its place in the image", async () => {
    expect(await warnings("", others)).toEqual([
      "images/test.image.ts: no rule lets Attack ask Console by `console`; help: if that is meant, say so: `never Attack -> Console`",
    ]);
  });
  test.each([
    "never Attack -> Console",
    "never any except { Shell, Console } -> Console",
    "never Attack -> { Uart, Console }",
    "never Attack -> any except Attack",
    "never Attack -> Console.Console",
    "allow request Attack -> Console { flush } when_",
    "grant Attack -> Console { transfer }",
  ])("unless the policy says %s", async (statement) => {
    expect(await warnings(statement.replace(" when_", ""), others)).toEqual([]);
  });
  test.each([
    "never Attack -> Console.flush",
    "never Attack -> Console { flush }",
    "never Attack -> Uart",
    "never grant Attack -> Console { transfer }",
  ])("and %s does not say it", async (statement) => {
    expect(await warnings(statement, others)).toHaveLength(1);
  });
});

describe("a statement that says nothing new:", () => {
  test.each([
    [
      "allow request Shell -> Console { flush }",
      "test.policy:2:1: this says nothing that test.policy:3 does not say; help: take one of them out",
    ],
    ["allow request Shell -> Console { write } when urgent", "test.policy:2:1: this says nothing"],
    [
      "grant Shell -> Console { copy, seal } grant Shell -> Console { seal }",
      "test.policy:2:39: this says nothing that test.policy:2",
    ],
    [
      "interface a(x) { allow response x -> Console { flush } } use a(Shell) use a(Shell)",
      "test.policy:2:71: this says nothing that test.policy:2",
    ],
    [
      "require Shell -> Console { write } when urgent require any -> Console { write } when urgent",
      "test.policy:2:1: this says nothing that test.policy:2",
    ],
  ])("%s", async (statement, message) => {
    const found = await warnings(statement);
    expect(found.join("\n")).toContain(message);
    expect(found).toHaveLength(1);
  });
  test.each([
    ["another event", "allow response Shell -> Console { flush }"],
    ["a record", "allow request Shell -> Console { flush } audit"],
    [
      "another condition",
      "require Shell -> Console { write } when urgent require Shell -> Console { write } when length(text) < 4",
    ],
    [
      "a narrower require",
      "require Shell -> Files.Admin { shutdown } when code < 4 require Shell -> Files.Admin { shutdown } when code < 9",
    ],
    [
      "one more subject",
      "allow request { Shell, Supervisor } -> Console { flush } never Supervisor -> Uart",
    ],
  ])("but not %s", async (_what, statement) => {
    expect((await warnings(statement)).filter((one) => one.includes("nothing"))).toEqual([]);
  });
});

describe("a test that cannot fail:", () => {
  test.each([
    [
      "expect deny kernel -> Console.flush",
      "test.policy:2:1: this cannot fail: no rule could allow it",
    ],
    ["expect deny kernel.Clock -> Console.flush", "test.policy:2:1: this cannot fail"],
    [
      "expect deny Attack -> Uart.write\nexpect deny Attack -> Uart.write",
      "test.policy:3:1: the same is expected in test.policy:2",
    ],
  ])("%s", async (statement, message) => {
    const found = await warnings(statement);
    expect(found.join("\n")).toContain(message);
    expect(found).toHaveLength(1);
  });
  test.each(["expect deny Attack -> Uart.write", "expect deny kernel -> Supervisor"])(
    "but not %s",
    async (statement) => {
      expect(await warnings(statement)).toEqual([]);
    },
  );
});
