import { expect, test } from "vitest";
import { ConsoleText } from "./console-text.ts";

const PROMPT = "\r\x1b[1mtrine> \x1b[0m\x1b[K\r\x1b[7C";

test("colours and bells are not shown, and of a line that is drawn again what stands there at last", () => {
  const text = new ConsoleText(
    "\x1b[1mTrine\x1b[0m\r\n\x07\rtrine> d\x1b[K\r\x1b[8C\rtrine> domains\x1b[K\r\x1b[14C\r\r\n  #  NAME",
  );
  expect([text.complete, text.open]).toEqual([["Trine", "trine> domains"], "  #  NAME"]);
});

test("it does not matter in which pieces the text comes", () => {
  const raw = `\x1b[32mgreen\x1b[0m\r\n${PROMPT}\rtrine> x\x1b[K\r\nlast`;
  const whole = new ConsoleText(raw);
  const pieces = new ConsoleText();
  for (const character of raw) pieces.add(character);
  expect([pieces.complete, pieces.open]).toEqual([whole.complete, whole.open]);
  expect(whole.complete).toEqual(["green", "trine> x"]);
  expect([0, 1, 2, 3].map((index) => whole.line(index))).toEqual(["green", "trine> x", "last", ""]);
});

test("the last lines are those that hold something", () => {
  expect(new ConsoleText("one\ntwo\n\n  \nthree\n").last(2)).toEqual(["two", "three"]);
  expect(new ConsoleText("").last(2)).toEqual([]);
});

test("a line that never ends is kept in bounds", () => {
  const text = new ConsoleText("x".repeat(1 << 17));
  expect(text.open.length).toBe(1 << 16);
});
