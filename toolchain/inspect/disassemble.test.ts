import { expect, test } from "vitest";
import { disassemble } from "./disassemble.ts";

test("instructions are listed with address, bytes, text and the name of a branch's target", () => {
  // mov eax, 1; call +0; ret
  const code = Uint8Array.from([0xb8, 1, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xc3]);
  const lines = disassemble(code, 0x1000n, (address) => (address === 0x100an ? "next" : null));
  expect(lines.map((line) => line.replace(/\s+/g, " ").trim())).toEqual([
    "1000 b801000000 mov eax,1",
    "1005 e800000000 call 100a ; next",
    "100a c3 ret",
  ]);
});

test("bytes that are no instruction are shown and do not stop the listing", () => {
  const lines = disassemble(Uint8Array.from([0x06, 0xc3]), 0n, () => null);
  expect(lines.join("\n")).toContain("(bad)");
});
