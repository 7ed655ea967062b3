import { expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { KernelInNode, buildSystem, compileKernel } from "../../tests/support/kernel-in-node.ts";
import { CLIENT, TEST_SYSTEM, domainCall, startSlot } from "../../tests/support/test-system.ts";

const PAGES = 2500;

test("an object so large that its frames are listed in frames is backed where it is touched, and given back whole, lists too", async () => {
  const archive = await buildSystem({
    ...TEST_SYSTEM,
    slots: { ...TEST_SYSTEM.slots, client: { ...TEST_SYSTEM.slots["client"], pages: 3000 } },
  });
  const kernel = new KernelInNode(await compileKernel(), archive, { memoryBytes: 16 << 20 });
  startSlot(kernel, CLIENT);
  const call = (method: number, ...words: number[]) =>
    domainCall(kernel, CLIENT, method, words.map(BigInt));
  const steps = (method: number, word: number): number => {
    for (let step = 1; ; step++) {
      const { status } = call(method, word);
      if (status === Status.Ok) return step;
      expect(status).toBe(Status.Again);
    }
  };
  let before: number[] = [];
  for (const touched of [[0, 1023, 1024, 2047, 2048, 2499], [1024, 2047], []]) {
    const memory = Number(call(2, PAGES * 4096).words[0]);
    const address = Number(call(10, memory, 0, PAGES * 4096, 1).words[0]);
    for (const page of touched)
      kernel.write(CLIENT, address + page * 4096, new Uint8Array([page & 255]));
    for (const page of touched)
      expect(kernel.read(CLIENT, address + page * 4096, 1)).toEqual(new Uint8Array([page & 255]));
    kernel.check();
    steps(11, address);
    kernel.check();
    expect(steps(8, memory)).toBe(Math.ceil((PAGES + 3) / 64));
    kernel.check();
    // Page tables of the mapping, and a page of each table of objects, stay from the first round
    // on.
    const after = [kernel.number("availableFrames"), kernel.number("slotPages", CLIENT)];
    if (before.length > 0) expect(after).toEqual(before);
    before = after;
  }
});
