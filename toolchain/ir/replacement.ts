import type { IrFunction, Value } from "./function.ts";

/** Values that stand for others. `apply` rewrites all operands and edge arguments at once. */
export class Replacement {
  private readonly target: Map<Value, Value> = new Map();

  get isEmpty(): boolean {
    return this.target.size === 0;
  }

  replace(value: Value, by: Value): void {
    this.target.set(value, by);
  }

  /** What `value` finally stands for. */
  resolve(value: Value): Value {
    let result = value;
    for (let next = this.target.get(result); next !== undefined; next = this.target.get(result))
      result = next;
    // Shortens the chain for the next question.
    for (let at = value; at !== result; ) {
      const next = this.target.get(at)!;
      this.target.set(at, result);
      at = next;
    }
    return result;
  }

  apply(fn: IrFunction): void {
    if (this.isEmpty) return;
    const { data, length } = fn.operands;
    for (let i = 0; i < length; i++) data[i] = this.resolve(data[i]! as Value);
    for (const edges of fn.blockEdges) {
      for (const { args } of edges)
        for (let i = 0; i < args.length; i++) args[i] = this.resolve(args[i]!);
    }
  }
}
