import { beforeEach, describe, expect, test } from "vitest";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { Status } from "../../kernel/abi/status.ts";
import { fails, fakePeer, type Peer } from "../../tests/support/fake-peer.ts";
import { symbolTable } from "../../toolchain/elf/symbol-table.ts";
import { Random } from "../../toolchain/fuzz/random.ts";
import { loadInNode, type NodeProgram } from "../../tests/support/service-in-node.ts";
import Fault from "../interfaces/kernel/fault.idl.ts";
import SlotsInterface from "../interfaces/kernel/slots.idl.ts";
import Supervisor from "../interfaces/supervisor.idl.ts";

const SLOT_CHANGED = 1n << 63n;
const MILLISECOND = 1_000_000n;
const PIECE = 512;
const CODE = 0x10_0000_0000n;

type State = "empty" | "running" | "faulted" | "stopping";

interface FakeSlot {
  readonly name: string;
  readonly restart: "never" | "onFault" | "always";
  readonly autostart: boolean;
  state: State;
  starts: number;
  /** How the last instance ended. */
  ended: "never" | "exited" | "faulted" | "stopped";
  endCode: number;
  /** Steps that the kernel needs to take back an instance. */
  stopSteps: number;
  /** What `start` ends with instead. */
  refusal?: Status;
}

/** The kernel's side: slots that start and stop as told. */
class Machine {
  readonly slots: FakeSlot[] = [];
  readonly symbols = new Map<number, Uint8Array>();
  /** Words of the stack of a thread that has faulted, by their offset. */
  readonly stacks = new Map<number, ReadonlyMap<number, bigint>>();
  /** State and starts of each slot when `nextChanged` named it last. */
  private readonly known = new Map<number, string>();
  /** Slots that were described. */
  readonly described: number[] = [];

  add(name: string, restart: FakeSlot["restart"], autostart = true): FakeSlot {
    const slot: FakeSlot = {
      name,
      restart,
      autostart,
      state: "empty",
      starts: 0,
      ended: "never",
      endCode: 0,
      stopSteps: 1,
    };
    this.slots.push(slot);
    return slot;
  }

  readonly peer: Peer = fakePeer(SlotsInterface, {
    count: () => ({ count: this.slots.length }),
    name: ({ slot }) => ({ text: this.slots[slot]!.name }),
    describe: ({ slot }) => {
      this.described.push(slot);
      const { state, starts, restart, autostart, ended, endCode } =
        this.slots[slot] ?? fails(Status.NotFound);
      return {
        state,
        classId: 1,
        pagesUsed: 1,
        pagesQuota: 9,
        handlesUsed: 1,
        threads: 1,
        starts,
        verified: true,
        restart,
        priority: 9,
        consumedNs: 0n,
        autostart,
        ended,
        endCode,
      };
    },
    start: ({ slot }) => {
      const found = this.slots[slot]!;
      if (found.refusal !== undefined) fails(found.refusal);
      if (found.state !== "empty") fails(Status.Busy);
      found.state = "running";
      found.starts++;
    },
    stop: ({ slot }) => {
      const found = this.slots[slot]!;
      found.state = "stopping";
      if (found.stopSteps-- > 1) fails(Status.Again);
      found.state = "empty";
    },
    nextChanged: () => {
      const now = this.slots.map(({ state, starts }) => `${state} ${starts}`);
      const slot = now.findIndex((state, at) => state !== this.known.get(at));
      if (slot < 0) fails(Status.NotFound);
      this.known.set(slot, now[slot]!);
      return { slot };
    },
    symbols: ({ slot, offset }) => {
      const table = this.symbols.get(slot) ?? fails(Status.NotFound);
      if (offset >= table.length) fails(Status.NotFound);
      return { data: table.subarray(offset, offset + PIECE) };
    },
    stackWord: ({ slot, offset }) => {
      const word = this.stacks.get(slot)?.get(offset) ?? fails(Status.NotFound);
      return { word };
    },
  });
}

let machine: Machine;
let supervisor: NodeProgram;
let driver: FakeSlot;
let tool: FakeSlot;

beforeEach(async () => {
  machine = new Machine();
  machine.add("supervisor", "always").state = "running";
  driver = machine.add("driver", "always");
  tool = machine.add("tool", "never", false);
  supervisor = await loadInNode("services/supervisor", { peers: { slots: machine.peer } });
});

/** A fault of `slot`, and the end that the kernel makes of it once it is answered. */
function fault(slot: number): void {
  const fields = {
    slot,
    thread: 1,
    kind: FaultKind.OutOfBounds,
    errorCode: 4,
    address: 0x8000_0000n,
    instruction: 0x10_0000_1234n,
    stack: 0n,
  };
  expect(supervisor.call(Fault, "fault", fields)).toMatchObject({
    state: "refused",
    error: "EndDomain",
  });
  machine.slots[slot]!.state = "empty";
  supervisor.notify(SLOT_CHANGED);
}

test("it starts what starts with the system, and nothing else", () => {
  supervisor.run();
  expect([driver.state, tool.state]).toEqual(["running", "empty"]);
});

test("a fault is reported, and the domain starts again a little later", () => {
  supervisor.run();
  fault(1);
  expect(supervisor.log).toEqual([
    "driver: access outside its memory at 0x80000000, instruction 0x1000001234",
  ]);
  expect(driver.state).toBe("empty");
  supervisor.advance(10n * MILLISECOND);
  expect(driver).toMatchObject({ state: "running", starts: 2 });
  expect(supervisor.call(Supervisor, "status", { slot: 1 }).fields).toMatchObject({
    wanted: true,
    ended: "faulted",
    faultKind: FaultKind.OutOfBounds,
    address: 0x8000_0000n,
    restarts: 1,
  });
});

test("the wait doubles with each end soon after the start, up to five seconds, and a long life resets it", () => {
  supervisor.run();
  const waits: bigint[] = [];
  for (let times = 0; times < 11; times++) {
    fault(1);
    waits.push(
      supervisor.call(Supervisor, "status", { slot: 1 }).fields!.nextStartNs - supervisor.nowNs,
    );
    supervisor.advance(waits.at(-1)!);
    expect(driver.state).toBe("running");
  }
  expect(waits.map((wait) => wait / MILLISECOND)).toEqual([
    10n,
    20n,
    40n,
    80n,
    160n,
    320n,
    640n,
    1280n,
    2560n,
    5000n,
    5000n,
  ]);
  supervisor.advance(10_000n * MILLISECOND);
  fault(1);
  expect(
    supervisor.call(Supervisor, "status", { slot: 1 }).fields!.nextStartNs - supervisor.nowNs,
  ).toBe(10n * MILLISECOND);
});

test("what is never started again stays down, and its fault is not the log's business", () => {
  supervisor.run();
  expect(supervisor.call(Supervisor, "start", { slot: 2 }).state).toBe("answered");
  fault(2);
  supervisor.advance(60_000n * MILLISECOND);
  expect(tool).toMatchObject({ state: "empty", starts: 1 });
  expect(supervisor.log).toEqual([]);
  expect(supervisor.call(Supervisor, "status", { slot: 2 }).fields).toMatchObject({
    wanted: false,
    ended: "faulted",
  });
});

test("kill ends an instance in as many steps as it takes, and its rule brings it back", () => {
  supervisor.run();
  driver.stopSteps = 5;
  expect(supervisor.call(Supervisor, "kill", { slot: 1 }).state).toBe("answered");
  expect(driver.stopSteps).toBe(0);
  supervisor.advance(10n * MILLISECOND);
  expect(driver).toMatchObject({ state: "running", starts: 2 });
  expect(supervisor.call(Supervisor, "status", { slot: 1 }).fields).toMatchObject({
    ended: "killed",
  });
});

test("the kernel's reason for the end of an instance is used if no other is known", () => {
  const helper = machine.add("helper", "onFault");
  supervisor.run();
  const end = (ended: FakeSlot["ended"], endCode: number) => {
    Object.assign(helper, { state: "stopping", ended, endCode });
    supervisor.notify(SLOT_CHANGED);
    supervisor.advance(60_000n * MILLISECOND);
    return supervisor.call(Supervisor, "status", { slot: 3 }).fields;
  };
  // A fault that could not be told, so that the kernel ended the domain itself.
  expect(end("faulted", FaultKind.QuotaExhausted)).toMatchObject({
    wanted: true,
    ended: "faulted",
    faultKind: FaultKind.QuotaExhausted,
    address: 0n,
    instruction: 0n,
    code: 0,
  });
  expect(helper).toMatchObject({ state: "running", starts: 2 });
  expect(end("stopped", 0)).toMatchObject({ wanted: true, ended: "killed", code: 0 });
  expect(helper).toMatchObject({ state: "running", starts: 3 });
  expect(end("exited", 7)).toMatchObject({ wanted: false, ended: "exited", code: 7 });
  expect(helper).toMatchObject({ state: "empty", starts: 3 });
});

test("asks only about the slots that have changed", () => {
  for (let index = 0; index < 100; index++) machine.add(`crowd${index}`, "always");
  supervisor.run();
  supervisor.notify(SLOT_CHANGED);
  machine.described.length = 0;
  supervisor.notify(SLOT_CHANGED);
  expect(machine.described).toEqual([]);
  machine.slots[50]!.state = "empty";
  supervisor.notify(SLOT_CHANGED);
  expect(machine.described).toEqual([50]);
  supervisor.advance(10n * MILLISECOND);
  expect(machine.slots[50]).toMatchObject({ state: "running", starts: 2 });
});

test("told to kill itself, it exits: the kernel starts it again", () => {
  supervisor.run();
  expect(supervisor.call(Supervisor, "kill", { slot: 0 }).state).toBe("waiting");
  expect(supervisor.exitCode).toBe(1);
});

test("stop keeps it down until start", () => {
  supervisor.run();
  supervisor.call(Supervisor, "stop", { slot: 1 });
  supervisor.notify(SLOT_CHANGED);
  supervisor.advance(60_000n * MILLISECOND);
  expect(driver.state).toBe("empty");
  expect(supervisor.call(Supervisor, "start", { slot: 1 }).state).toBe("answered");
  expect(driver.state).toBe("running");
});

test("after its own restart it adopts what runs and starts what is missing", () => {
  driver.state = "running";
  driver.starts = 3;
  const lost = machine.add("lost", "onFault");
  lost.starts = 2;
  const half = machine.add("half", "always");
  half.starts = 1;
  half.state = "faulted";
  supervisor.run();
  expect(driver).toMatchObject({ state: "running", starts: 3 });
  expect(lost).toMatchObject({ state: "running", starts: 3 });
  expect(half).toMatchObject({ state: "running", starts: 2 });
  expect(tool.starts).toBe(0);
  const event = supervisor.call(Supervisor, "nextEvent", { from: 0n }).fields;
  expect(event).toMatchObject({ sequence: 1n, slot: 1, what: "adopted", code: 3 });
});

test("a start that the policy denies is told and not tried again", () => {
  driver.refusal = Status.Denied;
  supervisor.run();
  expect(supervisor.log).toEqual(["driver: not started: denied"]);
  delete driver.refusal;
  supervisor.advance(60_000n * MILLISECOND);
  expect(driver.state).toBe("empty");
  expect(supervisor.call(Supervisor, "start", { slot: 1 }).state).toBe("answered");
});

test("a start for which memory is missing is tried again", () => {
  driver.refusal = Status.NoMemory;
  supervisor.run();
  delete driver.refusal;
  supervisor.advance(10n * MILLISECOND);
  expect(driver.state).toBe("running");
});

test.each([
  ["start", 1, "AlreadyRunning"],
  ["start", 0, "NotItself"],
  ["start", 3, "NoSuchSlot"],
  ["kill", 2, "NotRunning"],
  ["stop", 0, "NotItself"],
  ["stop", 4_000_000_000, "NoSuchSlot"],
] as const)("%s of slot %i is refused with %s", (method, slot, error) => {
  supervisor.run();
  expect(supervisor.call(Supervisor, method, { slot })).toMatchObject({ state: "refused", error });
});

test("events are numbered from 1, and of many the last 64 are kept", () => {
  supervisor.run();
  expect(supervisor.call(Supervisor, "nextEvent", { from: 2n })).toMatchObject({
    state: "refused",
    error: "NoEvent",
  });
  for (let times = 0; times < 50; times++) {
    supervisor.call(Supervisor, "kill", { slot: 1 });
    supervisor.advance(20_000n * MILLISECOND);
  }
  expect(supervisor.call(Supervisor, "nextEvent", { from: 0n }).fields).toMatchObject({
    sequence: 101n - 63n,
  });
});

/** Functions of 64 bytes, each with lines at its first and at its 32nd byte. */
function table(count: number): Uint8Array {
  const entries = Array.from({ length: count }, (_, index) => ({
    start: index * 64,
    bytes: 60,
    name: `services/driver/part/Class<some/where>#method${index}`,
    frameBytes: 0,
    deep: [],
    lines: [0, 32].map((offset) => ({
      offset: index * 64 + offset,
      position: { file: "services/driver/part.ts", line: index * 10 + (offset >> 5), column: 1 },
    })),
  }));
  return symbolTable(CODE, count * 64, entries);
}

const place = (instruction: bigint, slot = 1) =>
  supervisor.call(Supervisor, "place", { slot, instruction }).fields?.text;

test("an address is explained by function, file and line", () => {
  supervisor.run();
  machine.symbols.set(1, table(100));
  expect(place(CODE)).toBe("Class<some/where>#method0 (services/driver/part.ts:0)");
  expect(place(CODE + 41n * 64n + 31n)).toBe(
    "Class<some/where>#method41 (services/driver/part.ts:410)",
  );
  expect(place(CODE + 41n * 64n + 32n)).toBe(
    "Class<some/where>#method41 (services/driver/part.ts:411)",
  );
  expect(place(CODE + 99n * 64n + 59n)).toBe(
    "Class<some/where>#method99 (services/driver/part.ts:991)",
  );
});

test("what lies in no function is not explained", () => {
  supervisor.run();
  machine.symbols.set(1, table(3));
  for (const address of [
    0n,
    CODE - 1n,
    CODE + 60n,
    CODE + 3n * 64n,
    0x8000_0000_0000_0000n,
    (1n << 64n) - 1n,
  ])
    expect(place(address)).toBe("");
  expect(place(CODE, 2)).toBe("");
  expect(supervisor.call(Supervisor, "place", { slot: 9, instruction: CODE })).toMatchObject({
    state: "refused",
    error: "NoSuchSlot",
  });
});

test("a fault in the log says where", () => {
  supervisor.run();
  machine.symbols.set(1, table(100));
  fault(1);
  expect(supervisor.log).toEqual([
    "driver: access outside its memory at 0x80000000, in Class<some/where>#method72 (services/driver/part.ts:721)",
  ]);
});

describe("a fault in the library", () => {
  const FRAME = 24;
  /**
   * Functions of 64 bytes: the first ones are the library's, the third is deep behind its 48th
   * byte.
   */
  const stacked = () =>
    symbolTable(
      CODE,
      4 * 64,
      [
        "~lib/array/Array<u32>#__get",
        "services/runtime/collector/newObject",
        "~lib/string/String#concat",
        "services/driver/part/serveOne",
      ].map((name, index) => ({
        start: index * 64,
        bytes: 64,
        name,
        frameBytes: index * FRAME,
        deep: index === 2 ? [{ start: index * 64 + 48, end: index * 64 + 56, depth: 80 }] : [],
        lines: [
          {
            offset: index * 64,
            position: {
              file: name.startsWith("~lib") ? "~lib/x.ts" : "services/driver/part.ts",
              line: index + 10,
              column: 1,
            },
          },
        ],
      })),
    );
  const faultAt = (instruction: bigint): string => {
    const fields = {
      slot: 1,
      thread: 1,
      kind: FaultKind.QuotaExhausted,
      errorCode: 0,
      address: 0n,
      instruction,
      stack: 0n,
    };
    supervisor.call(Fault, "fault", fields);
    return supervisor.log.at(-1)!;
  };

  test("is told of the program's own line that led to it", () => {
    supervisor.run();
    machine.symbols.set(1, stacked());
    // String#concat called newObject, and was called from the end of serveOne.
    machine.stacks.set(
      1,
      new Map([
        [FRAME, CODE + 2n * 64n + 20n],
        [FRAME + 8 + 2 * FRAME, CODE + 4n * 64n],
      ]),
    );
    expect(faultAt(CODE + 64n + 10n)).toMatch(/in serveOne \(services\/driver\/part\.ts:13\)$/);
    // Where arguments lie on the stack, the frame is deeper.
    machine.stacks.set(
      1,
      new Map([
        [FRAME, CODE + 2n * 64n + 50n],
        [FRAME + 8 + 80, CODE + 3n * 64n + 5n],
      ]),
    );
    expect(faultAt(CODE + 64n + 10n)).toMatch(/in serveOne \(services\/driver\/part\.ts:13\)$/);
  });

  test("is told of the library's where its callers cannot be told", () => {
    supervisor.run();
    machine.symbols.set(1, stacked());
    for (const stack of [
      new Map<number, bigint>(),
      new Map([[0, 0n]]),
      new Map([
        [0, CODE + 1n],
        [8, CODE + 1n],
      ]),
      new Map([[0, (1n << 64n) - 1n]]),
    ]) {
      machine.stacks.set(1, stack);
      expect(faultAt(CODE + 10n)).toMatch(/in Array<u32>#__get \(~lib\/x\.ts:10\)$/);
    }
    // A stack that leads round in a circle.
    machine.stacks.set(
      1,
      new Map(Array.from({ length: 100 }, (_, index) => [8 * index, CODE + 1n])),
    );
    expect(faultAt(CODE + 10n)).toMatch(/in Array<u32>#__get/);
  });

  test("of another program's own code is told as it is", () => {
    supervisor.run();
    machine.symbols.set(1, stacked());
    expect(faultAt(CODE + 3n * 64n + 1n)).toMatch(/in serveOne/);
  });
});

test("a table that lies does no harm: cut anywhere, any word changed, names without end", () => {
  supervisor.run();
  const sound = table(20);
  const random = new Random(7);
  for (let length = 0; length < sound.length; length += 37) {
    machine.symbols.set(1, sound.subarray(0, length));
    expect(typeof place(CODE + 640n)).toBe("string");
  }
  for (let round = 0; round < 2000; round++) {
    const lie = sound.slice();
    const view = new DataView(lie.buffer);
    for (let change = random.below(3); change >= 0; change--)
      view.setUint32(
        random.below(lie.length >> 2) * 4,
        random.pick([0, 1, 0x7fff_ffff, 0xffff_ffff, 0xffff_fff4, 48, random.next()]),
        true,
      );
    machine.symbols.set(1, lie);
    expect(place(CODE + BigInt(random.below(1400)))).toMatch(/^[ -~]{0,160}$/);
    if (round % 10 === 0) fault(1);
  }
  machine.symbols.set(1, new Uint8Array(65536).fill(0x1b));
  expect(place(0x1b1b_1b1b_1b1b_1b1bn)).toMatch(/^[ -~]*$/);
});
