/**
 * Random, well-typed integer modules for differential tests: nested control flow with multi-value
 * blocks, br_table, memory, globals, direct and indirect calls. The same seed and size give the
 * same module. Every run ends: loops and calls burn fuel, which each export refills.
 *
 * Exports take i32 and i64 parameters and return one i64. `checksum` (no parameters) returns a hash
 * of all memory and globals; the memory and every global (`global0` …) are exported too.
 */
import { FunctionGenerator } from "./generate-function.ts";
import {
  FUEL_GLOBAL,
  type FunctionShape,
  type IntegerType,
  MEMORY_PAGES,
  type ModuleShape,
  TYPE_CODES,
} from "./module-shape.ts";
import { Random } from "./random.ts";
import { WasmWriter } from "./wasm-writer.ts";

export interface GeneratedModule {
  readonly wasm: Uint8Array;
  readonly exports: readonly { readonly name: string; readonly params: readonly IntegerType[] }[];
  /** Whether the program uses addresses below 64 KiB. */
  readonly lowPagesUsed: boolean;
}

interface GenerateOptions {
  /** Functions at least, and how many more at most. */
  readonly functions?: readonly [least: number, more: number];
  /** memory.init, data.drop, table.init and table.copy occur. Default: true. */
  readonly passiveSegments?: boolean;
}

const FUEL = 200;
const MEMORY_PAGES_MAX = 4;

/** `size` is about the number of statements in each function. */
export function generateModule(
  seed: number,
  size: number,
  options: GenerateOptions = {},
): GeneratedModule {
  const random = new Random(seed);
  const types: FunctionShape[] = [];
  const typeIndex = (shape: FunctionShape): number => {
    const key = JSON.stringify(shape);
    const known = types.findIndex((type) => JSON.stringify(type) === key);
    return known >= 0 ? known : types.push(shape) - 1;
  };
  const someTypes = (max: number): IntegerType[] =>
    Array.from({ length: random.below(max + 1) }, () => random.pick(["i32", "i64"] as const));

  const [functionsLeast, functionsMore] = options.functions ?? [2, 4];
  const functions = Array.from(
    { length: functionsLeast + random.below(functionsMore + 1) },
    (): FunctionShape => ({
      // Now and then more than fit into registers.
      parameters: someTypes(random.chance(10) ? 12 : 5),
      results: someTypes(2),
    }),
  );
  const globals = [{ type: "i32" as IntegerType, mutable: true }];
  for (let count = random.below(5); count > 0; count--)
    globals.push({ type: random.pick(["i32", "i64"] as const), mutable: random.chance(80) });
  const dataCount = 1 + random.below(3);
  const elementCount = random.chance(30) ? 2 : 1;
  // Mostly of many signatures and with null entries; now and then full, and of one signature.
  const isUniform = random.chance(20);
  const uniform = sameShape(functions, random.below(functions.length));
  const tableLength = isUniform ? uniform.length : 4 + random.below(8);
  const tableEntries = isUniform
    ? uniform
    : Array.from({ length: tableLength - 1 - random.below(2) }, () =>
        random.below(functions.length),
      );
  const isTableExported = random.chance(20);
  const shape: ModuleShape = {
    random,
    functions,
    globals,
    tableLength,
    tableEntries,
    dataCount,
    elementCount,
    passiveSegments: options.passiveSegments ?? true,
    memoryBase: random.chance(50) ? 65536 : 0,
    typeIndex,
  };
  const bodies = functions.map((fn) => new FunctionGenerator(shape, fn, size).generate());
  const wrappers = functions.map((fn, index) => wrapper(fn, index));
  const wrapperShapes = functions.map(
    ({ parameters }): FunctionShape => ({ parameters, results: ["i64"] }),
  );
  const checksumShape: FunctionShape = { parameters: [], results: ["i64"] };
  const all = [...functions, ...wrapperShapes, checksumShape];
  const indices = all.map(typeIndex);

  const module = new WasmWriter().byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const section = (id: number, write: (part: WasmWriter) => void): void => {
    const part = new WasmWriter();
    write(part);
    module.byte(id).sized(part);
  };
  section(1, (part) =>
    part.vector(types, ({ parameters, results }) => {
      part
        .byte(0x60)
        .vector(parameters, (type) => part.byte(TYPE_CODES[type]))
        .vector(results, (type) => part.byte(TYPE_CODES[type]));
    }),
  );
  section(3, (part) => part.vector(indices, (index) => part.u32(index)));
  section(4, (part) => part.byte(1, 0x70, 0).u32(shape.tableLength));
  section(5, (part) => part.byte(1, 1).u32(MEMORY_PAGES).u32(MEMORY_PAGES_MAX));
  section(6, (part) =>
    part.vector(globals, ({ type, mutable }) => {
      part
        .byte(TYPE_CODES[type], mutable ? 1 : 0, type === "i32" ? 0x41 : 0x42)
        .signed(BigInt(random.next() | 0))
        .byte(0x0b);
    }),
  );
  section(7, (part) => {
    part.u32(functions.length + 2 + globals.length + (isTableExported ? 1 : 0));
    if (isTableExported) part.name("table").byte(1, 0);
    functions.forEach((_, index) =>
      part
        .name(`run${index}`)
        .byte(0)
        .u32(functions.length + index),
    );
    part
      .name("checksum")
      .byte(0)
      .u32(functions.length * 2);
    part.name("memory").byte(2, 0);
    globals.forEach((_, index) => part.name(`global${index}`).byte(3).u32(index));
  });
  section(9, (part) => {
    // The table keeps a null entry at its end. The second segment is passive, for table.init.
    part
      .u32(elementCount)
      .byte(0, 0x41, 0, 0x0b)
      .vector(tableEntries, (entry) => part.u32(entry));
    if (elementCount > 1)
      part.byte(1, 0).vector(tableEntries.slice(0, 3), (entry) => part.u32(entry));
  });
  section(12, (part) => part.u32(dataCount));
  section(10, (part) =>
    part.vector([...bodies, ...wrappers, checksumBody(shape)], (body) => part.sized(body)),
  );
  section(11, (part) => {
    part.u32(dataCount);
    for (let i = 0; i < dataCount; i++) {
      const bytes = Array.from({ length: 8 + random.below(64) }, () => random.below(256));
      if (i === 0)
        part
          .byte(0, 0x41)
          .signed(BigInt(shape.memoryBase + random.below(32)))
          .byte(0x0b);
      else part.byte(1);
      part.vector(bytes, (byte) => part.byte(byte));
    }
  });
  return {
    wasm: Uint8Array.from(module.bytes),
    exports: functions.map(({ parameters }, index) => ({
      name: `run${index}`,
      params: parameters,
    })),
    lowPagesUsed: shape.memoryBase === 0,
  };
}

/** Functions of the same type as `functions[index]`. */
function sameShape(functions: readonly FunctionShape[], index: number): number[] {
  const key = JSON.stringify(functions[index]);
  return functions.flatMap((shape, other) => (JSON.stringify(shape) === key ? [other] : []));
}

/** Refills the fuel, calls the function and folds its results into one i64. */
function wrapper({ parameters, results }: FunctionShape, index: number): WasmWriter {
  const body = new WasmWriter();
  body.u32(1).u32(1).byte(TYPE_CODES.i64);
  const accumulator = parameters.length;
  body.byte(0x41).signed(BigInt(FUEL)).byte(0x24).u32(FUEL_GLOBAL);
  parameters.forEach((_, parameter) => body.byte(0x20).u32(parameter));
  body.byte(0x10).u32(index);
  for (const type of [...results].reverse()) {
    if (type === "i32") body.byte(0xad);
    body.byte(0x20).u32(accumulator).byte(0x42).signed(7n).byte(0x89, 0x85, 0x21).u32(accumulator);
  }
  return body.byte(0x20).u32(accumulator).byte(0x0b);
}

/** A loop over all words of memory, then the globals. */
function checksumBody({ globals }: ModuleShape): WasmWriter {
  const [address, hash] = [0, 1];
  const body = new WasmWriter();
  body.u32(2).u32(1).byte(TYPE_CODES.i32).u32(1).byte(TYPE_CODES.i64);
  // loop: hash = (rotl(hash, 9) + memory[address]) * odd; address += 8; again while address < size
  // * 65536
  body.byte(0x03, 0x40);
  body
    .byte(0x20, hash, 0x42)
    .signed(9n)
    .byte(0x89, 0x20, address, 0x29, 3, 0, 0x7c, 0x42)
    .signed(0x9e3779b97f4a7c1n)
    .byte(0x7e, 0x21, hash);
  body.byte(
    0x20,
    address,
    0x41,
    8,
    0x6a,
    0x22,
    address,
    0x3f,
    0,
    0x41,
    16,
    0x74,
    0x49,
    0x0d,
    0,
    0x0b,
  );
  globals.forEach(({ type }, index) => {
    body.byte(0x20, hash, 0x42, 9, 0x89, 0x23).u32(index);
    if (type === "i32") body.byte(0xad);
    body.byte(0x85, 0x21, hash);
  });
  return body.byte(0x20, hash, 0x0b);
}
