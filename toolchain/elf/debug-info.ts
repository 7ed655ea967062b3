import type { ParameterPlaces } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { ByteWriter } from "./byte-writer.ts";
import { DWARF_REGISTER } from "./debug-frame.ts";
import type { FileNumbers } from "./debug-line.ts";
import { RelocationType, SectionType } from "./format.ts";
import type { RelocatableFile, Section } from "./relocatable.ts";
import { TEXT_START_SYMBOL, sourceRows, type PlacedFunction, type Text } from "./text-section.ts";

// DWARF 4, section 7.
enum Tag {
  FormalParameter = 0x05,
  BaseType = 0x24,
  CompileUnit = 0x11,
  InlinedSubroutine = 0x1d,
  Subprogram = 0x2e,
}
enum Attribute {
  Location = 0x02,
  ByteSize = 0x0b,
  Encoding = 0x3e,
  Type = 0x49,
  Name = 0x03,
  StatementList = 0x10,
  LowPc = 0x11,
  HighPc = 0x12,
  Language = 0x13,
  CompilationDirectory = 0x1b,
  Inline = 0x20,
  Producer = 0x25,
  AbstractOrigin = 0x31,
  DeclarationFile = 0x3a,
  DeclarationLine = 0x3b,
  FrameBase = 0x40,
  Ranges = 0x55,
  CallFile = 0x58,
  CallLine = 0x59,
  LinkageName = 0x6e,
}
enum Form {
  Address = 0x01,
  Data2 = 0x05,
  Data4 = 0x06,
  String = 0x08,
  Data1 = 0x0b,
  UnsignedLeb = 0x0f,
  Reference4 = 0x13,
  SectionOffset = 0x17,
  ExpressionLocation = 0x18,
}

enum Abbreviation {
  CompileUnit = 1,
  Function,
  FunctionWithChildren,
  AbstractFunction,
  Inlined,
  InlinedWithInlined,
  FunctionWithoutLine,
  BaseType,
  Parameter,
}

type Shape = readonly [
  abbreviation: Abbreviation,
  tag: Tag,
  hasChildren: boolean,
  attributes: readonly (readonly [Attribute, Form])[],
];

const NAMES = [
  [Attribute.Name, Form.String],
  [Attribute.LinkageName, Form.String],
] as const;
const DECLARATION = [
  [Attribute.DeclarationFile, Form.UnsignedLeb],
  [Attribute.DeclarationLine, Form.UnsignedLeb],
] as const;
const PLACE = [
  [Attribute.LowPc, Form.Address],
  [Attribute.HighPc, Form.Data4],
] as const;
const FRAME = [[Attribute.FrameBase, Form.ExpressionLocation]] as const;
const INLINED = [
  [Attribute.AbstractOrigin, Form.Reference4],
  [Attribute.Ranges, Form.SectionOffset],
  [Attribute.CallFile, Form.UnsignedLeb],
  [Attribute.CallLine, Form.UnsignedLeb],
] as const;

const SHAPES: readonly Shape[] = [
  [
    Abbreviation.CompileUnit,
    Tag.CompileUnit,
    true,
    [
      [Attribute.Producer, Form.String],
      [Attribute.Language, Form.Data2],
      [Attribute.Name, Form.String],
      [Attribute.CompilationDirectory, Form.String],
      [Attribute.LowPc, Form.Address],
      [Attribute.HighPc, Form.Data4],
      [Attribute.StatementList, Form.SectionOffset],
    ],
  ],
  [Abbreviation.Function, Tag.Subprogram, false, [...NAMES, ...DECLARATION, ...PLACE, ...FRAME]],
  [
    Abbreviation.FunctionWithChildren,
    Tag.Subprogram,
    true,
    [...NAMES, ...DECLARATION, ...PLACE, ...FRAME],
  ],
  [Abbreviation.FunctionWithoutLine, Tag.Subprogram, false, [...NAMES, ...PLACE, ...FRAME]],
  [
    Abbreviation.AbstractFunction,
    Tag.Subprogram,
    false,
    [...NAMES, [Attribute.Inline, Form.Data1]],
  ],
  [Abbreviation.Inlined, Tag.InlinedSubroutine, false, INLINED],
  [Abbreviation.InlinedWithInlined, Tag.InlinedSubroutine, true, INLINED],
  [
    Abbreviation.BaseType,
    Tag.BaseType,
    false,
    [
      [Attribute.Name, Form.String],
      [Attribute.ByteSize, Form.Data1],
      [Attribute.Encoding, Form.Data1],
    ],
  ],
  [
    Abbreviation.Parameter,
    Tag.FormalParameter,
    false,
    [
      [Attribute.Name, Form.String],
      [Attribute.Type, Form.Reference4],
      [Attribute.Location, Form.SectionOffset],
    ],
  ],
];

/** What a value is by its size: signs and classes of the source do not reach us. */
const BASE_TYPES = { 4: "u32", 8: "u64" } as const;
/** DW_ATE_unsigned. */
const UNSIGNED = 7;
/** DW_OP_reg0, and DW_OP_fbreg: bytes from the frame base, which is the call frame's address. */
const IN_REGISTER = 0x50;
const IN_FRAME = 0x91;

/** DW_LANG_C99: the nearest that debuggers know; names and numbers look as expected. */
const LANGUAGE = 0x0c;
/** DW_INL_inlined. */
const WAS_INLINED = 1;
/** DW_OP_call_frame_cfa. */
const CALL_FRAME = 0x9c;

/**
 * `.debug_info`, `.debug_abbrev`, `.debug_ranges`, `.debug_loc`: one compilation unit, its
 * functions, where their parameters are, and what was inlined into each.
 */
export function writeDebugInfo(
  file: RelocatableFile,
  module: IrModule,
  text: Text,
  files: FileNumbers,
): void {
  writeAbbreviations(file);
  const ranges = file.section(".debug_ranges", SectionType.ProgramBits, 0, 1);
  const section = file.section(".debug_info", SectionType.ProgramBits, 0, 1);
  const locations = file.section(".debug_loc", SectionType.ProgramBits, 0, 1);
  for (const name of [".debug_abbrev", ".debug_ranges", ".debug_loc"]) file.sectionSymbol(name);
  const { content } = section;

  content.u32(0);
  content.u16(4);
  sectionOffset(section, ".debug_abbrev", 0);
  content.u8(8);

  content.uleb(Abbreviation.CompileUnit);
  content.text("trine");
  content.u16(LANGUAGE);
  content.text(module.name);
  content.text(".");
  address(section, 0);
  content.u32(text.bytes);
  sectionOffset(section, ".debug_line", 0);

  const types = { 4: writeBaseType(section, 4), 8: writeBaseType(section, 8) };
  const abstractOrigins = writeAbstractFunctions(section, module, text);
  for (const placed of text.functions) {
    const declaration = sourceRows(module, placed)[0]?.position;
    const inlined = inlinedTree(placed);
    const { parameters } = placed.code;
    const hasChildren = inlined.length > 0 || parameters.length > 0;
    content.uleb(
      declaration === undefined
        ? Abbreviation.FunctionWithoutLine
        : hasChildren
          ? Abbreviation.FunctionWithChildren
          : Abbreviation.Function,
    );
    content.text(shortName(placed.code.name));
    content.text(placed.code.name);
    if (declaration !== undefined) {
      content.uleb(files.of(declaration.file));
      content.uleb(declaration.line);
    }
    address(section, placed.start);
    content.u32(placed.end - placed.start);
    content.uleb(1);
    content.u8(CALL_FRAME);
    if (declaration !== undefined && hasChildren) {
      for (const parameter of parameters)
        writeParameter(section, locations, placed.start, parameter, types);
      for (const call of inlined)
        writeInlined(section, ranges, module, placed, call, abstractOrigins, files);
      content.u8(0);
    }
  }
  content.u8(0);
  content.patchU32(0, content.length - 4);
}

/** The last part of `kernel/entry/call/fastCall`; the path inside type arguments stays. */
function shortName(name: string): string {
  const bracket = name.indexOf("<");
  const path = name.slice(0, bracket < 0 ? name.length : bracket);
  return name.slice(path.lastIndexOf("/") + 1);
}

interface InlinedCall {
  readonly functionIndex: number;
  readonly origin: number;
  /** Text section offsets, ascending, not touching. */
  readonly ranges: (readonly [number, number])[];
  readonly children: InlinedCall[];
}

/**
 * Which code belongs to which inlined call, outermost calls first; calls of which no code is left
 * are absent.
 */
function inlinedTree(placed: PlacedFunction): InlinedCall[] {
  const { lines, inlinedCalls, bytes } = placed.code;
  const ranges: [number, number][][] = inlinedCalls.map(() => []);
  lines.forEach((line, index) => {
    const end = lines[index + 1]?.offset ?? bytes.length;
    if (end === line.offset) return;
    for (let call = line.inlinedAt; call >= 0; call = inlinedCalls[call]!.inlinedAt) {
      const last = ranges[call]!.at(-1);
      if (last !== undefined && last[1] === placed.start + line.offset)
        last[1] = placed.start + end;
      else ranges[call]!.push([placed.start + line.offset, placed.start + end]);
    }
  });
  const nodes: InlinedCall[] = inlinedCalls.map((call, index) => ({
    ...call,
    ranges: ranges[index]!,
    children: [],
  }));
  const roots: InlinedCall[] = [];
  inlinedCalls.forEach((call, index) => {
    if (nodes[index]!.ranges.length > 0)
      (call.inlinedAt < 0 ? roots : nodes[call.inlinedAt]!.children).push(nodes[index]!);
  });
  return roots;
}

/**
 * Functions that were inlined somewhere; returns the offset of each one's entry, by function index.
 */
function writeAbstractFunctions(
  section: Section,
  module: IrModule,
  text: Text,
): Map<number, number> {
  const offsets = new Map<number, number>();
  for (const { code } of text.functions) {
    for (const { functionIndex } of code.inlinedCalls) {
      if (offsets.has(functionIndex)) continue;
      offsets.set(functionIndex, section.content.length);
      const name = module.functions[functionIndex]?.name ?? `function${functionIndex}`;
      section.content.uleb(Abbreviation.AbstractFunction);
      section.content.text(shortName(name));
      section.content.text(name);
      section.content.u8(WAS_INLINED);
    }
  }
  return offsets;
}

function writeInlined(
  section: Section,
  ranges: Section,
  module: IrModule,
  placed: PlacedFunction,
  call: InlinedCall,
  abstractOrigins: Map<number, number>,
  files: FileNumbers,
): void {
  const { content } = section;
  const position = call.origin < 0 ? null : module.sourceOf(call.origin);
  content.uleb(call.children.length > 0 ? Abbreviation.InlinedWithInlined : Abbreviation.Inlined);
  content.u32(abstractOrigins.get(call.functionIndex)!);
  sectionOffset(section, ".debug_ranges", ranges.content.length);
  content.uleb(position === null ? 0 : files.of(position.file));
  content.uleb(position === null ? 0 : position.line);
  // Offsets count from the low pc of the compilation unit, the start of the text section.
  for (const [start, end] of call.ranges) {
    ranges.content.u64(start);
    ranges.content.u64(end);
  }
  ranges.content.u64(0);
  ranges.content.u64(0);
  if (call.children.length === 0) return;
  for (const child of call.children)
    writeInlined(section, ranges, module, placed, child, abstractOrigins, files);
  content.u8(0);
}

function writeBaseType({ content }: Section, bytes: 4 | 8): number {
  const offset = content.length;
  content.uleb(Abbreviation.BaseType);
  content.text(BASE_TYPES[bytes]);
  content.u8(bytes);
  content.u8(UNSIGNED);
  return offset;
}

/** Where no place is given, debuggers say that the value was optimized out. */
function writeParameter(
  section: Section,
  locations: Section,
  start: number,
  { name, bytes, places }: ParameterPlaces,
  types: Readonly<Record<4 | 8, number>>,
): void {
  const { content } = section;
  content.uleb(Abbreviation.Parameter);
  content.text(name);
  content.u32(types[bytes]);
  sectionOffset(section, ".debug_loc", locations.content.length);
  for (const { from, to, place } of places) {
    const expression = new ByteWriter();
    if ("register" in place) expression.u8(IN_REGISTER + DWARF_REGISTER[place.register]!);
    else {
      expression.u8(IN_FRAME);
      expression.sleb(place.frameOffset);
    }
    // As those of ranges, these offsets count from the start of the text section.
    locations.content.u64(start + from);
    locations.content.u64(start + to);
    locations.content.u16(expression.length);
    locations.content.raw(expression.bytes());
  }
  locations.content.u64(0);
  locations.content.u64(0);
}

function writeAbbreviations(file: RelocatableFile): void {
  const { content } = file.section(".debug_abbrev", SectionType.ProgramBits, 0, 1);
  for (const [abbreviation, tag, hasChildren, attributes] of SHAPES) {
    content.uleb(abbreviation);
    content.uleb(tag);
    content.u8(hasChildren ? 1 : 0);
    for (const [attribute, form] of attributes) {
      content.uleb(attribute);
      content.uleb(form);
    }
    content.uleb(0);
    content.uleb(0);
  }
  content.uleb(0);
}

function address(section: Section, textOffset: number): void {
  section.relocations.push({
    offset: section.content.length,
    type: RelocationType.Absolute64,
    symbol: TEXT_START_SYMBOL,
    addend: textOffset,
  });
  section.content.u64(0);
}

function sectionOffset(section: Section, name: string, offset: number): void {
  section.relocations.push({
    offset: section.content.length,
    type: RelocationType.Absolute32,
    symbol: name,
    addend: offset,
  });
  section.content.u32(0);
}
