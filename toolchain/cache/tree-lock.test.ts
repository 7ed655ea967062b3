import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withTreeLock } from "./tree-lock.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trine-lock-"));
  mkdirSync(join(root, "build/cache"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const lock = () => join(root, "build/cache/lock");

test("work waits for the work that holds the lock", async () => {
  const order: string[] = [];
  const piece = (name: string) => async () => {
    order.push(`start ${name}`);
    await sleep(80);
    order.push(`end ${name}`);
  };
  await Promise.all([withTreeLock(root, piece("a")), withTreeLock(root, piece("b"))]);
  expect(order).toEqual(["start a", "end a", "start b", "end b"]);
});

test("the lock names its holder and is gone afterwards, also after a failure", async () => {
  await withTreeLock(root, async () =>
    expect(readFileSync(lock(), "utf8")).toBe(String(process.pid)),
  );
  await expect(withTreeLock(root, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(() => readFileSync(lock())).toThrow();
});

test("the lock of a process that is gone is taken", async () => {
  // Above the highest number that Linux gives to a process.
  writeFileSync(lock(), "4194305");
  expect(await withTreeLock(root, async () => "done")).toBe("done");
});

test.each(["0", "-1", "garbage", "4194305\nand more"])(
  "a lock that holds %j is free",
  async (text) => {
    writeFileSync(lock(), text);
    expect(await withTreeLock(root, async () => "done")).toBe("done");
  },
);

test("a long wait is reported once, with its reason and what to do", async () => {
  writeFileSync(lock(), String(process.pid));
  const told: string[] = [];
  // The one who is told removes the lock, as a user would.
  const tell = (line: string): void => {
    told.push(line);
    rmSync(lock());
  };
  expect(await withTreeLock(root, async () => "done", tell, 0)).toBe("done");
  expect(told).toEqual([
    `waiting for process ${process.pid}, which builds in this tree; if it builds nothing, remove build/cache/lock`,
  ]);
});

test("a lock that cannot be read is an error, not a wait without end", async () => {
  mkdirSync(lock());
  await expect(withTreeLock(root, async () => "done")).rejects.toThrow(
    "build/cache/lock: the lock of the tree cannot be read: EISDIR; help: remove it",
  );
});
