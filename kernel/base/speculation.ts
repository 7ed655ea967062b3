// A processor runs on past a bound check before it knows how the check ends, with the number that
// the check is about to refuse. So whatever a program supplies and selects an element of a kernel
// table is made harmless behind the check by arithmetic, which is not predicted: by a mask where
// the table has a power of two places, else by this. docs/speculation.md says where.

/**
 * The index if it is below the bound, 0 if not. For an index that was checked it changes nothing.
 */
export function clamped(index: u32, bound: u32): u32 {
  return index & <u32>((<i64>index - <i64>bound) >> 63);
}
