/**
 * The whole kernel as WebAssembly in this process. Physical memory is a buffer, and the test
 * supplies ports and clock. The test acts in the place of user code: it puts a system call's
 * registers into the current thread's save area and enters the kernel. The monitor, the blob and
 * the archive are the real ones.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ed25519 } from "@noble/curves/ed25519.js";
import {
  BLOB_KEY_PURPOSE,
  BLOB_PUBLIC_KEY,
  BLOB_SIGNATURE_BYTES,
  KeyPurpose,
} from "../../kernel/abi/blob.ts";
import * as save from "../../kernel/abi/thread-save-area.ts";
import * as record from "../../kernel/abi/message-record.ts";
import { Status } from "../../kernel/abi/status.ts";
import {
  HEADER_FLAG_ERROR,
  HEADER_FLAG_FORWARD,
  HEADER_FLAG_KEEP_MASKED,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_INBOX,
  HANDLE_INDEX_THREAD,
  SystemCall,
} from "../../kernel/abi/system-call.ts";
import { compileSystem } from "../../policy/compiler/compile.ts";
import { compileAssemblyScript } from "../../toolchain/compiler/asc.ts";
import { generateInterfaces } from "../../toolchain/idl/generate/interfaces.ts";
import { GUARDS_FILE, withoutGuard } from "../../toolchain/image/guards.ts";
import { buildArchive } from "../../toolchain/image/archive.ts";
import type { ImageDescription } from "../../toolchain/vocabulary/image.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { programNeeds } from "../../toolchain/image/program-needs.ts";
import type { InterfaceDescription } from "../../toolchain/vocabulary/interface.ts";
import { DiagnosticError } from "../../toolchain/report/diagnostic.ts";
import { type ExecutableOptions, smallExecutable } from "./small-executable.ts";
import { TranslationCache } from "./translation-cache.ts";
import audit from "../../services/interfaces/kernel/audit.idl.ts";
import clock from "../../services/interfaces/kernel/clock.idl.ts";
import domain from "../../services/interfaces/kernel/domain.idl.ts";
import fault from "../../services/interfaces/kernel/fault.idl.ts";
import inbox from "../../services/interfaces/kernel/inbox.idl.ts";
import interrupt from "../../services/interfaces/kernel/interrupt.idl.ts";
import log from "../../services/interfaces/kernel/log.idl.ts";
import memory from "../../services/interfaces/kernel/memory.idl.ts";
import notice from "../../services/interfaces/kernel/notice.idl.ts";
import policy from "../../services/interfaces/kernel/policy.idl.ts";
import ports from "../../services/interfaces/kernel/ports.idl.ts";
import slots from "../../services/interfaces/kernel/slots.idl.ts";
import system from "../../services/interfaces/kernel/system.idl.ts";
import thread from "../../services/interfaces/kernel/thread.idl.ts";
import trace from "../../services/interfaces/kernel/trace.idl.ts";

export const KERNEL_INTERFACES: readonly InterfaceDescription[] = [
  audit,
  clock,
  domain,
  fault,
  inbox,
  interrupt,
  log,
  memory,
  notice,
  policy,
  ports,
  slots,
  system,
  thread,
  trace,
];

/** The states of a slot, by their numbers in the interface Slots. */
export const SLOT_STATES = slots.methods.describe.returns.state.names;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const SEED = new Uint8Array(32).fill(7);
const PUBLIC_KEY = ed25519.getPublicKey(SEED);

const KEY_RING = `
export const KEY_COUNT: u32 = 1;
export const KEY_BYTES: u32 = 40;
export const KEYS: usize = memory.data<u8>([${[...PUBLIC_KEY, KeyPurpose.Development, 0, 0, 0, 0, 0, 0, 0].join(", ")}], 8);
export const POLICY_VERSION_FLOOR: u64 = 0;
`;
const TIMER = `
export const DEADLINE_NEVER: u64 = 0xffff_ffff_ffff_ffff;
let time: u64 = 1;
let armed: u64 = DEADLINE_NEVER;
export function setTime(ns: u64): void { time = ns; }
export function armedDeadline(): u64 { return armed; }
export function nowNs(): u64 { return time; }
export function nowTicks(): u64 { return time; }
export function nsOfTicks(ticks: u64): u64 { return ticks; }
export function nsAtTick(tick: u64): u64 { return tick; }
export function ticksOfNs(ns: u64): u64 { return ns; }
export function waitNs(ns: u64): void { time += ns; }
export function armTimer(deadlineNs: u64): void { armed = deadlineNs; }
export function isTimerVector(vector: u32): bool { return vector === 0x40; }
export function acknowledgeTimer(): void { armed = DEADLINE_NEVER; }
export function timerUsesLine0(): bool { return false; }
`;
const MACHINE = `
import { endEmulator, stopMachine } from "./power";
export { powerOff, reboot } from "./power";
export function stop(code: u32): void { endEmulator(code); stopMachine(); }
export function initializeMachine(startInfo: u64): void {}
export function bootLine(): void {}
`;
const MEMORY_MAP = `
let start: u64 = 0;
let end: u64 = 0;
let archive: u64 = 0;
let bytes: u64 = 0;
let farStart: u64 = 0;
let farEnd: u64 = 0;
let leftOut: u64 = 0;
export function setMemory(from: u64, to: u64): void { start = from; end = to; }
export function setFarMemory(from: u64, to: u64, more: u64): void { farStart = from; farEnd = to; leftOut = more; }
export function setArchive(at: u64, length: u64): void { archive = at; bytes = length; }
export function isMemoryMapTooLong(): bool { return false; }
export function memoryRangeCount(): u32 { return farEnd === 0 ? 1 : 2; }
export function memoryRangeStart(index: u32): u64 { return index === 0 ? start : farStart; }
export function memoryRangeEnd(index: u32): u64 { return index === 0 ? end : farEnd; }
export function memoryLeftOutBytes(): u64 { return leftOut; }
export function archiveStart(): u64 { return archive; }
export function archiveBytes(): u64 { return bytes; }
export function memoryUsableBytes(): u64 { return end - start; }
export function commandLineHas(word: string): bool { return false; }
`;

/** Every call and reply takes the slow path, which defines their meaning. */
const NO_FAST_PATH = `
export function fastCall(handle: u64, header: u64): bool { return false; }
export function fastRecv(): bool { return false; }
export function fastReply(token: u64, header: u64): bool { return false; }
`;

/**
 * Compiles the kernel for Node, once in each test file. `without`: a guard to take down. `slow`:
 * without the fast path.
 */
export async function compileKernel({
  without,
  slow = false,
  files = {},
}: {
  readonly without?: string;
  readonly slow?: boolean;
  /** Texts that take the place of files: faults planted. */
  readonly files?: Readonly<Record<string, string>>;
} = {}): Promise<WebAssembly.Module> {
  await generateInterfaces(ROOT);
  const guards = readFileSync(join(ROOT, GUARDS_FILE), "utf8");
  const { wasm } = await compileAssemblyScript({
    root: ROOT,
    entry: "tests/kernel/entry.ts",
    target: "kernel",
    exportMemory: true,
    virtualFiles: {
      "kernel/monitor/blob/key-ring.ts": KEY_RING,
      "kernel/x64/timer.ts": TIMER,
      "kernel/x64/machine.ts": MACHINE,
      "kernel/x64/memory-map.ts": MEMORY_MAP,
      ...(slow ? { "kernel/entry/fast-path.ts": NO_FAST_PATH } : {}),
      ...files,
      [GUARDS_FILE]: without === undefined ? guards : withoutGuard(guards, without),
    },
  });
  return WebAssembly.compile(wasm.slice());
}

export interface TestProgram extends Omit<ProgramDescription, "name" | "entry"> {
  readonly executable?: Omit<ExecutableOptions, "name">;
}

export interface TestSystem {
  readonly slots: Readonly<
    Record<
      string,
      Omit<ImageDescription["slots"][string], "program" | "quota" | "priority" | "class"> & {
        readonly priority?: number;
        readonly pages?: number;
        readonly quota?: {
          readonly handles?: number;
          readonly threads?: number;
          readonly objects?: number;
        };
      }
    >
  >;
  /** By slot; each slot has a program and a class of its own name, the class with a capital. */
  readonly programs: Readonly<Record<string, TestProgram>>;
  readonly interfaces?: readonly InterfaceDescription[];
  /** Rules; classes and `execute` rules are added. */
  readonly policy: string;
  /**
   * The policy compiler does not learn how much memory the executables take, so it does not refuse
   * quotas that are too small for them.
   */
  readonly areNeedsUnknown?: boolean;
  /** The image's `onSupervisorLoop` is "reboot". */
  readonly pcid?: "on";
  readonly rebootsOnLoop?: boolean;
}

export function className(slot: string): string {
  return slot[0]!.toUpperCase() + slot.slice(1);
}

/** The archive of a system, signed with the test's key. */
export async function buildSystem(description: TestSystem): Promise<Uint8Array> {
  const names = Object.keys(description.slots);
  const executables = names.map((name) =>
    smallExecutable({ name, ...description.programs[name]!.executable }),
  );
  const text = [
    "module test",
    ...names.map((name) => `class ${className(name)}`),
    ...names.map((name) => `allow execute ${className(name)} program ${name}`),
    description.policy,
  ].join("\n");
  const compiled = await compileSystem({
    image: {
      name: "test",
      version: 1,
      policy: ["test.policy"],
      ...(description.pcid === undefined ? {} : { pcid: description.pcid }),
      ...(description.rebootsOnLoop === true ? { onSupervisorLoop: "reboot" as const } : {}),
      slots: Object.fromEntries(
        names.map((name) => {
          const { pages = 200, quota = {}, priority = 100, ...rest } = description.slots[name]!;
          return [
            name,
            {
              program: `services/${name}`,
              class: className(name),
              priority,
              quota: { pages, ...quota },
              ...rest,
            },
          ];
        }),
      ),
    },
    programs: names.map((name, index) => {
      const { executable: _, ...manifest } = description.programs[name]!;
      const digest = createHash("sha256").update(executables[index]!).digest();
      return {
        folder: `services/${name}`,
        description: { name, entry: "main.ts", ...manifest },
        digest: new Uint8Array(digest),
        verified: true,
        needs: description.areNeedsUnknown ? undefined : programNeeds(executables[index]!, name),
      };
    }),
    interfaces: [...KERNEL_INTERFACES, ...(description.interfaces ?? [])],
    policyFiles: [{ file: "test.policy", text }],
  });
  if (compiled.blob === undefined) throw new DiagnosticError(compiled.diagnostics);
  return buildArchive({ blob: signBlob(compiled.blob), programs: executables });
}

/** Puts the test's key and a signature into a blob. */
export function signBlob(blob: Uint8Array): Uint8Array {
  const signed = blob.slice();
  new DataView(signed.buffer).setUint32(BLOB_KEY_PURPOSE, KeyPurpose.Development, true);
  signed.set(PUBLIC_KEY, BLOB_PUBLIC_KEY);
  const end = signed.length - BLOB_SIGNATURE_BYTES;
  signed.set(ed25519.sign(signed.subarray(0, end), SEED), end);
  return signed;
}

/** The machine was told to power off, or the kernel stopped it. */
export class MachineStopped extends Error {
  constructor(
    readonly code: number,
    log: string,
  ) {
    super(`the machine stopped (${code}); log:\n${log}`);
  }
}

interface SendOptions {
  readonly timeout?: bigint;
  /** Address of the record. If it is given, the message is a long one. */
  readonly record?: number;
  readonly handles?: readonly (readonly [number: number, rights: number])[];
  readonly arena?: { readonly address: number; readonly bytes: number };
  readonly receive?: {
    readonly address?: number;
    readonly bytes?: number;
    readonly handles?: number;
  };
}

export interface Result {
  readonly status: Status;
  readonly token: bigint;
  readonly header: number;
  readonly badge: bigint;
  readonly callerClass: number;
  readonly callerSlot: number;
  readonly words: readonly bigint[];
}

export const DOMAIN = 0x10000 | HANDLE_INDEX_DOMAIN;
export const INBOX = 0x10000 | HANDLE_INDEX_INBOX;
export const THREAD = 0x10000 | HANDLE_INDEX_THREAD;
/** The n-th named handle of a slot. */
export const named = (index: number): number => 0x10000 | (4 + index);
const TIMER_VECTOR = 0x40;
const ARCHIVE_AT = 0x100000;
/** The top table of boot. */
const BOOT_ROOT = 0x1000n;
/** ecx of leaf 1. */
/** ecx and edx of leaf 1. */
const CPUID_PCID = 1 << 17;
const CPUID_GLOBAL_PAGES = 1 << 13;
/** Exports by which stubs enter the kernel; each returns to the exit stub. */
const ENTRIES: ReadonlySet<string> = new Set(["start", "systemCall", "interrupt", "fault"]);

/** What CPUID returns: eax, ebx, ecx, edx by leaf; all other leaves are zero. */
export type Cpuid = Readonly<Record<number, readonly [number, number, number, number]>>;

/** Memory of the memory map beyond the memory that exists here. */
export interface FarMemory {
  readonly from: bigint;
  readonly to: bigint;
  /** In pieces beyond those that the memory map keeps. */
  readonly leftOut?: bigint;
}

/** Where the save area has words 0 to 3. */
const WORD_PLACES = [save.SAVE_RBX, save.SAVE_R12, save.SAVE_R13, save.SAVE_R14];

type KernelExport = (...args: (number | bigint)[]) => number | bigint | undefined;

export class KernelInNode {
  readonly physical: Uint8Array;
  readonly view: DataView;
  private readonly exports: Record<string, KernelExport>;
  private readonly window: WebAssembly.Memory;
  private logBytes: number[] = [];
  private time = 1n;
  /** Writes to ports other than the serial line, as "port=value". */
  readonly portWrites: string[] = [];
  /** The kernel reads and sets words in registers (kernel/x64/message-words.ts). */
  private hasWordsInRegisters = false;
  /** The registers of the words: as the thread entered, and as they are now. */
  private enteredWords: readonly bigint[] = [0n, 0n, 0n, 0n];
  private readonly words = [0n, 0n, 0n, 0n];
  /** If the processor has PCIDs: what it keeps of the page tables. */
  readonly translations: TranslationCache | null;

  constructor(
    module: WebAssembly.Module,
    archive: Uint8Array,
    options: {
      readonly memoryBytes?: number;
      readonly far?: FarMemory;
      readonly cpuid?: Cpuid;
      /** Instead of `cpuid`: a processor with PCIDs, whose translations are checked. */
      readonly hasPcids?: boolean;
    } = {},
  ) {
    const archiveEnd = (ARCHIVE_AT + archive.length + 4095) & ~4095;
    const memoryEnd = archiveEnd + (options.memoryBytes ?? 8 << 20);
    this.physical = new Uint8Array(memoryEnd);
    this.view = new DataView(this.physical.buffer);
    this.physical.set(archive, ARCHIVE_AT);

    this.translations =
      options.hasPcids === true ? new TranslationCache(this.physical, BOOT_ROOT) : null;
    const intrinsics = this.intrinsics(
      options.cpuid ??
        (options.hasPcids === true ? { 1: [0, 0, CPUID_PCID, CPUID_GLOBAL_PAGES] } : {}),
    );
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      if (from === "message-words") this.hasWordsInRegisters = true;
      const supplied = from === "x64" || from === "message-words" ? intrinsics[name] : undefined;
      (imports[from] ??= {})[name] = (...args: (number | bigint)[]) =>
        supplied === undefined ? 0 : supplied(...args.map(unsigned));
    }
    // Functions of kernel/x64/assembly.ts return 64-bit zeros, or nothing.
    for (const name of Object.keys(imports["assembly"] ?? {})) {
      imports["assembly"]![name] = /Load(8|32)$|forgetPorts|resumeCurrent/.test(name)
        ? () => 0
        : () => 0n;
    }
    if (imports["assembly"]?.["loadSpace"] !== undefined)
      imports["assembly"]["loadSpace"] = (space: bigint) =>
        void this.translations?.loadSpace(BigInt.asUintN(64, space));
    if (imports["assembly"]?.["loadedSpace"] !== undefined)
      imports["assembly"]["loadedSpace"] = () => this.translations?.loaded ?? BOOT_ROOT;
    if (imports["assembly"]?.["resumeCurrent"] !== undefined)
      imports["assembly"]["resumeCurrent"] = () => void (this.shortExits += 1);
    if (imports["assembly"]?.["resumeMessage"] !== undefined)
      imports["assembly"]["resumeMessage"] = (...passed: (number | bigint)[]) =>
        this.resumeMessage(passed.map((value) => BigInt.asUintN(64, BigInt(value))));
    if (imports["assembly"]?.["resumeSavedMessage"] !== undefined)
      imports["assembly"]["resumeSavedMessage"] = (...passed: (number | bigint)[]) => {
        const place = Number(passed[3]);
        this.words.splice(0, 4, ...WORD_PLACES.map((word) => this.register(place, word)));
        this.resumeMessage(passed.map((value) => BigInt.asUintN(64, BigInt(value))));
      };
    if (imports["assembly"]?.["returnWord"] !== undefined)
      imports["assembly"]["returnWord"] = (word: bigint, header: number) => {
        this.words.splice(0, 4, BigInt.asUintN(64, word), 0n, 0n, 0n);
        this.resumeMessage([0n, BigInt(header >>> 0), 0n, BigInt(this.current), 0n]);
      };
    const instance = new WebAssembly.Instance(module, imports);
    this.exports = instance.exports as unknown as Record<string, KernelExport>;
    this.window = instance.exports["memory"] as WebAssembly.Memory;
    const pages = this.number("windowBytes") / 65536;
    this.window.grow(pages - this.window.buffer.byteLength / 65536);

    this.number("setMemory", BigInt(archiveEnd), BigInt(memoryEnd));
    const { far } = options;
    if (far !== undefined) this.number("setFarMemory", far.from, far.to, far.leftOut ?? 0n);
    this.number("setArchive", BigInt(ARCHIVE_AT), BigInt(archive.length));
    this.number("start", 0n);
  }

  // What the kernel does to the machine.

  private intrinsics(
    processor: Cpuid,
  ): Record<string, (...args: never[]) => number | bigint | void> {
    const at = (address: bigint): number => {
      if (address >= BigInt(this.physical.length))
        throw new Error(`physical address 0x${address.toString(16)}`);
      return Number(address);
    };
    return {
      in8: (port: number) => (port === 0x3fd ? 0x20 : 0),
      out8: (port: number, value: number) => {
        if (port === 0x3f8) this.logBytes.push(value);
        else this.portWrites.push(`${port.toString(16)}=${value.toString(16)}`);
      },
      out16: (port: number, value: number) =>
        this.portWrites.push(`${port.toString(16)}=${value.toString(16)}`),
      out32: (port: number, value: number) => {
        if (port === 0xf4) throw new MachineStopped(value, this.log);
      },
      messageWord: (index: number) => this.enteredWords[index]!,
      setMessageWord: (index: number, word: bigint) => void (this.words[index] = word),
      halt: () => {
        throw new MachineStopped(-1, this.log);
      },
      writeCr4: (value: bigint) => this.translations?.writeCr4(value),
      invalidatePage: (address: bigint) => this.translations?.invalidatePage(address),
      cpuid: (leaf: number, _subleaf: number, result: number) => {
        const registers = new Uint32Array(this.window.buffer, result, 4);
        registers.set(processor[leaf] ?? [0, 0, 0, 0]);
      },
      physicalLoad8: (address: bigint) => this.view.getUint8(at(address)),
      physicalLoad32: (address: bigint) => this.view.getUint32(at(address), true),
      physicalLoad64: (address: bigint) => this.view.getBigUint64(at(address), true),
      physicalStore16: (address: bigint, value: number) =>
        this.view.setUint16(at(address), value, true),
      physicalStore32: (address: bigint, value: number) =>
        this.view.setUint32(at(address), value, true),
      physicalStore64: (address: bigint, value: bigint) =>
        this.view.setBigUint64(at(address), value, true),
      // Forwards in steps of 8 bytes, as `rep movsq`: it shows if the two overlap.
      physicalCopy: (to: bigint, from: bigint, bytes: number) => {
        for (let done = 0; done < bytes; done += 8) {
          const place = at(from) + done;
          this.physical.copyWithin(at(to) + done, place, place + Math.min(8, bytes - done));
        }
      },
      physicalFill: (to: bigint, value: number, bytes: number) =>
        void this.physical.fill(value, at(to), at(to) + bytes),
      copyToPhysical: (to: bigint, from: number, bytes: number) =>
        this.physical.set(new Uint8Array(this.window.buffer, from, bytes), at(to)),
      copyFromPhysical: (to: number, from: bigint, bytes: number) =>
        new Uint8Array(this.window.buffer, to, bytes).set(
          this.physical.subarray(at(from), at(from) + bytes),
        ),
    };
  }

  /** Calls an export whose result is 32 bits. */
  number(name: string, ...args: (number | bigint)[]): number {
    const result = Number(this.exports[name]!(...args) ?? 0) >>> 0;
    if (this.translations !== null && ENTRIES.has(name)) this.resumeCurrent(this.translations);
    return result;
  }
  private resumeCurrent(translations: TranslationCache): void {
    const thread = this.current;
    translations.resume(thread === 0 ? BOOT_ROOT : this.register(thread, save.SAVE_CR3));
  }
  big(name: string, ...args: (number | bigint)[]): bigint {
    return BigInt.asUintN(64, BigInt(this.exports[name]!(...args) ?? 0n));
  }

  /** What the kernel printed. */
  get log(): string {
    return String.fromCharCode(...this.logBytes).replaceAll("\r", "");
  }

  // Time and interrupts.

  /** Advances the clock; the timer interrupts as often as it is armed. */
  pass(nanoseconds: bigint): void {
    const end = this.time + nanoseconds;
    for (let i = 0; i < 10_000; i++) {
      const armed = this.big("armedDeadline");
      if (armed > end) break;
      this.setTime(armed > this.time ? armed : this.time);
      this.number("interrupt", TIMER_VECTOR);
    }
    this.setTime(end);
  }
  private setTime(time: bigint): void {
    this.time = time;
    this.number("setTime", time);
  }
  get now(): bigint {
    return this.time;
  }
  /** A device's interrupt. */
  interrupt(line: number): void {
    this.number("interrupt", 32 + line);
  }
  /** Runs the deferred work of the kernel until none is left. */
  settle(): void {
    for (let i = 0; i < 5000 && this.big("armedDeadline") <= this.time; i++)
      this.number("interrupt", TIMER_VECTOR);
  }

  // Threads.

  /** How often the kernel left by a short exit, `resumeCurrent` or `resumeMessage`. */
  shortExits = 0;
  /** Linear address of the running thread, 0 while idle. */
  get current(): number {
    return this.number("currentSaveArea");
  }
  /** The slot's state, by the name that the interface Slots gives it. */
  slotState(slot: number): (typeof SLOT_STATES)[number] {
    return SLOT_STATES[this.number("slotState", slot)]!;
  }
  /** Slot of the running thread, -1 while idle. */
  get currentSlot(): number {
    return this.current === 0 ? -1 : this.number("slotOfThread", this.current);
  }
  threadOf(slot: number): number {
    return this.number("threadOfSlot", slot);
  }
  /** Ends turns until that thread runs. It must be ready, and no thread of higher priority. */
  become(thread: number): void {
    for (let i = 0; i < 2000 && this.current !== thread; i++) {
      this.number("endTurn");
      this.setTime(this.time + (this.current === 0 ? 0n : 1n));
      this.number("interrupt", TIMER_VECTOR);
    }
    if (this.current !== thread)
      throw new Error(
        `thread 0x${thread.toString(16)} of slot ${this.number("slotOfThread", thread)} cannot run: state ${this.number("threadState", thread)}`,
      );
  }

  // System calls of a slot's thread: entered here, their result read by `result` once the thread is
  // ready again.

  private enter(
    thread: number,
    operation: SystemCall,
    registers: Readonly<Record<number, bigint>>,
  ): void {
    this.become(thread);
    for (const [offset, value] of Object.entries(registers))
      this.setRegister(thread, Number(offset), value);
    const view = new DataView(this.window.buffer);
    view.setUint32(thread + save.SAVE_RESUME, save.RESUME_SYSTEM_CALL, true);
    this.enteredWords = WORD_PLACES.map((place) => this.register(thread, place));
    this.words.splice(0, 4, ...this.enteredWords);
    this.number("systemCall", operation);
  }
  /** As kernel/x64/resume.asm does, but the registers stay in the save area. */
  private resumeMessage(passed: readonly bigint[]): void {
    const [token, header, badge, thread, caller] = passed as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const results = {
      [save.SAVE_RAX]: BigInt(Status.Ok),
      [save.SAVE_RDI]: token,
      [save.SAVE_RSI]: header & 0xffff_ffffn,
      [save.SAVE_RDX]: badge,
      [save.SAVE_R8]: caller,
    };
    for (const [offset, value] of Object.entries(results))
      this.setRegister(Number(thread), Number(offset), value);
    this.shortExits += 1;
    if (!this.hasWordsInRegisters) return;
    WORD_PLACES.forEach((place, i) => this.setRegister(Number(thread), place, this.words[i]!));
  }
  windowByte(address: number): number {
    return new DataView(this.window.buffer).getUint8(address);
  }
  /** Bytes of the kernel's own memory as they are now. */
  windowBytes(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.window.buffer, address, bytes).slice();
  }
  register(thread: number, offset: number): bigint {
    return new DataView(this.window.buffer).getBigUint64(thread + offset, true);
  }
  setRegister(thread: number, offset: number, value: bigint): void {
    new DataView(this.window.buffer).setBigUint64(thread + offset, value, true);
  }

  /** Any system call. */
  raw(thread: number, operation: number, registers: Readonly<Record<number, bigint>>): void {
    this.enter(thread, operation as SystemCall, registers);
  }

  call(
    thread: number,
    handle: number,
    interfaceId: number,
    method: number,
    words: readonly bigint[] = [],
    options: SendOptions = {},
  ): Result {
    const long = this.prepareRecord(thread, words, options);
    const header =
      (interfaceId << HEADER_INTERFACE_SHIFT) |
      (method << HEADER_METHOD_SHIFT) |
      Math.min(words.length, 4) |
      long;
    this.enter(thread, SystemCall.Call, {
      [save.SAVE_RDI]: BigInt(handle >>> 0),
      [save.SAVE_RSI]: BigInt(header >>> 0),
      [save.SAVE_R9]: options.timeout ?? 0n,
      [save.SAVE_RDX]: BigInt(options.record ?? 0),
      ...wordRegisters(words),
    });
    return this.result(thread);
  }

  recv(
    thread: number,
    options: SendOptions & { readonly inbox?: number; readonly keepMasked?: boolean } = {},
  ): Result {
    const long = this.prepareRecord(thread, [], options);
    const header = long | (options.keepMasked ? HEADER_FLAG_KEEP_MASKED : 0);
    this.enter(thread, SystemCall.Recv, {
      [save.SAVE_R10]: BigInt(options.inbox ?? INBOX),
      [save.SAVE_RSI]: BigInt(header),
      [save.SAVE_R9]: options.timeout ?? 0n,
      [save.SAVE_RDX]: BigInt(options.record ?? 0),
    });
    return this.result(thread);
  }

  reply(
    thread: number,
    token: bigint,
    words: readonly bigint[] = [],
    options: SendOptions & {
      readonly error?: boolean;
      readonly forward?: boolean;
      readonly receive_?: boolean;
    } = {},
  ): Result {
    const long = this.prepareRecord(thread, words, options);
    const flags =
      (options.error ? HEADER_FLAG_ERROR : 0) |
      (options.forward ? HEADER_FLAG_FORWARD : 0) |
      (options.receive_ ? HEADER_FLAG_RECEIVE : 0);
    this.enter(thread, SystemCall.Reply, {
      [save.SAVE_RDI]: token,
      [save.SAVE_RSI]: BigInt(Math.min(words.length, 4) | long | flags),
      [save.SAVE_R10]: options.receive_ ? BigInt(INBOX) : 0n,
      [save.SAVE_R9]: options.timeout ?? 0n,
      [save.SAVE_RDX]: BigInt(options.record ?? 0),
      ...wordRegisters(words),
    });
    return this.result(thread);
  }

  /** The result of the thread's last system call, from its registers. */
  result(thread: number): Result {
    const caller = this.register(thread, save.SAVE_R8);
    return {
      status: Number(this.register(thread, save.SAVE_RAX)),
      token: this.register(thread, save.SAVE_RDI),
      header: Number(this.register(thread, save.SAVE_RSI)),
      badge: this.register(thread, save.SAVE_RDX),
      callerClass: Number(caller & 0xffffffffn),
      callerSlot: Number(caller >> 32n),
      words: WORD_PLACES.map((offset) => this.register(thread, offset)),
    };
  }

  private prepareRecord(thread: number, words: readonly bigint[], options: SendOptions): number {
    if (options.record === undefined) return 0;
    const bytes = new DataView(new ArrayBuffer(record.RECORD_BYTES));
    for (const [index, word] of words.entries())
      bytes.setBigUint64(
        index < 4 ? index * 8 : record.RECORD_MORE_WORDS + (index - 4) * 8,
        word,
        true,
      );
    bytes.setUint32(record.RECORD_WORD_COUNT, words.length, true);
    const { handles = [], arena, receive } = options;
    bytes.setUint32(record.RECORD_HANDLE_COUNT, handles.length, true);
    for (const [index, [number, rights]] of handles.entries()) {
      bytes.setUint32(record.RECORD_HANDLES + index * 4, number, true);
      bytes.setUint32(record.RECORD_HANDLE_RIGHTS + index * 4, rights, true);
    }
    bytes.setUint32(record.RECORD_ARENA_BYTES, arena?.bytes ?? 0, true);
    bytes.setUint32(record.RECORD_ARENA_ADDRESS, arena?.address ?? 0, true);
    bytes.setUint32(record.RECORD_RECEIVE_ADDRESS, receive?.address ?? 0, true);
    bytes.setUint32(record.RECORD_RECEIVE_BYTES, receive?.bytes ?? 0, true);
    bytes.setUint32(record.RECORD_RECEIVE_HANDLES, receive?.handles ?? 0, true);
    this.write(this.number("slotOfThread", thread), options.record, new Uint8Array(bytes.buffer));
    return HEADER_FLAG_LONG;
  }

  /** True if another machine's physical memory holds the same. */
  hasMemoryOf(other: KernelInNode): boolean {
    return Buffer.compare(this.physical, other.physical) === 0;
  }

  // A program's memory, as the program itself sees it.

  write(slot: number, address: number, bytes: Uint8Array): void {
    for (const [index, byte] of bytes.entries())
      this.physical[this.place(slot, address + index, true)] = byte;
  }
  read(slot: number, address: number, bytes: number): Uint8Array {
    return Uint8Array.from(
      { length: bytes },
      (_, index) => this.physical[this.place(slot, address + index, false)]!,
    );
  }
  private place(slot: number, address: number, write: boolean): number {
    const place = this.big("touch", slot, address, write ? 1 : 0);
    if (place === 0n) throw new Error(`slot ${slot} faults at 0x${address.toString(16)}`);
    return Number(place);
  }
  readText(slot: number, address: number, bytes: number): string {
    return new TextDecoder().decode(this.read(slot, address, bytes));
  }
  u32(slot: number, address: number): number {
    return new DataView(this.read(slot, address, 4).buffer).getUint32(0, true);
  }
  u64(slot: number, address: number): bigint {
    return new DataView(this.read(slot, address, 8).buffer).getBigUint64(0, true);
  }

  /** Fails if any of the kernel's invariants does not hold. */
  check(): void {
    const broken = this.number("invariantBroken");
    if (broken !== 0)
      throw new Error(
        `invariant ${broken} (tests/kernel/invariants.ts) is broken: 0x${this.big("invariantDetail").toString(16)}`,
      );
  }
}

function wordRegisters(words: readonly bigint[]): Record<number, bigint> {
  return Object.fromEntries(WORD_PLACES.map((offset, index) => [offset, words[index] ?? 0n]));
}

/** WebAssembly returns integers signed. */
function unsigned(value: number | bigint): never {
  return (typeof value === "bigint" ? BigInt.asUintN(64, value) : value >>> 0) as never;
}
