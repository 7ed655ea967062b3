// `trine run` on a terminal, and driven by its command line.
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, test } from "vitest";
import { GUEST_COMMANDS } from "../../toolchain/cli/run.ts";
import { buildTestImage } from "../support/build.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const WAIT_MS = 60_000;
beforeAll(() => void buildTestImage("main"));

/** A terminal on which a shell runs `trine run` and then shows what else is typed. */
class Terminal {
  shown = "";
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private behind = 0;

  constructor() {
    const commands = `stty cols 200; ./trine run --medium kernel; echo "the shell has status $?"; exec cat`;
    this.child = spawn("script", ["-qfc", commands, "/dev/null"], {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => (this.shown += text));
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  /** What has come up to `text`, since the last wait. */
  async until(text: string): Promise<string> {
    const end = Date.now() + WAIT_MS;
    for (;;) {
      const at = this.shown.indexOf(text, this.behind);
      if (at >= 0) {
        const found = this.shown.slice(this.behind, at);
        this.behind = at + text.length;
        return found;
      }
      if (Date.now() > end)
        throw new Error(`${text} did not come; the terminal shows\n${this.shown.slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The QEMU that this terminal started. */
  machine(): number {
    const parents = new Map(
      readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .flatMap((pid) => {
          try {
            const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(
              readFileSync(`/proc/${pid}/stat`, "utf8"),
            )!;
            return [[Number(pid), { name: name!, parent: Number(parent) }] as const];
          } catch {
            return [];
          }
        }),
    );
    const isOurs = (pid: number): boolean =>
      pid === this.child.pid || (parents.has(pid) && isOurs(parents.get(pid)!.parent));
    return [...parents].find(
      ([pid, { name }]) => name.startsWith("qemu-system") && isOurs(pid),
    )![0];
  }
}

let terminal: Terminal | null = null;
afterEach(() => {
  terminal?.child.kill("SIGKILL");
  terminal = null;
});

test("the first message names the commands as the guest's help does", () => {
  const commands = readFileSync(join(ROOT, "services/shell/commands/commands.ts"), "utf8");
  const about = (name: string): string =>
    new RegExp(`define\\("${name}", "${name}", "([^"]*)"`).exec(commands)![1]!;
  expect(GUEST_COMMANDS).toBe(`\`shutdown\` ${about("shutdown")}, \`reboot\` ${about("reboot")}`);
});

test("reboot restarts the machine, shutdown ends it, and no input reaches another shell", async () => {
  terminal = new Terminal();
  await terminal.until("trine> ");
  terminal.type("reboot\r");
  await terminal.until("restarting");
  await terminal.until("development-signed");
  await terminal.until("trine> ");
  terminal.type("uptime\r");
  await terminal.until("running for");
  terminal.type("shutdown\rtouch something\r");
  expect(await terminal.until("the shell has status 0")).not.toContain("trine: ");
  terminal.type("typed for the shell\r");
  expect(await terminal.until("typed for the shell")).not.toContain("touch");
});

test("if QEMU dies, its end is reported and the line being typed is dropped", async () => {
  terminal = new Terminal();
  await terminal.until("trine> ");
  terminal.type("touch some");
  await terminal.until("some");
  process.kill(terminal.machine(), "SIGSEGV");
  await terminal.until(
    "trine: QEMU was ended by SIGSEGV; the last line of its console: trine> touch some",
  );
  terminal.type("thing\r");
  await terminal.until("the shell has status 139");
  terminal.type("typed for the shell\r");
  expect(await terminal.until("typed for the shell")).not.toContain("thing");
});

/** `trine run` with the acts; its lines behind the first prompt. */
function drive(...acts: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    join(ROOT, "trine"),
    ["--json", "run", "--medium", "kernel", ...acts],
    { cwd: ROOT, encoding: "utf8" },
  );
  return {
    status,
    stderr: stderr
      .split("\n")
      .filter((line) => line.startsWith('{"diagnostics"'))
      .join(""),
    lines: stdout.slice(stdout.indexOf("trine>")).trimEnd().split("\n"),
  };
}

test("a script types lines and gets their output as plain lines", () => {
  const { status, lines } = drive(
    "--type",
    "why Shell Echo words",
    "--until",
    "trine>",
    "--type",
    "uptime",
  );
  expect(status).toBe(0);
  expect(lines[0]).toBe("trine> why Shell Echo words");
  expect(lines[1]).toMatch(/^Shell -> Echo Echo\.words/);
  const uptime = lines.indexOf("trine> uptime");
  expect(lines[uptime + 1]).toMatch(/^running for [\d.]+ m?s$/);
  expect(lines.slice(uptime + 2)).toEqual(["trine>"]);
});

test("the echo of typed input does not count as output", () => {
  const { status, lines } = drive("--type", "xyzzy", "--until", "xyzzy");
  expect(status).toBe(0);
  expect(lines.join("\n")).toContain("there is no command `xyzzy");
});

test("output that does not come in time is an error that shows the last output", () => {
  const { status, stderr } = drive("--until", "nonsense", "--timeout", "3");
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /`nonsense` did not come within 3 s.*the console(?:'s last lines are| has shown nothing)/,
  );
});

test("a machine that ends too early is an error, unless it was told to end", () => {
  expect(drive("--type", "shutdown").status).toBe(0);
  const { status, stderr } = drive("--type", "shutdown", "--until", "more");
  expect(status).toBe(1);
  expect(stderr).toContain("the machine ended before `more` came: it switched itself off");
});

/** A port that no program listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("gdb stops at the kernel's first function and shows its parameter; the script goes on when gdb leaves", async () => {
  const port = await freePort();
  const machine = spawn(
    join(ROOT, "trine"),
    ["run", "--medium", "kernel", "--debug", "--port", String(port), "--type", "uptime"],
    { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] },
  );
  let shown = "";
  machine.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
  const ended = new Promise<number | null>((resolve) => machine.on("close", resolve));
  const command = await new Promise<string>((resolve) => {
    let said = "";
    machine.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const match = /in another terminal: gdb (.*)\n/.exec(said);
      if (match !== null) resolve(match[1]!);
    });
  });
  const { stdout } = spawnSync(
    "gdb",
    ["-batch", "-nx", ...command.split(" "), "-ex", "continue", "-ex", "backtrace 1"],
    { cwd: ROOT, encoding: "utf8" },
  );
  expect(stdout).toMatch(
    /kernel\/entry\/boot\/start \(startInfo=\d+\) at kernel\/entry\/boot\.ts:\d+/,
  );
  expect([await ended, shown.includes("running for")]).toEqual([0, true]);
});

test.each([
  [["--port", "1235"], "--port is gdb's"],
  [["--timeout", "5"], "--timeout is for --until and --type"],
  [["--until", ""], "--until waits for a text, and it is empty"],
  [["--type", "x", "--timeout", "soon"], "--timeout takes a number"],
])("%j is refused before anything is built", (options, message) => {
  expect(() =>
    execFileSync(join(ROOT, "trine"), ["run", ...options], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: "pipe",
    }),
  ).toThrow(message);
});
