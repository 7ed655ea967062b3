import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freeDebugPort } from "./debug-port.ts";

let server: Server;
let busy = 0;
beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  busy = (server.address() as { readonly port: number }).port;
});
afterAll(() => void server.close());

test("a port in use is refused, and a free one is suggested", async () => {
  await expect(freeDebugPort(String(busy))).rejects.toThrow(
    `port ${busy} is in use; help: another machine may wait for gdb there: take another, as in --port ${busy === 65535 ? 1234 : busy + 1}`,
  );
});

test("a port that was released is accepted", async () => {
  server.close();
  await new Promise((resolve) => server.once("close", resolve));
  expect(await freeDebugPort(String(busy))).toBe(busy);
});

test.each([
  ["0", "--port takes a number, not `0`; help: 1 or above"],
  ["65536", "there is no TCP port 65536; help: 1 to 65535"],
  ["12.5", "there is no TCP port 12.5"],
  ["gdb", "--port takes a number, not `gdb`"],
])("%s is not a port", async (text, message) => {
  await expect(freeDebugPort(text)).rejects.toThrow(message);
});
