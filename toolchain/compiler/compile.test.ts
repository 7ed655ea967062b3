import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readElf } from "../elf/read.ts";
import { compileProgram } from "./compile.ts";
import type { CompileOptions } from "./compiled-program.ts";

const root = resolve(import.meta.dirname, "../..");
const outDir = `build/cache/compile-test-${process.pid}`;
afterAll(() => rmSync(join(root, outDir), { recursive: true, force: true }));

const LINUX = readFileSync(join(root, "toolchain/targets/linux/linux.ts"), "utf8");
const HELLO = `import { write } from "./linux";

const text = memory.data<u8>([104, 101, 108, 108, 111, 10]);

function failing(value: u32): u32 {
  return 100 / value;
}

export function main(): void {
  write(1, text, 6);
  const zero = <u32>load<u8>(text) - 104;
  store<u32>(65536, failing(zero));
}
`;

function compile(text: string, more: Partial<CompileOptions> = {}) {
  const virtualFiles = { "test-program/main.ts": text, "test-program/linux.ts": LINUX };
  return compileProgram({
    root,
    entry: "test-program/main.ts",
    target: "linux",
    outDir,
    name: "hello",
    virtualFiles,
    ...more,
  });
}

describe("a program for linux", () => {
  let elfPath = "";
  beforeAll(async () => {
    const { elfPath: path, verified, findings } = await compile(HELLO);
    expect(findings).toEqual([]);
    expect(verified).toBe(true);
    elfPath = join(root, path);
  });

  test("prints, and a trap tells kind, function and line and ends with 128 + kind", () => {
    const { stdout, stderr, status } = spawnSync(elfPath);
    expect(stdout.toString()).toBe("hello\n");
    expect(stderr.toString()).toMatch(
      /^trap: division by zero at 0x[0-9a-f]{16} in test-program\/main\/main test-program\/main\.ts:6\n$/,
    );
    expect(status).toBe(128 + 4);
  });

  test("runs for an ordinary user", () => {
    const folder = mkdtempSync(join(tmpdir(), "trine-nobody-"));
    const copy = join(folder, "hello");
    cpSync(elfPath, copy);
    chmodSync(folder, 0o755);
    // Root becomes one for it.
    const [command, ...parameters] = [
      ...(process.getuid?.() === 0
        ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        : []),
      copy,
    ];
    const { stdout, status } = spawnSync(command!, parameters);
    rmSync(folder, { recursive: true });
    expect([stdout.toString(), status]).toEqual(["hello\n", 132]);
  });

  test("debuggers find lines, functions and callers", () => {
    const output = execFileSync(
      "gdb",
      [
        "-q",
        "-batch",
        "-nx",
        "-ex",
        "break 'import.linux.write.iii_i'",
        "-ex",
        "run",
        "-ex",
        "backtrace",
        elfPath,
      ],
      { stdio: ["ignore", "pipe", "ignore"] },
    ).toString();
    expect(output).toMatch(/#1 .* in test-program\/main\/main \(\) at test-program\/main\.ts:10/);
  });

  test("debuggers show parameters where they are, and at no instruction a wrong value", async () => {
    const text = `import { write } from "./linux";
const text = memory.data<u8>([104, 101, 108, 108, 111, 10]);
let sink: u32 = 0;
function many(a: u32, b: u32, c: u64, d: u32, e: u32, f: u32, g: u32, h: u64, i: u32, j: u64): u32 {
  if (b > 5) return a;
  write(1, text, 0);
  for (let k: u32 = 0; k < b; k++) sink += write(1, text, 0) + <i32>(a ^ k);
  if (d == 14) return <u32>(c + h) + e + f + g;
  return a + <u32>(i + j);
}
function assigned(count: u32, step: u32): u32 {
  const before = count;
  let sum: u32 = 0;
  while (count < 9) {
    count += step;
    sum += write(1, text, 0) + before;
  }
  return sum + before * count;
}
export function main(): void {
  const known: (count: u32, step: u32) => u32 = assigned;
  sink += call_indirect<u32>(known.index + (sink & 0), <u32>3, <u32>1);
  for (let k = 0; k < 2; k++) sink += many(11, 2, 0x123456789a, 14, 15, 16, 17, 0x1234567890abcdef, 19, 0xfedcba9876543210);
  sink += many(11, 2, 0x123456789a, 14, 15, 16, 17, 0x1234567890abcdef, 19, 0xfedcba9876543210);
}
`;
    const { elfPath: path } = await compile(text, { name: "parameters" });
    const values: Readonly<Record<string, string>> = {
      a: "11",
      b: "2",
      c: String(0x123456789a),
      d: "14",
      e: "15",
      f: "16",
      g: "17",
      h: String(0x1234567890abcdefn),
      i: "19",
      j: String(0xfedcba9876543210n),
      count: "3",
      step: "1",
    };
    const at = (name: string) => `break *'test-program/main/${name}'`;
    const steps = ["while 1", "stepi", "backtrace 3", "end"];
    const script = join(root, outDir, "parameters.gdb");
    writeFileSync(
      script,
      [
        "set debuginfod enabled off",
        "set pagination off",
        at("assigned"),
        at("many"),
        "run",
        "backtrace",
        ...steps,
        "",
      ].join("\n"),
    );
    const { stdout } = spawnSync("gdb", ["-q", "-batch", "-nx", "-x", script, join(root, path)], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    const entry = Object.entries(values)
      .slice(0, 10)
      .map(([name, value]) => `${name}=${value}`)
      .join(", ");
    expect(stdout, "at the first instruction").toMatch(
      new RegExp(`Breakpoint 2, test-program/main/many \\(${entry}\\) at test-program/main.ts:5`),
    );
    const shown = [...stdout.matchAll(/\b(\w+)=(\d+|<optimized out>)/g)].map(
      ([, name, value]) => [name!, value!] as const,
    );
    expect(shown.length).toBeGreaterThan(1000);
    // Of those who call, too, as the trace of calls goes on behind the innermost.
    expect(stdout).toMatch(/#1 .* test-program\/main\/many \(a=11, b=2, /);
    // What was passed as `count` is still there, but no longer what its name means.
    expect(stdout).toMatch(/#1 .* test-program\/main\/assigned \(count=<optimized out>, step=1\)/);
    expect(stdout).not.toMatch(/#1 .* test-program\/main\/assigned \(count=\d/);
    for (const [name, value] of Object.entries(values)) {
      const seen = shown.filter(([other]) => other === name).map(([, given]) => given);
      expect(new Set(seen).has(value), `${name} is seen`).toBe(true);
      expect(
        [...new Set(seen)].filter((given) => given !== value && given !== "<optimized out>"),
        name,
      ).toEqual([]);
    }
  });

  test("the listing shows source, IR and instructions together", () => {
    const listing = readFileSync(elfPath.replace(/elf$/, "lst"), "utf8");
    expect(listing).toMatch(
      /test-program\/main\.ts:10: write\(1, text, 6\);\n(?:.*\n)*? {8}v\d+ = Call\.i32 linux\.write, v\d+.*\n.*call/,
    );
  });

  test("costs nothing again while nothing changes, and all of it when a file does", async () => {
    expect((await compile(HELLO)).fromCache).toBe(true);
    expect((await compile(HELLO.replace("100 /", "101 /"))).fromCache).toBe(false);
    expect((await compile(HELLO)).fromCache).toBe(false);
    rmSync(elfPath);
    expect((await compile(HELLO)).fromCache).toBe(false);
  });

  test("is compiled again when a module appears where it was looked for first, or any that it reads changes", async () => {
    const folder = `${outDir}/parts`;
    const printed = async () => {
      const { elfPath: path, fromCache } = await compileProgram({
        root,
        entry: `${folder}/main.ts`,
        target: "linux",
        outDir,
        name: "parts",
      });
      return [spawnSync(join(root, path)).stdout.toString(), fromCache];
    };
    const write = (file: string, text: string): void =>
      writeFileSync(join(root, folder, file), text);
    mkdirSync(join(root, folder, "far/letter"), { recursive: true });
    write("linux.ts", LINUX);
    write(
      "main.ts",
      'import { write } from "./linux";\nimport { letter } from "./far/letter";\nexport function main(): void { write(1, letter(), 1); }\n',
    );
    const letter = (code: number) =>
      `export function letter(): usize { return memory.data<u8>([${code}]); }\n`;
    write("far/letter/index.ts", letter(97));
    expect([await printed(), await printed()]).toEqual([
      ["a", false],
      ["a", true],
    ]);
    write("far/letter/index.ts", letter(98));
    expect(await printed()).toEqual(["b", false]);
    write("far/letter.ts", letter(99));
    expect([await printed(), await printed()]).toEqual([
      ["c", false],
      ["c", true],
    ]);
  });
});

test("faults are told apart", async () => {
  const program = (body: string) => `
function deep(n: u32): u32 { return n == 0 ? 0 : deep(n + 1) + 1; }
function identity(value: u32): u32 { return value; }
memory.data(16384);
export function main(): void { ${body} }
`;
  const outcomes: [string, number][] = [
    ["store<u32>(70000, deep(1));", 3],
    ["store<u32>(8, 1);", 2],
    ["store<u32>(0x7fff0000, 1);", 1],
    ["unreachable();", 6],
    ["const one = load<i32>(70000); store<u32>(70000, <u32>(i32.MIN_VALUE / (one - 1)));", 5],
    ["store<i32>(70000, 7 / load<i32>(70004));", 4],
    ["memory.fill(0x7fff0000, 1, 2);", 1],
    [
      "const known: (value: u32) => u32 = identity; store<u32>(70000, call_indirect<u32>(known.index, <u64>1));",
      7,
    ],
    ["store<u32>(70000, call_indirect<u32>(0x7fffffff, <u32>1));", 8],
    ["store<u32>(70000, call_indirect<u32>(0, <u32>1));", 14],
  ];
  for (const [body, kind] of outcomes) {
    const { elfPath } = await compile(program(body), { name: "trap" });
    expect(spawnSync(join(root, elfPath)).status, body).toBe(128 + kind);
  }
});

test.each([
  ["added", "store<u32>(70000, given + wild);"],
  ["compared", "if (wild == 3) store<u32>(70000, given);"],
  ["added to what it came from", "store<u32>(0x7fff0000, wild + given);"],
])(
  "a load out of bounds has its own line where it becomes an operand of what comes later: %s",
  async (_how, use) => {
    const text = `memory.data(16384);\nexport function main(): void {\n  const given = load<u32>(70004);\n  const wild = load<u32>(0x7fff0000);\n  ${use}\n}\n`;
    const { elfPath } = await compile(text, { name: "operand" });
    expect(spawnSync(join(root, elfPath)).stderr.toString()).toMatch(
      /^trap: out of bounds at .* test-program\/main\.ts:4\n$/,
    );
  },
);

test("a domain has its note, its segments, and a stripped form", async () => {
  const { elfPath, binaryPath, verified, sizes } = await compile(
    "export function main(): void { while (true) {} }",
    { target: "domain", name: "idle", memoryPagesMax: 9, stackBytes: 131072 },
  );
  expect(verified).toBe(true);
  const elf = readElf(new Uint8Array(readFileSync(join(root, binaryPath!))), "idle.bin");
  expect(elf.entry >= 0x10_0000_0000n).toBe(true);
  const note = elf.programHeaders.find((header) => header.type === 4)!;
  const view = new DataView(elf.bytes.buffer, note.offset, note.fileBytes);
  expect([4, 12, 16].map((offset) => view.getUint32(20 + offset, true))).toEqual([0, 9, 131072]);
  expect(sizes.executable).toBe(elf.bytes.length);
  expect(elfPath).toMatch(/idle\.elf$/);
});

test("the bytes do not depend on where the tree lies", async () => {
  const here = await compile(HELLO, { name: "same" });
  const clone = mkdtempSync(join(tmpdir(), "trine-clone-"));
  mkdirSync(join(clone, "toolchain"), { recursive: true });
  for (const path of ["node_modules", "kernel", "package-lock.json"])
    symlinkSync(join(root, path), join(clone, path));
  cpSync(join(root, "toolchain/targets"), join(clone, "toolchain/targets"), { recursive: true });
  const there = await compile(HELLO, { name: "same", root: clone });
  const [left, right] = [
    readFileSync(join(root, here.elfPath)),
    readFileSync(join(clone, there.elfPath)),
  ];
  rmSync(clone, { recursive: true });
  expect(Buffer.compare(left, right)).toBe(0);
  expect(left.includes(clone) || left.includes(root)).toBe(false);
});

describe("refusals", () => {
  test.each<[string, string, Partial<CompileOptions>, RegExp]>([
    [
      "a program without main",
      "export function other(): void {}",
      {},
      /test-program\/main\.ts:1:1: the program exports no function `main`; help: /,
    ],
    [
      "a main with parameters",
      "// It\nexport function main(n: i32): void {}",
      {},
      /test-program\/main\.ts:2:17: `main` takes or returns something/,
    ],
    [
      "recursion in the kernel",
      "export function start(n: u64): u64 { return n == 0 ? 0 : start(n - 1) + 1; }",
      { target: "kernel" },
      /recursion in the kernel: .*start → .*start; help: write it as a loop/,
    ],
    [
      "a region that is too small",
      "export function main(): void {}",
      { target: "domain", stackBytes: 0x200000 },
      /do not fit into the domain's 2 MiB region/,
    ],
    [
      "a mistake in the source",
      "export function main(): void { let x: string = 5; }",
      {},
      /test-program\/main\.ts:1:\d+: /,
    ],
    [
      "floating point",
      "export function main(): void { store<f64>(70000, load<f64>(70000) + 1); }",
      {},
      /test-program\/main\.ts:1:\d+: function .*main/,
    ],
  ])("%s", async (_what, text, more, message) => {
    await expect(compile(text, { name: "refused", ...more })).rejects.toThrow(message);
  });
});
