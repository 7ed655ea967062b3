/** Segments of one chunk at most; a full one is cut in half. */
const CHUNK_SEGMENTS_MAX = 256;

interface Chunk {
  readonly from: number[];
  readonly to: number[];
  readonly owner: number[];
}

/**
 * Disjoint half-open intervals with an owner each, in order: what occupies one register or one
 * stack slot. Chunks keep an insertion cheap in functions with hundreds of thousands of intervals.
 */
export class SegmentMap {
  private readonly chunks: Chunk[] = [];

  /** Adds an interval that overlaps none. */
  insert(from: number, to: number, owner: number): void {
    if (this.chunks.length === 0) this.chunks.push({ from: [], to: [], owner: [] });
    const at = this.chunkBefore(from);
    const chunk = this.chunks[at]!;
    const position = lowerBound(chunk.to, from);
    chunk.from.splice(position, 0, from);
    chunk.to.splice(position, 0, to);
    chunk.owner.splice(position, 0, owner);
    if (chunk.from.length <= CHUNK_SEGMENTS_MAX) return;
    const half = chunk.from.length >> 1;
    this.chunks.splice(at + 1, 0, {
      from: chunk.from.splice(half),
      to: chunk.to.splice(half),
      owner: chunk.owner.splice(half),
    });
  }

  /** Removes the interval that starts at `from`. */
  remove(from: number): void {
    const at = this.chunkBefore(from);
    const chunk = this.chunks[at]!;
    const position = chunk.from.indexOf(from);
    if (position < 0) throw new Error("no such segment");
    chunk.from.splice(position, 1);
    chunk.to.splice(position, 1);
    chunk.owner.splice(position, 1);
    if (chunk.from.length === 0) this.chunks.splice(at, 1);
  }

  /**
   * Calls back for each interval that overlaps [from, to), in order, until `visit` returns false.
   */
  overlaps(
    from: number,
    to: number,
    visit: (from: number, to: number, owner: number) => boolean,
  ): void {
    if (this.chunks.length === 0) return;
    for (let at = this.chunkBefore(from); at < this.chunks.length; at++) {
      const chunk = this.chunks[at]!;
      if (chunk.from[0]! >= to) return;
      for (let k = lowerBound(chunk.to, from); k < chunk.from.length; k++) {
        if (chunk.from[k]! >= to) return;
        if (!visit(chunk.from[k]!, chunk.to[k]!, chunk.owner[k]!)) return;
      }
    }
  }

  isFree(from: number, to: number): boolean {
    let isFree = true;
    this.overlaps(from, to, () => (isFree = false));
    return isFree;
  }

  /** The last chunk that starts at or before `point`, or the first. */
  private chunkBefore(point: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.chunks[middle]!.from[0]! <= point) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Index of the first element above `point`, in an ascending array. */
function lowerBound(values: readonly number[], point: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
