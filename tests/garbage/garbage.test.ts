import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { Status } from "../../kernel/abi/status.ts";
import {
  FREED_OBJECT_INSTRUCTIONS,
  LIVE_OBJECT_INSTRUCTIONS,
  REFERENCE_INSTRUCTIONS,
} from "../../toolchain/compiler/collection-pause.ts";
import { buildTestImage, type TestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";
import { readReport } from "./report.ts";

let image: TestImage;
beforeAll(() => {
  image = buildTestImage("garbage");
});

function lineOf(part: string): number {
  const text = readFileSync(join(import.meta.dirname, "maker/main.ts"), "utf8");
  return text.slice(0, text.indexOf(part)).split("\n").length;
}

test("a server that makes garbage of every request stays at the same memory, and ends as out of memory where it keeps too much", async () => {
  await using machine = await BootedMachine.start({ boot: image.boot });
  const ended = await machine.waitFor(/held \d+ ended \d+/, 60_000);
  expect(ended).toContain(`held ${Status.Ok} ended ${Status.PeerDied}`);
  // Told with the line that asked, not the allocator's.
  const asked = `(tests/garbage/maker/main.ts:${lineOf("new StaticArray")})`;
  for (const slot of ["greedy", "starved"]) {
    const told = ended
      .split("\n")
      .find((line) => line.includes(`${slot}: out of memory: its quota's or the machine's at 0x`));
    expect(told).toContain(asked);
  }
  const reports = [];
  for (let thousand = 1; thousand <= 8; thousand++)
    reports.push(
      readReport(await machine.waitFor(new RegExp(`requests ${thousand}000 .*\\r?\\n`), 60_000)),
    );
  // Without the collector 8,000 requests take more than 4 MiB, ten times what the program may have.
  expect(new Set(reports.slice(1).map(({ pages }) => pages)).size).toBe(1);
  expect(new Set(reports.slice(1).map(({ lived }) => lived)).size).toBe(1);
  for (const [index, { collections }] of reports.slice(1).entries())
    expect(collections).toBeGreaterThan(reports[index]!.collections + 1);
});

test("a collection takes no longer than the build says", async () => {
  await using machine = await BootedMachine.start({ boot: image.boot, countInstructions: true });
  const told = await machine.waitFor(/pauser: pause .*\r?\n/, 60_000);
  const [live, dead, joined, reference, kibibyte] = [
    ...told.slice(told.indexOf("pause ")).matchAll(/\d+/g),
  ].map(Number) as [number, number, number, number, number];
  expect(dead).toBeLessThan(joined);
  // What is said is right, and not out of all proportion.
  for (const [measured, said] of [
    [live, LIVE_OBJECT_INSTRUCTIONS],
    [joined, FREED_OBJECT_INSTRUCTIONS],
    [reference, REFERENCE_INSTRUCTIONS],
  ] as const) {
    expect(measured).toBeLessThanOrEqual(said);
    expect(measured).toBeGreaterThan(said / 2);
  }
  // Bytes that hold no references are not looked at.
  expect(kibibyte).toBeLessThan(10);
});
