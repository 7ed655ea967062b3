import { describe, expect, test } from "vitest";
import {
  RECORD_ARENA_BYTES,
  RECORD_HANDLES,
  RECORD_HANDLE_COUNT,
  RECORD_MORE_WORDS,
  RECORD_WORD_COUNT,
} from "../abi/message-record.ts";
import {
  RIGHT_CALL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_MAP_WRITE,
  RIGHT_MINT,
  RIGHT_TRANSFER,
} from "../abi/object.ts";
import { HEADER_FLAG_LONG } from "../abi/system-call.ts";
import { Status } from "../abi/status.ts";
import * as save from "../abi/thread-save-area.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { type KernelInNode, named } from "../../tests/support/kernel-in-node.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  COPY,
  GIVE,
  GIVE_ECHO,
  MANY,
  OTHER,
  OTHER_ECHO,
  OTHER_OWN,
  SERVER,
  boot,
  domainCall,
  startSlot,
  stopSlot,
} from "../../tests/support/test-system.ts";

const start = (slots?: readonly number[]) => {
  const kernel = boot(module, archive, slots);
  return { kernel, server: kernel.threadOf(SERVER), client: kernel.threadOf(CLIENT) };
};
/** Records of the two sides, and where arenas lie. */
const RECORD = 0x20000;
const ARENA = 0x21000;
const forty = Array.from({ length: 40 }, (_, index) => BigInt(index + 1));

function createMemory(kernel: KernelInNode, slot: number, bytes: bigint): number {
  const result = domainCall(kernel, slot, 2, [bytes]);
  expect(result.status).toBe(Status.Ok);
  return Number(result.words[0]);
}

/** Registers of a call whose long message lies at an address. */
const callWithRecord = (address: bigint): Record<number, bigint> => ({
  [save.SAVE_RDI]: BigInt(CLIENT_ECHO),
  [save.SAVE_RSI]: 0x1000402n,
  [save.SAVE_RDX]: address,
  [save.SAVE_R9]: 0n,
});

describe("words", () => {
  test("beyond four travel through the records of both sides, there and back", () => {
    const { kernel, server, client } = start();
    kernel.recv(server, { record: RECORD });
    kernel.call(client, CLIENT_ECHO, 0x100, MANY, forty, { record: RECORD });
    const got = kernel.result(server);
    expect(got).toMatchObject({
      status: Status.Ok,
      words: forty.slice(0, 4),
      header: (0x100 << 16) | (MANY << 4) | HEADER_FLAG_LONG | 4,
    });
    expect(kernel.u32(SERVER, RECORD + RECORD_WORD_COUNT)).toBe(40);
    expect(kernel.u64(SERVER, RECORD + RECORD_MORE_WORDS)).toBe(5n);
    expect(kernel.u64(SERVER, RECORD + RECORD_MORE_WORDS + 35 * 8)).toBe(40n);
    expect(
      kernel.reply(
        server,
        got.token,
        forty.map((word) => word * 2n),
        { record: RECORD },
      ).status,
    ).toBe(Status.Ok);
    expect(kernel.result(client).words[3]).toBe(8n);
    expect(kernel.u64(CLIENT, RECORD + RECORD_MORE_WORDS + 35 * 8)).toBe(80n);
    kernel.check();
  });

  // The head ends at 128, the 40 words at 416, the record at 608.
  test.each([128, 416, 608].flatMap((end) => [end, end - 8]))(
    "cross from record to record whose first page ends at byte %i",
    (end) => {
      const { kernel, server, client } = start();
      const record = ARENA - end;
      kernel.recv(server, { record });
      kernel.call(client, CLIENT_ECHO, 0x100, MANY, forty, { record });
      const { status, token } = kernel.result(server);
      expect(status).toBe(Status.Ok);
      const wordsAt = (slot: number): bigint[] =>
        Array.from({ length: 36 }, (_, i) => kernel.u64(slot, record + RECORD_MORE_WORDS + i * 8));
      expect(kernel.u32(SERVER, record + RECORD_WORD_COUNT)).toBe(40);
      expect(wordsAt(SERVER)).toEqual(forty.slice(4));
      const doubled = forty.map((word) => word * 2n);
      expect(kernel.reply(server, token, doubled, { record }).status).toBe(Status.Ok);
      expect(wordsAt(CLIENT)).toEqual(doubled.slice(4));
      kernel.check();
    },
  );

  test("beyond four do not fit a receiver without a record, nor an answer a caller without one", () => {
    const { kernel, server, client } = start();
    kernel.recv(server);
    expect(kernel.call(client, CLIENT_ECHO, 0x100, MANY, forty, { record: RECORD }).status).toBe(
      Status.TooLong,
    );
    kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.result(server).status).toBe(Status.Ok); // It was still waiting.
    kernel.check();
  });

  test("of a record whose page is not there end the call before it begins", () => {
    const { kernel, client } = start();
    const before = kernel.number("slotPages", CLIENT);
    kernel.setRegister(client, save.SAVE_RDX, 0xff_0000n);
    for (const address of [0x8000n, 0xff_0000n, 0xffff_fff8n, 0xffff_ff00n]) {
      kernel.raw(client, 0, callWithRecord(address));
      expect(kernel.result(client).status).toBe(Status.BadAddress);
    }
    expect(kernel.number("slotPages", CLIENT)).toBe(before);
  });

  test.each([
    [RECORD_WORD_COUNT, 65],
    [RECORD_HANDLE_COUNT, 5],
    [RECORD_ARENA_BYTES, 65537],
  ])("a record that says more than the limit at offset %i is a bad argument", (offset, value) => {
    const { kernel, client } = start();
    const record = new Uint8Array(608);
    new DataView(record.buffer).setUint32(offset, value, true);
    kernel.write(CLIENT, RECORD, record);
    kernel.raw(client, 0, callWithRecord(BigInt(RECORD)));
    expect(kernel.result(client).status).toBe(Status.BadArgument);
  });
});

describe("an arena", () => {
  test.each([1, 4096, 5000, 65536])(
    "of %i bytes is copied straight to the receiver, and one back",
    (size) => {
      const { kernel, server, client } = start();
      const data = Uint8Array.from({ length: size }, (_, index) => (index * 7) & 255);
      kernel.write(CLIENT, ARENA + 5, data);
      kernel.recv(server, { record: RECORD, receive: { address: ARENA + 9, bytes: 65536 } });
      const send = { record: RECORD, arena: { address: ARENA + 5, bytes: size } };
      kernel.call(client, CLIENT_ECHO, 0x100, COPY, [BigInt(size) << 32n], {
        ...send,
        receive: { address: ARENA + 5, bytes: size },
      });
      const got = kernel.result(server);
      expect(got.status).toBe(Status.Ok);
      expect(kernel.u32(SERVER, RECORD + RECORD_ARENA_BYTES)).toBe(size);
      expect(kernel.read(SERVER, ARENA + 9, size)).toEqual(data);
      kernel.write(SERVER, ARENA + 9, data.toReversed());
      expect(
        kernel.reply(server, got.token, [BigInt(size) << 32n], {
          record: RECORD,
          arena: { address: ARENA + 9, bytes: size },
        }).status,
      ).toBe(Status.Ok);
      expect(kernel.read(CLIENT, ARENA + 5, size)).toEqual(data.toReversed());
      kernel.check();
    },
  );

  test("longer than the receiver's room, or not described, is refused and the receiver waits on", () => {
    const { kernel, server, client } = start();
    kernel.recv(server, { record: RECORD, receive: { address: ARENA, bytes: 10 } });
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, COPY, [11n << 32n], {
        record: RECORD,
        arena: { address: ARENA, bytes: 11 },
      }).status,
    ).toBe(Status.TooLong);
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, COPY, [12n << 32n], {
        record: RECORD,
        arena: { address: ARENA, bytes: 11 },
      }).status,
    ).toBe(Status.Malformed);
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n], {
        record: RECORD,
        arena: { address: ARENA, bytes: 1 },
      }).status,
    ).toBe(Status.Malformed);
    expect(kernel.number("threadState", server)).toBe(3);
    kernel.check();
  });

  test("that the sender may not read is the sender's fault, one that the receiver may not write the receiver's", () => {
    const { kernel, server, client } = start();
    kernel.recv(server, { record: RECORD, receive: { address: ARENA, bytes: 100 } });
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, COPY, [8n << 32n], {
        record: RECORD,
        arena: { address: 0x8000, bytes: 8 },
      }).status,
    ).toBe(Status.BadAddress);
    expect(kernel.number("threadState", server)).toBe(3);
    stopSlot(kernel, SERVER);
    startSlot(kernel, SERVER);
    const again = kernel.threadOf(SERVER);
    kernel.recv(again, { record: RECORD, receive: { address: 0x100, bytes: 100 } });
    kernel.call(client, CLIENT_ECHO, 0x100, COPY, [8n << 32n], {
      record: RECORD,
      arena: { address: ARENA, bytes: 8 },
    });
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, COPY, [8n << 32n], {
        record: RECORD,
        arena: { address: ARENA, bytes: 8 },
      }).status,
    ).toBe(Status.PeerFault);
    expect(kernel.result(again).status).toBe(Status.BadAddress);
    kernel.check();
  });
});

describe("handles", () => {
  test("are derived for the receiver with no more rights than the sender gives", () => {
    const { kernel, server, client } = start();
    const memory = createMemory(kernel, CLIENT, 8192n);
    kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
    kernel.call(client, CLIENT_ECHO, 0x100, GIVE, [], {
      record: RECORD,
      handles: [[memory, RIGHT_CALL | RIGHT_MAP_READ]],
      receive: { handles: 1 },
    });
    const got = kernel.result(server);
    expect(got.status).toBe(Status.Ok);
    expect(kernel.u32(SERVER, RECORD + RECORD_HANDLE_COUNT)).toBe(1);
    const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
    kernel.check();
    // To be read, but not written nor transferred further.
    expect(domainCall(kernel, SERVER, 10, [BigInt(given), 0n, 4096n, 1n]).status).toBe(
      Status.NoRight,
    );
    const address = Number(domainCall(kernel, SERVER, 10, [BigInt(given), 0n, 4096n, 0n]).words[0]);
    expect(kernel.big("touch", SERVER, address, 1)).toBe(0n);
    expect(
      kernel.reply(server, got.token, [], { record: RECORD, handles: [[given, RIGHT_CALL]] })
        .status,
    ).toBe(Status.NoRight);
    kernel.check();
  });

  test.each<[string, number, (memory: number) => readonly (readonly [number, number])[]]>([
    ["that do not exist", Status.BadHandle, () => [[0x10077, 0]]],
    [
      "of another type than the interface says",
      Status.Malformed,
      () => [[CLIENT_ECHO, RIGHT_CALL]],
    ],
    ["fewer than the interface says", Status.Malformed, () => []],
    [
      "more than the interface says",
      Status.Malformed,
      (memory) => [
        [memory, RIGHT_CALL],
        [memory, RIGHT_CALL],
      ],
    ],
    ["that may not be sent on", Status.NoRight, () => [[0x10001, RIGHT_CALL]]],
  ])("%s are refused with status %i", (_what, status, handles) => {
    const { kernel, server, client } = start();
    const memory = createMemory(kernel, CLIENT, 4096n);
    kernel.recv(server, { record: RECORD, receive: { handles: 4 } });
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, GIVE, [], {
        record: RECORD,
        handles: handles(memory),
      }).status,
    ).toBe(status);
    expect(kernel.number("threadState", server)).toBe(3);
    kernel.check();
  });

  test("that the receiver will not take are TooLong; a full table is NoSpace", () => {
    const { kernel, server, client } = start();
    const memory = createMemory(kernel, CLIENT, 4096n);
    kernel.recv(server, { record: RECORD });
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, GIVE, [], {
        record: RECORD,
        handles: [[memory, RIGHT_CALL]],
      }).status,
    ).toBe(Status.TooLong);
    kernel.check();
  });

  test("to an endpoint carry their badge and reach its owner", () => {
    const { kernel, server } = start([SERVER, OTHER]);
    const other = kernel.threadOf(OTHER);
    const minted = domainCall(kernel, OTHER, 7, [
      BigInt(OTHER_OWN),
      BigInt(RIGHT_CALL | RIGHT_TRANSFER),
      4242n,
    ]);
    expect(minted.status).toBe(Status.Ok);
    kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
    kernel.call(other, OTHER_ECHO, 0x100, GIVE_ECHO, [], {
      record: RECORD,
      handles: [[Number(minted.words[0]), RIGHT_CALL]],
    });
    const got = kernel.result(server);
    const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
    expect(kernel.reply(server, got.token).status).toBe(Status.Ok);
    kernel.recv(other);
    kernel.call(server, given, 0x100, ADD, [1n, 2n]);
    expect(kernel.result(other)).toMatchObject({ badge: 4242n, callerSlot: SERVER });
    kernel.check();
    // Its origin revokes it, in every domain.
    expect(named(0)).toBe(OTHER_OWN);
    kernel.reply(other, kernel.result(other).token, [3n]);
    expect(domainCall(kernel, OTHER, 9, [minted.words[0]!]).status).toBe(Status.Ok);
    expect(kernel.call(server, given, 0x100, ADD, [1n, 2n]).status).toBe(Status.BadHandle);
    kernel.recv(other);
    kernel.call(server, named(1), 0x100, ADD, [1n, 2n]);
    expect(kernel.result(other)).toMatchObject({ status: Status.Ok, badge: 0n });
    kernel.check();
  });
});

test("only its owner gives an endpoint's handles a badge", () => {
  const { kernel, server } = start([SERVER, OTHER]);
  const rights = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY | RIGHT_MINT;
  const minted = domainCall(kernel, OTHER, 7, [BigInt(OTHER_OWN), BigInt(rights), 4242n]);
  kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
  kernel.call(kernel.threadOf(OTHER), OTHER_ECHO, 0x100, GIVE_ECHO, [], {
    record: RECORD,
    handles: [[Number(minted.words[0]), rights]],
  });
  const given = BigInt(kernel.u32(SERVER, RECORD + RECORD_HANDLES));
  expect(domainCall(kernel, SERVER, 7, [given, BigInt(RIGHT_CALL), 1n]).status).toBe(
    Status.NoRight,
  );
  expect(domainCall(kernel, SERVER, 7, [given, BigInt(RIGHT_CALL), 0n]).status).toBe(Status.Ok);
  kernel.check();
});

// A copy from one record to the other, were it made where they overlap, would read what it wrote.
test.each([-64, -8, 0, 8, 64])(
  "words cross between records that share memory and lie %i bytes apart",
  (distance) => {
    const { kernel, server, client } = start();
    const memory = createMemory(kernel, CLIENT, 4096n);
    const mapArguments = [0n, 4096n, 1n];
    const mine = Number(domainCall(kernel, CLIENT, 10, [BigInt(memory), ...mapArguments]).words[0]);
    kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
    kernel.call(client, CLIENT_ECHO, 0x100, GIVE, [], {
      record: RECORD,
      handles: [[memory, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_MAP_READ | RIGHT_MAP_WRITE]],
    });
    const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
    kernel.reply(server, kernel.result(server).token, [1n], { error: true });
    const theirs = Number(
      domainCall(kernel, SERVER, 10, [BigInt(given), ...mapArguments]).words[0],
    );
    const records: Record<number, number> = {
      [CLIENT]: mine + 1024,
      [SERVER]: theirs + 1024 + distance,
    };
    const wordsAt = (slot: number): bigint[] =>
      Array.from({ length: 36 }, (_, i) =>
        kernel.u64(slot, records[slot]! + RECORD_MORE_WORDS + i * 8),
      );
    kernel.recv(server, { record: records[SERVER]! });
    kernel.call(client, CLIENT_ECHO, 0x100, MANY, forty, { record: records[CLIENT]! });
    const { status, token } = kernel.result(server);
    expect(status).toBe(Status.Ok);
    expect(wordsAt(SERVER)).toEqual(forty.slice(4));
    const doubled = forty.map((word) => word * 2n);
    const passed = { record: records[SERVER]!, receive_: true };
    kernel.reply(server, token, doubled, passed);
    expect(kernel.result(client).status).toBe(Status.Ok);
    expect(wordsAt(CLIENT)).toEqual(doubled.slice(4));
    kernel.check();
  },
);

test("memory that two domains share is one memory, and outlives its maker while the other maps it", () => {
  const { kernel, server, client } = start();
  const memory = createMemory(kernel, CLIENT, 3n * 4096n);
  const mine = Number(
    domainCall(kernel, CLIENT, 10, [BigInt(memory), 0n, 3n * 4096n, 1n]).words[0],
  );
  kernel.write(CLIENT, mine + 4096, new TextEncoder().encode("shared"));
  kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
  kernel.call(client, CLIENT_ECHO, 0x100, GIVE, [], {
    record: RECORD,
    handles: [[memory, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_MAP_READ | RIGHT_MAP_WRITE]],
  });
  const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
  const theirs = Number(domainCall(kernel, SERVER, 10, [BigInt(given), 4096n, 8192n, 1n]).words[0]);
  expect(kernel.readText(SERVER, theirs, 6)).toBe("shared");
  kernel.check();

  stopSlot(kernel, CLIENT);
  kernel.check();
  expect(kernel.readText(SERVER, theirs, 6)).toBe("shared");
  expect(domainCall(kernel, SERVER, 8, [BigInt(given)]).status).toBe(Status.Ok);
  expect(domainCall(kernel, SERVER, 11, [BigInt(theirs)]).status).toBe(Status.Ok);
  kernel.check();
  startSlot(kernel, CLIENT);
  kernel.check();
});

test("memory of another that a domain maps is one of its objects, so that makers who come and go do not give it more than its quota", () => {
  const { kernel, server } = start();
  const quota = 8;
  const shareAndMap = (): Status => {
    const memory = createMemory(kernel, CLIENT, 4096n);
    kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
    kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, GIVE, [], {
      record: RECORD,
      handles: [[memory, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_MAP_READ]],
      receive: { handles: 1 },
    });
    const { token } = kernel.result(server);
    const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
    expect(kernel.reply(server, token, [1n], { error: true }).status).toBe(Status.Ok);
    return domainCall(kernel, SERVER, 10, [BigInt(given), 0n, 4096n, 0n]).status;
  };
  for (let object = 0; object < quota; object++) expect(shareAndMap()).toBe(Status.Ok);
  expect(domainCall(kernel, SERVER, 2, [4096n]).status).toBe(Status.NoMemory);
  stopSlot(kernel, CLIENT);
  kernel.check();

  startSlot(kernel, CLIENT);
  expect(shareAndMap()).toBe(Status.NoSpace);
  expect(domainCall(kernel, SERVER, 2, [4096n]).status).toBe(Status.NoMemory);
  stopSlot(kernel, SERVER);
  kernel.check();
});

test("a maker may die while another still unmaps what nothing else refers to", () => {
  const { kernel, server, client } = start();
  const pages = 150;
  const memory = createMemory(kernel, CLIENT, BigInt(pages * 4096));
  kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
  kernel.call(client, CLIENT_ECHO, 0x100, GIVE, [], {
    record: RECORD,
    handles: [[memory, RIGHT_CALL | RIGHT_MAP_READ | RIGHT_MAP_WRITE | RIGHT_TRANSFER]],
    receive: { handles: 1 },
  });
  const { token } = kernel.result(server);
  const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
  const address = domainCall(kernel, SERVER, 10, [BigInt(given), 0n, BigInt(pages * 4096), 1n])
    .words[0]!;
  for (let page = 0; page < pages; page += 7)
    kernel.write(SERVER, Number(address) + page * 4096, new Uint8Array([page]));
  kernel.reply(server, token, [], { record: RECORD, handles: [[given, RIGHT_CALL]] });
  expect(kernel.result(client).status).toBe(Status.Ok);
  expect(domainCall(kernel, SERVER, 8, [BigInt(given)]).status).toBe(Status.Ok);
  expect(
    domainCall(kernel, CLIENT, 8, [BigInt(kernel.u32(CLIENT, RECORD + RECORD_HANDLES))]).status,
  ).toBe(Status.Ok);
  expect(domainCall(kernel, CLIENT, 8, [BigInt(memory)]).status).toBe(Status.Ok);
  for (let step = 0; step < 3; step++) {
    expect(domainCall(kernel, SERVER, 11, [address]).status).toBe(Status.Again);
    kernel.check();
  }
  stopSlot(kernel, CLIENT);
  kernel.check();
  expect(domainCall(kernel, SERVER, 11, [address]).status).toBe(Status.Ok);
  expect(domainCall(kernel, SERVER, 11, [address]).status).toBe(Status.NotFound);
  kernel.check();
});
