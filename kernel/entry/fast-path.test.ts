import { expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { archive, module as fast } from "../../tests/support/compiled-test-system.ts";
import { KernelInNode, compileKernel, named } from "../../tests/support/kernel-in-node.ts";
import {
  RANDOM_SLOTS,
  act,
  failureOf,
  nothingKnown,
  randomOf,
} from "../../tests/support/random-programs.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  OTHER,
  ROOT,
  SERVER,
  boot,
  startSlot,
} from "../../tests/support/test-system.ts";

const slow = await compileKernel({ slow: true });

/** Everything of the threads that programs, or other threads, could notice. */
function visible(kernel: KernelInNode): string {
  const threads = [];
  for (let index = 0; index < 24; index++) {
    const thread = kernel.number("threadAt", index);
    if (thread === 0) continue;
    const state = kernel.number("threadState", thread);
    // While a thread waits, its registers are its arguments still.
    threads.push(
      [
        index,
        state,
        kernel.number("threadPriority", thread),
        ...(state === 0 ? Object.values(kernel.result(thread)).flat() : []),
      ].join(" "),
    );
  }
  return [kernel.current, kernel.number("availableFrames"), ...threads].join("\n");
}

test.each(Array.from({ length: 6 }, (_, seed) => seed + 100))(
  "the fast path does what the slow way does (seed %i)",
  (seed) => {
    const kernels = [fast, slow].map((module) => new KernelInNode(module, archive));
    const randoms = kernels.map(() => randomOf(seed));
    const known = kernels.map(nothingKnown);
    for (const kernel of kernels) for (const slot of RANDOM_SLOTS) startSlot(kernel, slot);
    for (let step = 0; step < 400; step++) {
      const failures = kernels.map((kernel, side) =>
        failureOf(() => act(kernel, randoms[side]!, known[side]!), /faults at|cannot run/),
      );
      expect(failures[0]).toBe(failures[1]);
      expect(visible(kernels[0]!)).toBe(visible(kernels[1]!));
      kernels[0]!.check();
    }
  },
);

/** Slot `server` waits, and the client's handle has been used, so that its verdicts are known. */
function ready() {
  const kernel = boot(fast, archive, [SERVER, CLIENT, OTHER]);
  const [root, server, client] = [
    kernel.threadOf(ROOT),
    kernel.threadOf(SERVER),
    kernel.threadOf(CLIENT),
  ];
  kernel.recv(kernel.threadOf(OTHER));
  kernel.recv(server);
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  kernel.reply(server, kernel.result(server).token, [3n], { receive_: true });
  kernel.recv(root);
  return { kernel, server, client };
}

test("a call that went the short way is passed on with the words that were sent", () => {
  const { kernel, server, client } = ready();
  kernel.call(client, CLIENT_ECHO, 0x100, ADD, [41n, 42n]);
  expect(kernel.current).toBe(server);
  const { token } = kernel.result(server);
  expect(kernel.reply(server, token, [BigInt(named(1))], { forward: true }).status).toBe(Status.Ok);
  const other = kernel.threadOf(OTHER);
  expect(kernel.result(other)).toMatchObject({
    status: Status.Ok,
    words: [41n, 42n, 0n, 0n],
    callerSlot: CLIENT,
  });
  kernel.reply(other, kernel.result(other).token, [83n]);
  expect(kernel.result(client).words[0]).toBe(83n);
  kernel.check();
});

test("the short way checks structure, sequence and value as the long one does", () => {
  const { kernel, client } = ready();
  expect(kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n]).status).toBe(Status.Malformed);
  expect(kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n, 3n]).status).toBe(Status.Malformed);
  expect(kernel.call(client, CLIENT_ECHO + 0x10000, 0x100, ADD, [1n, 2n]).status).toBe(
    Status.BadHandle,
  );
  kernel.number("setSequence", client, 0xffff_ffff_ffffn);
  expect(kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]).status).toBe(Status.NoSpace);
  kernel.check();
});
