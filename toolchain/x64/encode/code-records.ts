import type { Instruction, IrFunction } from "../../ir/function.ts";
import type { MachineCode, TrapKind } from "../../ir/machine-code.ts";
import type { Assembler, Label, Mark } from "./assembler.ts";

const START: Mark = { position: 0, branches: 0 };

const isSamePlace = (left: Mark, right: Mark): boolean =>
  left.position === right.position && left.branches === right.branches;

/** What goes with the code of a function: lines, traps, stack depths, calls, jump tables, notes. */
export class CodeRecords {
  private readonly traps: { mark: Mark; kind: TrapKind }[] = [];
  private readonly lines: { mark: Mark; origin: number; inlinedAt: number }[] = [];
  private readonly depths: { mark: Mark; depth: number; hasFrame: boolean }[] = [];
  private readonly calls: { symbol: string | null; signature: number; depth: number }[] = [];
  private readonly notes: { mark: Mark; instruction: number; rule: string }[] = [];
  private readonly tables: { symbol: string; targets: readonly Label[] }[] = [];

  constructor(
    private readonly fn: IrFunction,
    private readonly assembler: Assembler,
  ) {}

  /** The next instruction may trap. */
  trap(kind: TrapKind): void {
    this.traps.push({ mark: this.assembler.mark(), kind });
  }

  /** Code from here on implements the IR instruction `instruction`; -1: as before. */
  line(instruction: number): void {
    if (instruction < 0) return;
    const origin = this.fn.origin(instruction as Instruction);
    const inlinedAt = this.fn.inlinedAt.data[instruction]!;
    const last = this.lines.at(-1);
    if (last !== undefined && last.origin === origin && last.inlinedAt === inlinedAt) return;
    const mark = last === undefined ? START : this.assembler.mark();
    this.lines.push({ mark, origin, inlinedAt });
  }

  /** From here on rsp lies `depth` bytes below the return address. */
  depth(depth: number, hasFrame: boolean): void {
    const last = this.depths.at(-1);
    if (last?.depth === depth && last.hasFrame === hasFrame) return;
    const mark = this.assembler.mark();
    if (last !== undefined && isSamePlace(last.mark, mark)) this.depths.pop();
    this.depths.push({ mark, depth, hasFrame });
  }

  /** A call, direct if `symbol` is its callee, made at `depth`. */
  call(symbol: string | null, signature: number, depth: number): void {
    this.calls.push({ symbol, signature, depth });
  }

  /** A jump table to `targets`; returns its symbol. */
  table(targets: readonly Label[]): string {
    const symbol = `${this.fn.name}.jump${this.tables.length}`;
    this.tables.push({ symbol, targets });
    return symbol;
  }

  /**
   * A line of the listing: `rule` made the next instruction for the IR instruction `instruction`.
   */
  note(instruction: number, rule: string): void {
    this.notes.push({ mark: this.assembler.mark(), instruction, rule });
  }

  /** The records with marks as code offsets; the assembler has finished. */
  finish(): Pick<MachineCode, "lines" | "traps" | "depths" | "calls" | "notes" | "jumpTables"> {
    const { assembler } = this;
    const at = (mark: Mark): number => assembler.offset(mark);
    return {
      lines: this.lines.map(({ mark, ...line }) => ({ offset: at(mark), ...line })),
      traps: this.traps
        .map(({ mark, kind }) => ({ offset: at(mark), kind }))
        .sort((a, b) => a.offset - b.offset),
      depths: this.depths.map(({ mark, ...depth }) => ({ offset: at(mark), ...depth })),
      calls: this.calls,
      notes: this.notes.map(({ mark, ...note }) => ({ offset: at(mark), ...note })),
      jumpTables: this.tables.map(({ symbol, targets }) => ({
        symbol,
        entries: targets.map((target) => assembler.offsetOfLabel(target)),
      })),
    };
  }
}
