/**
 * Every task of the Makefile in a copy of the tree, with a PATH of only the programs that set-up
 * installs for this one task: a program that the table lacks fails here, and not on a user's
 * fresh machine.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparedPath } from "../setup/prepared-path.ts";
import { findProgram } from "../setup/programs.ts";
import { copyTree } from "../testing/copy-tree.ts";
import { type Iteration, SliceSkipped } from "./slice.ts";

interface Task {
  readonly name: string;
  /** Arguments that keep it short. */
  readonly parameters?: string;
  /** What it must print, or the file that it must leave. */
  readonly expected: RegExp | string;
}

const IMAGE = "build/images/main-development";
const TASKS: readonly Task[] = [
  { name: "iso", expected: `${IMAGE}/main.iso` },
  { name: "disk", expected: `${IMAGE}/main.img` },
  { name: "release", expected: /main\.iso/ },
  { name: "run", parameters: "--until 'trine>' --type shutdown --timeout 300", expected: /trine>/ },
  {
    name: "test",
    parameters: "toolchain/elf toolchain/compiler/compile.test.ts toolchain/keys",
    expected: /passed/,
  },
  { name: "test-kernel", expected: /^\d+ passed, 0 failed$/m },
  { name: "bench", parameters: "start", expected: /docs\/figures\.md/ },
  { name: "bench-metal", expected: "build/images/bench-development/bench.iso" },
  {
    name: "soak",
    parameters: "--slice boot-flips --iterations 1",
    expected: /^10 passed, 0 failed$/m,
  },
];
const DEBUG_PORT = 23_456;
/** The dearest takes three minutes of an idle machine. */
const TIMEOUT_MS = 3_600_000;
const SAID_CHARACTERS = 3000;

export async function prepareTasks(root: string): Promise<Iteration> {
  if (findProgram("dpkg-query") === null)
    throw new SliceSkipped("only Debian's package database knows what every Debian has");
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "trine-tasks-"));
    try {
      const tree = new FreshTree(root, folder);
      for (const task of TASKS) await tree.run(task);
      await tree.debug();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return TASKS.length + 1;
  };
}

class FreshTree {
  private readonly tree: string;

  constructor(
    private readonly root: string,
    private readonly folder: string,
  ) {
    this.tree = join(folder, "tree");
    mkdirSync(join(folder, "home"));
    copyTree(root, this.tree);
    // Figures name the commit that they belong to.
    const identity = ["-c", "user.name=soak", "-c", "user.email=soak@localhost"];
    for (const parameters of [
      ["init", "-q"],
      ["add", "-A"],
      [...identity, "commit", "-q", "-m", "copy"],
    ])
      execFileSync("git", parameters, { cwd: this.tree });
    writeFileSync(join(folder, "key"), `${"11".repeat(32)}\n`, { mode: 0o600 });
  }

  async run({ name, parameters = "", expected }: Task): Promise<void> {
    const { child, said } = this.start(name, parameters);
    const [status] = (await once(child, "close")) as [number | null];
    const isDone =
      typeof expected === "string" ? existsSync(join(this.tree, expected)) : expected.test(said());
    if (status !== 0 || !isDone)
      throw new Error(`make ${name} ends with ${status}\n${said().slice(-SAID_CHARACTERS)}`);
  }

  /**
   * Attaches gdb as the task says, lets the machine come to the kernel's first TypeScript function,
   * and ends it.
   */
  async debug(): Promise<void> {
    const { child, said } = this.start("debug", `--port ${DEBUG_PORT}`);
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on("data", () => void (/another terminal: gdb/.test(said()) && resolve()));
      child.on("close", () =>
        reject(new Error(`make debug ends\n${said().slice(-SAID_CHARACTERS)}`)),
      );
    });
    const script = /gdb -q -x (\S+)/.exec(said())![1]!;
    const parameters = ["-q", "-batch", "-x", script, "-ex", "continue", "-ex", "kill"];
    const gdb = spawn("gdb", parameters, {
      cwd: this.tree,
      env: this.environment("debug"),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let shown = "";
    for (const stream of [gdb.stdout, gdb.stderr])
      stream.on("data", (bytes: Buffer) => (shown += bytes.toString()));
    await Promise.all([once(gdb, "close"), once(child, "close")]);
    if (!/^Breakpoint 1, .*\bkernel\/main\.ts:\d+$/m.test(shown))
      throw new Error(`gdb does not stop in the kernel's first function\n${shown}`);
  }

  private start(
    task: string,
    parameters: string,
  ): { readonly child: ChildProcess; readonly said: () => string } {
    const child = spawn("make", [task, `ARGS=${parameters}`], {
      cwd: this.tree,
      env: this.environment(task),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (bytes: Buffer) => (said += bytes.toString()));
    return { child, said: () => said };
  }

  private environment(task: string): NodeJS.ProcessEnv {
    const path = preparedPath(this.root, task, join(this.folder, `programs-${task}`));
    return {
      PATH: path!,
      HOME: join(this.folder, "home"),
      TERM: "dumb",
      TRINE_KEY: join(this.folder, "key"),
    };
  }
}
