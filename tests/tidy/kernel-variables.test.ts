// Each variable of the kernel says what keeps it whole with several processors
// (docs/design/kernel.md).
import { expect, test } from "vitest";
import { LISTED, variablesIn } from "./kernel-variables.ts";
import { read, sourceFiles } from "./source-tree.ts";

const MODULE = /^kernel\/(.*)(?<!\.test)\.ts$/;

test("every variable of the kernel is listed once, as per processor, constant or under the lock", () => {
  const found = sourceFiles().flatMap((file) => {
    const path = MODULE.exec(file)?.[1];
    return path === undefined ? [] : variablesIn(read(file)).map((name) => `${path}/${name}`);
  });
  expect(found.length).toBeGreaterThan(50);
  expect(LISTED.toSorted()).toEqual(found.toSorted());
});

test("a variable and a record of a module are found, what is local or a number is not", () => {
  const text = `
let first: u32 = 0;
export let second: Thread | null = null;
const record: usize = memory.data(8, 8);
const table: usize = memory.data<u32>([1]);
const NUMBER: u32 = 1;
function go(): void {
  let local: u32 = 0;
}
`;
  expect(variablesIn(text)).toEqual(["first", "second", "record", "table"]);
});
