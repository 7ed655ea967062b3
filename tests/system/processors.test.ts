// The main image on processors that lack what newer ones have, with the least memory that it is
// specified for: it starts, and says what is missing.
import { beforeAll, expect, test } from "vitest";
import { type TestImage, buildTestImage } from "../support/build.ts";
import { BootedMachine } from "../support/qemu.ts";

const PROMPT = "trine> ";
const MEMORY_MIB_LEAST = 16;
let main: TestImage;
beforeAll(() => void (main = buildTestImage("main")));

test.each([
  ["qemu64", "x86-64-v1, nx wp; missing: smep smap umip"],
  [
    "Westmere",
    "x86-64-v2, nx wp; missing: smep smap umip; no page-table split, and the processor may need one",
  ],
  ["EPYC", "x86-64-v3, nx wp smep smap; missing: umip"],
  ["max,-pge", "x86-64-v3, nx wp smep smap umip"],
  ["max,-smap,-smep,-umip,-pge", "x86-64-v3, nx wp; missing: smep smap umip"],
  ["max,-apic,-mce,-mca", "x86-64-v3, nx wp smep smap umip"],
])("starts on %s", async (cpu, features) => {
  await using machine = BootedMachine.start({ boot: main.boot, cpu, memoryMiB: MEMORY_MIB_LEAST });
  await machine.waitFor(PROMPT);
  expect(machine.transcript).toContain(`trine: cpu ${features}\r\n`);
  machine.type("ping 7\r");
  await machine.waitFor("7 round trips");
});
