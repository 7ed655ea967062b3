import { expect, test } from "vitest";
import { formatSeconds } from "./duration.ts";

test.each([
  [4, "0.00 s"],
  [420, "0.42 s"],
  [12_345, "12.3 s"],
  [60_000, "1 min 0 s"],
  [119_600, "2 min 0 s"],
  [200_000, "3 min 20 s"],
])("%i ms is shown as %s", (milliseconds, text) => {
  expect(formatSeconds(milliseconds)).toBe(text);
});
