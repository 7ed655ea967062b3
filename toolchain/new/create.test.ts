import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compileSystem } from "../../policy/compiler/compile.ts";
import Interrupt from "../../services/interfaces/kernel/interrupt.idl.ts";
import { fakePeer } from "../../tests/support/fake-peer.ts";
import { loadInNode } from "../../tests/support/service-in-node.ts";
import { loadImage } from "../make/description.ts";
import { loadInterfaces } from "../idl/load.ts";
import { createProgram } from "./create.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

let root: string;

/** A tree of its own, so that the real one stays as it is. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "trine-new-"));
  for (const folder of ["services", "drivers", "policy/modules", "images"])
    await cp(join(ROOT, folder), join(root, folder), { recursive: true });
  for (const folder of ["toolchain", "kernel", "node_modules"])
    await symlink(join(ROOT, folder), join(root, folder));
});

afterEach(() => rm(root, { recursive: true }));

async function policyErrors(): Promise<readonly string[]> {
  const image = await loadImage(root, "main");
  const { glob } = await import("node:fs/promises");
  const policyFiles = [];
  for await (const file of glob("policy/modules/*.policy", { cwd: root }))
    policyFiles.push({ file, text: await readFile(join(root, file), "utf8") });
  const programs = image.programs.map(({ folder, description }, index) => ({
    folder,
    description,
    digest: new Uint8Array(32).fill(index),
    verified: true,
  }));
  const interfaces = (await loadInterfaces(root)).map((model) => model.description);
  const { diagnostics } = await compileSystem({
    image: image.description,
    programs,
    interfaces,
    policyFiles,
  });
  return diagnostics.map((diagnostic) => diagnostic.message);
}

test("a new service compiles, answers and passes the policy compiler as it is", async () => {
  const { files, next } = await createProgram(root, "service", "door-bell");
  expect(files).toEqual([
    "services/interfaces/door-bell.idl.ts",
    "services/door-bell/program.ts",
    "services/door-bell/main.ts",
    "services/door-bell/door-bell.test.ts",
    "policy/modules/door-bell.policy",
    "images/main.image.ts",
  ]);
  expect(next.join("\n")).toContain("services/shell/commands/commands.ts");

  const doorBell = (await loadInterfaces(root)).find((model) => model.name === "DoorBell")!;
  const program = await loadInNode("services/door-bell", { root });
  program.run();
  expect(program.call(doorBell.description, "greet", { name: "Ada" } as never)).toEqual({
    state: "answered",
    fields: { greeting: "Hello, Ada!" },
  });
  expect(await policyErrors()).toEqual([]);
});

test("a new driver compiles, reads its registers and passes the policy compiler as it is", async () => {
  await createProgram(root, "driver", "screen");
  const screen = (await loadInterfaces(root)).find((model) => model.name === "Screen")!;
  const program = await loadInNode("drivers/screen", {
    root,
    peers: { line: fakePeer(Interrupt, { bind: () => {} }) },
    ports: { read: () => 0x17, write: () => {} },
  });
  program.run();
  expect(program.call(screen.description, "read", { register: 4 } as never).fields).toEqual({
    value: 0x17,
  });
  expect(await policyErrors()).toEqual([]);
});

test.each([
  ["Door", "`Door` is no name for a service"],
  ["door--bell", "is no name"],
  ["runtime", "means something already"],
  ["echo", "an interface `Echo` already exists"],
])("the name %j is refused", async (name, message) => {
  await expect(createProgram(root, "service", name)).rejects.toThrow(message);
});

test("what exists is not overwritten", async () => {
  await createProgram(root, "service", "twice");
  await rm(join(root, "services/interfaces/twice.idl.ts"));
  await expect(createProgram(root, "service", "twice")).rejects.toThrow(
    "services/twice/program.ts: there is a file of that name already",
  );
});

test("the image keeps what its author wrote", async () => {
  const before = await readFile(join(root, "images/main.image.ts"), "utf8");
  await createProgram(root, "service", "twice");
  const after = await readFile(join(root, "images/main.image.ts"), "utf8");
  expect(after.replace(/ {4}twice: \{[^]*?\n {4}\},\n/, "")).toBe(before);
});
