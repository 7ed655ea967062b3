import { expect, test } from "vitest";
import { footprintOf, unitsOf } from "./message-trace.ts";

test("an access that crosses a line touches two lines, and two pages at a page's end", () => {
  expect(unitsOf([{ address: 0x1ff8n, bytes: 8 }], 6n).size).toBe(1);
  expect(unitsOf([{ address: 0x1ff9n, bytes: 8 }], 6n).size).toBe(2);
  expect(unitsOf([{ address: 0x1ff9n, bytes: 8 }], 12n).size).toBe(2);
});

test("each line and page counts once, code and data apart", () => {
  const data = { address: 0x9000n, bytes: 8 };
  expect(
    footprintOf([
      { address: 0x1000n, bytes: 4, accesses: [data], costly: null },
      {
        address: 0x1004n,
        bytes: 4,
        accesses: [data, { address: 0x9040n, bytes: 1 }],
        costly: "cr3",
      },
      { address: 0x1000n, bytes: 4, accesses: [], costly: "cr3" },
    ]),
  ).toEqual({
    instructions: 3,
    codeLines: 1,
    codePages: 1,
    dataLines: 2,
    dataPages: 1,
    costly: { cr3: 2 },
  });
});
