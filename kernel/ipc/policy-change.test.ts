// Each message is checked: once a rule is flipped and the epoch raised, the very next message on
// the connection is judged by the new rule, on the short path and on the long one. The tests also
// leave out the epoch or the rule, to show that both are needed.
import { beforeAll, describe, expect, test } from "vitest";
import { BLOB_HEADER_BYTES, BLOB_SECTION_BYTES, BlobSection } from "../abi/blob.ts";
import { Status } from "../abi/status.ts";
import {
  KernelInNode,
  type TestSystem,
  buildSystem,
  compileKernel,
} from "../../tests/support/kernel-in-node.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  ECHO,
  LIMITED,
  ROOT,
  SERVER,
  TEST_SYSTEM,
  boot,
} from "../../tests/support/test-system.ts";
import { summarizeArchive } from "../../toolchain/inspect/archive.ts";

const REQUEST_AND_RESPONSE =
  "allow { Client, Other } -> Server.Echo { add, many, copy, give, giveEcho }";
const LIMIT = "allow Client -> Server.Echo { limited } when value <= 100";
/** The system with another text of one rule; the image stays the same. */
const withRule = (from: string, to: string): TestSystem => {
  if (!TEST_SYSTEM.policy.includes(from)) throw new Error(`no rule ${from}`);
  return { ...TEST_SYSTEM, policy: TEST_SYSTEM.policy.replace(from, to) };
};

const modules = new Map<string, WebAssembly.Module>();
let archive: Uint8Array;
let allowing: Uint8Array;
let denying: Uint8Array;
let requestsOnly: Uint8Array;
let lowerLimit: Uint8Array;

function blobOf(bytes: Uint8Array): Uint8Array {
  const { offset, bytes: length } = summarizeArchive(bytes, "test").entries.find(
    ({ kind }) => kind === "blob",
  )!;
  return bytes.subarray(offset, offset + length);
}

beforeAll(async () => {
  modules.set("short way", await compileKernel());
  modules.set("long way", await compileKernel({ slow: true }));
  modules.set("kernel without verdict", await compileKernel({ without: "verdict" }));
  archive = await buildSystem(TEST_SYSTEM);
  allowing = blobOf(archive);
  denying = blobOf(
    await buildSystem(withRule(REQUEST_AND_RESPONSE, REQUEST_AND_RESPONSE.replace("add, ", ""))),
  );
  requestsOnly = blobOf(
    await buildSystem(
      withRule(
        REQUEST_AND_RESPONSE,
        `allow request Client -> Server.Echo { add }\n${REQUEST_AND_RESPONSE.replace("add, ", "")}`,
      ),
    ),
  );
  lowerLimit = blobOf(await buildSystem(withRule(LIMIT, LIMIT.replace("100", "50"))));
});

/**
 * Client and server of a running system. The client's handle has cached the verdict of `add`, and
 * the server waits.
 */
class Connection {
  readonly kernel: KernelInNode;
  readonly server: number;
  readonly client: number;

  constructor(way: string) {
    this.kernel = boot(modules.get(way)!, archive);
    this.server = this.kernel.threadOf(SERVER);
    this.client = this.kernel.threadOf(CLIENT);
    this.kernel.recv(this.kernel.threadOf(ROOT));
    this.kernel.recv(this.server);
    for (let round = 0; round < 3; round++) expect(this.add()).toBe(Status.Ok);
  }

  /**
   * A round trip of `add`, or the result that came in its place. If the call does not reach the
   * server, the server still waits.
   */
  add(): Status {
    this.kernel.call(this.client, CLIENT_ECHO, ECHO.id, ADD, [40n, 2n]);
    if (this.isWaiting) return this.kernel.result(this.client).status;
    expect(this.kernel.result(this.server).words.slice(0, 2)).toEqual([40n, 2n]);
    this.answer(42n);
    const { status, words } = this.kernel.result(this.client);
    if (status === Status.Ok) expect(words[0]).toBe(42n);
    return status;
  }

  answer(...words: bigint[]): void {
    this.kernel.reply(this.server, this.kernel.result(this.server).token, words, {
      receive_: true,
    });
  }

  limited(value: bigint): Status {
    this.kernel.call(this.client, CLIENT_ECHO, ECHO.id, LIMITED, [value]);
    if (this.isWaiting) return this.kernel.result(this.client).status;
    this.answer();
    return this.kernel.result(this.client).status;
  }

  get isWaiting(): boolean {
    return this.kernel.number("threadState", this.server) === RECEIVING;
  }

  /**
   * Replaces the blob in force; with `andLoad` the new one comes into force, which raises the
   * epoch.
   */
  put(blob: Uint8Array, andLoad = true): void {
    const base = this.kernel.number("blobBase");
    const padded = new Uint8Array((blob.length + 7) & ~7);
    padded.set(blob);
    const view = new DataView(padded.buffer);
    for (let offset = 0; offset < padded.length; offset += 8)
      this.kernel.setRegister(base, offset, view.getBigUint64(offset, true));
    if (!andLoad) return;
    const before = this.kernel.number("epoch");
    expect(this.kernel.number("monitorLoad", base, blob.length)).toBe(0);
    expect(this.kernel.number("epoch")).toBe(before + 1);
  }
}

const RECEIVING = 3;

describe.each(["short way", "long way"])("on the %s", (way) => {
  test("the next call after the rule is gone is denied, and the server never learns of it", () => {
    const connection = new Connection(way);
    connection.put(denying);
    expect(connection.add()).toBe(Status.Denied);
    expect(connection.isWaiting).toBe(true);
    connection.kernel.check();
  });

  test("the next call after the rule is back passes, and so on each time", () => {
    const connection = new Connection(way);
    for (let round = 0; round < 5; round++) {
      connection.put(denying);
      expect(connection.add()).toBe(Status.Denied);
      connection.put(allowing);
      expect(connection.add()).toBe(Status.Ok);
    }
    connection.kernel.check();
  });

  test("a new epoch with the same rules changes nothing", () => {
    const connection = new Connection(way);
    connection.put(allowing);
    expect(connection.add()).toBe(Status.Ok);
  });

  test("a call under the old rules is answered under the new: the answer is denied, without a word of it", () => {
    const connection = new Connection(way);
    connection.kernel.call(connection.client, CLIENT_ECHO, ECHO.id, ADD, [40n, 2n]);
    connection.put(requestsOnly);
    connection.answer(42n);
    const { status, words } = connection.kernel.result(connection.client);
    expect(status).toBe(Status.Denied);
    expect(words).not.toContain(42n);
    connection.kernel.check();
  });

  test("a rule on contents takes its new limit at once", () => {
    const connection = new Connection(way);
    expect(connection.limited(100n)).toBe(Status.Ok);
    connection.put(lowerLimit);
    expect(connection.limited(51n)).toBe(Status.Denied);
    expect(connection.limited(50n)).toBe(Status.Ok);
  });
});

test.each(["short way", "long way"])(
  "it is the epoch that makes the %s ask again: rules wiped out behind its back change nothing until then",
  (way) => {
    const connection = new Connection(way);
    const wiped = allowing.slice();
    for (const kind of [BlobSection.Rules, BlobSection.Pairs]) {
      const entry = new DataView(wiped.buffer, BLOB_HEADER_BYTES + (kind - 1) * BLOB_SECTION_BYTES);
      wiped.fill(0, entry.getUint32(4, true), entry.getUint32(4, true) + entry.getUint32(8, true));
    }
    connection.put(wiped, false);
    expect(connection.add()).toBe(Status.Ok);
    connection.put(denying);
    expect(connection.add()).toBe(Status.Denied);
  },
);

test("it is the verdict that denies: a kernel without it lets the call pass under any rules", () => {
  const connection = new Connection("kernel without verdict");
  connection.put(denying);
  expect(connection.add()).toBe(Status.Ok);
});
