import { beforeEach, expect, test } from "vitest";
import { FaultKind } from "../../kernel/abi/fault.ts";
import { Status } from "../../kernel/abi/status.ts";
import { fails, fakePeer, type Peer } from "../../tests/support/fake-peer.ts";
import { loadInNode, type NodeProgram } from "../../tests/support/service-in-node.ts";
import Fault from "../interfaces/kernel/fault.idl.ts";
import SlotsInterface from "../interfaces/kernel/slots.idl.ts";
import Supervisor from "../interfaces/supervisor.idl.ts";

const SLOT_CHANGED = 1n << 63n;
const MILLISECOND = 1_000_000n;

type State = "empty" | "starting" | "running" | "faulted" | "stopping";

interface FakeSlot {
  readonly name: string;
  readonly restart: "never" | "onFault" | "always";
  readonly autostart: boolean;
  state: State;
  starts: number;
  /** Steps that the kernel needs to take back an instance. */
  stopSteps: number;
  /** What `start` ends with instead. */
  refusal?: Status;
}

/** The kernel's side: slots that start and stop as told. */
class Machine {
  readonly slots: FakeSlot[] = [];

  add(name: string, restart: FakeSlot["restart"], autostart = true): FakeSlot {
    const slot: FakeSlot = { name, restart, autostart, state: "empty", starts: 0, stopSteps: 1 };
    this.slots.push(slot);
    return slot;
  }

  readonly peer: Peer = fakePeer(SlotsInterface, {
    count: () => ({ count: this.slots.length }),
    name: ({ slot }) => ({ text: this.slots[slot]!.name }),
    describe: ({ slot }) => {
      const { state, starts, restart, autostart } = this.slots[slot] ?? fails(Status.NotFound);
      return { state, classId: 1, pagesUsed: 1, pagesQuota: 9, handlesUsed: 1, threads: 1, starts, verified: true, restart, priority: 9, consumedNs: 0n, autostart };
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
  const fields = { slot, thread: 1, kind: FaultKind.OutOfBounds, errorCode: 4, address: 0x8000_0000n, instruction: 0x10_0000_1234n, stack: 0n };
  expect(supervisor.call(Fault, "fault", fields)).toMatchObject({ state: "refused", error: "EndDomain" });
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
  expect(supervisor.log).toEqual(["supervisor: driver: access outside its memory at 0x80000000, instruction 0x1000001234"]);
  expect(driver.state).toBe("empty");
  supervisor.advance(10n * MILLISECOND);
  expect(driver).toMatchObject({ state: "running", starts: 2 });
  expect(supervisor.call(Supervisor, "status", { slot: 1 }).fields).toMatchObject({ wanted: true, ended: "faulted", faultKind: FaultKind.OutOfBounds, address: 0x8000_0000n, restarts: 1 });
});

test("the wait doubles with each end soon after the start, up to five seconds, and a long life resets it", () => {
  supervisor.run();
  const waits: bigint[] = [];
  for (let times = 0; times < 11; times++) {
    fault(1);
    waits.push(supervisor.call(Supervisor, "status", { slot: 1 }).fields!.nextStartNs - supervisor.nowNs);
    supervisor.advance(waits.at(-1)!);
    expect(driver.state).toBe("running");
  }
  expect(waits.map((wait) => wait / MILLISECOND)).toEqual([10n, 20n, 40n, 80n, 160n, 320n, 640n, 1280n, 2560n, 5000n, 5000n]);
  supervisor.advance(10_000n * MILLISECOND);
  fault(1);
  expect(supervisor.call(Supervisor, "status", { slot: 1 }).fields!.nextStartNs - supervisor.nowNs).toBe(10n * MILLISECOND);
});

test("what is never started again stays down, and its fault is not the log's business", () => {
  supervisor.run();
  expect(supervisor.call(Supervisor, "start", { slot: 2 }).state).toBe("answered");
  fault(2);
  supervisor.advance(60_000n * MILLISECOND);
  expect(tool).toMatchObject({ state: "empty", starts: 1 });
  expect(supervisor.log).toEqual([]);
  expect(supervisor.call(Supervisor, "status", { slot: 2 }).fields).toMatchObject({ wanted: false, ended: "faulted" });
});

test("kill ends an instance in as many steps as it takes, and its rule brings it back", () => {
  supervisor.run();
  driver.stopSteps = 5;
  expect(supervisor.call(Supervisor, "kill", { slot: 1 }).state).toBe("answered");
  expect(driver.stopSteps).toBe(0);
  supervisor.advance(10n * MILLISECOND);
  expect(driver).toMatchObject({ state: "running", starts: 2 });
  expect(supervisor.call(Supervisor, "status", { slot: 1 }).fields).toMatchObject({ ended: "killed" });
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
  expect(supervisor.log).toEqual(["supervisor: driver: not started: denied"]);
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
  ["start", 1, "AlreadyRunning"], ["start", 0, "NotItself"], ["start", 3, "NoSuchSlot"], ["kill", 2, "NotRunning"], ["stop", 0, "NotItself"], ["stop", 4_000_000_000, "NoSuchSlot"],
] as const)("%s of slot %i is refused with %s", (method, slot, error) => {
  supervisor.run();
  expect(supervisor.call(Supervisor, method, { slot })).toMatchObject({ state: "refused", error });
});

test("events are numbered from 1, and of many the last 64 are kept", () => {
  supervisor.run();
  expect(supervisor.call(Supervisor, "nextEvent", { from: 2n })).toMatchObject({ state: "refused", error: "NoEvent" });
  for (let times = 0; times < 50; times++) {
    supervisor.call(Supervisor, "kill", { slot: 1 });
    supervisor.advance(20_000n * MILLISECOND);
  }
  expect(supervisor.call(Supervisor, "nextEvent", { from: 0n }).fields).toMatchObject({ sequence: 101n - 63n });
});
