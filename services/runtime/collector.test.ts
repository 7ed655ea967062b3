// What a program computes must not depend on when its objects are collected. One program, driven by
// random numbers through everything that holds references, runs twice: without a collector, and
// with a collection wherever one may be.
import { resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { compileAssemblyScript } from "../../toolchain/compiler/asc.ts";
import { findHiddenReferences } from "../../toolchain/compiler/hidden-references.ts";
import { buildModule } from "../../toolchain/ir/build.ts";

const root = resolve(import.meta.dirname, "../..");
const ENTRY = "services/collected/main.ts";
const PROGRAM = `
  import { collect, collectIfDue, livedByteCount, stressCollector } from "../runtime/collector";
  export { collect, collectIfDue, livedByteCount, stressCollector };

  interface Weighs { weight(): u64; }
  class Node implements Weighs {
    next: Node | null = null;
    constructor(public value: u32, public name: string) {}
    weight(): u64 { return this.value; }
  }
  class Branch extends Node {
    left: Node | null = null;
    right: Node | null = null;
    weight(): u64 { return <u64>this.value * 3 + (this.left === null ? 0 : this.left!.weight() % 1000) + (this.right === null ? 0 : this.right!.weight() % 1000); }
  }
  class Pair<K, V> { constructor(public key: K, public value: V) {} }
  class Registry { static current: Node | null = null; static all: Array<Weighs> = []; }
  namespace inner { export let held: Node | null = null; }

  let state: u32 = 1;
  let head: Node | null = null;
  let weighs: Weighs | null = null;
  let nodes = new Array<Node>();
  let texts = new Array<string>();
  let tables = new Array<Array<string>>();
  let byName = new Map<string, Node>();
  let byNumber = new Map<u32, string>();
  let seen = new Set<string>();
  let pairs = new Map<u32, Pair<string, Node>>();
  let fixed = new StaticArray<Node | null>(8);
  // In static data, and reached now through a variable, now through another.
  const first: StaticArray<Node | null> = [null, null, null];
  const second: StaticArray<Node | null> = [null, null, null];
  let chosen: StaticArray<Node | null> = first;
  let hiddenAway: StaticArray<StaticArray<Node | null>> = [[null, null], [null]];
  let bytes = new Uint8Array(4);
  let buffer = new ArrayBuffer(8);
  let make: (value: u32) => Node = plain;

  function plain(value: u32): Node { return new Node(value, "p" + value.toString()); }
  function branch(value: u32): Node {
    const made = new Branch(value, "b" + (value % 7).toString());
    made.left = pick();
    made.right = head;
    return made;
  }
  function random(below: u32): u32 {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
  }
  function pick(): Node | null { return nodes.length == 0 ? null : nodes[random(nodes.length)]; }

  function act(): void {
    const value = random(1000);
    switch (random(28)) {
      case 0: { const made = make(value); made.next = head; head = made; if (value % 20 == 0) made.next = null; break; }
      case 1: nodes.push(make(value)); break;
      case 2: if (nodes.length > 0) nodes.splice(random(nodes.length), 1); break;
      case 3: nodes.sort((left, right) => <i32>left.value - <i32>right.value); break;
      case 4: nodes = nodes.filter((node) => node.value % 3 != 0); break;
      case 5: texts.push("t" + value.toString() + (head === null ? "-" : head!.name)); break;
      case 6: texts = texts.join(",").split(",").slice(-10); break;
      case 7: tables.push(texts.map<string>((text) => text.toUpperCase())); if (tables.length > 5) tables.shift(); break;
      case 8: { const node = make(value); byName.set(node.name, node); break; }
      case 9: byName.delete("p" + value.toString()); if (byName.size > 40) byName.clear(); break;
      case 10: byNumber.set(value % 50, "n" + value.toString()); break;
      case 11: seen.add("s" + (value % 60).toString()); break;
      case 12: seen.delete("s" + (value % 60).toString()); break;
      case 13: pairs.set(value % 20, new Pair<string, Node>("k" + value.toString(), make(value))); break;
      case 14: fixed[value % 8] = value % 3 == 0 ? null : make(value); break;
      case 15: chosen[value % 3] = make(value); break;
      case 16: chosen = value % 2 == 0 ? first : second; break;
      case 17: hiddenAway[value % 2][0] = pick(); break;
      case 18: { const swap = hiddenAway[0]; hiddenAway[0] = hiddenAway[1]; hiddenAway[1] = swap; break; }
      case 19: { const longer = new Uint8Array(bytes.length + 4); longer.set(bytes); if (longer.length > 200) bytes = longer.slice(190); longer[value % 4] = <u8>value; if (longer.length <= 200) bytes = longer; break; }
      case 20: { const next = new ArrayBuffer(buffer.byteLength % 100 + 8); memory.copy(changetype<usize>(next), changetype<usize>(buffer), 8); buffer = next; store<u8>(changetype<usize>(buffer) + value % 8, <u8>value); break; }
      case 21: make = value % 2 == 0 ? plain : branch; break;
      case 22: Registry.current = pick(); break;
      case 23: Registry.all.push(make(value)); if (Registry.all.length > 12) Registry.all = Registry.all.slice(6); break;
      case 24: inner.held = head; head = head === null ? null : head!.next; break;
      case 25: weighs = value % 2 == 0 ? <Weighs>make(value) : pick(); break;
      case 26: { const node = pick(); if (node !== null) node.next = make(value); break; }
      default: {
        let words = "";
        for (let index: u32 = 0; index < value % 12; index++) words += String.fromCharCode(97 + index) + index.toString();
        texts.push(words.replace("b1", "").trim());
        if (texts.length > 30) texts = texts.slice(10);
      }
    }
  }

  function mix(sum: u64, value: u64): u64 { return rotl(sum ^ value, 7) * 0x9e3779b97f4a7c15; }
  function mixText(sum: u64, text: string): u64 {
    for (let index = 0; index < text.length; index++) sum = mix(sum, text.charCodeAt(index));
    return sum;
  }
  function mixNode(sum: u64, node: Node | null): u64 {
    for (let depth = 0; node !== null && depth < 20; depth++) {
      sum = mixText(mix(sum, node.weight()), node.name);
      node = node.next;
    }
    return sum;
  }

  /** Everything that can be reached, in a number. */
  function sum(): u64 {
    let sum = mixNode(mixNode(1, head), inner.held);
    sum = mixNode(sum, Registry.current);
    for (let index = 0; index < nodes.length; index++) sum = mixNode(sum, nodes[index]);
    for (let index = 0; index < texts.length; index++) sum = mixText(sum, texts[index]);
    for (let table = 0; table < tables.length; table++) for (let index = 0; index < tables[table].length; index++) sum = mixText(sum, tables[table][index]);
    const names = byName.keys();
    for (let index = 0; index < names.length; index++) sum = mixNode(mixText(sum, names[index]), byName.get(names[index]));
    const numbers = byNumber.values();
    for (let index = 0; index < numbers.length; index++) sum = mixText(sum, numbers[index]);
    const members = seen.values();
    for (let index = 0; index < members.length; index++) sum = mixText(sum, members[index]);
    const both = pairs.values();
    for (let index = 0; index < both.length; index++) sum = mixNode(mixText(sum, both[index].key), both[index].value);
    for (let index = 0; index < fixed.length; index++) sum = mixNode(sum, fixed[index]);
    for (let index = 0; index < 3; index++) sum = mixNode(mixNode(sum, first[index]), second[index]);
    for (let index = 0; index < 2; index++) sum = mixNode(sum, hiddenAway[index][0]);
    for (let index = 0; index < bytes.length; index++) sum = mix(sum, bytes[index]);
    for (let index = 0; index < buffer.byteLength; index++) sum = mix(sum, load<u8>(changetype<usize>(buffer) + index));
    for (let index = 0; index < Registry.all.length; index++) sum = mix(sum, Registry.all[index].weight());
    return weighs === null ? sum : mix(sum, weighs!.weight());
  }

  export function begin(seed: u32): void { state = seed; }
  export function turn(): u64 {
    for (let count = random(12); count > 0; count--) act();
    return sum();
  }
  export function main(): void {}
`;

interface Exports {
  begin(seed: number): void;
  turn(): bigint;
  collect(): void;
  collectIfDue(): void;
  livedByteCount(): number;
  stressCollector(): void;
}

let plain: WebAssembly.Module;
let collecting: WebAssembly.Module;

beforeAll(async () => {
  const compile = (collects: boolean) =>
    compileAssemblyScript({
      root,
      entry: ENTRY,
      target: "domain",
      virtualFiles: { [ENTRY]: PROGRAM },
      collects,
      exportMemory: true,
    });
  const [without, withCollector] = [await compile(false), await compile(true)];
  plain = new WebAssembly.Module(without.wasm as Uint8Array<ArrayBuffer>);
  collecting = new WebAssembly.Module(withCollector.wasm as Uint8Array<ArrayBuffer>);
  const module = buildModule(withCollector.wasm, { name: "collected", target: "domain" });
  expect(findHiddenReferences(module, withCollector.references)).toEqual([]);
});

function start(module: WebAssembly.Module, seed: number): Exports {
  const abort = (reason: number, _file: number, line: number): never => {
    const memory = new DataView((instance.exports.memory as WebAssembly.Memory).buffer);
    const text = Array.from({ length: memory.getUint32(reason - 4, true) / 2 }, (_, index) =>
      String.fromCharCode(memory.getUint16(reason + 2 * index, true)),
    ).join("");
    throw new Error(`seed ${seed}: ${text} (line ${line})`);
  };
  const instance = new WebAssembly.Instance(module, { env: { abort } });
  const exports = instance.exports as unknown as Exports;
  exports.begin(seed);
  return exports;
}

const SEEDS = Array.from({ length: 60 }, (_, index) => 0x1234_5678 + index * 7919);

test("a collection at every turn changes nothing that the program computes", () => {
  for (const seed of SEEDS) {
    const [without, stressed] = [start(plain, seed), start(collecting, seed)];
    stressed.stressCollector();
    for (let turn = 0; turn < 150; turn++) {
      expect(stressed.turn(), `seed ${seed}, turn ${turn}`).toBe(without.turn());
      stressed.collectIfDue();
    }
  }
});

test("neither do collections that are due, and memory stays bounded", () => {
  const [without, collected] = [start(plain, 99), start(collecting, 99)];
  for (let turn = 0; turn < 3000; turn++) {
    expect(collected.turn()).toBe(without.turn());
    collected.collectIfDue();
  }
  const memory = (exports: Exports): number =>
    (exports as unknown as { memory: WebAssembly.Memory }).memory.buffer.byteLength;
  expect(memory(without)).toBeGreaterThan(4 * memory(collected));
});

test("nothing is collected that lives, nothing lives that cannot be reached", () => {
  const exports = start(collecting, 5);
  for (let turn = 0; turn < 200; turn++) exports.turn();
  exports.collect();
  const lived = exports.livedByteCount();
  exports.collect();
  expect(exports.livedByteCount()).toBe(lived);
});
