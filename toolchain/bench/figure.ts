import type { CostlyCounts } from "./costly-instructions.ts";

/** A measured number and where it came from. */
export interface Figure {
  /** Stable: `docs/figures.md` and the peers refer to it. */
  readonly id: string;
  /** What was measured, in words. */
  readonly about: string;
  readonly value: number;
  readonly unit: "instructions" | "bytes" | "seconds" | "lines" | "percent" | "count";
  /** The largest value that the design wants. */
  readonly goal?: number;
  /** All samples, if there are several; `value` is their median. */
  readonly samples?: readonly number[];
  /**
   * Of `value` instructions, those that cost far more than one cycle, by kind
   * (costly-instructions.ts).
   */
  readonly costly?: CostlyCounts;
}

export interface Bench {
  readonly name: string;
  /** One line for `trine bench --list`. */
  readonly about: string;
  readonly run: (root: string, log: (line: string) => void) => Promise<readonly Figure[]>;
}

/** What a bench writes to build/bench/NAME.json. */
export interface BenchRecord {
  readonly bench: string;
  /** The command that measures it again. */
  readonly command: string;
  readonly commit: string;
  /** Sources differ from the commit. */
  readonly modified: boolean;
  readonly emulator: string;
  readonly figures: readonly Figure[];
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A number for people, with its unit: `1,234`, `109 KiB`, `0.37 s`. */
export function formatValue({ value, unit }: Pick<Figure, "value" | "unit">): string {
  switch (unit) {
    case "seconds":
      return `${value.toFixed(2)} s`;
    case "bytes":
      return value < 10_240 ? `${grouped(value)} bytes` : `${(value / 1024).toFixed(1)} KiB`;
    case "percent":
      return `${value.toFixed(1)} %`;
    default:
      return grouped(value);
  }
}

/** The goal, and by how much it is missed; empty if there is none. */
export function formatGoal({ value, unit, goal }: Pick<Figure, "value" | "unit" | "goal">): string {
  if (goal === undefined) return "";
  const wanted = `at most ${formatValue({ value: goal, unit })}`;
  if (value <= goal) return `${wanted}: met`;
  return `${wanted}: missed by ${formatValue({ value: value - goal, unit })}`;
}

function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}
