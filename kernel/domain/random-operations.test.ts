import { expect, test } from "vitest";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { KernelInNode } from "../../tests/support/kernel-in-node.ts";
import { RANDOM_SLOTS, act, nothingKnown, randomOf } from "../../tests/support/random-programs.ts";
import { ROOT, startSlot, stopSlot } from "../../tests/support/test-system.ts";

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  "whatever programs do, the kernel's invariants hold and everything is given back (seed %i)",
  (seed) => {
    const random = randomOf(seed);
    const kernel = new KernelInNode(module, archive);
    // The supervisor gets the pages that it takes on first use before the count.
    kernel.write(ROOT, 0x20000, new Uint8Array(0x1000));
    kernel.write(ROOT, 0x22000, new Uint8Array(0x1000));
    const free = kernel.number("availableFrames");
    for (const slot of RANDOM_SLOTS) startSlot(kernel, slot);
    const known = nothingKnown();
    for (let step = 0; step < 600; step++) {
      try {
        act(kernel, random, known);
      } catch (error) {
        // The harness may fail to place a record in a domain that is out of quota; any other error
        // is the kernel's.
        if (!(error instanceof Error) || !/faults at|cannot run/.test(error.message)) throw error;
      }
      kernel.check();
    }
    kernel.pass(1_000_000_000n);
    for (const slot of RANDOM_SLOTS) stopSlot(kernel, slot);
    kernel.check();
    expect(kernel.number("availableFrames")).toBe(free);
  },
);
