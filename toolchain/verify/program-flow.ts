import { Mnemonic as M } from "iced-x86";
import type { Boundary } from "./boundary.ts";
import type { ControlFlow } from "./control-flow.ts";
import type { Effort } from "./effort.ts";
import type { CodeFunction } from "./function-table.ts";
import type { MachineInstruction } from "./instruction.ts";
import { CLEAR, MachineState, UNKNOWN } from "./machine-state.ts";
import { CONDITIONAL_JUMPS, TRAPS } from "./opcode-rules.ts";
import { dropSlotsBelow, transfer } from "./transfer.ts";

/** Registers of integer arguments in their order: rdi, rsi, rdx, rcx, r8 … r11. */
export const ARGUMENT_REGISTERS = [7, 6, 2, 1, 8, 9, 10, 11];
/** rax, then rdx. */
const RESULT_REGISTERS = [0, 2];
/** Not preserved over calls: everything but rbx, rsp, rbp, r12 … r15. */
const LOST_REGISTERS = [0, 1, 2, 6, 7, 8, 9, 10, 11];
/** rbx, rbp, r12 … r15. In the kernel r15 is never written at all. */
export const PRESERVED_REGISTERS = [3, 5, 12, 13, 14, 15];

/**
 * A function with what is known at its entry and its returns. Bounds only grow, until nothing
 * changes.
 */
export class FunctionFlow {
  readonly code: CodeFunction;
  readonly control: ControlFlow;
  /** Bounds of the argument registers over all calls found so far; null: not called yet. */
  entry: number[] | null = null;
  /** Bounds of the results over all returns found so far; null: it has not been seen to return. */
  results: number[] | null = null;
  /**
   * Leaders whose instructions call it, by function: what must be looked at again when `results`
   * grows.
   */
  readonly callers = new Map<FunctionFlow, Set<number>>();
  /**
   * Bytes of stack arguments that it may touch: those that it pops. For one that never returns,
   * those that it is seen to touch.
   */
  argumentBytes: number;
  /** States by leader. */
  readonly states = new Map<number, MachineState>();
  /** Leaders whose state grew since their instructions were last followed. */
  readonly work = new Set<number>();

  constructor(code: CodeFunction, control: ControlFlow) {
    this.code = code;
    this.control = control;
    this.argumentBytes = control.poppedBytes ?? 0;
  }
}

/** Called for every instruction that can be reached, with what holds before it. */
type Visit = (fn: FunctionFlow, index: number, state: MachineState) => void;
/** Called where two paths meet with different stack depths. */
type Conflict = (fn: FunctionFlow, index: number) => void;

/**
 * Forward data flow over the whole program: which registers are clear above 32 bits, at each
 * instruction. A function's parameters are as clear as all its callers make them, its results as
 * clear as all its returns make them. At the start nothing is reachable, and states only grow, so
 * that the result holds for every run. After a state has grown, only the instructions behind it are
 * followed again.
 */
export class ProgramFlow {
  private readonly pending = new Set<FunctionFlow>();

  constructor(
    private readonly functions: ReadonlyMap<number, FunctionFlow>,
    private readonly boundary: Boundary,
    private readonly isKernel: boolean,
    private readonly effort: Effort,
  ) {}

  /** A call from outside: hand-written code or the machine. `parameters32` is believed. */
  addRoot(offset: number, parameters32: number): void {
    const fn = this.functions.get(offset);
    if (fn !== undefined)
      this.growEntry(
        fn,
        ARGUMENT_REGISTERS.map((_, index) => ((parameters32 >>> index) & 1 ? CLEAR : UNKNOWN)),
      );
  }

  /** Runs to the fixed point. */
  solve(): void {
    for (const fn of this.pending) {
      this.pending.delete(fn);
      for (const leader of fn.work) {
        fn.work.delete(leader);
        this.runFrom(fn, leader, null, null);
      }
    }
  }

  /** Goes once more over what can be reached, with the final states. */
  visitAll(visit: Visit, conflict: Conflict): void {
    for (const fn of this.functions.values()) {
      for (const leader of [...fn.states.keys()].sort((left, right) => left - right))
        this.runFrom(fn, leader, visit, conflict);
    }
    if (this.pending.size > 0) throw new Error("the verifier's states were not final");
  }

  /** From a leader to the next one, or to where control leaves. */
  private runFrom(
    fn: FunctionFlow,
    leader: number,
    visit: Visit | null,
    conflict: Conflict | null,
  ): void {
    const { instructions } = fn.code;
    const state = fn.states.get(leader)!.copy();
    for (let index = leader; index < instructions.length; index++) {
      if (index !== leader && fn.control.leaders.has(index)) {
        this.reach(fn, index, state, conflict);
        return;
      }
      this.effort.spend(1);
      visit?.(fn, index, state);
      if (!this.step(fn, leader, index, state, conflict)) return;
    }
  }

  /** One instruction; false if control does not go on behind it. */
  private step(
    fn: FunctionFlow,
    leader: number,
    index: number,
    state: MachineState,
    conflict: Conflict | null,
  ): boolean {
    const instruction = fn.code.instructions[index]!;
    const { mnemonic } = instruction;
    if (TRAPS.has(mnemonic)) return false;
    if (mnemonic === M.Ret) {
      this.growResults(
        fn,
        RESULT_REGISTERS.map((register) => (state.isClear(register) ? CLEAR : UNKNOWN)),
      );
      return false;
    }
    const sequence = fn.control.sequences.get(index);
    if (mnemonic === M.Call)
      return this.call(
        fn,
        leader,
        sequence?.kind === "call" ? sequence.callees : [branchTarget(instruction)],
        state,
      );
    if (mnemonic === M.Jmp) {
      const targets = sequence?.kind === "jump" ? sequence.targets : [branchTarget(instruction)];
      this.effort.spend(targets.length);
      for (const target of targets) this.reach(fn, fn.code.indexAt.get(target)!, state, conflict);
      return false;
    }
    if (CONDITIONAL_JUMPS.has(mnemonic)) {
      this.reach(fn, fn.code.indexAt.get(branchTarget(instruction))!, state, conflict);
      return true;
    }
    transfer(state, instruction, this.isKernel);
    return true;
  }

  /** The state behind a call of any of `callees`; false if none of them returns. */
  private call(
    fn: FunctionFlow,
    leader: number,
    callees: readonly number[],
    state: MachineState,
  ): boolean {
    this.effort.spend(callees.length);
    const passed = ARGUMENT_REGISTERS.map((register) =>
      state.isClear(register) ? CLEAR : UNKNOWN,
    );
    let results: number[] | null = null;
    let popped = 0;
    for (const offset of callees) {
      const callee = this.functions.get(offset);
      if (callee !== undefined) {
        addCaller(callee, fn, leader);
        this.growEntry(callee, passed);
        if (callee.results !== null) results = grown(results, callee.results);
        popped = Math.max(popped, callee.control.poppedBytes ?? 0);
      } else {
        const outside = this.boundary.externals.get(offset);
        results = grown(
          results,
          RESULT_REGISTERS.map((_, index) =>
            outside !== undefined && (outside.results32 >>> index) & 1 ? CLEAR : UNKNOWN,
          ),
        );
        popped = Math.max(popped, outside?.poppedBytes ?? 0);
      }
    }
    if (results === null) return false;
    for (const register of LOST_REGISTERS) state.set(register, UNKNOWN);
    RESULT_REGISTERS.forEach((register, index) => state.set(register, results[index]!));
    // The callee may have written its arguments, and they are gone now.
    state.depth -= popped;
    dropSlotsBelow(state);
    state.untouched = 0;
    return true;
  }

  private reach(
    fn: FunctionFlow,
    index: number,
    state: MachineState,
    conflict: Conflict | null,
  ): void {
    const known = fn.states.get(index);
    if (known === undefined) {
      fn.states.set(index, state.copy());
      this.follow(fn, index);
    } else if (known.depth !== state.depth) {
      conflict?.(fn, index);
    } else if (known.join(state)) {
      this.follow(fn, index);
    }
  }

  private follow(fn: FunctionFlow, leader: number): void {
    fn.work.add(leader);
    this.pending.add(fn);
  }

  private growEntry(fn: FunctionFlow, bounds: readonly number[]): void {
    const next = grown(fn.entry, bounds);
    if (next === fn.entry) return;
    fn.entry = next;
    const entry = MachineState.atEntry();
    ARGUMENT_REGISTERS.forEach((register, index) => {
      entry.max[register] = next[index]!;
    });
    this.reach(fn, 0, entry, null);
  }

  private growResults(fn: FunctionFlow, bounds: readonly number[]): void {
    const next = grown(fn.results, bounds);
    if (next === fn.results) return;
    fn.results = next;
    for (const [caller, leaders] of fn.callers)
      for (const leader of leaders) this.follow(caller, leader);
  }
}

function addCaller(callee: FunctionFlow, caller: FunctionFlow, leader: number): void {
  const leaders = callee.callers.get(caller);
  if (leaders === undefined) callee.callers.set(caller, new Set([leader]));
  else leaders.add(leader);
}

export function branchTarget(instruction: MachineInstruction): number {
  const [first] = instruction.operands;
  return first?.kind === "branch" ? first.target : Number.NaN;
}

/** The larger of each; `known` itself if nothing grew. */
function grown(known: number[] | null, bounds: readonly number[]): number[] {
  if (known === null) return [...bounds];
  return bounds.some((value, index) => value > known[index]!)
    ? known.map((value, index) => Math.max(value, bounds[index]!))
    : known;
}
