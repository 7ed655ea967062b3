import { ed25519 } from "@noble/curves/ed25519.js";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compileTest, testPrograms } from "../../tests/support/policy-system.ts";
import { type Monitor, compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { keyRingText } from "../../toolchain/keys/key-ring.ts";
import { type BlobSigner, signBlob } from "../../toolchain/keys/sign-blob.ts";
import { BlobError } from "../abi/blob-error.ts";
import * as abi from "../abi/blob.ts";

function signer(fill: number, purpose: abi.KeyPurpose): BlobSigner {
  const secret = new Uint8Array(32).fill(fill);
  return { publicKey: ed25519.getPublicKey(secret), purpose, sign: (message) => ed25519.sign(message, secret) };
}
const development = signer(1, abi.KeyPurpose.Development);
const release = signer(2, abi.KeyPurpose.Release);
const stranger = signer(3, abi.KeyPurpose.Development);

const POLICY = `
const LINE = 100
allow Shell -> Console { write } when length(text) <= LINE and not urgent
allow Shell -> Console { flush, readLine } audit
allow Console -> Uart { write }
allow Shell -> Files.Files { * }
require Shell -> Files.Files { open } when mode == read or flags == 3
grant any -> kernel.Memory { map_read, transfer }
allow any -> kernel.Domain { info, exit }
`;

let wasm: Uint8Array;
let monitor: Monitor;
let unsigned: Uint8Array;
let blob: Uint8Array;

beforeAll(async () => {
  wasm = await compileMonitor({ keyRing: keyRingText([development, release]) });
  const compiled = await compileTest(POLICY);
  if (compiled.blob === undefined) throw new Error(JSON.stringify(compiled.diagnostics));
  unsigned = compiled.blob;
  blob = signBlob(unsigned, development);
}, 60_000);
beforeEach(() => {
  monitor = startMonitor(wasm);
});

/** At a place of its own: the blob in force is used where it lies. */
function load(bytes: Uint8Array, on = monitor): BlobError {
  return on.number("monitorLoad", on.put(bytes), bytes.length);
}
function changed(bytes: Uint8Array, change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy, new DataView(copy.buffer));
  return copy;
}
/** Changed and signed again: only the structural verifier can refuse it. */
function lie(change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  return signBlob(changed(unsigned, change), development);
}

/** Start and count of a section. */
function section(of: abi.BlobSection): { readonly at: number; readonly bytes: number; readonly count: number } {
  const view = new DataView(unsigned.buffer, unsigned.byteOffset);
  const entry = abi.BLOB_HEADER_BYTES + (of - 1) * abi.BLOB_SECTION_BYTES;
  return { at: view.getUint32(entry + 4, true), bytes: view.getUint32(entry + 8, true), count: view.getUint32(entry + 12, true) };
}

describe("a blob comes into force", () => {
  test("if it is signed by a key of the ring for its purpose", () => {
    expect(load(blob)).toBe(BlobError.None);
    expect(monitor.number("epoch")).toBe(1);
    expect(monitor.number("policySigner")).toBe(abi.KeyPurpose.Development);
    expect(monitor.big("policyVersion")).toBe(7n);
    expect(load(signBlob(unsigned, release))).toBe(BlobError.None);
    expect(monitor.number("policySigner")).toBe(abi.KeyPurpose.Release);
    expect(monitor.number("epoch")).toBe(2);
  });

  test("at the version in force and above it, not below", async () => {
    const older = lie((_, view) => view.setBigUint64(abi.BLOB_POLICY_VERSION, 6n, true));
    expect(load(older)).toBe(BlobError.None);
    expect(load(blob)).toBe(BlobError.None);
    expect(load(blob)).toBe(BlobError.None);
    expect(load(older)).toBe(BlobError.OldVersion);
    expect(monitor.big("policyVersion")).toBe(7n);
    const floored = startMonitor(await compileMonitor({ keyRing: keyRingText([development], 8n) }));
    expect(load(blob, floored)).toBe(BlobError.OldVersion);
  }, 30_000);

  test("only if the booted programs are those that it names", () => {
    load(blob);
    const digests = Uint8Array.from(testPrograms.flatMap((program) => [...program.digest]));
    const check = (bytes: Uint8Array, count: number) => monitor.number("checkImage", monitor.put(bytes), count);
    expect(check(digests, testPrograms.length)).toBe(BlobError.None);
    expect(check(changed(digests, (copy) => (copy[40] ^= 1)), testPrograms.length)).toBe(BlobError.WrongImage);
    expect(check(digests, testPrograms.length - 1)).toBe(BlobError.WrongImage);
    const swapped = Uint8Array.of(...digests.slice(32, 64), ...digests.slice(0, 32), ...digests.slice(64));
    expect(check(swapped, testPrograms.length)).toBe(BlobError.WrongImage);
  });
});

describe("a blob is refused, and nothing changes,", () => {
  test.each<readonly [string, () => Uint8Array, BlobError]>([
    ["signed by another key", () => signBlob(unsigned, stranger), BlobError.UnknownKey],
    ["signed by the right key for another purpose", () => signBlob(unsigned, { ...development, purpose: abi.KeyPurpose.Release }), BlobError.WrongPurpose],
    ["with the purpose changed afterwards", () => changed(blob, (_, view) => view.setUint32(abi.BLOB_KEY_PURPOSE, abi.KeyPurpose.Release, true)), BlobError.WrongPurpose],
    ["with another key of the ring put in", () => changed(blob, (copy, view) => { copy.set(release.publicKey, abi.BLOB_PUBLIC_KEY); view.setUint32(abi.BLOB_KEY_PURPOSE, abi.KeyPurpose.Release, true); }), BlobError.BadSignature],
    ["with the signature of another blob", () => changed(blob, (copy) => copy.set(signBlob(changed(unsigned, (other) => (other[abi.BLOB_POLICY_VERSION] = 9)), development).slice(-64), copy.length - 64)), BlobError.BadSignature],
    ["with a signature over a prefix", () => {
      const whole = lie(() => undefined);
      return changed(whole, (copy) => copy.set(development.sign(copy.slice(0, copy.length - 64 - 8)), copy.length - 64));
    }, BlobError.BadSignature],
    ["without signature", () => unsigned, BlobError.UnknownKey],
    ["cut short", () => blob.slice(0, -1), BlobError.Truncated],
    ["cut in the middle", () => blob.slice(0, blob.length >> 1), BlobError.Truncated],
    ["cut in the header", () => blob.slice(0, 100), BlobError.Truncated],
    ["empty", () => new Uint8Array(0), BlobError.Truncated],
    ["with bytes after its end", () => Uint8Array.of(...blob, 0, 0, 0, 0, 0, 0, 0, 0), BlobError.BadStructure],
    ["that is something else", () => changed(blob, (copy) => (copy[0] = 0x7f)), BlobError.BadMagic],
    ["of another format", () => changed(blob, (_, view) => view.setUint32(abi.BLOB_FORMAT, 2, true)), BlobError.BadFormat],
    ["that says it is huge", () => changed(blob, (_, view) => view.setUint32(abi.BLOB_BYTES, 0x7fffffff, true)), BlobError.TooLarge],
  ])("%s", (_name, make, expected) => {
    load(signBlob(changed(unsigned, (copy) => (copy[abi.BLOB_POLICY_VERSION] = 1)), development));
    expect(load(make())).toBe(expected);
    expect(monitor.number("epoch")).toBe(1);
    expect(monitor.big("policyVersion")).toBe(1n);
  });

  test("with any one of 1,000 bits flipped, wherever", () => {
    const bits = blob.length * 8;
    for (let i = 0; i < 1000; i++) {
      // 1,000 places spread over all of it, another bit of the byte each time.
      const bit = Math.floor((i * bits) / 1000) + (i % 7);
      expect(load(changed(blob, (copy) => (copy[bit >> 3] ^= 1 << (bit & 7)))), `bit ${bit}`).not.toBe(BlobError.None);
    }
    expect(monitor.number("epoch")).toBe(0);
  }, 60_000);

  test("at an address that is not aligned", () => {
    const address = monitor.put(Uint8Array.of(...new Uint8Array(4), ...blob));
    expect(monitor.number("monitorLoad", address + 4, blob.length)).toBe(BlobError.BadStructure);
  });

  test("by a kernel without any key", async () => {
    expect(load(blob, startMonitor(await compileMonitor()))).toBe(BlobError.UnknownKey);
  }, 30_000);
});

describe("a blob that lies is refused though its signature is right:", () => {
  const { BlobSection } = abi;
  const put = (of: abi.BlobSection, offset: number, value: number) => () => lie((_, view) => view.setUint32(section(of).at + offset, value, true));
  const put16 = (of: abi.BlobSection, offset: number, value: number) => () => lie((_, view) => view.setUint16(section(of).at + offset, value, true));
  const put64 = (of: abi.BlobSection, offset: number, value: bigint) => () => lie((_, view) => view.setBigUint64(section(of).at + offset, value, true));
  const table = (of: abi.BlobSection, offset: number, value: number) => () => lie((_, view) => view.setUint32(abi.BLOB_HEADER_BYTES + (of - 1) * abi.BLOB_SECTION_BYTES + offset, value, true));
  const last = (of: abi.BlobSection, bytes: number) => section(of).bytes - bytes;

  test.each<readonly [string, () => Uint8Array]>([
    ["a reserved byte of the header is set", () => lie((copy) => (copy[100] = 1))],
    ["a section is missing", () => lie((_, view) => view.setUint32(abi.BLOB_SECTION_COUNT, 12, true))],
    ["a section has another's number", table(BlobSection.Rules, 0, BlobSection.Fields)],
    ["a section starts before the one before it ends", () => lie((_, view) => view.setUint32(abi.BLOB_HEADER_BYTES + 16 + 4, section(BlobSection.Slots).at, true))],
    ["a section reaches beyond the blob", table(BlobSection.Bindings, 8, 0x7fff_fff8)],
    ["a count does not fit the length", table(BlobSection.Rules, 12, 0xffff_ffff)],
    ["a count times the entry's size wraps around", table(BlobSection.Slots, 12, 0x0400_0000 + 6)],
    ["an offset is near the top of the address space", table(BlobSection.Slots, 4, 0xffff_fff8)],
    ["padding holds something", () => {
      const strings = section(BlobSection.Strings);
      if (strings.bytes % 8 === 0) return lie((copy) => (copy[100] = 1));
      return lie((copy) => (copy[strings.at + strings.bytes] = 1));
    }],
    ["strings do not end", () => lie((copy) => (copy[section(BlobSection.Strings).at + section(BlobSection.Strings).bytes - 1] = 0x41))],
    ["strings do not start with the empty one", () => lie((copy) => (copy[section(BlobSection.Strings).at] = 0x41))],
    ["a string holds a control character", () => lie((copy) => (copy[section(BlobSection.Strings).at + 2] = 0x1b))],
    ["a string is not ASCII", () => lie((copy) => (copy[section(BlobSection.Strings).at + 2] = 0xc3))],

    ["a slot's name is no start of a string", put(BlobSection.Slots, abi.SLOT_NAME, 3)],
    ["a slot's name lies outside the strings", put(BlobSection.Slots, abi.SLOT_NAME, 0x7fff_ffff)],
    ["a slot's class does not exist", put(BlobSection.Slots, abi.SLOT_CLASS, 0xffff)],
    ["a slot has a kernel class", put(BlobSection.Slots, abi.SLOT_CLASS, 12)],
    ["a slot's program does not exist", put(BlobSection.Slots, abi.SLOT_PROGRAM, 6)],
    ["a slot's priority is 0", put(BlobSection.Slots, abi.SLOT_PRIORITY, 0)],
    ["a slot's ceiling is below its priority", put(BlobSection.Slots, abi.SLOT_CEILING, 1)],
    ["a slot's ceiling is above 255", put(BlobSection.Slots, abi.SLOT_CEILING, 256)],
    ["a quota is 0", put(BlobSection.Slots, abi.SLOT_QUOTA_PAGES, 0)],
    ["a quota is absurd", put(BlobSection.Slots, abi.SLOT_QUOTA_PAGES, 0xffff_ffff)],
    ["a restart rule does not exist", put(BlobSection.Slots, abi.SLOT_RESTART, 3)],
    ["a slot has an unknown flag", put(BlobSection.Slots, abi.SLOT_FLAGS, 2)],
    ["a fault handler is no slot", put(BlobSection.Slots, abi.SLOT_FAULT_SLOT, 6)],
    ["a fault handler serves something else", put(BlobSection.Slots, abi.SLOT_FAULT_SLOT, 1)],
    ["a slot has another's handles", put(BlobSection.Slots, abi.SLOT_FIRST_HANDLE, 1)],
    ["a slot has more handles than there are", put(BlobSection.Slots, abi.SLOT_HANDLE_COUNT, 200)],
    ["a slot has fewer handles than the next expects", put(BlobSection.Slots, abi.SLOT_HANDLE_COUNT, 1)],
    ["a reserved word of a slot is set", put(BlobSection.Slots, 60, 1)],

    ["a handle's type does not exist", put(BlobSection.Handles, abi.CHANNEL_TYPE, 16)],
    ["a handle is to a domain", put(BlobSection.Handles, abi.CHANNEL_TYPE, 1)],
    ["a handle has no rights", put(BlobSection.Handles, abi.CHANNEL_RIGHTS, 0)],
    ["a handle has rights that do not exist", put(BlobSection.Handles, abi.CHANNEL_RIGHTS, 0x8000_0001)],
    ["a kernel object has a badge", put(BlobSection.Handles, abi.CHANNEL_BADGE, 1)],
    ["a kernel object has another class", put(BlobSection.Handles, abi.CHANNEL_CLASS, 11)],
    ["an endpoint's interface does not exist", put(BlobSection.Handles, 2 * abi.CHANNEL_BYTES + abi.CHANNEL_INTERFACE, 0x1ff)],
    ["an endpoint's interface is the kernel's", put(BlobSection.Handles, 2 * abi.CHANNEL_BYTES + abi.CHANNEL_INTERFACE, 1)],
    ["an endpoint belongs to nobody", put(BlobSection.Handles, 2 * abi.CHANNEL_BYTES + abi.CHANNEL_TARGET_SLOT, 99)],
    ["an own endpoint has another number", put(BlobSection.Handles, 2 * abi.CHANNEL_BYTES + abi.CHANNEL_TARGET_ENDPOINT, 1)],
    ["an endpoint has another class than its owner", put(BlobSection.Handles, 2 * abi.CHANNEL_BYTES + abi.CHANNEL_CLASS, 32)],
    ["ports beyond the last", put(BlobSection.Handles, 3 * abi.CHANNEL_BYTES + abi.CHANNEL_COUNT, 0x1_0000)],
    ["no ports at all", put(BlobSection.Handles, 3 * abi.CHANNEL_BYTES + abi.CHANNEL_COUNT, 0)],
    ["an interrupt line that cannot be", put(BlobSection.Handles, 4 * abi.CHANNEL_BYTES + abi.CHANNEL_FIRST, 256)],

    ["a program has an unknown flag", put(BlobSection.Programs, abi.PROGRAM_FLAGS, 3)],
    ["a program's name is empty", put(BlobSection.Programs, abi.PROGRAM_NAME, 0)],
    ["a program's digest is not the image's", put(BlobSection.Programs, abi.PROGRAM_DIGEST, 1)],
    ["the image's digest is another's", () => lie((copy) => (copy[abi.BLOB_IMAGE_DIGEST] ^= 1))],
    ["class 0 has a name", put(BlobSection.Classes, abi.CLASS_NAME, 1)],
    ["a class of the kernel has none", put(BlobSection.Classes, abi.CLASS_BYTES + abi.CLASS_NAME, 0)],
    ["a reserved class exists", put(BlobSection.Classes, 20 * abi.CLASS_BYTES + abi.CLASS_NAME, 1)],

    ["interfaces are not in order", put(BlobSection.Interfaces, abi.INTERFACE_ID, 0x200)],
    ["an interface has the number of permissions", () => lie((_, view) => view.setUint32(section(BlobSection.Interfaces).at + last(BlobSection.Interfaces, abi.INTERFACE_BYTES), 0xffff, true))],
    ["an interface has 65 methods", put(BlobSection.Interfaces, abi.INTERFACE_METHOD_COUNT, 65)],
    ["an interface has another's methods", put(BlobSection.Interfaces, abi.INTERFACE_FIRST_METHOD, 1)],
    ["an interface has other errors than its methods say", put(BlobSection.Interfaces, abi.INTERFACE_ERROR_COUNT, 9)],
    ["a method has another's fields", put(BlobSection.Methods, abi.METHOD_FIRST_FIELD, 1)],
    ["a method has more fields than there are", put(BlobSection.Methods, abi.METHOD_RESPONSE_FIELDS, 0xffff_fff0)],
    ["a method's words are not its fields", put16(BlobSection.Methods, abi.METHOD_RESPONSE_WORDS, 65)],
    ["a method counts a word as a handle", () => lie((_, view) => { view.setUint16(section(BlobSection.Methods).at + abi.METHOD_RESPONSE_WORDS, 6, true); view.setUint16(section(BlobSection.Methods).at + abi.METHOD_RESPONSE_HANDLES, 1, true); })],
    ["a field's kind does not exist", put(BlobSection.Fields, abi.FIELD_KIND, 5)],
    ["a signed field's maximum is negative", () => lie((_, view) => { view.setUint32(section(BlobSection.Fields).at + abi.FIELD_KIND, abi.FieldKind.Signed, true); view.setUint32(section(BlobSection.Fields).at + abi.FIELD_MAX + 4, 0x8000_0000, true); })],

    ["a rule's flag does not exist", put(BlobSection.Rules, abi.RULE_FLAGS, 2)],
    ["a rule is bound to nothing", put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0)],
    ["a rule is bound to an event that does not exist", put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0017)],
    ["a rule reads an event that it is not bound to", put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0106)],
    ["a rule records an event that it is not bound to", put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0006)],
    ["a reserved byte of a rule is set", put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0101_0007)],
    ["a rule reads an event without a program", put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0207)],
    ["a rule has a program and reads no event", put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0007)],
    ["an execute rule is bound to a request", put(BlobSection.Rules, abi.RULE_EVENTS, 1)],
    ["an execute rule is recorded", put(BlobSection.Rules, abi.RULE_EVENTS, 0x08_0008)],
    ["a rule speaks of methods beyond the interface's", put64(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_METHODS, 8n)],
    ["a rule speaks of no method", put64(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_METHODS, 0n)],
    ["a rule's interface does not exist", put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_INTERFACE, 0x1ff)],
    ["a rule has another's program", put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_PROGRAM, 1)],
    ["a rule's program is longer than all", put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_PROGRAM_COUNT, 100)],
    ["a condition reads two events", put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0307)],
    ["a condition is put on a method without that word", put64(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_METHODS, 4n)],
    ["a rule has no line", put(BlobSection.Rules, abi.RULE_LINE, 0)],
    ["a rule's text is no string", put(BlobSection.Rules, abi.RULE_TEXT, 0xffff_ffff)],
    ["an instruction's operation does not exist", () => lie((copy) => (copy[section(BlobSection.RuleProgram).at] = 10))],
    ["an instruction reads a word that the message does not have", () => lie((copy) => (copy[section(BlobSection.RuleProgram).at + abi.INSTRUCTION_WORD] = 2))],
    ["an instruction shifts by 64", () => lie((copy) => (copy[section(BlobSection.RuleProgram).at + abi.INSTRUCTION_SHIFT] = 64))],
    ["an instruction jumps to itself", put16(BlobSection.RuleProgram, abi.INSTRUCTION_ON_TRUE, 0)],
    ["an instruction jumps back", put16(BlobSection.RuleProgram, abi.INSTRUCTION_BYTES + abi.INSTRUCTION_ON_FALSE, 0)],
    ["an instruction jumps out of its rule", put16(BlobSection.RuleProgram, abi.INSTRUCTION_ON_FALSE, 2)],
    ["an instruction compares with a word that the message does not have", () => lie((copy, view) => { copy[section(BlobSection.RuleProgram).at] = abi.RuleOperation.EqualWord; view.setBigUint64(section(BlobSection.RuleProgram).at + abi.INSTRUCTION_VALUE, 2n, true); })],

    ["an execute grant is for a class that does not exist", put(BlobSection.Execute, abi.EXECUTE_CLASS, 99)],
    ["an execute grant is for a program that does not exist", put(BlobSection.Execute, abi.EXECUTE_PROGRAM, 99)],
    ["execute grants are not in order", put(BlobSection.Execute, abi.EXECUTE_CLASS, 36)],
    ["an execute grant's rule is about messages", put(BlobSection.Execute, abi.EXECUTE_RULE, 6)],
    ["pairs are not in order", put(BlobSection.Pairs, abi.PAIR_KEY + 4, 0xff)],
    ["a pair's subject is a kernel object", () => lie((_, view) => view.setBigUint64(section(BlobSection.Pairs).at, (1n << 32n) | (1n << 16n) | 1n, true))],
    ["a pair's target does not exist", () => lie((_, view) => view.setBigUint64(section(BlobSection.Pairs).at, (32n << 32n) | (20n << 16n) | 1n, true))],
    ["a pair has no rules", put(BlobSection.Pairs, abi.PAIR_BINDING_COUNT, 0)],
    ["a pair's rules lie outside", put(BlobSection.Pairs, abi.PAIR_FIRST_BINDING, 0xffff_ffff)],
    ["a pair grants a request that its rules do not", put64(BlobSection.Pairs, abi.PAIR_REQUEST, 0x3fffn)],
    ["a pair grants a response that its rules do not", put64(BlobSection.Pairs, abi.PAIR_RESPONSE, 0x3fffn)],
    ["a pair hides what its rules grant", put64(BlobSection.Pairs, abi.PAIR_ERROR, 0n)],
    ["a binding names no rule", put(BlobSection.Bindings, 0, 999)],
    ["a binding names a rule on another interface", put(BlobSection.Bindings, 0, 0)],
  ])("%s", (_name, make) => {
    expect(load(make())).toBe(BlobError.BadStructure);
    expect(monitor.number("epoch")).toBe(0);
  });

  test("the unchanged blob, signed the same way, is accepted", () => {
    expect(load(lie(() => undefined))).toBe(BlobError.None);
  });
});

describe("the structural verifier", () => {
  /** Reproducible bytes: xorshift32. */
  function random(seed: number): () => number {
    let state = seed >>> 0 || 1;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>>= 0);
    };
  }

  test("survives 20,000 mutations, and what it accepts can be judged without a trap", () => {
    const next = random(4711);
    const address = monitor.put(blob);
    const events = monitor.put(new Uint8Array(64 * 8));
    const memory = new Uint8Array(monitor.memory.buffer);
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      memory.set(blob, address);
      for (let changes = 1 + (next() % 3); changes > 0; changes--) {
        const at = abi.BLOB_HEADER_BYTES + (next() % (unsigned.length - abi.BLOB_HEADER_BYTES - 64));
        const kind = next() % 3;
        if (kind === 0) memory[address + at] ^= 1 << (next() % 8);
        else if (kind === 1) memory[address + at] = next() & 0xff;
        else memory[address + at] = [0, 1, 0xff, 0x7f, 0x80][next() % 5] ?? 0;
      }
      if (monitor.number("verifyStructure", address, unsigned.length) !== BlobError.None) continue;
      accepted += 1;
      monitor.run("putInForce", address);
      monitor.run("auditReset");
      for (const subject of [16, 32, 36]) {
        for (const [target, spoken] of [[34, 0x101], [35, 0x103], [1, 1], [2, 0xffff]] as const) {
          for (let method = 0; method < 4; method++) {
            if (spoken !== 0xffff) monitor.number("judge", next() % 3, 0, 1, subject, target, spoken, method, events, next() % 5, 0, 0, next() % 2);
            monitor.number("query", subject, target, spoken, method);
          }
        }
      }
      monitor.number("findClass", events, 4);
    }
    // Digests, names' letters, limits: some changes leave a blob that holds together.
    expect(accepted).toBeGreaterThan(100);
    expect(accepted).toBeLessThan(16_000);
  }, 120_000);
});
