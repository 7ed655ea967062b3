import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import {
  KernelInNode,
  THREAD,
  buildSystem,
  className,
  compileKernel,
  named,
} from "../../tests/support/kernel-in-node.ts";
import { ADD, ECHO } from "../../tests/support/test-system.ts";

// A chain of eight, link0 to link7, ends at `server`, which calls `backend`; `client` calls
// `server` too.
const LINKS = Array.from({ length: 8 }, (_, index) => `link${index}`);
const NAMES = [...LINKS, "server", "backend", "client"];
const NEXT: Record<string, string> = {
  server: "backend",
  client: "server",
  ...Object.fromEntries(LINKS.map((name, index) => [name, LINKS[index + 1] ?? "server"])),
};
const TIMEOUT = 1_000_000n;

let module: WebAssembly.Module;
let archive: Uint8Array;
beforeAll(async () => {
  module = await compileKernel();
  archive = await buildSystem({
    slots: {
      root: {},
      ...Object.fromEntries(
        NAMES.map((name) => [
          name,
          {
            autostart: false,
            restart: "never" as const,
            ceiling: 200,
            ...(name in NEXT ? { channels: { next: `${NEXT[name]}.echo` } } : {}),
          },
        ]),
      ),
    },
    programs: {
      root: { kernel: { slots: "Slots" } },
      ...Object.fromEntries(
        NAMES.map((name) => [
          name,
          {
            serves: { echo: ECHO },
            uses: (name in NEXT ? { next: ECHO } : {}) as Record<string, typeof ECHO>,
          },
        ]),
      ),
    },
    interfaces: [ECHO],
    policy: [
      "allow Root -> kernel.Slots { * }",
      ...Object.entries(NEXT).map(
        ([from, to]) => `allow ${className(from)} -> ${className(to)}.Echo { * }`,
      ),
      ...NAMES.map((name) => `allow ${className(name)} -> kernel.Thread { * }`),
    ].join("\n"),
  });
});

function start() {
  const kernel = new KernelInNode(module, archive);
  const slot = (name: string): number => NAMES.indexOf(name) + 1;
  const thread = (name: string): number => kernel.threadOf(slot(name));
  const root = (method: number, name: string) =>
    kernel.call(kernel.threadOf(0), named(0), 12, method, [BigInt(slot(name))]).status;
  for (const name of NAMES) root(3, name);
  // From now on its inbox is this thread's.
  for (const name of NAMES) kernel.recv(thread(name), { timeout: 1n });
  const call = (name: string, timeout = 0n): string => {
    const { status } = kernel.call(thread(name), named(1), 0x100, ADD, [1n, 2n], { timeout });
    kernel.check();
    return kernel.number("threadState", thread(name)) === 0 ? Status[status] : "waits";
  };
  const stop = (name: string): void => {
    while (root(4, name) === Status.Again) kernel.check();
    kernel.check();
  };
  return {
    kernel,
    thread,
    call,
    stop,
    chain: (name: string) => kernel.number("chainBehind", thread(name)),
  };
}

describe("the chain behind a server is as long as those who wait make it", () => {
  test.each(["a time-out", "a stop", "an answer"])("after %s too", (how) => {
    const { kernel, thread, call, stop, chain } = start();
    for (const name of LINKS.slice(0, 7)) expect(call(name)).toBe("waits");
    expect(call("link7", how === "a time-out" ? TIMEOUT : 0n)).toBe("waits");
    expect(call("client")).toBe("waits");
    expect(chain("server")).toBe(8);
    expect(call("server")).toBe("TooDeep"); // It would be the ninth that waits.
    if (how === "a time-out") kernel.pass(2n * TIMEOUT);
    else if (how === "a stop") stop("link7");
    else kernel.reply(thread("server"), kernel.recv(thread("server")).token, [3n]);
    kernel.check();
    expect(chain("server")).toBe(1);
    expect(call("server")).toBe("waits");
  });

  test("where it holds the calls too, in whatever order they end", () => {
    const { kernel, thread, call, chain } = start();
    const server = thread("server");
    for (const name of LINKS) call(name);
    const long = kernel.recv(server).token;
    call("client");
    const short = kernel.recv(server).token;
    kernel.check();
    expect(chain("server")).toBe(8);
    kernel.reply(server, long, [3n]);
    kernel.check();
    expect(chain("server")).toBe(1);
    kernel.reply(server, short, [3n]);
    kernel.check();
    expect(chain("server")).toBe(0);
  });

  test("when a link in its middle goes", () => {
    const { call, stop, chain } = start();
    for (const name of LINKS) call(name);
    expect(chain("server")).toBe(8);
    stop("link3");
    expect(chain("server")).toBe(4);
    expect(call("server")).toBe("waits");
    expect(chain("backend")).toBe(5);
  });
});

test("a chain of eight takes no ninth caller, even if its last waits where no thread has received yet", () => {
  const kernel = new KernelInNode(module, archive);
  for (let slot = 1; slot <= NAMES.length; slot++)
    kernel.call(kernel.threadOf(0), named(0), 12, 3, [BigInt(slot)]);
  const thread = (name: string): number => kernel.threadOf(NAMES.indexOf(name) + 1);
  for (const name of [...LINKS.slice(1), "server"]) kernel.recv(thread(name), { timeout: 1n });
  const call = (name: string) => kernel.call(thread(name), named(1), 0x100, ADD, [1n, 2n]);
  // server waits at the inbox of backend, which has no thread. Then the links queue up behind
  // server, the last first.
  call("server");
  for (const name of LINKS.slice(1).reverse()) call(name);
  kernel.check();
  expect(kernel.number("chainBehind", thread("server"))).toBe(7);
  expect(call("link0").status).toBe(Status.TooDeep);
  kernel.recv(thread("backend"));
  kernel.check();
  expect(kernel.number("chainBehind", thread("backend"))).toBe(8);
});

test("the highest priority of all waiting callers is lent, held or queued", () => {
  const { kernel, thread, call } = start();
  const server = thread("server");
  const priority = () => kernel.number("threadPriority", server);
  const sleep = (name: string, priority: bigint, timeout: bigint) => {
    expect(kernel.call(thread(name), THREAD, 6, 3, [priority]).status).toBe(Status.Ok);
    if (timeout !== 0n) kernel.recv(thread(name), { timeout });
  };
  sleep("link6", 190n, 2n * TIMEOUT);
  sleep("client", 180n, TIMEOUT);
  sleep("link7", 150n, 0n);
  call("link7");
  expect(priority()).toBe(150);
  kernel.pass(TIMEOUT);
  call("client");
  expect(priority()).toBe(180);
  const highest = kernel.recv(server).token; // The client's, which comes first.
  const middle = kernel.recv(server).token;
  kernel.check();
  expect(priority()).toBe(180);
  kernel.pass(TIMEOUT);
  call("link6"); // Lends to link7, and through it to the server, where link7 is counted.
  expect(priority()).toBe(190);
  kernel.reply(server, highest, [3n]);
  kernel.check();
  expect(priority()).toBe(190);
  kernel.reply(server, middle, [3n]);
  kernel.check();
  expect(priority()).toBe(100);
});
