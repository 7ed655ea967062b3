// How many callers there are of each kind, and the highest kind among them, so that it is known
// without a search.
//
// Chains, CHAINS_BYTES at `chains`: a u32, the longest chain behind one of the callers, then
// u16[CHAIN_MAX], how many have a chain of each length behind them. Those without chain, as most
// are, are not counted. Priorities, PRIORITIES_BYTES at `priorities`: a bitmap of those that
// somebody has, a u32, the highest, then u16[256].

import { THREADS_MAX } from "../object/layout";
import {
  BITMAP_BYTES,
  clearPriorityBit,
  highestPriority,
  setPriorityBit,
} from "../schedule/priority-bitmap";

/** Longest chain of threads that wait for each other, the one that runs not counted. */
export const CHAIN_MAX: u32 = 8;

const CHAIN_COUNTS: usize = 4;
export const CHAINS_BYTES: usize = CHAIN_COUNTS + 2 * <usize>CHAIN_MAX;
const HIGHEST: usize = BITMAP_BYTES;
const PRIORITY_COUNTS: usize = HIGHEST + 4;
export const PRIORITIES_BYTES: usize = PRIORITY_COUNTS + 2 * 256;
if (THREADS_MAX > <u32>u16.MAX_VALUE) ERROR("more threads than a count can hold");

/** Adds a caller with a chain of `length` behind it. */
export function addChain(chains: usize, length: u32): void {
  if (length === 0) return;
  assert(length < CHAIN_MAX); // checkChain has seen to it.
  const count = chains + ((<usize>length) << 1);
  store<u16>(count, load<u16>(count, CHAIN_COUNTS) + 1, CHAIN_COUNTS);
  if (length > load<u32>(chains)) store<u32>(chains, length);
}

/** At most CHAIN_MAX steps. */
export function removeChain(chains: usize, length: u32): void {
  if (length === 0) return;
  const count = chains + ((<usize>length) << 1);
  assert(load<u16>(count, CHAIN_COUNTS) !== 0);
  store<u16>(count, load<u16>(count, CHAIN_COUNTS) - 1, CHAIN_COUNTS);
  let longest = load<u32>(chains);
  while (longest > 0 && load<u16>(chains + ((<usize>longest) << 1), CHAIN_COUNTS) === 0)
    longest -= 1;
  store<u32>(chains, longest);
}

/**
 * The longest chain, the caller at its head counted: what is behind a thread that all these, at
 * least one, wait for.
 */
export function longestChain(chains: usize): u32 {
  return load<u32>(chains) + 1;
}

/** Adds a caller of that priority. */
export function addPriority(priorities: usize, priority: u32): void {
  const count = priorities + ((<usize>priority) << 1);
  store<u16>(count, load<u16>(count, PRIORITY_COUNTS) + 1, PRIORITY_COUNTS);
  setPriorityBit(priorities, priority);
  if (priority > load<u32>(priorities, HIGHEST)) store<u32>(priorities, priority, HIGHEST);
}

export function removePriority(priorities: usize, priority: u32): void {
  const count = priorities + ((<usize>priority) << 1);
  const left = <u32>load<u16>(count, PRIORITY_COUNTS) - 1;
  store<u16>(count, <u16>left, PRIORITY_COUNTS);
  if (left === 0) forgetPriority(priorities, priority);
}

/** Nobody has the priority any more. */
function forgetPriority(priorities: usize, priority: u32): void {
  clearPriorityBit(priorities, priority);
  const highest = highestPriority(priorities);
  store<u32>(priorities, highest < 0 ? 0 : <u32>highest, HIGHEST);
}

/** The highest priority that a caller has, 0 if there is none. */
export function highestCaller(priorities: usize): u32 {
  return load<u32>(priorities, HIGHEST);
}
