import { beforeAll, expect, test } from "vitest";
import { compileForFake, runOnFake } from "../../tests/support/fake-processor.ts";

const [UNKNOWN, MEMORY, CHANNEL] = [0, 1, 2];
let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileForFake(`export { takeNonMaskableSource } from "./non-maskable";`);
});

// Bits 4 and 5 are clocks, which change; bits 0 and 1 belong to the speaker; bits 2 and 3 keep a
// source closed.
test.each([
  [0b0011_0011, UNKNOWN, []],
  [0b1000_0001, MEMORY, [0b0101, 0b0001]],
  [0b0100_0010, CHANNEL, [0b1010, 0b0010]],
  [0b1111_0000, MEMORY, [0b1100, 0b0000]],
  // The firmware has closed the other source, which stays closed.
  [0b1000_1000, MEMORY, [0b1100, 0b1000]],
])(
  "port 61h with %i names its source, which is cleared and left as open as it was",
  (value, source, expected) => {
    const written: number[] = [];
    const running = runOnFake(module, {
      readPort: (port) => (port === 0x61 ? value : 0),
      writePort: (port, byte) => void written.push(port === 0x61 ? byte : -1),
    });
    expect(running.number("takeNonMaskableSource")).toBe(source);
    expect(written).toEqual(expected);
  },
);
