import { describe, expect, test } from "vitest";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { type FarMemory, KernelInNode } from "../../tests/support/kernel-in-node.ts";

/** What the frame database has words for: FRAMES_MAX of kernel/object/layout.ts. */
const END = 64n << 30n;
const PAGE = 4096n;

describe("memory of a large machine", () => {
  const frames = (options?: { readonly far: FarMemory }) => {
    const kernel = new KernelInNode(module, archive, options);
    return { total: kernel.number("totalFrames"), log: kernel.log };
  };
  const small = frames();

  test("is used up to the last frame that has a word", () => {
    const { total, log } = frames({ far: { from: END - 2n * PAGE, to: END } });
    expect(total).toBe(small.total + 2);
    expect(log).not.toContain("not used");
  });

  test("is named where it lies above, be it one page", () => {
    const { total, log } = frames({ far: { from: END - PAGE, to: END + PAGE } });
    expect(total).toBe(small.total + 1);
    expect(log).toContain("trine: 4 KiB of memory are not used: they lie above 64 GiB\n");
    expect(frames({ far: { from: 2n * END, to: 5n * END } }).log).toContain(
      "trine: 201326592 KiB of memory are not used: they lie above 64 GiB\n",
    );
  });

  test("is named where firmware has it in too many pieces", () => {
    const { log } = frames({ far: { from: END - PAGE, to: END, leftOut: 3n * PAGE } });
    expect(log).toContain(
      "trine: 12 KiB of memory are not used: firmware has it in too many pieces\n",
    );
  });
});
