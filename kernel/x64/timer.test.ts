import { beforeAll, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const CRYSTAL_HZ = 25_000_000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(
    `export { initializeTimer, nowNs, nowTicks, nsAtTick, ticksOfNs, armTimer, ticksPerSecond, isTimerVector, timerUsesLine0, DEADLINE_NEVER } from "./timer";`,
  );
});

/**
 * A machine without local APIC, whose CPUID states the rate of its clock. calibration.test.ts shows
 * that the rate is measured if there is an 8254.
 */
function machine(tscHz: bigint) {
  let ns = 0n;
  const armed: number[] = [];
  const running = runOnFake(module, {
    readTsc: () => (ns * tscHz) / 1_000_000_000n,
    readPort: () => 0,
    writePort: (port, value) => {
      if (port === 0x40) armed.push(value);
    },
    cpuid: (leaf) =>
      leaf === 0
        ? [0x15, 0, 0, 0]
        : leaf === 0x15
          ? [CRYSTAL_HZ, Number(tscHz), CRYSTAL_HZ, 0]
          : [0, 0, 0, 0],
  });
  return { running, armed, advance: (by: bigint) => (ns += by) };
}

test.each([100_000_000n, 1_000_000_000n, 2_400_000_000n, 4_200_000_000n])(
  "a counter of %i Hz gives nanoseconds, now and after a year",
  (tscHz) => {
    const { running, advance } = machine(tscHz);
    running.number("initializeTimer", 0);
    const measured = running.big("ticksPerSecond");
    expect(Number(measured) / Number(tscHz)).toBeCloseTo(1, 6);

    for (const wait of [1_000_000n, 60_000_000_000n, 31_536_000_000_000_000n]) {
      const before = running.big("nowNs");
      advance(wait);
      expect(Number(running.big("nowNs") - before) / Number(wait)).toBeCloseTo(1, 5);
    }
  },
);

test.each([100_000_000n, 2_400_000_000n, 6_000_000_000n])(
  "ticks of %i Hz are nanoseconds, and nanoseconds ticks",
  (tscHz) => {
    const { running, advance } = machine(tscHz);
    running.number("initializeTimer", 0);
    advance(123_456_789n);
    const tick = running.big("nowTicks");
    expect(running.big("nsAtTick", tick)).toBe(running.big("nowNs"));
    for (const ns of [1_000n, 5_000_000n, 1_000_000_000n]) {
      const ticks = running.big("ticksOfNs", ns);
      const later = running.big("nsAtTick", tick + ticks) - running.big("nowNs");
      expect(Math.abs(Number(later - ns)) / Number(ns)).toBeLessThan(0.03);
    }
  },
);

test("time never goes back", () => {
  const { running, advance } = machine(2_999_999_999n);
  running.number("initializeTimer", 0);
  let last = 0n;
  for (let i = 0; i < 1000; i++) {
    advance(BigInt(i * 7_654_321));
    const now = running.big("nowNs");
    expect(now >= last).toBe(true);
    last = now;
  }
});

test("without an APIC the old timer is armed for what fits into it", () => {
  const { running, armed } = machine(1_000_000_000n);
  running.number("initializeTimer", 0);
  expect(running.number("timerUsesLine0")).toBe(1);
  expect(running.number("isTimerVector", 32)).toBe(1);
  expect(armed).toEqual([]);
  const arm = (distance: bigint) => {
    running.number("armTimer", running.big("nowNs") + distance);
    return armed.splice(0);
  };
  expect(arm(1_000_000n)).toEqual([(1193 + 1) & 0xff, (1193 + 1) >> 8]);
  expect(arm(10_000_000_000n)).toEqual([0xff, 0xff]);
  expect(arm(0n)).toEqual([1, 0]);
  running.number("armTimer", 0xffff_ffff_ffff_ffffn);
  expect(armed).toEqual([]);
});
