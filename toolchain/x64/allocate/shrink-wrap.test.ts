import { describe, expect, test } from "vitest";
import type { IrFunction, Value } from "../../ir/function.ts";
import { Opcode, Type } from "../../ir/opcode.ts";
import { moduleOf, SampleFunction } from "../../../tests/support/sample-function.ts";
import { compileFunction } from "../compile-function.ts";
import { buildMachineFunction } from "../select/build-machine-function.ts";
import { allocateRegisters } from "./allocate.ts";
import { checkFrame } from "./frame-checker.ts";
import { type Frame, layOutFrame } from "./frame.ts";

const RET = 0xc3;
/** `push rbx`, the first instruction of a prologue. */
const PUSH = 0x53;

/** Returns 0 early, else what two calls make of a value that lives across both. */
function earlyReturn(readsMemory = false): IrFunction {
  const f = new SampleFunction([Type.I32, Type.I32], [Type.I32], "sample", 0);
  const [early, late] = [f.newBlock(), f.newBlock()];
  const condition: Value = readsMemory
    ? f.load(Opcode.Load32U, Type.I32, f.parameter(0))
    : f.parameter(0);
  f.branch(condition, late, early);
  f.block = early;
  f.return(f.i32(0));
  f.block = late;
  const call = (): Value =>
    f.fn.result(
      f.instruction(Opcode.Call, Type.None, [f.parameter(0), f.parameter(1)], [Type.I32], 0),
    );
  const first = call();
  call();
  return f.return(f.op(Opcode.Add, Type.I32, first, f.parameter(1)));
}

function frameOf(fn: IrFunction): {
  allocation: ReturnType<typeof allocateRegisters>;
  frame: Frame;
} {
  const machine = buildMachineFunction(fn, moduleOf("domain", [fn]));
  const allocation = allocateRegisters(machine, "domain");
  return { allocation, frame: layOutFrame(allocation) };
}

test("a path that returns before it needs the frame neither pushes nor pops", () => {
  const fn = earlyReturn();
  const { bytes, savedRegisters, depths } = compileFunction(fn, moduleOf("domain", [fn]), {
    check: true,
  });
  expect(savedRegisters.length).toBeGreaterThan(0);
  expect(bytes[0]).not.toBe(PUSH);
  // Up to the prologue, and for the early return, the frame is not there.
  expect(depths[0]).toEqual({ offset: 0, depth: 0, hasFrame: false });
  const prologue = depths.find(({ hasFrame }) => hasFrame)!;
  expect(bytes[prologue.offset]).toBe(PUSH);
  expect(bytes.includes(RET)).toBe(true);
});

test("a call at the entry needs the frame from there on", () => {
  const f = new SampleFunction([Type.I32], [Type.I32], "sample", 0);
  const call = f.instruction(Opcode.Call, Type.None, [f.parameter(0)], [Type.I32], 0);
  const fn = f.return(f.op(Opcode.Add, Type.I32, f.fn.result(call), f.parameter(0)));
  expect(frameOf(fn).frame.blocks.start).toBe(0);
});

test("the prologue is never in a loop", () => {
  const f = new SampleFunction([Type.I32], [], "sample", 0);
  const [loop, body, out] = [f.newBlock(), f.newBlock(), f.newBlock()];
  f.jump(loop);
  f.block = loop;
  f.branch(f.load(Opcode.Load32U, Type.I32, f.parameter(0)), body, out);
  f.block = body;
  f.instruction(Opcode.Call, Type.None, [f.parameter(0)], [Type.I32], 0);
  f.jump(loop);
  f.block = out;
  const fn = f.return();
  const { allocation, frame } = frameOf(fn);
  expect(frame.blocks.start).toBe(0);
  checkFrame(allocation, frame);
});

describe("the checker of frames finds", () => {
  const { allocation, frame } = frameOf(earlyReturn(true));
  const { start, isFramed } = frame.blocks;
  const withBlocks = (changed: Partial<Frame["blocks"]>): Frame => ({
    ...frame,
    blocks: { ...frame.blocks, ...changed },
  });
  const late = start;
  const early = allocation.machine.blocks[0]!.edges.find(({ target }) => target !== late)!.target;

  test("nothing where all is right", () => {
    expect(start).not.toBe(0);
    checkFrame(allocation, frame);
  });

  test("a prologue that is on the other path", () => {
    expect(() => checkFrame(allocation, withBlocks({ start: early }))).toThrow("as it is entered");
  });

  test("a saved register on a path that was thought to have no frame", () => {
    const nowhere = new Uint8Array(isFramed.length);
    nowhere[early] = 1;
    expect(() => checkFrame(allocation, withBlocks({ start: early, isFramed: nowhere }))).toThrow(
      /rb[xp] without the frame/,
    );
  });

  test("a slot before the prologue", () => {
    const before = new Map(allocation.before);
    const entry = allocation.machine.blocks[0]!.start;
    before.set(entry + 1, [{ kind: "move", from: 7, to: 16, width: 8 }]);
    expect(() => checkFrame({ ...allocation, before }, frame)).toThrow("a slot without");
  });

  test("a jump from a block with the frame to one without, and to the prologue", () => {
    const jumpTo = (target: number): typeof allocation => {
      const blocks = allocation.machine.blocks.map((block, index) =>
        index === late ? { ...block, edges: [{ target, arguments: [] }] } : block,
      );
      const machine = Object.assign(
        Object.create(Object.getPrototypeOf(allocation.machine) as object),
        allocation.machine,
        { blocks },
      ) as typeof allocation.machine;
      return { ...allocation, machine };
    };
    expect(() => checkFrame(jumpTo(early), frame)).toThrow(/on one path only|as it is entered/);
    expect(() => checkFrame(jumpTo(late), frame)).toThrow("a second prologue");
  });
});
