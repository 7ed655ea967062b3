/**
 * What the kernel executes and touches for one round trip: an emulator runs the bench image to a
 * warm round trip and through it by single steps. Neither interrupts nor timers come meanwhile.
 */
import { spawn } from "node:child_process";
import {
  Decoder,
  DecoderOptions,
  type Instruction,
  InstructionInfoFactory,
  MemorySizeExt,
  Register,
  RegisterExt,
} from "iced-x86";
import type { ElfFile } from "../elf/read.ts";
import { DebuggerConnection, freePort, type Registers } from "../run/debugger-connection.ts";
import { type BootMedium, QEMU_PROGRAM, qemuArguments } from "../run/machine.ts";
import { costlyKindOf, type CostlyCounts } from "./costly-instructions.ts";

/** `four` of tests/bench/responder.idl.ts with its four words, as the bencher sends it. */
const HEADER = 0x7f1_0000 | (1 << 4) | 4;
/** So many of these calls come before the one that is looked at. */
const WARM_UP = 50;
/** The bencher measures `four` long before so many system calls. */
const SYSTEM_CALLS_MAX = 20_000;
const STEPS_MAX = 20_000;
const INSTRUCTION_BYTES_MAX = 15;
const STOP_TIMEOUT_MS = 120_000;
const KERNEL_HALF = 1n << 63n;
const LINE_BITS = 6n;
const PAGE_BITS = 12n;

/** An instruction that was executed, and what it read and wrote. */
interface TracedInstruction {
  readonly address: bigint;
  readonly bytes: number;
  /** Memory that it read or wrote. */
  readonly accesses: readonly { readonly address: bigint; readonly bytes: number }[];
  /** See costly-instructions.ts; null for an ordinary instruction. */
  readonly costly: string | null;
}

interface RoundTripTrace {
  readonly kernel: readonly TracedInstruction[];
  /** Of both programs. */
  readonly user: readonly TracedInstruction[];
}

/** A round trip of four words: from the caller's `syscall` to its next one. */
export async function traceRoundTrip(boot: BootMedium, kernel: ElfFile): Promise<RoundTripTrace> {
  const debugPort = await freePort();
  const machine = spawn(
    QEMU_PROGRAM,
    qemuArguments({
      boot,
      debugPort,
      countInstructions: true,
      serial: "none",
      extra: ["-serial", "null"],
    }),
    { stdio: "ignore" },
  );
  try {
    const debug = await DebuggerConnection.open(debugPort);
    const entry = kernel.symbols.find(({ name }) => name === "system_call_entry");
    if (entry === undefined) throw new Error("the kernel has no system_call_entry");
    await runToCall(debug, entry.address);
    // The stops have taken the turn's time: the first round trip begins another one.
    await stepToCall(debug, entry.address);
    const steps = await stepToCall(debug, entry.address);
    debug.close();
    const isOfKernel = ({ registers }: Step): boolean => registers.rip >= KERNEL_HALF;
    return {
      kernel: decodeSteps(steps.filter(isOfKernel)),
      user: decodeSteps(steps.filter((step) => !isOfKernel(step))),
    };
  } finally {
    machine.kill("SIGKILL");
  }
}

function isCall({ rip, rax, rsi }: Registers, entry: bigint): boolean {
  return rip === entry && rax === 0n && Number(rsi & 0xffff_ffffn) === HEADER;
}

async function runToCall(debug: DebuggerConnection, entry: bigint): Promise<void> {
  await debug.setBreakpoint(entry);
  let left = WARM_UP;
  for (let calls = 0; calls < SYSTEM_CALLS_MAX; calls++) {
    // Else the machine would stop where it stands.
    await debug.step();
    debug.resume();
    if (!(await debug.stops(STOP_TIMEOUT_MS))) break;
    if (isCall(await debug.registers(), entry) && left-- === 0) {
      await debug.clearBreakpoint(entry);
      return;
    }
  }
  throw new Error("the bench image makes no round trip of four words");
}

/** The registers before an instruction, and the bytes from there on. */
interface Step {
  readonly registers: Registers;
  readonly code: Uint8Array;
}

/** Each instruction from here to the next such call. */
async function stepToCall(debug: DebuggerConnection, entry: bigint): Promise<Step[]> {
  const steps: Step[] = [];
  for (
    let now = await debug.registers();
    steps.length === 0 || !isCall(now, entry);
    now = await debug.registers()
  ) {
    if (steps.length === STEPS_MAX) throw new Error("a round trip does not end");
    steps.push({ registers: now, code: await debug.readMemory(now.rip, INSTRUCTION_BYTES_MAX) });
    await debug.step();
  }
  return steps;
}

function decodeSteps(steps: readonly Step[]): TracedInstruction[] {
  const factory = new InstructionInfoFactory();
  const traced = steps.map(({ registers, code }) => {
    const decoder = new Decoder(64, code, DecoderOptions.None);
    decoder.ip = registers.rip;
    const instruction = decoder.decode();
    const step = {
      address: registers.rip,
      bytes: instruction.length,
      accesses: accessesOf(factory, instruction, registers),
      costly: costlyKindOf(instruction),
    };
    instruction.free();
    decoder.free();
    return step;
  });
  factory.free();
  return traced;
}

function accessesOf(
  factory: InstructionInfoFactory,
  instruction: Instruction,
  registers: Registers,
): TracedInstruction["accesses"] {
  const info = factory.info(instruction);
  const accesses = info.usedMemory().map((used) => {
    const address = BigInt.asUintN(
      64,
      valueOf(used.base, registers) +
        valueOf(used.index, registers) * BigInt(used.scale) +
        used.displacement,
    );
    return { address, bytes: MemorySizeExt.size(used.memorySize) };
  });
  info.free();
  return accesses;
}

const GENERAL: ReadonlyMap<number, keyof Registers> = new Map([
  [Register.RAX, "rax"],
  [Register.RBX, "rbx"],
  [Register.RCX, "rcx"],
  [Register.RDX, "rdx"],
  [Register.RSI, "rsi"],
  [Register.RDI, "rdi"],
  [Register.RBP, "rbp"],
  [Register.RSP, "rsp"],
  [Register.R8, "r8"],
  [Register.R9, "r9"],
  [Register.R10, "r10"],
  [Register.R11, "r11"],
  [Register.R12, "r12"],
  [Register.R13, "r13"],
  [Register.R14, "r14"],
  [Register.R15, "r15"],
]);

/** A base or an index of 64 or 32 bits; none counts as zero. */
function valueOf(register: Register, registers: Registers): bigint {
  if (register === Register.None || register === Register.RIP) return 0n;
  const name = GENERAL.get(RegisterExt.fullRegister(register));
  if (name === undefined) throw new Error(`an address uses register ${register}`);
  return BigInt.asUintN(8 * RegisterExt.size(register), registers[name]);
}

/** What a stretch of execution costs a processor, as far as it can be counted. */
export interface Footprint {
  readonly instructions: number;
  readonly codeLines: number;
  readonly codePages: number;
  readonly dataLines: number;
  readonly dataPages: number;
  readonly costly: CostlyCounts;
}

export function footprintOf(trace: readonly TracedInstruction[]): Footprint {
  const accesses = trace.flatMap((step) => step.accesses);
  const costly: Record<string, number> = {};
  for (const { costly: kind } of trace) if (kind !== null) costly[kind] = (costly[kind] ?? 0) + 1;
  return {
    instructions: trace.length,
    codeLines: unitsOf(trace, LINE_BITS).size,
    codePages: unitsOf(trace, PAGE_BITS).size,
    dataLines: unitsOf(accesses, LINE_BITS).size,
    dataPages: unitsOf(accesses, PAGE_BITS).size,
    costly,
  };
}

/** The numbers of the lines or pages that ranges of bytes touch. */
export function unitsOf(
  ranges: readonly { readonly address: bigint; readonly bytes: number }[],
  bits: bigint,
): Set<bigint> {
  return new Set(
    ranges.flatMap(({ address, bytes }) => [
      address >> bits,
      (address + BigInt(Math.max(bytes, 1)) - 1n) >> bits,
    ]),
  );
}
