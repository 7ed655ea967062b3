/** Value types by their code in the binary. */
export enum ValueType {
  I32 = 0x7f,
  I64 = 0x7e,
  F32 = 0x7d,
  F64 = 0x7c,
  FunctionReference = 0x70,
  ExternalReference = 0x6f,
}

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface Limits {
  readonly minimum: number;
  readonly maximum: number | null;
}

export interface TableType extends Limits {
  readonly elementType: ValueType;
}

export interface GlobalType {
  readonly type: ValueType;
  readonly mutable: boolean;
}

export type Import = { readonly module: string; readonly name: string; readonly offset: number } & (
  | { readonly kind: "function"; readonly typeIndex: number }
  | { readonly kind: "table"; readonly table: TableType }
  | { readonly kind: "memory"; readonly memory: Limits }
  | { readonly kind: "global"; readonly global: GlobalType }
);

export interface Export {
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global";
  readonly index: number;
  readonly offset: number;
}

/** A constant expression: one instruction, as all of this version of the standard are. */
export type ConstantExpression = { readonly offset: number } & (
  | { readonly kind: "i32" | "i64" | "f32" | "f64"; readonly bits: bigint }
  | { readonly kind: "global"; readonly index: number }
  | { readonly kind: "function"; readonly index: number }
  | { readonly kind: "null"; readonly type: ValueType }
);

export interface GlobalDefinition extends GlobalType {
  readonly initial: ConstantExpression;
}

export interface SegmentPlace {
  /** Index of the table or memory. */
  readonly index: number;
  readonly offset: ConstantExpression;
}

export interface ElementSegment {
  readonly mode: "active" | "passive" | "declarative";
  readonly place: SegmentPlace | null;
  readonly elementType: ValueType;
  readonly entries: readonly ConstantExpression[];
  readonly offset: number;
}

export interface DataSegment {
  readonly place: SegmentPlace | null;
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/**
 * The body of a function: where its instructions lie in the module and which locals it adds to its
 * parameters.
 */
export interface FunctionBody {
  readonly typeIndex: number;
  /** Parameters first. */
  readonly localTypes: readonly ValueType[];
  /** Offset of the first instruction, and of the byte behind the last `end`. */
  readonly start: number;
  readonly end: number;
}

/** A decoded module. Index spaces start with the imports, as in the standard. */
export interface WasmModule {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly types: readonly FunctionType[];
  readonly imports: readonly Import[];
  /** Type index of each function, imports first. */
  readonly functionTypes: readonly number[];
  readonly importedFunctionCount: number;
  readonly tables: readonly TableType[];
  readonly memories: readonly Limits[];
  readonly globals: readonly GlobalType[];
  readonly importedGlobalCount: number;
  readonly globalDefinitions: readonly GlobalDefinition[];
  readonly exports: readonly Export[];
  readonly start: number | null;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  readonly hasDataCount: boolean;
  readonly bodies: readonly FunctionBody[];
  /** From the custom section `name`. */
  readonly functionNames: ReadonlyMap<number, string>;
  readonly globalNames: ReadonlyMap<number, string>;
  readonly localNames: ReadonlyMap<number, ReadonlyMap<number, string>>;
  /** Custom sections by name, for debug information. */
  readonly customSections: ReadonlyMap<string, Uint8Array>;
}
