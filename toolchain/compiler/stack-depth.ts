import { functionKey, keyOf } from "../ir/link-name.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";

/** Stack that hand-written code may use, counted for each call of it. */
export const EXTERNAL_STACK_BYTES = 512;
const RETURN_ADDRESS_BYTES = 8;

export interface StackDepth {
  /**
   * Bytes of native stack that a call of any export or of the start function can need, return
   * address included; null if there is recursion.
   */
  readonly bytes: number | null;
  /** Names along the deepest chain, or along the cycle, whose first name is repeated at the end. */
  readonly chain: readonly string[];
}

interface Bound {
  readonly bytes: number;
  readonly chain: readonly string[];
}

/**
 * Worst-case native stack: the deepest chain of calls, where an indirect call counts as every table
 * entry of its signature. It rests on the depths that the compiler knows, constant at every
 * instruction.
 */
export function worstStackDepth(module: IrModule, codes: readonly MachineCode[]): StackDepth {
  const codeOf = new Map(codes.map((code) => [functionKey(code.name), code]));
  const nameOf = new Map(module.functions.map((entry) => [keyOf(entry), entry.name]));
  const targetsOf = indirectTargets(module);
  const known = new Map<string, Bound>();
  const active: string[] = [];

  /** Throws the cycle if the calls have one. */
  const boundOf = (key: string): Bound => {
    const done = known.get(key);
    if (done !== undefined) return done;
    const code = codeOf.get(key);
    if (code === undefined) return { bytes: EXTERNAL_STACK_BYTES, chain: [nameOf.get(key) ?? key] };
    const { name } = code;
    const start = active.indexOf(name);
    if (start >= 0) throw new Recursion([...active.slice(start), name]);

    active.push(name);
    let bytes = Math.max(code.frameBytes, ...code.depths.map((entry) => entry.depth));
    let chain: readonly string[] = [];
    for (const call of code.calls) {
      for (const callee of call.symbol === null
        ? (targetsOf.get(call.signature) ?? [])
        : [call.symbol]) {
        const below = boundOf(callee);
        const total = call.depth + RETURN_ADDRESS_BYTES + below.bytes;
        if (total <= bytes) continue;
        bytes = total;
        chain = below.chain;
      }
    }
    active.pop();
    const bound = { bytes, chain: [name, ...chain] };
    known.set(key, bound);
    return bound;
  };

  const roots = [...module.exports.values(), ...(module.start < 0 ? [] : [module.start])].map(
    (index) => keyOf(module.functions[index]!),
  );
  try {
    let worst: Bound = { bytes: 0, chain: [] };
    for (const root of roots) {
      const bound = boundOf(root);
      if (bound.bytes > worst.bytes) worst = bound;
    }
    return { bytes: worst.bytes + RETURN_ADDRESS_BYTES, chain: worst.chain };
  } catch (error) {
    if (error instanceof Recursion) return { bytes: null, chain: error.chain };
    throw error;
  }
}

class Recursion extends Error {
  readonly chain: readonly string[];
  constructor(chain: readonly string[]) {
    super("recursion");
    this.chain = chain;
  }
}

/** Functions in any table, by signature. */
function indirectTargets(module: IrModule): Map<number, string[]> {
  const targets = new Map<number, Set<string>>();
  for (const functionIndex of [
    ...module.tables.flatMap((table) => table.entries),
    ...module.elementSegments.flat(),
  ]) {
    const entry = functionIndex < 0 ? undefined : module.functions[functionIndex];
    if (entry === undefined) continue;
    const known = targets.get(entry.signature) ?? new Set<string>();
    targets.set(entry.signature, known.add(keyOf(entry)));
  }
  return new Map([...targets].map(([signature, names]) => [signature, [...names]]));
}
