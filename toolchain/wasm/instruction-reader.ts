import { ByteReader } from "./byte-reader.ts";
import { PLAIN_OPERATIONS, unknownOpcode, WasmOp } from "./instruction-set.ts";
import { ValueType } from "./types.ts";

/** Block types are a value type, a type index, or this. */
export const EMPTY_BLOCK = -64;

/**
 * Steps through the instructions of one function body. After `next`, the fields hold the
 * instruction: which of them have a meaning follows from its opcode. Checks the encoding only;
 * `validate` checks what it means.
 */
export class InstructionReader extends ByteReader {
  opcode = 0;
  /** Offset of the instruction's first byte in the module. */
  offset = 0;
  /** Index of a function, type, local, global, label, table or segment. */
  index = 0;
  /** Second index: table of call_indirect, second table, memory or segment. */
  secondIndex = 0;
  blockType = EMPTY_BLOCK;
  alignLog2 = 0;
  memoryOffset = 0;
  /** br_table: labels, the default last. */
  labels: number[] = [];
  /** Bits of a constant; signed for integers. */
  constant = 0n;
  selectType: ValueType = ValueType.I32;

  next(): void {
    this.offset = this.position;
    let opcode = this.byte();
    if (opcode === 0xfc) opcode = WasmOp.FirstPrefixed + this.prefixed();
    this.opcode = opcode;
    switch (opcode) {
      case WasmOp.Unreachable:
      case WasmOp.Nop:
      case WasmOp.Else:
      case WasmOp.End:
      case WasmOp.Return:
      case WasmOp.Drop:
      case WasmOp.Select:
      case WasmOp.RefIsNull:
        return;
      case WasmOp.Block:
      case WasmOp.Loop:
      case WasmOp.If:
        this.blockType = this.s33();
        return;
      case WasmOp.Branch:
      case WasmOp.BranchIf:
      case WasmOp.Call:
      case WasmOp.LocalGet:
      case WasmOp.LocalSet:
      case WasmOp.LocalTee:
      case WasmOp.GlobalGet:
      case WasmOp.GlobalSet:
      case WasmOp.TableGet:
      case WasmOp.TableSet:
      case WasmOp.RefFunc:
      case WasmOp.DataDrop:
      case WasmOp.ElemDrop:
      case WasmOp.TableGrow:
      case WasmOp.TableSize:
      case WasmOp.TableFill:
        this.index = this.u32();
        return;
      case WasmOp.MemorySize:
      case WasmOp.MemoryGrow:
      case WasmOp.MemoryFill:
        this.index = this.memoryIndex();
        return;
      case WasmOp.MemoryInit:
        this.index = this.u32();
        this.secondIndex = this.memoryIndex();
        return;
      case WasmOp.MemoryCopy:
        this.index = this.memoryIndex();
        this.secondIndex = this.memoryIndex();
        return;
      case WasmOp.CallIndirect:
      case WasmOp.TableInit:
      case WasmOp.TableCopy:
        this.index = this.u32();
        this.secondIndex = this.u32();
        return;
      case WasmOp.BranchTable: {
        const count = this.count();
        this.labels = [];
        for (let i = 0; i <= count; i++) this.labels.push(this.u32());
        return;
      }
      case WasmOp.SelectTyped:
        if (this.u32() !== 1) this.fail("select takes exactly one type", this.offset);
        this.selectType = this.valueType();
        return;
      case WasmOp.RefNull:
        this.selectType = this.valueType();
        return;
      case WasmOp.I32Const:
        this.constant = BigInt(this.s32());
        return;
      case WasmOp.I64Const:
        this.constant = this.s64();
        return;
      case WasmOp.F32Const:
        this.constant = littleEndian(this.take(4));
        return;
      case WasmOp.F64Const:
        this.constant = littleEndian(this.take(8));
        return;
    }
    if (opcode >= WasmOp.I32Load && opcode <= WasmOp.I64Store32) {
      this.alignLog2 = this.u32();
      // Bit 6 is the multi-memory proposal's: the index of a memory would follow.
      if ((this.alignLog2 & 64) !== 0) this.fail("several memories are not supported", this.offset);
      if (this.alignLog2 >= 32) this.fail("malformed alignment", this.offset);
      this.memoryOffset = this.u32();
      return;
    }
    if (!PLAIN_OPERATIONS.has(opcode)) this.fail(unknownOpcode(opcode), this.offset);
  }

  valueType(): ValueType {
    const start = this.position;
    const code = this.byte();
    if (code === 0x7b) this.fail("vector types (SIMD) are not supported", start);
    if (ValueType[code] === undefined)
      this.fail(`0x${code.toString(16)} is not a value type`, start);
    return code as ValueType;
  }

  /** A reserved byte in this version of the standard. */
  private memoryIndex(): number {
    if (this.byte() !== 0)
      this.fail("only memory 0 is supported: zero byte expected", this.position - 1);
    return 0;
  }

  private prefixed(): number {
    const number = this.u32();
    if (number > 0x11) this.fail(`unknown instruction 0xfc 0x${number.toString(16)}`, this.offset);
    return number;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}
