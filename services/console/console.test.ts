import { beforeEach, expect, test } from "vitest";
import { Status } from "../../kernel/abi/status.ts";
import { fails, fakePeer, type Peer } from "../../tests/support/fake-peer.ts";
import { loadInNode, type NodeProgram } from "../../tests/support/service-in-node.ts";
import Console from "../interfaces/console.idl.ts";
import Serial from "../interfaces/serial.idl.ts";

const INPUT_BIT = 1n;
const LOOK_NS = 500_000_000n;

/** A driver with a line behind it; `restart` makes it forget its notice, as a new instance does. */
class Line {
  sent = "";
  typed: Uint8Array[] = [];
  attached: number | undefined;
  /** Statuses that the next calls end with instead. */
  readonly failures: Status[] = [];

  readonly peer: Peer = fakePeer(Serial, {
    attach: ({ notice }) => {
      this.failIfDue();
      this.attached = notice;
    },
    write: ({ data }) => {
      this.failIfDue();
      this.sent += Buffer.from(data).toString();
    },
    read: () => {
      this.failIfDue();
      return { data: this.typed.shift() ?? new Uint8Array(), lost: 0 };
    },
  });

  type(text: string): void {
    this.typed.push(Buffer.from(text));
  }

  restart(): void {
    this.attached = undefined;
    this.failures.push(Status.Restarted);
  }

  private failIfDue(): void {
    const status = this.failures.shift();
    if (status !== undefined) fails(status);
  }
}

let line: Line;
let program: NodeProgram;

beforeEach(async () => {
  line = new Line();
  program = await loadInNode("services/console", { peers: { serial: line.peer } });
  program.run();
});

const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString();

test("it attaches a notice to the line when it starts", () => {
  expect(line.attached).toBeGreaterThan(0);
});

test("a newline on the line is carriage return and line feed", () => {
  expect(program.call(Console, "write", { text: "one\ntwo\n" }).state).toBe("answered");
  expect(line.sent).toBe("one\r\ntwo\r\n");
});

test("the longest write arrives whole, newlines included", () => {
  program.call(Console, "write", { text: "\n".repeat(1024) });
  expect(line.sent).toBe("\r\n".repeat(1024));
});

test("a read waits until something is typed", () => {
  const read = program.call(Console, "read", {});
  expect(read.state).toBe("waiting");
  line.type("ls");
  program.notify(INPUT_BIT);
  expect(read.state).toBe("answered");
  expect(text(read.fields?.data)).toBe("ls");
});

test("input typed before a program reads is kept in order", () => {
  line.type("ab");
  line.type("cd");
  program.notify(INPUT_BIT);
  expect(text(program.call(Console, "read", {}).fields?.data)).toBe("abcd");
});

test("input that a reader gave up waiting for goes to the next", () => {
  const abandoned = program.call(Console, "read", {});
  program.abandon(abandoned);
  line.type("x");
  program.notify(INPUT_BIT);
  expect(abandoned.state).toBe("waiting");
  expect(text(program.call(Console, "read", {}).fields?.data)).toBe("x");
});

test("a second reader interrupts the first", () => {
  const first = program.call(Console, "read", {});
  const second = program.call(Console, "read", {});
  expect(first).toMatchObject({ state: "refused", error: "Interrupted" });
  line.type("y");
  program.notify(INPUT_BIT);
  expect(text(second.fields?.data)).toBe("y");
});

test("an unread ^C is reported and removed, and other input is kept", () => {
  const interrupted = () => program.call(Console, "interrupted", { wait: false }).fields?.typed;
  expect(interrupted()).toBe(false);
  line.type("ab\x03cd\x03");
  program.notify(INPUT_BIT);
  expect([interrupted(), interrupted()]).toEqual([true, false]);
  expect(text(program.call(Console, "read", {}).fields?.data)).toBe("abcd");
});

test("a program that waits for ^C is answered when ^C is typed, and by no other input", () => {
  const watch = program.call(Console, "interrupted", { wait: true });
  line.type("x");
  program.notify(INPUT_BIT);
  expect(watch.state).toBe("waiting");
  line.type("\x03");
  program.notify(INPUT_BIT);
  expect(watch.fields?.typed).toBe(true);
  expect(text(program.call(Console, "read", {}).fields?.data)).toBe("x");
});

test("a ^C is kept if the program that waited for it has stopped waiting", () => {
  program.abandon(program.call(Console, "interrupted", { wait: true }));
  line.type("\x03");
  program.notify(INPUT_BIT);
  expect(program.call(Console, "interrupted", { wait: false }).fields?.typed).toBe(true);
});

test("who waits for input gets a ^C as typed", () => {
  const read = program.call(Console, "read", {});
  line.type("\x03");
  program.notify(INPUT_BIT);
  expect(text(read.fields?.data)).toBe("\x03");
  expect(program.call(Console, "interrupted", { wait: false }).fields?.typed).toBe(false);
});

test("a ^C for which there is no room drops what was typed before it", () => {
  for (let block = 0; block < 9; block++) line.type("x".repeat(512));
  program.notify(INPUT_BIT);
  program.notify(INPUT_BIT);
  line.type("y\x03z");
  program.notify(INPUT_BIT);
  expect(program.call(Console, "info", {}).fields).toMatchObject({ waiting: 3, lost: 512 + 4096 });
  expect(program.call(Console, "interrupted", { wait: false }).fields?.typed).toBe(true);
  expect(text(program.call(Console, "read", {}).fields?.data)).toBe("yz");
});

test.each([Status.PeerDied, Status.Restarted])(
  "a write goes on after %s of the driver, which gets the notice again",
  (status) => {
    line.attached = undefined;
    line.failures.push(status);
    expect(program.call(Console, "write", { text: "still here" }).state).toBe("answered");
    expect(line.sent).toBe("still here");
    expect(line.attached).toBeGreaterThan(0);
  },
);

test("a driver that was restarted while the line was quiet is found, and typing goes on", () => {
  const read = program.call(Console, "read", {});
  line.restart();
  program.advance(LOOK_NS);
  expect(line.attached).toBeGreaterThan(0);
  line.type("z");
  program.notify(INPUT_BIT);
  expect(text(read.fields?.data)).toBe("z");
  expect(program.call(Console, "info", {}).fields?.driverRestarts).toBe(1);
});

test("a driver that dies without end does not hold the console", () => {
  line.failures.push(...Array<Status>(20).fill(Status.PeerDied));
  expect(program.call(Console, "write", { text: "lost" }).state).toBe("answered");
});

test("a driver that cannot signal is asked often", () => {
  line.attached = undefined;
  line.failures.push(Status.Restarted, Status.Denied);
  program.advance(LOOK_NS);
  expect(line.attached).toBeUndefined();
  const read = program.call(Console, "read", {});
  line.type("q");
  program.advance(20_000_000n);
  program.advance(20_000_000n);
  expect(text(read.fields?.data)).toBe("q");
});
