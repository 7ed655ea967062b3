import { Code, Decoder, DecoderOptions, FlowControl, Instruction, Register } from "iced-x86";
import type { Random } from "./random.ts";

/** An instruction of the original, and where its parts lie. */
interface Piece {
  readonly start: number;
  readonly length: number;
  /** Offset of the opcode's first byte, behind the prefixes. */
  readonly opcode: number;
  /** Offset of the byte behind the opcode, which names registers in most instructions. */
  readonly registers: number;
  readonly displacement: { readonly at: number; readonly bytes: number } | null;
  readonly immediate: { readonly at: number; readonly bytes: number } | null;
  readonly hasRex: boolean;
  /**
   * The instruction means the same at another place: it is neither a branch nor relative to rip.
   */
  readonly isMovable: boolean;
}

/**
 * One kind of change: what it did, or null if the instruction has nothing to change in this way.
 */
type Change = (code: Uint8Array, piece: Piece, index: number) => string | null;

const DISPLACEMENTS = [
  0, 1, 7, 8, 15, 16, 127, -1, -8, -128, 0x7fffffff, -0x80000000, 0x10000, 0x1000000, -0x10000000,
  0x0ffffff8, 0x10000000,
];
const CHANGES_MAX = 3;

/**
 * Changes machine code in place, keeping its length: what a compiler with a mistake, or with bad
 * intentions, might have emitted instead.
 */
export class CodeMutator {
  private readonly pieces: readonly Piece[];
  private readonly changes: readonly (readonly [kind: string, change: Change])[] = [
    ["byte", (code) => this.byte(code)],
    ["register", (code, piece) => this.bits(code, piece.registers, piece)],
    ["scale", (code, piece) => this.bits(code, piece.registers + 1, piece)],
    ["high register", (code, piece) => this.rex(code, piece, 1 << this.random.below(3))],
    ["width", (code, piece) => this.rex(code, piece, 8)],
    ["condition", (code, piece) => this.condition(code, piece)],
    ["displacement", (code, piece) => this.number(code, piece.displacement)],
    ["immediate", (code, piece) => this.number(code, piece.immediate)],
    ["opcode", (code, piece) => this.opcode(code, piece)],
    ["dropped", (code, piece) => fill(code, piece.start, piece.length)],
    ["duplicate", (code, piece, index) => this.duplicate(code, piece, index)],
    ["reordered", (code, piece, index) => this.reorder(code, piece, index)],
    ["replaced", (code, piece) => this.replace(code, piece)],
  ];

  constructor(
    private readonly original: Uint8Array,
    private readonly random: Random,
  ) {
    this.pieces = readPieces(original);
  }

  /** Makes one to three changes of one kind, or of several. */
  mutate(code: Uint8Array): { kind: string; changes: string[] } {
    const { random } = this;
    const first = random.pick(this.changes);
    const made: string[] = [];
    let kind = first[0];
    const wanted = random.chance(70) ? 1 : 1 + random.below(CHANGES_MAX);
    for (let tries = 0; made.length < wanted && tries < 1000; tries++) {
      const [name, change] = made.length === 0 ? first : random.pick(this.changes);
      const index = random.below(this.pieces.length);
      const piece = this.pieces[index]!;
      const what = change(code, piece, index);
      if (what === null) continue;
      made.push(`${name} at ${piece.start}: ${what}`);
      if (made.length > 1) kind = "several";
    }
    return { kind, changes: made };
  }

  private byte(code: Uint8Array): string {
    const at = this.random.below(code.length);
    code[at] = this.random.chance(50)
      ? code[at]! ^ (1 << this.random.below(8))
      : this.random.below(256);
    return `byte ${at} is ${code[at]}`;
  }

  private bits(code: Uint8Array, at: number, { start, length }: Piece): string | null {
    if (at >= start + length) return null;
    code[at] =
      code[at]! ^
      (this.random.chance(60) ? 1 + this.random.below(7) : (1 + this.random.below(31)) << 3);
    return `byte ${at} is ${code[at]}`;
  }

  private rex(code: Uint8Array, { hasRex, opcode }: Piece, bits: number): string | null {
    if (!hasRex) return null;
    code[opcode - 1] = code[opcode - 1]! ^ bits;
    return `REX is ${code[opcode - 1]}`;
  }

  private condition(code: Uint8Array, { opcode }: Piece): string | null {
    const isLong = code[opcode] === 0x0f;
    const at = isLong ? opcode + 1 : opcode;
    const row = code[at]! & 0xf0;
    if (isLong ? row !== 0x40 && row !== 0x80 && row !== 0x90 : row !== 0x70) return null;
    code[at] = row | this.random.below(16);
    return `opcode is ${code[at]}`;
  }

  private number(code: Uint8Array, part: Piece["displacement"]): string | null {
    if (part === null || part.bytes > 4) return null;
    const view = new DataView(code.buffer, code.byteOffset + part.at, part.bytes);
    const old =
      part.bytes === 1
        ? view.getInt8(0)
        : part.bytes === 2
          ? view.getInt16(0, true)
          : view.getInt32(0, true);
    const value = this.random.chance(50)
      ? this.random.pick(DISPLACEMENTS)
      : old + this.random.below(33) - 16;
    if (part.bytes === 1) view.setInt8(0, value);
    else if (part.bytes === 2) view.setInt16(0, value, true);
    else view.setInt32(0, value, true);
    return `${old} is ${value}`;
  }

  /** Another operation of the same shape. */
  private opcode(code: Uint8Array, { opcode, start, length }: Piece): string | null {
    const at = code[opcode] === 0x0f && opcode + 1 < start + length ? opcode + 1 : opcode;
    code[at] = code[at]! ^ this.random.pick([1, 2, 3, 8, 16, 24, 32, 40, 48, 56]);
    return `opcode is ${code[at]}`;
  }

  private duplicate(code: Uint8Array, piece: Piece, index: number): string | null {
    const next = this.pieces[index + 1];
    if (
      next === undefined ||
      !piece.isMovable ||
      next.length < piece.length ||
      next.length === piece.length + 1
    )
      return null;
    code.copyWithin(next.start, piece.start, piece.start + piece.length);
    fill(code, next.start + piece.length, next.length - piece.length);
    return "in the place of the next";
  }

  private reorder(code: Uint8Array, piece: Piece, index: number): string | null {
    const next = this.pieces[index + 1];
    if (next === undefined || !piece.isMovable || !next.isMovable) return null;
    const [left, right] = [
      code.slice(piece.start, piece.start + piece.length),
      code.slice(next.start, next.start + next.length),
    ];
    code.set(right, piece.start);
    code.set(left, piece.start + right.length);
    return "behind the next";
  }

  /** Replaces the instruction by one from another place. */
  private replace(code: Uint8Array, piece: Piece): string | null {
    const other = this.random.pick(this.pieces);
    if (!other.isMovable || other.length > piece.length || other.length + 1 === piece.length)
      return null;
    code.set(this.original.subarray(other.start, other.start + other.length), piece.start);
    fill(code, piece.start + other.length, piece.length - other.length);
    return `is what stands at ${other.start}`;
  }
}

/** Instructions that do next to nothing: tests of a register, and for one byte the sign of eax. */
function fill(code: Uint8Array, start: number, length: number): string {
  const filler = length === 1 ? [0x99] : length % 2 === 0 ? [] : [0x48, 0x85, 0xc0];
  while (filler.length < length) filler.push(0x85, 0xc0);
  code.set(filler, start);
  return "filled";
}

function readPieces(code: Uint8Array): Piece[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  const pieces: Piece[] = [];
  let start = 0;
  while (decoder.canDecode) {
    decoder.decodeOut(instruction);
    const { length } = instruction;
    if (instruction.code !== Code.INVALID && instruction.code !== Code.Int3) {
      const offsets = decoder.getConstantOffsets(instruction);
      const opcode = start + prefixBytes(code.subarray(start, start + length));
      pieces.push({
        start,
        length,
        opcode,
        registers: opcode + (code[opcode] === 0x0f ? 2 : 1),
        displacement: offsets.hasDisplacement
          ? { at: start + offsets.displacementOffset, bytes: offsets.displacementSize }
          : null,
        immediate: offsets.hasImmediate
          ? { at: start + offsets.immediateOffset, bytes: offsets.immediateSize }
          : null,
        hasRex: opcode > start && (code[opcode - 1]! & 0xf0) === 0x40,
        isMovable:
          instruction.flowControl === FlowControl.Next && instruction.memoryBase !== Register.RIP,
      });
      offsets.free();
    }
    start += length;
  }
  instruction.free();
  decoder.free();
  return pieces;
}

function prefixBytes(bytes: Uint8Array): number {
  let count = 0;
  while ([0x66, 0x67, 0xf2, 0xf3, 0x64].includes(bytes[count]!)) count++;
  return (bytes[count]! & 0xf0) === 0x40 ? count + 1 : count;
}
