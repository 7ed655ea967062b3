/**
 * Compiles the security monitor to WebAssembly and runs it in this process, with a clock and a key
 * ring of the test's.
 */
import asc from "assemblyscript/asc";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What the kernel's other parts import, and what tests look at besides. */
const ENTRY = `
export * from "./monitor";
export { ed25519Verify } from "./crypto/ed25519";
export { sha512Begin, sha512Update, sha512End } from "./crypto/sha512";
export { verifyStructure } from "./blob/blob";
export { areMachinePorts } from "./blob/machine-ports";
export { putInForce } from "./blob/sections";
export { decide, denyingRule, denyingValue, findPair } from "./matrix";
export { setTime } from "./clock";
`;
const CLOCK = `
let time: u64 = 0;
export function setTime(ns: u64): void { time = ns; }
export function nowNs(): u64 { return time; }
`;

// A function takes and returns numbers and bigints as WebAssembly does: i64 is bigint, the rest
// numbers.
export type MonitorFunction = (
  ...args: readonly (number | bigint)[]
) => number | bigint | undefined;

export interface Monitor {
  readonly memory: WebAssembly.Memory;
  /** Calls an export whose result is an i32, as an unsigned number; booleans come as 0 and 1. */
  number(name: string, ...args: readonly (number | bigint)[]): number;
  /** Calls an export whose result is an i64, unsigned. */
  big(name: string, ...args: readonly (number | bigint)[]): bigint;
  run(name: string, ...args: readonly (number | bigint)[]): void;
  /** Copies bytes to a place of their own, aligned to 8, and answers its address. */
  put(bytes: Uint8Array): number;
  /** Forgets what `put` placed. */
  clear(): void;
  read(address: number, bytes: number): Uint8Array;
  text(address: number): string;
}

export interface MonitorOptions {
  /** Text of kernel/monitor/blob/key-ring.ts. */
  readonly keyRing?: string;
  /** Text of kernel/base/guards.ts. */
  readonly guards?: string;
}

export async function compileMonitor(options: MonitorOptions = {}): Promise<Uint8Array> {
  const virtual = new Map([
    ["kernel/monitor/test-entry.ts", ENTRY],
    ["kernel/monitor/clock.ts", CLOCK],
  ]);
  if (options.keyRing !== undefined)
    virtual.set("kernel/monitor/blob/key-ring.ts", options.keyRing);
  if (options.guards !== undefined) virtual.set("kernel/base/guards.ts", options.guards);
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "kernel/monitor/test-entry.ts",
      "--outFile",
      "monitor.wasm",
      "--runtime",
      "stub",
      "-O1",
      "--memoryBase",
      "65536",
      "--use",
      "abort=",
    ],
    {
      readFile(name: string) {
        const text = virtual.get(name.replace(/^\.\//, ""));
        if (text !== undefined) return text;
        try {
          return readFileSync(join(ROOT, name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile(name: string, content: unknown) {
        if (name === "monitor.wasm" && content instanceof Uint8Array) wasm = content;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === undefined)
    throw new Error(`the monitor does not compile: ${stderr.toString()}`);
  return wasm;
}

export function startMonitor(wasm: Uint8Array): Monitor {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>),
    {},
  );
  const memory = instance.exports["memory"] as WebAssembly.Memory;
  const start = memory.buffer.byteLength;
  let next = start;
  const call = (name: string, args: readonly (number | bigint)[]): number | bigint | undefined => {
    const found = instance.exports[name] as MonitorFunction | undefined;
    if (found === undefined) throw new Error(`the monitor does not export ${name}`);
    return found(...args);
  };
  return {
    memory,
    number(name, ...args) {
      const value = call(name, args);
      if (typeof value !== "number") throw new Error(`${name} answers no i32`);
      return value >>> 0;
    },
    big(name, ...args) {
      const value = call(name, args);
      if (typeof value !== "bigint") throw new Error(`${name} answers no i64`);
      return BigInt.asUintN(64, value);
    },
    run(name, ...args) {
      call(name, args);
    },
    put(bytes) {
      const address = next;
      next = (next + bytes.length + 7) & ~7;
      const missing = next - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65536));
      new Uint8Array(memory.buffer).set(bytes, address);
      return address;
    },
    clear() {
      next = start;
    },
    read: (address, bytes) => new Uint8Array(memory.buffer).slice(address, address + bytes),
    text(address) {
      const all = new Uint8Array(memory.buffer);
      let end = address;
      while (all[end] !== 0) end++;
      return new TextDecoder().decode(all.slice(address, end));
    },
  };
}

export async function loadMonitor(options: MonitorOptions = {}): Promise<Monitor> {
  return startMonitor(await compileMonitor(options));
}
