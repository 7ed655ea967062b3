import { beforeAll, describe, expect, test } from "vitest";
import { programHandles } from "../../toolchain/idl/generate/program-file.ts";
import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";
import { interrupt, ports } from "../../toolchain/vocabulary/image.ts";
import {
  DOMAIN,
  KernelInNode,
  type TestProgram,
  buildSystem,
  compileKernel,
} from "../../tests/support/kernel-in-node.ts";
import { SLOT_HANDLES_MAX } from "../abi/blob.ts";
import { ObjectType } from "../abi/object.ts";
import { Status } from "../abi/status.ts";

const ECHO = defineInterface({
  name: "Echo",
  id: 0x100,
  version: 1,
  methods: { add: { takes: { left: u64, right: u64 }, returns: { sum: u64 } } },
});
const ROOT = 0;
const SERVER = 1;
const CLIENT = 2;
const START = 3;
const DESCRIBE = 13;

let module: WebAssembly.Module;
beforeAll(async () => void (module = await compileKernel()));

/**
 * A client with that many channels to one server, which tells them apart by their badges, and with
 * the other handles that its manifest names.
 */
async function boot(channels: number, more: Omit<TestProgram, "uses"> = {}): Promise<KernelInNode> {
  const names = Array.from({ length: channels }, (_, i) => `channel${i + 1}`);
  const registers = { registers: ports(0x2f8, 8), line: interrupt(3) };
  const archive = await buildSystem({
    slots: {
      root: {},
      server: {},
      client: {
        quota: { handles: 300 },
        ...(more.devices === undefined ? {} : { devices: registers }),
        channels: Object.fromEntries(
          names.map((name, i) => [name, { to: "server.echo", badge: i + 1 }]),
        ),
      },
    },
    programs: {
      root: { kernel: { slots: "Slots" } },
      server: { serves: { echo: ECHO } },
      client: { uses: Object.fromEntries(names.map((name) => [name, ECHO])), ...more },
    },
    interfaces: [ECHO],
    policy:
      "allow Root -> kernel.Slots { * }\nallow Client -> Server.Echo { * }\nallow Client -> kernel.Domain { * }",
  });
  const kernel = new KernelInNode(module, archive);
  for (const slot of [SERVER, CLIENT])
    expect(kernel.call(kernel.threadOf(ROOT), 0x10004, 12, START, [BigInt(slot)]).status).toBe(
      Status.Ok,
    );
  kernel.check();
  return kernel;
}

/** The generated constants of a client with that many channels. */
function constants(channels: number, more: Omit<TestProgram, "uses"> = {}) {
  return programHandles({
    name: "client",
    entry: "main.ts",
    uses: Object.fromEntries(Array.from({ length: channels }, (_, i) => [`channel${i + 1}`, ECHO])),
    ...more,
  });
}

/** The badge under which the server sees a call by a handle. */
function badgeBehind(kernel: KernelInNode, handle: number): bigint {
  const [client, server] = [kernel.threadOf(CLIENT), kernel.threadOf(SERVER)];
  kernel.call(client, handle, 0x100, 0, [1n, 2n]);
  const { badge, token } = kernel.recv(server);
  kernel.reply(server, token, [3n]);
  expect(kernel.result(client)).toMatchObject({ status: Status.Ok, words: [3n, 0n, 0n, 0n] });
  return badge;
}

describe("the constant of each named handle reaches the object that it names, of", () => {
  // A page of a handle table has 64 places; place 0 and three handles come before the first name.
  test.each([1, 60, 61, 62, 124, 125, 199, SLOT_HANDLES_MAX])("%i", async (count) => {
    const kernel = await boot(count);
    const handles = constants(count);
    expect(handles.map(({ number }) => badgeBehind(kernel, number))).toEqual(
      handles.map((_, i) => BigInt(i + 1)),
    );
    for (const { number } of handles)
      expect(
        kernel.call(kernel.threadOf(CLIENT), DOMAIN, 1, DESCRIBE, [BigInt(number)]).words,
      ).toEqual([BigInt(ObjectType.Endpoint), 7n, 0x100n, BigInt(SERVER)]);
    expect(
      kernel.call(kernel.threadOf(CLIENT), DOMAIN, 1, DESCRIBE, [
        BigInt(handles.at(-1)!.number + 1),
      ]).status,
    ).toBe(Status.BadHandle);
    kernel.check();
  });

  test("all groups of a manifest, across the pages of the table", async () => {
    const more = {
      serves: { own: ECHO },
      kernel: { clock: "Clock", log: "Log" },
      devices: { registers: "ports", line: "interrupt" },
    } as const;
    const kernel = await boot(SLOT_HANDLES_MAX - 5, more);
    const types = constants(SLOT_HANDLES_MAX - 5, more).map(({ number }) =>
      Number(kernel.call(kernel.threadOf(CLIENT), DOMAIN, 1, DESCRIBE, [BigInt(number)]).words[0]),
    );
    expect(types).toEqual([
      ...Array.from({ length: SLOT_HANDLES_MAX - 4 }, () => ObjectType.Endpoint),
      ObjectType.Clock,
      ObjectType.Log,
      ObjectType.Ports,
      ObjectType.Interrupt,
    ]);
  });
});
