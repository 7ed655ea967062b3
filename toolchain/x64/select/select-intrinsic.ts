import type { Instruction } from "../../ir/function.ts";
import { Intrinsic } from "../../ir/intrinsic.ts";
import { TrapKind } from "../../ir/machine-code.ts";
import { Type } from "../../ir/opcode.ts";
import {
  RECORD_BADGE,
  RECORD_CALLER,
  RECORD_HEADER,
  RECORD_TOKEN,
  RECORD_WORD0,
  RECORD_WORD1,
  RECORD_WORD2,
  RECORD_WORD3,
} from "../../../kernel/abi/message-record.ts";
import { DIRECT_MAP_HIGH, DIRECT_MAP_LOW } from "../../../kernel/abi/address-space.ts";
import {
  HEADER_WORDS_MASK,
  REGISTER_WORDS_MAX,
  SystemCall,
  SystemCallResult,
} from "../../../kernel/abi/system-call.ts";
import { plainAddress } from "./linear-address.ts";
import { NO_ADDRESS } from "../machine/instruction-builder.ts";
import type { VirtualRegister } from "../machine/machine-function.ts";
import { DESTINATION_PHYSICAL, MachineOp, SOURCE_PHYSICAL } from "../machine/machine-op.ts";
import { MESSAGE_WORD_REGISTERS, Register, registerSet } from "../machine/register.ts";
import { type Rule, rule } from "./rule.ts";
import type { Selector } from "./selector.ts";

type Lowering = (select: Selector, at: Instruction) => void;

/** Rule for one intrinsic; the table below has one for each. */
function intrinsicRule(intrinsic: Intrinsic, lower: Lowering): Rule {
  return rule(`intrinsic ${Intrinsic[intrinsic]}`, (select, at) => {
    if (select.fn.immediate(at) !== intrinsic) return false;
    lower(select, at);
    return true;
  });
}

const operand = (select: Selector, at: Instruction, index: number): VirtualRegister =>
  select.register(select.fn.operand(at, index));
const emitRegister = (register: VirtualRegister) => ({ kind: "register", register }) as const;

const { rax, rcx, rdx, rbx, rdi, rsi, r8, r9, r10, r11, r12, r13, r14, r15, rbp } = Register;

// Ports. `in` leaves the bits above its width as they were, so that narrow results are extended.

const input =
  (width: number, extend: MachineOp): Lowering =>
  (select, at) => {
    const port = operand(select, at, 0);
    const raw = select.temporary(Type.I64);
    select.emit(MachineOp.In, width).defineFixed(raw, rax).useFixed(port, rdx);
    select.emit(extend, 4).define(select.result(at)).registerSource(emitRegister(raw));
  };

const output =
  (width: number): Lowering =>
  (select, at) => {
    const port = operand(select, at, 0);
    const value = operand(select, at, 1);
    select.emit(MachineOp.Out, width).useFixed(port, rdx).useFixed(value, rax);
  };

/** Instructions that give a 64-bit result as edx:eax, both zero-extended by the machine. */
const pairResult =
  (op: MachineOp, hasOperand: boolean): Lowering =>
  (select, at) => {
    const [low, high, shifted] = [
      select.temporary(Type.I64),
      select.temporary(Type.I64),
      select.temporary(Type.I64),
    ];
    const selector = hasOperand ? operand(select, at, 0) : null;
    const builder = select.emit(op, 8).defineFixed(low, rax).defineFixed(high, rdx);
    if (selector !== null) builder.useFixed(selector, rcx);
    select
      .emit(MachineOp.Shl, 8)
      .defineTied(shifted, high)
      .source({ kind: "immediate", value: 32 });
    select.emit(MachineOp.Or, 8).defineTied(select.result(at), low).source(emitRegister(shifted));
  };

const writeMsr: Lowering = (select, at) => {
  const selector = operand(select, at, 0);
  const value = operand(select, at, 1);
  const high = select.temporary(Type.I64);
  select.emit(MachineOp.Shr, 8).defineTied(high, value).source({ kind: "immediate", value: 32 });
  select
    .emit(MachineOp.WriteMsr, 8)
    .useFixed(selector, rcx)
    .useFixed(value, rax)
    .useFixed(high, rdx);
};

const readControl =
  (number: number): Lowering =>
  (select, at) => {
    select.emit(MachineOp.ReadControl, 8).define(select.result(at)).immediate(number);
  };
const writeControl =
  (number: number): Lowering =>
  (select, at) => {
    const value = operand(select, at, 0);
    select.emit(MachineOp.WriteControl, 8).use(value).immediate(number);
  };
const plain =
  (op: MachineOp): Lowering =>
  (select) => {
    select.emit(op, 8);
  };
const invalidatePage: Lowering = (select, at) => {
  const address = operand(select, at, 0);
  select.emit(MachineOp.InvalidatePage, 8).use(address);
};

const cpuid: Lowering = (select, at) => {
  const [leaf, subleaf] = [operand(select, at, 0), operand(select, at, 1)];
  const results = [rax, rbx, rcx, rdx].map((register) => ({
    register,
    value: select.temporary(Type.I64),
  }));
  const builder = select.emit(MachineOp.Cpuid, 4);
  for (const { register, value } of results) builder.defineFixed(value, register);
  builder.useFixed(leaf, rax).useFixed(subleaf, rcx);
  results.forEach(({ value }, i) => {
    select
      .emitMemoryAccess(MachineOp.Store, 4, TrapKind.OutOfBounds)
      .registerSource(emitRegister(value))
      .memory(plainAddress(select, select.fn.operand(at, 2), 4 * i));
  });
};

/** The value goes into the register at once: nothing else ever writes it. */
const setMessageWord: Lowering = (select, at) => {
  const register = MESSAGE_WORD_REGISTERS[select.messageWordNumber(at)]!;
  const word = select.fn.operand(at, 1);
  const isZero = select.constant(word) === 0n;
  select
    .emit(MachineOp.SetMessageWord, 8)
    .defineFixed(select.temporary(Type.I64), register)
    .registerSource(
      isZero ? { kind: "immediate", value: 0 } : emitRegister(operand(select, at, 1)),
    );
};

const rdrand: Lowering = (select, at) => {
  // The machine gives 0 where no random number was ready (carry clear).
  select.emit(MachineOp.Rdrand, 8).define(select.result(at));
};

// Physical memory behind the direct map. The base is a constant in a register, so that the operand
// is [base + physical].

const directMap = (select: Selector): VirtualRegister =>
  select.constantRegister((BigInt(DIRECT_MAP_HIGH) << 32n) | BigInt(DIRECT_MAP_LOW));

const physicalLoad =
  (op: MachineOp, width: number): Lowering =>
  (select, at) => {
    const physical = operand(select, at, 0);
    const base = directMap(select);
    select
      .emit(op, width)
      .define(select.result(at))
      .source({ kind: "memory", address: { ...NO_ADDRESS, base, index: physical }, load: -1 });
  };

const physicalStore =
  (width: number): Lowering =>
  (select, at) => {
    const physical = operand(select, at, 0);
    const value = operand(select, at, 1);
    const base = directMap(select);
    select
      .emit(MachineOp.Store, width)
      .registerSource(emitRegister(value))
      .memory({ ...NO_ADDRESS, base, index: physical });
  };

const stringCopy =
  (sides: number): Lowering =>
  (select, at) => {
    const [to, from, bytes] = [
      operand(select, at, 0),
      operand(select, at, 1),
      operand(select, at, 2),
    ];
    select
      .emit(MachineOp.StringCopy, 8)
      .immediate(sides)
      .defineFixedEarly(select.temporary(Type.I64), rdx)
      .useFixed(to, rdi)
      .useFixed(from, rsi)
      .useFixed(bytes, rcx)
      .clobber(registerSet([rdi, rsi, rcx]));
  };

const stringFill: Lowering = (select, at) => {
  const [to, byte, bytes] = [
    operand(select, at, 0),
    operand(select, at, 1),
    operand(select, at, 2),
  ];
  select
    .emit(MachineOp.StringFill, 8)
    .immediate(DESTINATION_PHYSICAL)
    .defineFixedEarly(select.temporary(Type.I64), rdx)
    .useFixed(to, rdi)
    .useFixed(byte, rax)
    .useFixed(bytes, rcx)
    .clobber(registerSet([rdi, rax, rcx]));
};

// Device registers: exactly one access of exactly this width, nothing folded.

const mmioLoad =
  (op: MachineOp, width: number): Lowering =>
  (select, at) => {
    const address = plainAddress(select, select.fn.operand(at, 0), 0);
    select
      .emitMemoryAccess(op, width, TrapKind.OutOfBounds)
      .define(select.result(at))
      .source({ kind: "memory", address, load: -1 });
  };
const mmioStore =
  (width: number): Lowering =>
  (select, at) => {
    const address = plainAddress(select, select.fn.operand(at, 0), 0);
    const value = operand(select, at, 1);
    select
      .emitMemoryAccess(MachineOp.Store, width, TrapKind.OutOfBounds)
      .registerSource(emitRegister(value))
      .memory(address);
  };

// System calls.

interface SystemCallOperands {
  readonly operation: SystemCall;
  /** Operand numbers. */
  readonly target: number;
  readonly header: number;
  readonly record: number;
  readonly inbox: number;
  readonly timeout: number;
}

/**
 * Loads words 0 to 3 from the record, makes the call, and stores all results into the record. The
 * call changes all registers, so every value that is used afterwards, the record's address
 * included, is in the frame during the call.
 */
const systemCall =
  (operands: SystemCallOperands): Lowering =>
  (select, at) => {
    const address = (offset: number) =>
      plainAddress(select, select.fn.operand(at, operands.record), offset);
    const words = [
      { offset: RECORD_WORD0, register: rbx },
      { offset: RECORD_WORD1, register: r12 },
      { offset: RECORD_WORD2, register: r13 },
      { offset: RECORD_WORD3, register: r14 },
    ];
    const sent = words.map(({ offset }) => {
      const word = select.temporary(Type.I64);
      select
        .emitMemoryAccess(MachineOp.Move, 8, TrapKind.OutOfBounds)
        .define(word)
        .source({ kind: "memory", address: address(offset), load: -1 });
      return word;
    });
    const operation = select.temporary(Type.I32);
    const move = select
      .emit(MachineOp.MoveImmediate, 4)
      .define(operation)
      .immediate(operands.operation);
    select.machine.rematerializable[operation] = move.instruction;
    const [target, inbox] = [operands.target, operands.inbox].map((index) =>
      index < 0 ? null : operand(select, at, index),
    );
    const header = operand(select, at, operands.header);
    const record = operand(select, at, operands.record);
    const timeout = operand(select, at, operands.timeout);

    const received = words.map(() => select.temporary(Type.I64));
    const [status, token, receivedHeader, badge, caller] = [0, 1, 2, 3, 4].map(() =>
      select.temporary(Type.I64),
    ) as [VirtualRegister, VirtualRegister, VirtualRegister, VirtualRegister, VirtualRegister];
    const builder = select
      .emit(MachineOp.SystemCall, 8)
      .defineFixed(status, rax)
      .defineFixed(token, rdi)
      .defineFixed(receivedHeader, rsi)
      .defineFixed(badge, rdx)
      .defineFixed(caller, r8);
    words.forEach(({ register }, i) => builder.defineFixed(received[i]!, register));
    builder
      .useFixed(operation, rax)
      .useFixed(header, rsi)
      .useFixed(record, rdx)
      .useFixed(timeout, r9);
    if (target !== null) builder.useFixed(target!, rdi);
    if (inbox !== null) builder.useFixed(inbox!, r10);
    words.forEach(({ register }, i) => builder.useFixed(sent[i]!, register));
    builder.clobber(registerSet([rcx, r9, r10, r11, rbp, r15]));

    const store = (value: VirtualRegister, offset: number, width: number): void => {
      select
        .emitMemoryAccess(MachineOp.Store, width, TrapKind.OutOfBounds)
        .registerSource(emitRegister(value))
        .memory(address(offset));
    };
    words.forEach(({ offset }, i) => store(received[i]!, offset, 8));
    store(token, RECORD_TOKEN, 8);
    store(badge, RECORD_BADGE, 8);
    store(receivedHeader, RECORD_HEADER, 4);
    store(caller, RECORD_CALLER, 8);
    select.emit(MachineOp.Move, 4).define(select.result(at)).registerSource(emitRegister(status));
  };

const RESULT_REGISTERS: Readonly<Record<SystemCallResult, Register>> = {
  [SystemCallResult.Token]: rdi,
  [SystemCallResult.Header]: rsi,
  [SystemCallResult.Badge]: rdx,
  [SystemCallResult.Caller]: r8,
  [SystemCallResult.Word0]: rbx,
  [SystemCallResult.Word1]: r12,
  [SystemCallResult.Word2]: r13,
  [SystemCallResult.Word3]: r14,
};

interface ShortCallOperands extends Omit<SystemCallOperands, "record"> {
  /** Operand number; -1 if the call has no record. */
  readonly record: number;
  /** Operand number of the first word. */
  readonly word0: number;
}

/**
 * A system call whose words are operands. Registers of words that the header does not count keep
 * what they held: the kernel delivers no word beyond the header's count. Of the results only those
 * that something reads are kept.
 */
const shortCall =
  (operands: ShortCallOperands): Lowering =>
  (select, at) => {
    const { fn } = select;
    const header = select.constant(fn.operand(at, operands.header));
    const sentWords = Math.min(Number(header ?? 7n) & HEADER_WORDS_MASK, REGISTER_WORDS_MAX);
    const operation = select.temporary(Type.I32);
    const move = select
      .emit(MachineOp.MoveImmediate, 4)
      .define(operation)
      .immediate(operands.operation);
    select.machine.rematerializable[operation] = move.instruction;
    // No record lies at address 0.
    const isAbsentRecord = (index: number): boolean =>
      index === operands.record && select.constant(fn.operand(at, index)) === 0n;
    const used = [
      { register: rdi, index: operands.target },
      { register: rsi, index: operands.header },
      { register: rdx, index: operands.record },
      { register: r10, index: operands.inbox },
      { register: r9, index: operands.timeout },
      ...MESSAGE_WORD_REGISTERS.slice(0, sentWords).map((register, i) => ({
        register,
        index: operands.word0 + i,
      })),
    ]
      .filter(({ index }) => index >= 0 && !isAbsentRecord(index))
      .map(({ register, index }) => ({ register, value: operand(select, at, index) }));

    const builder = select.emit(MachineOp.SystemCall, 8).defineFixed(select.result(at), rax);
    const lost: Register[] = [rcx, r9, r10, r11, rbp, r15];
    for (const [result, register] of Object.entries(RESULT_REGISTERS)) {
      const index = 1 + Number(result);
      if (select.isDemanded(fn.result(at, index)))
        builder.defineFixed(select.result(at, index), register);
      else lost.push(register);
    }
    builder.useFixed(operation, rax);
    for (const { register, value } of used) builder.useFixed(value, register);
    builder.clobber(registerSet(lost));
  };

export const INTRINSIC_RULES: readonly Rule[] = [
  intrinsicRule(Intrinsic.In8, input(1, MachineOp.MoveZero8)),
  intrinsicRule(Intrinsic.In16, input(2, MachineOp.MoveZero16)),
  intrinsicRule(Intrinsic.In32, input(4, MachineOp.Move)),
  intrinsicRule(Intrinsic.Out8, output(1)),
  intrinsicRule(Intrinsic.Out16, output(2)),
  intrinsicRule(Intrinsic.Out32, output(4)),
  intrinsicRule(Intrinsic.ReadMsr, pairResult(MachineOp.ReadMsr, true)),
  intrinsicRule(Intrinsic.WriteMsr, writeMsr),
  intrinsicRule(Intrinsic.ReadCr0, readControl(0)),
  intrinsicRule(Intrinsic.WriteCr0, writeControl(0)),
  intrinsicRule(Intrinsic.ReadCr2, readControl(2)),
  intrinsicRule(Intrinsic.ReadCr3, readControl(3)),
  intrinsicRule(Intrinsic.ReadCr4, readControl(4)),
  intrinsicRule(Intrinsic.WriteCr4, writeControl(4)),
  intrinsicRule(Intrinsic.InvalidatePage, invalidatePage),
  intrinsicRule(Intrinsic.Halt, plain(MachineOp.Halt)),
  intrinsicRule(Intrinsic.DisableInterrupts, plain(MachineOp.DisableInterrupts)),
  intrinsicRule(Intrinsic.EnableInterrupts, plain(MachineOp.EnableInterrupts)),
  intrinsicRule(Intrinsic.Cpuid, cpuid),
  intrinsicRule(Intrinsic.ReadTsc, pairResult(MachineOp.ReadTsc, false)),
  intrinsicRule(Intrinsic.PhysicalLoad8, physicalLoad(MachineOp.MoveZero8, 4)),
  intrinsicRule(Intrinsic.PhysicalLoad16, physicalLoad(MachineOp.MoveZero16, 4)),
  intrinsicRule(Intrinsic.PhysicalLoad32, physicalLoad(MachineOp.Move, 4)),
  intrinsicRule(Intrinsic.PhysicalLoad64, physicalLoad(MachineOp.Move, 8)),
  intrinsicRule(Intrinsic.PhysicalStore8, physicalStore(1)),
  intrinsicRule(Intrinsic.PhysicalStore16, physicalStore(2)),
  intrinsicRule(Intrinsic.PhysicalStore32, physicalStore(4)),
  intrinsicRule(Intrinsic.PhysicalStore64, physicalStore(8)),
  intrinsicRule(Intrinsic.PhysicalCopy, stringCopy(DESTINATION_PHYSICAL | SOURCE_PHYSICAL)),
  intrinsicRule(Intrinsic.PhysicalFill, stringFill),
  intrinsicRule(Intrinsic.CopyToPhysical, stringCopy(DESTINATION_PHYSICAL)),
  intrinsicRule(Intrinsic.CopyFromPhysical, stringCopy(SOURCE_PHYSICAL)),
  intrinsicRule(Intrinsic.Pause, plain(MachineOp.Pause)),
  intrinsicRule(Intrinsic.LoadFence, plain(MachineOp.LoadFence)),
  intrinsicRule(Intrinsic.Rdrand, rdrand),
  intrinsicRule(Intrinsic.SetMessageWord, setMessageWord),
  intrinsicRule(Intrinsic.MmioLoad8, mmioLoad(MachineOp.MoveZero8, 4)),
  intrinsicRule(Intrinsic.MmioLoad16, mmioLoad(MachineOp.MoveZero16, 4)),
  intrinsicRule(Intrinsic.MmioLoad32, mmioLoad(MachineOp.Move, 4)),
  intrinsicRule(Intrinsic.MmioLoad64, mmioLoad(MachineOp.Move, 8)),
  intrinsicRule(Intrinsic.MmioStore8, mmioStore(1)),
  intrinsicRule(Intrinsic.MmioStore16, mmioStore(2)),
  intrinsicRule(Intrinsic.MmioStore32, mmioStore(4)),
  intrinsicRule(Intrinsic.MmioStore64, mmioStore(8)),
  intrinsicRule(
    Intrinsic.Call,
    systemCall({
      operation: SystemCall.Call,
      target: 0,
      header: 1,
      record: 2,
      inbox: -1,
      timeout: 3,
    }),
  ),
  intrinsicRule(
    Intrinsic.CallShort,
    shortCall({
      operation: SystemCall.Call,
      target: 0,
      header: 1,
      record: -1,
      inbox: -1,
      timeout: 2,
      word0: 3,
    }),
  ),
  intrinsicRule(
    Intrinsic.ReplyShort,
    shortCall({
      operation: SystemCall.Reply,
      target: 0,
      header: 1,
      record: 2,
      inbox: 3,
      timeout: 4,
      word0: 5,
    }),
  ),
  intrinsicRule(
    Intrinsic.Recv,
    systemCall({
      operation: SystemCall.Recv,
      target: -1,
      header: 1,
      record: 2,
      inbox: 0,
      timeout: 3,
    }),
  ),
  intrinsicRule(
    Intrinsic.Reply,
    systemCall({
      operation: SystemCall.Reply,
      target: 0,
      header: 1,
      record: 2,
      inbox: 3,
      timeout: 4,
    }),
  ),
];
