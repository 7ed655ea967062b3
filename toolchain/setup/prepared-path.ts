/** The PATH of a new machine on which only the set-up of one task has run, for tests. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { findProgram, outsidePrograms } from "./programs.ts";

/**
 * The README asks for make, git and ca-certificates; git brings perl and ca-certificates openssl.
 */
const ASKED_FOR = ["make", "git", "ca-certificates", "perl", "openssl"];
/** Names that Debian's packages lay by a link of their own. */
const BY_ALTERNATIVE = ["sh", "awk"];

/**
 * Fills `folder` with links to the programs that every Debian has, those that the README asks for
 * and those of `task`, and returns it as a PATH. Returns null on a machine without Debian's package
 * database, which alone knows the first two.
 */
export function preparedPath(root: string, task: string, folder: string): string | null {
  const always = programsOfDebian();
  if (always === null) return null;
  const named = outsidePrograms(root)
    .filter(({ tasks }) => tasks.includes(task))
    .map(({ name }) => name);
  const links = new Map(always.map((path) => [basename(path), path]));
  for (const name of [...BY_ALTERNATIVE, ...named]) {
    const path = findProgram(name);
    if (path !== null) links.set(name, path);
  }
  fill(folder, links);
  return folder;
}

function programsOfDebian(): readonly string[] | null {
  const query = (...parameters: string[]): string[] =>
    execFileSync("dpkg-query", parameters, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 1 << 26,
    }).split("\n");
  try {
    const essential = query("-W", "-f", "${Essential} ${Package}\n")
      .filter((line) => line.startsWith("yes "))
      .map((line) => line.slice(4));
    return query("-L", ...essential, ...ASKED_FOR).filter((path) =>
      /^(\/usr)?\/s?bin\/[^/]+$/.test(path),
    );
  } catch {
    return null;
  }
}

/** Changes only what differs: another run may be using the folder. */
function fill(folder: string, links: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!lstatSync(path).isSymbolicLink() || readlinkSync(path) !== links.get(name))
      rmSync(path, { recursive: true, force: true });
  }
  const present = new Set(readdirSync(folder));
  for (const [name, target] of links) {
    if (present.has(name)) continue;
    try {
      symlinkSync(target, join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
