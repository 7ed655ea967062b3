import { beforeAll, describe, expect, test } from "vitest";
import {
  KernelInNode,
  buildSystem,
  className,
  compileKernel,
  named,
} from "../../tests/support/kernel-in-node.ts";
import { ADD, ECHO, MANY } from "../../tests/support/test-system.ts";
import faultInterface from "../../services/interfaces/kernel/fault.idl.ts";

// A client and its servers beside one that only spins. All have the priority 100, but the lord and
// the rival, which have 150.
const SLOTS = ["root", "client", "server", "backend", "rival", "spinner", "lord"] as const;
type Name = (typeof SLOTS)[number];
const SLICE_NS = 5_000_000n;
const RECORD = 0x20000;
const forty = Array.from({ length: 40 }, (_, index) => BigInt(index));

const ways: Record<string, WebAssembly.Module> = {};
let archive: Uint8Array;
beforeAll(async () => {
  ways["short"] = await compileKernel();
  ways["long"] = await compileKernel({ slow: true });
  const uses: Partial<Record<Name, readonly Name[]>> = {
    client: ["server", "lord"],
    rival: ["server"],
    server: ["backend"],
    lord: ["backend"],
  };
  archive = await buildSystem({
    slots: Object.fromEntries(
      SLOTS.map((name) => [
        name,
        {
          ...(name === "root"
            ? { priority: 200 }
            : {
                autostart: false,
                restart: "never" as const,
                priority: name === "lord" || name === "rival" ? 150 : 100,
                ceiling: 150,
              }),
          ...(name === "client" ? { faultHandler: "server.faults" } : {}),
          channels: Object.fromEntries((uses[name] ?? []).map((to) => [to, `${to}.echo`])),
        },
      ]),
    ),
    programs: Object.fromEntries(
      SLOTS.map((name) => [
        name,
        {
          ...(name === "root"
            ? { kernel: { slots: "Slots" as const } }
            : { serves: { echo: ECHO, ...(name === "server" ? { faults: faultInterface } : {}) } }),
          uses: Object.fromEntries((uses[name] ?? []).map((to) => [to, ECHO])),
        },
      ]),
    ),
    interfaces: [ECHO],
    policy: [
      "allow Root -> kernel.Slots { * }",
      "allow kernel -> Server.Fault { * }",
      "allow Client -> Backend.Echo { * }",
      ...Object.entries(uses).flatMap(([from, targets]) =>
        targets.map((to) => `allow ${className(from)} -> ${className(to)}.Echo { * }`),
      ),
    ].join("\n"),
  });
});

/** The first channel of a slot that serves: behind its endpoints. */
const channel = (name: Name, index = 0): number => named((name === "server" ? 2 : 1) + index);

function start(way: string, running: readonly Name[]) {
  const kernel = new KernelInNode(ways[way]!, archive);
  const root = kernel.threadOf(0);
  for (const name of running) kernel.call(root, named(0), 12, 3, [BigInt(SLOTS.indexOf(name))]);
  kernel.recv(root); // From here on it is out of the way.
  const thread = (name: Name): number => kernel.threadOf(SLOTS.indexOf(name));
  const who = (): Name => SLOTS[kernel.currentSlot]!;
  const result = (name: Name) => kernel.result(thread(name));
  /** The thread of `name`, which must be running: the test never brings a thread to its turn. */
  const is = (name: Name): number => {
    expect(who()).toBe(name);
    return thread(name);
  };
  const call = (name: Name, handle = channel(name), timeout = 0n) =>
    kernel.call(is(name), handle, 0x100, ADD, [1n, 2n], { timeout });
  const recv = (name: Name, timeout = 0n) => kernel.recv(is(name), { timeout });
  const reply = (name: Name, token: bigint, receives = true) =>
    kernel.reply(is(name), token, [3n], { receive_: receives });
  /** Servers wait, the client runs on a new turn, and the spinner is ready behind it. */
  const settle = (...servers: Name[]): void => {
    for (const name of servers) kernel.recv(thread(name));
    for (let turns = 0; turns < 10 && who() !== "client"; turns++) kernel.pass(SLICE_NS);
    is("client");
    kernel.check();
  };
  return { kernel, thread, who, is, result, call, recv, reply, settle };
}

const WAYS = ["short", "long"];

describe.each(WAYS)("beside one that spins at the same priority, on the %s way,", (way) => {
  test("a call runs its receiver at once, and the answer its caller", () => {
    const { kernel, result, call, reply, settle, who } = start(way, [
      "client",
      "server",
      "spinner",
    ]);
    settle("server");
    for (let round = 0; round < 5; round++) {
      call("client");
      reply("server", result("server").token);
      kernel.check();
    }
    expect(who()).toBe("client");
    expect(result("client").words[0]).toBe(3n);
  });

  test("so do a call with a timeout, and one that takes a record", () => {
    const { kernel, is, result, call, recv, reply, settle } = start(way, [
      "client",
      "server",
      "spinner",
    ]);
    settle("server");
    call("client", channel("client"), SLICE_NS * 10n);
    reply("server", result("server").token, false);
    recv("server");
    kernel.write(SLOTS.indexOf("client"), RECORD, new Uint8Array(0x400));
    kernel.write(SLOTS.indexOf("server"), RECORD, new Uint8Array(0x400));
    call("client");
    kernel.reply(is("server"), result("server").token, [3n]);
    kernel.recv(is("server"), { record: RECORD });
    kernel.call(is("client"), channel("client"), 0x100, MANY, forty, { record: RECORD });
    kernel.reply(is("server"), result("server").token, forty, { record: RECORD });
    recv("server");
    is("client");
    kernel.check();
  });

  test("an answer and the next recv may be two system calls: until then the server goes on", () => {
    const { is, result, call, recv, reply, settle } = start(way, ["client", "server", "spinner"]);
    settle("server");
    call("client");
    reply("server", result("server").token, false);
    is("server");
    recv("server");
    is("client");
  });

  test("a refused answer gives the turn back too", () => {
    const { kernel, is, result, call, recv, settle } = start(way, ["client", "server", "spinner"]);
    settle("server");
    call("client");
    // One word is what the interface says.
    kernel.reply(is("server"), result("server").token, [1n, 2n, 3n]);
    recv("server");
    is("client");
  });

  test("a call that is passed on takes the turn along, and the answer of the other server brings it back", () => {
    const { kernel, is, result, call, recv, reply, settle } = start(way, [
      "client",
      "server",
      "backend",
      "spinner",
    ]);
    settle("server", "backend");
    call("client");
    kernel.reply(is("server"), result("server").token, [BigInt(channel("server"))], {
      forward: true,
    });
    recv("server");
    reply("backend", result("backend").token);
    is("client");
    kernel.check();
  });

  test("a server that calls another one has what is left of the same turn", () => {
    const { kernel, who, is, result, call, reply, settle } = start(way, [
      "client",
      "server",
      "backend",
      "spinner",
    ]);
    settle("server", "backend");
    const end = kernel.big("armedDeadline");
    call("client");
    kernel.pass(1000n);
    call("server");
    kernel.pass(1000n);
    reply("backend", result("backend").token);
    is("server");
    kernel.pass(end - kernel.now - 1n);
    expect(who()).toBe("server");
    kernel.pass(1n);
    expect(who()).toBe("spinner");
    kernel.check();
  });

  test("the handler of a fault runs at once, and the thread that it lets go on", () => {
    const { kernel, is, thread, result, recv, settle } = start(way, [
      "client",
      "server",
      "spinner",
    ]);
    kernel.write(SLOTS.indexOf("server"), RECORD, new Uint8Array(0x400));
    kernel.recv(thread("server"), { record: RECORD }); // A fault is more words than registers hold.
    settle();
    kernel.number("fault", 14, 6, 0x8000_0000n);
    kernel.reply(is("server"), result("server").token, []);
    recv("server");
    is("client");
    kernel.check();
  });

  test("calling back and forth ends with the turn, and gains nothing", () => {
    const { kernel, who, thread, result, settle } = start(way, ["client", "server", "spinner"]);
    settle("server");
    const consumed: Record<string, bigint> = { client: 0n, server: 0n, spinner: 0n };
    const STEP = 50_000n;
    for (let step = 0; step < 6000; step++) {
      const name = who();
      const before = kernel.now;
      if (name === "client") kernel.call(thread("client"), channel("client"), 0x100, ADD, [1n, 2n]);
      else if (name === "server") {
        const { token } = result("server");
        if (token === 0n) kernel.recv(thread("server"));
        else kernel.reply(thread("server"), token, [3n], { receive_: true });
      }
      const runs = who();
      kernel.pass(STEP);
      consumed[runs] = consumed[runs]! + kernel.now - before;
    }
    kernel.check();
    const pair = consumed["client"]! + consumed["server"]!;
    const share = Number((pair * 1000n) / (pair + consumed["spinner"]!));
    expect(share).toBeGreaterThanOrEqual(490);
    expect(share).toBeLessThanOrEqual(510);
  });

  test("a turn that is used up in a server of higher priority is used up for its client", () => {
    const { kernel, who, is, result, call, reply, settle } = start(way, [
      "client",
      "lord",
      "spinner",
    ]);
    settle("lord");
    kernel.pass(kernel.big("armedDeadline") - kernel.now - 10n);
    call("client", channel("client", 1));
    kernel.pass(100n);
    reply("lord", result("lord").token);
    is("spinner");
    // And one that has something left is not.
    settle();
    const end = kernel.big("armedDeadline");
    kernel.pass(end - kernel.now - 1000n);
    call("client", channel("client", 1));
    kernel.pass(100n);
    reply("lord", result("lord").token);
    kernel.pass(end - kernel.now - 1n);
    expect(who()).toBe("client");
    kernel.pass(1n);
    is("spinner");
    kernel.check();
  });

  // A rival of higher priority wakes while the server works for the client.

  test("what a server does for the next caller is not taken from the turn of the one that it has answered", () => {
    const { kernel, who, is, result, call, recv, reply, thread } = start(way, [
      "rival",
      "client",
      "server",
      "spinner",
    ]);
    kernel.recv(thread("rival"), { timeout: 11n * SLICE_NS + 1000n });
    const wakes = kernel.now + 11n * SLICE_NS + 1000n;
    kernel.recv(thread("server"));
    // To the begin of the turn of the client in which the rival wakes.
    while (wakes - kernel.now > SLICE_NS) kernel.pass(kernel.big("armedDeadline") - kernel.now);
    call("client");
    const { token } = result("server");
    const spent = wakes - kernel.now;
    kernel.pass(spent);
    call("rival"); // It queues, and lends its priority.
    reply("server", token);
    is("server");
    kernel.pass(2n * SLICE_NS);
    reply("server", result("server").token);
    recv("rival");
    is("client");
    kernel.pass(SLICE_NS - spent - 1n);
    expect(who()).toBe("client");
    kernel.pass(1n);
    is("spinner");
    kernel.check();
  });

  test("an answer that comes on another turn leaves its caller behind those who wait", () => {
    const { kernel, is, result, call, recv, reply, settle, thread } = start(way, [
      "rival",
      "client",
      "server",
      "spinner",
    ]);
    kernel.recv(thread("rival"), { timeout: 20n * SLICE_NS });
    const wakes = kernel.now + 20n * SLICE_NS;
    settle("server");
    call("client");
    const { token } = result("server");
    recv("server"); // It keeps the call, and waits for somebody else.
    is("spinner");
    kernel.pass(wakes - kernel.now);
    call("rival");
    reply("server", token, false);
    recv("server");
    is("spinner");
    kernel.check();
  });
});
