// The row of failures over several starts: the test keeps low memory, and the kernel's own memory
// is new at each start.
import { beforeAll, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const PLACE = 0xa00;
const TEN_MINUTES = 600_000_000_000n;
const WAIT = 10_000_000_000n;
let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`
    import { initializeTimer } from "./timer";
    export { initializeTimer };
    export { noteFailuresBefore, restartAfterFailure } from "./restart";
  `);
});

/**
 * A machine whose counter runs at 1 GHz, as CPUID says. The function starts it; `fail` makes it
 * fail after a time and returns whether it starts again.
 */
function start(lowMemory: DataView) {
  let ns = 0n;
  let log = "";
  let resetNs: bigint | null = null;
  const running = runOnFake(module, {
    physical: lowMemory,
    readTsc: () => (ns += 50_000_000n),
    readPort: (port) => (port === 0x3fd ? 0x20 : 0),
    writePort: (port, value) => {
      if (port === 0x3f8) log += String.fromCharCode(value);
      if (port === 0x64 && value === 0xfe) throw new Error("reset");
    },
    cpuid: (leaf) =>
      leaf === 0 ? [0x15, 0, 0, 0] : leaf === 0x15 ? [1, 40, 25_000_000, 0] : [0, 0, 0, 0],
  });
  running.number("initializeTimer", 0);
  running.number("noteFailuresBefore");
  return {
    said: () => log,
    fail: (afterNs: bigint): boolean => {
      ns += afterNs;
      const failedNs = ns;
      try {
        running.number("restartAfterFailure");
        return false;
      } catch (error) {
        expect(String(error)).toContain("reset");
        resetNs = ns;
        expect(resetNs - failedNs).toBeGreaterThanOrEqual(WAIT);
        expect(resetNs - failedNs).toBeLessThan(WAIT + 500_000_000n);
        return true;
      }
    },
  };
}
const memory = () => new DataView(new ArrayBuffer(0x10000));

test("four failures in a row start the machine again, the fifth does not", () => {
  const low = memory();
  for (let failure = 1; failure <= 4; failure++) {
    const machine = start(low);
    if (failure === 1) expect(machine.said()).toBe("");
    else
      expect(machine.said()).toContain(
        `started again after a failure, number ${failure - 1} in a row`,
      );
    expect(machine.fail(0n)).toBe(true);
    expect(machine.said()).toContain(`failure ${failure} in a row`);
  }
  const machine = start(low);
  expect(machine.fail(TEN_MINUTES - 1_000_000_000n)).toBe(false);
  expect(machine.said()).toContain("5 failures in a row");
  // A start by hand begins a new row.
  expect(start(low).said()).toBe("");
});

test("a machine that ran for ten minutes begins a new row each time", () => {
  const low = memory();
  for (let failure = 1; failure <= 20; failure++) {
    const machine = start(low);
    expect(machine.fail(TEN_MINUTES)).toBe(true);
    expect(machine.said()).toContain("failure 1 in a row");
  }
});

test("a start that does not fail ends the row", () => {
  const low = memory();
  start(low).fail(0n);
  start(low);
  expect(start(low).said()).toBe("");
});

test.each<[string, (low: DataView) => void]>([
  ["nothing", (low) => new Uint8Array(low.buffer).fill(0)],
  ["ones", (low) => new Uint8Array(low.buffer).fill(0xff)],
  ["half of a mark", (low) => low.setUint8(PLACE + 8, 0)],
  ["a mark with another number", (low) => low.setUint8(PLACE, 3)],
])("what the firmware leaves, as %s, is no row", (_what, spoil) => {
  const low = memory();
  start(low).fail(0n);
  spoil(low);
  expect(start(low).said()).toBe("");
});
