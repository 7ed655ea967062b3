import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DiagnosticError, formatDiagnostics } from "../report/diagnostic.ts";
import { loadInterfaces } from "./load.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "trine-idl-"));
  await mkdir(join(root, "services/interfaces/kernel"), { recursive: true });
  await symlink(join(ROOT, "toolchain"), join(root, "toolchain"));
});
afterEach(() => rm(root, { recursive: true }));

/** Loads a tree whose only interfaces are these files; what is wrong with them, one line each. */
async function findings(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, text] of Object.entries(files))
    await writeFile(join(root, "services/interfaces", name), text);
  try {
    await loadInterfaces(root);
    return [];
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return formatDiagnostics(error.diagnostics).split("\n");
  }
}

const IMPORT =
  'import { bool, bytes, defineInterface, enumeration, handle, text, u32, u64 } from "../../toolchain/vocabulary/interface.ts";\n';

/**
 * The description of an interface `Door` with these properties, each on a line of its own from line
 * 5 on.
 */
function door(...properties: readonly string[]): string {
  const given = properties.join("\n");
  const defaults = [
    ["name", 'name: "Door",'],
    ["id", "id: 0x100,"],
    ["version", "version: 1,"],
  ].filter(([key]) => !given.startsWith(`${key}:`) && !given.includes(`\n${key}:`));
  return `${IMPORT}export default defineInterface({\n${defaults.map(([, text]) => text).join(" ")}\n\n${given}\n});\n`;
}

test("a well-formed interface has no findings", async () => {
  expect(
    await findings({
      "door.idl.ts": door(
        "errors: ['Locked'],",
        "methods: { open: { takes: { force: u32, key: handle('Door') }, returns: { was: bool, log: text(65000) } } },",
      ),
    }),
  ).toEqual([]);
});

test.each([
  [
    "a name in small letters",
    ['name: "door",', "methods: {},"],
    "5:1: `door` is no name for an interface; help: PascalCase: letters and digits, the first a capital",
  ],
  [
    "an id of the kernel's",
    ["id: 0x1f,", "methods: {},"],
    "5:1: id 31 is not one of a program's interfaces; help: take a number from 0x100 to 0xffff: 0x100 is free",
  ],
  [
    "an id that is too large",
    ["id: 0x10000,", "methods: {},"],
    "5:1: id 65536 is not one of a program's interfaces; help: take a number from 0x100 to 0xffff: 0x100 is free",
  ],
  [
    "an id that is no number",
    ['id: "7" as never,', "methods: {},"],
    "5:1: `id` is not a whole number; help: give the interface a number from 0x100 on that no other has",
  ],
  [
    "a version of 0",
    ["version: 0,", "methods: {},"],
    "5:1: `version` is not a whole number from 1 on; help: start with 1",
  ],
  ["no methods", ["about: '',"], "2:1: the interface has no `methods`; help: add `methods: { … }`"],
  [
    "a method's name with a dash",
    ["methods: {", "  'open-up': {},", "},"],
    "6:3: `open-up` is no name for a method; help: camelCase: letters and digits, the first a small letter",
  ],
  [
    "a field named like a word of the language",
    ["methods: { open: { takes: {", "  class: u32 } } },"],
    "6:3: `class` cannot name a field: the language or the generated code uses the word; help: choose another word",
  ],
  [
    "a field that the generated code needs",
    ["methods: { open: { returns: { status: u32 } } },"],
    "5:31: `status` cannot name a field: the language or the generated code uses the word; help: choose another word",
  ],
  [
    "a field without a type",
    ["methods: { open: { takes: { force: 7 as never } } },"],
    "5:29: field `force` has no type that exists; help: use u8, u16, u32, u64, i32, i64, bool, enumeration(…), bytes(max), text(max) or handle(to)",
  ],
  [
    "an empty text",
    ["methods: { open: { takes: { name: text(0) } } },"],
    "5:29: `name` may have at most 0 bytes, which is not from 1 to 65536; help: bulk data goes through a memory object",
  ],
  [
    "a text beyond the arena",
    ["methods: { open: { takes: { name: text(65537) } } },"],
    "5:29: `name` may have at most 65537 bytes, which is not from 1 to 65536; help: bulk data goes through a memory object",
  ],
  [
    "texts beyond the arena together",
    ["methods: { open: { takes: { a: text(65536), b: bytes(1) } } },"],
    "5:20: the fields may take 65537 bytes, more than the 65536 of an arena; help: lower a maximum, or use a memory object",
  ],
  [
    "five handles",
    [
      "methods: { open: { takes: { a: handle('Door'), b: handle('Door'), c: handle('Door'), d: handle('Door'), e: handle('Door') } } },",
    ],
    "5:20: 5 handles are more than the 4 of a message",
  ],
  [
    "a handle to nothing",
    ["methods: { open: { takes: { key: handle('Doors') } } },"],
    "5:29: `Doors` is neither a kernel object nor an interface; help: did you mean `Door`?",
  ],
  [
    "an empty enumeration",
    ["methods: { open: { takes: { how: enumeration() } } },"],
    "5:29: enumeration `how` has no names; help: list at least one",
  ],
  [
    "a value twice",
    ["methods: { open: { takes: { how: enumeration('wide', 'wide') } } },"],
    "5:29: value `wide` is listed twice",
  ],
  [
    "two enumerations of one name",
    [
      "methods: { open: { takes: { how: enumeration('wide') },",
      "returns: { how: enumeration('far') } } },",
    ],
    "6:12: `how` is another enumeration in `takes`; help: give the two fields different names",
  ],
  [
    "an error twice",
    ["errors: ['Locked', 'Locked'],", "methods: {},"],
    "5:1: error `Locked` is listed twice",
  ],
  [
    "errors that are no list",
    ["errors: 'Locked',", "methods: {},"],
    '5:1: `errors` is not a list of names; help: `errors: ["NotFound", "Full"]`',
  ],
  [
    "a property that does not exist",
    ["erors: [],", "methods: {},"],
    "5:1: `erors` is no property of an interface; help: did you mean `errors`?",
  ],
  [
    "a method's property that does not exist",
    ["methods: { open: {", "  take: { force: u32 } } },"],
    "6:3: `take` is no property of a method; help: did you mean `takes`?",
  ],
  [
    "a method that is a list",
    ["methods: { open: [] },"],
    "5:12: method `open` is not an object; help: write `{}` for a method without fields",
  ],
  [
    "an error named None",
    ["errors: ['None'],", "methods: {},"],
    "5:1: `None` is no name for an error; help: PascalCase, and not `None`, which is 0",
  ],
])("%s is refused with its place", async (_what, properties, message) => {
  expect(await findings({ "door.idl.ts": door(...properties) })).toEqual([
    `services/interfaces/door.idl.ts:${message}`,
  ]);
});

test.each([
  [64, []],
  [
    65,
    ["services/interfaces/door.idl.ts:5:1: 65 methods are more than 64; help: split the interface"],
  ],
])("%i methods", async (count, expected) => {
  const methods = Array.from({ length: count }, (_, index) => `m${index}: {}`).join(", ");
  expect(await findings({ "door.idl.ts": door(`methods: { ${methods} },`) })).toEqual(expected);
});

test.each([
  [64, []],
  [
    65,
    [
      "services/interfaces/door.idl.ts:5:20: 65 words are more than the 64 of a message; help: put a table into a `bytes` field",
    ],
  ],
])("%i words", async (count, expected) => {
  const fields = Array.from({ length: count }, (_, index) => `w${index}: u64`).join(", ");
  expect(
    await findings({ "door.idl.ts": door(`methods: { open: { takes: { ${fields} } } },`) }),
  ).toEqual(expected);
});

test("two interfaces of one number, or of one name, are refused", async () => {
  expect(
    await findings({
      "a.idl.ts": door("methods: {},"),
      "b.idl.ts": door('name: "Gate",', "methods: {},"),
    }),
  ).toEqual([
    "services/interfaces/b.idl.ts:3:1: id 0x100 is already that of Door (services/interfaces/a.idl.ts); help: 0x101 is free",
  ]);
  expect(
    await findings({
      "a.idl.ts": door("methods: {},"),
      "b.idl.ts": door("id: 0x101,", "methods: {},"),
    }),
  ).toEqual([
    "services/interfaces/b.idl.ts:3:1: an interface `Door` already exists in services/interfaces/a.idl.ts; help: choose another name",
  ]);
});

test("a kernel interface needs a number of the kernel's", async () => {
  expect(
    await findings({
      "kernel/door.idl.ts": door("methods: {},").replace("../../toolchain", "../../../toolchain"),
    }),
  ).toEqual([
    "services/interfaces/kernel/door.idl.ts:3:15: id 256 is not one of the kernel's interfaces; help: the kernel's own are 1 to 0xff",
  ]);
});

test("a mistake of syntax is shown where it stands", async () => {
  expect(await findings({ "door.idl.ts": "export default {\n  name: }" })).toEqual([
    'services/interfaces/door.idl.ts:2:9: Unexpected "}"',
  ]);
});

test("a file without a default export, or with another value, is refused", async () => {
  expect(await findings({ "door.idl.ts": "export const door = 1;" })).toEqual([
    expect.stringContaining(
      "services/interfaces/door.idl.ts:1:1: the file has no default export; help: write",
    ),
  ]);
  expect(await findings({ "door.idl.ts": "export default 7;" })).toEqual([
    expect.stringContaining(
      "services/interfaces/door.idl.ts:1:1: the default export is not an interface",
    ),
  ]);
});

// As a process that a busy host does not let run: time passes, and it has not computed.
test("a file is not refused because the host was busy while it was read", async () => {
  const waiting = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);\n";
  expect(await findings({ "door.idl.ts": `${waiting}export default 7;` })).toEqual([
    expect.stringContaining("the default export is not an interface"),
  ]);
});

test.each([
  [
    "throws",
    'const name = "door";\n  throw new Error("no " + name);\nexport default 1;',
    "2:9: cannot be evaluated: no door",
  ],
  ["throws no error", "throw 7; export default 1;", "1:1: cannot be evaluated: 7"],
  [
    "uses a word that does not exist",
    door("methods: {", "  open: { takes: { force: u23 } } },"),
    "6:27: cannot be evaluated: u23 is not defined",
  ],
  [
    "does not end",
    "for (;;) {}\nexport default 1;",
    "1:1: the file computes for more than 1 s; help: a description is data: look for a loop that does not end",
  ],
  [
    "has a field that is no key",
    door("methods: { open: { takes: {", "  __proto__: { force: u32 } } } },"),
    "6:3: `methods.open.takes` inherits properties, which is no data",
  ],
  [
    "imports what its module does not have",
    'import { u23 } from "../../toolchain/vocabulary/interface.ts";\nexport default u23;',
    "1:10: No matching export in ",
  ],
  [
    "imports what is not data",
    'import { readFileSync } from "node:fs";\nexport default readFileSync;',
    '1:30: Could not resolve "node:fs"',
  ],
  [
    "has two entries of one name",
    door("methods: {", "  open: {},", "  open: {} },"),
    '7:3: Duplicate key "open" in object literal; help: The original key "open" is here: 6:3',
  ],
])("a file that %s is refused with the place", async (_what, text, message) => {
  expect(await findings({ "door.idl.ts": text })).toEqual([
    expect.stringContaining(`services/interfaces/door.idl.ts:${message}`),
  ]);
});
