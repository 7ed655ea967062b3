import { expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";
import { disassemble } from "../../tests/support/disassemble-sample.ts";
import { compileModule } from "../../toolchain/compiler/compile-module.ts";
import { readProgram } from "../../toolchain/compiler/read-program.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";

const SAMPLE = `
  import { messageWord, setMessageWord } from "./message-words";
  export function fastCall(): bool {
    if (messageWord(0) > messageWord(3)) return false;
    setMessageWord(1, messageWord(0) + messageWord(2));
    setMessageWord(2, 0);
    return messageWord(2) !== 0;
  }`;

test("the same TypeScript works with words in registers and in Node", async () => {
  const entry = "kernel/x64/sample.ts";
  const { module } = await readProgram({
    root: findRoot(),
    entry,
    target: "kernel",
    name: "sample",
    virtualFiles: { [entry]: SAMPLE },
  });
  const lines = disassemble(compileModule(module, { check: true })[0]!.bytes);
  // Word 2 is read after it was set.
  expect(lines.slice(0, 2)).toEqual(["mov rsi,r13", "cmp rbx,r14"]);
  expect(lines).toContain("xor r13d,r13d");

  const [entered, left] = [
    [5n, 6n, 2n ** 64n - 1n, 8n],
    [0n, 0n, 0n, 0n],
  ];
  const running = runOnFake(await compileForFake(SAMPLE), {
    messageWords: {
      messageWord: (index: number) => entered[index]!,
      setMessageWord: (index: number, word: bigint) => void (left[index] = word),
    },
  });
  expect(running.number("fastCall")).toBe(1);
  expect(left).toEqual([0n, 4n, 0n, 0n]);
});
