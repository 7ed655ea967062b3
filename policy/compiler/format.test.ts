import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatPolicy } from "./format.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

test.each<readonly [string, string]>([
  ["module   a", "module a\n"],
  ["module a\n\n\n\nclass  B,C\n\n", "module a\n\nclass B, C\n"],
  [
    "module a\nallow B->C.D{e,f}when length( x )<=3 and(y&0x3)==0",
    "module a\nallow B -> C.D { e, f } when length(x) <= 3 and (y & 0x3) == 0\n",
  ],
  [
    "module a\nopen  interface p( c ,v:0 .. 9 ){\nuse q( c,v=v )\n   allow c\n->D {g}\n}",
    "module a\nopen interface p(c, v: 0..9) {\n  use q(c, v = v)\n  allow c\n    -> D { g }\n}\n",
  ],
  [
    "module a\nallow B -> C {\n d,\n      e\n    } when n in -5..5 // why\n/* one\n   two */",
    "module a\nallow B -> C {\n  d,\n  e\n} when n in -5..5 // why\n/* one\n   two */\n",
  ],
  [
    "module a allow execute B program uart-16550-x",
    "module a allow execute B program uart-16550-x\n",
  ],
  ["module a\nnever { B , C } -> { D }", "module a\nnever { B, C } -> { D }\n"],
  [
    "module a\nallow B -> C { d } when not (x == 1 or y != -3)",
    "module a\nallow B -> C { d } when not (x == 1 or y != -3)\n",
  ],
])("%j", (text, formatted) => {
  expect(formatPolicy(text)).toBe(formatted);
  expect(formatPolicy(formatted)).toBe(formatted);
});

test("every policy of the tree is formatted, and none changes but in its blanks", () => {
  const files = globSync("{policy/modules,tests/*}/*.policy", { cwd: ROOT });
  expect(files.length).toBeGreaterThan(9);
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), "utf8");
    expect(formatPolicy(text), file).toBe(text);
    const blanked = text.replace(/(?<=\S) (?=\S)/g, "   ").replace(/^ +/gm, "\t");
    expect(formatPolicy(blanked).replace(/\s+/g, ""), file).toBe(text.replace(/\s+/g, ""));
  }
});
