/**
 * One build at a time in one tree: two would write the same files. A lock whose holder has ended is
 * free.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { refuse } from "../report/diagnostic.ts";

const LOCK_FILE = "build/cache/lock";
const LOOK_AGAIN_MS = 50;
/** A wait that is longer than two quick builds is reported, with its reason. */
const TELL_MS = 2000;
/** A process that has not written its number by then was ended between the two. */
const WRITE_MS_MAX = 30_000;

/** Runs `work` while no other process builds in the tree at `root`. */
export async function withTreeLock<Result>(
  root: string,
  work: () => Promise<Result>,
  tell: (line: string) => void = print,
  tellMs = TELL_MS,
): Promise<Result> {
  const path = join(root, LOCK_FILE);
  mkdirSync(dirname(path), { recursive: true });
  const start = Date.now();
  let isTold = false;
  while (!take(path)) {
    const holder = holderOf(path);
    if (holder === null) {
      rmSync(path, { force: true });
      continue;
    }
    if (!isTold && Date.now() - start >= tellMs) {
      isTold = true;
      tell(
        `waiting for process ${holder}, which builds in this tree; if it builds nothing, remove ${LOCK_FILE}`,
      );
    }
    await sleep(LOOK_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    const file = openSync(path, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * The process that wrote its number there, if it still runs; null for none. An empty file is one
 * that is just being written, unless it stays so.
 */
function holderOf(path: string): string | null {
  let text: string;
  let ageMs: number;
  try {
    text = readFileSync(path, "utf8");
    ageMs = Date.now() - statSync(path).mtimeMs;
  } catch (error) {
    // The holder has just removed the lock. Any other error would repeat without end.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    return refuse(
      `the lock of the tree cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      { file: LOCK_FILE, help: "remove it" },
    );
  }
  if (text === "") return ageMs < WRITE_MS_MAX ? "of unknown number" : null;
  // 0 and numbers below mean groups of processes, and one of them is always there.
  if (!/^[1-9]\d*$/.test(text)) return null;
  try {
    process.kill(Number(text), 0);
    return text;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? text : null;
  }
}
