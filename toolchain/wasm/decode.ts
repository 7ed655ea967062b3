/**
 * Decodes the sections of a wasm binary: core 2.0 without vector instructions. Function bodies are
 * delimited here, not decoded. Input may be hostile: time and memory are linear in its length, and
 * malformed input is refused with its offset.
 */
import { WasmOp } from "./instruction-set.ts";
import { InstructionReader } from "./instruction-reader.ts";
import { decodeNames } from "./names.ts";
import {
  type ConstantExpression,
  type DataSegment,
  type ElementSegment,
  type Export,
  type FunctionBody,
  type FunctionType,
  type GlobalDefinition,
  type GlobalType,
  type Import,
  type Limits,
  type SegmentPlace,
  type TableType,
  ValueType,
  type WasmModule,
} from "./types.ts";

/** Larger modules are refused: offsets stay below 2^31, and nothing that we compile comes near. */
const MODULE_BYTES_MAX = 256 * 1024 * 1024;
/** Locals of one function, parameters included; the number that engines agree on. */
const LOCALS_MAX = 50_000;
/** Parameters or results of one type; the number that engines agree on. */
const TYPE_WIDTH_MAX = 1_000;
/** Entries of one table; each takes 16 bytes outside linear memory. */
const TABLE_ENTRIES_MAX = 1_000_000;
/** Pages of a 4 GiB memory. */
const MEMORY_PAGES_MAX = 65_536;

/** Sections in the order in which they must come; the data count stands before the code. */
const SECTION_ORDER = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
];
const SECTION_RANK = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10];
const EXPORT_KINDS = ["function", "table", "memory", "global"] as const;

export function decodeModule(bytes: Uint8Array, file = "module.wasm"): WasmModule {
  return new ModuleDecoder(bytes, file).decode();
}

class ModuleDecoder {
  private readonly reader: InstructionReader;
  private readonly types: FunctionType[] = [];
  private readonly imports: Import[] = [];
  private readonly functionTypes: number[] = [];
  private readonly tables: TableType[] = [];
  private readonly memories: Limits[] = [];
  private readonly globals: GlobalType[] = [];
  private readonly globalDefinitions: GlobalDefinition[] = [];
  private readonly exports: Export[] = [];
  private readonly elements: ElementSegment[] = [];
  private readonly data: DataSegment[] = [];
  private readonly bodies: FunctionBody[] = [];
  private readonly customSections = new Map<string, Uint8Array>();
  private importedFunctionCount = 0;
  private importedGlobalCount = 0;
  private start: number | null = null;
  private dataCount: number | null = null;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.reader = new InstructionReader(bytes, file);
  }

  decode(): WasmModule {
    const { reader, bytes } = this;
    if (bytes.length > MODULE_BYTES_MAX) reader.fail(`a module may have ${MODULE_BYTES_MAX} bytes`);
    if (bytes.length < 8 || [0, 0x61, 0x73, 0x6d].some((byte, i) => bytes[i] !== byte))
      reader.fail("not a wasm binary");
    if ([1, 0, 0, 0].some((byte, i) => bytes[4 + i] !== byte))
      reader.fail("unknown version of the binary format", 4);
    reader.position = 8;

    let rank = 0;
    while (!reader.isAtEnd) {
      const offset = reader.position;
      const id = reader.byte();
      const length = reader.u32();
      if (length > bytes.length - reader.position)
        reader.fail("section reaches beyond the module", offset);
      const end = reader.position + length;
      if (id >= SECTION_ORDER.length) reader.fail(`unknown section ${id}`, offset);
      if (id !== 0) {
        if (SECTION_RANK[id]! <= rank)
          reader.fail(`section ${SECTION_ORDER[id]} is out of order or repeated`, offset);
        rank = SECTION_RANK[id]!;
      }
      reader.end = end;
      this.section(id);
      if (reader.position !== end) reader.fail(`section ${SECTION_ORDER[id]} has bytes left over`);
      reader.end = bytes.length;
    }
    const definedCount = this.functionTypes.length - this.importedFunctionCount;
    if (this.bodies.length !== definedCount)
      reader.fail(`${definedCount} functions are declared and ${this.bodies.length} have code`);
    if (this.dataCount !== null && this.dataCount !== this.data.length)
      reader.fail("data count differs from the data section");

    const names = decodeNames(this.customSections.get("name"), this.file);
    return {
      bytes,
      file: this.file,
      types: this.types,
      imports: this.imports,
      functionTypes: this.functionTypes,
      importedFunctionCount: this.importedFunctionCount,
      tables: this.tables,
      memories: this.memories,
      globals: this.globals,
      importedGlobalCount: this.importedGlobalCount,
      globalDefinitions: this.globalDefinitions,
      exports: this.exports,
      start: this.start,
      elements: this.elements,
      data: this.data,
      hasDataCount: this.dataCount !== null,
      bodies: this.bodies,
      functionNames: names.functions,
      globalNames: names.globals,
      localNames: names.locals,
      customSections: this.customSections,
    };
  }

  private section(id: number): void {
    const { reader } = this;
    switch (id) {
      case 0: {
        const name = reader.name();
        const content = reader.take(reader.end - reader.position);
        if (!this.customSections.has(name)) this.customSections.set(name, content);
        return;
      }
      case 1:
        return this.each(() => this.types.push(this.functionType()));
      case 2:
        return this.each(() => this.import());
      case 3:
        return this.each(() => this.functionTypes.push(this.typeIndex()));
      case 4:
        return this.each(() => this.tables.push(this.tableType()));
      case 5:
        return this.each(() => this.memories.push(this.limits(MEMORY_PAGES_MAX)));
      case 6:
        return this.each(() => this.global());
      case 7:
        return this.each(() => this.export());
      case 8:
        this.start = reader.u32();
        return;
      case 9:
        return this.each(() => this.element());
      case 10:
        return this.code();
      case 11:
        return this.each(() => this.dataSegment());
      case 12:
        this.dataCount = reader.u32();
        return;
    }
  }

  private each(decodeOne: () => unknown): void {
    for (let left = this.reader.count(); left > 0; left--) decodeOne();
  }

  private functionType(): FunctionType {
    const { reader } = this;
    if (reader.byte() !== 0x60)
      reader.fail("only function types are supported", reader.position - 1);
    return { parameters: this.valueTypes(), results: this.valueTypes() };
  }

  private valueTypes(): ValueType[] {
    const { reader } = this;
    const start = reader.position;
    const count = reader.count();
    if (count > TYPE_WIDTH_MAX)
      reader.fail(`a type may have ${TYPE_WIDTH_MAX} parameters or results`, start);
    return Array.from({ length: count }, () => reader.valueType());
  }

  private typeIndex(): number {
    const { reader } = this;
    const start = reader.position;
    const index = reader.u32();
    if (index >= this.types.length) reader.fail(`type ${index} does not exist`, start);
    return index;
  }

  private import(): void {
    const { reader } = this;
    const offset = reader.position;
    const module = reader.name();
    const name = reader.name();
    const kind = reader.byte();
    if (kind === 0) {
      const typeIndex = this.typeIndex();
      this.imports.push({ module, name, offset, kind: "function", typeIndex });
      this.functionTypes.push(typeIndex);
      this.importedFunctionCount++;
    } else if (kind === 1) {
      const table = this.tableType();
      this.imports.push({ module, name, offset, kind: "table", table });
      this.tables.push(table);
    } else if (kind === 2) {
      const memory = this.limits(MEMORY_PAGES_MAX);
      this.imports.push({ module, name, offset, kind: "memory", memory });
      this.memories.push(memory);
    } else if (kind === 3) {
      const global = this.globalType();
      this.imports.push({ module, name, offset, kind: "global", global });
      this.globals.push(global);
      this.importedGlobalCount++;
    } else reader.fail(`unknown kind of import ${kind}`, reader.position - 1);
  }

  private tableType(): TableType {
    const elementType = this.referenceType();
    return { elementType, ...this.limits(2 ** 32 - 1, TABLE_ENTRIES_MAX) };
  }

  private referenceType(): ValueType {
    const { reader } = this;
    const start = reader.position;
    const type = reader.valueType();
    if (type !== ValueType.FunctionReference && type !== ValueType.ExternalReference)
      reader.fail("expected a reference type", start);
    return type;
  }

  private limits(largest: number, largestMinimum = largest): Limits {
    const { reader } = this;
    const start = reader.position;
    const flags = reader.byte();
    if (flags > 1)
      reader.fail(
        flags === 3 ? "shared memories are not supported" : `unknown kind of limits ${flags}`,
        start,
      );
    const minimum = reader.u32();
    const maximum = flags === 1 ? reader.u32() : null;
    if (minimum > largestMinimum)
      reader.fail(`the minimum may be at most ${largestMinimum}`, start);
    if (maximum !== null && (maximum < minimum || maximum > largest))
      reader.fail("the maximum is out of range", start);
    return { minimum, maximum };
  }

  private globalType(): GlobalType {
    const { reader } = this;
    const type = reader.valueType();
    const flag = reader.byte();
    if (flag > 1) reader.fail("malformed mutability", reader.position - 1);
    return { type, mutable: flag === 1 };
  }

  private global(): void {
    const type = this.globalType();
    this.globals.push(type);
    this.globalDefinitions.push({ ...type, initial: this.constantExpression() });
  }

  private constantExpression(): ConstantExpression {
    const { reader } = this;
    reader.next();
    const expression = this.constant(reader.offset);
    reader.next();
    if (reader.opcode !== WasmOp.End)
      reader.fail("a constant expression is one instruction", reader.offset);
    return expression;
  }

  private constant(offset: number): ConstantExpression {
    const { reader } = this;
    switch (reader.opcode) {
      case WasmOp.I32Const:
        return { kind: "i32", bits: BigInt.asUintN(32, reader.constant), offset };
      case WasmOp.I64Const:
        return { kind: "i64", bits: BigInt.asUintN(64, reader.constant), offset };
      case WasmOp.F32Const:
        return { kind: "f32", bits: reader.constant, offset };
      case WasmOp.F64Const:
        return { kind: "f64", bits: reader.constant, offset };
      case WasmOp.GlobalGet:
        return { kind: "global", index: reader.index, offset };
      case WasmOp.RefFunc:
        return { kind: "function", index: reader.index, offset };
      case WasmOp.RefNull:
        return { kind: "null", type: reader.selectType, offset };
      default:
        return reader.fail("not a constant expression", offset);
    }
  }

  private export(): void {
    const { reader } = this;
    const offset = reader.position;
    const name = reader.name();
    const kind = EXPORT_KINDS[reader.byte()];
    if (kind === undefined) reader.fail("unknown kind of export", reader.position - 1);
    this.exports.push({ name, kind, index: reader.u32(), offset });
  }

  private element(): void {
    const { reader } = this;
    const offset = reader.position;
    const flags = reader.u32();
    if (flags > 7) reader.fail(`unknown kind of element segment ${flags}`, offset);
    const isActive = (flags & 1) === 0;
    const hasIndex = (flags & 2) !== 0;
    const usesExpressions = (flags & 4) !== 0;
    const mode = isActive ? "active" : hasIndex ? "declarative" : "passive";
    let place: SegmentPlace | null = null;
    if (isActive) place = { index: hasIndex ? reader.u32() : 0, offset: this.constantExpression() };

    let elementType = ValueType.FunctionReference;
    if (!isActive || hasIndex) {
      if (usesExpressions) elementType = this.referenceType();
      else if (reader.byte() !== 0) reader.fail("unknown kind of element", reader.position - 1);
    }
    const entries: ConstantExpression[] = [];
    this.each(() => {
      if (usesExpressions) return entries.push(this.constantExpression());
      return entries.push({ kind: "function", offset: reader.position, index: reader.u32() });
    });
    this.elements.push({ mode, place, elementType, entries, offset });
  }

  private code(): void {
    const { reader } = this;
    const offset = reader.position;
    const count = reader.count();
    const declared = this.functionTypes.length - this.importedFunctionCount;
    if (count !== declared)
      reader.fail(`${declared} functions are declared and ${count} have code`, offset);
    for (let i = 0; i < count; i++) this.body(this.functionTypes[this.importedFunctionCount + i]!);
  }

  private body(typeIndex: number): void {
    const { reader } = this;
    const offset = reader.position;
    const length = reader.u32();
    if (length > reader.end - reader.position)
      reader.fail("function reaches beyond its section", offset);
    const end = reader.position + length;
    const sectionEnd = reader.end;
    reader.end = end;
    const localTypes = [...this.types[typeIndex]!.parameters];
    for (let groups = reader.count(); groups > 0; groups--) {
      const start = reader.position;
      const count = reader.u32();
      const type = reader.valueType();
      if (localTypes.length + count > LOCALS_MAX)
        reader.fail(`a function may have ${LOCALS_MAX} locals`, start);
      for (let i = 0; i < count; i++) localTypes.push(type);
    }
    this.bodies.push({ typeIndex, localTypes, start: reader.position, end });
    reader.position = end;
    reader.end = sectionEnd;
  }

  private dataSegment(): void {
    const { reader } = this;
    const offset = reader.position;
    const flags = reader.u32();
    if (flags > 2) reader.fail(`unknown kind of data segment ${flags}`, offset);
    let place: SegmentPlace | null = null;
    if (flags !== 1)
      place = { index: flags === 2 ? reader.u32() : 0, offset: this.constantExpression() };
    this.data.push({ place, bytes: reader.take(reader.u32()), offset });
  }
}
