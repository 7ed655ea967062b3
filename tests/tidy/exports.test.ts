import { expect, test } from "vitest";
import { unusedExports } from "./exports.ts";
import { sourceFiles } from "./source-tree.ts";

test("nothing is exported that only its own file uses", () => {
  expect(unusedExports(sourceFiles())).toEqual([]);
});

test.each<[string, string, string[]]>([
  ["unused", "", ["unused", "used"]],
  ["imported", 'import { used } from "./a";', ["unused"]],
  ["imported under another name", 'import { used as mine } from "./a.ts";', ["unused"]],
  ["imported as a type", 'import type { used } from "./a";', ["unused"]],
  ["named in a source held as text", 'const text = `export { used } from "./a";`;', ["unused"]],
  ["called by its name", 'kernel.number("used");', ["unused"]],
  ["a word of a message", 'const text = "is not used";', ["unused", "used"]],
  ["taken with everything else", 'import * as all from "./a";', []],
  ["exported again, and not imported", 'export * from "./a";', ["unused", "used"]],
])("an export is found when it is %s", (_why, other, expected) => {
  const texts = new Map([
    ["kernel/a.ts", "export const used = 1;\nexport function unused(): void {}\nconst own = 2;"],
    ["kernel/b.ts", other],
  ]);
  const found = unusedExports([...texts.keys()], (file) => texts.get(file)!);
  expect(found.map(({ name }) => name).sort()).toEqual(expected);
});

test("an export is found when it is listed apart from its declaration", () => {
  const found = unusedExports(["kernel/a.ts"], () => "const unused = 1;\nexport { unused };");
  expect(found).toEqual([{ file: "kernel/a.ts", name: "unused" }]);
});

test("an import that the other rules would not see is reported", () => {
  const text = 'import {\n  used, // the `used` one\n} from "./a";';
  expect(() => unusedExports(["kernel/b.ts"], () => text)).toThrow(/import of \.\/a/);
});

test("a name that is imported through another file counts where it is declared", () => {
  const texts = new Map([
    ["kernel/a.ts", "export const used = 1;\nexport const other = 2;"],
    ["kernel/b.ts", 'export * from "./a";'],
    ["kernel/c.ts", 'import { used } from "./b";'],
  ]);
  const found = unusedExports([...texts.keys()], (file) => texts.get(file)!);
  expect(found).toEqual([{ file: "kernel/a.ts", name: "other" }]);
});
