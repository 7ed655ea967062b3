/**
 * How long a collection may last (services/runtime/collector.ts): it marks what lives and looks at
 * each object that was made, so the longest is that of a heap full of the smallest objects. Guest
 * instructions, measured on the booted image by tests/garbage/pauser, which a test compares with
 * these.
 */

/** What the smallest object takes: the allocator's block with a header and three references. */
const SMALLEST_OBJECT_BYTES = 32;
/** For one that lives, its three references included. */
export const LIVE_OBJECT_INSTRUCTIONS = 75;
/** For one that is freed between two free blocks, which become one. */
export const FREED_OBJECT_INSTRUCTIONS = 240;
/** For each reference in a long array. */
export const REFERENCE_INSTRUCTIONS = 14;

const REFERENCE_BYTES = 4;

/** In guest instructions, for objects in `bytes` of memory: static data and the heap. */
export function pauseInstructionsMax(bytes: number): number {
  const references = (SMALLEST_OBJECT_BYTES / REFERENCE_BYTES) * REFERENCE_INSTRUCTIONS;
  return (
    Math.floor(bytes / SMALLEST_OBJECT_BYTES) *
    Math.max(LIVE_OBJECT_INSTRUCTIONS, FREED_OBJECT_INSTRUCTIONS, references)
  );
}

/** The part of the build's line of a program with a collector. */
export function describePause(heapBytesMax: number, instructionsMax: number): string {
  const millions = instructionsMax / 1e6;
  const most = millions < 10 ? (Math.ceil(millions * 10) / 10).toFixed(1) : Math.ceil(millions);
  const heap = `heap at most ${Math.ceil(heapBytesMax / 1024)} KiB`;
  const pause = `a pause of at most some ${most} million instructions`;
  return `collects between requests: ${heap}, ${pause} (${LIVE_OBJECT_INSTRUCTIONS} a live object, ${FREED_OBJECT_INSTRUCTIONS} a freed one)`;
}
