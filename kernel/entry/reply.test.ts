import { describe, expect, test } from "vitest";
import * as save from "../abi/thread-save-area.ts";
import { Status } from "../abi/status.ts";
import { HEADER_FLAG_RECEIVE } from "../abi/system-call.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { type KernelInNode, buildSystem, named } from "../../tests/support/kernel-in-node.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  COPY,
  GIVE,
  OTHER,
  SERVER,
  TEST_SYSTEM,
  boot,
  domainCall,
} from "../../tests/support/test-system.ts";

const start = () => {
  const kernel = boot(module, archive, [SERVER, CLIENT, OTHER]);
  return {
    kernel,
    server: kernel.threadOf(SERVER),
    client: kernel.threadOf(CLIENT),
    other: kernel.threadOf(OTHER),
  };
};

test("reply and receive are one system call", () => {
  const { kernel, server, client, other } = start();
  kernel.recv(server);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  const { token } = kernel.result(server);
  kernel.call(other, named(1), 0x100, ADD, [3n, 4n]);
  expect(kernel.reply(server, token, [3n], { receive_: true })).toMatchObject({
    status: Status.Ok,
    words: [3n, 4n, 0n, 0n],
    callerSlot: OTHER,
  });
  expect(kernel.result(client).words[0]).toBe(3n);
  kernel.reply(server, kernel.result(server).token, [7n], { receive_: true });
  expect(kernel.number("threadState", server)).toBe(3);
  kernel.check();
});

describe("a token", () => {
  test("is valid once, for one domain, and cannot be guessed", () => {
    const { kernel, server, client, other } = start();
    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    const { token } = kernel.result(server);
    expect(kernel.reply(other, token, [6n]).status).toBe(Status.Gone);
    for (const forged of [
      token + 1n,
      token ^ (1n << 16n),
      token ^ (1n << 63n),
      0n,
      0xffff_ffff_ffff_ffffn,
      token & 0xffffn,
    ]) {
      expect(kernel.reply(server, forged, [6n]).status).toBe(Status.Gone);
    }
    expect(kernel.number("threadState", client)).toBe(2);
    expect(kernel.reply(server, token, [3n]).status).toBe(Status.Ok);
    expect(kernel.reply(server, token, [3n]).status).toBe(Status.Gone);
    expect(kernel.result(client)).toMatchObject({ status: Status.Ok, words: [3n, 0n, 0n, 0n] });
    kernel.check();
  });

  test("goes on beyond 2^32 calls of one thread", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.number("setSequence", client, 0xffff_ffffn);
    for (let call = 0; call < 3; call++) {
      kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
      const { token } = kernel.result(server);
      expect(token >> 16n).toBe(0x1_0000_0000n + BigInt(call));
      kernel.reply(server, token, [3n], { receive_: true });
      expect(kernel.result(client).words[0]).toBe(3n);
    }
    kernel.check();
  });

  test("never comes again: a thread whose count is used up makes no more calls", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.number("setSequence", client, 0xffff_ffff_ffffn);
    expect(kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]).status).toBe(Status.NoSpace);
    kernel.check();
  });
});

test("that an answer was denied shows in nothing that its server can vary", async () => {
  // One client may have the answer, the other may not; and nothing that goes wrong behind the
  // verdict tells which.
  const system = {
    ...TEST_SYSTEM,
    policy: `${TEST_SYSTEM.policy.replace("{ Client, Other } -> Server.Echo { add, many, copy, give, giveEcho }", "Client -> Server.Echo { add, many, copy, give, giveEcho }")}\nallow request Other -> Server.Echo { copy, give }`,
  };
  const denied = await buildSystem(system);
  const outcome = (
    slot: number,
    method: number,
    reply: Parameters<KernelInNode["reply"]>[3],
    words: readonly bigint[],
    receive = {},
  ): Status => {
    const kernel = boot(module, denied, [SERVER, CLIENT, OTHER]);
    const [server, caller] = [kernel.threadOf(SERVER), kernel.threadOf(slot)];
    const memory = Number(domainCall(kernel, slot, 2, [4096n]).words[0]);
    const theirs = Number(domainCall(kernel, SERVER, 2, [4096n]).words[0]);
    kernel.recv(server, {
      record: 0x20000,
      receive: { address: 0x22000, bytes: 4096, handles: 4 },
    });
    kernel.call(
      caller,
      slot === CLIENT ? named(0) : named(1),
      0x100,
      method,
      method === COPY ? [0n] : [],
      { record: 0x20000, receive, ...(method === GIVE ? { handles: [[memory, 0x703]] } : {}) },
    );
    const { token } = kernel.result(server);
    const { status } = kernel.reply(server, token, words, {
      ...reply,
      ...(method === GIVE ? { handles: [[theirs, 0x703]] } : {}),
    });
    kernel.check();
    expect(kernel.result(caller).status === Status.Denied).toBe(slot === OTHER);
    return status;
  };
  const room = { address: 0x23000, bytes: 4096, handles: 4 };
  for (const [method, arena, receive] of [
    [COPY, { address: 0x24000, bytes: 100 }, room],
    [COPY, { address: 0x8000, bytes: 100 }, room], // Not the server's to read.
    [COPY, { address: 0x24000, bytes: 100 }, {}], // No room.
    // Room that is not there.
    [COPY, { address: 0x24000, bytes: 100 }, { ...room, address: 0x8000 }],
    [GIVE, undefined, room],
    [GIVE, undefined, {}],
  ] as const) {
    const words = method === COPY ? [100n << 32n] : [];
    const options = { record: 0x20000, ...(arena === undefined ? {} : { arena }) };
    expect(
      outcome(OTHER, method, options, words, receive),
      JSON.stringify([method, arena, receive]),
    ).toBe(outcome(CLIENT, method, options, words, receive));
  }
});

test("answers may come in any order, and a failed one receives nothing", () => {
  const { kernel, server, client, other } = start();
  kernel.recv(server);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  const first = kernel.result(server).token;
  kernel.recv(server);
  kernel.call(other, named(1), 0x100, ADD, [3n, 4n]);
  const second = kernel.result(server).token;
  expect(kernel.reply(server, first + 1n, [0n], { receive_: true }).status).toBe(Status.Gone);
  expect(kernel.number("threadState", server)).toBe(0);
  expect(kernel.reply(server, second, [7n]).status).toBe(Status.Ok);
  expect(kernel.reply(server, first, [3n]).status).toBe(Status.Ok);
  expect(kernel.result(client).words[0]).toBe(3n);
  expect(kernel.result(other).words[0]).toBe(7n);
  kernel.check();
});

test("a call passed on is answered by the other server, and judged as its caller's", () => {
  const { kernel, server, client, other } = start();
  kernel.recv(server);
  kernel.recv(other);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  const { token } = kernel.result(server);
  expect(kernel.reply(server, token, [BigInt(named(1))], { forward: true }).status).toBe(Status.Ok);
  expect(kernel.result(other)).toMatchObject({
    status: Status.Ok,
    callerSlot: CLIENT,
    words: [1n, 2n, 0n, 0n],
  });
  expect(kernel.reply(server, token, [3n]).status).toBe(Status.Gone);
  kernel.check();
  expect(kernel.reply(other, kernel.result(other).token, [3n]).status).toBe(Status.Ok);
  expect(kernel.result(client)).toMatchObject({ status: Status.Ok, words: [3n, 0n, 0n, 0n] });
  kernel.check();
});

test("passing on with a bad handle leaves the call where it is", () => {
  const { kernel, server, client } = start();
  kernel.recv(server);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  const { token } = kernel.result(server);
  expect(kernel.reply(server, token, [0x10099n], { forward: true }).status).toBe(Status.BadHandle);
  expect(kernel.reply(server, token, [0x10001n], { forward: true }).status).toBe(Status.WrongType);
  expect(kernel.reply(server, token, [3n]).status).toBe(Status.Ok);
  kernel.check();
});

test("the receive half needs an inbox of one's own, and nothing is answered without it", () => {
  const { kernel, server, client } = start();
  kernel.recv(server);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  const { token } = kernel.result(server);
  kernel.raw(server, 2, {
    [save.SAVE_RDI]: token,
    [save.SAVE_RSI]: BigInt(1 | HEADER_FLAG_RECEIVE),
    [save.SAVE_R10]: 0x10044n,
    [save.SAVE_R9]: 0n,
    [save.SAVE_RBX]: 3n,
  });
  expect(kernel.result(server).status).toBe(Status.BadHandle);
  expect(kernel.number("threadState", client)).toBe(2);
  kernel.check();
});

describe("notices", () => {
  test("collect bits and deliver them all at once, before any message", () => {
    const { kernel, server, client } = start();
    const notice = domainCall(kernel, SERVER, 5, [0x10002n, 0xffn]).words[0]!;
    kernel.call(server, Number(notice), 5, 0, [1n]);
    kernel.call(server, Number(notice), 5, 0, [6n]);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.recv(server)).toMatchObject({
      status: Status.Notified,
      words: [7n, 0n, 0n, 0n],
      token: 0n,
    });
    expect(kernel.recv(server)).toMatchObject({ status: Status.Ok, words: [1n, 2n, 0n, 0n] });
    kernel.check();
  });

  test("wake a waiting receiver", () => {
    const { kernel, server, client } = start();
    expect(kernel.call(client, named(1), 9, 1, [5000n, 0x10002n, 0x10n]).status).toBe(Status.Ok);
    kernel.recv(client);
    kernel.recv(server);
    kernel.pass(5000n);
    expect(kernel.result(client)).toMatchObject({
      status: Status.Notified,
      words: [0x10n, 0n, 0n, 0n],
    });
    kernel.check();
  });
});

test("a blocked call is cancelled by a thread of the same domain", () => {
  const { kernel, client } = start();
  const second = domainCall(kernel, CLIENT, 6, [5n, 100n]);
  expect(second.status).toBe(Status.Ok);
  const thread = kernel.threadOf(CLIENT);
  expect(thread).not.toBe(client);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  expect(kernel.call(thread, 0x10003, 6, 4).status).toBe(Status.Ok);
  expect(kernel.result(client).status).toBe(Status.Cancelled);
  expect(kernel.call(thread, 0x10003, 6, 4).status).toBe(Status.NotFound);
  // And it can be suspended, resumed and killed.
  expect(kernel.call(thread, 0x10003, 6, 1).status).toBe(Status.Ok);
  expect(kernel.call(thread, 0x10003, 6, 0).words[0]).toBe(5n);
  expect(kernel.call(thread, 0x10003, 6, 2).status).toBe(Status.Ok);
  expect(kernel.call(thread, 0x10003, 6, 0).words[0]).toBe(0n);
  expect(kernel.call(thread, 0x10003, 6, 5).status).toBe(Status.Ok);
  expect(kernel.call(thread, 0x10003, 6, 0).status).toBe(Status.BadHandle);
  kernel.check();
});
