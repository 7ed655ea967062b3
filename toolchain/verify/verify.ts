import { Decoder, DecoderOptions, Formatter, FormatterSyntax, Mnemonic as M } from "iced-x86";
import { KERNEL_STACK_BYTES } from "../../kernel/abi/address-space.ts";
import {
  NOTE_BYTES,
  NOTE_LEVEL,
  NOTE_STACK_BYTES,
  NOTE_THREAD_BLOCK_BYTES,
  NOTE_THREAD_ENTRY,
} from "../../kernel/abi/executable.ts";
import { PT_NOTE } from "../elf/format.ts";
import { type ElfFile, readElf } from "../elf/read.ts";
import { type Level, LEVEL_LEAST, LEVELS, type Target } from "../ir/module.ts";
import { type Boundary, readBoundary } from "./boundary.ts";
import { readControlFlow } from "./control-flow.ts";
import { Effort, EffortSpent } from "./effort.ts";
import type { Finding, Rule } from "./finding.ts";
import { type CodeFunction, readFunctions } from "./function-table.ts";
import {
  argumentReach,
  checkForm,
  checkInContext,
  checkLevel,
  type FunctionContext,
} from "./instruction-check.ts";
import { decodeInstructions, type MachineInstruction, R15 } from "./instruction.ts";
import { type Layout, readLayout } from "./layout.ts";
import type { MachineState } from "./machine-state.ts";
import {
  ARGUMENT_REGISTERS,
  branchTarget,
  FunctionFlow,
  PRESERVED_REGISTERS,
  ProgramFlow,
} from "./program-flow.ts";

export type { Finding } from "./finding.ts";

/** After so many findings the rest would not be read. */
const FINDINGS_MAX = 100;
/**
 * The stack that a function's frame must fit; a domain's stands in its note. Linux: what a process
 * has by default.
 */
const FRAME_BYTES_MAX = { kernel: KERNEL_STACK_BYTES, linux: 8 << 20 } as const;
/** Name and header of a note: "Trine\0" padded to a word, behind three words. */
const NOTE_HEADER_BYTES = 20;

/**
 * Proves on the finished machine code that the program stays in its memory, or says where it might
 * not: see README.md. Empty: accepted. What the compiler says is not believed; of hand-written code
 * only its boundary is.
 */
export function verifyExecutable(bytes: Uint8Array, target: Target, path: string): Finding[] {
  const elf = readElf(bytes, path);
  const findings: Finding[] = [];
  const layout = readLayout(elf, target, findings);
  if (layout !== null) verifyCode(elf, target, layout, findings);
  return findings.slice(0, FINDINGS_MAX);
}

function verifyCode(elf: ElfFile, target: Target, layout: Layout, findings: Finding[]): void {
  try {
    new Verification(elf, target, layout, findings).run();
  } catch (error) {
    if (!(error instanceof EffortSpent)) throw error;
    // In front, so that it is never among those that are cut off.
    findings.unshift({
      rule: "effort",
      function: "code",
      address: "",
      instruction: "",
      message: "it is too tangled to be proved in a bounded time",
    });
  }
}

class Verification {
  private readonly functions: readonly CodeFunction[];
  private readonly boundary: Boundary;
  private readonly flows = new Map<number, FunctionFlow>();
  private readonly note: NoteView;
  private readonly effort: Effort;

  constructor(
    private readonly elf: ElfFile,
    private readonly target: Target,
    private readonly layout: Layout,
    private readonly findings: Finding[],
  ) {
    this.effort = new Effort(layout.text.length);
    this.functions = readFunctions(elf, layout, findings);
    this.boundary = readBoundary(elf, layout);
    this.note = target === "kernel" ? NO_NOTE : readNote(elf);
  }

  run(): void {
    const { level } = this.note;
    if (!LEVELS.includes(level)) {
      const message = `there is no level ${level}`;
      this.findings.push({
        rule: "level",
        function: "note",
        address: "",
        instruction: "",
        message,
      });
    }
    const starts = new Set(this.functions.map((code) => code.start));
    const isCallTarget = (offset: number): boolean =>
      starts.has(offset) || this.boundary.externals.has(offset);
    for (const code of this.functions) this.readFunction(code, isCallTarget);
    this.checkHandWritten();

    const flow = new ProgramFlow(this.flows, this.boundary, this.target === "kernel", this.effort);
    this.addRoots(flow);
    flow.solve();
    // A function that never returns pops nothing that would tell how many arguments it has.
    flow.visitAll(
      (fn, index, state) => {
        if (fn.control.poppedBytes === null)
          fn.argumentBytes = Math.max(
            fn.argumentBytes,
            argumentReach(fn.code.instructions[index]!, state),
          );
      },
      () => {},
    );
    this.checkRoots();
    this.checkUnreached();
    flow.visitAll(
      (fn, index, state) => this.checkReached(fn, index, state),
      (fn, index) =>
        this.report(
          fn.code,
          fn.code.instructions[index]!,
          "stack depth",
          "two paths meet here with different stack depths",
        ),
    );
  }

  /**
   * What can be said of a function by itself. One whose control flow is not clear is refused and
   * not followed.
   */
  private readFunction(code: CodeFunction, isCallTarget: (offset: number) => boolean): void {
    const control = readControlFlow(
      code,
      this.layout,
      isCallTarget,
      this.effort,
      (rule, instruction, message) => this.report(code, instruction, rule, message),
    );
    const context = this.context(code, control?.poppedBytes ?? 0);
    code.instructions.forEach((instruction, index) => {
      const isInSequence = control === null ? false : control.insideSequence.has(index);
      checkForm(instruction, context, isInSequence, (rule, message) =>
        this.report(code, instruction, rule, message),
      );
    });
    if (control !== null) this.flows.set(code.start, new FunctionFlow(code, control));
  }

  /**
   * Hand-written code may do anything, but on the processors that the executable names. It is code
   * from end to end.
   */
  private checkHandWritten(): void {
    const { stubs } = this.layout;
    for (const instruction of decodeInstructions(stubs.bytes, stubs.start)) {
      checkLevel(instruction, this.note.level, (rule, message) => {
        const place = this.layout.textAddress + BigInt(instruction.offset);
        const at = instruction.offset - stubs.start;
        this.findings.push({
          rule,
          function: "hand-written code",
          address: `0x${place.toString(16)}`,
          message,
          instruction: disassemble(stubs.bytes.subarray(at, at + instruction.length), place),
        });
      });
    }
  }

  /** Where execution comes from outside: a domain's entry point; hand-written code elsewhere. */
  private addRoots(flow: ProgramFlow): void {
    if (this.target !== "domain") {
      for (const [offset, { parameters32 }] of this.boundary.exports)
        flow.addRoot(offset, parameters32);
      return;
    }
    for (const offset of this.domainEntries()) {
      if (!this.functions.some((code) => code.start === offset)) {
        const address = this.layout.textAddress + BigInt(offset);
        this.findings.push({
          rule: "functions",
          function: "entry point",
          address: `0x${address.toString(16)}`,
          instruction: "",
          message: "it is not the start of a function",
        });
      }
      flow.addRoot(offset, 0);
    }
  }

  private checkReached(fn: FunctionFlow, index: number, state: MachineState): void {
    const { code, control } = fn;
    const instruction = code.instructions[index]!;
    const complain = (rule: Rule, message: string): void =>
      this.report(code, instruction, rule, message);
    checkInContext(
      instruction,
      state,
      this.context(code, fn.argumentBytes),
      control.insideSequence.has(index),
      complain,
    );

    const sequence = control.sequences.get(index);
    if (instruction.mnemonic === M.Call)
      this.checkCall(
        sequence?.kind === "call" ? sequence.callees : [branchTarget(instruction)],
        state,
        complain,
      );
    // The sequence leaves its index alone, so what holds at its end held at its top.
    if (sequence?.kind === "jump" && !state.isClear(sequence.indexRegister))
      complain("indirect jump", "the upper half of the index may not be clear");
    if (instruction.mnemonic === M.Ret) {
      if (state.depth !== 0)
        complain("stack depth", `it returns with ${state.depth} bytes on the stack`);
      // The stubs that call an entry point rely on the base of linear memory alone.
      const kept = this.isEntryPoint(code.start) ? [R15] : PRESERVED_REGISTERS;
      const changed = kept.filter((register) => !state.isOriginal(register));
      if (changed.length > 0)
        complain(
          "saved register",
          `it returns without having restored register ${changed.join(", ")}`,
        );
    }
  }

  /**
   * Only the kernel has functions that keep no register (toolchain/ir/passes/entry-points.ts).
   */
  private isEntryPoint(offset: number): boolean {
    return this.target === "kernel" && this.boundary.entryPoints.has(offset);
  }

  private checkCall(
    callees: readonly number[],
    state: MachineState,
    complain: (rule: Rule, message: string) => void,
  ): void {
    this.effort.spend(callees.length);
    const popped = new Set<number>();
    for (const offset of callees) {
      if (this.isEntryPoint(offset))
        complain("call target", "an entry point of the kernel keeps no register for its caller");
      const flow = this.flows.get(offset);
      const external = this.boundary.externals.get(offset);
      if (flow?.control.poppedBytes !== null)
        popped.add(flow?.control.poppedBytes ?? external?.poppedBytes ?? 0);
      if ((flow?.argumentBytes ?? external?.poppedBytes ?? 0) > state.depth)
        complain("stack depth", "the function called takes more stack arguments than were pushed");
      if (external !== undefined && !passesClear(state, external.parameters32))
        complain(
          "call target",
          "an i32 argument for hand-written code may have a dirty upper half",
        );
    }
    if (popped.size > 1)
      complain(
        "stack depth",
        "the functions of the table that it can call pop different numbers of bytes",
      );
  }

  private checkRoots(): void {
    const complain = (fn: FunctionFlow, message: string): void =>
      void this.findings.push({
        rule: "stack depth",
        function: fn.code.name,
        address: "",
        instruction: "",
        message,
      });
    if (this.target === "domain") {
      // The kernel enters a domain with nothing on the stack: what lies above is the thread block,
      // or another thread's stack.
      for (const offset of this.domainEntries()) {
        const fn = this.flows.get(offset);
        if (fn === undefined) continue;
        if (fn.control.poppedBytes !== null)
          complain(fn, "execution begins here, so there is nothing to return to");
        if (fn.argumentBytes > 0)
          complain(fn, "execution begins here, so there are no stack arguments");
      }
      return;
    }
    for (const [offset, { poppedBytes }] of this.boundary.exports) {
      const fn = this.flows.get(offset);
      if (fn !== undefined && fn.argumentBytes > poppedBytes)
        complain(fn, "it takes more stack arguments than its callers know of");
    }
  }

  /**
   * The kernel's hand-written code may call what the list of its callees, which the compiler
   * writes, leaves out: no path into it was followed. A domain has no such code, and a Linux
   * process isolates nothing.
   */
  private checkUnreached(): void {
    if (this.target !== "kernel") return;
    for (const { code, entry } of this.flows.values()) {
      if (entry === null)
        this.findings.push({
          rule: "functions",
          function: code.name,
          address: "",
          instruction: "",
          message: "nothing is known to call it",
        });
    }
  }

  /** Where the kernel starts a domain's threads, by offset. */
  private domainEntries(): number[] {
    const { threadEntry } = this.note;
    const addresses = threadEntry === 0n ? [this.elf.entry] : [this.elf.entry, threadEntry];
    return addresses.map((address) => Number(BigInt.asIntN(64, address - this.layout.textAddress)));
  }

  private context(code: CodeFunction, argumentBytes: number): FunctionContext {
    const { target, layout } = this;
    const { level, threadBlockBytes } = this.note;
    const stackBytes = target === "domain" ? this.note.stackBytes : FRAME_BYTES_MAX[target];
    return { name: code.name, target, level, layout, threadBlockBytes, stackBytes, argumentBytes };
  }

  private report(
    code: CodeFunction,
    instruction: MachineInstruction,
    rule: Rule,
    message: string,
  ): void {
    if (this.findings.length >= FINDINGS_MAX) return;
    const bytes = this.layout.text.subarray(
      instruction.offset,
      instruction.offset + instruction.length,
    );
    this.findings.push({
      rule,
      function: code.name,
      address: `0x${(this.layout.textAddress + BigInt(instruction.offset)).toString(16)}`,
      instruction: disassemble(bytes, this.layout.textAddress + BigInt(instruction.offset)),
      message,
    });
  }
}

function passesClear(state: MachineState, mask: number): boolean {
  return ARGUMENT_REGISTERS.every(
    (register, index) => ((mask >>> index) & 1) === 0 || state.isClear(register),
  );
}

function disassemble(bytes: Uint8Array, address: bigint): string {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const instruction = decoder.decode();
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const text = formatter.format(instruction);
  formatter.free();
  instruction.free();
  decoder.free();
  return text;
}

/** What the kernel will do on the executable's word. */
interface NoteView {
  /** Of the processor; the kernel itself, which has no note, runs on the least. */
  readonly level: Level;
  readonly threadBlockBytes: number;
  readonly stackBytes: number;
  /** Where further threads start; 0: nowhere. */
  readonly threadEntry: bigint;
}

const NO_NOTE: NoteView = {
  level: LEVEL_LEAST,
  threadBlockBytes: 0,
  stackBytes: 0,
  threadEntry: 0n,
};

function readNote(elf: ElfFile): NoteView {
  const note = elf.programHeaders.find((header) => header.type === PT_NOTE);
  if (note === undefined || note.fileBytes < NOTE_HEADER_BYTES + NOTE_BYTES) return NO_NOTE;
  const view = new DataView(
    elf.bytes.buffer,
    elf.bytes.byteOffset + note.offset + NOTE_HEADER_BYTES,
    NOTE_BYTES,
  );
  return {
    level: view.getUint32(NOTE_LEVEL, true) as Level,
    threadBlockBytes: view.getUint32(NOTE_THREAD_BLOCK_BYTES, true),
    stackBytes: view.getUint32(NOTE_STACK_BYTES, true),
    threadEntry: view.getBigUint64(NOTE_THREAD_ENTRY, true),
  };
}
