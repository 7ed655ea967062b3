import type { Instruction } from "./function.ts";
import type { IrModule } from "./module.ts";
import { Opcode } from "./opcode.ts";

/**
 * Who may call whom: direct calls, and through a table every entry of the signature. By function
 * index.
 */
export class CallGraph {
  private readonly bySignature = new Map<number, number[]>();

  constructor(private readonly module: IrModule) {
    for (const { entries } of module.tables) {
      for (const index of new Set(entries)) {
        if (index < 0) continue;
        const { signature } = module.functions[index]!;
        const known = this.bySignature.get(signature) ?? [];
        if (!known.includes(index)) known.push(index);
        this.bySignature.set(signature, known);
      }
    }
  }

  /** Functions that an instruction of `caller` may call; none for all but calls. */
  calledBy(caller: number, instruction: Instruction): readonly number[] {
    const entry = this.module.functions[caller]!;
    if (entry.kind !== "defined") return [];
    const fn = entry.body;
    switch (fn.opcode(instruction)) {
      case Opcode.Call:
        return [fn.immediate(instruction)];
      case Opcode.CallIndirect:
        return this.bySignature.get(fn.immediate(instruction)) ?? [];
      default:
        return [];
    }
  }

  /** What runs if `roots` run, they included. */
  reachableFrom(roots: Iterable<number>): Set<number> {
    const found = new Set(roots);
    for (const caller of found) for (const callee of this.callees(caller)) found.add(callee);
    return found;
  }

  /** What may come to run one of `targets`, they included. */
  reaching(targets: Iterable<number>): Set<number> {
    const callers: number[][] = this.module.functions.map(() => []);
    for (const caller of this.module.functions.keys())
      for (const callee of this.callees(caller)) callers[callee]!.push(caller);
    const found = new Set(targets);
    for (const callee of found) for (const caller of callers[callee]!) found.add(caller);
    return found;
  }

  /** Functions that `caller` may call; none if it is imported. */
  callees(caller: number): Set<number> {
    const entry = this.module.functions[caller]!;
    const found = new Set<number>();
    if (entry.kind !== "defined") return found;
    for (const instruction of entry.body.blockInstructions.flat())
      for (const callee of this.calledBy(caller, instruction)) found.add(callee);
    return found;
  }
}

/** Indices of the functions of these names. */
export function functionsNamed(module: IrModule, ...names: readonly string[]): number[] {
  return [...module.functions.entries()]
    .filter(([, { name }]) => names.includes(name))
    .map(([index]) => index);
}
