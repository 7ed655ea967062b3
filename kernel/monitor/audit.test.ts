import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Monitor, compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { compileTest } from "../../tests/support/policy-system.ts";
import { RULE_NONE } from "../abi/blob.ts";

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
  monitor.run("auditReset");
});

function record(slot: number, detail: bigint, kind = 4): void {
  monitor.run("auditRecord", kind, slot, 2, 36, 34, 0x101, 0, RULE_NONE, detail);
}
function read(sequence: bigint):
  | {
      readonly sequence: bigint;
      readonly slot: number;
      readonly detail: bigint;
      readonly repeats: number;
    }
  | undefined {
  if (monitor.number("auditRead", sequence) === 0) return undefined;
  return {
    sequence: monitor.big("auditSequence"),
    slot: monitor.number("auditSubjectSlot"),
    detail: monitor.big("auditDetail"),
    repeats: monitor.number("auditRepeats"),
  };
}
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
    const words = monitor.put(Uint8Array.of(0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
    monitor.number("judge", 0, 4, 2, 36, 34, 0x101, 0, words, 2, 0, 0, 3);
    expect(read(0n)).toEqual({ sequence: 0n, slot: 4, detail: 1n, repeats: 1 });
    const fields = [
      "auditKind",
      "auditTargetSlot",
      "auditSubjectClass",
      "auditTargetClass",
      "auditInterface",
      "auditMethod",
      "auditLine",
    ].map((name) => monitor.number(name));
    expect(fields).toEqual([0, 2, 36, 34, 0x101, 0, 2]);
    expect(monitor.big("auditTimeNs")).toBe(123_456n);
    expect(monitor.text(monitor.number("ruleText", monitor.number("auditRule")))).toBe(
      "allow Shell -> Console { write } when not urgent",
    );
  });

  test("says where the refused value stands", () => {
    const words = monitor.put(Uint8Array.of(0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
    monitor.number("judge", 0, 4, 2, 36, 34, 0x101, 0, words, 2, 0, 0, 3);
    expect(read(0n)?.detail).toBe(1n);
    expect(monitor.number("auditField")).toBe(2); // `urgent`, the second word, whole.
    monitor.number("judge", 0, 5, 2, 37, 34, 0x101, 0, words, 2, 0, 0, 3);
    expect(read(1n)?.detail).toBe(0n);
    expect(monitor.number("auditField")).toBe(0); // No rule at all.
  });

  test("keeps the mask under which a value was refused, and 0 where there was none", () => {
    const refuse = (
      subject: number,
      target: number,
      spoken: number,
      method: number,
      ...words: readonly bigint[]
    ): readonly [bigint, number, bigint] => {
      const capture = monitor.put(new Uint8Array(BigUint64Array.from(words).buffer));
      const sequence = monitor.big("auditNext");
      expect(
        monitor.number(
          "judge",
          0,
          4,
          2,
          subject,
          target,
          spoken,
          method,
          capture,
          words.length,
          0,
          0,
          Number((words[0] ?? 0n) >> 32n),
        ),
      ).toBe(2);
      return [
        read(sequence)?.detail ?? -1n,
        monitor.number("auditField"),
        monitor.big("auditMask"),
      ];
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
    (_name, event, spoken, method, words, handles, arena, field, given) => {
      const capture = monitor.put(new Uint8Array(BigUint64Array.from(words).buffer));
      const carried = monitor.put(
        new Uint8Array(Uint32Array.from(handles.flatMap((type) => [type, 0, type, 0])).buffer),
      );
      expect(
        monitor.number(
          "judge",
          event,
          4,
          2,
          36,
          34,
          spoken,
          method,
          capture,
          words.length,
          carried,
          handles.length,
          arena,
        ),
      ).toBe(25);
      expect(read(0n)?.detail).toBe(given);
      expect([monitor.number("auditKind"), monitor.number("auditField")]).toEqual([6, field]);
    },
  );

  test("records what a rule with `audit` grants", () => {
    expect(monitor.number("judge", 0, 4, 2, 36, 34, 0x101, 2, 0, 0, 0, 0, 0)).toBe(0);
    expect(read(0n)).toMatchObject({ slot: 4 });
    expect([monitor.number("auditKind"), monitor.number("auditLine")]).toEqual([7, 3]);
  });

  test.each([
    ["a request that no rule allows", ["judge", 0, 5, 2, 37, 34, 0x101, 2, 0, 0, 0, 0, 0], 0],
    ["a response", ["judge", 1, 5, 2, 37, 34, 0x101, 2, 0, 0, 0, 0, 0], 1],
    ["an error", ["judge", 2, 5, 2, 37, 34, 0x101, 2, 65536, 0, 0, 0, 0], 6],
    ["an execution", ["judgeExecute", 5, 37, 65536], 3],
    ["a kernel method", ["judgeEarly", 5, 0, 37, 9, 9, 0], 5],
    ["a permission", ["judgePermission", 5, 37, 2, 1], 5],
    ["a message with a word too many", ["judge", 0, 4, 2, 36, 34, 0x101, 2, 65536, 1, 0, 0, 0], 6],
    ["a method that does not exist", ["judge", 0, 4, 2, 36, 34, 0x101, 3, 65536, 1, 0, 0, 0], 0],
  ] as const)("says which kind of denial: %s", (_name, [call, ...values], kind) => {
    monitor.number(call, ...values);
    expect(read(0n)).toBeDefined();
    expect(monitor.number("auditKind")).toBe(kind);
    expect(monitor.number("auditLine")).toBe(0);
  });

  test("counts a denied answer with those of who sent it, not of who asked", () => {
    for (let i = 0; i < 2 * SHARE + 2; i++)
      expect(monitor.number("judge", 1, 4, 2, 37, 34, 0x101, 2 + (i & 1), 0, 0, 0, 0, 0)).toBe(2);
    expect([monitor.big("auditLostOf", 2), monitor.big("auditLostOf", 4)]).toEqual([
      BigInt(SHARE) / 2n + 1n,
      0n,
    ]); // Every other one is like the newest.
    record(4, 5n);
    expect(read(BigInt(SHARE))).toMatchObject({ slot: 4, detail: 5n });
  });

  test("keeps the answers to two callers apart", () => {
    for (const caller of [4, 5])
      monitor.number("judge", 1, caller, 2, 37, 34, 0x101, 2, 0, 0, 0, 0, 0);
    expect([read(0n)?.slot, read(1n)?.slot]).toEqual([4, 5]);
  });

  test("names no rule for a handle that no rule lets pass", () => {
    const words = monitor.put(Uint8Array.of(0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
    // Denied by a rule, just before.
    monitor.number("judge", 0, 4, 2, 36, 34, 0x101, 0, words, 2, 0, 0, 3);
    const handles = monitor.put(new Uint8Array(Uint32Array.of(2, 2, 2, 0, 5, 5, 5, 0).buffer));
    expect(monitor.number("judge", 0, 4, 1, 36, 33, 0x102, 2, words, 1, handles, 2, 0)).toBe(2);
    expect(read(1n)).toBeDefined();
    expect([
      monitor.number("auditInterface"),
      monitor.number("auditRule"),
      monitor.number("auditLine"),
    ]).toEqual([0xffff, RULE_NONE, 0]);
  });

  test("folds like records in a row until one has been read", () => {
    for (let i = 0; i < 1000; i++) record(3, 7n);
    record(3, 8n);
    record(3, 7n);
    expect(state()).toEqual([3n, 0n, 0n]);
    expect(read(0n)).toEqual({ sequence: 0n, slot: 3, detail: 7n, repeats: 1000 });
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

  test("gives each domain its share: one that storms loses its own newest, counted, and nobody else's", () => {
    record(1, 1n);
    for (let i = 0; i < 5000; i++) record(5, BigInt(i));
    record(1, 2n);
    expect(state()).toEqual([BigInt(SHARE + 2), 0n, BigInt(5000 - SHARE)]);
    expect(monitor.big("auditLostOf", 5)).toBe(BigInt(5000 - SHARE));
    expect(monitor.big("auditLostOf", 1)).toBe(0n);
    expect(read(0n)).toMatchObject({ slot: 1, detail: 1n });
    expect(read(BigInt(SHARE))).toMatchObject({ slot: 5, detail: BigInt(SHARE - 1) });
    expect(read(BigInt(SHARE + 1))).toMatchObject({ slot: 1, detail: 2n });
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
    expect(read(0n)?.slot).toBe(0xffff_ffff);
    expect(state()[0]).toBe(2n);
  });

  test("can be followed in order by sequence alone, whoever wrote", () => {
    for (let i = 0; i < 600; i++) record(i % 6, BigInt(i));
    let sequence = 0n;
    for (let i = 0; i < 600; i++) {
      expect(read(sequence)?.detail).toBe(BigInt(i));
      sequence = monitor.big("auditSequence") + 1n;
    }
    expect(read(sequence)).toBeUndefined();
  });

  test("does nothing before a policy is in force", () => {
    const early = startMonitor(wasm);
    early.run("auditRecord", 4, 0, 0, 0, 0, 0, 0, RULE_NONE, 0n);
    expect(early.big("auditNext")).toBe(0n);
    expect(early.number("judgeEarly", 0, 0, 32, 33, 0x101, 0)).toBe(2);
    expect(early.number("judge", 0, 0, 0, 32, 33, 0x101, 0, 65536, 0, 0, 0, 0)).toBe(2);
    expect(early.number("slotCount")).toBe(0);
  });
});
