/** One build at a time in one tree: two would write the same files. A lock whose holder is gone is nobody's. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const LOCK_FILE = "build/cache/lock";
const LOOK_AGAIN_MS = 50;
/** A process that has not written its number by then was ended between the two. */
const WRITE_MS_MAX = 5000;

/** Runs `work` while no other process builds in the tree at `root`. */
export async function withTreeLock<Result>(root: string, work: () => Promise<Result>): Promise<Result> {
  const path = join(root, LOCK_FILE);
  mkdirSync(dirname(path), { recursive: true });
  while (!take(path)) {
    if (!isHeld(path)) rmSync(path, { force: true });
    else await sleep(LOOK_AGAIN_MS);
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

/** Whether the process that wrote its number there still runs. An empty file is one that is just being written, unless it stays so. */
function isHeld(path: string): boolean {
  let text: string;
  let ageMs: number;
  try {
    text = readFileSync(path, "utf8");
    ageMs = Date.now() - statSync(path).mtimeMs;
  } catch {
    return false;
  }
  if (text === "") return ageMs < WRITE_MS_MAX;
  try {
    process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
