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
  await withTreeLock(root, async () => expect(readFileSync(lock(), "utf8")).toBe(String(process.pid)));
  await expect(withTreeLock(root, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(() => readFileSync(lock())).toThrow();
});

test("the lock of a process that is gone is taken", async () => {
  // Above the highest number that Linux gives to a process.
  writeFileSync(lock(), "4194305");
  expect(await withTreeLock(root, async () => "done")).toBe("done");
});
