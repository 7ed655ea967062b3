import { expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { RECORD_MORE_WORDS } from "../abi/message-record.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import type { KernelInNode } from "../../tests/support/kernel-in-node.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  COPY,
  LIMITED,
  MANY,
  ROOT,
  ROOT_TRACE,
  SERVER,
  boot,
} from "../../tests/support/test-system.ts";

const TRACE = 14;
const ECHO = 0x100;
const RECORD = 0x11000;
const ARENA = 0x20000;
const WORDS_KEPT = 16;
const ARENA_KEPT = 80;

/** A kernel that traces client and server. */
function traced(): KernelInNode {
  const kernel = boot(module, archive, [SERVER, CLIENT]);
  kernel.call(kernel.threadOf(ROOT), ROOT_TRACE, TRACE, 0, [BigInt(CLIENT), BigInt(SERVER)]);
  return kernel;
}

interface Message {
  readonly kind: bigint;
  readonly from: bigint;
  readonly outcome: number;
  readonly words: number;
  readonly arenaBytes: bigint;
  readonly data: Buffer;
}

/** The next message recorded, null if there is none. */
function next(kernel: KernelInNode): Message | null {
  const result = kernel.call(kernel.threadOf(ROOT), ROOT_TRACE, TRACE, 2, [], {
    record: RECORD,
    receive: { address: ARENA, bytes: 512 },
  });
  if (result.status !== Status.Ok) return null;
  const word = (index: number): bigint =>
    kernel.u64(ROOT, RECORD + RECORD_MORE_WORDS + (index - 4) * 8);
  const [, kind, from] = result.words;
  return {
    kind: kind!,
    from: from!,
    outcome: Number(word(5)),
    words: Number(word(6)),
    arenaBytes: word(8),
    data: Buffer.from(kernel.read(ROOT, ARENA, Number(word(9) >> 32n))),
  };
}

const wordsOf = (message: Message | null): bigint[] => [
  ...new BigUint64Array(
    Uint8Array.from(message!.data.subarray(0, Math.min(message!.words, WORDS_KEPT) * 8)).buffer,
  ),
];

test("request and answer are recorded with their words, oldest first, and each is told once", () => {
  const kernel = traced();
  kernel.recv(kernel.threadOf(SERVER));
  kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, ECHO, ADD, [1000n, 337n]);
  kernel.reply(kernel.threadOf(SERVER), kernel.result(kernel.threadOf(SERVER)).token, [1337n]);
  const [request, answer] = [next(kernel), next(kernel)];
  expect(request).toMatchObject({ kind: 0n, from: BigInt(CLIENT), outcome: Status.Ok });
  expect(wordsOf(request)).toEqual([1000n, 337n]);
  expect(answer).toMatchObject({ kind: 1n, from: BigInt(SERVER) });
  expect(wordsOf(answer)).toEqual([1337n]);
  expect(next(kernel)).toBeNull();
  kernel.check();
});

test("of a long message the first sixteen words are recorded", () => {
  const kernel = traced();
  const forty = Array.from({ length: 40 }, (_, index) => BigInt(index) << 33n);
  kernel.recv(kernel.threadOf(SERVER), { record: RECORD });
  kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, ECHO, MANY, forty, { record: RECORD });
  const message = next(kernel);
  expect(message).toMatchObject({ words: 40 });
  expect(wordsOf(message)).toEqual(forty.slice(0, WORDS_KEPT));
});

test.each([0, 5, ARENA_KEPT, ARENA_KEPT + 1, 4096])(
  "of an arena of %i bytes the beginning is recorded",
  (size) => {
    const kernel = traced();
    const data = Buffer.from(Array.from({ length: size }, (_, index) => index & 255));
    kernel.write(CLIENT, ARENA + 4090, data);
    kernel.recv(kernel.threadOf(SERVER), {
      record: RECORD,
      receive: { address: ARENA, bytes: 65536 },
    });
    kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, ECHO, COPY, [BigInt(size) << 32n], {
      record: RECORD,
      arena: { address: ARENA + 4090, bytes: size },
    });
    const message = next(kernel);
    expect(message).toMatchObject({ arenaBytes: BigInt(size) });
    expect(message!.data.subarray(8)).toEqual(data.subarray(0, ARENA_KEPT));
    kernel.check();
  },
);

test("a denied message is recorded with its verdict", () => {
  const kernel = traced();
  kernel.recv(kernel.threadOf(SERVER));
  expect(kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, ECHO, LIMITED, [101n]).status).toBe(
    Status.Denied,
  );
  expect(next(kernel)).toMatchObject({ kind: 0n, outcome: Status.Denied });
  kernel.check();
});

test("the oldest go first when there is no more room", () => {
  const kernel = traced();
  const [client, server] = [kernel.threadOf(CLIENT), kernel.threadOf(SERVER)];
  kernel.recv(server);
  for (let call = 0; call < 130; call++) {
    kernel.call(client, CLIENT_ECHO, ECHO, ADD, [BigInt(call), 0n]);
    kernel.reply(server, kernel.result(server).token, [0n], { receive_: true });
  }
  expect(wordsOf(next(kernel))).toEqual([2n, 0n]);
  let left = 0;
  while (next(kernel) !== null) left += 1;
  expect(left).toBe(255);
});
