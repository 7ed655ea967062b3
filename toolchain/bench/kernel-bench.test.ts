import { expect, test } from "vitest";
import { figuresOf } from "./kernel-bench.ts";

const lines = [
  "trine: kernel up",
  "bencher: bench counter: 20 20",
  "bencher: bench round trip, 0 words: 800 820",
  "bencher: bench round trip, 4 words: 900 920",
  "bencher: bench round trip, 64 words: 3000 3020",
  "bencher: bench round trip, 4 KiB: 9000 9020",
  "bencher: bench denied call: 300 320",
  "bencher: bench clock.now: 200 220",
  "bencher: bench bad handle: 100 120",
  "bencher: bench notice, signal and receive: 400 420",
  "bencher: bench domain start and reclamation: 400000 400020",
  "bencher: bench idle domain, bytes: 49152 49152\r",
].join("\n");

test("medians are figures, less the cost of the counter where it is in them", () => {
  const figures = figuresOf(lines);
  expect(figures.find(({ id }) => id === "ipc-round-trip-4")?.value).toBe(900);
  expect(figures.find(({ id }) => id === "idle-domain-bytes")?.value).toBe(49152);
  expect(figures).toHaveLength(10);
});

test("a figure that is missing is an error that names it", () => {
  expect(() => figuresOf(lines.replace("bencher: bench denied call: 300 320\n", ""))).toThrow('did not print "denied call"');
  expect(() => figuresOf("panic")).toThrow("without figures");
});
