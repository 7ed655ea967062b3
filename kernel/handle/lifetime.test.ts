import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import {
  DOMAIN,
  INBOX,
  KernelInNode,
  buildSystem,
  compileKernel,
  named,
} from "../../tests/support/kernel-in-node.ts";
import { ADD, ECHO } from "../../tests/support/test-system.ts";

// A quota of 16 objects, so that one that stays is missed soon. `client` calls what `maker` makes.
const MAKER = 1;
const CLIENT = 2;
const CREATE_INBOX = 3;
const CREATE_ENDPOINT = 4;
const CREATE_NOTICE = 5;
const START_THREAD = 6;
const DROP = 8;
const ROUNDS = 40;

let module: WebAssembly.Module;
let archive: Uint8Array;
beforeAll(async () => {
  module = await compileKernel();
  archive = await buildSystem({
    slots: {
      root: {},
      maker: {
        autostart: false,
        restart: "never",
        quota: { handles: 64, threads: 4, objects: 16 },
      },
      client: { autostart: false, restart: "never", channels: { echo: "maker.echo" } },
    },
    programs: {
      root: { kernel: { slots: "Slots" } },
      maker: { serves: { echo: ECHO } },
      client: { uses: { echo: ECHO } },
    },
    interfaces: [ECHO],
    policy: [
      "allow Root -> kernel.Slots { * }",
      "allow Client -> Maker.Echo { * }",
      ...["Domain", "Inbox", "Thread", "Notice"].map(
        (name) => `allow Maker -> kernel.${name} { * }`,
      ),
      "grant Maker -> kernel.Notice { bind, signal }",
    ].join("\n"),
  });
});

function start() {
  const kernel = new KernelInNode(module, archive);
  for (const slot of [MAKER, CLIENT])
    kernel.call(kernel.threadOf(0), named(0), 12, 3, [BigInt(slot)]);
  const first = kernel.threadOf(MAKER);
  const domain = (method: number, ...words: (number | bigint)[]): bigint => {
    const { status, words: answer } = kernel.call(first, DOMAIN, 1, method, words.map(BigInt));
    expect(Status[status]).toBe("Ok");
    return answer[0]!;
  };
  const bind = (inbox: number, endpoint: number): void => {
    expect(kernel.call(first, inbox, 3, 1, [BigInt(endpoint)]).status).toBe(Status.Ok);
  };
  return { kernel, first, client: kernel.threadOf(CLIENT), domain, bind };
}

/** Whatever a round makes is given back by its end. */
function rounds(kernel: KernelInNode, round: () => void): void {
  const before = [kernel.number("slotObjects", MAKER), kernel.number("slotHandles", MAKER)];
  for (let count = 0; count < ROUNDS; count++) {
    round();
    kernel.check();
    expect([kernel.number("slotObjects", MAKER), kernel.number("slotHandles", MAKER)]).toEqual(
      before,
    );
  }
}

describe("an inbox goes with", () => {
  test("its last handle", () => {
    const { kernel, domain } = start();
    rounds(kernel, () => domain(DROP, domain(CREATE_INBOX)));
  });

  test("the last endpoint that was bound to it, by that one's end or by binding it elsewhere", () => {
    const { kernel, domain, bind } = start();
    rounds(kernel, () => {
      for (const isBoundElsewhere of [true, false]) {
        const inbox = domain(CREATE_INBOX);
        const endpoint = domain(CREATE_ENDPOINT, inbox, ECHO.id);
        domain(DROP, inbox);
        if (isBoundElsewhere) bind(INBOX, Number(endpoint));
        domain(DROP, endpoint);
      }
    });
  });

  test.each(["its timeout", "a notice", "its cancellation", "its end"])(
    "the thread that waits at it, by %s",
    (how) => {
      const { kernel, first, domain } = start();
      let handle = domain(START_THREAD, 0, 100);
      let second = kernel.threadOf(MAKER);
      rounds(kernel, () => {
        const inbox = domain(CREATE_INBOX);
        const notice = domain(CREATE_NOTICE, inbox, 1);
        kernel.recv(second, {
          inbox: Number(inbox),
          timeout: how === "its timeout" ? 1_000_000n : 0n,
        });
        domain(DROP, inbox);
        kernel.check();
        if (how === "its timeout") kernel.pass(10_000_000n);
        else if (how === "a notice")
          expect(kernel.call(first, Number(notice), 5, 0, [1n]).status).toBe(Status.Ok);
        else
          expect(
            kernel.call(first, Number(handle), 6, how === "its cancellation" ? 4 : 5).status,
          ).toBe(Status.Ok);
        domain(DROP, notice);
        if (how !== "its end") return;
        handle = domain(START_THREAD, 0, 100);
        second = kernel.threadOf(MAKER);
      });
    },
  );

  test.each(["its timeout", "its end"])("the last caller in its queue, by %s", (how) => {
    const { kernel, domain, bind } = start();
    rounds(kernel, () => {
      const inbox = domain(CREATE_INBOX);
      bind(Number(inbox), named(0));
      const client = kernel.threadOf(CLIENT);
      kernel.call(client, named(0), 0x100, ADD, [1n, 2n], {
        timeout: how === "its timeout" ? 1_000_000n : 0n,
      });
      expect(kernel.number("threadState", client)).toBe(1);
      bind(INBOX, named(0)); // Who waits goes on waiting where it is.
      domain(DROP, inbox);
      kernel.check();
      if (how === "its timeout") return kernel.pass(10_000_000n);
      while (
        kernel.call(kernel.threadOf(0), named(0), 12, 4, [BigInt(CLIENT)]).status === Status.Again
      )
        kernel.check();
      kernel.call(kernel.threadOf(0), named(0), 12, 3, [BigInt(CLIENT)]);
    });
  });
});

test("what was bound to an inbox does not find another one that is made 2^32 objects later at its place", () => {
  const { kernel, first, domain } = start();
  const inbox = domain(CREATE_INBOX);
  const notice = domain(CREATE_NOTICE, inbox, 1);
  const identity = kernel.big("identityOf", MAKER, Number(inbox));
  domain(DROP, inbox);
  const other = domain(CREATE_INBOX);
  kernel.number("setIdentity", MAKER, Number(other), identity + (1n << 32n));
  expect(kernel.call(first, Number(notice), 5, 0, [1n]).status).toBe(Status.PeerDied);
  // The place is the same: with the same identity it would be found.
  kernel.number("setIdentity", MAKER, Number(other), identity);
  expect(kernel.call(first, Number(notice), 5, 0, [1n]).status).toBe(Status.Ok);
});
