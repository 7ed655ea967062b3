// How many callers there are of each kind, so that the highest among them is known without a search.
//
// Chains, CHAINS_BYTES at `chains`: a u32 of which bit n says that some caller has a chain of n threads
// behind it, then u16[CHAIN_MAX], how many have. Priorities, PRIORITIES_BYTES at `priorities`: a bitmap of
// 256 bits as in a priority queue, then u16[256].

import { THREADS_MAX } from "../memory/layout";

/** Longest chain of threads that wait for each other, the one that runs not counted. */
export const CHAIN_MAX: u32 = 8;

const CHAIN_COUNTS: usize = 4;
export const CHAINS_BYTES: usize = CHAIN_COUNTS + 2 * <usize>CHAIN_MAX;
const PRIORITY_COUNTS: usize = 32;
export const PRIORITIES_BYTES: usize = PRIORITY_COUNTS + 2 * 256;
if (THREADS_MAX > <u32>u16.MAX_VALUE) ERROR("more threads than a count can hold");

/** Adds a caller with a chain of `length` behind it. */
export function addChain(chains: usize, length: u32): void {
  assert(length < CHAIN_MAX); // checkChain has seen to it.
  const count = chains + (<usize>length << 1);
  store<u16>(count, load<u16>(count, CHAIN_COUNTS) + 1, CHAIN_COUNTS);
  store<u32>(chains, load<u32>(chains) | (1 << length));
}

export function removeChain(chains: usize, length: u32): void {
  const count = chains + (<usize>length << 1);
  const left = <u32>load<u16>(count, CHAIN_COUNTS) - 1;
  assert(left < THREADS_MAX);
  store<u16>(count, <u16>left, CHAIN_COUNTS);
  if (left === 0) store<u32>(chains, load<u32>(chains) & ~(<u32>1 << length));
}

/** The longest chain, the caller at its head counted: what is behind a thread that all these wait for. */
export function longestChain(chains: usize): u32 {
  return 32 - <u32>clz(load<u32>(chains));
}

/** Adds a caller of that priority. `highestPriority` of schedule/priority-queue.ts finds the highest. */
export function addPriority(priorities: usize, priority: u32): void {
  const count = priorities + (<usize>priority << 1);
  store<u16>(count, load<u16>(count, PRIORITY_COUNTS) + 1, PRIORITY_COUNTS);
  const bits = bitsOf(priorities, priority);
  store<u64>(bits, load<u64>(bits) | ((<u64>1) << <u64>(priority & 63)));
}

export function removePriority(priorities: usize, priority: u32): void {
  const count = priorities + (<usize>priority << 1);
  const left = <u32>load<u16>(count, PRIORITY_COUNTS) - 1;
  assert(left < THREADS_MAX);
  store<u16>(count, <u16>left, PRIORITY_COUNTS);
  if (left !== 0) return;
  const bits = bitsOf(priorities, priority);
  store<u64>(bits, load<u64>(bits) & ~((<u64>1) << <u64>(priority & 63)));
}

function bitsOf(priorities: usize, priority: u32): usize {
  return priorities + ((<usize>priority >> 6) << 3);
}
