// Levels of x86-64 (kernel/abi/executable.ts): which of them the processor has, and the names of
// the features that it lacks.

import { LEVEL_MOST } from "../abi/executable";
import {
  LEAF_EXTENDED,
  LEAF_FEATURES,
  LEAF_MORE_FEATURES,
  hasBit,
  hasLeaf,
  readLeaf,
} from "./cpuid";
import { logText } from "./serial-log";

const LEAF_EXTENDED_FEATURES: u32 = LEAF_EXTENDED + 1;

/** The highest level that the processor has. Boot has checked level 1. */
export function processorLevel(): u32 {
  let level: u32 = 1;
  while (level < <u32>LEVEL_MOST && findMissing(level + 1, false) === 0) level += 1;
  return level;
}

/**
 * Prints the features of `level` and of the levels below it that the processor lacks, each after a
 * space.
 */
export function logMissingOf(level: u32): void {
  for (let below: u32 = 2; below <= level; below++) findMissing(below, true);
}

/** Counts the features of one level that the processor lacks; with `logs`, prints their names. */
function findMissing(level: u32, logs: bool): u32 {
  if (level === 2) {
    const features = ecxOf(LEAF_FEATURES);
    return (
      missing(features, 0, " sse3", logs) +
      missing(features, 9, " ssse3", logs) +
      missing(features, 13, " cmpxchg16b", logs) +
      missing(features, 19, " sse4.1", logs) +
      missing(features, 20, " sse4.2", logs) +
      missing(features, 23, " popcnt", logs) +
      missing(ecxOf(LEAF_EXTENDED_FEATURES), 0, " lahf", logs)
    );
  }
  const more = hasLeaf(LEAF_MORE_FEATURES) ? readLeaf(LEAF_MORE_FEATURES).ebx : 0;
  return (
    missing(more, 3, " bmi1", logs) +
    missing(more, 8, " bmi2", logs) +
    missing(ecxOf(LEAF_EXTENDED_FEATURES), 5, " lzcnt", logs) +
    missing(ecxOf(LEAF_FEATURES), 22, " movbe", logs)
  );
}

/** ecx of a leaf; 0 if the processor does not have the leaf. */
function ecxOf(leaf: u32): u32 {
  return hasLeaf(leaf) ? readLeaf(leaf).ecx : 0;
}

/**
 * 1 if the processor lacks the feature, else 0; with `logs`, prints the name of a missing feature.
 */
function missing(features: u32, bit: u32, name: string, logs: bool): u32 {
  if (hasBit(features, bit)) return 0;
  if (logs) logText(name);
  return 1;
}
