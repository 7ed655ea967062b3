import { beforeEach, expect, test } from "vitest";
import Interrupt from "../../services/interfaces/kernel/interrupt.idl.ts";
import Notice from "../../services/interfaces/kernel/notice.idl.ts";
import Serial from "../../services/interfaces/serial.idl.ts";
import { fakePeer, type Peer } from "../../tests/support/fake-peer.ts";
import { loadInNode, type NodeProgram } from "../../tests/support/service-in-node.ts";

const COM1 = 0x3f8;
const FIFO_BYTES = 16;

/** A 16550 as a program sees it. */
class Device {
  divisor = 0;
  timesDivisorSet = 0;
  /** The fewest bits of a word on the line since the device was made. */
  shortestWord = 8;
  sent = "";
  readonly input: number[] = [];
  readonly touched = new Set<number>();
  // As firmware leaves it.
  private readonly registers = Uint8Array.of(0, 0, 0, 0x03, 0, 0, 0, 0);
  /** Bytes in the transmitter; a test sends them on by `drain`. */
  private transmitting = 0;

  read(port: number): number {
    this.touched.add(port);
    const register = port - COM1;
    if (this.isLatchOpen && register < 2)
      return register === 0 ? this.divisor & 0xff : this.divisor >> 8;
    if (register === 0) return this.input.shift() ?? 0;
    if (register === 5)
      return (this.input.length > 0 ? 1 : 0) | (this.transmitting === 0 ? 0x60 : 0);
    return register === 2 ? 0xc1 : this.registers[register]!;
  }

  write(port: number, value: number): void {
    this.touched.add(port);
    const register = port - COM1;
    if (this.isLatchOpen && register < 2) {
      this.timesDivisorSet++;
      this.divisor =
        register === 0 ? (this.divisor & 0xff00) | value : (this.divisor & 0xff) | (value << 8);
    } else if (register === 0) {
      if (++this.transmitting > FIFO_BYTES) throw new Error("the transmitter has no room");
      this.sent += String.fromCharCode(value);
    } else {
      if (register === 2 && (value & 2) !== 0) this.input.length = 0;
      if (register === 2 && (value & 4) !== 0) this.transmitting = 0;
      this.registers[register] = value;
      this.shortestWord = Math.min(this.shortestWord, (this.lineControl & 3) + 5);
    }
  }

  private get isLatchOpen(): boolean {
    return (this.lineControl & 0x80) !== 0;
  }

  drain(): void {
    this.transmitting = 0;
  }

  get lineControl(): number {
    return this.registers[3]!;
  }

  get enabled(): number {
    return this.registers[1]!;
  }
}

let device: Device;
let driver: NodeProgram;
let boundBits: bigint;
let signals: bigint[];
let reader: Peer;

beforeEach(async () => {
  device = new Device();
  signals = [];
  reader = fakePeer(Notice, { signal: ({ bits }) => void signals.push(bits) });
  await start();
});

/** Starts an instance of the driver, in place of the one that ran. */
async function start(): Promise<void> {
  const line = fakePeer(Interrupt, { bind: ({ bits }) => void (boundBits = bits) });
  driver = await loadInNode("drivers/uart-16550", { peers: { line }, ports: device });
  driver.run();
}

const interrupt = (): void => driver.notify(boundBits);

test("it sets 115200 baud, 8 bits, no parity, one stop bit, and touches only its eight ports", () => {
  expect(device.divisor).toBe(1);
  expect(device.lineControl).toBe(0x03);
  expect(Math.min(...device.touched)).toBeGreaterThanOrEqual(COM1);
  expect(Math.max(...device.touched)).toBeLessThan(COM1 + 8);
});

test("a restart of the driver loses no byte in the device and disturbs no byte on the line", async () => {
  driver.call(Serial, "write", { data: Buffer.from("0123456789") });
  device.input.push(...Buffer.from("typed meanwhile"));
  const { timesDivisorSet } = device;
  await start();
  expect(device.enabled).toBe(1);
  interrupt();
  expect(Buffer.from(driver.call(Serial, "read", {}).fields!.data).toString()).toBe(
    "typed meanwhile",
  );
  driver.call(Serial, "write", { data: Buffer.from("abc") });
  expect(device.sent).toBe("0123456789");
  device.drain();
  interrupt();
  expect(device.sent).toBe("0123456789abc");
  expect([device.timesDivisorSet, device.shortestWord]).toEqual([timesDivisorSet, 8]);
});

test("input is kept until it is read, and the reader is signalled", () => {
  driver.call(Serial, "attach", { notice: driver.give(reader) });
  device.input.push(...Buffer.from("hello"));
  interrupt();
  expect(signals).toEqual([1n]);
  expect(Buffer.from(driver.call(Serial, "read", {}).fields!.data).toString()).toBe("hello");
  expect(driver.call(Serial, "read", {}).fields!.data).toHaveLength(0);
});

test("a reader that attaches late is signalled if there is input", () => {
  device.input.push(0x61);
  interrupt();
  driver.call(Serial, "attach", { notice: driver.give(reader) });
  expect(signals).toEqual([1n]);
});

test("a write sends sixteen bytes per interrupt", () => {
  const text = "0123456789abcdefghijklmnopqrstuvwxyz";
  expect(driver.call(Serial, "write", { data: Buffer.from(text) }).state).toBe("answered");
  expect(device.sent).toBe(text.slice(0, 16));
  expect(device.enabled).toBe(3);
  while (device.enabled === 3) {
    device.drain();
    interrupt();
  }
  expect(device.sent).toBe(text);
  expect(device.enabled).toBe(1);
});

test("a writer waits until there is room for its bytes", () => {
  const block = Buffer.alloc(1024, "x");
  const writes = Array.from({ length: 5 }, () => driver.call(Serial, "write", { data: block }));
  expect(writes.map((write) => write.state)).toEqual([
    "answered",
    "answered",
    "answered",
    "answered",
    "waiting",
  ]);
  for (let times = 0; times < 64; times++) {
    device.drain();
    interrupt();
  }
  expect(writes[4]!.state).toBe("answered");
  while (device.enabled === 3) {
    device.drain();
    interrupt();
  }
  expect(device.sent).toHaveLength(5 * 1024);
});

test("input without room is counted, and the rest stays in order", () => {
  device.input.push(...Array<number>(5000).fill(0x61));
  while (device.input.length > 0) interrupt();
  const read = driver.call(Serial, "read", {}).fields!;
  expect(read.data).toHaveLength(512);
  expect(read.lost).toBe(5000 - 4096);
  expect(driver.call(Serial, "info", {}).fields).toMatchObject({ received: 5000n, sent: 0n });
});
