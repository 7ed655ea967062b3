import fc from "fast-check";
import { expect, test } from "vitest";
import type { FieldType } from "../vocabulary/interface.ts";
import {
  i32,
  i64,
  u32,
  u64,
  u8,
  bool,
  bytes,
  enumeration,
  handle,
  text,
} from "../vocabulary/interface.ts";
import { decodeMessage, encodeMessage, type Value } from "./message.ts";
import { layOut } from "./model.ts";

const LONGEST = 100;
const colours = enumeration("red", "green", "blue");

/** Field types with the values that fit them. */
const KINDS: readonly (readonly [FieldType, fc.Arbitrary<Value>])[] = [
  [u8, fc.nat(0xff)],
  [u32, fc.nat(0xffff_ffff)],
  [u64, fc.bigInt(0n, 2n ** 64n - 1n)],
  [i32, fc.integer()],
  [i64, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)],
  [bool, fc.boolean()],
  [colours, fc.constantFrom("red", "green", "blue")],
  [bytes(LONGEST), fc.uint8Array({ maxLength: LONGEST })],
  [
    text(4 * LONGEST),
    fc
      .string({ unit: "grapheme", maxLength: 20 })
      .filter((value) => Buffer.byteLength(value) <= 4 * LONGEST),
  ],
];

test("what is encoded decodes to itself, whatever the fields", () => {
  const fields = fc.array(
    fc.constantFrom(...KINDS).chain(([type, value]) => value.map((sample) => ({ type, sample }))),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(fields, (chosen) => {
      const layout = layOut(
        Object.fromEntries(chosen.map(({ type }, index) => [`f${index}`, type])),
      );
      const values = Object.fromEntries(chosen.map(({ sample }, index) => [`f${index}`, sample]));
      const decoded = decodeMessage(layout, encodeMessage(layout, values));
      expect(Object.keys(decoded)).toEqual(Object.keys(values));
      for (const [name, value] of Object.entries(values)) {
        if (value instanceof Uint8Array)
          expect(Buffer.from(decoded[name] as Uint8Array)).toEqual(Buffer.from(value));
        else expect(decoded[name]).toEqual(value);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("each field takes a word in order, a handle none, and bytes are a descriptor", () => {
  const layout = layOut({ first: u32, key: handle("Notice"), name: text(10), last: i32 });
  const message = encodeMessage(layout, { first: 7, key: 0x10005, name: "abc", last: -1 });
  expect(message.words).toEqual([7n, 3n << 32n, 2n ** 64n - 1n]);
  expect(message.handles).toEqual([0x10005]);
  expect(Buffer.from(message.arena).toString()).toBe("abc");
});

test.each([
  ["a missing word", { words: [], arena: new Uint8Array(), handles: [] }],
  ["bytes beyond the arena", { words: [5n << 32n], arena: new Uint8Array(4), handles: [] }],
  [
    "an offset beyond the arena",
    { words: [(1n << 32n) | 4n], arena: new Uint8Array(4), handles: [] },
  ],
  [
    "more bytes than the field may have",
    { words: [11n << 32n], arena: new Uint8Array(11), handles: [] },
  ],
])("%s is not decoded", (_what, message) => {
  expect(() => decodeMessage(layOut({ name: text(10) }), message)).toThrow();
});
