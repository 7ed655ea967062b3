/**
 * `trine new`: writes interface, program, policy, image entry and test of a service or driver that
 * works as it is. Nothing is written unless everything can be.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { freeId } from "../idl/check.ts";
import { loadInterfaces } from "../idl/load.ts";
import { refuse } from "../report/diagnostic.ts";
import { addSlot } from "./add-slot.ts";

const IMAGE = "images/main.image.ts";
const TEMPLATES = "toolchain/new/templates";

/** Template → where its text goes. `__file__` and the like stand for the names. */
const FILES = {
  service: {
    "interface.idl.ts": "services/interfaces/__file__.idl.ts",
    "program.ts": "services/__file__/program.ts",
    "main.ts": "services/__file__/main.ts",
    "test.ts": "services/__file__/__file__.test.ts",
    "module.policy": "policy/modules/__file__.policy",
  },
  driver: {
    "interface.idl.ts": "services/interfaces/__file__.idl.ts",
    "program.ts": "drivers/__file__/program.ts",
    "main.ts": "drivers/__file__/main.ts",
    "registers.ts": "drivers/__file__/registers.ts",
    "test.ts": "drivers/__file__/__file__.test.ts",
    "module.policy": "policy/modules/__file__.policy",
  },
} as const;

/** Folders and classes that mean something already. */
const TAKEN = ["runtime", "interfaces", "support", "kernel", "any"];

interface Created {
  /** Relative to the root. */
  readonly files: readonly string[];
  /** What to do now, line by line. */
  readonly next: readonly string[];
}

export async function createProgram(
  root: string,
  kind: "service" | "driver",
  name: string,
): Promise<Created> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    refuse(`\`${name}\` is no name for a ${kind}`, {
      help: "small letters, digits and single dashes, the first a letter: `motion-sensor`",
    });
  if (TAKEN.includes(name))
    refuse(`\`${name}\` means something already`, { help: "choose another name" });
  const pascal = name.replace(/(^|-)([a-z0-9])/g, (_all, _dash, letter: string) =>
    letter.toUpperCase(),
  );
  const camel = pascal.charAt(0).toLowerCase() + pascal.slice(1);

  const interfaces = await loadInterfaces(root);
  const same = interfaces.find((model) => model.name === pascal);
  if (same !== undefined)
    refuse(`an interface \`${pascal}\` already exists`, {
      file: same.file,
      help: "choose another name",
    });
  const id = freeId(interfaces.map(({ file, description }) => ({ file, description })));
  const fill = (text: string): string =>
    text
      .replaceAll("__Name__", pascal)
      .replaceAll("__name__", camel)
      .replaceAll("__file__", name)
      .replaceAll("__id__", `0x${id.toString(16)}`);

  const texts = new Map<string, string>();
  for (const [template, target] of Object.entries(FILES[kind])) {
    const path = fill(target);
    if (existsSync(join(root, path)))
      refuse(`there is a file of that name already`, {
        file: path,
        help: "choose another name, or remove it",
      });
    texts.set(path, fill(await readTemplate(root, kind, template)));
  }
  texts.set(IMAGE, await addSlot(root, IMAGE, camel, fill(await readTemplate(root, kind, "slot"))));
  const next = fill(await readTemplate(root, kind, "next"))
    .trimEnd()
    .split("\n");

  // Commit point: all names are free and all texts are made.
  for (const [path, text] of texts) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { files: [...texts.keys()], next };
}

function readTemplate(root: string, kind: string, name: string): Promise<string> {
  return readFile(join(root, TEMPLATES, kind, `${name}.template`), "utf8");
}
