/**
 * Programs that act at random, from a seed: for tests that an invariant holds at every moment.
 */
import { Status } from "../../kernel/abi/status.ts";
import { type KernelInNode, named } from "./kernel-in-node.ts";
import {
  ADD,
  CLIENT,
  COPY,
  GIVE,
  LIMITED,
  MANY,
  OTHER,
  ROOT,
  ROOT_SLOTS,
  SERVER,
} from "./test-system.ts";

export const RANDOM_SLOTS = [SERVER, CLIENT, OTHER];
const forty = Array.from({ length: 40 }, (_, index) => BigInt(index));

/** A random generator with a seed, so that a failure can be repeated. */
export function randomOf(seed: number): (below: number) => number {
  let state = BigInt(seed) * 2654435761n + 1n;
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    return Number((state >> 33n) % BigInt(below));
  };
}

/** What the programs of a run have seen so far: good guesses for what comes next. */
interface Known {
  readonly memories: number[];
  readonly inboxes: number[];
  readonly endpoints: number[];
  readonly others: number[];
  readonly addresses: number[];
  readonly tokens: bigint[];
}

/**
 * One random act of the running thread, or of the supervisor. Most handles and tokens exist or have
 * existed.
 */
export function act(kernel: KernelInNode, random: (below: number) => number, known: Known): void {
  const pick = <T>(from: readonly T[], otherwise: T): T =>
    from.length === 0 || random(8) === 0 ? otherwise : from[random(from.length)]!;
  const choice = random(200);
  if (choice < 8) return kernel.pass(BigInt(random(3_000_000)));
  if (choice < 12)
    return void kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 4, [
      BigInt(RANDOM_SLOTS[random(3)]!),
    ]);
  if (choice < 24)
    return void kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [
      BigInt(RANDOM_SLOTS[random(3)]!),
    ]);
  if (choice < 26) {
    if (kernel.currentSlot > 0)
      kernel.number("fault", 14, random(2) === 0 ? 6 : 4, BigInt(random(0x80000)));
    return;
  }
  for (let turn = 0; turn < 6; turn++) {
    kernel.number("endTurn");
    kernel.pass(1n);
    if (kernel.currentSlot > 0) break;
  }
  const thread = kernel.current;
  const slot = kernel.currentSlot;
  if (slot < 0) return kernel.pass(300_000n);
  if (slot === ROOT) {
    kernel.pass(100_000n);
    // It takes faults and lets some pass.
    const got = kernel.recv(thread, { record: 0x20000, timeout: 1n });
    if (got.status === Status.Ok)
      kernel.reply(thread, got.token, random(2) === 0 ? [] : [1n], { error: random(2) === 0 });
    return;
  }
  const any = 0x10000 + random(24);
  const memory = pick(known.memories, any);
  const inbox = pick(known.inboxes, 0x10002);
  const endpoint = pick(known.endpoints.slice(-4), any);
  const handle = pick(
    [...known.others, ...known.endpoints, ...known.memories, ...known.inboxes],
    any,
  );
  const timeout = random(3) === 0 ? BigInt(random(1_000_000)) : 1n;
  const long = {
    record: 0x20000 + random(2) * 0xf00,
    timeout,
    receive: { address: 0x22000, bytes: 8192 >> random(3), handles: random(5) },
  };
  const patient = { ...long, timeout: random(20) === 0 ? 0n : BigInt(1 + random(300_000)) };
  const numbers = (...words: number[]): bigint[] => words.map(BigInt);
  const domain = (method: number, words: bigint[], remember?: number[]): void => {
    const { status, words: answer } = kernel.call(thread, 0x10001, 1, method, words);
    if (status === Status.Ok && remember !== undefined) remember.push(Number(answer[0]));
  };
  const receive = (options: Parameters<KernelInNode["recv"]>[1]): void => {
    const got = kernel.recv(thread, options);
    if (kernel.number("threadState", thread) === 0 && got.status === Status.Ok)
      known.tokens.push(got.token);
  };
  // Collects tokens from the registers of threads that have received in the meantime.
  for (const other of RANDOM_SLOTS) {
    const receiver = kernel.threadOf(other);
    if (
      receiver !== 0 &&
      kernel.number("threadState", receiver) === 0 &&
      kernel.result(receiver).token !== 0n
    )
      known.tokens.push(kernel.result(receiver).token);
  }
  const token = pick(known.tokens.slice(-4), BigInt(random(8)) | (BigInt(random(6)) << 16n));
  const held = kernel.result(thread);
  if (held.status === Status.Ok && held.token !== 0n && random(2) === 0) {
    const method = (held.header >>> 4) & 63;
    if (method === GIVE)
      return void kernel.reply(thread, held.token, [], { ...long, handles: [[memory, 0x703]] });
    if (method === COPY)
      return void kernel.reply(thread, held.token, [100n << 32n], {
        ...long,
        arena: { address: 0x23000, bytes: 100 },
      });
    if (method === MANY) return void kernel.reply(thread, held.token, forty, long);
    return void kernel.reply(thread, held.token, method === ADD ? [3n] : [], {
      receive_: random(2) === 0,
    });
  }
  if (slot !== CLIENT && random(3) === 0)
    return receive({ ...patient, receive: { address: 0x22000, bytes: 8192, handles: 4 } });
  /** Another thread of the program, a new one if it has none. */
  const secondOf = (program: number): number => {
    for (let index = 0; index < 24; index++) {
      const found = kernel.number("threadAt", index);
      if (
        found !== 0 &&
        found !== kernel.threadOf(program) &&
        kernel.number("slotOfThread", found) === program
      )
        return found;
    }
    kernel.call(kernel.threadOf(program), 0x10001, 1, 6, [0n, 100n]);
    return kernel.threadOf(program);
  };
  const newInbox = (): number => {
    domain(3, [], known.inboxes);
    return known.inboxes.at(-1) ?? inbox;
  };
  const add = (caller: number, to: number): void =>
    void kernel.call(caller, to, 0x100, ADD, [1n, 2n], { timeout: BigInt(1 + random(300_000)) });
  switch (random(36)) {
    case 0:
      return domain(2, numbers(1 + random(300_000)), known.memories);
    case 1:
      return domain(3, [], known.inboxes);
    case 2:
      return domain(4, numbers(inbox, 0x100), known.endpoints);
    case 3:
      return domain(5, numbers(inbox), known.others);
    case 4:
      return domain(6, numbers(0, 1 + random(100)));
    case 5:
      return domain(
        7,
        numbers(handle, random(2) === 0 ? 7 | 0x700 : random(0x800), random(3)),
        known.others,
      );
    case 6:
      return domain(8, numbers(handle));
    case 7:
      return domain(9, numbers(handle));
    case 8:
    case 9:
      return domain(
        10,
        numbers(memory, random(4) * 4096, 1 + random(20000), random(2)),
        known.addresses,
      );
    case 10:
      return domain(11, numbers(pick(known.addresses, 0x110000)));
    case 11: {
      const address = pick(known.addresses, 0x120000) + random(5) * 4096;
      return void kernel.number("fault", 14, 6, BigInt(address));
    }
    case 12:
      return void kernel.call(thread, inbox, 3, 1, numbers(endpoint));
    case 13:
      return void kernel.call(thread, handle, 5, 0, [1n]);
    case 14: {
      const method = 1 + random(5);
      return void kernel.call(
        thread,
        random(3) === 0 ? 0x10003 : handle,
        6,
        method,
        method === 3 ? numbers(random(101)) : [],
      );
    }
    case 15:
      return receive({ timeout, inbox });
    case 16:
    case 17:
    case 18:
      return receive(patient);
    case 19:
    case 20:
      return void kernel.reply(thread, token, [3n], {
        error: random(4) === 0,
        receive_: random(2) === 0,
      });
    case 21:
      return void kernel.reply(thread, token, [BigInt(pick([named(0), named(1)], handle))], {
        forward: true,
      });
    case 22:
      return void kernel.reply(thread, token, [], { ...long, handles: [[memory, random(0x800)]] });
    case 23:
      return void kernel.reply(thread, token, [BigInt(random(100)) << 32n], {
        ...long,
        arena: { address: 0x23000, bytes: 100 },
      });
    case 24:
      return void kernel.call(
        thread,
        named(random(2)),
        0x100,
        random(2) === 0 ? MANY : COPY,
        random(2) === 0 ? forty : [BigInt(random(5000)) << 32n],
        { ...patient, arena: { address: 0x23000, bytes: random(5000) } },
      );
    case 25:
    case 26:
      return void kernel.call(thread, named(random(2)), 0x100, GIVE, [], {
        ...patient,
        handles: [[memory, random(2) === 0 ? 0x703 : random(0x800)]],
      });
    case 27:
      return void kernel.call(
        thread,
        named(random(2)),
        0x100,
        LIMITED,
        [BigInt(random(200))],
        patient,
      );
    // An inbox that only one thing keeps alive: an endpoint, a receiver or a caller.
    case 28: {
      const made = newInbox();
      domain(4, numbers(made, 0x100), known.endpoints);
      return domain(8, numbers(made));
    }
    case 29:
      return void kernel.call(thread, random(2) === 0 ? 0x10002 : inbox, 3, 1, numbers(endpoint));
    case 30: {
      const made = newInbox();
      kernel.recv(secondOf(slot), { timeout: BigInt(1 + random(1_000_000)), inbox: made });
      return void kernel.call(kernel.threadOf(slot), 0x10001, 1, 8, numbers(made));
    }
    case 31: {
      const made = newInbox();
      kernel.call(thread, made, 3, 1, numbers(named(0)));
      add(kernel.threadOf(slot === SERVER ? CLIENT : SERVER), named(slot === SERVER ? 0 : 1));
      kernel.call(thread, 0x10002, 3, 1, numbers(named(0)));
      return domain(8, numbers(made));
    }
    case 32:
      return domain(8, numbers(random(2) === 0 ? inbox : endpoint));
    case 33:
      return add(thread, endpoint);
    // Two of the server's threads in one queue, a client behind one of them.
    case 34: {
      const first = kernel.threadOf(SERVER);
      const second = secondOf(SERVER);
      add(first, named(1));
      add(kernel.threadOf(CLIENT), named(0));
      return add(second, named(1));
    }
    default:
      return void kernel.call(thread, named(random(2)), 0x100, ADD, [1n, 2n], patient);
  }
}

export function nothingKnown(): Known {
  return { memories: [], inboxes: [], endpoints: [], others: [], addresses: [], tokens: [] };
}

/**
 * The message with which an action fails, empty if it does not fail. A failure that `expected` does
 * not match is thrown again.
 */
export function failureOf(action: () => void, expected: RegExp): string {
  try {
    action();
    return "";
  } catch (error) {
    if (error instanceof Error && expected.test(error.message)) return error.message;
    throw error;
  }
}
