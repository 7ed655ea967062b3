/**
 * Compiles a few lines of AssemblyScript that use sources of the tree, and runs them in this
 * process. For tests of sources that are not programs.
 */
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { compileAssemblyScript } from "../../toolchain/compiler/asc.ts";
import { generateAll } from "../../toolchain/make/generate.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

export interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Calls an exported function. */
  call(name: string, ...values: readonly (number | bigint)[]): number | bigint | undefined;
  /** Bytes of the memory as text. */
  text(address: number, bytes: number): string;
}

/**
 * `source` is compiled as a file of `folder`, so its imports are relative to `folder`. System calls
 * throw, except `call` if a function for it is given; that function returns a Status.
 */
export async function runAssemblyScript(
  folder: string,
  source: string,
  call?: () => number,
): Promise<Exports> {
  await generateAll(ROOT);
  const entry = `${folder}/node-entry.ts`;
  const { wasm } = await compileAssemblyScript({
    root: ROOT,
    entry,
    target: "domain",
    virtualFiles: { [entry]: source },
    exportMemory: true,
  });
  const absent = (): never => {
    throw new Error("there is no kernel here");
  };
  const imports = {
    trine: {
      call: call ?? absent,
      callShort: call === undefined ? absent : () => BigInt(call()),
      replyShort: absent,
      result: () => 0n,
      recv: absent,
      reply: absent,
    },
    env: {
      abort: () => {
        throw new Error("failed assertion");
      },
    },
  };
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>),
    imports,
  );
  const memory = instance.exports["memory"] as WebAssembly.Memory;
  return {
    memory,
    call: (name, ...values) =>
      (
        instance.exports[name] as (
          ...values: readonly (number | bigint)[]
        ) => number | bigint | undefined
      )(...values),
    text: (address, bytes) =>
      new TextDecoder().decode(new Uint8Array(memory.buffer, address, bytes)),
  };
}
