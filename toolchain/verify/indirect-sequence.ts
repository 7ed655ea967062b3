import { Mnemonic as M } from "iced-x86";
import type { Effort } from "./effort.ts";
import type { CodeFunction } from "./function-table.ts";
import { type MachineInstruction, NO_REGISTER, type Operand, RIP, RSP } from "./instruction.ts";
import type { Layout } from "./layout.ts";

const RAX = 0;
const JUMP_ENTRY_BYTES = 4;
const CALL_ENTRY_BYTES = 16;
/** Stands in an entry without a function. */
const NULL_SIGNATURE = 0x8000_0000;
/** `shl eax, 4` of a larger index would lose bits. */
const CALL_ENTRIES_MAX = 1 << 28;
const JUMP_ENTRIES_MAX = 1 << 20;

/**
 * The jump through a table: instructions `first` to `last` of the function, in this order and
 * entered only at the top.
 */
export interface JumpSequence {
  readonly kind: "jump";
  readonly first: number;
  readonly last: number;
  /** Register of the index, which must be clear above 32 bits at the top. */
  readonly indexRegister: number;
  /** Offsets of the instructions jumped to. */
  readonly targets: readonly number[];
}

/** The call through a table of functions. */
export interface CallSequence {
  readonly kind: "call";
  readonly first: number;
  readonly last: number;
  /** Offsets of the functions that can be called. */
  readonly callees: readonly number[];
}

/** The sequence that ends with the indirect jump or call at `last`, or what is wrong with it. */
export function readSequence(
  fn: CodeFunction,
  last: number,
  layout: Layout,
  effort: Effort,
): JumpSequence | CallSequence | string {
  return fn.instructions[last]!.mnemonic === M.Jmp
    ? readJump(fn, last, layout, effort)
    : readCall(fn, last, layout, effort);
}

/** cmp i, n; jae …; lea t, [rip + table]; movsxd u, dword [t + i*4]; add u, t; jmp u */
function readJump(
  fn: CodeFunction,
  last: number,
  layout: Layout,
  effort: Effort,
): JumpSequence | string {
  const first = last - 5;
  const [compare, guard, load, read, add, jump] = fn.instructions.slice(
    Math.max(first, 0),
    last + 1,
  );
  if (first < 0 || jump === undefined) return "it does not end a jump-table sequence";
  const index = registerOf(compare!, 0, 32);
  const count = immediateOf(compare!, 1);
  const table = registerOf(load!, 0, 64);
  const target = registerOf(read!, 0, 64);
  if (compare!.mnemonic !== M.Cmp || index === NO_REGISTER || count === null)
    return "the index is not compared with the table's length";
  if (guard!.mnemonic !== M.Jae) return "the length's compare is not followed by jae";
  if (
    load!.mnemonic !== M.Lea ||
    table === NO_REGISTER ||
    load!.memory?.base !== RIP ||
    load!.memory.is32
  )
    return "the table's address is not relative to rip";
  const memory = read!.memory;
  const readsEntry =
    read!.mnemonic === M.Movsxd &&
    memory !== null &&
    memory.base === table &&
    memory.index === index &&
    memory.scale === JUMP_ENTRY_BYTES &&
    memory.displacement === 0 &&
    !memory.is32 &&
    memory.segment === "none" &&
    target !== NO_REGISTER;
  if (!readsEntry) return "the entry is not read as movsxd from the table at the index";
  if (
    add!.mnemonic !== M.Add ||
    registerOf(add!, 0, 64) !== target ||
    registerOf(add!, 1, 64) !== table
  )
    return "the table's address is not added to the entry";
  if (registerOf(jump, 0, 64) !== target) return "it does not jump to the sum";
  if (new Set([index, table, target, RSP]).size !== 4)
    return "the sequence's registers are not three different ones";
  if (count < 1 || count > JUMP_ENTRIES_MAX) return `a jump table of ${count} entries`;

  const start = load!.memory.displacement;
  const view = constantsAt(layout, start, count * JUMP_ENTRY_BYTES);
  if (view === null) return "the jump table does not lie in the constants";
  effort.spend(count);
  const targets = new Set<number>();
  for (let entry = 0; entry < count; entry++) {
    const offset = start + view.getInt32(entry * JUMP_ENTRY_BYTES, true);
    if (!fn.indexAt.has(offset))
      return `entry ${entry} of the jump table is no instruction of this function`;
    targets.add(offset);
  }
  return { kind: "jump", first, last, indexRegister: index, targets: [...targets] };
}

/**
 * cmp eax, length; jae …; shl eax, 4; lea t, [rip + table]; add rax, t; [cmp dword [rax + 8],
 * signature; jne …;] call [rax]
 */
function readCall(
  fn: CodeFunction,
  last: number,
  layout: Layout,
  effort: Effort,
): CallSequence | string {
  const { instructions } = fn;
  const call = instructions[last]!;
  if (call.memory === null || !isTableField(call, 0) || call.memory.bytes !== 8)
    return "it does not call through [rax]";
  const checksSignature = instructions[last - 1]?.mnemonic === M.Jne;
  const first = last - (checksSignature ? 7 : 5);
  if (first < 0) return "it does not end a call sequence";
  const [compare, guard, shift, load, add] = instructions.slice(first, first + 5);
  const signature = checksSignature ? expectedSignature(instructions[last - 2]!) : null;
  if (checksSignature && signature === null) return "the signature is not compared with [rax + 8]";

  const length = tableLength(compare!, layout);
  const table = registerOf(load!, 0, 64);
  if (length === null) return "eax is not compared with the table's length";
  if (guard!.mnemonic !== M.Jae) return "the length's compare is not followed by jae";
  if (
    shift!.mnemonic !== M.Shl ||
    registerOf(shift!, 0, 32) !== RAX ||
    immediateOf(shift!, 1) !== 4
  )
    return "the index is not shifted by 4";
  if (
    load!.mnemonic !== M.Lea ||
    table === NO_REGISTER ||
    load!.memory?.base !== RIP ||
    load!.memory.is32
  )
    return "the table's address is not relative to rip";
  if (table === RAX || table === RSP) return "the table's address is not in a register of its own";
  if (
    add!.mnemonic !== M.Add ||
    registerOf(add!, 0, 64) !== RAX ||
    registerOf(add!, 1, 64) !== table
  )
    return "the table's address is not added to rax";
  return readCallees(layout, load!.memory.displacement, length, signature, first, last, effort);
}

function readCallees(
  layout: Layout,
  start: number,
  length: number,
  signature: number | null,
  first: number,
  last: number,
  effort: Effort,
): CallSequence | string {
  const view = constantsAt(layout, start, length * CALL_ENTRY_BYTES);
  if (view === null) return "the table of functions does not lie in the constants";
  effort.spend(length);
  const callees: number[] = [];
  const signatures = new Set<number>();
  for (let entry = 0; entry < length; entry++) {
    const address = view.getBigUint64(entry * CALL_ENTRY_BYTES, true);
    const actual = view.getUint32(entry * CALL_ENTRY_BYTES + 8, true);
    signatures.add(actual);
    if ((address === 0n) !== (actual === NULL_SIGNATURE))
      return `entry ${entry} of the table has an address or a signature, not both`;
    if (signature === null ? address !== 0n : actual === signature)
      callees.push(Number(BigInt.asIntN(64, address - layout.textAddress)));
  }
  if (signature === null && (signatures.has(NULL_SIGNATURE) || signatures.size > 1))
    return "the signature is not checked, though the table's entries differ";
  return { kind: "call", first, last, callees: [...new Set(callees)] };
}

/** `cmp dword [rax + 8], n` */
function expectedSignature(compare: MachineInstruction): number | null {
  if (compare.mnemonic !== M.Cmp || !isTableField(compare, 8) || compare.memory!.bytes !== 4)
    return null;
  return immediateOf(compare, 1);
}

function isTableField({ memory, operands }: MachineInstruction, displacement: number): boolean {
  return (
    operands[0]?.kind === "memory" &&
    memory !== null &&
    memory.base === RAX &&
    memory.index === NO_REGISTER &&
    memory.displacement === displacement &&
    !memory.is32 &&
    memory.segment === "none"
  );
}

/** `cmp eax, n`, or with the length that stands in the constants. */
function tableLength(compare: MachineInstruction, layout: Layout): number | null {
  if (compare.mnemonic !== M.Cmp || registerOf(compare, 0, 32) !== RAX) return null;
  const { memory } = compare;
  const isStored =
    memory !== null &&
    memory.base === RIP &&
    memory.index === NO_REGISTER &&
    !memory.is32 &&
    memory.segment === "none" &&
    memory.bytes === 4;
  const length = isStored
    ? (constantsAt(layout, memory.displacement, 4)?.getUint32(0, true) ?? null)
    : immediateOf(compare, 1);
  return length !== null && length <= CALL_ENTRIES_MAX ? length : null;
}

function constantsAt(layout: Layout, start: number, bytes: number): DataView | null {
  const { constants } = layout;
  if (start < constants.start || start + bytes > constants.end) return null;
  return new DataView(
    constants.bytes.buffer,
    constants.bytes.byteOffset + start - constants.start,
    bytes,
  );
}

function registerOf(instruction: MachineInstruction, index: number, bits: number): number {
  const operand: Operand | undefined = instruction.operands[index];
  return operand?.kind === "register" && operand.bits === bits ? operand.number : NO_REGISTER;
}

/** An immediate as the unsigned 32-bit number that a 32-bit compare takes it for. */
function immediateOf(instruction: MachineInstruction, index: number): number | null {
  const operand = instruction.operands[index];
  return operand?.kind === "immediate" ? Number(BigInt.asUintN(32, operand.value)) : null;
}
