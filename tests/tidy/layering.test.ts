import { expect, test } from "vitest";
import { KERNEL_FLOORS, isOwnFolder, layerOf } from "./layers.ts";
import { importsOf, sourceFiles } from "./source-tree.ts";

const programs = sourceFiles().filter(
  (file) => file.endsWith(".ts") && !file.includes("/templates/"),
);

/** Why `file` may not import `path`, or null. */
function objection(file: string, path: string | null, specifier: string): string | null {
  const layer = layerOf(file);
  if (layer === undefined) return null;
  if (path === null)
    return layer.packages ? null : `${layer.name} imports the package ${specifier}`;
  if (layer.name === "tests") return null;
  if (/^tests\/|\.test$/.test(path)) return "nothing that ships imports tests";
  const isAllowed = isOwnFolder(file, path) || layer.imports.some((pattern) => pattern.test(path));
  return isAllowed ? null : `${layer.name} imports ${path}`;
}

function objections(): string[] {
  return programs.flatMap((file) =>
    importsOf(file).flatMap(({ line, path, specifier }) => {
      const text = objection(file, path, specifier);
      return text === null ? [] : [`${file}:${line}: ${text}`];
    }),
  );
}

test("every file imports only what its layer may", () => {
  expect(objections()).toEqual([]);
});

test("every folder of the kernel is a floor", () => {
  const folders = programs.flatMap((file) => /^kernel\/([^/]+)\//.exec(file)?.[1] ?? []);
  const floors = KERNEL_FLOORS.flat().map(({ name }) => name);
  expect([...new Set(folders)].sort()).toEqual(floors.sort());
});

test("every TypeScript file belongs to a layer", () => {
  expect(programs.filter((file) => layerOf(file) === undefined)).toEqual([]);
});

test("privileged instructions are imported only below kernel/x64, those of drivers only below drivers", () => {
  const importers = (path: string): string[] => {
    expect(programs).toContain(`${path}.ts`);
    return programs.filter((file) => importsOf(file).some((entry) => entry.path === path));
  };
  expect(
    importers("kernel/x64/x64").filter((file) => !/^(kernel\/x64|tests)\//.test(file)),
  ).toEqual([]);
  expect(
    [...importers("drivers/support/x64"), ...importers("drivers/support/mmio")].filter(
      (file) => !/^(drivers|tests)\//.test(file),
    ),
  ).toEqual([]);
});

test.each<[string, string, string | null]>([
  ["kernel/entry/call.ts", "kernel/object/thread", null],
  ["kernel/entry/call.ts", "services/runtime/trine", "kernel/entry imports services/runtime/trine"],
  ["kernel/abi/status.ts", "kernel/entry/call", "kernel/abi imports kernel/entry/call"],
  ["kernel/abi/status.ts", "kernel/base/guards", "kernel/abi imports kernel/base/guards"],
  ["kernel/ipc/send.ts", "kernel/domain/start", "kernel/ipc imports kernel/domain/start"],
  ["kernel/monitor/audit.ts", "kernel/x64/timer", null],
  ["kernel/monitor/audit.ts", "kernel/x64/paging", "kernel/monitor imports kernel/x64/paging"],
  ["kernel/ipc/judgement.ts", "kernel/monitor/monitor", null],
  ["kernel/ipc/judgement.ts", "kernel/monitor/matrix", "kernel/ipc imports kernel/monitor/matrix"],
  ["services/shell/main.ts", "kernel/base/guards", "services imports kernel/base/guards"],
  ["services/shell/main.ts", "services/shell/line/history", null],
  [
    "services/shell/main.ts",
    "services/console/terminal",
    "services imports services/console/terminal",
  ],
  [
    "services/shell/main.ts",
    "toolchain/vocabulary/interface",
    "services imports toolchain/vocabulary/interface",
  ],
  ["drivers/uart-16550/main.ts", "drivers/support/x64", null],
  [
    "drivers/uart-16550/main.ts",
    "drivers/virtio-block/queue",
    "drivers imports drivers/virtio-block/queue",
  ],
  ["toolchain/elf/link.ts", "kernel/abi/address-space", null],
  ["toolchain/elf/link.ts", "kernel/memory/quota", "toolchain imports kernel/memory/quota"],
  ["toolchain/elf/link.ts", "tests/support/qemu", "nothing that ships imports tests"],
  ["kernel/ipc/send.ts", "kernel/ipc/send.test", "nothing that ships imports tests"],
  ["kernel/ipc/send.test.ts", "tests/support/qemu", null],
])("the rule itself: %s imports %s: %s", (file, path, expected) => {
  expect(objection(file, path, path)).toBe(expected);
});

test.each<[string, boolean]>([
  ['import type { A } from "./a.ts";', true],
  ['export type { A } from "./a.ts";', true],
  ['import { type A, type B } from "./a.ts";', true],
  ['import { type A, b } from "./a.ts";', false],
  ['import { typeOf } from "./a.ts";', false],
  ['export * from "./a.ts";', false],
  ['import "./a.ts";', false],
  ['const a = await import("./a.ts");', false],
])("%s imports types alone: %s", (text, expected) => {
  expect(importsOf("toolchain/x.ts", text).map(({ isTypeOnly }) => isTypeOnly)).toEqual([expected]);
});

test("imports are found in every form", () => {
  const text =
    'import { a } from "./a.ts";\nimport type {\n  B,\n} from "../b";\nexport * from "./c.ts";\nimport "./d.ts";\nconst e = await import("./e.ts");\nimport z from "zod";\n';
  expect(importsOf("toolchain/cli/x.ts", text).map(({ line, path }) => [line, path])).toEqual([
    [1, "toolchain/cli/a"],
    [4, "toolchain/b"],
    [5, "toolchain/cli/c"],
    [6, "toolchain/cli/d"],
    [7, "toolchain/cli/e"],
    [8, null],
  ]);
});
