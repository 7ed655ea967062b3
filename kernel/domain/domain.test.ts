import { describe, expect, test, vi } from "vitest";
import { FaultKind, faultName } from "../abi/fault.ts";
import { RECORD_HANDLES, RECORD_MORE_WORDS } from "../abi/message-record.ts";
import * as save from "../abi/thread-save-area.ts";
import { Status } from "../abi/status.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import {
  KernelInNode,
  MachineStopped,
  SLOT_STATES,
  buildSystem,
  named,
} from "../../tests/support/kernel-in-node.ts";
import { REGION } from "../../tests/support/small-executable.ts";
import { interrupt, ports } from "../../toolchain/vocabulary/image.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  DRIVER,
  OTHER,
  ROOT,
  ROOT_LOG,
  ROOT_SLOTS,
  ROOT_SYSTEM,
  ROOT_TRACE,
  SERVER,
  TEST_SYSTEM,
  boot,
  domainCall,
  startSlot,
  stopSlot,
} from "../../tests/support/test-system.ts";

const RECORD = 0x20000;
const USER = 4;
const WRITE = 2;
const INSTRUCTION = 16;
const PRESENT = 1;

/** The running thread touches an address. */
function touch(
  kernel: KernelInNode,
  thread: number,
  address: bigint,
  errorCode = USER | WRITE,
): void {
  kernel.become(thread);
  kernel.number("fault", 14, errorCode, address);
}

/**
 * The supervisor takes the fault that waits for it and ends the domain. Returns the kind of the
 * fault.
 */
function endFaulted(kernel: KernelInNode): number {
  const root = kernel.threadOf(ROOT);
  const got = kernel.recv(root, { record: RECORD });
  expect(got.status).toBe(Status.Ok);
  expect(kernel.reply(root, got.token, [1n], { error: true }).status).toBe(Status.Ok);
  return Number(got.words[2]);
}

describe("a start", () => {
  test("never gives the number of an instance a second time", () => {
    const kernel = boot(module, archive, []);
    kernel.number("setInstance", SERVER, 0xffff_fffc);
    startSlot(kernel, SERVER);
    startSlot(kernel, CLIENT);
    expect(kernel.number("slotInstance", SERVER)).toBe(0xffff_fffd);
    // The last instance is called like every other, also on the short path.
    const [server, client] = [kernel.threadOf(SERVER), kernel.threadOf(CLIENT)];
    kernel.recv(server);
    for (let round = 0; round < 3; round++) {
      kernel.call(client, CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
      expect(kernel.result(server)).toMatchObject({ status: Status.Ok, callerSlot: CLIENT });
      kernel.reply(server, kernel.result(server).token, [3n], { receive_: true });
      expect(kernel.result(client)).toMatchObject({ status: Status.Ok });
      kernel.check();
    }
    stopSlot(kernel, SERVER);
    expect(kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [BigInt(SERVER)]).status).toBe(
      Status.NoSpace,
    );
    kernel.check();
  });

  test("gives exactly what the blob says: handles in order, registers, memory", () => {
    const kernel = boot(module, archive, [CLIENT]);
    const client = kernel.threadOf(CLIENT);
    expect(kernel.register(client, save.SAVE_RIP)).toBe(REGION);
    expect(kernel.register(client, save.SAVE_RSP) & 15n).toBe(0n);
    expect(kernel.register(client, save.SAVE_RSP)).toBe(REGION + 0x200000n - 0x10000n);
    const types = [];
    for (let index = 0n; ; ) {
      const result = kernel.call(
        kernel.threadOf(ROOT),
        ROOT_SLOTS,
        12,
        5,
        [BigInt(CLIENT), index],
        { record: RECORD },
      );
      if (result.status !== Status.Ok) break;
      types.push([Number(result.words[0]), Number(result.words[1])]);
      index = result.words[0]! + 1n;
    }
    expect(types).toEqual([
      [1, 1],
      [2, 3],
      [3, 6],
      [4, 4],
      [5, 9],
    ]);
    kernel.check();
  });

  test("of a slot that runs is Busy, of a slot that does not exist NotFound", () => {
    const kernel = boot(module, archive, [CLIENT]);
    const root = kernel.threadOf(ROOT);
    expect(kernel.call(root, ROOT_SLOTS, 12, 3, [BigInt(CLIENT)]).status).toBe(Status.Busy);
    expect(kernel.call(root, ROOT_SLOTS, 12, 3, [99n]).status).toBe(Status.NotFound);
    expect(kernel.call(root, ROOT_SLOTS, 12, 3, [BigInt(ROOT)]).status).toBe(Status.Busy);
  });

  test("maps code and constants where they lie in the archive, and never writable", () => {
    const kernel = boot(module, archive, [CLIENT]);
    // The window of system calls reaches only linear memory; this looks at the domain's own tables
    // through a fault that does not repair.
    const client = kernel.threadOf(CLIENT);
    touch(kernel, client, REGION, USER | WRITE | PRESENT);
    expect(endFaulted(kernel)).toBe(FaultKind.OutOfBounds);
  });
});

describe("an end", () => {
  test("gives everything back, to the frame, however often", () => {
    const kernel = boot(module, archive, []);
    startSlot(kernel, CLIENT);
    stopSlot(kernel, CLIENT);
    const free = kernel.number("availableFrames");
    for (let round = 0; round < 10; round++) {
      startSlot(kernel, CLIENT);
      const client = kernel.threadOf(CLIENT);
      domainCall(kernel, CLIENT, 2, [40960n]);
      const memory = domainCall(kernel, CLIENT, 2, [8192n]).words[0]!;
      const address = Number(domainCall(kernel, CLIENT, 10, [memory, 0n, 8192n, 1n]).words[0]);
      kernel.write(CLIENT, address, new Uint8Array([1]));
      kernel.write(CLIENT, 0x30000, new Uint8Array([1]));
      domainCall(kernel, CLIENT, 3);
      domainCall(kernel, CLIENT, 5, [0x10002n, 1n]);
      domainCall(kernel, CLIENT, 4, [0x10002n, 0x123n]);
      domainCall(kernel, CLIENT, 6, [0n, 50n]);
      kernel.call(client, named(1), 9, 1, [1_000_000_000n, 0x10002n, 1n]);
      kernel.check();
      expect(stopSlot(kernel, CLIENT)).toBeGreaterThan(1);
      kernel.check();
      expect(kernel.number("availableFrames")).toBe(free);
    }
  });

  test("by exit is told to the supervisor, and the rest is done without it", () => {
    const kernel = boot(module, archive, [CLIENT]);
    const root = kernel.threadOf(ROOT);
    kernel.recv(root);
    domainCall(kernel, CLIENT, 1, [42n]);
    expect(kernel.slotState(CLIENT)).toBe("stopping");
    kernel.pass(1_000_000_000n);
    expect(kernel.slotState(CLIENT)).toBe("empty");
    expect(kernel.number("slotEndReason", CLIENT)).toBe(1);
    expect(kernel.number("slotEndCode", CLIENT)).toBe(42);
    expect(kernel.result(root)).toMatchObject({
      status: Status.Notified,
      words: [1n << 63n, 0n, 0n, 0n],
    });
    expect(kernel.call(root, ROOT_SLOTS, 12, 2, [BigInt(CLIENT)], { record: RECORD }).status).toBe(
      Status.Ok,
    );
    const word = (index: number) => kernel.u64(ROOT, RECORD + RECORD_MORE_WORDS + (index - 4) * 8);
    expect([word(12), word(13)]).toEqual([1n, 42n]);
    kernel.check();
  });

  test("names each slot that has changed once, in order, to the supervisor alone", () => {
    const kernel = boot(module, archive, [CLIENT, SERVER]);
    const next = () => kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 9);
    while (next().status === Status.Ok);
    domainCall(kernel, SERVER, 1, [1n]);
    domainCall(kernel, CLIENT, 1, [1n]);
    kernel.pass(1_000_000_000n);
    const named = [next(), next(), next()];
    expect(named.map(({ status }) => status)).toEqual([Status.Ok, Status.Ok, Status.NotFound]);
    expect(named.slice(0, 2).map(({ words }) => Number(words[0]))).toEqual([SERVER, CLIENT]);
    startSlot(kernel, CLIENT);
    expect(next().status).toBe(Status.NotFound);
    stopSlot(kernel, CLIENT);
    expect(next()).toMatchObject({ status: Status.Ok, words: [BigInt(CLIENT), 0n, 0n, 0n] });
    kernel.check();
  });

  test("while a thread waits at the slot's own inbox wakes no thread and leaves no receiver", () => {
    const kernel = boot(module, archive, [SERVER, CLIENT]);
    kernel.recv(kernel.threadOf(SERVER));
    stopSlot(kernel, SERVER);
    kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
    expect(kernel.number("threadState", kernel.threadOf(CLIENT))).toBe(1);
    kernel.check();
  });
});

describe("the end of a large instance", () => {
  test("looks at a bounded number of entries of page tables in each step, however its pages lie", () => {
    const kernel = boot(module, archive, []);
    startSlot(kernel, CLIENT);
    stopSlot(kernel, CLIENT);
    const free = kernel.number("availableFrames");
    startSlot(kernel, CLIENT);
    domainCall(kernel, CLIENT, 12, [12n]);
    for (let page = 0x1f000; page < 0x100000; page += 0x2000)
      kernel.write(CLIENT, page, new Uint8Array([1]));
    const loads = vi.spyOn(kernel.view, "getBigUint64");
    let status: Status = Status.Again;
    let most = 0;
    while (status === Status.Again) {
      loads.mockClear();
      status = kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 4, [BigInt(CLIENT)]).status;
      most = Math.max(most, loads.mock.calls.length);
    }
    expect(most).toBeGreaterThan(256);
    expect(most).toBeLessThan(800);
    kernel.check();
    expect(kernel.number("availableFrames")).toBe(free);
  });

  test("finds all its objects, those between which others live on included", async () => {
    const { client, server: serving } = TEST_SYSTEM.slots;
    const many = { quota: { objects: 40 } };
    const kernel = boot(
      module,
      await buildSystem({
        ...TEST_SYSTEM,
        slots: {
          ...TEST_SYSTEM.slots,
          server: { ...serving!, ...many },
          client: { ...client!, ...many },
        },
      }),
      [SERVER],
    );
    startSlot(kernel, CLIENT);
    stopSlot(kernel, CLIENT);
    kernel.write(SERVER, RECORD, new Uint8Array(0x1000));
    startSlot(kernel, CLIENT);
    const server = kernel.threadOf(SERVER);
    const before = [kernel.number("slotPages", SERVER), kernel.number("slotHandles", SERVER)];
    const free = kernel.number("availableFrames") + kernel.number("slotPages", CLIENT);
    const shared: number[] = [];
    for (let made = 0; made < 30; made++) {
      const memory = Number(domainCall(kernel, CLIENT, 2, [4096n]).words[0]);
      if (made % 3 === 0) domainCall(kernel, CLIENT, 3);
      if (made % 4 !== 0) continue;
      kernel.recv(server, { record: RECORD, receive: { handles: 1 } });
      kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, 4, [], {
        record: RECORD,
        handles: [[memory, 0x303]],
        receive: { handles: 1 },
      });
      const got = kernel.result(server);
      const given = kernel.u32(SERVER, RECORD + RECORD_HANDLES);
      shared.push(Number(domainCall(kernel, SERVER, 10, [BigInt(given), 0n, 4096n, 1n]).words[0]));
      kernel.write(SERVER, shared.at(-1)!, new Uint8Array([made]));
      kernel.reply(server, got.token, [], { record: RECORD, handles: [[given, 0x303]] });
      domainCall(kernel, SERVER, 8, [BigInt(given)]);
    }
    kernel.check();
    stopSlot(kernel, CLIENT);
    kernel.check();
    for (const [index, address] of shared.entries()) {
      expect(kernel.read(SERVER, address, 1)).toEqual(new Uint8Array([index * 4]));
      while (domainCall(kernel, SERVER, 11, [BigInt(address)]).status === Status.Again);
    }
    kernel.check();
    // The domain keeps pages of tables that it got meanwhile, but none of the pages that it shared.
    expect(kernel.number("slotHandles", SERVER)).toBe(before[1]);
    stopSlot(kernel, SERVER);
    kernel.check();
    expect(kernel.number("availableFrames")).toBeGreaterThanOrEqual(free);
  });
});

describe("memory", () => {
  test("is there when first touched, charged, zero or from the executable", () => {
    const kernel = boot(module, archive, [CLIENT]);
    const client = kernel.threadOf(CLIENT);
    const before = kernel.number("slotPages", CLIENT);
    touch(kernel, client, 0x20008n);
    expect(kernel.current).toBe(client);
    expect(kernel.number("slotPages", CLIENT)).toBeGreaterThan(before);
    expect(kernel.u32(CLIENT, 0x20008)).toBe(0);
    expect(kernel.readText(CLIENT, 0x10000, 12)).toBe("initial data");
    kernel.check();
  });

  test.each<[string, bigint, number, FaultKind]>([
    ["below 64 KiB", 0xfff8n, USER, FaultKind.NullReference],
    ["beyond the program's size", 0x40000n, USER, FaultKind.OutOfBounds],
    ["beyond 4 GiB", 0x1_0000_0000n, USER, FaultKind.OutOfBounds],
    ["in the stack's guard", REGION + 0x1e0000n, USER, FaultKind.StackExhausted],
    ["behind the stacks", REGION + 0x1f0000n, USER, FaultKind.StackExhausted],
    ["beyond the region", REGION + 0x200000n, USER, FaultKind.OutOfBounds],
    ["on a page of code, to write", REGION, USER | WRITE | PRESENT, FaultKind.OutOfBounds],
    [
      "on a page of data, to execute",
      0x10000n,
      USER | INSTRUCTION | PRESENT,
      FaultKind.ExecuteData,
    ],
    [
      "on a page of data not yet there, to execute",
      0x30000n,
      USER | INSTRUCTION,
      FaultKind.ExecuteData,
    ],
  ])("touched %s is a fault of its own kind", (_where, address, errorCode, kind) => {
    const kernel = boot(module, archive, [CLIENT]);
    touch(kernel, kernel.threadOf(CLIENT), address, errorCode);
    expect(endFaulted(kernel)).toBe(kind);
    kernel.pass(1_000_000_000n);
    expect(kernel.slotState(CLIENT)).toBe("empty");
    expect(kernel.number("slotEndReason", CLIENT)).toBe(2);
    expect(kernel.number("slotEndCode", CLIENT)).toBe(kind);
    kernel.check();
  });

  test("grows up to the program's maximum", () => {
    const kernel = boot(module, archive, [CLIENT]);
    expect(domainCall(kernel, CLIENT, 12, [12n]).words[0]).toBe(4n);
    expect(domainCall(kernel, CLIENT, 12, [1n]).status).toBe(Status.NoMemory);
    kernel.write(CLIENT, 0xf0000, new Uint8Array([1]));
    expect(domainCall(kernel, CLIENT, 12, [0n]).words[0]).toBe(16n);
    kernel.check();
  });

  test("beyond the quota is a fault where it is touched and NoMemory where it is asked for", () => {
    const kernel = boot(module, archive, [CLIENT]);
    expect(domainCall(kernel, CLIENT, 2, [4096n * 300n]).status).toBe(Status.NoMemory);
    const client = kernel.threadOf(CLIENT);
    domainCall(kernel, CLIENT, 12, [12n]);
    for (
      let page = 0x11000n;
      page < 0x100000n && kernel.slotState(CLIENT) === "running";
      page += 4096n
    )
      touch(kernel, client, page);
    expect(endFaulted(kernel)).toBe(FaultKind.QuotaExhausted);
    kernel.check();
  });

  test("the stack of a thread that has faulted is read word by word, and nothing else of anybody", () => {
    const kernel = boot(module, archive, [CLIENT, SERVER]);
    const client = kernel.threadOf(CLIENT);
    const top = kernel.register(client, save.SAVE_RSP);
    const word = (offset: bigint, slot = CLIENT) =>
      kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 8, [BigInt(slot), offset]);
    expect(word(0n).status).toBe(Status.NotFound);

    kernel.setRegister(client, save.SAVE_RSP, top - 64n);
    touch(kernel, client, top - 8n);
    touch(kernel, client, 0n);
    expect(word(0n).status).toBe(Status.Ok);
    expect(word(0n).words[0]).toBe(0n);
    expect(word(56n).status).toBe(Status.Ok);
    for (const offset of [4n, 57n, 64n, 72n, 0x10000n, 0xffff_fff8n])
      expect(word(offset).status).toBe(Status.NotFound);
    expect(word(0n, SERVER).status).toBe(Status.NotFound);
    expect(word(0n, 99).status).toBe(Status.NotFound);

    // The program says where its stack lies, and may say anything.
    const code = (rsp: bigint) => {
      kernel.setRegister(client, save.SAVE_RSP, rsp);
      return word(0n).status;
    };
    expect(code(REGION)).toBe(Status.Ok);
    for (const elsewhere of [
      0n,
      0x10000n,
      REGION - 8n,
      REGION + 0x200000n,
      0xffff_8000_0000_0000n,
      0xffff_fff0_0000_0000n,
      (1n << 64n) - 8n,
    ])
      expect(code(elsewhere)).toBe(Status.NotFound);
    expect(endFaulted(kernel)).toBe(FaultKind.NullReference);
    expect(word(0n).status).toBe(Status.NotFound);
    kernel.check();
  });

  test("objects are sealed, measured step by step, and then cannot be written", () => {
    const kernel = boot(module, archive, [CLIENT]);
    const client = kernel.threadOf(CLIENT);
    const memory = Number(domainCall(kernel, CLIENT, 2, [5000n]).words[0]);
    const address = Number(
      domainCall(kernel, CLIENT, 10, [BigInt(memory), 0n, 5000n, 1n]).words[0],
    );
    expect(kernel.call(client, memory, 2, 2).status).toBe(Status.Sealed);
    expect(kernel.call(client, memory, 2, 1).status).toBe(Status.Busy);
    expect(domainCall(kernel, CLIENT, 11, [BigInt(address)]).status).toBe(Status.Ok);
    expect(kernel.call(client, memory, 2, 1).status).toBe(Status.Ok);
    expect(domainCall(kernel, CLIENT, 10, [BigInt(memory), 0n, 5000n, 1n]).status).toBe(
      Status.Sealed,
    );
    let steps = 0;
    let result = kernel.call(client, memory, 2, 2);
    for (; result.status === Status.Again; steps++) result = kernel.call(client, memory, 2, 2);
    expect(steps).toBe(63);
    // SHA-256 of 8,192 zeroes.
    expect(Buffer.from(new BigUint64Array(result.words).buffer).toString("hex")).toBe(
      "9f1dcbc35c350d6027f98be0f5c8b43b42ca52b7604459c0c42be3aa88913d47",
    );
    expect(kernel.call(client, memory, 2, 0).words).toEqual([8192n, 1n, 1n, 0n]);
    kernel.check();
  });
});

test("objects that two programs measure in turn come to their digests all the same", () => {
  const kernel = boot(module, archive, [CLIENT, OTHER]);
  const objects = [CLIENT, OTHER].map((slot) => {
    const thread = kernel.threadOf(slot);
    const memory = Number(domainCall(kernel, slot, 2, [8192n]).words[0]);
    expect(kernel.call(thread, memory, 2, 1).status).toBe(Status.Ok);
    return { thread, memory };
  });
  for (let step = 0; step < 63; step++)
    for (const { thread, memory } of objects)
      expect(kernel.call(thread, memory, 2, 2).status).toBe(Status.Again);
  for (const { thread, memory } of objects) {
    const result = kernel.call(thread, memory, 2, 2);
    expect(result.status).toBe(Status.Ok);
    expect(Buffer.from(new BigUint64Array(result.words).buffer).toString("hex")).toBe(
      "9f1dcbc35c350d6027f98be0f5c8b43b42ca52b7604459c0c42be3aa88913d47",
    );
  }
  kernel.check();
});

test("quotas of memory beyond the machine's are told at boot, and the first refusal for it once", () => {
  const roomy = boot(module, archive, [CLIENT]);
  expect(domainCall(roomy, CLIENT, 2, [4096n * 300n]).status).toBe(Status.NoMemory);
  expect(roomy.log).not.toMatch(/quotas of memory|used up/);

  const small = new KernelInNode(module, archive, { memoryBytes: 1_680_000 });
  startSlot(small, CLIENT);
  expect(small.log).toMatch(
    /^trine: quotas of memory add up to 4000 KiB, and the machine has \d+ KiB for them$/m,
  );
  expect(small.log).not.toContain("used up");
  for (let attempt = 0; attempt < 2; attempt++)
    expect(domainCall(small, CLIENT, 2, [4096n * 160n]).status).toBe(Status.NoMemory);
  expect(
    small.log.match(
      /^trine: the machine's memory is used up, and a domain was refused pages within its quota$/gm,
    ),
  ).toHaveLength(1);
  small.check();
});

test("a trace takes no memory that was promised to somebody", () => {
  const kernel = new KernelInNode(module, archive, { memoryBytes: 1_680_000 });
  startSlot(kernel, CLIENT);
  for (let pages = 64n; pages > 0n; pages /= 2n)
    while (domainCall(kernel, CLIENT, 2, [pages * 4096n]).status === Status.Ok);
  expect(kernel.number("availableFrames")).toBeLessThan(8);
  const root = kernel.threadOf(ROOT);
  for (let attempt = 0; attempt < 2; attempt++)
    expect(kernel.call(root, ROOT_TRACE, 14, 0, [0n, 1n]).status).toBe(Status.NoMemory);
  kernel.check();
});

const UNDEFINED_OPCODE = 6;
const DIVIDE = 0;

describe("a fault", () => {
  test.each<[string, number, number[], Record<number, bigint>, FaultKind]>([
    ["ud2", UNDEFINED_OPCODE, [0x0f, 0x0b], {}, FaultKind.Unreachable],
    ["ud1 eax, ecx", UNDEFINED_OPCODE, [0x0f, 0xb9, 0xc1], {}, FaultKind.OutOfBounds],
    ["ud1 eax, edi", UNDEFINED_OPCODE, [0x0f, 0xb9, 0xc7], {}, FaultKind.IndirectCallSignature],
    ["ud1 ecx, eax", UNDEFINED_OPCODE, [0x0f, 0xb9, 0xc8], {}, FaultKind.IndirectCallBound],
    ["ud1 ecx, esi", UNDEFINED_OPCODE, [0x0f, 0xb9, 0xce], {}, FaultKind.IndirectCallNull],
    [
      "ud1 with the number of a kind that is none of a trap",
      UNDEFINED_OPCODE,
      [0x0f, 0xb9, 0xc4],
      {},
      FaultKind.IllegalInstruction,
    ],
    [
      "ud1 with the highest number",
      UNDEFINED_OPCODE,
      [0x0f, 0xb9, 0xff],
      {},
      FaultKind.IllegalInstruction,
    ],
    [
      "ud1 with a number beyond the mask",
      UNDEFINED_OPCODE,
      [0x0f, 0xb9, 0xe8],
      {},
      FaultKind.IllegalInstruction,
    ],
    ["ud1 with memory", UNDEFINED_OPCODE, [0x0f, 0xb9, 0x07], {}, FaultKind.IllegalInstruction],
    ["ud0", UNDEFINED_OPCODE, [0x0f, 0xff, 0xc7], {}, FaultKind.IllegalInstruction],
    ["div ecx", DIVIDE, [0xf7, 0xf1], { [save.SAVE_RCX]: 0n }, FaultKind.DivideByZero],
    [
      "div ecx, whose upper half does not count",
      DIVIDE,
      [0xf7, 0xf1],
      { [save.SAVE_RCX]: 1n << 32n },
      FaultKind.DivideByZero,
    ],
    ["idiv ebx", DIVIDE, [0xf7, 0xfb], { [save.SAVE_RBX]: 0xffff_ffffn }, FaultKind.DivideOverflow],
    ["idiv esi", DIVIDE, [0xf7, 0xfe], { [save.SAVE_RSI]: 1n }, FaultKind.DivideOverflow],
    ["idiv edi", DIVIDE, [0xf7, 0xff], { [save.SAVE_RDI]: 1n }, FaultKind.DivideOverflow],
    ["idiv ebp", DIVIDE, [0xf7, 0xfd], { [save.SAVE_RBP]: 1n }, FaultKind.DivideOverflow],
    [
      "idiv rcx, whose upper half counts",
      DIVIDE,
      [0x48, 0xf7, 0xf9],
      { [save.SAVE_RCX]: 1n << 32n },
      FaultKind.DivideOverflow,
    ],
    ["idiv r8d", DIVIDE, [0x41, 0xf7, 0xf8], { [save.SAVE_R8]: 1n }, FaultKind.DivideOverflow],
    [
      "idiv r15",
      DIVIDE,
      [0x49, 0xf7, 0xff],
      { [save.SAVE_R15]: 1n << 40n },
      FaultKind.DivideOverflow,
    ],
    ["div of memory, which no program of ours has", DIVIDE, [0xf7, 0x37], {}, FaultKind.Other],
    ["div rsp", DIVIDE, [0x48, 0xf7, 0xf4], {}, FaultKind.Other],
    ["div of eight bits", DIVIDE, [0xf6, 0xf1], {}, FaultKind.Other],
  ])("of %s is told by the instruction", (_what, vector, code, registers, kind) => {
    const kernel = boot(module, archive, [CLIENT]);
    const client = kernel.threadOf(CLIENT);
    // Over the end of a page, and the next one is not there.
    const place = 0x21000 - code.length;
    kernel.write(CLIENT, place, new Uint8Array(code));
    kernel.become(client);
    for (const name of [
      "RAX",
      "RBX",
      "RCX",
      "RDX",
      "RSI",
      "RDI",
      "RBP",
      "R8",
      "R14",
      "R15",
    ] as const)
      kernel.setRegister(client, save[`SAVE_${name}`], 0n);
    for (const [register, value] of Object.entries(registers))
      kernel.setRegister(client, Number(register), value);
    kernel.setRegister(client, save.SAVE_RIP, BigInt(place));
    kernel.number("fault", vector, 0, BigInt(place));
    expect(endFaulted(kernel)).toBe(kind);
  });

  test("has words of its own for each kind", () => {
    const kinds = Object.values(FaultKind).filter(
      (kind): kind is FaultKind => typeof kind === "number",
    );
    expect(new Set(kinds.map(faultName)).size).toBe(kinds.length);
  });

  test("is a call of the faulting thread to its slot's handler, who lets it go on", () => {
    const kernel = boot(module, archive, [SERVER]);
    const root = kernel.threadOf(ROOT);
    const server = kernel.threadOf(SERVER);
    kernel.recv(root, { record: RECORD });
    kernel.become(server);
    kernel.setRegister(server, save.SAVE_RAX, 0x77n);
    kernel.number("fault", 13, 0, REGION + 0x10n);
    const got = kernel.result(root);
    expect(got).toMatchObject({ status: Status.Ok, callerSlot: SERVER, callerClass: 16 });
    expect(got.words[0]).toBe(BigInt(SERVER));
    expect(got.words[2]).toBe(BigInt(FaultKind.Protection));
    expect(kernel.u64(ROOT, RECORD + RECORD_MORE_WORDS)).toBe(REGION + 0x10n);
    expect(kernel.slotState(SERVER)).toBe("faulted");
    kernel.check();
    expect(kernel.reply(root, got.token).status).toBe(Status.Ok);
    expect(kernel.slotState(SERVER)).toBe("running");
    kernel.become(server);
    expect(kernel.register(server, save.SAVE_RAX)).toBe(0x77n);
    kernel.check();
  });

  test("ends the domain where the handler says so, or there is none, or it cannot take the message", () => {
    const kernel = boot(module, archive, [SERVER, CLIENT]);
    const root = kernel.threadOf(ROOT);
    kernel.recv(root, { record: RECORD });
    kernel.become(kernel.threadOf(SERVER));
    kernel.number("fault", 6, 0, REGION);
    const got = kernel.result(root);
    expect(got.words[2]).toBe(BigInt(FaultKind.Unreachable));
    kernel.reply(root, got.token, [1n], { error: true });
    kernel.pass(1_000_000_000n);
    expect(kernel.slotState(SERVER)).toBe("empty");

    startSlot(kernel, SERVER);
    kernel.recv(root); // The bits that the end has set.
    kernel.recv(root); // No record: a fault has seven words.
    kernel.become(kernel.threadOf(SERVER));
    kernel.number("fault", 6, 0, REGION);
    kernel.pass(1_000_000_000n);
    expect(kernel.slotState(SERVER)).toBe("empty");
    expect(kernel.log).toContain("server: failed check of its own at ");

    // The supervisor's own fault has no handler.
    kernel.become(root);
    kernel.number("fault", 1, 0, REGION);
    kernel.pass(1_000_000_000n);
    expect(kernel.log).toContain("root: exception at ");
    expect(kernel.number("slotInstance", ROOT)).toBe(2);
    kernel.check();
  });

  test("is a line in the log, be its handler told or not, unless a program drives the line that the log is printed on", () => {
    const kernel = boot(module, archive, [SERVER]);
    const root = kernel.threadOf(ROOT);
    const fault = (): void => {
      kernel.recv(root, { record: RECORD, timeout: 1n }); // The bits that the end before has set.
      kernel.recv(root, { record: RECORD });
      kernel.become(kernel.threadOf(SERVER));
      kernel.number("fault", 6, 0, REGION + 0x20n);
    };
    const lines = (): number =>
      kernel.log.split("trine: server: failed check of its own at ").length - 1;
    const end = (): void => {
      kernel.reply(root, kernel.result(root).token, [1n], { error: true });
      kernel.pass(1_000_000_000n);
      expect(kernel.slotState(SERVER)).toBe("empty");
      startSlot(kernel, SERVER);
    };
    fault();
    expect(lines()).toBe(0); // Its handler may still resume it.
    end();
    expect(lines()).toBe(1);
    startSlot(kernel, DRIVER);
    fault();
    end();
    expect(lines()).toBe(1);
    stopSlot(kernel, DRIVER);
    fault();
    end();
    expect(lines()).toBe(2);
    // The handler ends before it tells anyone, so the kernel logs the fault although a program
    // drives the line.
    startSlot(kernel, DRIVER);
    fault();
    domainCall(kernel, ROOT, 1, [0n]);
    kernel.pass(1_000_000_000n);
    expect(lines()).toBe(3);
    kernel.check();
  });

  test("leaves the domain running again when the thread is killed, or resumed, and no other waits for its handler", () => {
    const kernel = boot(module, archive, [SERVER]);
    const [root, server] = [kernel.threadOf(ROOT), kernel.threadOf(SERVER)];
    const faulting = [0, 1].map(() => {
      const handle = Number(kernel.call(server, 0x10001, 1, 6, [0n, 100n]).words[0]);
      return { handle, thread: kernel.threadOf(SERVER) };
    });
    const call = (method: number, handle: number) => kernel.call(server, handle, 6, method).status;
    for (const { thread } of faulting) {
      kernel.become(thread);
      kernel.number("fault", 13, 0, REGION);
    }
    const got = kernel.recv(root, { record: RECORD });
    expect(got.status).toBe(Status.Ok);
    expect(kernel.slotState(SERVER)).toBe("faulted");
    // The first waits for its answer, the second is still in the queue.
    expect(call(5, faulting[1]!.handle)).toBe(Status.Ok);
    kernel.check();
    expect(kernel.slotState(SERVER)).toBe("faulted");
    expect(call(5, faulting[0]!.handle)).toBe(Status.Ok);
    kernel.check();
    expect(kernel.slotState(SERVER)).toBe("running");
    expect(kernel.reply(root, got.token).status).toBe(Status.Gone);
    expect(kernel.recv(root, { timeout: 1n }).status).toBe(Status.Timeout);
  });

  test("of one thread does not hide that of another", () => {
    const kernel = boot(module, archive, [SERVER]);
    const root = kernel.threadOf(ROOT);
    const first = kernel.threadOf(SERVER);
    domainCall(kernel, SERVER, 6, [0n, 100n]);
    for (const thread of [first, kernel.threadOf(SERVER)]) {
      kernel.become(thread);
      kernel.number("fault", 13, 0, REGION);
    }
    for (const left of ["faulted", "running"]) {
      const got = kernel.recv(root, { record: RECORD });
      kernel.reply(root, got.token);
      expect(kernel.slotState(SERVER)).toBe(left);
    }
    kernel.check();
  });

  test("of a slot whose handler is busy waits its turn", () => {
    const kernel = boot(module, archive, [SERVER]);
    const root = kernel.threadOf(ROOT);
    kernel.become(kernel.threadOf(SERVER));
    kernel.number("fault", 13, 0, REGION);
    expect(kernel.number("threadState", kernel.threadOf(SERVER))).toBe(1);
    kernel.check();
    expect(kernel.recv(root, { record: RECORD }).status).toBe(Status.Ok);
    stopSlot(kernel, SERVER);
    kernel.check();
  });
});

describe("the supervisor", () => {
  test("is started again by the kernel, and finds what ran", () => {
    const kernel = boot(module, archive, [SERVER, CLIENT]);
    kernel.recv(kernel.threadOf(SERVER));
    kernel.recv(kernel.threadOf(CLIENT));
    domainCall(kernel, ROOT, 1, [0n]);
    kernel.settle();
    expect(kernel.slotState(ROOT)).toBe("running");
    expect(kernel.number("slotInstance", ROOT)).toBe(2);
    const described = kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 2, [BigInt(SERVER)], {
      record: RECORD,
    });
    expect(described).toMatchObject({ status: Status.Ok });
    expect(SLOT_STATES[Number(described.words[0])]).toBe("running");
    kernel.check();
  });

  test("that dies too often within a minute stops the machine", () => {
    const kernel = boot(module, archive, []);
    const die = () => {
      domainCall(kernel, ROOT, 1, [0n]);
      kernel.settle();
    };
    for (let death = 0; death < 4; death++) {
      die();
      expect(kernel.slotState(ROOT)).toBe("running");
    }
    expect(die).toThrow(MachineStopped);
    expect(kernel.log).toContain("supervisor died");
  });

  test("that dies too often starts the machine again where the image says so", async () => {
    const kernel = boot(module, await buildSystem({ ...TEST_SYSTEM, rebootsOnLoop: true }), []);
    const deaths = () => {
      for (let death = 0; death < 5; death++) {
        domainCall(kernel, ROOT, 1, [0n]);
        kernel.settle();
      }
    };
    expect(deaths).toThrow(MachineStopped);
    expect(kernel.log).toContain("failure 1 in a row; the machine starts again in 10 s");
    expect(kernel.portWrites).toContain("64=fe");
  });

  test("that dies seldom is always started again", () => {
    const kernel = boot(module, archive, []);
    for (let death = 0; death < 12; death++) {
      domainCall(kernel, ROOT, 1, [0n]);
      kernel.settle();
      expect(kernel.slotState(ROOT)).toBe("running");
      kernel.pass(16_000_000_000n);
    }
    kernel.check();
  });
});

describe("memory is out, and the supervisor", () => {
  /**
   * Two programs whose quotas are more than the memory there is take what they get; `greedy` takes
   * more.
   */
  function exhausted(): { readonly kernel: KernelInNode; readonly greedy: () => void } {
    const kernel = new KernelInNode(module, archive, { memoryBytes: 1_500_000 });
    for (const slot of [CLIENT, OTHER]) startSlot(kernel, slot);
    const greedy = () => {
      for (const slot of [CLIENT, OTHER])
        for (let pages = 64n; pages > 0n; pages /= 2n)
          while (domainCall(kernel, slot, 2, [pages * 4096n]).status === Status.Ok);
    };
    greedy();
    expect(kernel.number("availableFrames")).toBeLessThan(3);
    expect(kernel.number("slotPages", CLIENT) + kernel.number("slotPages", OTHER)).toBeLessThan(
      380,
    );
    return { kernel, greedy };
  }

  test("has what its quota promises all the same", () => {
    const { kernel } = exhausted();
    domainCall(kernel, ROOT, 12, [12n]);
    for (
      let page = 0x11000;
      page < 0x100000 && kernel.big("touch", ROOT, page, 1) !== 0n;
      page += 4096
    );
    expect(kernel.number("slotPages", ROOT)).toBe(200);
    kernel.check();
  });

  test("comes back when it dies, whatever the others take meanwhile", () => {
    const { kernel, greedy } = exhausted();
    for (let death = 1; death < 4; death++) {
      domainCall(kernel, ROOT, 1, [0n]);
      for (let turn = 0; turn < 400 && kernel.number("slotInstance", ROOT) === death; turn++) {
        greedy();
        kernel.pass(100_000n);
      }
      kernel.check();
      expect(kernel.number("slotInstance", ROOT)).toBe(death + 1);
      expect(kernel.slotState(ROOT)).toBe("running");
      expect(kernel.log).not.toContain("cannot start");
      expect(kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 0)).toMatchObject({
        status: Status.Ok,
        words: [5n, 0n, 0n, 0n],
      });
    }
  });
});

const BIND = 0;
const UNBIND = 2;

describe("a driver", () => {
  test("gets its interrupt as bits, masked until its next recv", () => {
    const kernel = boot(module, archive, [DRIVER]);
    const driver = kernel.threadOf(DRIVER);
    const line = named(1);
    expect(kernel.call(driver, line, 7, 0, [0x10002n, 8n]).status).toBe(Status.Ok);
    kernel.recv(driver);
    const unmasked = kernel.portWrites.length;
    kernel.interrupt(4);
    expect(kernel.result(driver)).toMatchObject({
      status: Status.Notified,
      words: [8n, 0n, 0n, 0n],
    });
    expect(kernel.portWrites.slice(unmasked)).toContain("21=ff");
    kernel.recv(driver, { keepMasked: true, timeout: 1n });
    expect(kernel.portWrites.slice(unmasked)).not.toContain("21=ef");
    kernel.recv(driver);
    expect(kernel.portWrites.slice(unmasked)).toContain("21=ef");
    stopSlot(kernel, DRIVER);
    kernel.interrupt(4);
    kernel.check();
  });

  test("binds an interrupt that is bound only after it has unbound it, even while it is masked, and still gets it", () => {
    const kernel = boot(module, archive, [DRIVER]);
    const driver = kernel.threadOf(DRIVER);
    const line = (method: number, ...words: bigint[]): Status =>
      kernel.call(driver, named(1), 7, method, words).status;
    const second = domainCall(kernel, DRIVER, 3).words[0]!;
    expect(line(UNBIND)).toBe(Status.NotFound);
    expect(line(BIND, 0x10002n, 8n)).toBe(Status.Ok);
    kernel.recv(driver);
    kernel.interrupt(4);
    for (const inbox of [0x10002n, second]) expect(line(BIND, inbox, 1n)).toBe(Status.Busy);
    const before = kernel.portWrites.length;
    expect(line(UNBIND)).toBe(Status.Ok);
    expect(kernel.portWrites.slice(before)).toContain("21=ff");
    expect(kernel.portWrites.slice(before)).not.toContain("21=ef");
    kernel.check();
    expect(line(UNBIND)).toBe(Status.NotFound);
    kernel.recv(driver, { timeout: 1n });
    expect(kernel.portWrites.slice(before)).not.toContain("21=ef");
    kernel.interrupt(4); // Lost: the line is not bound.
    expect(kernel.recv(driver, { timeout: 1n }).status).toBe(Status.Timeout);
    expect(line(BIND, second, 1n)).toBe(Status.Ok);
    expect(kernel.portWrites.slice(before)).toContain("21=ef");
    kernel.interrupt(4);
    expect(kernel.recv(driver, { inbox: Number(second) })).toMatchObject({
      status: Status.Notified,
      words: [1n, 0n, 0n, 0n],
    });
    kernel.check();
  });

  test("whose inbox is gone may bind its interrupt again, and so may the next instance", () => {
    const kernel = boot(module, archive, [DRIVER]);
    const bind = (inbox: bigint): Status =>
      kernel.call(kernel.threadOf(DRIVER), named(1), 7, BIND, [inbox, 1n]).status;
    const second = domainCall(kernel, DRIVER, 3).words[0]!;
    expect(bind(second)).toBe(Status.Ok);
    expect(bind(0x10002n)).toBe(Status.Busy);
    expect(domainCall(kernel, DRIVER, 8, [second]).status).toBe(Status.Ok);
    expect(bind(0x10002n)).toBe(Status.Ok);
    stopSlot(kernel, DRIVER);
    startSlot(kernel, DRIVER);
    expect(bind(0x10002n)).toBe(Status.Ok);
    kernel.check();
  });

  test("that has dropped the inbox of its interrupt leaves no trace of it", () => {
    const kernel = boot(module, archive, [DRIVER]);
    const driver = kernel.threadOf(DRIVER);
    const second = domainCall(kernel, DRIVER, 3).words[0]!;
    expect(kernel.call(driver, named(1), 7, 0, [second, 1n]).status).toBe(Status.Ok);
    expect(domainCall(kernel, DRIVER, 8, [second]).status).toBe(Status.Ok);
    const before = kernel.portWrites.length;
    stopSlot(kernel, DRIVER);
    kernel.check();
    expect(kernel.portWrites.slice(before)).toContain("21=ff");
    kernel.interrupt(4);
    kernel.check();
  });

  test("has exactly its ports", () => {
    const kernel = boot(module, archive, [DRIVER, CLIENT]);
    const bitmap = Number(kernel.register(kernel.threadOf(DRIVER), save.SAVE_RESUME) >> 32n);
    expect(kernel.windowByte(bitmap + 0x7f)).toBe(0);
    expect(kernel.windowByte(bitmap + 0x7e)).toBe(0xff);
    expect(kernel.windowByte(bitmap + 0x80)).toBe(0xff);
    expect(Number(kernel.register(kernel.threadOf(CLIENT), save.SAVE_RESUME) >> 32n)).toBe(0);
    expect(kernel.call(kernel.threadOf(DRIVER), named(0), 8, 0).words).toEqual([
      0x3f8n,
      8n,
      0n,
      0n,
    ]);
  });

  test.each([
    [0x3f8, 8],
    [0x3f9, 2],
    [0x3f9, 7],
    [0x3e9, 8],
    [0x3e5, 27],
    [0xb040, 0x4fc0],
    [0xffff, 1],
  ])("whose ports begin at %i and are %i has no other", async (first, count) => {
    const driver = { devices: { registers: ports(first, count), line: interrupt(4) } };
    const kernel = boot(
      module,
      await buildSystem({ ...TEST_SYSTEM, slots: { ...TEST_SYSTEM.slots, driver } }),
      [DRIVER],
    );
    const bitmap = Number(kernel.register(kernel.threadOf(DRIVER), save.SAVE_RESUME) >> 32n);
    const bytes = kernel.windowBytes(bitmap, 0x2000);
    const allowed = Array.from({ length: 0x10000 }, (_, port) => port).filter(
      (port) => ((bytes[port >> 3]! >> (port & 7)) & 1) === 0,
    );
    expect([allowed.length, allowed[0], allowed.at(-1)]).toEqual([count, first, first + count - 1]);
  });
});

test("a thread has one handle, which is neither copied nor handed on: ending it is done in the step that drops it", () => {
  const kernel = boot(module, archive);
  const client = kernel.threadOf(CLIENT);
  const made = Number(kernel.call(client, 0x10001, 1, 6, [0n, 50n]).words[0]);
  kernel.recv(kernel.threadOf(SERVER), { record: RECORD });
  for (const handle of [made, 0x10003]) {
    expect(kernel.call(client, 0x10001, 1, 7, [BigInt(handle), 1n, 0n]).status).toBe(
      Status.NoRight,
    );
    expect(
      kernel.call(client, CLIENT_ECHO, 0x100, 4, [], {
        record: RECORD,
        handles: [[handle, 1]],
        timeout: 1n,
      }).status,
    ).toBe(Status.NoRight);
  }
});

test("the kernel's log prints a line under the slot's name and nothing that moves the cursor", () => {
  const kernel = boot(module, archive, []);
  kernel.write(ROOT, 0x21000, new TextEncoder().encode("hello\u001b[2J\n"));
  const result = kernel.call(kernel.threadOf(ROOT), ROOT_LOG, 13, 0, [(10n << 32n) | 0n], {
    record: RECORD,
    arena: { address: 0x21000, bytes: 10 },
  });
  expect(result.status).toBe(Status.Ok);
  expect(kernel.log.split("\n").slice(-2)).toEqual(["root: hello.[2J.", ""]);
});

test("a system tells its memory and its boot line", () => {
  const kernel = boot(module, archive, [OTHER]);
  const root = kernel.threadOf(ROOT);
  const memory = kernel.call(root, ROOT_SYSTEM, 15, 0);
  expect(memory.words[1]).toBe(BigInt(kernel.number("availableFrames")));
  const line = kernel.call(root, ROOT_SYSTEM, 15, 3, [], {
    record: RECORD,
    receive: { address: 0x21000, bytes: 512 },
  });
  expect(kernel.readText(ROOT, 0x21000, Number(line.words[0]! >> 32n))).toContain(
    "development key",
  );
  expect(() => kernel.call(root, ROOT_SYSTEM, 15, 1, [5n])).toThrow(MachineStopped);
});
