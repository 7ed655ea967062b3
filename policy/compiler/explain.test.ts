import { expect, test } from "vitest";
import { testSystem } from "../../tests/support/policy-system.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import { explainCall } from "./explain.ts";

const POLICY = `allow Shell -> Console { write } when not urgent
allow Shell -> Console { readLine, flush }
require Shell -> Console { readLine } when max > 2
allow Shell -> Uart { share }
allow Shell -> kernel.Policy { * }
allow response Shell -> Files.Files { lend }
grant Files -> { kernel.Memory, Console } { transfer }`;

async function explained(question: string): Promise<readonly string[]> {
  const { explanations, diagnostics } = await explainCall(await testSystem(POLICY), question);
  if (diagnostics.length > 0) return diagnostics.map(formatDiagnostic);
  return explanations.map(({ event, verdict, because }) => `${event} ${verdict}: ${because}`);
}

const line = (number: number): string =>
  `test.policy:${number + 1}: \`${POLICY.split("\n")[number - 1]}\``;

test.each<readonly [string, readonly string[]]>([
  [
    "Shell -> Console.write",
    [`request depends: ${line(1)}`, `response allowed: ${line(1)}`, `error allowed: ${line(1)}`],
  ],
  [
    "Shell -> Console.write(urgent = true)",
    [
      `request denied: the condition does not hold of ${line(1)}`,
      `response allowed: ${line(1)}`,
      `error allowed: ${line(1)}`,
    ],
  ],
  ["request Shell -> Console.write(length(text) = 3)", [`request allowed: ${line(1)}`]],
  ["request Shell -> Console.readLine", [`request depends: ${line(3)}`]],
  ["request Shell -> Console.readLine(max = 2)", [`request denied: refused by ${line(3)}`]],
  ["request Shell -> Console.readLine(max = 3)", [`request allowed: ${line(2)}`]],
  [
    "Shell -> Files.seek",
    [
      "request denied: no rule allows it; this would: `allow Shell -> Files.Files { seek }`",
      "response denied: no rule allows it; this would: `allow Shell -> Files.Files { seek }`",
      "error denied: no rule allows it; this would: `allow Shell -> Files.Files { seek }`",
    ],
  ],
  [
    "request Shell -> Uart.share",
    ["request denied: the handle `buffer` needs `grant Shell -> kernel.Memory { transfer }`"],
  ],
  ["response Shell -> Files.lend", [`response allowed: ${line(6)}`]],
  ["Shell -> kernel.Policy.query", [`request allowed: ${line(5)}`]],
  [
    "Shell -> kernel.Slots.stop",
    ["request denied: no rule allows it; this would: `allow Shell -> kernel.Slots { stop }`"],
  ],
  ["Shel -> Console.write", ["question:2:1: unknown class `Shel`; help: did you mean `Shell`?"]],
  ["Shell -> Console", ["question:2:10: which method?; help: `Console.method`"]],
  [
    "grant Shell -> Console { copy }",
    ["question:1:17: a call is expected here; help: `Shell -> Console.write`"],
  ],
  [
    "ended Shell -> Console.write",
    ["question:1:17: `ended` is not judged: it is neither allowed nor denied"],
  ],
  ["Shell -> Console.write(", ["question:2:24: the file ends here; help: expected: a name"]],
])("%s", async (question, answers) => {
  expect(await explained(question)).toEqual(answers);
});
