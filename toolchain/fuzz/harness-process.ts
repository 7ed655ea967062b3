import { spawnSync } from "node:child_process";
import { ByteWriter } from "../elf/byte-writer.ts";

/** The outcome of one call of an export. */
export interface CallAnswer {
  /** FaultKind, 0 if the call returned. */
  readonly trap: number;
  /** rax and rdx. */
  readonly results: readonly [bigint, bigint];
  /**
   * x86 numbers of the registers that the convention preserves and the function did not; 4 stands
   * for an unbalanced stack, 16 for memory on the stack or behind the globals that is none of the
   * function's.
   */
  readonly unpreserved: readonly number[];
}

interface MemoryAnswer {
  readonly pages: number;
  readonly hash: number;
}

const WORD_BYTES = 8;
/**
 * The harness never sleeps: a process that lives so long without computing is one that the host
 * cannot run.
 */
const ASLEEP_MS_MAX = 600_000;

/**
 * A list of requests to the harness (toolchain/targets/linux/harness.asm), run in one process, and
 * the reader of its answers.
 */
export class HarnessRequests {
  private readonly words = new ByteWriter();

  call(exportNumber: number, operands: readonly bigint[]): void {
    for (const word of [1n, BigInt(exportNumber), BigInt(operands.length), ...operands])
      this.words.u64(word);
  }
  reset(): void {
    this.words.u64(2n);
  }
  memory(): void {
    this.words.u64(3n);
  }
  globals(): void {
    this.words.u64(4n);
  }

  /**
   * Runs the executable at `path`; throws if the process itself fails, with SIGXCPU in the message
   * if it computed for more than `processorSeconds`. Time in which a busy host lets others run does
   * not count.
   */
  run(path: string, processorSeconds: number): HarnessAnswers {
    const limits = `ulimit -c 0; ulimit -S -t ${processorSeconds}; exec "$0"`;
    const options = { input: this.words.bytes(), timeout: ASLEEP_MS_MAX, maxBuffer: 1 << 28 };
    const { status, signal, stdout, stderr, error } = spawnSync(
      "sh",
      ["-c", limits, path],
      options,
    );
    if (status !== 0)
      throw new Error(
        `${path} ended with ${signal ?? status ?? error?.message}: ${stderr.toString().trim()}`,
      );
    return new HarnessAnswers(stdout);
  }
}

/** Reads the answers in the order of the requests. */
export class HarnessAnswers {
  private at = 0;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  call(): CallAnswer {
    const trap = Number(this.word());
    const results: [bigint, bigint] = [this.word(), this.word()];
    const mask = Number(this.word());
    return {
      trap,
      results,
      unpreserved: Array.from({ length: 17 }, (_, register) => register).filter(
        (register) => (mask >> register) & 1,
      ),
    };
  }
  memory(): MemoryAnswer {
    return { pages: Number(this.word()), hash: Number(this.word()) };
  }
  globals(): bigint[] {
    return Array.from({ length: Number(this.word()) }, () => this.word());
  }

  private word(): bigint {
    const value = this.view.getBigUint64(this.at, true);
    this.at += WORD_BYTES;
    return value;
  }
}

/** The harness's hash of linear memory, from `firstBytes` on. */
export function hashMemory(buffer: ArrayBufferLike, firstBytes: number): number {
  const words = new Int32Array(buffer, firstBytes);
  let hash = 0x811c9dc5 | 0;
  for (let index = 0; index < words.length; index++) {
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ words[index]!, 0x01000193);
  }
  return hash >>> 0;
}
