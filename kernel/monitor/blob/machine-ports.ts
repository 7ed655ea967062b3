// I/O ports that no image may give to a slot: the kernel's own copy of the ranges in
// policy/compiler/machine-ports.ts, which says why.

/** First and last of each range, ascending. */
const RANGES: usize = memory.data<u16>([
  0x0000, 0x001f, 0x0020, 0x003f, 0x0040, 0x005f, 0x0061, 0x0067, 0x0070, 0x0077, 0x0080, 0x009f,
  0x00a0, 0x00bf, 0x00c0, 0x00df, 0x00f0, 0x00ff, 0x0400, 0x04ff, 0x0510, 0x051f, 0x0600, 0x067f,
  0x0c00, 0x0cff, 0x5658, 0x565b, 0xae00, 0xb03f,
]);
const RANGE_COUNT: u32 = 15;

/** Whether any of these ports is the machine's own. They exist, and are at least one. */
export function areMachinePorts(first: u32, count: u32): bool {
  const last = first + count - 1;
  for (let i: u32 = 0; i < RANGE_COUNT; i++) {
    if (first <= <u32>load<u16>(RANGES + (i << 2), 2) && <u32>load<u16>(RANGES + (i << 2)) <= last)
      return true;
  }
  return false;
}
