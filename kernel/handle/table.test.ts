import { describe, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import type { KernelInNode } from "../../tests/support/kernel-in-node.ts";
import { CLIENT, CLIENT_ECHO, LIMITED, SERVER, boot } from "../../tests/support/test-system.ts";

const INTERFACE = 0x100;
const GENERATIONS = 65_535;
const CREATE_MEMORY = 2;
const CREATE_INBOX = 3;
const CREATE_THREAD = 6;
const MINT = 7;
const DROP = 8;

type Call = (
  method: number,
  ...words: number[]
) => { readonly status: Status; readonly handle: number };

/** Methods of a thread's own domain. */
function callsOf(kernel: KernelInNode, thread: number): Call {
  return (method, ...words) => {
    const { status, words: answer } = kernel.call(thread, 0x10001, 1, method, words.map(BigInt));
    return { status, handle: Number(answer[0]) };
  };
}

/**
 * Fills the first page of the client's table, whose place 0 no handle has, until so many places are
 * empty.
 */
function fill(kernel: KernelInNode, call: Call, empty: number): void {
  const memory = call(CREATE_MEMORY, 4096).handle;
  while (kernel.number("slotHandles", CLIENT) < 63 - empty)
    expect(call(MINT, memory, 1, 0).status).toBe(Status.Ok);
}

describe("a place of the handle table", () => {
  test("is used 200,000 times and more, and costs no other", () => {
    const kernel = boot(module, archive);
    const call = callsOf(kernel, kernel.threadOf(CLIENT));
    fill(kernel, call, 1);
    const pages = kernel.number("slotPages", CLIENT);
    for (let round = 0; round < 4; round++)
      expect(kernel.number("wearHandles", CLIENT, 50_000)).toBe(0);
    const inbox = call(CREATE_INBOX);
    expect(inbox.status).toBe(Status.Ok);
    expect(kernel.call(kernel.threadOf(CLIENT), inbox.handle, 3, 0).status).toBe(Status.Ok);
    expect(call(DROP, inbox.handle).status).toBe(Status.Ok);
    // The page of inboxes.
    expect(kernel.number("slotPages", CLIENT)).toBeLessThanOrEqual(pages + 1);
    kernel.check();
  });

  test("has an old number again when all its generations are through, and not before", () => {
    const kernel = boot(module, archive);
    fill(kernel, callsOf(kernel, kernel.threadOf(CLIENT)), 1);
    expect(kernel.number("wearHandles", CLIENT, GENERATIONS)).toBe(0);
    expect(kernel.number("wearHandles", CLIENT, 2 * GENERATIONS)).toBe(GENERATIONS + 1);
  });

  test("rests until all other empty ones have been used", () => {
    const kernel = boot(module, archive);
    fill(kernel, callsOf(kernel, kernel.threadOf(CLIENT)), 3);
    expect(kernel.number("wearHandles", CLIENT, 3 * GENERATIONS)).toBe(0);
    expect(kernel.number("wearHandles", CLIENT, 3 * GENERATIONS + 1)).toBe(3 * GENERATIONS + 1);
  });
});

test("a queued call is not judged by another handle that has come to the place and generation of its own", () => {
  const kernel = boot(module, archive);
  const [caller, server] = [kernel.threadOf(CLIENT), kernel.threadOf(SERVER)];
  const call = callsOf(kernel, caller);
  expect(call(CREATE_THREAD, 0, 100).status).toBe(Status.Ok);
  const accomplice = callsOf(kernel, kernel.threadOf(CLIENT));
  fill(kernel, call, 0);
  // The policy lets its argument be at most 100, and looks at it when the server receives.
  kernel.call(caller, CLIENT_ECHO, INTERFACE, LIMITED, [1000n]);
  expect(kernel.number("threadState", caller)).toBe(1);
  // An inbox's method of that number takes one word too, and may be called with any.
  expect(accomplice(DROP, CLIENT_ECHO).status).toBe(Status.Ok);
  expect(kernel.number("wearHandles", CLIENT, GENERATIONS - 1)).toBe(0);
  expect(accomplice(CREATE_INBOX)).toEqual({ status: Status.Ok, handle: CLIENT_ECHO });

  expect(kernel.recv(server, { timeout: 1n }).status).toBe(Status.Timeout);
  expect(kernel.result(caller).status).toBe(Status.BadHandle);
  kernel.check();
});
