import { describe, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import * as save from "../abi/thread-save-area.ts";
import { SystemCall } from "../abi/system-call.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import {
  type KernelInNode,
  type TestSystem,
  buildSystem,
  named,
} from "../../tests/support/kernel-in-node.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  ECHO,
  LIMITED,
  OTHER,
  OTHER_ECHO,
  QUIET,
  ROOT,
  ROOT_AUDIT,
  ROOT_SLOTS,
  SERVER,
  SILENT,
  boot,
  domainCall,
  startSlot,
  stopSlot,
} from "../../tests/support/test-system.ts";
import faultInterface from "../../services/interfaces/kernel/fault.idl.ts";

const start = (slots?: readonly number[]) => {
  const kernel = boot(module, archive, slots);
  return { kernel, server: kernel.threadOf(SERVER), client: kernel.threadOf(CLIENT) };
};

/** The newest audit record's kind, rule and detail. */
function lastAudit(kernel: KernelInNode) {
  const root = kernel.threadOf(ROOT);
  const next = kernel.call(root, ROOT_AUDIT, 10, 0).words[0]!;
  if (next === 0n) return null;
  const result = kernel.call(root, ROOT_AUDIT, 10, 1, [next - 1n], { record: 0x20000 });
  expect(result.status).toBe(Status.Ok);
  return {
    kind: result.words[2],
    subject: result.words[3],
    target: kernel.u64(ROOT, 0x20000 + 128),
  };
}

describe("a call", () => {
  test("to a waiting receiver is delivered at once, with badge and the caller's id", () => {
    const { kernel, server } = start([SERVER, OTHER]);
    kernel.recv(server);
    kernel.call(kernel.threadOf(OTHER), OTHER_ECHO, 0x100, ADD, [2n, 3n]);
    const got = kernel.result(server);
    expect(got).toMatchObject({
      status: Status.Ok,
      badge: 77n,
      callerSlot: OTHER,
      words: [2n, 3n, 0n, 0n],
      header: (0x100 << 16) | 2,
    });
    expect(kernel.reply(server, got.token, [5n]).status).toBe(Status.Ok);
    expect(kernel.result(kernel.threadOf(OTHER))).toMatchObject({
      status: Status.Ok,
      words: [5n, 0n, 0n, 0n],
      token: 0n,
      badge: 0n,
    });
    kernel.check();
  });

  test("queues until the server receives", () => {
    const { kernel, server, client } = start();
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [2n, 3n]);
    kernel.check();
    const got = kernel.recv(server);
    expect(got).toMatchObject({ status: Status.Ok, words: [2n, 3n, 0n, 0n] });
    kernel.check();
    kernel.reply(server, got.token, [5n]);
    expect(kernel.result(client).status).toBe(Status.Ok);
    kernel.check();
  });

  test.each<[string, number, bigint, bigint]>([
    ["no such handle", Status.BadHandle, 0x10050n, 0x1000002n],
    ["a place behind the table's end", Status.BadHandle, 0x11004n, 0x1000002n],
    ["the last place that a number can name", Status.BadHandle, 0x1f004n, 0x1000002n],
    ["another generation", Status.BadHandle, 0x20004n, 0x1000002n],
    ["index 0", Status.BadHandle, 0x10000n, 0x1000002n],
    ["a handle of more than 32 bits", Status.BadHandle, 0x1_0001_0004n, 0x1000002n],
    ["another interface", Status.WrongInterface, BigInt(CLIENT_ECHO), 0x1010002n],
    ["five words in registers", Status.BadHeader, BigInt(CLIENT_ECHO), 0x1000005n],
    ["a reserved bit", Status.BadHeader, BigInt(CLIENT_ECHO), 0x100000an],
    ["a flag of reply", Status.BadHeader, BigInt(CLIENT_ECHO), 0x1000802n],
    ["a record that is not aligned", Status.BadAddress, BigInt(CLIENT_ECHO), 0x1000402n],
    ["a method that does not exist", Status.Denied, BigInt(CLIENT_ECHO), 0x10003f0n],
    ["one word too few", Status.Malformed, BigInt(CLIENT_ECHO), 0x1000001n],
  ])("with %s is refused with status %i", (_what, status, handle, header) => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.raw(client, SystemCall.Call, {
      [save.SAVE_RDI]: handle,
      [save.SAVE_RSI]: header,
      [save.SAVE_RDX]: 0x20001n,
      [save.SAVE_R9]: 0n,
    });
    expect(kernel.result(client)).toMatchObject({ status, words: [0n, 0n, 0n, 0n], token: 0n });
    expect(kernel.number("threadState", server)).toBe(3); // The receiver never learns of it.
    kernel.check();
  });

  test("of an operation that does not exist is refused", () => {
    const { kernel, client } = start();
    kernel.raw(client, 3, {});
    expect(kernel.result(client).status).toBe(Status.BadHeader);
    kernel.raw(client, 0xffffffff, {});
    expect(kernel.result(client).status).toBe(Status.BadHeader);
  });

  test("that no rule allows is denied before it queues, and audited", () => {
    const { kernel, client } = start();
    expect(kernel.call(client, CLIENT_ECHO, 0x100, SILENT).status).toBe(Status.Denied);
    expect(kernel.number("threadState", client)).toBe(0);
    expect(lastAudit(kernel)).toMatchObject({ kind: 0n, subject: BigInt(CLIENT) });
    kernel.check();
  });

  test("is judged by what it says, both where a receiver waits and at the rendezvous", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    expect(kernel.call(client, CLIENT_ECHO, 0x100, LIMITED, [101n]).status).toBe(Status.Denied);
    kernel.call(client, CLIENT_ECHO, 0x100, LIMITED, [100n]);
    const got = kernel.result(server);
    expect(got.words[0]).toBe(100n);
    kernel.reply(server, got.token);
    expect(kernel.result(client).status).toBe(Status.Ok);

    // Queues: some value could be allowed.
    kernel.call(client, CLIENT_ECHO, 0x100, LIMITED, [101n]);
    expect(kernel.number("threadState", client)).toBe(1);
    expect(kernel.recv(server, { timeout: 1n }).status).toBe(Status.Timeout);
    expect(kernel.result(client).status).toBe(Status.Denied);
    kernel.check();
  });

  test("whose answer is denied ends with Denied, and the server does not learn of it", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, QUIET);
    const { token } = kernel.result(server);
    expect(kernel.reply(server, token, [0x5ec2e7n]).status).toBe(Status.Ok);
    expect(kernel.result(client)).toMatchObject({ status: Status.Denied, words: [0n, 0n, 0n, 0n] });
    expect(kernel.reply(server, token, [1n]).status).toBe(Status.Gone);
    expect(lastAudit(kernel)).toMatchObject({ kind: 1n });
    kernel.check();
  });

  test("is answered with an error of the interface", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.reply(server, kernel.result(server).token, [2n], { error: true }).status).toBe(
      Status.Ok,
    );
    expect(kernel.result(client)).toMatchObject({
      status: Status.ErrorReply,
      words: [2n, 0n, 0n, 0n],
    });
    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.reply(server, kernel.result(server).token, [3n], { error: true }).status).toBe(
      Status.Malformed,
    );
    expect(kernel.result(client).status).toBe(Status.Malformed);
  });
});

describe("callers", () => {
  test("of higher priority come first, equals in order", () => {
    const { kernel, server, client } = start([SERVER, CLIENT, OTHER]);
    const other = kernel.threadOf(OTHER);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 0n]);
    kernel.call(other, OTHER_ECHO, 0x100, ADD, [2n, 0n]);
    expect(kernel.recv(server).words[0]).toBe(1n);
    expect(kernel.recv(server).words[0]).toBe(2n);
    kernel.check();
  });

  test("lend their priority, capped by the ceiling, and take it back with the answer", () => {
    const { kernel, server } = start([SERVER, CLIENT]);
    const client = kernel.threadOf(CLIENT);
    kernel.recv(server);
    expect(kernel.call(client, 0x10003, 6, 3, [150n]).status).toBe(Status.Ok);
    expect(kernel.call(client, 0x10003, 6, 3, [151n]).status).toBe(Status.BadArgument);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.number("threadPriority", server)).toBe(150);
    kernel.check();
    kernel.reply(server, kernel.result(server).token, [3n]);
    expect(kernel.number("threadPriority", server)).toBe(100);
    kernel.check();
  });
});

describe("a timeout", () => {
  test("ends a queued call, and a call that the server keeps", () => {
    const { kernel, server, client } = start();
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n], { timeout: 1000n });
    kernel.recv(kernel.threadOf(ROOT));
    kernel.pass(999n);
    expect(kernel.number("threadState", client)).toBe(1);
    kernel.pass(1n);
    expect(kernel.result(client).status).toBe(Status.Timeout);
    kernel.check();

    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n], { timeout: 1000n });
    const { token } = kernel.result(server);
    kernel.pass(1000n);
    expect(kernel.result(client).status).toBe(Status.Timeout);
    expect(kernel.reply(server, token, [3n]).status).toBe(Status.Gone);
    kernel.check();
  });

  test("of recv passes too, and a poll does not wait", () => {
    const { kernel, server } = start([SERVER]);
    expect(kernel.recv(server, { timeout: 1n }).status).toBe(Status.Timeout);
    kernel.recv(server, { timeout: 500n });
    kernel.pass(500n);
    expect(kernel.result(server).status).toBe(Status.Timeout);
    kernel.check();
  });
});

describe("a slot's end and new start", () => {
  test("a call in flight gets PeerDied, the first call of its handle afterwards Restarted, once", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    stopSlot(kernel, SERVER);
    expect(kernel.result(client).status).toBe(Status.PeerDied);
    kernel.check();
    startSlot(kernel, SERVER);
    kernel.recv(kernel.threadOf(SERVER));
    expect(kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]).status).toBe(Status.Restarted);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.result(kernel.threadOf(SERVER)).words[0]).toBe(1n);
    kernel.check();
  });

  test("a call while the slot is down waits, and is delivered after the start", () => {
    const { kernel, client } = start([CLIENT]);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.number("threadState", client)).toBe(1);
    startSlot(kernel, SERVER);
    const server = kernel.threadOf(SERVER);
    const got = kernel.recv(server);
    expect(got.words.slice(0, 2)).toEqual([1n, 2n]);
    kernel.reply(server, got.token, [3n]);
    expect(kernel.result(client).status).toBe(Status.Ok);
    kernel.check();
  });

  test("a call that was queued before the restart on a handle used before gets Restarted at the rendezvous", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    kernel.reply(server, kernel.result(server).token, [3n]);
    stopSlot(kernel, SERVER);
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    startSlot(kernel, SERVER);
    expect(kernel.recv(kernel.threadOf(SERVER), { timeout: 1n }).status).toBe(Status.Timeout);
    expect(kernel.result(client).status).toBe(Status.Restarted);
    kernel.check();
  });

  test("a caller that dies in the queue or with its call held leaves no trace", () => {
    const { kernel, server, client } = start();
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    stopSlot(kernel, CLIENT);
    expect(kernel.recv(server, { timeout: 1n }).status).toBe(Status.Timeout);
    startSlot(kernel, CLIENT);
    kernel.recv(server);
    kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    const { token } = kernel.result(server);
    stopSlot(kernel, CLIENT);
    expect(kernel.reply(server, token, [3n]).status).toBe(Status.Gone);
    kernel.check();
  });
});

describe("rings and chains", () => {
  test.each(["waits for it", "has not received yet"])(
    "a chain of nine threads is TooDeep, where the last one %s",
    async (how) => {
      const links = Array.from({ length: 10 }, (_, index) => `link${index}`);
      const system: TestSystem = {
        slots: {
          root: {},
          ...Object.fromEntries(
            links.map((name, index) => [
              name,
              index < 9 ? { channels: { next: `link${index + 1}.echo` } } : {},
            ]),
          ),
        },
        programs: {
          root: { kernel: { slots: "Slots" }, serves: { faults: faultInterface } },
          ...Object.fromEntries(
            links.map((name, index) => [
              name,
              { serves: { echo: ECHO }, uses: index < 9 ? { next: ECHO } : {} },
            ]),
          ),
        },
        interfaces: [ECHO],
        policy: [
          "allow Root -> kernel.Slots { * }",
          ...links
            .slice(1)
            .map((_, index) => `allow Link${index} -> Link${index + 1}.Echo { add }`),
        ].join("\n"),
      };
      const kernel = boot(
        module,
        await buildSystem(system),
        links.map((_, index) => index + 1),
      );
      const threads = links.map((_, index) => kernel.threadOf(index + 1));
      for (const thread of threads.slice(1, 9)) kernel.recv(thread);
      kernel.recv(threads[9]!, how === "waits for it" ? {} : { timeout: 1n });
      // Eight threads wait for the ninth.
      for (const thread of threads.slice(0, 8)) kernel.call(thread, named(1), 0x100, ADD, [1n, 2n]);
      expect(kernel.call(threads[8]!, named(1), 0x100, ADD, [1n, 2n]).status).toBe(Status.TooDeep);
      kernel.check();
    },
  );

  test("a call that closes a ring is a Deadlock", () => {
    const { kernel, server } = start([SERVER, OTHER]);
    const other = kernel.threadOf(OTHER);
    kernel.recv(other, { timeout: 1n }); // From now on its inbox is this thread's.
    kernel.recv(server);
    kernel.call(other, OTHER_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.call(server, named(1), 0x100, ADD, [1n, 2n]).status).toBe(Status.Deadlock);
    kernel.check();
  });
});

test("garbage in every register never does more than fail", () => {
  const { kernel, server, client } = start();
  kernel.recv(server);
  let seed = 12345n;
  const random = () =>
    (seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn) >>
    (seed & 31n);
  for (let round = 0; round < 1500; round++) {
    if (kernel.slotState(CLIENT) !== "running" || kernel.number("threadState", client) !== 0) break;
    const registers = [
      save.SAVE_RDI,
      save.SAVE_RSI,
      save.SAVE_RDX,
      save.SAVE_R9,
      save.SAVE_R10,
      save.SAVE_RBX,
      save.SAVE_R12,
      save.SAVE_R13,
      save.SAVE_R14,
    ];
    const values = Object.fromEntries(registers.map((register) => [register, random()]));
    if (round % 3 === 0) values[save.SAVE_RDI] = 0x10000n | (random() & 7n);
    values[save.SAVE_R9] = 1n;
    kernel.raw(client, Number(random() % 4n), values);
  }
  kernel.check();
});

test("what a domain's own handle says of it", () => {
  const { kernel } = start();
  const info = kernel.call(kernel.threadOf(CLIENT), 0x10001, 1, 0, [], { record: 0x20000 });
  expect(info).toMatchObject({ status: Status.Ok });
  expect(info.words[0]).toBe(BigInt(CLIENT));
  expect(info.words[2]).toBe(BigInt(kernel.number("slotPages", CLIENT)));
  expect(domainCall(kernel, CLIENT, 0).status).toBe(Status.TooLong);
  expect(kernel.call(kernel.threadOf(CLIENT), ROOT_SLOTS, 12, 0).status).not.toBe(Status.Ok);
});
