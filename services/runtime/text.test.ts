import { beforeAll, expect, test } from "vitest";
import { type Exports, runAssemblyScript } from "../../tests/support/assemblyscript-in-node.ts";

let module: Exports;

beforeAll(async () => {
  module = await runAssemblyScript(
    "services/runtime",
    `
    import { Text, utf8 } from "./text";
    const made: Text = Text.withRoom(40);
    export function address(): usize { return made.address; }
    export function length(): u32 { return made.length; }
    export function clear(): void { made.clear(); }
    export function number(value: u64): void { made.number(value); }
    export function signed(value: i64): void { made.signed(value); }
    export function hex(value: u64, digits: u32): void { made.hex(value, digits); }
    export function numberIn(width: u32, value: u64): void { made.numberIn(width, value); }
    export function duration(value: u64): void { made.duration(value); }
    export function memory_(pages: u64): void { made.memory(pages); }
    export function padTo(column: u32): void { made.padTo(column); }
    export function codePoint(code: u32): void { made.codePoint(code); }
    export function painted(): void { made.string("\\x1b[31mred\\x1b[0m"); }
    export function unicode(): void { made.string("é€😀\\ud800"); }
    export function eleven(): void { made.string("eleven text"); }
    export function toNumber(): i64 { return made.toNumber(); }
    export function isEleven(): bool { return made.is("eleven text") && made.startsWith("eleven") && !made.is("eleven") && made.equals(utf8("eleven text")); }
    export function insert(index: u32, byte: u32): void { made.insert(index, byte); }
    export function remove(start: u32, end: u32): void { made.remove(start, end); }
    export function removeEvery(byte: u32, start: u32): bool { return made.removeEvery(byte, start); }
    export function literalsLive(): bool {
      const a = utf8("a"), b = utf8("bb"), c = utf8("ccc"), d = utf8("dddd");
      return a.is("a") && b.is("bb") && c.is("ccc") && d.is("dddd");
    }
    `,
  );
});

function made(name: string, ...values: readonly (number | bigint)[]): string {
  module.call("clear");
  module.call(name, ...values);
  return current();
}

const current = (): string =>
  module.text(module.call("address") as number, module.call("length") as number);

test("a byte is inserted at the start, in the middle and at the end", () => {
  made("eleven");
  module.call("insert", 0, 0x3c);
  module.call("insert", 7, 0x5f);
  module.call("insert", 13, 0x3e);
  expect(current()).toBe("<eleven_ text>");
});

test("a byte that has no room or no place is refused", () => {
  made("numberIn", 40, 1n);
  expect(() => module.call("insert", 0, 0x3c)).toThrow();
  made("eleven");
  expect(() => module.call("insert", 12, 0x3c)).toThrow();
  expect(() => module.call("remove", 5, 12)).toThrow();
});

test("a range of bytes is removed", () => {
  made("eleven");
  module.call("remove", 0, 3);
  expect(current()).toBe("ven text");
  module.call("remove", 7, 8);
  expect(current()).toBe("ven tex");
  module.call("remove", 2, 2);
  expect(current()).toBe("ven tex");
});

test("every such byte from a place on is removed, and the rest stays in order", () => {
  made("eleven");
  expect(module.call("removeEvery", 0x65, 1)).toBe(1);
  expect(current()).toBe("elvn txt");
  expect(module.call("removeEvery", 0x65, 1)).toBe(0);
  expect(current()).toBe("elvn txt");
});

test.each([
  [0n, "0"],
  [9n, "9"],
  [10n, "10"],
  [2n ** 64n - 1n, "18446744073709551615"],
])("the number %s is %j", (value, text) => {
  expect(made("number", value)).toBe(text);
});

test.each([
  [0n, "0"],
  [-1n, "-1"],
  [-(2n ** 63n), "-9223372036854775808"],
  [2n ** 63n - 1n, "9223372036854775807"],
])("the signed number %s is %j", (value, text) => {
  expect(made("signed", value)).toBe(text);
});

test.each([
  [0n, 1, "0x0"],
  [0xabcn, 1, "0xabc"],
  [0xabcn, 8, "0x00000abc"],
  [2n ** 64n - 1n, 1, "0xffffffffffffffff"],
])("%s in hexadecimal with %i digits is %j", (value, digits, text) => {
  expect(made("hex", value, digits)).toBe(text);
});

test.each([
  [3, 7n, "  7"],
  [3, 123n, "123"],
  [3, 1234n, "1234"],
])("in %i columns %s is %j", (width, value, text) => {
  expect(made("numberIn", width, value)).toBe(text);
});

test.each([
  [999n, "999 ns"],
  [1_000n, "1.0 us"],
  [999_999n, "999.9 us"],
  [1_000_000n, "1.0 ms"],
  [12_345_678n, "12.3 ms"],
  [1_000_000_000n, "1.0 s"],
  [119_999_999_999n, "119.9 s"],
  [120_000_000_000n, "2 min"],
])("%s nanoseconds are %j", (value, text) => {
  expect(made("duration", value)).toBe(text);
});

test.each([
  [1n, "4 KiB"],
  [255n, "1020 KiB"],
  [256n, "1.0 MiB"],
  [896n, "3.5 MiB"],
])("%s pages are %j", (value, text) => {
  expect(made("memory_", value)).toBe(text);
});

test("escape sequences take no columns", () => {
  expect(made("painted")).toBe("\x1b[31mred\x1b[0m");
  module.call("padTo", 6);
  expect(current()).toBe("\x1b[31mred\x1b[0m   ");
});

test("padding leaves at least one space", () => {
  expect(made("eleven")).toBe("eleven text");
  module.call("padTo", 4);
  expect(current()).toBe("eleven text ");
});

test("strings become UTF-8, and half a surrogate pair a replacement character", () => {
  expect(made("unicode")).toBe("é€😀\ufffd");
});

test("what finds no room is left out, and characters are not cut", () => {
  module.call("clear");
  for (let times = 0; times < 5; times++) module.call("eleven");
  expect(current()).toBe("eleven texteleven texteleven texteleven ");
  expect(made("eleven") + made("eleven")).toHaveLength(22);
  module.call("clear");
  for (let times = 0; times < 11; times++) module.call("codePoint", 0x1f600);
  expect(current()).toBe("😀".repeat(10));
});

test.each([
  ["", -1n],
  ["7", 7n],
  ["0012", 12n],
  ["12x", -1n],
  ["-3", -1n],
  ["999999999999999", 999_999_999_999_999n],
  ["1000000000000000", -1n],
])("%j is the number %s", (text, value) => {
  module.call("clear");
  for (const character of text) module.call("codePoint", character.codePointAt(0)!);
  expect(module.call("toNumber")).toBe(value);
});

test("texts compare by their bytes, and four literals live at once", () => {
  made("eleven");
  expect(module.call("isEleven")).toBe(1);
  expect(module.call("literalsLive")).toBe(1);
});
