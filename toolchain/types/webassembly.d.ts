// The part of the WebAssembly interface that the tools and tests use. TypeScript has it only among
// the types of browsers, which would also declare a few hundred global names that Node does not
// have.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static exports(
      module: Module,
    ): { name: string; kind: "function" | "table" | "memory" | "global" }[];
    static imports(
      module: Module,
    ): { module: string; name: string; kind: "function" | "table" | "memory" | "global" }[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    constructor(descriptor: {
      element: "anyfunc" | "externref";
      initial: number;
      maximum?: number;
    });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(count: number): number;
  }
  class Global<T = number | bigint> {
    constructor(descriptor: { value: "i32" | "i64" | "f32" | "f64"; mutable?: boolean }, value?: T);
    value: T;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
  type ExportValue = Function | Memory | Table | Global;
  type Exports = Record<string, ExportValue>;
  type ImportValue = Function | Memory | Table | Global | number | bigint;
  type Imports = Record<string, Record<string, ImportValue>>;
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
  function instantiate(
    bytes: Uint8Array,
    imports?: Imports,
  ): Promise<{ module: Module; instance: Instance }>;
}
