// The measurement of the clocks on a simulated machine, which stands still, lies or lacks parts
// where the test says so.
import { beforeAll, describe, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const PIT_HZ = 1193182;
const LOCAL_HZ = 62_500_000;
const APIC_INITIAL_COUNT = 0xfee00380n;
const MEASURED = 0;
const PROCESSOR = 1;
const DOUBTFUL = 2;
const UNCHECKED = 3;
const ASSUMED = 4;
/** The share of the rate that the bounds of two rounds leave open. */
const ERROR_MAX = 0.001;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`
    import { calibrateClocks, clockSource, highestHz, localHz, lowestHz, refusedHz, tscHz } from "./calibration";
    export { calibrateClocks };
    export function source(): u32 { return clockSource; }
    export function tsc(): u64 { return tscHz; }
    export function local(): u64 { return localHz; }
    export function refused(): u64 { return refusedHz; }
    export function lowest(): u64 { return lowestHz; }
    export function highest(): u64 { return highestHz; }
  `);
});

interface Machine {
  /** The time stamp counter, that number of nanoseconds after the start. */
  readonly tsc?: (ns: number) => number;
  readonly tscHz?: number;
  /** How long each access takes; a reading is some five of them. */
  readonly accessNs?: number;
  /**
   * Stands still for that long right before access number `at`, counted over all kinds, and again
   * after every `every` accesses.
   */
  readonly pause?: { readonly at: number; readonly ns: number; readonly every?: number };
  readonly pit?: "counts" | "stands" | "absent" | "wanders";
  readonly localHz?: number;
  readonly cpuid?: Readonly<Record<number, readonly [number, number, number, number]>>;
}

interface Found {
  readonly source: number;
  readonly tsc: number;
  readonly local: number;
  readonly refused: number;
  readonly lowest: number;
  readonly highest: number;
  /** How long it took. */
  readonly ms: number;
  readonly accesses: number;
}

/** Measures the clocks of a machine with an 8254 in mode 0, as it is, and a local timer. */
function calibrate(machine: Machine): Found {
  const {
    tscHz = 2_400_000_000,
    accessNs = 300,
    pause,
    pit = "counts",
    localHz = LOCAL_HZ,
    cpuid = {},
  } = machine;
  const tsc = machine.tsc ?? ((ns: number) => (ns * tscHz) / 1e9);
  let ns = 0;
  let accesses = 0;
  const access = (): void => {
    if (
      pause !== undefined &&
      (accesses === pause.at ||
        (pause.every !== undefined &&
          accesses > pause.at &&
          (accesses - pause.at) % pause.every === 0))
    )
      ns += pause.ns;
    accesses++;
    ns += accessNs;
  };

  let loadedNs = 0;
  let loads = 0;
  let lowByte: number | null = null;
  let latched: number[] = [];
  const stepsOfPit = (): number => {
    if (pit === "stands") return 0;
    return Math.floor(
      ((ns - loadedNs) * PIT_HZ * (pit === "wanders" ? 0.85 + loads / 50 : 1)) / 1e9,
    );
  };
  let localStart = 0;
  const running = runOnFake(module, {
    readTsc: () => {
      access();
      return BigInt(Math.floor(tsc(ns)));
    },
    readPort: (port) => {
      access();
      if (pit === "absent") return 0xff;
      if (port === 0x42) return latched.shift() ?? 0;
      return port === 0x61 && stepsOfPit() >= 0xffff ? 0x20 : 0;
    },
    writePort: (port, value) => {
      access();
      if (port === 0x43 && value === 0x80) {
        const count = (0xffff - stepsOfPit()) & 0xffff;
        if (latched.length === 0) latched = [count & 0xff, count >> 8];
      }
      if (port !== 0x42) return;
      if (lowByte === null) lowByte = value;
      else {
        lowByte = null;
        loads++;
        latched = [];
        loadedNs = ns;
      }
    },
    load32: () => {
      access();
      return Math.max(0, 0xffffffff - Math.floor(((ns - localStart) * localHz) / 1e9));
    },
    store32: (address) => {
      access();
      if (address === APIC_INITIAL_COUNT) localStart = ns;
    },
    cpuid: (leaf) => cpuid[leaf] ?? [0, 0, 0, 0],
  });
  running.number("calibrateClocks", 1);
  const big = (name: string): number => Number(running.big(name));
  return {
    source: running.number("source"),
    tsc: big("tsc"),
    local: big("local"),
    refused: big("refused"),
    lowest: big("lowest"),
    highest: big("highest"),
    ms: ns / 1e6,
    accesses,
  };
}

const off = (found: number, truth: number): number => Math.abs(found / truth - 1);

describe.each([100e6, 1e9, 2.4e9, 5.7e9, 12e9])("a counter of %d Hz", (tscHz) => {
  test("is measured to a thousandth, and so is the local timer", () => {
    const found = calibrate({ tscHz });
    expect(found.source).toBe(MEASURED);
    expect(off(found.tsc, tscHz)).toBeLessThan(ERROR_MAX);
    expect(off(found.local, LOCAL_HZ)).toBeLessThan(2 * ERROR_MAX);
  });

  test("is measured on a machine whose every access takes ten microseconds", () => {
    const found = calibrate({ tscHz, accessNs: 10_000 });
    expect(found.source).toBe(MEASURED);
    expect(off(found.tsc, tscHz)).toBeLessThan(ERROR_MAX);
  });
});

test("the faster the machine reads, the shorter it takes: below 7 ms where an access takes 1 µs", () => {
  expect(calibrate({ accessNs: 1000 }).ms).toBeLessThan(7);
  expect(calibrate({ accessNs: 100 }).ms).toBeLessThan(4);
});

// 4 ms is a turn of another process; 60 ms is more than the counter can count, 20 s more than two
// hundred times as much.
describe.each([4, 60, 20_000])("a machine that stands still for %d ms", (pauseMs) => {
  const undisturbed = () => calibrate({}).accesses;

  test("between any two accesses measures no worse", () => {
    const last = undisturbed();
    // All places near the beginning, where the first readings are taken, and some after them.
    for (let at = 0; at < last; at += at < 60 ? 1 : 41) {
      const found = calibrate({ pause: { at, ns: pauseMs * 1e6 } });
      expect(found.source, `at access ${at}`).toBe(MEASURED);
      expect(off(found.tsc, 2.4e9), `at access ${at}`).toBeLessThan(ERROR_MAX);
      expect(off(found.local, LOCAL_HZ), `at access ${at}`).toBeLessThan(2 * ERROR_MAX);
    }
  });

  test.each([7, 50, 333, 1000, 5003])(
    "at every %ith access measures no worse, or says so",
    (every) => {
      const found = calibrate({ pause: { at: 3, every, ns: pauseMs * 1e6 } });
      if (found.source === MEASURED) expect(off(found.tsc, 2.4e9)).toBeLessThan(ERROR_MAX);
      else expect([DOUBTFUL, ASSUMED]).toContain(found.source);
    },
  );
});

test("a machine that stands still after each millisecond, as beside one busy process, is measured", () => {
  for (const every of [600, 700, 900, 1100]) {
    const found = calibrate({ pause: { at: every, every, ns: 4e6 } });
    expect(found.source).toBe(MEASURED);
    expect(off(found.tsc, 2.4e9)).toBeLessThan(ERROR_MAX);
  }
});

describe("a machine whose 8254", () => {
  test.each(["stands", "absent"] as const)(
    "%s, and whose CPUID says nothing, is given a rate that is called assumed",
    (pit) => {
      const found = calibrate({ pit });
      expect(found).toMatchObject({ source: ASSUMED, tsc: 1_000_000_000 });
      expect(found.ms).toBeLessThan(100);
    },
  );

  test.each(["stands", "absent"] as const)(
    "%s takes CPUID's rate, unchecked, and measures the local timer by it",
    (pit) => {
      const found = calibrate({
        pit,
        cpuid: { 0: [0x16, 0, 0, 0], 0x15: [2, 200, 24_000_000, 0] },
      });
      expect(found).toMatchObject({ source: UNCHECKED, tsc: 2_400_000_000, refused: 0 });
      expect(off(found.local, LOCAL_HZ)).toBeLessThan(2 * ERROR_MAX);
    },
  );

  test("stands takes the nominal rate where CPUID knows no better", () => {
    expect(
      calibrate({ pit: "stands", cpuid: { 0: [0x16, 0, 0, 0], 0x16: [2400, 0, 0, 0] } }),
    ).toMatchObject({ source: UNCHECKED, tsc: 2_400_000_000 });
  });

  test("runs at another rate each time says so, with what was measured", () => {
    const found = calibrate({ pit: "wanders" });
    expect(found.source).toBe(DOUBTFUL);
    expect(found.lowest).toBeLessThan(2.3e9);
    expect(found.highest).toBeGreaterThan(2.5e9);
  });
});

describe("CPUID's rate", () => {
  const crystal = { 0: [0x15, 0, 0, 0], 0x15: [2, 200, 24_000_000, 0] } as const;
  const hypervisor = {
    1: [0, 0, 0x80000000, 0],
    0x40000000: [0x40000010, 0, 0, 0],
    0x40000010: [2_400_000, 0, 0, 0],
  } as const;

  test.each([
    ["leaf 15h", crystal],
    ["the hypervisor's leaf, in kHz", hypervisor],
  ])("of %s is taken as it is when one round agrees", (_leaf, cpuid) => {
    const found = calibrate({ cpuid, tscHz: 2_400_100_000 });
    expect(found).toMatchObject({ source: PROCESSOR, tsc: 2_400_000_000, refused: 0 });
    expect(found.ms).toBeLessThan(calibrate({}).ms * 0.7);
  });

  test.each([
    ["leaf 15h", crystal],
    ["the hypervisor's leaf", hypervisor],
  ])("of %s is refused when two rounds agree on another", (_leaf, cpuid) => {
    const found = calibrate({ cpuid, tscHz: 2_000_000_000 });
    expect(found).toMatchObject({ source: MEASURED, refused: 2_400_000_000 });
    expect(off(found.tsc, 2e9)).toBeLessThan(ERROR_MAX);
  });

  test("is refused a hundredth off, and taken a thousandth off", () => {
    expect(calibrate({ cpuid: crystal, tscHz: 2_424_000_000 }).source).toBe(MEASURED);
    expect(calibrate({ cpuid: crystal, tscHz: 2_402_400_000 }).source).toBe(PROCESSOR);
  });

  test.each<[string, Machine["cpuid"]]>([
    ["the leaf is beyond the last", { ...crystal, 0: [0x14, 0, 0, 0] }],
    ["the crystal is not named", { 0: [0x15, 0, 0, 0], 0x15: [2, 200, 0, 0] }],
    ["the fraction has no denominator", { 0: [0x15, 0, 0, 0], 0x15: [0, 200, 24_000_000, 0] }],
    ["no processor runs that fast", { 0: [0x15, 0, 0, 0], 0x15: [1, 0xffffffff, 0xffffffff, 0] }],
    ["no hypervisor is there", { ...hypervisor, 1: [0, 0, 0, 0] }],
    ["the hypervisor has no such leaf", { ...hypervisor, 0x40000000: [0x4000000f, 0, 0, 0] }],
    ["the hypervisor's rate is in Hz", { ...hypervisor, 0x40000010: [2_400_000_000, 0, 0, 0] }],
  ])("does not count where %s", (_why, cpuid) => {
    const found = calibrate({ cpuid: cpuid! });
    expect(found).toMatchObject({ source: MEASURED, refused: 0 });
  });
});

test("a local timer that does not count is found out", () => {
  expect(calibrate({ localHz: 0 })).toMatchObject({ source: MEASURED, local: 0 });
});

test("a slow local timer is measured too", () => {
  expect(off(calibrate({ localHz: 1_500_000 }).local, 1_500_000)).toBeLessThan(2 * ERROR_MAX);
});

test("a counter that goes back in the middle spoils a round, and no more", () => {
  const found = calibrate({ tsc: (ns) => ns * 2.4 + (ns > 1e6 ? 0 : 1e9) });
  expect(found.source).toBe(MEASURED);
  expect(off(found.tsc, 2.4e9)).toBeLessThan(ERROR_MAX);
});

test("a counter that changes its rate meanwhile is measured at the last one, or called doubtful", () => {
  const found = calibrate({ tsc: (ns) => (ns < 1e6 ? ns * 1.2 : 1.2e6 + (ns - 1e6) * 2.4) });
  if (found.source === MEASURED) expect(off(found.tsc, 2.4e9)).toBeLessThan(ERROR_MAX);
  else expect(found.source).toBe(DOUBTFUL);
});
