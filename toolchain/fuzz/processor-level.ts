import { readFileSync } from "node:fs";
import { type Level, LEVEL_LEAST, LEVELS } from "../ir/module.ts";

/** What Linux calls what a level adds, as far as the compiler uses it. */
const FLAGS: Readonly<Record<Level, readonly string[]>> = {
  1: [],
  2: ["popcnt"],
  3: ["abm", "bmi1"],
};

/** Levels whose code this machine can run: the least alone where it does not say. */
export function levelsHere(): readonly Level[] {
  const flags = new Set(processorFlags());
  const lacking = LEVELS.findIndex((level) => FLAGS[level].some((flag) => !flags.has(flag)));
  return lacking < 0 ? LEVELS : LEVELS.slice(0, Math.max(lacking, LEVEL_LEAST));
}

function processorFlags(): string[] {
  try {
    return (
      /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "latin1"))?.[1]?.trim().split(" ") ?? []
    );
  } catch {
    return [];
  }
}
