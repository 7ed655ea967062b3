// The set-up script on machines that are not this one: its PATH holds only what the test puts there.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

/** What every Debian has; the script may rely on no more. */
const ESSENTIAL = ["sh", "awk", "cat", "chmod", "cmp", "cp", "cut", "dirname", "env", "find", "flock", "grep", "head", "ln", "mkdir", "mv", "rm", "sed", "tail", "uname"];

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-setup-"));
  mkdirSync(join(root, "bin"));
  cpSync(fileURLToPath(new URL(".", import.meta.url)), join(root, "toolchain/setup"), { recursive: true });
  for (const program of ESSENTIAL) symlinkSync(realPath(program), join(root, "bin", program));
});
afterEach(() => rmSync(root, { recursive: true }));

function realPath(program: string): string {
  return spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8", env: { PATH: "/usr/bin:/bin:/usr/sbin" } }).stdout.trim();
}

function addProgram(name: string, script: string): void {
  writeFileSync(join(root, "bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "bin", name), 0o755);
}

/** An apt-get that notes how it was called and, on `install`, brings NASM. */
function addApt(): void {
  addProgram("apt-cache", "exit 0");
  addProgram(
    "apt-get",
    `echo "apt-get $*" >> "${root}/calls"
case "$*" in
  *assume-no*) echo "Need to get 1,234 kB of archives."; echo "After this operation, 9,876 kB of additional disk space will be used." ;;
  install*) printf '#!/bin/sh\\n' > "${root}/bin/nasm"; chmod +x "${root}/bin/nasm" ;;
esac`,
  );
}

function setUp(...needs: string[]): { status: number | null; output: string; calls: string[] } {
  const { status, stdout, stderr } = spawnSync("sh", ["toolchain/setup/setup.sh", ...needs], { cwd: root, encoding: "utf8", env: { PATH: join(root, "bin"), HOME: root } });
  const calls = existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").trim().split("\n") : [];
  return { status, output: stdout + stderr, calls };
}

test("root installs without sudo and without recommended packages, name and size said first", () => {
  addApt();
  addProgram("id", "echo 0");
  const { status, output, calls } = setUp("nasm");
  expect(output).toContain("trine: installing nasm (1,234 kB to fetch, 9,876 kB on disk)");
  expect(calls.at(-1)).toBe("apt-get install -y -qq --no-install-recommends nasm");
  expect(status).toBe(0);
});

test("another account installs by sudo", () => {
  addApt();
  addProgram("id", "echo 1000");
  addProgram("sudo", `echo sudo >> "${root}/calls"\nexec "$@"`);
  const { status, calls } = setUp("nasm");
  expect(calls.slice(-2)).toEqual(["sudo", "apt-get install -y -qq --no-install-recommends nasm"]);
  expect(status).toBe(0);
});

test.each([
  ["there is no sudo", () => {}],
  ["sudo is refused", () => addProgram("sudo", "exit 1")],
])("the one command for an administrator is printed when %s", (_when, arrange) => {
  addApt();
  addProgram("id", "echo 1000");
  arrange();
  const { status, output } = setUp("nasm", "ld");
  expect(output).toContain("apt-get update && apt-get install -y --no-install-recommends nasm binutils\n");
  expect(status).not.toBe(0);
});

test("a machine without apt is told what it lacks", () => {
  addProgram("id", "echo 0");
  const { status, output } = setUp("nasm");
  expect(output).toContain("this machine has no apt-get");
  expect(status).toBe(1);
});

test("nothing is asked of apt when nothing is missing", () => {
  addApt();
  addProgram("id", "echo 0");
  addProgram("nasm", "exit 0");
  expect(setUp("nasm")).toEqual({ status: 0, output: "", calls: [] });
});

test("npm is installed only where Node is missing or too old and npm is not there", () => {
  addApt();
  addProgram("id", "echo 0");
  addProgram("node", "echo v22.11.0");
  expect(setUp("tools").calls.at(-1)).toContain("--no-install-recommends npm");
});

test("a Node that is new enough is used as it is", () => {
  addProgram("node", "echo v22.12.0");
  addProgram("npm", "exit 1");
  writeFileSync(join(root, "package-lock.json"), "{}");
  const { output } = setUp("tools");
  expect(output).toContain("installing npm packages");
  expect(existsSync(join(root, "build/node/bin/node"))).toBe(true);
});

test("the npm that is fetched asks the registry as the machine's own does", () => {
  addProgram("node", "echo v20.0.0");
  addProgram("npm", `if [ "$1" = config ]; then echo /etc/npmrc; exit; fi\necho "$npm_config_globalconfig $*" >> "${root}/calls"\nexit 1`);
  expect(setUp("tools").calls).toEqual([expect.stringMatching(/^\/etc\/npmrc ci .*--no-update-notifier/)]);
});

test("packages that a link leads to are left alone", () => {
  addProgram("node", "echo v22.12.0");
  addProgram("npm", "rm -rf node_modules/* && mkdir -p node_modules && exit 1");
  writeFileSync(join(root, "package-lock.json"), "{}");
  mkdirSync(join(root, "elsewhere/package"), { recursive: true });
  symlinkSync(join(root, "elsewhere"), join(root, "node_modules"));
  setUp("tools");
  expect(existsSync(join(root, "elsewhere/package"))).toBe(true);
});

test("a need that is not in the table is a mistake of ours", () => {
  expect(setUp("emacs")).toMatchObject({ status: 1, output: "trine: setup.sh: no package is known for 'emacs'\n" });
});
