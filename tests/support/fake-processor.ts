/**
 * Files of kernel/x64 compiled to WebAssembly and run in this process, on the test's physical
 * memory, ports and clock. An instruction for which the test gives no function does nothing and
 * returns zero.
 */
import { compileAssemblyScript } from "../../toolchain/compiler/asc.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";

interface FakeMachine {
  readonly physical?: DataView;
  readonly readPort?: (port: number) => number;
  readonly writePort?: (port: number, value: number) => void;
  readonly readTsc?: () => bigint;
  /** eax, ebx, ecx, edx. */
  readonly cpuid?: (leaf: number, subleaf: number) => readonly [number, number, number, number];
  /** Replaces `physical` for words of 32 bits: device registers. */
  readonly load32?: (address: bigint) => number;
  readonly store32?: (address: bigint, value: number) => void;
  /** Functions of kernel/x64/assembly.ts. */
  readonly assembly?: Readonly<Record<string, (...args: never[]) => bigint | number>>;
  /** Functions of kernel/x64/message-words.ts. */
  readonly messageWords?: Readonly<Record<string, (...args: never[]) => bigint | void>>;
}

type Export = (...args: (number | bigint)[]) => number | bigint | undefined;

export interface RunningFiles {
  /** Calls an export; an i32 comes back unsigned. */
  number(name: string, ...args: (number | bigint)[]): number;
  /** Calls an export whose result is an i64, unsigned. */
  big(name: string, ...args: (number | bigint)[]): bigint;
}

/** Compiles a text as a file of kernel/x64; it re-exports what the test calls. */
export async function compileForFake(entryText: string): Promise<WebAssembly.Module> {
  const entry = "kernel/x64/test-entry.ts";
  const { wasm } = await compileAssemblyScript({
    root: findRoot(),
    entry,
    target: "kernel",
    virtualFiles: { [entry]: entryText },
    exportMemory: true,
  });
  return WebAssembly.compile(wasm.slice());
}

export function runOnFake(module: WebAssembly.Module, machine: FakeMachine): RunningFiles {
  const {
    physical,
    readPort = () => 0,
    writePort = () => {},
    readTsc = () => 0n,
    cpuid = () => [0, 0, 0, 0],
  } = machine;
  const place = (address: bigint): number => {
    if (physical === undefined || address + 8n > BigInt(physical.byteLength))
      throw new Error(`physical address 0x${address.toString(16)} of the fake`);
    return Number(address);
  };
  const known: Record<string, Record<string, (...args: never[]) => bigint | number | void>> = {
    x64: {
      in8: readPort,
      out8: writePort,
      readTsc,
      cpuid: (leaf: number, subleaf: number, result: number) => {
        const words = new DataView((exports["memory"] as WebAssembly.Memory).buffer);
        cpuid(leaf, subleaf).forEach((word, i) => words.setUint32(result + 4 * i, word, true));
      },
      physicalLoad8: (address: bigint) => physical!.getUint8(place(address)),
      physicalLoad32:
        machine.load32 ?? ((address: bigint) => physical!.getUint32(place(address), true)),
      physicalLoad64: (address: bigint) => physical!.getBigUint64(place(address), true),
      physicalStore64: (address: bigint, value: bigint) =>
        physical!.setBigUint64(place(address), value, true),
      physicalStore32:
        machine.store32 ??
        ((address: bigint, value: number) => physical!.setUint32(place(address), value, true)),
    },
    assembly: machine.assembly ?? {},
    "message-words": machine.messageWords ?? {},
  };
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const supplied = known[from]?.[name] as
      | ((...args: (number | bigint)[]) => number | bigint | void)
      | undefined;
    (imports[from] ??= {})[name] =
      supplied === undefined
        ? () => 0
        : (...args: (number | bigint)[]) => supplied(...args.map(unsigned));
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  const call = (name: string, args: (number | bigint)[]) => (exports[name] as Export)(...args);
  return {
    number: (name, ...args) => Number(call(name, args) ?? 0) >>> 0,
    big: (name, ...args) => BigInt.asUintN(64, BigInt(call(name, args) ?? 0)),
  };
}

/** WebAssembly returns integers signed. */
function unsigned(value: number | bigint): number | bigint {
  return typeof value === "bigint" ? BigInt.asUintN(64, value) : value >>> 0;
}
