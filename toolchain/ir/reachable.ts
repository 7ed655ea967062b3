import { InstructionReader } from "../wasm/instruction-reader.ts";
import { WasmOp } from "../wasm/instruction-set.ts";
import type { WasmModule } from "../wasm/types.ts";

/** What code that can run touches. Everything is by index of the wasm module. */
export interface Reachable {
  /** Ascending, imports included. */
  readonly functions: readonly number[];
  readonly globalsRead: ReadonlySet<number>;
  readonly globalsWritten: ReadonlySet<number>;
  readonly tablesWritten: ReadonlySet<number>;
  /** Offset of one call of each function that is called directly. */
  readonly firstCalls: ReadonlyMap<number, number>;
}

/**
 * Starts at exports and the start function; tables count as soon as something can be called through
 * them.
 */
export function findReachable(module: WasmModule): Reachable {
  const found = new Set<number>();
  const globalsRead = new Set<number>();
  const globalsWritten = new Set<number>();
  const tablesWritten = new Set<number>();
  const firstCalls = new Map<number, number>();
  const work: number[] = [];
  let tablesReached = false;

  function reach(index: number): void {
    if (found.has(index)) return;
    found.add(index);
    work.push(index);
  }
  function reachTables(): void {
    if (tablesReached) return;
    tablesReached = true;
    for (const segment of module.elements) {
      if (segment.mode === "declarative") continue;
      for (const entry of segment.entries) if (entry.kind === "function") reach(entry.index);
    }
  }

  for (const { kind, index } of module.exports) {
    if (kind === "function") reach(index);
    if (kind === "table") reachTables();
  }
  if (module.start !== null) reach(module.start);

  for (let index = work.pop(); index !== undefined; index = work.pop()) {
    const body = module.bodies[index - module.importedFunctionCount];
    if (body === undefined) continue;
    const reader = new InstructionReader(module.bytes, module.file, body.start, body.end);
    while (!reader.isAtEnd) {
      reader.next();
      switch (reader.opcode) {
        case WasmOp.Call:
          if (!firstCalls.has(reader.index)) firstCalls.set(reader.index, reader.offset);
          reach(reader.index);
          break;
        case WasmOp.CallIndirect:
          reachTables();
          break;
        case WasmOp.GlobalGet:
          globalsRead.add(reader.index);
          break;
        case WasmOp.GlobalSet:
          globalsWritten.add(reader.index);
          break;
        case WasmOp.TableSet:
        case WasmOp.TableGrow:
        case WasmOp.TableFill:
        case WasmOp.TableCopy:
          tablesWritten.add(reader.index);
          break;
        case WasmOp.TableInit:
          tablesWritten.add(reader.secondIndex);
          break;
      }
    }
  }
  return {
    functions: [...found].sort((left, right) => left - right),
    globalsRead,
    globalsWritten,
    tablesWritten,
    firstCalls,
  };
}
