import { expect, test } from "vitest";
import { ConsoleText } from "./console-text.ts";

const PROMPT = "\r\x1b[1mtrine> \x1b[0m\x1b[K\r\x1b[7C";

test("colours and bells are removed, and of a redrawn line only the last state is kept", () => {
  const text = new ConsoleText(
    "\x1b[1mTrine\x1b[0m\r\n\x07\rtrine> d\x1b[K\r\x1b[8C\rtrine> domains\x1b[K\r\x1b[14C\r\r\n  #  NAME",
  );
  expect([text.complete, text.open]).toEqual([["Trine", "trine> domains"], "  #  NAME"]);
});

test("the result does not depend on the pieces in which the text arrives", () => {
  const raw = `\x1b[32mgreen\x1b[0m\r\n${PROMPT}\rtrine> x\x1b[K\r\nlast`;
  const whole = new ConsoleText(raw);
  const pieces = new ConsoleText();
  for (const character of raw) pieces.add(character);
  expect([pieces.complete, pieces.open]).toEqual([whole.complete, whole.open]);
  expect(whole.complete).toEqual(["green", "trine> x"]);
  expect([0, 1, 2, 3].map((index) => whole.line(index))).toEqual(["green", "trine> x", "last", ""]);
});

test("the last lines are the last that are not empty", () => {
  expect(new ConsoleText("one\ntwo\n\n  \nthree\n").last(2)).toEqual(["two", "three"]);
  expect(new ConsoleText("").last(2)).toEqual([]);
});

test("a line that never ends is bounded", () => {
  const text = new ConsoleText("x".repeat(1 << 17));
  expect(text.open.length).toBe(1 << 16);
});
