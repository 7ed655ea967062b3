import { resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { generateAll } from "../make/generate.ts";
import { programFile } from "../idl/generate/program-file.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";
import { compileAssemblyScript } from "./asc.ts";

const root = resolve(import.meta.dirname, "../..");
const HANDLES = "build/generated/programs/order-test.ts";
const DESCRIPTION: ProgramDescription = {
  name: "orderTest",
  entry: "main.ts",
  kernel: { log: "Log", clock: "Clock", system: "System" },
};

const compile = (entry: string, files: Record<string, string>) =>
  compileAssemblyScript({ root, entry, target: "domain", virtualFiles: files });

beforeAll(async () => {
  await generateAll(root);
});

// Each of them first decides where asc enters the circle of runtime and generated modules.
const MODULES = [
  "handles",
  "message",
  "server",
  "sleep",
  "text",
  "abort",
  "byte-ring",
  "status-name",
].map((name) => `../runtime/${name}`);
test.each(["../../build/generated/programs/order-test", ...MODULES])(
  "a program that serves nothing may import %s first",
  async (first) => {
    const rest = ["../../build/generated/programs/order-test", ...MODULES].filter(
      (name) => name !== first,
    );
    const imports = [first, ...rest]
      .map((name, index) => `import * as module${index} from "${name}";\n`)
      .join("");
    const text = `${imports}import { log, system } from "../../build/generated/programs/order-test";
    import { utf8 } from "../runtime/text";
    export function main(): void { log.write(utf8("here")); assert(system.memory().ok); system.shutdown(0); }\n`;
    await compile("services/order-test/main.ts", {
      "services/order-test/main.ts": text,
      [HANDLES]: programFile(DESCRIPTION, "a test"),
    });
  },
);

test("a program's handles are enough", async () => {
  const text =
    'import { system } from "../../build/generated/programs/order-test";\nexport function main(): void { system.shutdown(0); }\n';
  await compile("services/order-test/main.ts", {
    "services/order-test/main.ts": text,
    [HANDLES]: programFile(DESCRIPTION, "a test"),
  });
});

// `b` runs code of `a` before asc has come to what `a` declares.
const CIRCLE = {
  "services/order-test/a.ts": `import { b } from "./b";
    const SMALL: u32 = 3;
    const LARGE: u32 = (SMALL + 1) * <u32>sizeof<u64>();
    const PLACE: usize = memory.data(8, 8);
    let count = 0;
    let name = "none";
    let negative: i64 = -1;
    export function a(): u32 { count++; name = "a"; return LARGE + <u32>PLACE + <u32>negative + b; }\n`,
  "services/order-test/b.ts": 'import { a } from "./a";\nexport let b: u32 = 1;\nb = a();\n',
};
test.each([
  ["a", "b"],
  ["b", "a"],
])("constants are there in a circle of imports, entered at %s", async (first, second) => {
  const text = `import * as first from "./${first}";\nimport * as second from "./${second}";\nimport { a } from "./a";\nexport function main(): void { a(); }\n`;
  await compile("services/order-test/main.ts", { ...CIRCLE, "services/order-test/main.ts": text });
});

test("what code must make first is still refused before it is made", async () => {
  const files = {
    "services/order-test/a.ts":
      'import { b } from "./b";\nconst made = new StaticArray<u32>(4);\nexport function a(): u32 { return made[0] + b; }\n',
    "services/order-test/b.ts": CIRCLE["services/order-test/b.ts"],
    "services/order-test/main.ts":
      'import { a } from "./a";\nexport function main(): void { a(); }\n',
  };
  await expect(compile("services/order-test/main.ts", files)).rejects.toThrow(
    /a\.ts:3:\d+: Variable 'services\/order-test\/a\/made' used before its declaration/,
  );
});
