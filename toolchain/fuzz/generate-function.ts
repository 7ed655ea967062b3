import {
  FUEL_GLOBAL,
  type FunctionShape,
  type IntegerType,
  MEMORY_BYTES,
  type ModuleShape,
  TYPE_CODES,
} from "./module-shape.ts";
import type { Random } from "./random.ts";
import { WasmWriter } from "./wasm-writer.ts";

/** What a branch to a label carries. */
interface Label {
  readonly types: readonly IntegerType[];
}

/** Constants at which rules and encodings change. */
const EDGES_I32 = [
  0, 1, -1, 2, 3, 5, 7, 8, 9, 10, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 0x7fff, 0x8000,
  0xffff, 0x10000, 0x7fffffff, -0x80000000, -128, -129, 1000,
];
const EDGES_I64 = [
  ...EDGES_I32.map(BigInt),
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  -0x8000000000000000n,
  0x123456789abcdefn,
];

const BINARY_I32 = [0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78];
const BINARY_I64 = [0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a];
const DIVISIONS = { i32: [0x6d, 0x6e, 0x6f, 0x70], i64: [0x7f, 0x80, 0x81, 0x82] } as const;
const UNARY_I32 = [0x67, 0x68, 0x69, 0xc0, 0xc1];
const UNARY_I64 = [0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4];
const COMPARE_I32 = [0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f];
const COMPARE_I64 = [0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a];
/** Opcode and log2 of the access width. */
const LOADS = {
  i32: [
    [0x28, 2],
    [0x2c, 0],
    [0x2d, 0],
    [0x2e, 1],
    [0x2f, 1],
  ],
  i64: [
    [0x29, 3],
    [0x30, 0],
    [0x31, 0],
    [0x32, 1],
    [0x33, 1],
    [0x34, 2],
    [0x35, 2],
  ],
} as const;
const STORES = {
  i32: [
    [0x36, 2],
    [0x3a, 0],
    [0x3b, 1],
  ],
  i64: [
    [0x37, 3],
    [0x3c, 0],
    [0x3d, 1],
    [0x3e, 2],
  ],
} as const;

/** A load and the store of the same width. */
const READ_MODIFY_WRITE = {
  i32: [
    [0x28, 0x36],
    [0x2d, 0x3a],
    [0x2f, 0x3b],
  ],
  i64: [
    [0x29, 0x37],
    [0x31, 0x3c],
    [0x33, 0x3d],
    [0x35, 0x3e],
  ],
} as const;

/** Code behind a branch that takes values which nothing has pushed: valid, and never run. */
const UNREACHED = [
  [],
  [0x6a, 0x1a],
  [0x7c, 0x1a],
  [0x1a],
  [0x50, 0x1a],
  [0x1b, 0x1a],
  [0xad, 0x1a],
  [0x42, 1, 0x7c, 0x1a],
];

/** Lengths at which a copy of known length changes its form. */
const LENGTHS = [
  0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 1000,
  4096,
];
const EXTREME_LENGTHS = [-1, -0x80000000, 0x7fffffff, 0x20000, 0x1ffff];

const BLOCK_DEPTH_MAX = 6;
const EXPRESSION_DEPTH_MAX = 6;
/** Locals of a function that has very many. */
const LOCALS_MANY = 1000;
/** Labels of a large br_table. */
const TARGETS_MANY = 300;
/** Values that a block takes or leaves, now and then. */
const BLOCK_VALUES_MANY = 10;

/**
 * Values that a loop carries at once: more than there are registers, so that pairs of them live in
 * slots.
 */
const CROWD = 26;

export class FunctionGenerator {
  private readonly random: Random;
  private readonly code = new WasmWriter();
  private readonly locals: IntegerType[];
  private readonly labels: Label[] = [];
  /** Statements left; keeps the body near the size asked for. */
  private budget: number;
  /**
   * Calls nothing: its frame is so large that a recursion through it would end an engine's stack
   * sooner than ours.
   */
  private readonly isLeaf: boolean;
  /** First of the locals that exchange their values in a loop, -1 if there are none. */
  private readonly crowdStart: number;

  constructor(
    private readonly module: ModuleShape,
    private readonly shape: FunctionShape,
    size: number,
  ) {
    this.random = module.random;
    this.budget = size;
    const extra = Array.from({ length: this.random.below(6) }, () => this.anyType());
    const crowd: IntegerType[] = this.random.chance(2)
      ? Array.from({ length: CROWD }, () => "i64")
      : [];
    const many = this.random.chance(1)
      ? Array.from({ length: LOCALS_MANY + this.random.below(LOCALS_MANY) }, () => this.anyType())
      : [];
    this.isLeaf = many.length > 0;
    this.locals = [...shape.parameters, ...extra, ...many, ...crowd];
    this.crowdStart = crowd.length > 0 ? this.locals.length - CROWD : -1;
  }

  generate(): WasmWriter {
    const { shape, code } = this;
    this.labels.push({ types: shape.results });
    this.burnFuel();
    code.byte(0x04, 0x40);
    shape.results.forEach((type) => this.constant(type));
    code.byte(0x0f, 0x0b);
    if (this.crowdStart >= 0) this.crowdLoop();
    while (this.budget > 0) this.statement();
    this.values(shape.results);
    code.byte(0x0b);

    const body = new WasmWriter();
    const extra = this.locals.slice(shape.parameters.length);
    body.vector(extra, (type) => body.u32(1).byte(TYPE_CODES[type]));
    return body.append(code);
  }

  private anyType(): IntegerType {
    return this.random.chance(60) ? "i32" : "i64";
  }

  // Statements leave the stack as it was.

  private statement(): void {
    this.budget--;
    const choice = this.random.below(100);
    if (choice < 26) this.localSet();
    else if (choice < 40) this.store();
    else if (choice < 48) this.globalSet();
    else if (choice < 60 && this.labels.length < BLOCK_DEPTH_MAX) this.ifStatement();
    else if (choice < 68 && this.labels.length < BLOCK_DEPTH_MAX) this.blockStatement();
    else if (choice < 76 && this.labels.length < BLOCK_DEPTH_MAX) this.loopStatement();
    else if (choice < 82) this.branchIf();
    else if (choice < 85) this.branchTable();
    else if (choice < 87) this.branch();
    else if (choice < 94) this.callStatement();
    else if (choice < 95) this.bulkStatement();
    else if (choice < 96) this.accessesOfOneBase();
    else if (choice < 97) this.tower();
    else if (choice < 98) this.comparisonChain();
    else {
      this.value(this.anyType());
      this.code.byte(0x1a);
    }
  }

  private statements(): void {
    for (let count = 1 + this.random.below(4); count > 0 && this.budget > 0; count--)
      this.statement();
  }

  private localSet(): void {
    if (this.locals.length === 0) return;
    const local = this.random.below(this.locals.length);
    this.value(this.locals[local]!);
    this.code.byte(0x21).u32(local);
  }

  private globalSet(): void {
    const choices = this.module.globals.flatMap(({ mutable }, index) =>
      mutable && index !== FUEL_GLOBAL ? [index] : [],
    );
    if (choices.length === 0) return;
    const global = this.random.pick(choices);
    this.value(this.module.globals[global]!.type);
    this.code.byte(0x24).u32(global);
  }

  private store(): void {
    const type = this.anyType();
    if (this.random.chance(25) && this.readModifyWrite(type)) return;
    const [opcode, log2] = this.random.pick<readonly [number, number]>(STORES[type]);
    this.address();
    this.value(type);
    this.code
      .byte(opcode)
      .u32(this.random.below(log2 + 1))
      .u32(this.offset());
  }

  /**
   * An operation on a value in memory, which may become one machine instruction. Needs a local for
   * the address.
   */
  private readModifyWrite(type: IntegerType): boolean {
    const { random, code } = this;
    const choices = this.locals.flatMap((local, index) => (local === "i32" ? [index] : []));
    if (choices.length === 0) return false;
    const local = random.pick(choices);
    const [load, store] = random.pick<readonly [number, number]>(READ_MODIFY_WRITE[type]);
    const offset = this.offset();
    this.address();
    code
      .byte(0x21)
      .u32(local)
      .byte(0x20)
      .u32(local)
      .byte(0x20)
      .u32(local)
      .byte(load)
      .u32(0)
      .u32(offset);
    if (random.chance(40)) this.constant(type);
    else this.localGet(type);
    code
      .byte(
        random.pick(
          type === "i32" ? [0x6a, 0x6b, 0x71, 0x72, 0x73] : [0x7c, 0x7d, 0x83, 0x84, 0x85],
        ),
      )
      .byte(store)
      .u32(0)
      .u32(offset);
    return true;
  }

  private ifStatement(): void {
    const { code } = this;
    this.condition();
    code.byte(0x04, 0x40);
    this.labels.push({ types: [] });
    this.statements();
    if (this.random.chance(50)) {
      code.byte(0x05);
      this.statements();
    }
    this.labels.pop();
    code.byte(0x0b);
  }

  private blockStatement(): void {
    const results = this.someTypes(this.random.chance(8) ? BLOCK_VALUES_MANY : 2);
    this.block(results);
    for (const type of [...results].reverse()) this.dropOrKeep(type);
  }

  /** A block with parameters and results. */
  private block(results: readonly IntegerType[]): void {
    const parameters = this.random.chance(20) ? this.someTypes(2) : [];
    this.values(parameters);
    this.code.byte(0x02);
    this.blockType({ parameters, results });
    this.labels.push({ types: results });
    for (const type of [...parameters].reverse()) this.dropOrKeep(type);
    this.statements();
    this.values(results);
    this.labels.pop();
    this.code.byte(0x0b);
  }

  /** The loop stands in a block, which it leaves when the fuel is burnt. */
  private loopStatement(): void {
    const { code } = this;
    const parameters = this.random.chance(30)
      ? this.someTypes(this.random.chance(20) ? BLOCK_VALUES_MANY : 2)
      : [];
    code.byte(0x02, 0x40);
    this.labels.push({ types: [] });
    this.values(parameters);
    code.byte(0x03);
    this.blockType({ parameters, results: [] });
    this.labels.push({ types: parameters });
    for (const type of [...parameters].reverse()) this.dropOrKeep(type);
    this.burnFuel();
    code.byte(0x0d, 1);
    this.statements();
    if (this.random.chance(80)) {
      this.values(parameters);
      this.condition();
      code.byte(0x0d, 0);
      parameters.forEach(() => code.byte(0x1a));
    }
    this.labels.pop();
    code.byte(0x0b);
    this.labels.pop();
    code.byte(0x0b);
  }

  /** Many values change places in every round, all of them at once for the register allocator. */
  private crowdLoop(): void {
    const { code, crowdStart, random } = this;
    const all = Array.from({ length: CROWD }, (_, index) => crowdStart + index);
    for (const local of all) {
      this.value("i64", EXPRESSION_DEPTH_MAX - 1);
      code.byte(0x21).u32(local);
    }
    code.byte(0x02, 0x40, 0x03, 0x40);
    this.labels.push({ types: [] }, { types: [] });
    this.burnFuel();
    code.byte(0x0d, 1);
    const distance = random.chance(60) ? CROWD / 2 : 1 + random.below(CROWD - 1);
    for (const local of all) code.byte(0x20).u32(local);
    for (const index of [...all.keys()].reverse())
      code.byte(0x21).u32(crowdStart + ((index + distance) % CROWD));
    code
      .byte(0x20)
      .u32(crowdStart)
      .byte(0x20)
      .u32(crowdStart + 1)
      .byte(0x7c, 0x21)
      .u32(crowdStart);
    code.byte(0x0c, 0);
    this.labels.pop();
    this.labels.pop();
    code.byte(0x0b, 0x0b);
    for (const local of all.slice(1))
      code.byte(0x20).u32(local).byte(0x20).u32(crowdStart).byte(0x85, 0x21).u32(crowdStart);
  }

  private branchIf(): void {
    const depth = this.random.below(this.labels.length);
    const { types } = this.labelAt(depth);
    this.values(types);
    this.condition();
    this.code.byte(0x0d).u32(depth);
    for (const type of [...types].reverse()) this.dropOrKeep(type);
  }

  /** Everything behind it in the block cannot be reached; some of it is generated all the same. */
  private branch(): void {
    const depth = this.random.below(this.labels.length);
    if (depth === this.labels.length - 1 && this.random.chance(70)) return;
    this.value("i32");
    this.code.byte(0x04, 0x40);
    this.labels.push({ types: [] });
    this.values(this.labelAt(depth + 1).types);
    if (this.random.chance(3)) this.code.byte(0x00);
    if (depth === this.labels.length - 2 && this.random.chance(50)) this.code.byte(0x0f);
    else this.code.byte(0x0c).u32(depth + 1);
    if (this.random.chance(30)) this.code.byte(...this.random.pick(UNREACHED));
    if (this.random.chance(20)) this.statements();
    this.labels.pop();
    this.code.byte(0x0b);
  }

  private branchTable(): void {
    const first = this.random.below(this.labels.length);
    const { types } = this.labelAt(first);
    const key = types.join();
    const choices = this.labels.flatMap((_, depth) =>
      this.labelAt(depth).types.join() === key ? [depth] : [],
    );
    const isLarge = this.random.chance(10);
    const targets = Array.from(
      { length: isLarge ? this.random.below(TARGETS_MANY) : this.random.below(9) },
      () => this.random.pick(choices),
    );
    const { code } = this;
    code.byte(0x02, 0x40);
    this.labels.push({ types: [] });
    // Only sometimes: otherwise the code after it would never run.
    this.value("i32");
    code.byte(0x45, 0x0d, 0);
    this.values(types);
    this.value("i32");
    if (this.random.chance(70))
      code
        .byte(0x41)
        .signed(isLarge ? 0x1ffn : 7n)
        .byte(0x71);
    code
      .byte(0x0e)
      .vector(targets, (depth) => code.u32(depth + 1))
      .u32(first + 1);
    this.labels.pop();
    code.byte(0x0b);
  }

  /**
   * Loads and stores of several widths that overlap, by one base that does not change: what merges
   * accesses must see which of them meet.
   */
  private accessesOfOneBase(): void {
    const { random, code } = this;
    const bases = this.locals.flatMap((local, index) => (local === "i32" ? [index] : []));
    if (bases.length === 0) return;
    const base = random.pick(bases);
    this.address();
    code.byte(0x21).u32(base);
    for (let count = 3 + random.below(8); count > 0; count--) {
      const type = this.anyType();
      const offset = random.below(random.chance(80) ? 10 : 40);
      if (random.chance(50)) {
        const [opcode, log2] = random.pick<readonly [number, number]>(STORES[type]);
        code.byte(0x20).u32(base);
        if (random.chance(70)) this.localGet(type);
        else this.constant(type);
        code
          .byte(opcode)
          .u32(random.below(log2 + 1))
          .u32(offset);
        continue;
      }
      const [opcode, log2] = random.pick<readonly [number, number]>(LOADS[type]);
      code
        .byte(0x20)
        .u32(base)
        .byte(opcode)
        .u32(random.below(log2 + 1))
        .u32(offset);
      const targets = this.locals.flatMap((local, index) =>
        local === type && index !== base ? [index] : [],
      );
      if (targets.length > 0) code.byte(0x21).u32(random.pick(targets));
      else code.byte(0x1a);
    }
  }

  /**
   * Many values on the stack at once, then taken together: all of them are live where the last is
   * made.
   */
  private tower(): void {
    const { random, code } = this;
    const type = this.anyType();
    const count = 2 + random.below(40);
    for (let index = 0; index < count; index++) {
      if (random.chance(50)) this.localGet(type);
      else this.value(type, EXPRESSION_DEPTH_MAX - 1);
    }
    for (let index = 1; index < count; index++)
      code.byte(random.pick(type === "i32" ? BINARY_I32 : BINARY_I64));
    this.dropOrKeep(type);
  }

  /** One value compared with several constants in turn, which may become a table of jumps. */
  private comparisonChain(): void {
    const { random, code } = this;
    const is32 = random.chance(70);
    const locals = this.locals.flatMap((local, index) =>
      local === (is32 ? "i32" : "i64") ? [index] : [],
    );
    if (locals.length === 0 || this.labels.length + 3 > BLOCK_DEPTH_MAX) return;
    const local = random.pick(locals);
    const first = random.pick([0, 0, 1, -3, 100, 0x7ffffffd, -0x80000000]);
    code
      .byte(0x20)
      .u32(local)
      .byte(is32 ? 0x41 : 0x42)
      .signed(BigInt(random.pick([7, 15, 31])))
      .byte(is32 ? 0x71 : 0x83);
    code
      .byte(is32 ? 0x41 : 0x42)
      .signed(BigInt(first))
      .byte(is32 ? 0x6a : 0x7c, 0x21)
      .u32(local);
    const blocks = 3;
    for (let depth = 0; depth < blocks; depth++) {
      code.byte(0x02, 0x40);
      this.labels.push({ types: [] });
    }
    for (let count = 3 + random.below(9); count > 0; count--) {
      const constant = is32
        ? BigInt((first + random.below(16)) | 0)
        : BigInt(first) + BigInt(random.below(16));
      code
        .byte(0x20)
        .u32(local)
        .byte(is32 ? 0x41 : 0x42)
        .signed(constant);
      code.byte(is32 ? 0x46 : 0x51, 0x0d).u32(random.below(blocks));
    }
    for (let depth = 0; depth < blocks; depth++) {
      this.localSet();
      this.labels.pop();
      code.byte(0x0b);
    }
  }

  private callStatement(): void {
    if (this.isLeaf) return;
    const callee = this.random.below(this.module.functions.length);
    this.call(callee);
    for (const type of [...this.module.functions[callee]!.results].reverse()) this.dropOrKeep(type);
  }

  private call(callee: number): void {
    const shape = this.module.functions[callee]!;
    this.values(shape.parameters);
    if (this.random.chance(60)) {
      this.code.byte(0x10).u32(callee);
      return;
    }
    // Through the table: mostly an entry of this signature, else it is left to chance.
    const key = JSON.stringify(shape);
    const matching = this.module.tableEntries.flatMap((entry, index) =>
      JSON.stringify(this.module.functions[entry]) === key ? [index] : [],
    );
    if (matching.length > 0 && this.random.chance(92)) this.constantI32(this.random.pick(matching));
    else if (this.random.chance(70)) {
      this.code.byte(0x10).u32(callee);
      return;
    } else this.maskedIndex();
    this.code.byte(0x11).u32(this.module.typeIndex(shape)).byte(0);
  }

  private maskedIndex(): void {
    this.value("i32");
    if (this.random.chance(95)) this.code.byte(0x41, 3, 0x71);
  }

  private bulkStatement(): void {
    const { code, random } = this;
    const choice = random.below(6);
    const isPassive = choice >= 2 && choice <= 4;
    switch (isPassive && !this.module.passiveSegments ? choice % 2 : choice) {
      case 0:
        this.range();
        this.value("i32");
        this.length();
        code.byte(0xfc, 0x0b, 0);
        return;
      case 1:
        if (!random.chance(50) || !this.overlappingRanges()) {
          this.range();
          this.range();
        }
        this.length();
        code.byte(0xfc, 0x0a, 0, 0);
        return;
      case 2:
        this.range();
        this.constantI32(random.below(4));
        this.constantI32(random.below(random.chance(80) ? 5 : 90));
        code.byte(0xfc, 0x08).u32(random.below(this.module.dataCount)).byte(0);
        return;
      case 3:
        if (random.chance(80)) return;
        code.byte(0xfc, 0x09).u32(random.below(this.module.dataCount));
        return;
      case 4:
        this.constantI32(random.below(4));
        this.constantI32(random.below(2));
        this.constantI32(random.below(random.chance(90) ? 3 : 20));
        if (this.module.elementCount > 1) code.byte(0xfc, 0x0c, 1, 0);
        else code.byte(0xfc, 0x0e, 0, 0);
        return;
      case 5:
        this.constantI32(
          random.chance(95)
            ? random.below(random.chance(90) ? 2 : 9)
            : random.pick([-1, 0x7fffffff, 0xffff, 0x10000]),
        );
        code.byte(0x40, 0);
        this.dropOrKeep("i32");
        return;
    }
  }

  // Expressions push one value.

  private values(types: readonly IntegerType[]): void {
    for (const type of types) this.value(type);
  }

  private value(type: IntegerType, depth = 0): void {
    const { random, code } = this;
    const choice = depth >= EXPRESSION_DEPTH_MAX ? random.below(30) : random.below(100);
    const is32 = type === "i32";
    if (choice < 10 && is32 && random.chance(4)) {
      if (random.chance(50)) code.byte(0xfc, 0x10, 0);
      else code.byte(0x3f, 0);
      return;
    }
    if (choice < 10) return this.constant(type);
    if (choice < 30) return this.localGet(type);
    if (choice < 36) {
      const globals = this.module.globals.flatMap((global, index) =>
        global.type === type && index !== FUEL_GLOBAL ? [index] : [],
      );
      if (globals.length === 0) return this.localGet(type);
      code.byte(0x23).u32(random.pick(globals));
      return;
    }
    if (choice < 58) {
      this.value(type, depth + 1);
      if (random.chance(45)) this.constant(type);
      else this.value(type, depth + 1);
      code.byte(random.pick(is32 ? BINARY_I32 : BINARY_I64));
      return;
    }
    if (choice < 62) {
      this.value(type, depth + 1);
      if (random.chance(40)) this.constant(type);
      else {
        this.value(type, depth + 1);
        // Mostly odd, so that the program usually continues.
        if (random.chance(85)) code.byte(is32 ? 0x41 : 0x42, 1, is32 ? 0x72 : 0x84);
      }
      code.byte(random.pick<number>(DIVISIONS[type]));
      return;
    }
    if (choice < 67) {
      this.value(type, depth + 1);
      code.byte(random.pick(is32 ? UNARY_I32 : UNARY_I64));
      return;
    }
    if (choice < 74) {
      const [opcode, log2] = random.pick<readonly [number, number]>(LOADS[type]);
      this.address(depth + 1);
      code
        .byte(opcode)
        .u32(random.below(log2 + 1))
        .u32(this.offset());
      return;
    }
    if (choice < 82) return this.conversionOrComparison(type, depth);
    if (choice < 87) {
      this.value(type, depth + 1);
      this.value(type, depth + 1);
      this.condition(depth + 1);
      code.byte(0x1b);
      return;
    }
    if (choice < 91) return this.tee(type, depth);
    if (choice < 94 && this.labels.length < BLOCK_DEPTH_MAX) return this.ifValue(type);
    if (choice < 96 && this.labels.length < BLOCK_DEPTH_MAX) return this.block([type]);
    const callee = this.module.functions.findIndex(
      ({ results }) => results.length === 1 && results[0] === type,
    );
    if (callee < 0 || this.isLeaf || this.budget <= 0 || depth > 2) return this.localGet(type);
    this.budget--;
    this.call(callee);
  }

  /** Now and then comparisons joined by operators, of which flags may be kept. */
  private condition(depth = 0): void {
    const { random, code } = this;
    if (depth >= EXPRESSION_DEPTH_MAX || random.chance(70)) return this.value("i32", depth);
    if (random.chance(20)) return this.bit(depth);
    if (random.chance(30)) {
      this.condition(depth + 1);
      code.byte(0x45);
      return;
    }
    this.condition(depth + 1);
    this.condition(depth + 1);
    code.byte(random.pick([0x71, 0x72, 0x73, 0x46, 0x47]));
  }

  /** A bit, by a number that varies: shifted to the right, or by a mask; or a load with a mask. */
  private bit(depth: number): void {
    const { random, code } = this;
    const type = this.anyType();
    const is32 = type === "i32";
    const one = (): void => void code.byte(is32 ? 0x41 : 0x42, 1);
    if (random.chance(30)) {
      const [opcode] = random.pick<readonly [number, number]>(LOADS[type]);
      this.address(depth + 1);
      code.byte(opcode).u32(0).u32(this.offset());
      this.constant(type);
    } else if (random.chance(50)) {
      this.value(type, depth + 1);
      this.value(type, depth + 1);
      code.byte(random.pick(is32 ? [0x75, 0x76] : [0x87, 0x88]));
      one();
    } else {
      this.value(type, depth + 1);
      one();
      this.value(type, depth + 1);
      code.byte(is32 ? 0x74 : 0x86);
    }
    code.byte(is32 ? 0x71 : 0x83);
    if (!is32) code.byte(0x42, 0, random.pick([0x51, 0x52]));
    else if (random.chance(30)) code.byte(0x41, 0, random.pick([0x46, 0x47]));
  }

  private conversionOrComparison(type: IntegerType, depth: number): void {
    const { random, code } = this;
    if (type === "i64") {
      this.value("i32", depth + 1);
      code.byte(random.pick([0xac, 0xad]));
      return;
    }
    const operands = this.anyType();
    this.value(operands, depth + 1);
    const choice = random.below(10);
    if (choice < 2) {
      code.byte(operands === "i32" ? 0x45 : 0x50);
    } else if (choice < 4) {
      if (operands === "i64") code.byte(0xa7);
    } else {
      if (random.chance(40)) this.constant(operands);
      else this.value(operands, depth + 1);
      code.byte(random.pick(operands === "i32" ? COMPARE_I32 : COMPARE_I64));
    }
  }

  private ifValue(type: IntegerType): void {
    const { code } = this;
    this.value("i32", 3);
    code.byte(0x04, TYPE_CODES[type]);
    this.labels.push({ types: [type] });
    this.statements();
    this.value(type, 3);
    code.byte(0x05);
    this.statements();
    this.value(type, 3);
    this.labels.pop();
    code.byte(0x0b);
  }

  private tee(type: IntegerType, depth: number): void {
    this.value(type, depth + 1);
    const locals = this.locals.flatMap((local, index) => (local === type ? [index] : []));
    if (locals.length > 0) this.code.byte(0x22).u32(this.random.pick(locals));
  }

  private localGet(type: IntegerType): void {
    const locals = this.locals.flatMap((local, index) => (local === type ? [index] : []));
    if (locals.length === 0) this.constant(type);
    else this.code.byte(0x20).u32(this.random.pick(locals));
  }

  private constant(type: IntegerType): void {
    const { random } = this;
    if (type === "i32")
      this.constantI32(random.chance(80) ? random.pick(EDGES_I32) : random.next() | 0);
    else
      this.code
        .byte(0x42)
        .signed(
          random.chance(80)
            ? random.pick(EDGES_I64)
            : BigInt.asIntN(64, (BigInt(random.next()) << 32n) | BigInt(random.next())),
        );
  }

  private constantI32(value: number): void {
    this.code.byte(0x41).signed(BigInt(value | 0));
  }

  /**
   * Mostly inside of memory; with a base, never below it, because whether that traps is the
   * target's affair.
   */
  private address(depth = 0): void {
    const { random, code, module } = this;
    this.value("i32", Math.max(depth, 3));
    const choice = random.below(100);
    if (choice < 1 && module.memoryBase === 0) return;
    // Around the end of memory, where the access's width decides.
    if (choice < 3 && random.chance(30)) {
      code
        .byte(0x41, 7, 0x71, 0x41)
        .signed(BigInt(MEMORY_BYTES - random.below(24)))
        .byte(0x6a);
      return;
    }
    if (choice < 2 && random.chance(30)) {
      code.byte(0x41).signed(-0x80000000n).byte(0x72);
      return;
    }
    code
      .byte(0x41)
      .signed(choice < 50 ? 0xffn : 0xfff8n)
      .byte(0x71);
    if (choice < 20)
      code
        .byte(0x41)
        .signed(BigInt(1 + random.below(3)))
        .byte(0x74);
    if (module.memoryBase !== 0)
      code
        .byte(0x41)
        .signed(BigInt(module.memoryBase))
        .byte(random.chance(50) ? 0x6a : 0x72);
    if (choice >= 80) this.indexAddress();
    // A sum that wraps: what stands before an element, found by a negative distance from behind it.
    if (choice >= 20 && choice < 26)
      code.byte(0x41).signed(64n).byte(0x72).byte(0x41).signed(-16n).byte(0x6a);
  }

  /** What a program adds to an address: an element's index times its size, a field's offset. */
  private indexAddress(): void {
    const { random, code } = this;
    if (random.chance(30)) {
      code
        .byte(0x41)
        .signed(BigInt(random.below(1000)))
        .byte(0x6a);
      return;
    }
    this.localGet("i32");
    code.byte(0x41).signed(0xffn).byte(0x71);
    if (random.chance(70))
      code
        .byte(0x41)
        .signed(BigInt(1 + random.below(3)))
        .byte(0x74);
    code.byte(0x6a);
  }

  /** An address for bulk operations. */
  private range(): void {
    this.address(4);
  }

  /** Two addresses a few bytes apart, in either order; false if there is no local for them. */
  private overlappingRanges(): boolean {
    const { random, code } = this;
    const locals = this.locals.flatMap((local, index) => (local === "i32" ? [index] : []));
    if (locals.length === 0) return false;
    const local = random.pick(locals);
    const further = (): void =>
      void code
        .byte(0x41)
        .signed(BigInt(random.below(40)))
        .byte(0x6a);
    this.range();
    code.byte(0x22).u32(local);
    if (random.chance(50)) further();
    code.byte(0x20).u32(local);
    if (random.chance(50)) further();
    return true;
  }

  private length(): void {
    if (this.random.chance(30))
      return this.constantI32(
        this.random.chance(97) ? this.random.pick(LENGTHS) : this.random.pick(EXTREME_LENGTHS),
      );
    this.value("i32", 4);
    if (this.random.chance(97)) this.code.byte(0x41).signed(0x3fn).byte(0x71);
  }

  private offset(): number {
    const { random } = this;
    if (random.chance(50)) return 0;
    if (random.chance(98)) return random.below(64);
    return random.pick([0x7fffffff, 0x80000000, 0xffffffff, 65536]);
  }

  private dropOrKeep(type: IntegerType): void {
    const locals = this.locals.flatMap((local, index) => (local === type ? [index] : []));
    if (locals.length > 0 && this.random.chance(70))
      this.code.byte(0x21).u32(this.random.pick(locals));
    else this.code.byte(0x1a);
  }

  private burnFuel(): void {
    this.code.byte(
      0x23,
      FUEL_GLOBAL,
      0x41,
      1,
      0x6b,
      0x24,
      FUEL_GLOBAL,
      0x23,
      FUEL_GLOBAL,
      0x41,
      0,
      0x48,
    );
  }

  private someTypes(max: number): IntegerType[] {
    return Array.from({ length: this.random.below(max + 1) }, () => this.anyType());
  }

  private labelAt(depth: number): Label {
    return this.labels[this.labels.length - 1 - depth]!;
  }

  private blockType({ parameters, results }: FunctionShape): void {
    if (parameters.length === 0 && results.length === 0) this.code.byte(0x40);
    else if (parameters.length === 0 && results.length === 1)
      this.code.byte(TYPE_CODES[results[0]!]);
    else this.code.signed(BigInt(this.module.typeIndex({ parameters, results })));
  }
}
