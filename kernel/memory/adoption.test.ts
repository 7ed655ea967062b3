import { expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { type KernelInNode, named } from "../../tests/support/kernel-in-node.ts";
import {
  CLIENT,
  CLIENT_ECHO,
  GIVE,
  OTHER,
  SERVER,
  boot,
  domainCall,
  startSlot,
  stopSlot,
} from "../../tests/support/test-system.ts";

const INTERFACE = 0x100;
const RECORD = 0x20000;
/** call, copy, transfer, map to read and to write. */
const RIGHTS = 0x307;
const PAGES = 70;
const CREATE = 2;
const DROP = 8;
const REVOKE = 9;
const MAP = 10;
const UNMAP = 11;
/** The server's handle to the other's service. */
const SERVER_OTHER = named(1);

/** Hands a handle on through Echo.give; the receiver's. */
function give(
  kernel: KernelInNode,
  from: number,
  echo: number,
  to: number,
  handle: number,
): number {
  const receiver = kernel.threadOf(to);
  kernel.recv(receiver, { record: RECORD, receive: { handles: 1 } });
  kernel.call(kernel.threadOf(from), echo, INTERFACE, GIVE, [], {
    record: RECORD,
    handles: [[handle, RIGHTS]],
    receive: { handles: 1 },
  });
  const got = kernel.result(receiver);
  expect(got.status).toBe(Status.Ok);
  const number = kernel.u32(to, RECORD + 96);
  kernel.reply(receiver, got.token, [], { record: RECORD, handles: [[number, RIGHTS]] });
  return number;
}
function map(kernel: KernelInNode, slot: number, handle: number): number {
  const mapped = domainCall(kernel, slot, MAP, [BigInt(handle), 0n, BigInt(PAGES) << 12n, 1n]);
  expect(mapped.status).toBe(Status.Ok);
  return Number(mapped.words[0]);
}
function toEnd(kernel: KernelInNode, slot: number, method: number, argument: number): void {
  for (
    let steps = 0;
    domainCall(kernel, slot, method, [BigInt(argument)]).status === Status.Again;
    steps++
  ) {
    kernel.check();
    expect(steps).toBeLessThan(100);
  }
  kernel.check();
}
const pages = (kernel: KernelInNode, slot: number): number => kernel.number("slotPages", slot);

/**
 * The client's memory, mapped by the other; the server has a handle too. Then the client dies, so
 * that the other pays for it.
 */
function adopted(serverMaps: boolean) {
  const kernel = boot(module, archive, [SERVER, CLIENT, OTHER]);
  const handle = Number(domainCall(kernel, CLIENT, CREATE, [BigInt(PAGES) << 12n]).words[0]);
  const servers = give(kernel, CLIENT, CLIENT_ECHO, SERVER, handle);
  const others = give(kernel, SERVER, SERVER_OTHER, OTHER, servers);
  const serverAddress = serverMaps ? map(kernel, SERVER, servers) : 0;
  const address = map(kernel, OTHER, others);
  const before = pages(kernel, OTHER) - PAGES;
  stopSlot(kernel, CLIENT);
  kernel.check();
  return { kernel, servers, others, address, serverAddress, before };
}

test("memory whose maker is dead is freed when the last mapping ends: the handles that others kept go with it", () => {
  const { kernel, servers, others, address, before } = adopted(false);
  toEnd(kernel, OTHER, UNMAP, address);
  toEnd(kernel, OTHER, DROP, others);
  expect(pages(kernel, OTHER)).toBeLessThanOrEqual(before + 1);
  expect(domainCall(kernel, SERVER, MAP, [BigInt(servers), 0n, 4096n, 0n]).status).toBe(
    Status.BadHandle,
  );
  stopSlot(kernel, OTHER);
  kernel.check();
  stopSlot(kernel, SERVER);
  kernel.check();
});

test("who still maps it pays for it when the one who did leaves", () => {
  const { kernel, servers, others, address, serverAddress, before } = adopted(true);
  kernel.write(OTHER, address, new Uint8Array([42]));
  const server = pages(kernel, SERVER);
  toEnd(kernel, OTHER, UNMAP, address);
  toEnd(kernel, OTHER, DROP, others);
  expect(pages(kernel, OTHER)).toBeLessThanOrEqual(before + 1);
  expect(pages(kernel, SERVER)).toBeLessThanOrEqual(server + 1);
  expect(kernel.read(SERVER, serverAddress, 1)).toEqual(new Uint8Array([42]));
  toEnd(kernel, SERVER, UNMAP, serverAddress);
  expect(domainCall(kernel, SERVER, MAP, [BigInt(servers), 0n, 4096n, 0n]).status).toBe(
    Status.BadHandle,
  );
  stopSlot(kernel, OTHER);
  stopSlot(kernel, SERVER);
  kernel.check();
});

test("revoked from the last who maps it, memory whose maker is dead is gone when the revoking ends", () => {
  const { kernel, servers, others, address, before } = adopted(false);
  let status: Status = Status.Again;
  for (let steps = 0; status === Status.Again; steps++) {
    status = domainCall(kernel, SERVER, REVOKE, [BigInt(servers)]).status;
    kernel.check();
    expect(steps).toBeLessThan(100);
  }
  // Its own handle went with the memory.
  expect(status).toBe(Status.BadHandle);
  expect(pages(kernel, OTHER)).toBeLessThanOrEqual(before + 1);
  expect(domainCall(kernel, OTHER, MAP, [BigInt(others), 0n, 4096n, 0n]).status).toBe(
    Status.BadHandle,
  );
  expect(domainCall(kernel, OTHER, UNMAP, [BigInt(address)]).status).toBe(Status.NotFound);
  kernel.check();
});

test("a domain keeps nothing of the memory that it adopted and freed, however often", () => {
  const kernel = boot(module, archive, [SERVER, OTHER]);
  const held: number[] = [];
  for (let round = 0; round < 4; round++) {
    startSlot(kernel, CLIENT);
    const handle = Number(domainCall(kernel, CLIENT, CREATE, [BigInt(PAGES) << 12n]).words[0]);
    const servers = give(kernel, CLIENT, CLIENT_ECHO, SERVER, handle);
    const others = give(kernel, SERVER, SERVER_OTHER, OTHER, servers);
    const address = map(kernel, OTHER, others);
    stopSlot(kernel, CLIENT);
    toEnd(kernel, OTHER, UNMAP, address);
    held.push(pages(kernel, OTHER));
  }
  // One place for a mapping is kept, and made in the first round.
  expect(held).toEqual(held.map(() => held[0]));
  kernel.check();
});
