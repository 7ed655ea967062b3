import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Monitor, compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { compileTest } from "../../tests/support/policy-system.ts";
import { RULE_NONE } from "../abi/blob.ts";
import { Event } from "../abi/event.ts";
import { Status } from "../abi/status.ts";

/** Six slots and the kernel share 2,048 records, but none more than 256. */
const SHARE = 256;

let wasm: Uint8Array;
let blob: Uint8Array;
let monitor: Monitor;

beforeAll(async () => {
  wasm = await compileMonitor();
  const compiled = await compileTest(
    "allow Shell -> Console { write } when not urgent\nallow Shell -> Console { flush } audit\nallow Shell -> Uart { configure } when (baud & 0x30) == 0x10\nallow Files -> Console { write } when length(text) & 0x7 == 0",
  );
  if (compiled.blob === undefined) throw new Error("no blob");
  blob = compiled.blob;
});
beforeEach(() => {
  monitor = startMonitor(wasm);
  monitor.run("putInForce", monitor.put(blob));
  monitor.run("auditStart");
});

/** A request of the shell to the console, which slot 2 serves. */
const CONSOLE = { subjectClass: 36, targetClass: 34, interfaceId: 0x101 } as const;
/** `write` of three bytes, urgent: the rule refuses it to the shell. */
const URGENT = { ...CONSOLE, method: 0, words: [3n << 32n, 1n], arenaBytes: 3 } as const;
/** `flush`, by the attacker in slot 5: no rule allows it. */
const ATTACK = { ...CONSOLE, subjectSlot: 5, subjectClass: 37, method: 2 } as const;
/** A method of the kernel's clock, by the attacker: no rule allows it. */
const CLOCK = { subjectSlot: 5, subjectClass: 37, targetClass: 9, interfaceId: 9, method: 0 };

function record(slot: number, detail: bigint, kind = 4): void {
  monitor.run("ask", Event.Request, slot, 2, 36, 34, 0x101, 0);
  monitor.run("recordAsked", slot, kind, RULE_NONE, detail);
}
const read = (sequence: bigint) => monitor.auditRecord(sequence);
const state = () => [
  monitor.big("auditNext"),
  monitor.big("auditOldest"),
  monitor.big("auditLost"),
];

describe("the audit log", () => {
  test("is empty at first", () => {
    expect(state()).toEqual([0n, 0n, 0n]);
    expect(read(0n)).toBeUndefined();
  });

  test("keeps every field of a denial", () => {
    monitor.run("setTime", 123_456n);
    monitor.judge(URGENT);
    expect(read(0n)).toEqual({
      sequence: 0n,
      timeNs: 123_456n,
      kind: 0,
      subjectSlot: 4,
      targetSlot: 2,
      subjectClass: 36,
      targetClass: 34,
      interfaceId: 0x101,
      method: 0,
      rule: expect.any(Number) as number,
      line: 2,
      repeats: 1,
      detail: 1n,
      field: 2,
      mask: 0n,
    });
    expect(monitor.text(monitor.number("ruleText", read(0n)?.rule ?? 0))).toBe(
      "allow Shell -> Console { write } when not urgent",
    );
  });

  test("says where the refused value stands", () => {
    monitor.judge(URGENT);
    expect(read(0n)).toMatchObject({ detail: 1n, field: 2 }); // `urgent`, the second word, whole.
    monitor.judge({ ...URGENT, subjectSlot: 5, subjectClass: 37 });
    expect(read(1n)).toMatchObject({ detail: 0n, field: 0 }); // No rule at all.
  });

  test("keeps the mask under which a value was refused, and 0 where there was none", () => {
    const refuse = (
      subjectClass: number,
      targetClass: number,
      interfaceId: number,
      method: number,
      ...words: readonly bigint[]
    ): readonly [bigint, number, bigint] => {
      const sequence = monitor.big("auditNext");
      const arenaBytes = Number((words[0] ?? 0n) >> 32n);
      expect(
        monitor.judge({ subjectClass, targetClass, interfaceId, method, words, arenaBytes }),
      ).toBe(Status.Denied);
      const found = read(sequence);
      return [found?.detail ?? -1n, found?.field ?? -1, found?.mask ?? -1n];
    };
    expect(refuse(36, 33, 0x102, 1, 0x2fn, 2n, 0n)).toEqual([0x20n, 1, 0x30n]);
    expect(refuse(35, 34, 0x101, 0, 13n << 32n, 0n)).toEqual([5n, 1 | (32 << 8), 7n]);
    expect(refuse(36, 34, 0x101, 0, 5n << 32n, 1n)).toEqual([1n, 2, 0n]);
  });

  test.each([
    ["a word too many", 0, 0x102, 1, [1n, 0n, 0n, 0n], [], 0, 1, 4n],
    ["a number beyond its type", 0, 0x102, 1, [0n, 0n, 256n], [], 0, 4 | (2 << 8), 256n],
    [
      "a name that the enumeration does not have",
      0,
      0x102,
      1,
      [0n, 3n, 0n],
      [],
      0,
      4 | (1 << 8),
      3n,
    ],
    [
      "a negative number beyond its type",
      0,
      0x103,
      2,
      [0n, 0n, 0xffff_ffff_7fff_ffffn, 0n],
      [],
      0,
      4 | (2 << 8),
      0xffff_ffff_7fff_ffffn,
    ],
    ["a text of a byte too many", 0, 0x101, 0, [4097n << 32n, 0n], [], 4097, 6, 4097n],
    ["a text beyond what was sent", 0, 0x101, 0, [(3n << 32n) | 8n, 0n], [], 10, 5, 11n],
    ["bytes that no field describes", 0, 0x101, 2, [], [], 7, 3, 7n],
    ["handles missing", 0, 0x102, 2, [0n], [2], 0, 2, 1n],
    ["the second handle of another type", 0, 0x102, 2, [0n], [2, 9], 0, 7 | (1 << 8), 9n],
    ["a response", 1, 0x103, 1, [0n, 2n], [], 0, 4 | (1 << 8) | (1 << 16), 2n],
    ["an error that does not exist", 2, 0x101, 2, [3n], [], 0, 8 | (2 << 16), 3n],
  ] as const)(
    "says what is malformed, and what was given: %s",
    (_name, event, interfaceId, method, words, handles, arenaBytes, field, given) => {
      expect(
        monitor.judge({
          event,
          subjectClass: 36,
          targetClass: 34,
          interfaceId,
          method,
          words,
          handles: handles.map((type) => ({ type, interfaceId: 0, objectClass: type })),
          arenaBytes,
        }),
      ).toBe(Status.Malformed);
      expect(read(0n)).toMatchObject({ detail: given, kind: 6, field });
    },
  );

  test("records what a rule with `audit` grants", () => {
    expect(monitor.judge({ ...CONSOLE, method: 2 })).toBe(Status.Ok);
    expect(read(0n)).toMatchObject({ subjectSlot: 4, kind: 7, line: 3 });
  });

  test.each([
    ["a request that no rule allows", () => monitor.judge(ATTACK), 0],
    ["a response", () => monitor.judge({ ...ATTACK, event: Event.Response }), 1],
    ["an error without a number", () => monitor.judge({ ...ATTACK, event: Event.Error }), 6],
    ["an error", () => monitor.judge({ ...ATTACK, event: Event.Error, words: [1n] }), 2],
    ["an execution", () => monitor.number("judgeExecute", 5, 37, 65536), 3],
    ["a kernel method", () => monitor.judgeEarly(CLOCK), 5],
    ["a permission", () => monitor.number("judgePermission", 5, 37, 2, 1), 5],
    [
      "a message with a word too many",
      () => monitor.judge({ ...CONSOLE, method: 2, words: [0n] }),
      6,
    ],
    [
      "a method that does not exist",
      () => monitor.judge({ ...CONSOLE, method: 3, words: [0n] }),
      0,
    ],
  ] as const)("says which kind of denial: %s", (_name, call, kind) => {
    expect(call()).not.toBe(Status.Ok);
    expect(read(0n)).toMatchObject({ kind, line: 0 });
  });

  test("counts a denied answer with those of who sent it, not of who asked", () => {
    for (let i = 0; i < 2 * SHARE + 2; i++)
      expect(monitor.judge({ ...ATTACK, subjectSlot: 4, event: 1, method: 2 + (i & 1) })).toBe(
        Status.Denied,
      );
    expect([monitor.big("auditLostOf", 2), monitor.big("auditLostOf", 4)]).toEqual([
      BigInt(SHARE) / 2n + 1n,
      0n,
    ]); // Every other one is like the newest.
    record(4, 5n);
    expect(read(BigInt(SHARE))).toMatchObject({ subjectSlot: 4, detail: 5n });
  });

  test("keeps the answers to two callers apart", () => {
    for (const subjectSlot of [4, 5]) monitor.judge({ ...ATTACK, subjectSlot, event: 1 });
    expect([read(0n)?.subjectSlot, read(1n)?.subjectSlot]).toEqual([4, 5]);
  });

  test("names no rule for a handle that no rule lets pass", () => {
    monitor.judge(URGENT); // Denied by a rule, just before.
    expect(
      monitor.judge({
        targetSlot: 1,
        subjectClass: 36,
        targetClass: 33,
        interfaceId: 0x102,
        method: 2,
        words: [3n << 32n],
        handles: [
          { type: 2, interfaceId: 2, objectClass: 2 },
          { type: 5, interfaceId: 5, objectClass: 5 },
        ],
      }),
    ).toBe(Status.Denied);
    expect(read(1n)).toMatchObject({ interfaceId: 0xffff, rule: RULE_NONE, line: 0 });
  });

  test("folds like records in a row until one has been read", () => {
    for (let i = 0; i < 1000; i++) record(3, 7n);
    record(3, 8n);
    record(3, 7n);
    expect(state()).toEqual([3n, 0n, 0n]);
    expect(read(0n)).toMatchObject({ sequence: 0n, subjectSlot: 3, detail: 7n, repeats: 1000 });
    expect(read(1n)?.detail).toBe(8n);
    // The last one is unread: it still counts up. Once read, the next is a record of its own.
    record(3, 7n);
    expect(read(2n)?.repeats).toBe(2);
    record(3, 7n);
    expect(read(3n)?.repeats).toBe(1);
  });

  test("does not fold records of different domains, kinds or targets", () => {
    record(3, 7n);
    record(2, 7n);
    record(3, 7n, 5);
    expect(state()[0]).toBe(3n);
  });

  test("gives each domain its share: a domain that floods the log loses its own newest records, counted, and no others", () => {
    record(1, 1n);
    for (let i = 0; i < 5000; i++) record(5, BigInt(i));
    record(1, 2n);
    expect(state()).toEqual([BigInt(SHARE + 2), 0n, BigInt(5000 - SHARE)]);
    expect(monitor.big("auditLostOf", 5)).toBe(BigInt(5000 - SHARE));
    expect(monitor.big("auditLostOf", 1)).toBe(0n);
    expect(read(0n)).toMatchObject({ subjectSlot: 1, detail: 1n });
    expect(read(BigInt(SHARE))).toMatchObject({ subjectSlot: 5, detail: BigInt(SHARE - 1) });
    expect(read(BigInt(SHARE + 1))).toMatchObject({ subjectSlot: 1, detail: 2n });
    expect(read(BigInt(SHARE + 2))).toBeUndefined();
  });

  test("takes new records in the place of those that have been read", () => {
    for (let i = 0; i < SHARE; i++) record(5, BigInt(i));
    expect(read(9n)?.detail).toBe(9n);
    for (let i = 0; i < 20; i++) record(5, BigInt(1000 + i));
    expect(state()).toEqual([BigInt(SHARE + 10), 10n, 10n]);
    // The oldest kept answers for those that are gone.
    expect(read(0n)?.sequence).toBe(10n);
    expect(read(BigInt(SHARE))?.detail).toBe(1000n);
  });

  test("puts what is no slot's down to the kernel", () => {
    record(0xffff_ffff, 1n);
    record(6, 2n);
    expect(read(0n)?.subjectSlot).toBe(0xffff_ffff);
    expect(state()[0]).toBe(2n);
  });

  test("can be followed in order by sequence alone, for any writers", () => {
    for (let i = 0; i < 600; i++) record(i % 6, BigInt(i));
    let sequence = 0n;
    for (let i = 0; i < 600; i++) {
      const found = read(sequence);
      expect(found?.detail).toBe(BigInt(i));
      sequence = found?.sequence ?? 0n;
      sequence += 1n;
    }
    expect(read(sequence)).toBeUndefined();
  });

  test("does nothing before a policy is in force", () => {
    const early = startMonitor(wasm);
    early.run("recordAsked", 0, 4, RULE_NONE, 0n);
    expect(early.big("auditNext")).toBe(0n);
    expect(early.judgeEarly(URGENT)).toBe(Status.Denied);
    expect(early.judge(URGENT)).toBe(Status.Denied);
    expect(early.number("slotCount")).toBe(0);
  });
});
