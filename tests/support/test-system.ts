/**
 * A small system for tests of the kernel in Node: a supervisor, a server and its clients, a driver.
 */
import { expect } from "vitest";
import { Status } from "../../kernel/abi/status.ts";
import { bytes, defineInterface, handle, u32, u64 } from "../../toolchain/vocabulary/interface.ts";
import { interrupt, ports } from "../../toolchain/vocabulary/image.ts";
import faultInterface from "../../services/interfaces/kernel/fault.idl.ts";
import { KernelInNode, type TestSystem, named } from "./kernel-in-node.ts";

const forty = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`word${index}`, u64]));

export const ECHO = defineInterface({
  name: "Echo",
  id: 0x100,
  version: 1,
  errors: ["Refused", "Busy"],
  methods: {
    add: { takes: { left: u64, right: u64 }, returns: { sum: u64 } },
    limited: { takes: { value: u32 }, returns: {} },
    many: { takes: forty, returns: forty },
    copy: { takes: { data: bytes(65536) }, returns: { data: bytes(65536) } },
    give: { takes: { memory: handle("Memory") }, returns: { memory: handle("Memory") } },
    silent: {},
    quiet: { returns: { value: u64 } },
    giveEcho: { takes: { echo: handle("Echo") } },
  },
});
export const ADD = 0;
export const LIMITED = 1;
export const MANY = 2;
export const COPY = 3;
export const GIVE = 4;
export const SILENT = 5;
export const QUIET = 6;
export const GIVE_ECHO = 7;

export const ROOT = 0;
export const SERVER = 1;
export const CLIENT = 2;
export const OTHER = 3;
export const DRIVER = 4;

/** The supervisor's named handles. */
export const ROOT_SLOTS = named(1);
export const ROOT_AUDIT = named(2);
export const ROOT_TRACE = named(4);
export const ROOT_SYSTEM = named(5);
export const ROOT_LOG = named(7);
export const CLIENT_ECHO = named(0);
/** The slot `other` serves Echo too. */
export const OTHER_OWN = named(0);
export const OTHER_ECHO = named(1);

const EVERYTHING = ["Domain", "Memory", "Inbox", "Notice", "Thread", "Interrupt", "Ports", "Clock"];

export const TEST_SYSTEM: TestSystem = {
  slots: {
    root: { channels: { echo: "server.echo" }, quota: { handles: 64 } },
    server: { restart: "always", channels: { other: "other.echo" }, faultHandler: "root.faults" },
    client: { channels: { echo: "server.echo" }, ceiling: 150 },
    other: { channels: { server: { to: "server.echo", badge: 77 } } },
    driver: { devices: { registers: ports(0x3f8, 8), line: interrupt(4) } },
  },
  programs: {
    root: {
      serves: { faults: faultInterface },
      kernel: {
        slots: "Slots",
        audit: "Audit",
        clock: "Clock",
        trace: "Trace",
        system: "System",
        policy: "Policy",
        log: "Log",
      },
      uses: {},
    },
    server: { serves: { echo: ECHO }, uses: { other: ECHO } },
    client: { uses: { echo: ECHO }, kernel: { clock: "Clock" } },
    other: { serves: { echo: ECHO }, uses: { server: ECHO } },
    driver: { devices: { registers: "ports", line: "interrupt" } },
  },
  interfaces: [ECHO],
  policy: [
    "allow { Client, Other } -> Server.Echo { add, many, copy, give, giveEcho }",
    "allow Client -> Server.Echo { limited } when value <= 100",
    "allow request Client -> Server.Echo { quiet }",
    "allow { Server, Client } -> Other.Echo { * }",
    "allow kernel -> Root.Fault { fault }",
    "allow Root -> kernel.Slots { * }",
    "allow Root -> kernel.Audit { * }",
    "allow Root -> kernel.Clock { * }",
    "allow Root -> kernel.Trace { * }",
    "allow Root -> kernel.System { * }",
    "allow Root -> kernel.Policy { * }",
    "allow Root -> kernel.Log { * }",
    ...EVERYTHING.map(
      (name) => `allow { Root, Server, Client, Other, Driver } -> kernel.${name} { * }`,
    ),
    ...["Memory", "Notice", "Interrupt", "Ports", "Clock"].map(
      (name) =>
        `grant { Root, Server, Client, Other, Driver } -> kernel.${name} { transfer, map_read, map_write, signal, bind, ports, copy, seal }`,
    ),
    "grant { Server, Client, Other } -> { Server, Other } { transfer, copy }",
  ].join("\n"),
};
// The supervisor of this system makes no calls.
delete (TEST_SYSTEM.slots["root"] as { channels?: unknown }).channels;

/** A booted system with these slots started, and its kernel. */
export function boot(
  module: WebAssembly.Module,
  archive: Uint8Array,
  slots: readonly number[] = [SERVER, CLIENT],
): KernelInNode {
  const kernel = new KernelInNode(module, archive);
  for (const slot of slots) startSlot(kernel, slot);
  kernel.check();
  return kernel;
}

export function startSlot(kernel: KernelInNode, slot: number): void {
  expect(kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [BigInt(slot)]).status).toBe(
    Status.Ok,
  );
}

/** Ends a slot's instance through the supervisor; returns how many calls this took. */
export function stopSlot(kernel: KernelInNode, slot: number): number {
  for (let calls = 1; calls < 5000; calls++) {
    const { status } = kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 4, [BigInt(slot)]);
    if (status === Status.Ok) return calls;
    expect(status).toBe(Status.Again);
  }
  throw new Error("the slot does not end");
}

/** A method of the slot's own domain handle. */
export function domainCall(
  kernel: KernelInNode,
  slot: number,
  method: number,
  words: readonly bigint[] = [],
) {
  return kernel.call(kernel.threadOf(slot), 0x10001, 1, method, words);
}
