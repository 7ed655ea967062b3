// A processor speculates past a bound check with the number that the check is about to refuse. So a
// number from a program that selects an element of a kernel table is bounded once more behind the
// check, by arithmetic, which is not predicted: by a mask if the table has a power of two places,
// else by `clamped`. docs/speculation.md lists the places.

/** The index if it is below the bound, else 0: no change to an index that was checked. */
export function clamped(index: u32, bound: u32): u32 {
  return index & <u32>((<i64>index - <i64>bound) >> 63);
}
