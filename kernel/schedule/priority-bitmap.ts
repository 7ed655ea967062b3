// A set of priorities: u64[4], a bit for each, then a u32 with a bit for each of these words that
// is not 0, so that nothing is searched.

export const BITMAP_BYTES: usize = 40;
const SUMMARY: usize = 32;

export function isEmptyBitmap(bitmap: usize): bool {
  return load<u32>(bitmap, SUMMARY) === 0;
}

/** -1 if the set is empty. */
export function highestPriority(bitmap: usize): i32 {
  const summary = load<u32>(bitmap, SUMMARY);
  if (summary === 0) return -1;
  const word = 31 - clz(summary);
  return <i32>((word << 6) + 63 - <u32>clz(load<u64>(bitmap + ((<usize>word) << 3))));
}

export function setPriorityBit(bitmap: usize, priority: u32): void {
  const word = priority >> 6;
  const place = bitmap + ((<usize>word) << 3);
  const bit = <u64>priority & 63;
  store<u64>(place, load<u64>(place) | ((<u64>1) << bit));
  store<u32>(bitmap, load<u32>(bitmap, SUMMARY) | ((<u32>1) << word), SUMMARY);
}

export function clearPriorityBit(bitmap: usize, priority: u32): void {
  const word = priority >> 6;
  const place = bitmap + ((<usize>word) << 3);
  const bit = <u64>priority & 63;
  const left = load<u64>(place) & ~((<u64>1) << bit);
  store<u64>(place, left);
  if (left === 0) store<u32>(bitmap, load<u32>(bitmap, SUMMARY) & ~((<u32>1) << word), SUMMARY);
}
