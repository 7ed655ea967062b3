/**
 * QEMU's debugger port, as far as tests and benches need it: stop at an instruction, look at the
 * registers, continue. One packet at a time; each packet is answered.
 */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const CONNECT_TRIES_MAX = 100;
const CONNECT_PAUSE_MS = 50;
const ANSWER_TIMEOUT_MS = 60_000;

/** A TCP port of the loopback interface that is free at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .on("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
  });
}

/** In the order in which QEMU sends them. */
const GENERAL_REGISTERS = [
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"],
  ...["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"],
] as const;
type RegisterName = (typeof GENERAL_REGISTERS)[number];
export type Registers = Readonly<Record<RegisterName, bigint>>;
const REGISTER_DIGITS = 16;

export class DebuggerConnection {
  private readonly socket: Socket;
  private received = "";
  private readonly packets: string[] = [];
  private waiting: ((packet: string) => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket
      .setEncoding("latin1")
      .setNoDelay(true)
      .on("data", (text: string) => this.receive(text))
      .on("error", () => {});
  }

  static async open(port: number): Promise<DebuggerConnection> {
    for (let attempt = 1; ; attempt += 1) {
      const socket = connect(port, "127.0.0.1");
      const error = await new Promise<Error | null>((resolve) =>
        socket.once("connect", () => resolve(null)).once("error", resolve),
      );
      if (error === null) return new DebuggerConnection(socket);
      if (attempt === CONNECT_TRIES_MAX) throw error;
      await sleep(CONNECT_PAUSE_MS);
    }
  }

  /** Lets the machine run. */
  resume(): void {
    this.send("c");
  }

  /** Stops the machine at the instruction that it has reached. */
  async interrupt(): Promise<void> {
    this.socket.write("\x03");
    await this.answer();
  }

  /** Waits until the machine stops at a breakpoint; false if it does not stop in time. */
  async stops(timeoutMs: number): Promise<boolean> {
    return (await this.answer(timeoutMs)) !== null;
  }

  /** Sets a breakpoint that changes no memory. The machine must be stopped. */
  async setBreakpoint(address: bigint): Promise<void> {
    await this.request(`Z1,${address.toString(16)},1`);
  }

  async clearBreakpoint(address: bigint): Promise<void> {
    await this.request(`z1,${address.toString(16)},1`);
  }

  /** Executes one instruction; neither interrupts nor timers come meanwhile. */
  async step(): Promise<void> {
    this.send("s");
    await this.answer();
  }

  async registers(): Promise<Registers> {
    this.send("g");
    const digits = await this.answer();
    return Object.fromEntries(
      GENERAL_REGISTERS.map((name, at) => [
        name,
        littleEndian(digits.slice(at * REGISTER_DIGITS, (at + 1) * REGISTER_DIGITS)),
      ]),
    ) as Registers;
  }

  async setRegister(name: RegisterName, value: bigint): Promise<void> {
    // QEMU lets only those set registers who have asked how it numbers them.
    this.send("qXfer:features:read:target.xml:0,1");
    await this.answer();
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    await this.request(`P${GENERAL_REGISTERS.indexOf(name).toString(16)}=${bytes.toString("hex")}`);
  }

  /** Bytes of memory by virtual address, as the machine's current address space has them. */
  async readMemory(address: bigint, bytes: number): Promise<Uint8Array> {
    this.send(`m${address.toString(16)},${bytes.toString(16)}`);
    return Uint8Array.from(Buffer.from(await this.answer(), "hex"));
  }

  close(): void {
    this.socket.destroy();
  }

  private async request(packet: string): Promise<void> {
    this.send(packet);
    const answer = await this.answer();
    if (answer !== "OK") throw new Error(`QEMU's debugger port answers ${packet} with ${answer}`);
  }

  private send(packet: string): void {
    const sum = [...packet].reduce((total, character) => total + character.charCodeAt(0), 0) & 0xff;
    this.socket.write(`$${packet}#${sum.toString(16).padStart(2, "0")}`, "latin1");
  }

  /** Null if no packet came in time. */
  private answer(): Promise<string>;
  private answer(timeoutMs: number): Promise<string | null>;
  private answer(timeoutMs = ANSWER_TIMEOUT_MS): Promise<string | null> {
    const here = this.packets.shift();
    if (here !== undefined) return Promise.resolve(here);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting = null;
        resolve(null);
      }, timeoutMs);
      this.waiting = (packet) => {
        clearTimeout(timer);
        this.waiting = null;
        resolve(packet);
      };
    });
  }

  private receive(text: string): void {
    this.received += text;
    for (
      let match = /\$([^#]*)#../.exec(this.received);
      match !== null;
      match = /\$([^#]*)#../.exec(this.received)
    ) {
      this.received = this.received.slice(match.index + match[0].length);
      this.socket.write("+");
      if (this.waiting !== null) this.waiting(match[1]!);
      else this.packets.push(match[1]!);
    }
  }
}

/** A number whose bytes, each as two digits, come lowest first. */
function littleEndian(digits: string): bigint {
  return Buffer.from(digits, "hex").readBigUInt64LE();
}
