import { beforeAll, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { KernelInNode, buildSystem, compileKernel, named } from "../../tests/support/kernel-in-node.ts";
import { u64, u32, defineInterface } from "../../toolchain/idl/define.ts";

const ECHO = defineInterface({ name: "Echo", id: 0x100, version: 1, methods: { add: { takes: { left: u64, right: u64 }, returns: { sum: u64 } }, limited: { takes: { value: u32 }, returns: {} } } });
let kernel: KernelInNode;
let module: WebAssembly.Module;
let archive: Uint8Array;

beforeAll(async () => {
  module = await compileKernel();
  archive = await buildSystem({
    slots: { root: {}, echo: {}, client: { channels: { echo: "echo.echo" } } },
    programs: { root: { kernel: { slots: "Slots", log: "Log" } }, echo: { serves: { echo: ECHO } }, client: { uses: { echo: ECHO } } },
    interfaces: [ECHO],
    policy: "allow Client -> Echo.Echo { add }\nallow Root -> kernel.Slots { * }\nallow Root -> kernel.Log { * }",
  });
}, 60_000);

test("a call travels to the server and its answer back", () => {
  kernel = new KernelInNode(module, archive);
  const root = kernel.threadOf(0);
  expect(kernel.current).toBe(root);
  expect(kernel.call(root, named(0), 12, 3, [1n]).status).toBe(Status.Ok);
  expect(kernel.call(root, named(0), 12, 3, [2n]).status).toBe(Status.Ok);
  kernel.check();
  const echo = kernel.threadOf(1);
  const client = kernel.threadOf(2);
  kernel.recv(echo);
  kernel.check();
  kernel.call(client, named(0), 0x100, 0, [2n, 3n]);
  kernel.check();
  const got = kernel.result(echo);
  expect(got).toMatchObject({ status: Status.Ok, callerSlot: 2, words: [2n, 3n, 0n, 0n] });
  expect(kernel.reply(echo, got.token, [5n]).status).toBe(Status.Ok);
  expect(kernel.result(client)).toMatchObject({ status: Status.Ok, words: [5n, 0n, 0n, 0n] });
  kernel.check();
});
