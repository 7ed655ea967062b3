import { beforeAll, describe, expect, test } from "vitest";
import { defineInterface, u64 } from "../../toolchain/vocabulary/interface.ts";
import { ports } from "../../toolchain/vocabulary/image.ts";
import {
  DOMAIN,
  INBOX,
  KernelInNode,
  type TestSystem,
  buildSystem,
  compileKernel,
} from "../../tests/support/kernel-in-node.ts";
import type { ExecutableOptions } from "../../tests/support/small-executable.ts";
import { QUOTA_HANDLES_MAX, QUOTA_OBJECTS_SUM_MAX, SLOT_ENDPOINTS_MAX } from "../abi/blob.ts";
import { Status } from "../abi/status.ts";

const ECHO = defineInterface({
  name: "Echo",
  id: 0x100,
  version: 1,
  methods: { add: { takes: { left: u64, right: u64 }, returns: { sum: u64 } } },
});
const SLOTS = 0x10004;
const CREATE_MEMORY = 2;
const CREATE_INBOX = 3;
const CREATE_ENDPOINT = 4;
const CREATE_NOTICE = 5;
const START_THREAD = 6;
const MINT = 7;
const GROW = 12;

let module: WebAssembly.Module;
beforeAll(async () => void (module = await compileKernel()));

interface Quotas {
  readonly pages?: number;
  readonly handles?: number;
  readonly threads?: number;
  readonly objects?: number;
}

function system(
  quotas: Quotas,
  executable: Omit<ExecutableOptions, "name"> = {},
  more: Partial<TestSystem> = {},
): TestSystem {
  const { pages = 8000, ...quota } = quotas;
  return {
    slots: { root: {}, a: { pages, quota } },
    programs: { root: { kernel: { slots: "Slots" } }, a: { executable, serves: { echo: ECHO } } },
    interfaces: [ECHO],
    policy:
      "allow Root -> kernel.Slots { * }\nallow A -> kernel.Domain { * }\ngrant A -> A { copy }\ngrant A -> kernel.Notice { bind }",
    ...more,
  };
}

async function start(description: TestSystem): Promise<KernelInNode> {
  const kernel = new KernelInNode(module, await buildSystem(description), {
    memoryBytes: 64 << 20,
  });
  expect(kernel.call(kernel.threadOf(0), SLOTS, 12, 3, [1n]).status).toBe(Status.Ok);
  return kernel;
}

/** How often the slot's method succeeds, and the status that it returns then. */
function exhaust(
  kernel: KernelInNode,
  method: number,
  ...words: bigint[]
): readonly [number, string] {
  const thread = kernel.threadOf(1);
  for (let made = 0; made < 5000; made++) {
    const { status } = kernel.call(thread, DOMAIN, 1, method, words);
    if (status !== Status.Ok) return [made, Status[status]!];
  }
  return [5000, "Ok"];
}

const log = (description: TestSystem): Promise<string> =>
  buildSystem(description).then((archive) => {
    try {
      return new KernelInNode(module, archive).log;
    } catch (error) {
      return String(error);
    }
  });

describe("threads:", () => {
  // The small executable takes 16 KiB of the region.
  test.each([
    [0x1000, 28],
    [0x1001, 27],
    [0x4000, 24],
    [0x10000, 15],
    [0x80000, 3],
    [0x100000, 1],
  ])(
    "with stacks of %i bytes a slot can be promised %i, and has them; one more is refused by compiler and kernel",
    async (stackBytes, room) => {
      const kernel = await start(system({ threads: room, objects: 8 }, { stackBytes }));
      expect(exhaust(kernel, START_THREAD, 0n, 100n)).toEqual([room - 1, "NoMemory"]);
      kernel.check();
      const beyond = system({ threads: room + 1, objects: 8 }, { stackBytes });
      await expect(buildSystem(beyond)).rejects.toThrow(
        `a has a quota of ${room + 1} threads, and beside its program's code there is room for ${room} stacks of ${stackBytes >> 10} KiB; help: at most ${room}, or a smaller \`stackBytes\` in services/a/program.ts`,
      );
      expect(await log({ ...beyond, areNeedsUnknown: true })).toContain(
        "trine: boot refused: policy has a slot whose quotas do not fit its program (19): a",
      );
    },
  );

  test("a slot that says nothing is promised what there is room for, at most 4", async () => {
    expect(
      exhaust(await start(system({}, { stackBytes: 0x80000 })), START_THREAD, 0n, 100n),
    ).toEqual([2, "NoMemory"]);
    expect(
      exhaust(await start(system({}, { stackBytes: 0x1000 })), START_THREAD, 0n, 100n),
    ).toEqual([3, "NoMemory"]);
  });

  test("of the largest stack and the largest block of a thread, one fits", async () => {
    await start(system({}, { stackBytes: 0x100000, threadBlockBytes: 0x10000 }));
  });
});

describe("handles:", () => {
  test.each([64, 65, QUOTA_HANDLES_MAX])("a quota of %i is had to the last", async (handles) => {
    const kernel = await start(system({ handles, threads: 1, objects: 8 }));
    expect(exhaust(kernel, MINT, BigInt(0x10004), 1n, 0n)).toEqual([handles - 4, "NoSpace"]);
    expect(kernel.number("slotHandles", 1)).toBe(handles);
    kernel.check();
  });

  test("a slot may be given as many as it starts with, and no fewer", async () => {
    expect(exhaust(await start(system({ handles: 4 })), MINT, BigInt(0x10004), 1n, 0n)).toEqual([
      0,
      "NoSpace",
    ]);
    await expect(buildSystem(system({ handles: 3 }))).rejects.toThrow(
      "a starts with 4 handles and has a quota of 3",
    );
  });
});

describe("objects:", () => {
  // As many as the test's memory has pages for; the handles of one slot end at 4,095.
  const objects = 3900;
  test.each<readonly [string, number, readonly bigint[]]>([
    ["notices", CREATE_NOTICE, [BigInt(INBOX), 1n]],
    ["inboxes", CREATE_INBOX, []],
    ["endpoints", CREATE_ENDPOINT, [BigInt(INBOX), 0x100n]],
    ["memory objects", CREATE_MEMORY, [4096n]],
  ])(`one slot can have ${objects} as %s`, async (_what, method, words) => {
    const kernel = await start(system({ objects, handles: QUOTA_HANDLES_MAX }));
    expect(exhaust(kernel, method, ...words)).toEqual([
      objects,
      method === CREATE_MEMORY ? "NoMemory" : "NoSpace",
    ]);
    kernel.check();
  });

  test("one more is refused", async () => {
    await expect(buildSystem(system({ objects: QUOTA_OBJECTS_SUM_MAX - 7 }))).rejects.toThrow(
      "the slots' quotas of objects add up to 8193",
    );
  });

  test(`a slot serves ${SLOT_ENDPOINTS_MAX} endpoints, and no more`, async () => {
    const serving = (count: number): TestSystem => {
      const description = system({});
      return {
        ...description,
        programs: {
          ...description.programs,
          a: {
            serves: Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, ECHO])),
          },
        },
      };
    };
    await start(serving(SLOT_ENDPOINTS_MAX));
    await expect(buildSystem(serving(SLOT_ENDPOINTS_MAX + 1))).rejects.toThrow(
      "a serves 33 endpoints",
    );
  });
});

describe("pages:", () => {
  // Tables 4, code and constants 2, thread and stack 2, handles 1; ports 2.
  test.each<readonly [string, number, Partial<TestSystem>]>([
    ["alone", 9, {}],
    [
      "with ports",
      11,
      {
        slots: { root: {}, a: { devices: { registers: ports(0x300, 8) } } },
        programs: {
          root: { kernel: { slots: "Slots" } },
          a: { devices: { registers: "ports" }, serves: { echo: ECHO } },
        },
      },
    ],
    [
      "with a second page of handles",
      10,
      {
        slots: {
          root: {},
          a: {
            channels: Object.fromEntries(
              Array.from({ length: 61 }, (_, i) => [`c${i}`, "root.echo"]),
            ),
          },
        },
        programs: {
          root: { kernel: { slots: "Slots" }, serves: { echo: ECHO } },
          a: { uses: Object.fromEntries(Array.from({ length: 61 }, (_, i) => [`c${i}`, ECHO])) },
        },
      },
    ],
  ])(
    "a program %s starts with %i, and with fewer compiler and kernel refuse it",
    async (_what, least, more) => {
      const description = system({}, {}, more);
      const withPages = (pages: number): TestSystem => ({
        ...description,
        slots: { ...description.slots, a: { ...description.slots["a"]!, pages } },
      });
      const kernel = new KernelInNode(module, await buildSystem(withPages(least)));
      const slots = more.programs?.["root"]?.serves === undefined ? SLOTS : SLOTS + 1;
      expect(kernel.call(kernel.threadOf(0), slots, 12, 3, [1n]).status).toBe(Status.Ok);
      expect(kernel.number("slotPages", 1)).toBe(least - 1);
      await expect(buildSystem(withPages(least - 1))).rejects.toThrow(
        `a has a quota of ${least - 1} pages, and its program takes ${least} to start`,
      );
      expect(await log({ ...withPages(least - 1), areNeedsUnknown: true })).toContain(
        "policy has a slot whose quotas do not fit its program (19): a",
      );
    },
  );

  test("linear memory grows to its last page at 4 GiB", async () => {
    const kernel = await start(system({}, { memoryPages: 2, memoryPagesMax: 0x10000 }));
    expect(kernel.call(kernel.threadOf(1), DOMAIN, 1, GROW, [0xfffen]).status).toBe(Status.Ok);
    expect(kernel.big("touch", 1, 0xffff_ffff, 1)).not.toBe(0n);
    expect(kernel.call(kernel.threadOf(1), DOMAIN, 1, GROW, [1n]).status).toBe(Status.NoMemory);
    kernel.check();
  });
});

test("a slot whose program is no executable for this kernel is refused at boot", async () => {
  expect(await log({ ...system({}, { abiVersion: 99 }), areNeedsUnknown: true })).toContain(
    "policy has a slot whose program this kernel cannot read (20): a",
  );
});
