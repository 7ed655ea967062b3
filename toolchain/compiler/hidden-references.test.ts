import { resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { generateAll } from "../make/generate.ts";
import { buildModule } from "../ir/build.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { compileAssemblyScript } from "./asc.ts";
import { findHiddenReferences } from "./hidden-references.ts";
import { sourcePositions } from "./source-positions.ts";

const root = resolve(import.meta.dirname, "../..");
const ENTRY = "services/hiding/main.ts";
/** One function is one case; its name is the case's. `HERE` marks the line that is refused. */
const DECLARATIONS = `
  import { collect } from "../runtime/collector";
  import { Text } from "../runtime/text";
  class Node { next: Node | null = null; mark: usize = 0; constructor(public value: u32) {} }
  class Keeper { constructor(public place: usize) {} }
  class Box<T> { constructor(public held: T) {} }
  class Twisted { set it(value: Node) { number = changetype<usize>(value); } }
  class Small { value: u32 = 0; }
  @unmanaged class Raw { place: usize; }
  let head: Node | null = null;
  let number: usize = 0;
  let wide: u64 = 0;
  let list = new Array<Node>();
  let numbers = new Array<usize>();
  let places = new StaticArray<usize>(4);
  let byPlace = new Map<usize, Node>();
  let fixed = new StaticArray<Node | null>(4);
  let parts = new Uint8Array(8);
  let keeper: Keeper | null = null;
  let boxed: Box<usize> | null = null;
  const view = new DataView(new ArrayBuffer(16));
  let visit: (node: Node) => void = (node: Node): void => { head = node; };
  const bytes = new StaticArray<u8>(16);
  const room = memory.data(64, 8);
  function keep(place: usize): void { store<usize>(room, place); }
  function placeOf(node: Node): usize { return changetype<usize>(node); }
  function peek(place: usize): usize { return load<usize>(place); }
  function generic<T>(it: T): usize { return changetype<usize>(it); }
  function collectDeeper(): void { collect(); }
  function fresh(): Node { return new Node(4); }
  export function read(): u64 { return wide + number + (head === null ? 1 : 2); }
`;

async function refusals(...bodies: readonly string[]): Promise<string[]> {
  const functions = bodies.map(
    (body, index) => `export function case${index}(a: Node, b: Small): void {\n${body}\n}`,
  );
  const text = `${DECLARATIONS}${functions.join("\n")}\nexport function main(): void {}\n`;
  const source = await compileAssemblyScript({
    root,
    entry: ENTRY,
    target: "domain",
    virtualFiles: { [ENTRY]: text },
    collects: true,
  });
  const module = buildModule(source.wasm, {
    name: "hiding",
    target: "domain",
    sourceOf: sourcePositions(source.wasm, source.sourceMap, "hiding"),
  });
  const lines = text.split("\n");
  return findHiddenReferences(module, source.references).map(({ file, line, message }) => {
    expect(file).toBe(ENTRY);
    return `${lines[line! - 1]!.trim()}: ${message}`;
  });
}

beforeAll(async () => {
  await generateAll(root);
});

describe("a reference that the collector cannot see is refused, with the line", () => {
  const STORED = "a reference is stored as a number";
  const KEPT = "a reference is kept as a number";
  const CASES: readonly (readonly [line: string, message: string])[] = [
    ["number = changetype<usize>(a);", KEPT],
    ["number = changetype<usize>(a) + 4;", KEPT],
    ["number = placeOf(a);", KEPT],
    ["wide = <u64>changetype<usize>(a);", KEPT],
    ["number = changetype<usize>(a) << 1;", KEPT],
    ["number = changetype<usize>(a) * 3;", KEPT],
    ["number = rotl<usize>(changetype<usize>(a), 5);", KEPT],
    ["number = generic<Node>(a);", KEPT],
    ["number = load<usize>(changetype<usize>(a));", KEPT],
    ["number = peek(changetype<usize>(a));", KEPT],
    ["number = load<usize>(changetype<usize>(list.buffer));", KEPT],
    ["number = list.dataStart;", KEPT],
    ["number = parts.dataStart;", KEPT],
    ["number = list.reduce<usize>((sum, node) => changetype<usize>(node), 0);", KEPT],
    ["number = changetype<usize>(byPlace.get(1));", KEPT],
    ["const chosen = a.value > 2 ? changetype<usize>(a) : 0; number = chosen;", KEPT],
    ["numbers = list.map<usize>((node) => changetype<usize>(node));", STORED],
    ["numbers.fill(changetype<usize>(a));", STORED],
    ["numbers = [changetype<usize>(a)];", STORED],
    ["view.setUint32(0, <u32>changetype<usize>(a));", STORED],
    ["parts[1] = <u8>(changetype<usize>(a) >> 8);", STORED],
    ["keeper = new Keeper(changetype<usize>(a));", STORED],
    ["boxed = new Box<usize>(changetype<usize>(a));", STORED],
    ["changetype<Raw>(room).place = changetype<Raw>(a).place;", STORED],
    ["heap.free(changetype<usize>(a) - 16);", STORED],
    ["store<usize>(room, changetype<usize>(a));", STORED],
    ["store<Node>(room, a);", STORED],
    ["store<u64>(room, (<u64>changetype<usize>(a)) | 1);", STORED],
    ["numbers.push(changetype<usize>(a));", STORED],
    ["places[0] = changetype<usize>(a);", STORED],
    ["unchecked(places[0] = changetype<usize>(a));", STORED],
    ["byPlace.set(changetype<usize>(a), a);", STORED],
    ["a.mark = changetype<usize>(b);", STORED],
    ["changetype<Raw>(room).place = changetype<usize>(b);", STORED],
    ["Text.view(room, changetype<usize>(bytes), 16);", STORED],
    ["Text.withRoom(8).address = changetype<usize>(bytes);", STORED],
    [
      "memory.copy(room, changetype<usize>(a), 8);",
      "an object that refers to others is copied as bytes",
    ],
    [
      "memory.copy(changetype<usize>(a), room, 8);",
      "an object that refers to others is copied as bytes",
    ],
    ["memory.copy(room, list.dataStart, 8);", "an object that refers to others is copied as bytes"],
    [
      "memory.copy(room, changetype<usize>(fixed), 8);",
      "an object that refers to others is copied as bytes",
    ],
    ["head = changetype<Node>(room);", "a number is used as a reference"],
    ["head = changetype<Node>(<usize>70000);", "a number is used as a reference"],
    ["__visit(number, 0);", "objects cannot be marked by hand"],
    ["head = changetype<Node>(number);", "a number is used as a reference"],
    ["head = load<Node>(room);", "a number is used as a reference"],
    ["list.push(changetype<Node>(number + 16));", "a number is used as a reference"],
    ["__pin(changetype<usize>(a));", "objects cannot be pinned"],
  ];
  const LIVE = "a reference is in a local variable while objects may be collected";
  const ACROSS: readonly (readonly [body: string, line: string])[] = [
    ["collect();\nhead = a;", "collect();"],
    ["const own = new Node(1);\ncollectDeeper();\nown.value = 2;", "collectDeeper();"],
    ["const place = changetype<usize>(b);\ncollect();\nnumber = load<u32>(place);", "collect();"],
    [
      "const place = parts.dataStart; parts = new Uint8Array(1);\ncollect();\nbytes[0] = load<u8>(place);",
      "collect();",
    ],
    [
      "const place = list.dataStart; list = [];\ncollect();\nlist.length = <i32>(place != 0);",
      "collect();",
    ],
    ["list.forEach((node) => { collect(); });", "list.forEach((node) => { collect(); });"],
    [
      "list.sort((x, y) => { list = []; collect(); return 0; });",
      "list.sort((x, y) => { list = []; collect(); return 0; });",
    ],
    ["while (a.value > 3) {\ncollectDeeper();\n}", "collectDeeper();"],
    ["list.push((collectDeeper(), head!));", "list.push((collectDeeper(), head!));"],
    [
      "head = new Node((collect(), 3));\nfresh().next = (collectDeeper(), head);",
      "fresh().next = (collectDeeper(), head);",
    ],
  ];

  test("stored, kept, copied, made up, pinned", async () => {
    // At most 30 are told at once.
    for (const half of [0, 1]) {
      const cases = CASES.filter((_, index) => index % 2 === half);
      const found = await refusals(...cases.map(([line]) => line));
      expect(found.sort()).toEqual(cases.map(([line, message]) => `${line}: ${message}`).sort());
    }
  });

  test("what a function of the program stores is refused there", async () => {
    expect(await refusals("keep(changetype<usize>(a));")).toEqual([
      `function keep(place: usize): void { store<usize>(room, place); }: ${STORED}`,
    ]);
  });

  test("what a function of the program keeps behind a property is refused there", async () => {
    expect(await refusals("new Twisted().it = a;")).toEqual([
      `class Twisted { set it(value: Node) { number = changetype<usize>(value); } }: ${KEPT}`,
    ]);
  });

  test.each(ACROSS)("in a local variable: %s", async (body, line) => {
    const found = await refusals(body);
    expect(new Set(found)).toEqual(new Set([`${line}: ${LIVE}`]));
  });

  test("a field of a class without a header", async () => {
    const refused = refusals(
      "} @unmanaged class Odd { held: Node | null; } export function odd(): void { changetype<Odd>(room).held = head;",
    );
    await expect(refused).rejects.toBeInstanceOf(DiagnosticError);
    await expect(refused).rejects.toThrow(
      /main\.ts:\d+:\d+: Odd\.held holds a reference in a class without a header/,
    );
  });
});

test("ordinary programs are accepted", async () => {
  expect(
    await refusals(
      "head = a; a.next = new Node(2); list.push(a); list = [a, a]; byPlace.set(4, a);",
      "const text = 'x' + a.value.toString(); bytes[0] = <u8>text.charCodeAt(0); memory.copy(changetype<usize>(bytes), changetype<usize>(text), 2);",
      "head = null; collect(); head = fresh(); visit(head!); collectDeeper();",
      "const sorted = list.map<u32>((node) => node.value).sort((left, right) => left - right); number = sorted.length;",
      "const pairs = new Map<string, Array<Node>>(); pairs.set('a', [a]); list = pairs.get('a').concat(list).slice(1);",
      "const set = new Set<Node>(); set.add(a); set.delete(a); list = set.values();",
      "const words = 'a b c'.split(' ').join('-').toUpperCase(); number = words.length; memory.fill(room, 1, 8);",
      "if (a == head) number = changetype<usize>(a) == changetype<usize>(head) ? 1 : 2;",
      "const some: StaticArray<Node | null> = [a, null]; fixed = some; number = a.value * 31 + a.mark; if (a.value > 1) throw new Error('x');",
      "const place = parts.dataStart; number = load<u8>(place) + load<u16>(changetype<usize>(bytes)); memory.copy(place, room, 4);",
      "const copied = StaticArray.fromArray<Node>(list); list = copied.slice<Array<Node>>(0, 1); const part = Uint8Array.wrap(new ArrayBuffer(8)); part[0] = 1;",
    ),
  ).toEqual([]);
});

test.each([
  ["sums of sums", "x = x + x;", 60],
  ["a hash without loops", "x = x ^ (x << 3);", 60],
  ["a long chain", "x = x + 1;", 20_000],
])("%s are looked at once each", async (_what, line, count) => {
  const chain = `${line}\n`.repeat(count);
  expect(await refusals(`let x: usize = number;\n${chain}collect();\nnumber = x;`)).toEqual([]);
  expect(
    await refusals(`let x: usize = changetype<usize>(a);\n${chain}number = x; // HERE`),
  ).toEqual(["number = x; // HERE: a reference is kept as a number"]);
});
