import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadImage } from "./description.ts";

let root = "";
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "trine-image-"))));
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function writeProgram(folder: string, manifest: string): void {
  write(`${folder}/program.ts`, manifest);
  write(`${folder}/main.ts`, "export function main(): void {}\n");
}

const SLOT = `{
      program: "services/door",
      class: "Door",
      priority: 1,
      quota: { pages: 1 },
      channels: { bell: "bell.own" },
      devices: { line: { kind: "interrupt", line: 4 } },
      restart: "always",
      autostart: true,
    }`;
const IMAGE = `export default {
  name: "house",
  version: 1,
  policy: ["policy/modules/*.policy"],
  slots: {
    door: ${SLOT},
  },
  onSupervisorLoop: "stop",
};
`;
const MANIFEST = `export default {
  name: "door",
  entry: "main.ts",
  serves: { own: {} },
  kernel: { clock: "Clock" },
  devices: { line: "interrupt" },
  memoryPagesMax: 16,
  stackBytes: 8192,
  level: "v2",
};
`;

test("an image names its programs, each once, in order of first use", async () => {
  const slots = ["services/b", "services/a", "services/b"].map(
    (folder, index) => `s${index}: ${SLOT.replace("services/door", folder)}`,
  );
  write("images/house.image.ts", IMAGE.replace(`door: ${SLOT}`, slots.join(",\n")));
  for (const name of ["a", "b"])
    writeProgram(`services/${name}`, MANIFEST.replace('"door"', `"${name}"`));
  const { programs } = await loadImage(root, "house");
  expect(programs.map(({ folder, description }) => [folder, description.name])).toEqual([
    ["services/b", "b"],
    ["services/a", "a"],
  ]);
});

test.each([
  ["hous", "did you mean `house`?"],
  ["images/house.image.ts", "did you mean `house`?"],
  ["../house", "did you mean `house`?"],
  ["", "images are house"],
])("an image %j that does not exist is answered with those that do", async (name, help) => {
  write("images/house.image.ts", IMAGE);
  await expect(loadImage(root, name)).rejects.toThrow(
    `images: there is no image \`${name}\`; help: ${help}`,
  );
});

describe("a mistake in an image is told with its place:", () => {
  test.each([
    [
      "another name than the file's",
      '"house"',
      '"hose"',
      "2:3: the image calls itself `hose`; help: name it `house` as its file is called",
    ],
    [
      "no name",
      'name: "house",',
      "",
      "1:1: `name` is missing; help: the image's name, as its file is called",
    ],
    [
      "no version",
      "version: 1,",
      "",
      "1:1: `version` is missing; help: a whole number from 0 to 9007199254740991",
    ],
    [
      "a version in words",
      "version: 1",
      'version: "one"',
      '3:3: `version` is "one"; help: a whole number from 0 to 9007199254740991',
    ],
    [
      "no policy",
      'policy: ["policy/modules/*.policy"],',
      "",
      '1:1: `policy` is missing; help: `policy: ["policy/modules/*.policy"]`',
    ],
    [
      "a policy that is no list",
      '["policy/modules/*.policy"]',
      '"policy/modules/*.policy"',
      '4:3: `policy` is "policy/modules/*.policy"; help: `policy: ["policy/modules/*.policy"]`',
    ],
    [
      "a policy that is no text",
      '["policy/modules/*.policy"]',
      "[3]",
      '4:3: `policy`[0] is 3; help: "policy/modules/*.policy"',
    ],
    [
      "misspelt slots",
      "slots: {",
      "slot: {",
      "5:3: `slot` is no property here; help: did you mean `slots`?",
    ],
    [
      "slots that are null",
      `slots: {\n    door: ${SLOT},\n  }`,
      "slots: null",
      "5:3: `slots` is null; help: `slots: { supervisor: { … }, … }`, the supervisor first",
    ],
    [
      "slots that are a list",
      `slots: {\n    door: ${SLOT},\n  }`,
      "slots: []",
      "5:3: `slots` is a list; help: `slots: { supervisor: { … }, … }`, the supervisor first",
    ],
    [
      "a slot that is null",
      SLOT,
      "null",
      "6:5: `door` is null; help: a slot is `{ program, class, priority, quota, … }`",
    ],
    [
      "two slots of one name",
      "slots: {",
      `slots: {\n    door: ${SLOT},`,
      '16:5: Duplicate key "door" in object literal',
    ],
    [
      "an unknown property",
      "priority: 1,",
      "priority: 1, colour: 3,",
      "9:20: `colour` is no property here; help: there are",
    ],
    [
      "a property that every object has",
      "priority: 1,",
      "priority: 1, toString: 3,",
      "9:20: `toString` is no property here; help: there are",
    ],
    [
      "a slot that is no key",
      "slots: {",
      `slots: {\n    __proto__: ${SLOT},`,
      "6:5: `slots` inherits properties, which is no data; help: write plain objects; `__proto__` in one is no key: choose another name",
    ],
    [
      "what is inherited",
      'name: "house",',
      '__proto__: { name: "house" },',
      "2:3: the description inherits properties, which is no data",
    ],
    ["a slot of a class", SLOT, "new Map()", "6:5: `slots.door` inherits properties"],
    [
      "no program",
      'program: "services/door",',
      "",
      '6:5: `program` is missing; help: the folder of a program: "services/console"',
    ],
    [
      "a program that does not exist",
      "services/door",
      "services/dor",
      "7:7: `services/dor` is no program: it has no program.ts; help: did you mean `services/door`?",
    ],
    [
      "a program outside the tree",
      "services/door",
      "../../etc",
      "7:7: `../../etc` is no program: it has no program.ts; help: name a folder such as services/console, relative to the root",
    ],
    [
      "no class",
      'class: "Door",',
      "",
      "6:5: `class` is missing; help: the program's class in the policy",
    ],
    [
      "a class that is a number",
      'class: "Door"',
      "class: 7",
      "8:7: `class` is 7; help: the program's class in the policy",
    ],
    [
      "no priority",
      "priority: 1,",
      "",
      "6:5: `priority` is missing; help: a whole number from 1 to 255",
    ],
    [
      "a priority in words",
      "priority: 1",
      'priority: "high"',
      '9:7: `priority` is "high"; help: a whole number from 1 to 255',
    ],
    [
      "no quota",
      "quota: { pages: 1 },",
      "",
      "6:5: `quota` is missing; help: `{ pages: 64 }`, at 4 KiB a page",
    ],
    [
      "a misspelt quota",
      "pages: 1",
      "page: 1",
      "10:16: `page` is no property here; help: did you mean `pages`?",
    ],
    [
      "a quota that is a text",
      "pages: 1",
      'pages: "64"',
      '10:16: `pages` is "64"; help: a whole number from 1 to 16777216',
    ],
    [
      "a fraction of a page",
      "pages: 1",
      "pages: 1.5",
      "10:16: `pages` is 1.5; help: a whole number from 1 to 16777216",
    ],
    [
      "a channel that is a number",
      '"bell.own"',
      "3",
      '11:19: `bell` is 3; help: "slot.endpoint", or `{ to: "slot.endpoint", badge: 7 }`',
    ],
    [
      "a channel that is null",
      '"bell.own"',
      "null",
      '11:19: `bell` is null; help: "slot.endpoint", or `{ to: "slot.endpoint", badge: 7 }`',
    ],
    [
      "a channel without its end",
      '"bell.own"',
      "{ badge: 7 }",
      '11:19: `to` is missing; help: "slot.endpoint"',
    ],
    [
      "a device that is a number",
      '{ kind: "interrupt", line: 4 }',
      "4",
      "12:18: `line` is 4; help: `ports(0x3f8, 8)` or `interrupt(4)`",
    ],
    [
      "a misspelt restart",
      '"always"',
      '"alway"',
      '13:7: `restart` is "alway"; help: did you mean `always`?',
    ],
    [
      "an autostart in words",
      "autostart: true",
      'autostart: "no"',
      '14:7: `autostart` is "no"; help: `true` or `false`',
    ],
    [
      "a misspelt end",
      '"stop"',
      '"halt"',
      '17:3: `onSupervisorLoop` is "halt"; help: one of "stop", "reboot"',
    ],
    [
      "null in place of all",
      IMAGE,
      "export default null;",
      "1:1: the description is null; help: write `export default defineImage({ … })`",
    ],
    [
      "a text in place of all",
      IMAGE,
      'export default "house";',
      '1:1: the description is "house"; help: write `export default defineImage({ … })`',
    ],
    ["nothing in place of all", IMAGE, "", "1:1: the file has no default export"],
  ])("%s", async (_what, from, to, message) => {
    write(
      "images/house.image.ts",
      IMAGE.replace(from, () => to),
    );
    writeProgram("services/door", MANIFEST);
    await expect(loadImage(root, "house")).rejects.toThrow(`images/house.image.ts:${message}`);
  });
});

describe("a mistake in a manifest is told with its place:", () => {
  test.each([
    [
      "no name",
      'name: "door",',
      "",
      "1:1: `name` is missing; help: letters and digits, the first a small letter: policies name it so",
    ],
    [
      "a name that is a path",
      '"door"',
      '"door/../x"',
      '2:3: `name` is "door/../x"; help: letters and digits, the first a small letter: policies name it so',
    ],
    [
      "no entry",
      'entry: "main.ts",',
      "",
      '1:1: `entry` is missing; help: the file beside the manifest that the program starts with: `entry: "main.ts"`',
    ],
    [
      "an entry that does not exist",
      '"main.ts"',
      '"man.ts"',
      "3:3: there is no file `man.ts` beside the manifest; help: write it, or name the file that the program starts with",
    ],
    [
      "misspelt endpoints",
      "serves: {",
      "servs: {",
      "4:3: `servs` is no property here; help: did you mean `serves`?",
    ],
    [
      "endpoints in one word",
      "{ own: {} }",
      '"Door"',
      '4:3: `serves` is "Door"; help: `{ name: Interface }`',
    ],
    [
      "an endpoint of no interface",
      "{ own: {} }",
      "{ own: undefined }",
      "4:13: `own` is undefined; help: an interface: import it from services/interfaces",
    ],
    [
      "an unknown kernel object",
      '"Clock"',
      '"Clok"',
      '5:13: `clock` is "Clok"; help: did you mean `Clock`?',
    ],
    [
      "an unknown device",
      '"interrupt"',
      '"interupt"',
      '6:14: `line` is "interupt"; help: did you mean `interrupt`?',
    ],
    [
      "one handle twice",
      "{ clock:",
      "{ own:",
      "5:13: `own` is the name of a handle in `serves` already; help: a program names each of its handles once",
    ],
    [
      "a handle that is a word of the language",
      "{ clock:",
      "{ class:",
      "5:13: `class` cannot name a handle: the language uses the word; help: choose another word",
    ],
    [
      "a handle with a dash",
      "{ clock:",
      '{ "my-clock":',
      "5:13: `my-clock` is no name for a handle; help: camelCase: at most 63 letters and digits, the first a small letter",
    ],
    [
      "no memory",
      "memoryPagesMax: 16",
      "memoryPagesMax: 1",
      "7:3: `memoryPagesMax` is 1; help: a whole number from 2 to 65536",
    ],
    [
      "memory in words",
      "memoryPagesMax: 16",
      'memoryPagesMax: "many"',
      '7:3: `memoryPagesMax` is "many"; help: a whole number from 2 to 65536',
    ],
    [
      "a stack below nothing",
      "stackBytes: 8192",
      "stackBytes: -4096",
      "8:3: `stackBytes` is -4096; help: a whole number from 4096 to 1048576",
    ],
    [
      "a stack beyond its region",
      "stackBytes: 8192",
      "stackBytes: 1e12",
      "8:3: `stackBytes` is 1000000000000; help: a whole number from 4096 to 1048576",
    ],
    [
      "a level that does not exist",
      '"v2"',
      '"v4"',
      '9:3: `level` is "v4"; help: did you mean `v1`?',
    ],
    [
      "null in place of all",
      MANIFEST,
      "export default null;",
      "1:1: the manifest is null; help: write `export default defineProgram({ … })`",
    ],
  ])("%s", async (_what, from, to, message) => {
    write("images/house.image.ts", IMAGE);
    writeProgram(
      "services/door",
      MANIFEST.replace(from, () => to),
    );
    await expect(loadImage(root, "house")).rejects.toThrow(`services/door/program.ts:${message}`);
  });

  test("the name of another program", async () => {
    write(
      "images/house.image.ts",
      IMAGE.replace(
        `door: ${SLOT}`,
        `door: ${SLOT}, gate: ${SLOT.replace("services/door", "services/gate")}`,
      ),
    );
    writeProgram("services/door", MANIFEST);
    writeProgram("services/gate", MANIFEST);
    await expect(loadImage(root, "house")).rejects.toThrow(
      "services/gate/program.ts:2:3: the program's name `door` is taken by services/door; help: names are unique in an image",
    );
  });
});
