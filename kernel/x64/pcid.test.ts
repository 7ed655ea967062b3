// The kernel on a processor that keeps translations of domains that do not run, by their PCIDs, in
// every way that it may (tests/support/translation-cache.ts): none that it keeps is ever stale.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RECORD_HANDLES } from "../abi/message-record.ts";
import { Status } from "../abi/status.ts";
import * as save from "../abi/thread-save-area.ts";
import { findRoot } from "../../toolchain/cache/tree.ts";
import { module } from "../../tests/support/compiled-test-system.ts";
import { KernelInNode, buildSystem, compileKernel } from "../../tests/support/kernel-in-node.ts";
import { RANDOM_SLOTS, act, nothingKnown, randomOf } from "../../tests/support/random-programs.ts";
import {
  CLIENT,
  CLIENT_ECHO,
  ECHO,
  GIVE,
  SERVER,
  TEST_SYSTEM,
  domainCall,
  startSlot,
  stopSlot,
} from "../../tests/support/test-system.ts";

const PAGING = "kernel/x64/paging.ts";
const STEPS = 400;
const TIMER_VECTOR = 0x40;
const BYTES = 0x2000n;
const RECORD = 0x20000;
/** call, copy, transfer, map to read and to write. */
const RIGHTS = 0x307;
/** Methods of the interface Domain. */
const DomainMethod = { newMemory: 2, revoke: 9, map: 10, unmap: 11 } as const;
const archive = await buildSystem({ ...TEST_SYSTEM, pcid: "on" });

/** A random sequence, as random-operations.test.ts has them. */
function runSequence(kernelModule: WebAssembly.Module, seed: number): KernelInNode {
  const kernel = new KernelInNode(kernelModule, archive, { hasPcids: true });
  const random = randomOf(seed);
  for (const slot of RANDOM_SLOTS) startSlot(kernel, slot);
  const known = nothingKnown();
  for (let step = 0; step < STEPS; step++) {
    try {
      act(kernel, random, known);
    } catch (error) {
      if (!(error instanceof Error) || !/faults at|cannot run/.test(error.message)) throw error;
    }
  }
  return kernel;
}

/**
 * Client and server map and touch the client's memory. Then the client revokes the server's handle,
 * or the server unmaps its pages; in both cases the server runs again.
 */
function share(kernelModule: WebAssembly.Module, end: "revoked" | "unmapped"): KernelInNode {
  const kernel = new KernelInNode(kernelModule, archive, { hasPcids: true });
  for (const slot of [SERVER, CLIENT]) startSlot(kernel, slot);
  const [server, client] = [kernel.threadOf(SERVER), kernel.threadOf(CLIENT)];
  const handle = domainCall(kernel, CLIENT, DomainMethod.newMemory, [BYTES]).words[0]!;
  kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
  kernel.call(client, CLIENT_ECHO, ECHO.id, GIVE, [], {
    record: RECORD,
    handles: [[Number(handle), RIGHTS]],
    receive: { handles: 1 },
  });
  const given = BigInt(kernel.u32(SERVER, RECORD + RECORD_HANDLES));
  kernel.reply(server, kernel.result(server).token, [], {
    record: RECORD,
    handles: [[Number(given), RIGHTS]],
  });
  const mapped = domainCall(kernel, SERVER, DomainMethod.map, [given, 0n, BYTES, 1n]).words[0]!;
  kernel.write(SERVER, Number(mapped), new Uint8Array([1]));
  kernel.number("interrupt", TIMER_VECTOR);
  if (end === "unmapped") domainCall(kernel, SERVER, DomainMethod.unmap, [mapped]);
  else while (domainCall(kernel, CLIENT, DomainMethod.revoke, [handle]).status === Status.Again) {}
  kernel.become(server);
  expect(kernel.big("touch", SERVER, Number(mapped), 1)).toBe(0n);
  return kernel;
}

/** The kernel with a part of paging.ts left out. */
async function kernelWithout(text: string, instead: string): Promise<WebAssembly.Module> {
  const original = readFileSync(join(findRoot(), PAGING), "utf8");
  expect(original).toContain(text);
  return compileKernel({ files: { [PAGING]: original.replace(text, instead) } });
}

test.each([0, 1, 2])(
  "no translation is stale where a thread is resumed, whatever programs do (seed %i)",
  (seed) => {
    const { translations } = runSequence(module, seed);
    expect(translations!.kept).toBeGreaterThan(500);
    expect(translations!.flushed).toBeGreaterThan(5);
  },
);

test.each(["revoked", "unmapped"] as const)("memory that is %s is out of reach", (end) => {
  share(module, end);
});

test("each slot has the PCID of its number plus one, and is resumed without a flush", () => {
  const kernel = new KernelInNode(module, archive, { hasPcids: true });
  for (const slot of RANDOM_SLOTS) {
    startSlot(kernel, slot);
    const space = kernel.register(kernel.threadOf(slot), save.SAVE_CR3);
    expect(space & 0xfffn).toBe(BigInt(slot) + 1n);
    expect(space >> 63n).toBe(1n);
  }
});

test.each([
  ["the image does not ask for them", TEST_SYSTEM, { hasPcids: true }],
  ["the processor has none", { ...TEST_SYSTEM, pcid: "on" as const }, { hasPcids: false }],
  [
    "the processor has no global pages",
    { ...TEST_SYSTEM, pcid: "on" as const },
    { hasPcids: true, cpuid: { 1: [0, 0, 1 << 17, 0] as const } },
  ],
])("there are no PCIDs if %s", async (_why, system, options) => {
  const kernel = new KernelInNode(module, await buildSystem(system), options);
  const [slot] = RANDOM_SLOTS;
  startSlot(kernel, slot!);
  expect(kernel.register(kernel.threadOf(slot!), save.SAVE_CR3) & 0x8000_0000_0000_0fffn).toBe(0n);
});

describe("what the model must find", () => {
  test("a new instance of a slot without a flush", async () => {
    const planted = await kernelWithout(
      "flushSpace(root, slot); // The instance",
      "// The instance",
    );
    const kernel = new KernelInNode(planted, archive, { hasPcids: true });
    const [slot] = RANDOM_SLOTS;
    startSlot(kernel, slot!);
    kernel.become(kernel.threadOf(slot!));
    kernel.write(slot!, 0x20000, new Uint8Array(1));
    kernel.number("interrupt", TIMER_VECTOR);
    stopSlot(kernel, slot!);
    startSlot(kernel, slot!);
    expect(() => kernel.become(kernel.threadOf(slot!))).toThrow("stale translation of PCID");
  });

  test("a page that is revoked from a domain that does not run, without a flush", async () => {
    const planted = await kernelWithout("if (hasRemoved && !isCurrent) flush", "if (false) flush");
    expect(() => share(planted, "revoked")).toThrow("stale translation of PCID");
    share(planted, "unmapped");
  });

  test("a page that the running domain unmaps, and that is not invalidated", async () => {
    const planted = await kernelWithout("if (isCurrent) invalidatePage(at);", "");
    expect(() => share(planted, "unmapped")).toThrow("stale translation of PCID");
    share(planted, "revoked");
  });

  test("a page of the kernel's window that is not global", async () => {
    const planted = await kernelWithout("PRESENT | WRITABLE | GLOBAL |", "PRESENT | WRITABLE |");
    expect(() => [0, 1].forEach((seed) => runSequence(planted, seed))).toThrow(
      "stale translation of PCID",
    );
  });
});
