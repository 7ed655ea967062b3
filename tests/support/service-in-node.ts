/**
 * Runs a program of services/ or drivers/ in this process: compiled to WebAssembly, with the three
 * system calls supplied by a message switch and fake peers behind its handles. Program and test
 * never run at the same time: the program runs until it waits, and then the test continues.
 */
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import * as R from "../../kernel/abi/message-record.ts";
import { Status } from "../../kernel/abi/status.ts";
import {
  HEADER_FLAG_ERROR,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
} from "../../kernel/abi/system-call.ts";
import Clock from "../../services/interfaces/kernel/clock.idl.ts";
import Domain from "../../services/interfaces/kernel/domain.idl.ts";
import Log from "../../services/interfaces/kernel/log.idl.ts";
import { compileAssemblyScript } from "../../toolchain/compiler/asc.ts";
import type { InterfaceDescription } from "../../toolchain/vocabulary/interface.ts";
import { generateAll } from "../../toolchain/make/generate.ts";
import { programHandles } from "../../toolchain/idl/generate/program-file.ts";
import { loadDataModule } from "../../toolchain/idl/load-data.ts";
import {
  answerLayout,
  decodeMessage,
  encodeMessage,
  type ErrorName,
  findMethod,
  type MethodName,
  requestLayout,
  type Returns,
  type Takes,
  type Values,
  type WireMessage,
} from "../../toolchain/idl/message.ts";
import type { ProgramDescription } from "../../toolchain/vocabulary/program.ts";
import { STRESS_COLLECTOR } from "../../toolchain/soak/stressed-services.ts";
import { fakePeer, type Outcome, type Peer } from "./fake-peer.ts";
import { readMessage, writeMessage } from "./record.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
/**
 * If set, every program has the collector, which runs at every turn. The tests must pass then too.
 */
const IS_STRESSED = process.env[STRESS_COLLECTOR] !== undefined;
const DOMAIN_HANDLE = 0x10001;
const INBOX_HANDLE = 0x10002;
/** Handles that a test or the fake domain makes. */
const FIRST_MADE_HANDLE = 0x10100;

interface NodeOptions {
  /**
   * The peers behind the handles that the manifest names. Clock, Log and the program's own domain
   * are always there.
   */
  readonly peers?: Readonly<Record<string, Peer>>;
  /** The tree that the program belongs to; default: this one. */
  readonly root?: string;
  /** The slot that the program runs in; default: 0. */
  readonly slot?: number;
  /** I/O ports of a driver. */
  readonly ports?: { read(port: number): number; write(port: number, value: number): void };
}

/** The state of a call to the program. A deferred answer changes it later. */
interface CallState<I extends InterfaceDescription, M extends MethodName<I>> {
  state: "waiting" | "answered" | "refused";
  fields?: Returns<I, M>;
  error?: ErrorName<I> | "unknownMethod";
}

/** Compiles the program in `folder`, and returns it before its first instruction. */
export async function loadInNode(folder: string, options: NodeOptions = {}): Promise<NodeProgram> {
  const root = options.root ?? ROOT;
  const key = join(root, folder);
  let compilation = compilations.get(key);
  if (compilation === undefined) compilations.set(key, (compilation = compile(root, folder)));
  const { program, module } = await compilation;
  return new NodeProgram(program, module, options);
}

interface Compilation {
  readonly program: ProgramDescription;
  readonly module: WebAssembly.Module;
}

/**
 * Compiles a program from a text: `source` counts as a file of `folder`, its handles are those of
 * `program`.
 */
export async function loadSourceInNode(
  folder: string,
  source: string,
  program: ProgramDescription,
  options: NodeOptions = {},
  virtualFiles: Readonly<Record<string, string>> = {},
): Promise<NodeProgram> {
  const module = await compileSource(options.root ?? ROOT, folder, source, virtualFiles);
  return new NodeProgram(program, module, options);
}

/** Each program is compiled once in each test file. */
const compilations = new Map<string, Promise<Compilation>>();

async function compile(root: string, folder: string): Promise<Compilation> {
  const program = (await loadDataModule(root, `${folder}/program.ts`)) as ProgramDescription;
  return {
    program,
    module: await compileSource(
      root,
      folder,
      `export * from "./${program.entry.replace(/\.ts$/, "")}";\n`,
    ),
  };
}

async function compileSource(
  root: string,
  folder: string,
  source: string,
  virtualFiles: Readonly<Record<string, string>> = {},
): Promise<WebAssembly.Module> {
  await generateAll(root);
  const entry = `${folder}/node-entry.ts`;
  const runtime = `${"../".repeat(folder.split("/").length)}services/runtime`;
  const stress = IS_STRESSED
    ? `export { collectionCount, stressCollector } from "${runtime}/collector";\n`
    : "";
  const text = `${source}export { serveLoop } from "${runtime}/server";\n${stress}`;
  const { wasm } = await compileAssemblyScript({
    root,
    entry,
    target: "domain",
    virtualFiles: { ...virtualFiles, [entry]: text },
    collects: IS_STRESSED,
    exportMemory: true,
  });
  return new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
}

/**
 * Thrown through the frames of a program that waits for a message that is not there. A fake peer
 * throws it where it would not answer yet.
 */
export class Waits extends Error {}
/** The program has asked the kernel to end it. */
class Exits extends Error {}

/** A request that the program has not answered yet. */
interface Pending {
  /** What the test holds of it, if the test made it. */
  readonly call?: CallState<InterfaceDescription, string>;
  settle(header: number, message: WireMessage): void;
}

export class NodeProgram {
  /** The fake clock: nanoseconds since boot, which was a second ago. */
  nowNs = 1_000_000_000n;
  /** The lines that the program wrote to the kernel's log. */
  readonly log: string[] = [];
  /** The exit code of the program; undefined while it runs. */
  exitCode: number | undefined;

  private readonly instance: WebAssembly.Instance;
  private readonly peers = new Map<number, Peer>();
  private readonly queue: {
    readonly token: bigint;
    readonly badge: bigint;
    readonly header: number;
    readonly message: WireMessage;
  }[] = [];
  private readonly pending = new Map<bigint, Pending>();
  private bits = 0n;
  private timer: { readonly deadline: bigint; readonly bits: bigint } | undefined;
  private nextHandle = FIRST_MADE_HANDLE;
  private nextToken = 1n;
  /** What the last short system call returned, by SystemCallResult. */
  private results: readonly bigint[] = [];

  constructor(program: ProgramDescription, module: WebAssembly.Module, options: NodeOptions) {
    this.peers.set(DOMAIN_HANDLE, options.peers?.["domain"] ?? this.fakeDomain(options.slot ?? 0));
    for (const { name, group, interfaceName, number } of programHandles(program)) {
      const peer =
        options.peers?.[name] ??
        (interfaceName === "Clock"
          ? this.fakeClock()
          : interfaceName === "Log"
            ? this.fakeLog()
            : undefined);
      if (peer !== undefined && group !== "serves") this.peers.set(number, peer);
    }
    const { ports } = options;
    this.instance = new WebAssembly.Instance(module, {
      trine: {
        call: (handle: number, header: number, record: number, timeout: bigint) =>
          this.onCall(handle >>> 0, header >>> 0, record >>> 0, BigInt.asUintN(64, timeout)),
        callShort: (handle: number, header: number, timeout: bigint, ...words: bigint[]) =>
          this.inRegisters(0, words, (memory) =>
            this.onCall(handle >>> 0, header >>> 0, 0, BigInt.asUintN(64, timeout), memory),
          ),
        replyShort: (
          token: bigint,
          header: number,
          record: number,
          inbox: number,
          timeout: bigint,
          ...words: bigint[]
        ) =>
          this.inRegisters(record >>> 0, words, (memory) =>
            this.onReply(
              BigInt.asUintN(64, token),
              header >>> 0,
              record >>> 0,
              inbox >>> 0,
              BigInt.asUintN(64, timeout),
              memory,
            ),
          ),
        result: (which: number) => this.results[which],
        recv: (inbox: number, flags: number, record: number, timeout: bigint) =>
          this.onReceive(inbox >>> 0, flags >>> 0, record >>> 0, BigInt.asUintN(64, timeout)),
        reply: (token: bigint, header: number, record: number, inbox: number, timeout: bigint) =>
          this.onReply(
            BigInt.asUintN(64, token),
            header >>> 0,
            record >>> 0,
            inbox >>> 0,
            BigInt.asUintN(64, timeout),
          ),
      },
      x64: {
        in8: (port: number) => ports?.read(port) ?? 0xff,
        out8: (port: number, value: number) => ports?.write(port, value),
        readTsc: () => this.nowNs,
      },
      env: {
        abort: () => {
          throw new Error("the program has failed an assertion");
        },
      },
    });
    (this.instance.exports["stressCollector"] as (() => void) | undefined)?.();
  }

  /** Runs `main` until the program waits for messages or ends. */
  run(): void {
    this.enter("main");
  }

  /**
   * Sends a request to the endpoint of that interface, and runs the program until it waits again.
   */
  call<const I extends InterfaceDescription, M extends MethodName<I>>(
    description: I,
    method: M,
    takes: Takes<I, M>,
    badge = 0n,
  ): CallState<I, M> {
    const call = this.queueCall(description, method, takes, () => {}, badge);
    this.enter("serveLoop");
    if (IS_STRESSED && this.exported("collectionCount")() === 0)
      throw new Error("the program served a request and collected nothing");
    return call;
  }

  /**
   * Sends a request that the program gets with its next receive: for peers that call back while
   * the program calls them.
   */
  queueCall<const I extends InterfaceDescription, M extends MethodName<I>>(
    description: I,
    method: M,
    takes: Takes<I, M>,
    settled: (call: CallState<I, M>) => void,
    badge = 0n,
  ): CallState<I, M> {
    const { index, method: found } = findMethod(description, method);
    const message = encodeMessage(requestLayout(found), takes as Values);
    const call: CallState<I, M> = { state: "waiting" };
    const settle = (header: number, answer: WireMessage): void => {
      settleCall(
        description,
        method,
        call as CallState<InterfaceDescription, string>,
        header,
        answer,
      );
      settled(call);
    };
    this.enqueue(description, index, message, badge, {
      call: call as CallState<InterfaceDescription, string>,
      settle,
    });
    return call;
  }

  /** Sends any message at all, which the program gets with its next receive. */
  queueMessage(header: number, message: WireMessage, settle: (header: number) => void): void {
    this.enqueueRaw(header, message, 0n, { settle });
  }

  /** Signals notice bits, which the program gets with its next receive. */
  raise(bits: bigint): void {
    this.bits |= bits;
  }

  /** Has the program serve a message while it is itself in a call: a peer that is the program. */
  exchange(description: InterfaceDescription, method: number, message: WireMessage): Outcome {
    const outcomes: Outcome[] = [];
    const settle = (header: number, answer: WireMessage): void => {
      outcomes.push({
        status: (header & HEADER_FLAG_ERROR) === 0 ? Status.Ok : Status.ErrorReply,
        message: answer,
      });
    };
    this.enqueue(description, method, message, 0n, { settle });
    this.enter("serveLoop");
    return outcomes[0] ?? { status: Status.Timeout, message };
  }

  /** The caller stops waiting: an answer to its call fails with Gone. */
  abandon(call: CallState<InterfaceDescription, string>): void {
    for (const [token, pending] of this.pending)
      if (pending.call === call) this.pending.delete(token);
  }

  /** Delivers notice bits and runs the program. */
  notify(bits: bigint): void {
    this.bits |= bits;
    this.enter("serveLoop");
  }

  /** Lets time pass, and runs the program if its timer fires. */
  advance(nanoseconds: bigint): void {
    this.pass(nanoseconds);
    if (this.bits !== 0n) this.enter("serveLoop");
  }

  /** Gives the program a handle with `peer` behind it, to be sent in a message. */
  give(peer: Peer): number {
    this.peers.set(this.nextHandle, peer);
    return this.nextHandle++;
  }

  /** Bytes of the program's memory as text. */
  text(address: number, bytes: number): string {
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer, address, bytes));
  }

  /** The exported function of that name, for tests of a part of the program. */
  exported(name: string): (...values: readonly (number | bigint)[]) => number | bigint | undefined {
    return this.instance.exports[name] as (
      ...values: readonly (number | bigint)[]
    ) => number | bigint | undefined;
  }

  private enter(name: string): void {
    if (this.exitCode !== undefined) throw new Error("the program has ended");
    try {
      this.exported(name)();
    } catch (error) {
      if (!(error instanceof Waits || error instanceof Exits)) throw error;
    }
  }

  private get memory(): DataView {
    return new DataView((this.instance.exports["memory"] as WebAssembly.Memory).buffer);
  }

  /**
   * Makes a system call whose words are not in memory: those sent are `words`, those received are
   * in `results`. What registers pass is put where a record has it, and memory gets back what was
   * there. Without a record, other memory takes its place.
   */
  private inRegisters(
    record: number,
    words: readonly bigint[],
    systemCall: (memory: DataView) => Status,
  ): bigint {
    const memory = record === 0 ? new DataView(new ArrayBuffer(R.RECORD_BYTES)) : this.memory;
    const before = memory.buffer.slice(record, record + R.RECORD_WORD_COUNT);
    words.forEach((word, index) => memory.setBigInt64(record + 8 * index, word, true));
    const status = systemCall(memory);
    const word = (offset: number): bigint => memory.getBigUint64(record + offset, true);
    const header = BigInt(memory.getUint32(record + R.RECORD_HEADER, true));
    this.results = [
      ...[word(R.RECORD_TOKEN), header, word(R.RECORD_BADGE), word(R.RECORD_CALLER)],
      ...[0, 8, 16, 24].map(word),
    ];
    new Uint8Array(memory.buffer).set(new Uint8Array(before), record);
    return BigInt(status);
  }

  private onCall(
    handle: number,
    header: number,
    record: number,
    timeout: bigint,
    memory = this.memory,
  ): Status {
    const peer = this.peers.get(handle);
    if (peer === undefined) return Status.BadHandle;
    if (header >>> 16 !== peer.description.id) return Status.WrongInterface;
    const outcome = peer.answer((header >>> 4) & 63, readMessage(memory, record, header));
    if (outcome.status === Status.Timeout) this.pass(timeout);
    const hasMessage = outcome.status === Status.Ok || outcome.status === Status.ErrorReply;
    if (hasMessage)
      writeMessage(memory, record, (header & HEADER_FLAG_LONG) !== 0, header, outcome.message);
    return outcome.status;
  }

  private onReceive(
    inbox: number,
    flags: number,
    record: number,
    timeout: bigint,
    memory = this.memory,
  ): Status {
    const isMain = inbox === INBOX_HANDLE;
    if (isMain && this.bits !== 0n) return this.takeBits(record, memory);
    const next = isMain ? this.queue.shift() : undefined;
    if (next !== undefined) {
      writeMessage(memory, record, (flags & HEADER_FLAG_LONG) !== 0, next.header, next.message);
      memory.setBigUint64(record + R.RECORD_TOKEN, next.token, true);
      memory.setBigUint64(record + R.RECORD_BADGE, next.badge, true);
      return Status.Ok;
    }
    if (timeout === 0n) throw new Waits("the program waits");
    this.pass(timeout);
    return isMain && this.bits !== 0n ? this.takeBits(record, memory) : Status.Timeout;
  }

  private takeBits(record: number, memory: DataView): Status {
    memory.setBigUint64(record, this.bits, true);
    this.bits = 0n;
    return Status.Notified;
  }

  private onReply(
    token: bigint,
    header: number,
    record: number,
    inbox: number,
    timeout: bigint,
    memory = this.memory,
  ): Status {
    const pending = this.pending.get(token);
    if (pending === undefined) return Status.Gone;
    this.pending.delete(token);
    pending.settle(header, readMessage(memory, record, header));
    if ((header & HEADER_FLAG_RECEIVE) === 0) return Status.Ok;
    const hasRecord = (header & (HEADER_FLAG_LONG | HEADER_FLAG_RECORD)) !== 0;
    return this.onReceive(inbox, hasRecord ? HEADER_FLAG_LONG : 0, record, timeout, memory);
  }

  private enqueue(
    description: InterfaceDescription,
    method: number,
    message: WireMessage,
    badge: bigint,
    pending: Pending,
  ): void {
    this.enqueueRaw(((description.id << 16) | (method << 4)) >>> 0, message, badge, pending);
  }

  private enqueueRaw(header: number, message: WireMessage, badge: bigint, pending: Pending): void {
    const token = (this.nextToken++ << 32n) | 7n;
    this.pending.set(token, pending);
    this.queue.push({ token, badge, header, message });
  }

  private pass(nanoseconds: bigint): void {
    this.nowNs += nanoseconds;
    if (this.timer === undefined || this.timer.deadline > this.nowNs) return;
    this.bits |= this.timer.bits;
    this.timer = undefined;
  }

  private fakeClock(): Peer {
    return fakePeer(Clock, {
      now: () => ({ nanoseconds: this.nowNs }),
      setTimer: ({ deadline, bits }) =>
        void (this.timer = deadline === 0n ? undefined : { deadline, bits }),
    });
  }

  private fakeLog(): Peer {
    return fakePeer(Log, { write: ({ text }) => void this.log.push(text) });
  }

  private fakeDomain(slot: number): Peer {
    const make = (): { handle: number } => ({ handle: this.nextHandle++ });
    return fakePeer(Domain, {
      info: () => ({
        slot,
        classId: 0,
        pagesUsed: 0,
        pagesQuota: 0,
        handlesUsed: 0,
        handlesQuota: 0,
        instance: 1,
      }),
      createInbox: make,
      createNotice: make,
      createEndpoint: make,
      mint: make,
      drop: ({ handle }) => void this.peers.delete(handle),
      exit: ({ code }) => {
        this.exitCode = code;
        throw new Exits("the program has ended");
      },
    });
  }
}

/** Records an answer, after checking that it is an answer to that method. */
function settleCall(
  description: InterfaceDescription,
  name: string,
  call: CallState<InterfaceDescription, string>,
  header: number,
  message: WireMessage,
): void {
  const { index, method } = findMethod(description, name);
  if (header >>> 16 !== description.id || ((header >>> 4) & 63) !== index)
    throw new Error(`the answer to ${description.name}.${name} has header ${header.toString(16)}`);
  if ((header & HEADER_FLAG_ERROR) !== 0) {
    call.state = "refused";
    call.error = (description.errors?.[Number(message.words[0]) - 1] ??
      "unknownMethod") as "unknownMethod";
  } else {
    call.state = "answered";
    call.fields = decodeMessage(answerLayout(method), message) as never;
  }
}
