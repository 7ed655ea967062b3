/**
 * Numbers in the order of their priority, the greatest first; of equal ones, the smaller number
 * first, so that results are reproducible.
 */
export class PriorityQueue {
  private readonly heap: { index: number; priority: number }[] = [];

  push(index: number, priority: number): void {
    const { heap } = this;
    heap.push({ index, priority });
    for (let k = heap.length - 1; k > 0; ) {
      const parent = (k - 1) >> 1;
      if (!this.precedes(k, parent)) break;
      this.exchange(k, parent);
      k = parent;
    }
  }

  /** Removes and returns the first number, -1 if there is none. */
  pop(): number {
    const { heap } = this;
    if (heap.length === 0) return -1;
    const { index } = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.sink(0);
    }
    return index;
  }

  private sink(start: number): void {
    for (let k = start; ; ) {
      let first = k;
      for (const child of [2 * k + 1, 2 * k + 2])
        if (child < this.heap.length && this.precedes(child, first)) first = child;
      if (first === k) return;
      this.exchange(k, first);
      k = first;
    }
  }

  private precedes(a: number, b: number): boolean {
    const [left, right] = [this.heap[a]!, this.heap[b]!];
    return (
      left.priority > right.priority ||
      (left.priority === right.priority && left.index < right.index)
    );
  }

  private exchange(a: number, b: number): void {
    const left = this.heap[a]!;
    this.heap[a] = this.heap[b]!;
    this.heap[b] = left;
  }
}
