import { beforeAll, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const PIT_HZ = 1193182;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`export { initializeTimer, nowNs, armTimer, ticksPerSecond, isTimerVector, timerUsesLine0, DEADLINE_NEVER } from "./timer";`);
});

/** A machine without local APIC whose clock advances 1 µs with each port access. */
function machine(tscHz: bigint) {
  let ns = 0n;
  let pitEnd = 0n;
  let lowByte = 0;
  let loaded = 0;
  const armed: number[] = [];
  const running = runOnFake(module, {
    readTsc: () => (ns * tscHz) / 1_000_000_000n,
    readPort: (port) => {
      ns += 1000n;
      return port === 0x61 && ns >= pitEnd ? 0x20 : 0;
    },
    writePort: (port, value) => {
      if (port === 0x42) {
        loaded++;
        if (loaded % 2 === 1) lowByte = value;
        else pitEnd = ns + (BigInt(lowByte | (value << 8)) * 1_000_000_000n) / BigInt(PIT_HZ);
      }
      if (port === 0x40) armed.push(value);
    },
  });
  return { running, armed, advance: (by: bigint) => (ns += by) };
}

test.each([100_000_000n, 1_000_000_000n, 2_400_000_000n, 5_700_000_000n])("a counter of %i Hz gives nanoseconds, now and after a year", (tscHz) => {
  const { running, advance } = machine(tscHz);
  running.number("initializeTimer", 0);
  const measured = running.big("ticksPerSecond");
  expect(Number(measured) / Number(tscHz)).toBeCloseTo(1, 3);

  for (const wait of [1_000_000n, 60_000_000_000n, 31_536_000_000_000_000n]) {
    const before = running.big("nowNs");
    advance(wait);
    expect(Number(running.big("nowNs") - before) / Number(wait)).toBeCloseTo(1, 3);
  }
});

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
  expect(arm(1_000_000n)).toEqual([1193 + 1 & 0xff, (1193 + 1) >> 8]);
  expect(arm(10_000_000_000n)).toEqual([0xff, 0xff]);
  expect(arm(0n)).toEqual([1, 0]);
  running.number("armTimer", 0xffff_ffff_ffff_ffffn);
  expect(armed).toEqual([]);
});
