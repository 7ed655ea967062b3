/** "did you mean": the known name that is most similar to an unknown one. */

/** Longer names are not compared, since the time grows with the square of the length. */
const SLIP_LETTERS_MAX = 64;

/** The candidate that `name` could be a misspelling of; undefined if none is similar. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > SLIP_LETTERS_MAX) return undefined;
  const lower = name.toLowerCase();
  // With a third of its letters wrong, a name is another word rather than a misspelling.
  let best = Math.max(1, Math.floor(name.length / 3)) + 1;
  let found: string | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= best) continue;
    const distance =
      candidate.toLowerCase() === lower ? 0 : editDistance(lower, candidate.toLowerCase());
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

/** Help for an unknown name: the most similar one, or else the list of names if it is short. */
export function didYouMean(
  name: string,
  candidates: Iterable<string>,
  otherwise?: string,
): string | undefined {
  const all = [...candidates];
  const near = nearest(name, all);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  if (otherwise !== undefined) return otherwise;
  if (all.length > 0 && all.length <= 8)
    return `one of ${all.map((candidate) => `\`${candidate}\``).join(", ")}`;
  return undefined;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
 */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (beforePrevious[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
