import { describe, expect, test } from "vitest";
import type { IrFunction } from "../../ir/function.ts";
import type { Target } from "../../ir/module.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { type Allocation, type InsertedMove, isSlot, slotLocation } from "./allocation.ts";
import { checkAllocation } from "./allocation-checker.ts";
import { allocateRegisters } from "./allocate.ts";
import { buildMachineFunction } from "../select/build-machine-function.ts";
import { constraintKind, isDefinition, OperandKind } from "../machine/machine-function.ts";
import { MachineOp } from "../machine/machine-op.ts";
import { CALLEE_SAVED_SET, Register } from "../machine/register.ts";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";

const { I32, I64 } = Type;

/**
 * Two parameters that live across a call of the function itself, and a loop that exchanges two
 * values in each round.
 */
function callAndLoop(type: Type): IrFunction {
  const f = new SampleFunction([type, type, I32], [type]);
  const [a, b, count] = [f.parameter(0), f.parameter(1), f.parameter(2)];
  const call = f.instruction(Opcode.Call, Type.None, [b, a, count], [type], 0);
  const called = f.fn.result(call);
  const loop = f.newBlock(1, type, type, I32);
  const done = f.newBlock(0);
  const sum = f.op(Opcode.Add, type, f.op(Opcode.Mul, type, a, called), b);
  f.jump(loop, sum, b, count);
  f.block = loop;
  const [x, y, left] = f.parametersOf(loop) as [typeof a, typeof a, typeof a];
  const rest = f.op(Opcode.Sub, I32, left, f.i32(1));
  const back = f.newBlock(1);
  f.branch(rest, back, done);
  f.block = back;
  f.jump(loop, y, x, rest);
  f.block = done;
  return f.return(f.op(Opcode.Sub, type, x, y));
}

/** More values alive at once than there are registers. */
function pressure(type: Type): IrFunction {
  const f = new SampleFunction([I32], [type]);
  const loads = Array.from({ length: 24 }, (_, i) =>
    f.load(type === I64 ? Opcode.Load64 : Opcode.Load32U, type, f.parameter(0), 8 * i),
  );
  let sum = loads[0]!;
  for (const value of [...loads, ...loads])
    sum = f.op(Opcode.Mul, type, f.op(Opcode.Xor, type, sum, value), value);
  return f.return(sum);
}

/** A division, a shift by a register and an address. */
function fixedRegisters(): IrFunction {
  const f = new SampleFunction([I32, I32, I64], [I32]);
  const [a, b, wide] = [f.parameter(0), f.parameter(1), f.parameter(2)];
  const quotient = f.op(Opcode.DivU, I32, a, b);
  const shifted = f.op(Opcode.Shl, I32, quotient, f.op(Opcode.Wrap, I32, wide));
  return f.return(
    f.op(Opcode.Add, I32, f.load(Opcode.Load32U, I32, shifted, 4), f.op(Opcode.Xor, I32, a, b)),
  );
}

function allocate(fn: IrFunction, target: Target = "domain"): Allocation {
  const machine = buildMachineFunction(fn, moduleOf(target, [fn]));
  const allocation = allocateRegisters(machine, target);
  checkAllocation(allocation, target);
  return allocation;
}

interface Place {
  readonly instruction: number;
  readonly operand: number;
}

/** The first operand that `wanted` accepts. */
function findOperand(
  allocation: Allocation,
  wanted: (kind: OperandKind, location: number, op: MachineOp) => boolean,
): Place {
  const { machine } = allocation;
  for (const [index, instruction] of machine.instructions.entries()) {
    if (allocation.removed[index] === 1) continue;
    for (let k = 0; k < instruction.operandCount; k++) {
      const operand = instruction.operandStart + k;
      if (
        wanted(
          constraintKind(machine.operandConstraint(instruction, k)),
          allocation.locations[operand]!,
          instruction.op,
        )
      )
        return { instruction: index, operand };
    }
  }
  throw new Error("the sample has no such operand");
}

type Moves = ReadonlyMap<number, readonly InsertedMove[]>;

/** The moves with the first one that `wanted` accepts replaced by `replacement`. */
function withMove(
  moves: Moves,
  wanted: (move: InsertedMove) => boolean,
  replacement: (move: InsertedMove) => readonly InsertedMove[],
): Moves {
  let done = false;
  const changed = new Map(
    [...moves].map(([at, list]) => [
      at,
      list.flatMap((move) => {
        if (done || !wanted(move)) return [move];
        done = true;
        return replacement(move);
      }),
    ]),
  );
  if (!done) throw new Error("the sample has no such move");
  return changed;
}

const withLocation = (allocation: Allocation, { operand }: Place, location: number): Allocation => {
  const locations = allocation.locations.slice();
  locations[operand] = location;
  return { ...allocation, locations };
};

const isMove = (move: InsertedMove): move is InsertedMove & { kind: "move" } =>
  move.kind === "move";
const isStore = (move: InsertedMove): boolean => isMove(move) && isSlot(move.to);
const isReload = (move: InsertedMove): boolean => isMove(move) && isSlot(move.from);

describe("accepts what the allocator does", () => {
  test.each<[string, IrFunction]>([
    ["a call and a loop in i32", callAndLoop(I32)],
    ["a call and a loop in i64", callAndLoop(I64)],
    ["spilling in i32", pressure(I32)],
    ["spilling in i64", pressure(I64)],
    ["fixed registers", fixedRegisters()],
  ])("%s", (_name, fn) => {
    for (const target of ["domain", "kernel", "linux"] as const) allocate(fn, target);
  });
});

describe("refuses", () => {
  test("a use that reads another register", () => {
    const allocation = allocate(fixedRegisters());
    const place = findOperand(
      allocation,
      (kind, _location, op) => op === MachineOp.DivideUnsigned && kind === OperandKind.UseRegister,
    );
    expect(() => checkAllocation(withLocation(allocation, place, Register.r11), "domain")).toThrow(
      "reads value",
    );
  });

  test("a definition that lands elsewhere", () => {
    const allocation = allocate(pressure(I64));
    const place = findOperand(allocation, (kind) => kind === OperandKind.Definition);
    const other =
      allocation.locations[place.operand] === Register.rax ? Register.rcx : Register.rax;
    expect(() => checkAllocation(withLocation(allocation, place, other), "domain")).toThrow(
      "reads value",
    );
  });

  test("a fixed operand in another register", () => {
    const allocation = allocate(fixedRegisters());
    const place = findOperand(
      allocation,
      (kind, _location, op) => op === MachineOp.Shl && kind === OperandKind.UseFixed,
    );
    expect(() => checkAllocation(withLocation(allocation, place, Register.rdx), "domain")).toThrow(
      "must be in rcx",
    );
  });

  test("a tied pair that is parted", () => {
    const allocation = allocate(pressure(I32));
    const place = findOperand(allocation, (kind) => kind === OperandKind.UseTied);
    const other =
      allocation.locations[place.operand] === Register.rax ? Register.rcx : Register.rax;
    expect(() => checkAllocation(withLocation(allocation, place, other), "domain")).toThrow(
      "not where its tied use is",
    );
  });

  test("a divisor where the quotient's upper half is written first", () => {
    const allocation = allocate(fixedRegisters());
    const place = findOperand(
      allocation,
      (kind, _location, op) => op === MachineOp.DivideUnsigned && kind === OperandKind.UseRegister,
    );
    expect(() => checkAllocation(withLocation(allocation, place, Register.rdx), "domain")).toThrow(
      "share a register",
    );
  });

  test("a store to a slot left out", () => {
    const allocation = allocate(pressure(I64));
    const before = withMove(allocation.before, isStore, () => []);
    expect(() => checkAllocation({ ...allocation, before }, "domain")).toThrow("nothing known");
  });

  test("a reload from another slot", () => {
    const allocation = allocate(pressure(I64));
    const isFromFirst = (move: InsertedMove): boolean =>
      isReload(move) && isMove(move) && move.from === slotLocation(0);
    const before = withMove(allocation.before, isFromFirst, (move) => [
      { ...move, from: slotLocation(1) } as InsertedMove,
    ]);
    expect(() => checkAllocation({ ...allocation, before }, "domain")).toThrow("reads value");
  });

  test("half of an i64 moved", () => {
    const allocation = allocate(pressure(I64));
    const before = withMove(allocation.before, isReload, (move) => [
      { ...move, width: 4 } as InsertedMove,
    ]);
    expect(() => checkAllocation({ ...allocation, before }, "domain")).toThrow("low half");
  });

  test("more than a slot has room for", () => {
    const allocation = allocate(pressure(I32));
    const before = withMove(allocation.before, isStore, (move) => [
      { ...move, width: 8 } as InsertedMove,
    ]);
    expect(() => checkAllocation({ ...allocation, before }, "domain")).toThrow(
      "wider than its slot",
    );
  });

  test("an address whose upper half is not clear", () => {
    // As an i64 the shifted value may have anything above; only its low half was asked for.
    const f = new SampleFunction([I64], [I32]);
    const fn = f.return(f.load(Opcode.Load32U, I32, f.op(Opcode.Wrap, I32, f.parameter(0))));
    const allocation = allocate(fn, "kernel");
    const machine = allocation.machine;
    const wrap = machine.instructions.findIndex(({ op }) => op === MachineOp.Move);
    const wide = Object.assign(
      Object.create(Object.getPrototypeOf(machine.instructions[wrap]!) as object),
      machine.instructions[wrap],
      { width: 8 },
    );
    machine.instructions[wrap] = wide;
    expect(() => checkAllocation(allocation, "kernel")).toThrow("upper half is not clear");
  });

  test("a callee-saved register that is not saved", () => {
    const allocation = allocate(callAndLoop(I64));
    expect(allocation.savedRegisters & CALLEE_SAVED_SET).not.toBe(0);
    expect(() => checkAllocation({ ...allocation, savedRegisters: 0 }, "domain")).toThrow(
      "not saved",
    );
  });

  test("a value kept across a call in a register that the call changes", () => {
    const allocation = allocate(callAndLoop(I64));
    const elsewhere = new Map<number, number>([
      [Register.rbx, Register.r8],
      [Register.rbp, Register.r9],
      [Register.r12, Register.r10],
      [Register.r14, Register.r11],
    ]);
    const moved = (location: number): number => elsewhere.get(location) ?? location;
    const locations = allocation.locations.map(moved);
    const allMoved = (moves: Moves): Moves =>
      new Map(
        [...moves].map(([at, list]) => [
          at,
          list.map(
            (move) =>
              ({
                ...move,
                to: moved(move.to),
                ...(move.kind === "make" ? {} : { from: moved(move.from) }),
              }) as InsertedMove,
          ),
        ]),
      );
    const changed = {
      ...allocation,
      locations,
      before: allMoved(allocation.before),
      behind: allMoved(allocation.behind),
    };
    expect(() => checkAllocation(changed, "domain")).toThrow("reads value");
  });

  /**
   * The list of moves on the loop's back edge, where two values change places through a third
   * register.
   */
  const exchangeOf = (allocation: Allocation): { at: number; moves: readonly InsertedMove[] } => {
    const found = [...allocation.before].find(([, list]) => {
      const [first, last] = [list[0], list.at(-1)];
      return (
        list.length === 3 &&
        first?.kind === "move" &&
        last?.kind === "move" &&
        last.from === first.to
      );
    });
    if (found === undefined) throw new Error("the sample has no such moves");
    return { at: found[0], moves: found[1] };
  };

  test("a move on a loop's back edge left out", () => {
    const allocation = allocate(callAndLoop(I64));
    const { at, moves } = exchangeOf(allocation);
    for (const left of [0, 1, 2]) {
      const before = new Map([...allocation.before, [at, moves.filter((_, k) => k !== left)]]);
      expect(() => checkAllocation({ ...allocation, before }, "domain")).toThrow("reads value");
    }
  });

  test("an exchange done one after the other", () => {
    const allocation = allocate(callAndLoop(I64));
    const { at, moves } = exchangeOf(allocation);
    const [first, second, third] = moves as (InsertedMove & { kind: "move" })[];
    const before = new Map([
      ...allocation.before,
      [at, [first!, second!, { ...third!, from: first!.from }]],
    ]);
    expect(() => checkAllocation({ ...allocation, before }, "domain")).toThrow("reads value");
  });

  test("the window's register in the kernel", () => {
    const allocation = allocate(pressure(I64), "kernel");
    const place = findOperand(
      allocation,
      (kind) => isDefinition(kind) && kind === OperandKind.Definition,
    );
    expect(() => checkAllocation(withLocation(allocation, place, Register.r15), "kernel")).toThrow(
      "reserved register",
    );
  });

  test("an instruction left out that cannot be made again", () => {
    const allocation = allocate(pressure(I64));
    const removed = allocation.removed.slice();
    removed[allocation.machine.instructions.findIndex(({ op }) => op === MachineOp.Imul)] = 1;
    expect(() => checkAllocation({ ...allocation, removed }, "domain")).toThrow(
      "cannot be made again",
    );
  });
});
