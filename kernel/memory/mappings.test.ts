import { describe, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import type { KernelInNode } from "../../tests/support/kernel-in-node.ts";
import {
  CLIENT,
  CLIENT_ECHO,
  GIVE,
  SERVER,
  boot,
  domainCall,
  stopSlot,
} from "../../tests/support/test-system.ts";

const INTERFACE = 0x100;
const RECORD = 0x20000;
/** call, copy, transfer, map to read and to write. */
const RIGHTS = 0x307;
const PAGES = 70;
const MINT = 7;
const DROP = 8;
const REVOKE = 9;
const MAP = 10;
const UNMAP = 11;

function newMemory(kernel: KernelInNode, slot: number): number {
  return Number(domainCall(kernel, slot, 2, [BigInt(PAGES) << 12n]).words[0]);
}
/** The mapping's address, each of its pages backed. */
function map(kernel: KernelInNode, slot: number, handle: number): number {
  const mapped = domainCall(kernel, slot, MAP, [BigInt(handle), 0n, BigInt(PAGES) << 12n, 1n]);
  expect(mapped.status).toBe(Status.Ok);
  const address = Number(mapped.words[0]);
  for (let page = 0; page < PAGES; page++)
    expect(reaches(kernel, slot, address + page * 4096)).toBe(true);
  return address;
}
/** Whether a program can write at an address of its own. */
function reaches(kernel: KernelInNode, slot: number, address: number): boolean {
  return kernel.big("touch", slot, address, 1) !== 0n;
}
/** Hands the client's memory to the server; the server's handle. */
function give(kernel: KernelInNode, handle: number): number {
  const server = kernel.threadOf(SERVER);
  kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
  kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, INTERFACE, GIVE, [], {
    record: RECORD,
    handles: [[handle, RIGHTS]],
    receive: { handles: 1 },
  });
  const got = kernel.result(server);
  expect(got.status).toBe(Status.Ok);
  const number = kernel.u32(SERVER, RECORD + 96);
  kernel.reply(server, got.token, [], { record: RECORD, handles: [[number, RIGHTS]] });
  return number;
}
/** Revokes to the end; how many steps it took. */
function revoke(kernel: KernelInNode, slot: number, handle: number): number {
  for (let steps = 1; steps < 1000; steps++) {
    const { status } = domainCall(kernel, slot, REVOKE, [BigInt(handle)]);
    kernel.check();
    if (status === Status.Ok) return steps;
    expect(status).toBe(Status.Again);
  }
  throw new Error("revoking does not end");
}
const pages = (kernel: KernelInNode, slot: number): number => kernel.number("slotPages", slot);

describe("memory that was handed on and is revoked", () => {
  test("is out of its receiver's reach, page by page, and not charged to it any more", () => {
    const kernel = boot(module, archive);
    const handle = newMemory(kernel, CLIENT);
    const own = map(kernel, CLIENT, handle);
    const given = give(kernel, handle);
    const first = map(kernel, SERVER, given);
    const before = pages(kernel, SERVER);
    const second = map(kernel, SERVER, given);
    kernel.write(CLIENT, own, new Uint8Array([42]));
    expect(kernel.read(SERVER, second, 1)).toEqual(new Uint8Array([42]));

    expect(revoke(kernel, CLIENT, handle)).toBeGreaterThan(2 * Math.floor(PAGES / 32));
    for (const address of [first, second])
      for (let page = 0; page < PAGES; page++)
        expect(reaches(kernel, SERVER, address + page * 4096)).toBe(false);
    expect(pages(kernel, SERVER)).toBeLessThanOrEqual(before - PAGES);
    expect(domainCall(kernel, SERVER, UNMAP, [BigInt(first)]).status).toBe(Status.NotFound);
    // Whose memory it is has it still.
    expect(kernel.read(CLIENT, own, 1)).toEqual(new Uint8Array([42]));
    kernel.check();
  });

  test("maps nothing new while the revoking goes on", () => {
    const kernel = boot(module, archive);
    const handle = newMemory(kernel, CLIENT);
    const given = give(kernel, handle);
    map(kernel, SERVER, given);
    expect(domainCall(kernel, CLIENT, REVOKE, [BigInt(handle)]).status).toBe(Status.Again);
    expect(domainCall(kernel, SERVER, MAP, [BigInt(given), 0n, 4096n, 0n]).status).toBe(
      Status.NoRight,
    );
    revoke(kernel, CLIENT, handle);
    expect(domainCall(kernel, SERVER, MAP, [BigInt(given), 0n, 4096n, 0n]).status).toBe(
      Status.BadHandle,
    );
  });

  test("is out of reach as well where the receiver has dropped its handle", () => {
    const kernel = boot(module, archive);
    const handle = newMemory(kernel, CLIENT);
    const given = give(kernel, handle);
    const own = map(kernel, CLIENT, handle);
    const address = map(kernel, SERVER, given);
    expect(domainCall(kernel, SERVER, DROP, [BigInt(given)]).status).toBe(Status.Ok);
    kernel.check();
    expect(reaches(kernel, SERVER, address)).toBe(true);
    revoke(kernel, CLIENT, handle);
    expect(reaches(kernel, SERVER, address)).toBe(false);
    expect(reaches(kernel, CLIENT, own)).toBe(true);
  });

  test("is out of reach where it was handed on once more", () => {
    const kernel = boot(module, archive);
    const handle = newMemory(kernel, CLIENT);
    const copy = Number(
      domainCall(kernel, CLIENT, MINT, [BigInt(handle), BigInt(RIGHTS), 0n]).words[0],
    );
    const again = Number(
      domainCall(kernel, CLIENT, MINT, [BigInt(copy), BigInt(RIGHTS), 0n]).words[0],
    );
    const given = give(kernel, again);
    const address = map(kernel, SERVER, given);
    const own = map(kernel, CLIENT, copy);
    // The one between is dropped: what came from it comes from the first now.
    expect(domainCall(kernel, CLIENT, DROP, [BigInt(again)]).status).toBe(Status.Ok);
    revoke(kernel, CLIENT, copy);
    expect(reaches(kernel, SERVER, address)).toBe(false);
    expect(reaches(kernel, CLIENT, own)).toBe(true);
    revoke(kernel, CLIENT, handle);
    expect(reaches(kernel, CLIENT, own)).toBe(false);
  });

  test("stays with its receiver when its maker dies: no domain can revoke it any more", () => {
    const kernel = boot(module, archive);
    const handle = newMemory(kernel, CLIENT);
    const address = map(kernel, SERVER, give(kernel, handle));
    stopSlot(kernel, CLIENT);
    kernel.check();
    expect(reaches(kernel, SERVER, address)).toBe(true);
    stopSlot(kernel, SERVER);
    kernel.check();
  });

  test("is taken apart to the end by its receiver when its revoker dies half way", () => {
    const kernel = boot(module, archive);
    const handle = newMemory(kernel, CLIENT);
    const address = map(kernel, SERVER, give(kernel, handle));
    expect(domainCall(kernel, CLIENT, REVOKE, [BigInt(handle)]).status).toBe(Status.Again);
    domainCall(kernel, CLIENT, 1, [0n]);
    let status: Status = Status.Again;
    for (let steps = 0; steps < 100 && status === Status.Again; steps++) {
      status = domainCall(kernel, SERVER, UNMAP, [BigInt(address)]).status;
      kernel.check();
    }
    kernel.settle();
    expect(reaches(kernel, SERVER, address)).toBe(false);
    kernel.check();
  });
});

test("a mapping outlives its handle where that is dropped, and so does the memory", () => {
  const kernel = boot(module, archive);
  const handle = newMemory(kernel, CLIENT);
  const address = map(kernel, CLIENT, handle);
  expect(domainCall(kernel, CLIENT, DROP, [BigInt(handle)]).status).toBe(Status.Ok);
  expect(reaches(kernel, CLIENT, address)).toBe(true);
  kernel.check();
  for (
    let steps = 0;
    steps < 100 && domainCall(kernel, CLIENT, UNMAP, [BigInt(address)]).status === Status.Again;
    steps++
  )
    kernel.check();
  expect(reaches(kernel, CLIENT, address)).toBe(false);
});
