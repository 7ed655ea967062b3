import { beforeAll, expect, test } from "vitest";
import { loadInNode, type NodeProgram } from "../../tests/support/service-in-node.ts";
import Echo from "../interfaces/echo.idl.ts";

let echo: NodeProgram;

beforeAll(async () => {
  echo = await loadInNode("services/echo");
  echo.run();
});

test("four words come back as they went", () => {
  const words = { first: 1n, second: 2n ** 64n - 1n, third: 0n, fourth: 0x8000_0000_0000_0000n };
  expect(echo.call(Echo, "words", words)).toEqual({ state: "answered", fields: words });
});

test("nothing is answered with nothing", () => {
  expect(echo.call(Echo, "nothing", {})).toEqual({ state: "answered", fields: {} });
});
