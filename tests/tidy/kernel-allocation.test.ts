import { beforeAll, expect, test } from "vitest";
import { compileAssemblyScript } from "../../toolchain/compiler/asc.ts";
import { generateInterfaces } from "../../toolchain/idl/generate/interfaces.ts";
import { decodeModule } from "../../toolchain/wasm/decode.ts";
import { ROOT } from "./source-tree.ts";

let functionNames: readonly string[] = [];

beforeAll(async () => {
  await generateInterfaces(ROOT);
  const { wasm } = await compileAssemblyScript({
    root: ROOT,
    entry: "kernel/entry/main.ts",
    target: "kernel",
  });
  functionNames = [...decodeModule(wasm).functionNames.values()];
});

// A managed object would need an allocator and a collector, whose work has no bound and is charged
// to no domain.
test("the kernel allocates nothing: its compiled text contains no function of AssemblyScript's runtime", () => {
  expect(functionNames.length).toBeGreaterThan(100);
  // Reading the length of a string literal reads its header: the one function of the runtime that
  // allocates nothing.
  expect(
    functionNames.filter(
      (name) => name.startsWith("~lib/rt") && !name.startsWith("~lib/rt/common/OBJECT#get:"),
    ),
  ).toEqual([]);
});
