import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compileTest, testPrograms } from "../../../tests/support/policy-system.ts";
import { Random } from "../../../toolchain/fuzz/random.ts";
import { type Monitor, compileMonitor, startMonitor } from "../../../tests/support/load-monitor.ts";
import { testSigner } from "../../../tests/support/test-signer.ts";
import { keyRingText } from "../../../toolchain/keys/key-ring.ts";
import { signBlob } from "../../../toolchain/keys/sign-blob.ts";
import { BlobError } from "../../abi/blob-error.ts";
import * as abi from "../../abi/blob.ts";
import {
  HEADER_FLAG_RECEIVE,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
} from "../../abi/system-call.ts";
import {
  ObjectType,
  RIGHT_CALL,
  RIGHT_CONTROL,
  RIGHT_COPY,
  RIGHT_MINT,
  RIGHT_TRANSFER,
} from "../../abi/object.ts";

const development = testSigner(1);
const release = testSigner(2, abi.KeyPurpose.Release);
const stranger = testSigner(3);

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
});
beforeEach(() => {
  monitor = startMonitor(wasm);
});

/** At a place of its own: the blob in force is used where it lies. */
function load(bytes: Uint8Array, on = monitor): BlobError {
  return on.number("monitorLoad", on.put(bytes), bytes.length);
}
function changed(
  bytes: Uint8Array,
  change: (copy: Uint8Array, view: DataView) => void,
): Uint8Array {
  const copy = bytes.slice();
  change(copy, new DataView(copy.buffer));
  return copy;
}
/** Changed and signed again: only the structural verifier can refuse it. */
function lie(change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  return signBlob(changed(unsigned, change), development);
}

/**
 * Takes the blob apart, changes its sections and puts it together again with a section table that
 * is right.
 */
function rebuilt(
  change: (sections: Map<abi.BlobSection, { bytes: Uint8Array; count: number }>) => void,
): Uint8Array {
  const sections = new Map<abi.BlobSection, { bytes: Uint8Array; count: number }>();
  for (let of = 1; of <= abi.BLOB_SECTIONS; of++) {
    const { at, bytes, count } = section(of);
    sections.set(of, { bytes: unsigned.slice(at, at + bytes), count });
  }
  change(sections);
  const parts = [...sections.values()];
  const start = abi.BLOB_HEADER_BYTES + abi.BLOB_SECTIONS * abi.BLOB_SECTION_BYTES;
  const total = parts.reduce((at, part) => at + ((part.bytes.length + 7) & ~7), start) + 64;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  bytes.set(unsigned.subarray(0, abi.BLOB_HEADER_BYTES));
  view.setUint32(abi.BLOB_BYTES, total, true);
  let at = start;
  parts.forEach((part, i) => {
    [i + 1, at, part.bytes.length, part.count].forEach((value, n) =>
      view.setUint32(abi.BLOB_HEADER_BYTES + i * abi.BLOB_SECTION_BYTES + n * 4, value, true),
    );
    bytes.set(part.bytes, at);
    at += (part.bytes.length + 7) & ~7;
  });
  return signBlob(bytes, development);
}
type Sections = Map<abi.BlobSection, { bytes: Uint8Array; count: number }>;

/** Offsets of so many names more, behind all others in the order of the strings. */
function newNames(sections: Sections, count: number): readonly number[] {
  const strings = sections.get(abi.BlobSection.Strings);
  if (strings === undefined) throw new Error("no strings");
  const names = Array.from({ length: count }, (_, i) => `~${String(i).padStart(4, "0")}\0`);
  const bytes = Uint8Array.of(...strings.bytes, ...new TextEncoder().encode(names.join("")));
  sections.set(abi.BlobSection.Strings, { bytes, count: bytes.length });
  return names.map((name, i) => strings.bytes.length + i * name.length);
}

/** Interfaces that no program uses. The last one has that many methods without fields. */
function appendInterfaces(sections: Sections, ids: readonly number[], methodCount: number): void {
  const [interfaces, methods] = [
    sections.get(abi.BlobSection.Interfaces),
    sections.get(abi.BlobSection.Methods),
  ];
  if (interfaces === undefined || methods === undefined) return;
  const names = newNames(sections, ids.length + methodCount);
  const extra = new Uint8Array(ids.length * abi.INTERFACE_BYTES);
  const view = new DataView(extra.buffer);
  ids.forEach((id, i) =>
    [id, 1, names[i]!, methods.count, i === ids.length - 1 ? methodCount : 0].forEach((value, n) =>
      view.setUint32(i * abi.INTERFACE_BYTES + n * 4, value, true),
    ),
  );
  const extraMethods = new Uint8Array(methodCount * abi.METHOD_BYTES);
  for (let i = 0; i < methodCount; i++)
    [names[ids.length + i]!, section(abi.BlobSection.Fields).count].forEach((value, n) =>
      new DataView(extraMethods.buffer).setUint32(i * abi.METHOD_BYTES + n * 4, value, true),
    );
  // Methods without fields: their calls and answers are plain.
  for (let i = 0; i < methodCount; i++) {
    const at = new DataView(extraMethods.buffer, i * abi.METHOD_BYTES);
    const naming = (ids.at(-1)! << HEADER_INTERFACE_SHIFT) | (i << HEADER_METHOD_SHIFT);
    at.setUint32(abi.METHOD_PLAIN_CALL, naming >>> 0, true);
    at.setUint16(abi.METHOD_PLAIN_ANSWER, HEADER_FLAG_RECEIVE, true);
  }
  sections.set(abi.BlobSection.Interfaces, {
    bytes: Uint8Array.of(...interfaces.bytes, ...extra),
    count: interfaces.count + ids.length,
  });
  sections.set(abi.BlobSection.Methods, {
    bytes: Uint8Array.of(...methods.bytes, ...extraMethods),
    count: methods.count + methodCount,
  });
}
/** The section with a change, the others as they are. */
function resized(
  of: abi.BlobSection,
  change: (bytes: Uint8Array) => Uint8Array,
  entryBytes: number,
): () => Uint8Array {
  return () =>
    rebuilt((sections) => {
      const bytes = change(sections.get(of)?.bytes ?? new Uint8Array(0));
      sections.set(of, { bytes, count: Math.floor(bytes.length / entryBytes) });
    });
}

/** Start and count of a section. */
function section(of: abi.BlobSection): {
  readonly at: number;
  readonly bytes: number;
  readonly count: number;
} {
  const view = new DataView(unsigned.buffer, unsigned.byteOffset);
  const entry = abi.BLOB_HEADER_BYTES + (of - 1) * abi.BLOB_SECTION_BYTES;
  return {
    at: view.getUint32(entry + 4, true),
    bytes: view.getUint32(entry + 8, true),
    count: view.getUint32(entry + 12, true),
  };
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
  });

  test("only if the booted programs are those that it names", () => {
    load(blob);
    const digests = Uint8Array.from(testPrograms.flatMap((program) => [...program.digest]));
    const check = (bytes: Uint8Array, count: number) =>
      monitor.number("checkImage", monitor.put(bytes), count);
    expect(check(digests, testPrograms.length)).toBe(BlobError.None);
    expect(
      check(
        changed(digests, (copy) => (copy[40] ^= 1)),
        testPrograms.length,
      ),
    ).toBe(BlobError.WrongImage);
    expect(check(digests, testPrograms.length - 1)).toBe(BlobError.WrongImage);
    const swapped = Uint8Array.of(
      ...digests.slice(32, 64),
      ...digests.slice(0, 32),
      ...digests.slice(64),
    );
    expect(check(swapped, testPrograms.length)).toBe(BlobError.WrongImage);
  });
});

describe("a blob is refused, and nothing changes,", () => {
  test.each<readonly [string, () => Uint8Array, BlobError]>([
    ["signed by another key", () => signBlob(unsigned, stranger), BlobError.UnknownKey],
    [
      "signed by the right key for another purpose",
      () => signBlob(unsigned, { ...development, purpose: abi.KeyPurpose.Release }),
      BlobError.WrongPurpose,
    ],
    [
      "with the purpose changed afterwards",
      () =>
        changed(blob, (_, view) =>
          view.setUint32(abi.BLOB_KEY_PURPOSE, abi.KeyPurpose.Release, true),
        ),
      BlobError.WrongPurpose,
    ],
    [
      "with another key of the ring put in",
      () =>
        changed(blob, (copy, view) => {
          copy.set(release.publicKey, abi.BLOB_PUBLIC_KEY);
          view.setUint32(abi.BLOB_KEY_PURPOSE, abi.KeyPurpose.Release, true);
        }),
      BlobError.BadSignature,
    ],
    [
      "with the signature of another blob",
      () =>
        changed(blob, (copy) =>
          copy.set(
            signBlob(
              changed(unsigned, (other) => (other[abi.BLOB_POLICY_VERSION] = 9)),
              development,
            ).slice(-64),
            copy.length - 64,
          ),
        ),
      BlobError.BadSignature,
    ],
    [
      "with a signature over a prefix",
      () => {
        const whole = lie(() => undefined);
        return changed(whole, (copy) =>
          copy.set(development.sign(copy.slice(0, copy.length - 64 - 8)), copy.length - 64),
        );
      },
      BlobError.BadSignature,
    ],
    ["without signature", () => unsigned, BlobError.UnknownKey],
    ["cut short", () => blob.slice(0, -1), BlobError.Truncated],
    ["cut in the middle", () => blob.slice(0, blob.length >> 1), BlobError.Truncated],
    ["cut in the header", () => blob.slice(0, 100), BlobError.Truncated],
    ["empty", () => new Uint8Array(0), BlobError.Truncated],
    [
      "with bytes after its end",
      () => Uint8Array.of(...blob, 0, 0, 0, 0, 0, 0, 0, 0),
      BlobError.BadStructure,
    ],
    ["that is something else", () => changed(blob, (copy) => (copy[0] = 0x7f)), BlobError.BadMagic],
    ["that is nearly one", () => changed(blob, (copy) => (copy[7] = 0x7f)), BlobError.BadMagic],
    [
      "of the format before",
      () => changed(blob, (_, view) => view.setUint32(abi.BLOB_FORMAT, 1, true)),
      BlobError.BadFormat,
    ],
    [
      "that says it is huge",
      () => changed(blob, (_, view) => view.setUint32(abi.BLOB_BYTES, 0x7fffffff, true)),
      BlobError.TooLarge,
    ],
  ])("%s", (_name, make, expected) => {
    load(
      signBlob(
        changed(unsigned, (copy) => (copy[abi.BLOB_POLICY_VERSION] = 1)),
        development,
      ),
    );
    expect(load(make())).toBe(expected);
    expect(monitor.number("epoch")).toBe(1);
    expect(monitor.big("policyVersion")).toBe(1n);
  });

  test("with any one of 1,000 bits flipped, wherever", () => {
    const bits = blob.length * 8;
    for (let i = 0; i < 1000; i++) {
      // 1,000 places spread over all of it, another bit of the byte each time.
      const bit = Math.floor((i * bits) / 1000) + (i % 7);
      expect(
        load(changed(blob, (copy) => (copy[bit >> 3] ^= 1 << (bit & 7)))),
        `bit ${bit}`,
      ).not.toBe(BlobError.None);
    }
    expect(monitor.number("epoch")).toBe(0);
  });

  test("at an address that is not aligned", () => {
    const address = monitor.put(Uint8Array.of(...new Uint8Array(4), ...blob));
    expect(monitor.number("monitorLoad", address + 4, blob.length)).toBe(BlobError.BadStructure);
  });

  test("by a kernel without any key", async () => {
    expect(load(blob, startMonitor(await compileMonitor()))).toBe(BlobError.UnknownKey);
  });
});

/**
 * The last slot with that many endpoints of its own before its handles, each like the second
 * slot's.
 */
function withEndpoints(count: number): Uint8Array {
  return rebuilt((sections) => {
    const [slots, handles] = [
      sections.get(abi.BlobSection.Slots),
      sections.get(abi.BlobSection.Handles),
    ];
    if (slots === undefined || handles === undefined) return;
    const view = new DataView(slots.bytes.buffer);
    const slot = slots.bytes.length - abi.SLOT_BYTES;
    const before = view.getUint32(slot + abi.SLOT_FIRST_HANDLE, true) * abi.INITIAL_HANDLE_BYTES;
    const names = newNames(sections, count);
    const endpoints = Array.from({ length: count }, (_, i) => {
      const endpoint = handles.bytes.slice(
        2 * abi.INITIAL_HANDLE_BYTES,
        3 * abi.INITIAL_HANDLE_BYTES,
      );
      const fields: readonly (readonly [number, number])[] = [
        [abi.INITIAL_HANDLE_NAME, names[i]!],
        [abi.INITIAL_HANDLE_TARGET_SLOT, slots.count - 1],
        [abi.INITIAL_HANDLE_TARGET_ENDPOINT, i],
        [abi.INITIAL_HANDLE_CLASS, view.getUint32(slot + abi.SLOT_CLASS, true)],
      ];
      for (const [offset, value] of fields)
        new DataView(endpoint.buffer).setUint32(offset, value, true);
      return [...endpoint];
    });
    view.setUint32(
      slot + abi.SLOT_HANDLE_COUNT,
      view.getUint32(slot + abi.SLOT_HANDLE_COUNT, true) + count,
      true,
    );
    sections.set(abi.BlobSection.Handles, {
      bytes: Uint8Array.of(
        ...handles.bytes.slice(0, before),
        ...endpoints.flat(),
        ...handles.bytes.slice(before),
      ),
      count: handles.count + count,
    });
  });
}

/** Slots of the blob and further ones without handles, the quotas of all at `offset` as given. */
function withQuotas(offset: number, quotas: readonly number[]): Uint8Array {
  return rebuilt((sections) => {
    const slots = sections.get(abi.BlobSection.Slots);
    const handles = sections.get(abi.BlobSection.Handles);
    if (slots === undefined || handles === undefined) return;
    const names = newNames(sections, quotas.length);
    const bytes = new Uint8Array(quotas.length * abi.SLOT_BYTES);
    const view = new DataView(bytes.buffer);
    quotas.forEach((quota, slot) => {
      const isNew = slot >= slots.count;
      bytes.set(
        slots.bytes
          .subarray(isNew ? slots.bytes.length - abi.SLOT_BYTES : slot * abi.SLOT_BYTES)
          .subarray(0, abi.SLOT_BYTES),
        slot * abi.SLOT_BYTES,
      );
      view.setUint32(slot * abi.SLOT_BYTES + offset, quota, true);
      if (!isNew) return;
      view.setUint32(slot * abi.SLOT_BYTES + abi.SLOT_NAME, names[slot]!, true);
      view.setUint32(slot * abi.SLOT_BYTES + abi.SLOT_FIRST_HANDLE, handles.count, true);
      view.setUint32(slot * abi.SLOT_BYTES + abi.SLOT_HANDLE_COUNT, 0, true);
    });
    sections.set(abi.BlobSection.Slots, { bytes, count: quotas.length });
  });
}

describe("a blob may promise its slots together what the kernel has, and nothing more:", () => {
  const allThreads = [...Array.from({ length: 141 }, () => abi.QUOTA_THREADS_MAX), 7];

  test.each<readonly [string, () => Uint8Array, BlobError]>([
    ["4,096 threads", () => withQuotas(abi.SLOT_QUOTA_THREADS, allThreads), BlobError.None],
    [
      "4,097 threads",
      () => withQuotas(abi.SLOT_QUOTA_THREADS, [...allThreads, 1]),
      BlobError.Oversubscribed,
    ],
    [
      "8,192 objects in few slots",
      () => withQuotas(abi.SLOT_QUOTA_OBJECTS, [8187, 1, 1, 1, 1, 1]),
      BlobError.None,
    ],
    [
      "8,193 objects in few slots",
      () => withQuotas(abi.SLOT_QUOTA_OBJECTS, [8188, 1, 1, 1, 1, 1]),
      BlobError.Oversubscribed,
    ],
    [
      "8,192 objects in 1,024 slots",
      () =>
        withQuotas(
          abi.SLOT_QUOTA_OBJECTS,
          Array.from({ length: 1024 }, () => 8),
        ),
      BlobError.None,
    ],
    [
      "8,193 objects in 1,024 slots",
      () =>
        withQuotas(
          abi.SLOT_QUOTA_OBJECTS,
          Array.from({ length: 1024 }, (_, slot) => (slot === 1023 ? 9 : 8)),
        ),
      BlobError.Oversubscribed,
    ],
    [
      "as many objects as could wrap around",
      () =>
        withQuotas(
          abi.SLOT_QUOTA_OBJECTS,
          Array.from({ length: 1024 }, () => 0x3fffff),
        ),
      BlobError.Oversubscribed,
    ],
    [
      "all pages that the kernel can use, of one slot",
      () => withQuotas(abi.SLOT_QUOTA_PAGES, [abi.QUOTA_PAGES_MAX, 1, 1, 1, 1, 1]),
      BlobError.None,
    ],
    [
      "as many handles as each slot starts with",
      () => withQuotas(abi.SLOT_QUOTA_HANDLES, [5, 6, 6, 5, 7, 4]),
      BlobError.None,
    ],
    [
      "4,095 handles of each slot",
      () =>
        withQuotas(
          abi.SLOT_QUOTA_HANDLES,
          Array.from({ length: 256 }, () => abi.QUOTA_HANDLES_MAX),
        ),
      BlobError.None,
    ],
    ["32 endpoints of one slot", () => withEndpoints(abi.SLOT_ENDPOINTS_MAX), BlobError.None],
  ])("%s", (_what, make, expected) => {
    expect(load(make())).toBe(expected);
  });
});

describe("a blob that lies is refused though its signature is right:", () => {
  const { BlobSection } = abi;
  const put = (of: abi.BlobSection, offset: number, value: number) => () =>
    lie((_, view) => view.setUint32(section(of).at + offset, value, true));
  const put16 = (of: abi.BlobSection, offset: number, value: number) => () =>
    lie((_, view) => view.setUint16(section(of).at + offset, value, true));
  const put64 = (of: abi.BlobSection, offset: number, value: bigint) => () =>
    lie((_, view) => view.setBigUint64(section(of).at + offset, value, true));
  const table = (of: abi.BlobSection, offset: number, value: number) => () =>
    lie((_, view) =>
      view.setUint32(
        abi.BLOB_HEADER_BYTES + (of - 1) * abi.BLOB_SECTION_BYTES + offset,
        value,
        true,
      ),
    );
  const last = (of: abi.BlobSection, bytes: number) => section(of).bytes - bytes;

  test.each<readonly [string, () => Uint8Array]>([
    ["a reserved byte of the header is set", () => lie((copy) => (copy[100] = 1))],
    [
      "a section is missing",
      () => lie((_, view) => view.setUint32(abi.BLOB_SECTION_COUNT, 12, true)),
    ],
    ["a section has another's number", table(BlobSection.Rules, 0, BlobSection.Fields)],
    [
      "a section starts before the one before it ends",
      () =>
        lie((_, view) =>
          view.setUint32(abi.BLOB_HEADER_BYTES + 16 + 4, section(BlobSection.Slots).at, true),
        ),
    ],
    ["a section reaches beyond the blob", table(BlobSection.Bindings, 8, 0x7fff_fff8)],
    ["a count does not fit the length", table(BlobSection.Rules, 12, 0xffff_ffff)],
    ["a count times the entry's size wraps around", table(BlobSection.Slots, 12, 0x0400_0000 + 6)],
    [
      "a count times the entry's size wraps around, where nothing else bounds it",
      () => table(BlobSection.Rules, 12, 0x2000_0000 + section(BlobSection.Rules).count)(),
    ],
    [
      "a section has bytes that no entry covers",
      () => table(BlobSection.Pairs, 12, section(BlobSection.Pairs).count - 1)(),
    ],
    ["there are no strings", resized(BlobSection.Strings, () => new Uint8Array(0), 1)],
    ["there are no slots", resized(BlobSection.Slots, () => new Uint8Array(0), abi.SLOT_BYTES)],
    [
      "there are no programs",
      resized(BlobSection.Programs, () => new Uint8Array(0), abi.PROGRAM_BYTES),
    ],
    [
      "there are 1,025 slots",
      resized(
        BlobSection.Slots,
        (bytes) =>
          Uint8Array.of(
            ...bytes,
            ...Array.from({ length: 1019 }, () => {
              const extra = bytes.slice(-64);
              new DataView(extra.buffer).setUint32(
                abi.SLOT_FIRST_HANDLE,
                section(BlobSection.Handles).count,
                true,
              );
              new DataView(extra.buffer).setUint32(abi.SLOT_HANDLE_COUNT, 0, true);
              return [...extra];
            }).flat(),
          ),
        abi.SLOT_BYTES,
      ),
    ],
    [
      "there are 1,025 programs",
      resized(
        BlobSection.Programs,
        (bytes) =>
          Uint8Array.of(
            ...bytes,
            ...Array.from({ length: 1019 }, () => [...bytes.slice(0, 64)]).flat(),
          ),
        abi.PROGRAM_BYTES,
      ),
    ],
    [
      "there are 4,097 classes",
      resized(
        BlobSection.Classes,
        (bytes) =>
          Uint8Array.of(
            ...bytes,
            ...Array.from({ length: 4097 - 38 }, () => [...bytes.slice(-16)]).flat(),
          ),
        abi.CLASS_BYTES,
      ),
    ],
    [
      "there is a handle too many",
      resized(
        BlobSection.Handles,
        (bytes) => Uint8Array.of(...bytes, ...bytes.slice(-48)),
        abi.INITIAL_HANDLE_BYTES,
      ),
    ],
    [
      "there is a method too many",
      resized(
        BlobSection.Methods,
        (bytes) => Uint8Array.of(...bytes, ...bytes.slice(-32)),
        abi.METHOD_BYTES,
      ),
    ],
    [
      "there is a field too many",
      resized(
        BlobSection.Fields,
        (bytes) => Uint8Array.of(...bytes, ...bytes.slice(-16)),
        abi.FIELD_BYTES,
      ),
    ],
    [
      "there is an instruction too many",
      resized(
        BlobSection.RuleProgram,
        (bytes) => Uint8Array.of(...bytes, ...bytes.slice(-24)),
        abi.INSTRUCTION_BYTES,
      ),
    ],
    [
      "there is a binding too many, to no rule",
      resized(BlobSection.Bindings, (bytes) => Uint8Array.of(...bytes, 0xff, 0, 0, 0), 4),
    ],
    ["an offset is near the top of the address space", table(BlobSection.Slots, 4, 0xffff_fff8)],
    [
      "padding holds something",
      () => {
        const strings = section(BlobSection.Strings);
        if (strings.bytes % 8 === 0) return lie((copy) => (copy[100] = 1));
        return lie((copy) => (copy[strings.at + strings.bytes] = 1));
      },
    ],
    [
      "strings do not end",
      () =>
        lie(
          (copy) =>
            (copy[section(BlobSection.Strings).at + section(BlobSection.Strings).bytes - 1] = 0x41),
        ),
    ],
    [
      "strings do not start with the empty one",
      () => lie((copy) => (copy[section(BlobSection.Strings).at] = 0x41)),
    ],
    [
      "a string holds a control character",
      () => lie((copy) => (copy[section(BlobSection.Strings).at + 2] = 0x1b)),
    ],
    [
      "a string is not ASCII",
      () => lie((copy) => (copy[section(BlobSection.Strings).at + 2] = 0xc3)),
    ],

    [
      "a slot has 257 handles",
      () =>
        rebuilt((sections) => {
          const [slots, handles] = [
            sections.get(BlobSection.Slots),
            sections.get(BlobSection.Handles),
          ];
          if (slots === undefined || handles === undefined) return;
          // All of them like the supervisor's first; the last slot gets them.
          const extra = Array.from({ length: 256 }, () => [
            ...handles.bytes.slice(0, abi.INITIAL_HANDLE_BYTES),
          ]).flat();
          const view = new DataView(slots.bytes.buffer);
          const at = slots.bytes.length - abi.SLOT_BYTES;
          view.setUint32(
            at + abi.SLOT_HANDLE_COUNT,
            view.getUint32(at + abi.SLOT_HANDLE_COUNT, true) + 256,
            true,
          );
          view.setUint32(at + abi.SLOT_QUOTA_HANDLES, 1000, true);
          sections.set(BlobSection.Handles, {
            bytes: Uint8Array.of(...handles.bytes, ...extra),
            count: handles.count + 256,
          });
        }),
    ],
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
    ["a slot has an unknown flag", put(BlobSection.Slots, abi.SLOT_FLAGS, 16)],
    [
      "a slot other than the supervisor's restarts the machine",
      put(BlobSection.Slots, abi.SLOT_BYTES + abi.SLOT_FLAGS, 2),
    ],
    [
      "a slot other than the supervisor's restarts it after a panic",
      put(BlobSection.Slots, abi.SLOT_BYTES + abi.SLOT_FLAGS, 4),
    ],
    ["a fault handler is no slot", put(BlobSection.Slots, abi.SLOT_FAULT_SLOT, 6)],
    ["a fault handler serves something else", put(BlobSection.Slots, abi.SLOT_FAULT_SLOT, 1)],
    ["a slot has another's handles", put(BlobSection.Slots, abi.SLOT_FIRST_HANDLE, 1)],
    ["a slot has more handles than there are", put(BlobSection.Slots, abi.SLOT_HANDLE_COUNT, 200)],
    [
      "a slot has fewer handles than the next expects",
      put(BlobSection.Slots, abi.SLOT_HANDLE_COUNT, 1),
    ],
    ["a reserved word of a slot is set", put(BlobSection.Slots, 60, 1)],

    ["a handle's type does not exist", put(BlobSection.Handles, abi.INITIAL_HANDLE_TYPE, 16)],
    ["a handle is to a domain", put(BlobSection.Handles, abi.INITIAL_HANDLE_TYPE, 1)],
    ["a handle has no rights", put(BlobSection.Handles, abi.INITIAL_HANDLE_RIGHTS, 0)],
    [
      "a handle has rights that do not exist",
      put(BlobSection.Handles, abi.INITIAL_HANDLE_RIGHTS, 0x8000_0001),
    ],
    ["a kernel object has a badge", put(BlobSection.Handles, abi.INITIAL_HANDLE_BADGE, 1)],
    ["a kernel object has another class", put(BlobSection.Handles, abi.INITIAL_HANDLE_CLASS, 11)],
    [
      "an endpoint's interface does not exist",
      put(BlobSection.Handles, 2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_INTERFACE, 0x1ff),
    ],
    [
      "an endpoint's interface is the kernel's",
      put(BlobSection.Handles, 2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_INTERFACE, 1),
    ],
    [
      "an endpoint belongs to nobody",
      put(BlobSection.Handles, 2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_TARGET_SLOT, 99),
    ],
    [
      "an own endpoint has another number",
      put(
        BlobSection.Handles,
        2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_TARGET_ENDPOINT,
        1,
      ),
    ],
    [
      "an endpoint has another class than its owner",
      put(BlobSection.Handles, 2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_CLASS, 32),
    ],
    [
      "ports beyond the last",
      put(BlobSection.Handles, 3 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_COUNT, 0x1_0000),
    ],
    [
      "no ports at all",
      put(BlobSection.Handles, 3 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_COUNT, 0),
    ],
    [
      "an interrupt line that cannot be",
      put(BlobSection.Handles, 4 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_FIRST, 256),
    ],

    ["a handle has no name", put(BlobSection.Handles, abi.INITIAL_HANDLE_NAME, 0)],
    ["a reserved word of a handle is set", put(BlobSection.Handles, 44, 1)],
    [
      "a kernel object has an interface that is not its own",
      put(BlobSection.Handles, abi.INITIAL_HANDLE_INTERFACE, 11),
    ],
    [
      "a kernel object belongs to a slot",
      put(BlobSection.Handles, abi.INITIAL_HANDLE_TARGET_SLOT, 1),
    ],
    [
      "a kernel object has an endpoint's number",
      put(BlobSection.Handles, abi.INITIAL_HANDLE_TARGET_ENDPOINT, 1),
    ],
    ["a kernel object has ports", put(BlobSection.Handles, abi.INITIAL_HANDLE_COUNT, 1)],
    ["a kernel object has a line", put(BlobSection.Handles, abi.INITIAL_HANDLE_FIRST, 1)],
    [
      "an endpoint has ports",
      put(BlobSection.Handles, 2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_FIRST, 1),
    ],
    [
      "an own endpoint has a badge",
      put(BlobSection.Handles, 2 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_BADGE, 1),
    ],
    [
      "an own endpoint comes after a handle of another kind",
      () =>
        lie((copy) => {
          const { at } = section(BlobSection.Handles);
          const first = copy.slice(at + 96, at + 144);
          copy.copyWithin(at + 96, at + 144, at + 192);
          copy.set(first, at + 144);
        }),
    ],
    [
      "an endpoint and its channel speak a kernel interface",
      () =>
        lie((_, view) =>
          [2, 6].forEach((n) =>
            view.setUint32(
              section(BlobSection.Handles).at +
                n * abi.INITIAL_HANDLE_BYTES +
                abi.INITIAL_HANDLE_INTERFACE,
              1,
              true,
            ),
          ),
        ),
    ],
    [
      "an endpoint and its channel speak an interface that does not exist",
      () =>
        lie((_, view) =>
          [2, 6].forEach((n) =>
            view.setUint32(
              section(BlobSection.Handles).at +
                n * abi.INITIAL_HANDLE_BYTES +
                abi.INITIAL_HANDLE_INTERFACE,
              0x1ff,
              true,
            ),
          ),
        ),
    ],
    [
      "a channel leads to a slot far outside",
      put(
        BlobSection.Handles,
        6 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_TARGET_SLOT,
        0x0200_0000,
      ),
    ],
    [
      "a channel leads to an endpoint far outside",
      put(
        BlobSection.Handles,
        6 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_TARGET_ENDPOINT,
        0x02aa_aaaa,
      ),
    ],
    [
      "a channel leads to an endpoint that its owner does not have",
      put(
        BlobSection.Handles,
        6 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_TARGET_ENDPOINT,
        1,
      ),
    ],
    [
      "a channel leads to an endpoint of another interface",
      put(BlobSection.Handles, 6 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_INTERFACE, 0x101),
    ],
    [
      "a channel leads to a handle that is no endpoint",
      put(BlobSection.Handles, 6 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_TARGET_SLOT, 0),
    ],
    [
      "ports start beyond the last",
      put(BlobSection.Handles, 3 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_FIRST, 0x1_0000),
    ],
    [
      "an interrupt has a count",
      put(BlobSection.Handles, 4 * abi.INITIAL_HANDLE_BYTES + abi.INITIAL_HANDLE_COUNT, 1),
    ],
    ["a fault endpoint without a fault slot", put(BlobSection.Slots, abi.SLOT_FAULT_ENDPOINT, 1)],
    ["a slot has more handles than its quota", put(BlobSection.Slots, abi.SLOT_QUOTA_HANDLES, 4)],
    ["a slot's name is empty", put(BlobSection.Slots, abi.SLOT_NAME, 0)],
    [
      "a slot's quota of pages is absurd",
      put(BlobSection.Slots, abi.SLOT_QUOTA_PAGES, abi.QUOTA_PAGES_MAX + 1),
    ],
    [
      "a slot's quota of handles is more than its table",
      put(BlobSection.Slots, abi.SLOT_QUOTA_HANDLES, abi.QUOTA_HANDLES_MAX + 1),
    ],
    [
      "a slot's quota of threads is more than its stacks",
      put(BlobSection.Slots, abi.SLOT_QUOTA_THREADS, abi.QUOTA_THREADS_MAX + 1),
    ],
    [
      "a slot's quota of objects would wrap the sum",
      put(BlobSection.Slots, abi.SLOT_QUOTA_OBJECTS, 0x100_0000),
    ],
    ["a slot has 33 endpoints", () => withEndpoints(abi.SLOT_ENDPOINTS_MAX + 1)],
    ["a slot's quota of threads is 0", put(BlobSection.Slots, abi.SLOT_QUOTA_THREADS, 0)],
    ["a slot's quota of objects is 0", put(BlobSection.Slots, abi.SLOT_QUOTA_OBJECTS, 0)],
    ["a reserved word of a program is set", put(BlobSection.Programs, 40, 1)],
    ["another reserved word of a program is set", put(BlobSection.Programs, 52, 1)],
    ["the last reserved word of a program is set", put(BlobSection.Programs, 60, 1)],
    ["a program has an unknown flag", put(BlobSection.Programs, abi.PROGRAM_FLAGS, 3)],
    ["a program's name is empty", put(BlobSection.Programs, abi.PROGRAM_NAME, 0)],
    ["a program's digest is not the image's", put(BlobSection.Programs, abi.PROGRAM_DIGEST, 1)],
    ["the image's digest is another's", () => lie((copy) => (copy[abi.BLOB_IMAGE_DIGEST] ^= 1))],
    ["class 0 has a name", put(BlobSection.Classes, abi.CLASS_NAME, 1)],
    [
      "a class of the kernel has none",
      put(BlobSection.Classes, abi.CLASS_BYTES + abi.CLASS_NAME, 0),
    ],
    [
      "a class's file is no string",
      put(BlobSection.Classes, 33 * abi.CLASS_BYTES + abi.CLASS_FILE, 3),
    ],
    [
      "a class of the kernel stands in a file",
      put(BlobSection.Classes, 3 * abi.CLASS_BYTES + abi.CLASS_LINE, 3),
    ],
    ["a reserved word of a class is set", put(BlobSection.Classes, 33 * abi.CLASS_BYTES + 12, 1)],
    ["a reserved class exists", put(BlobSection.Classes, 20 * abi.CLASS_BYTES + abi.CLASS_NAME, 1)],

    ["an interface has the number 0", put(BlobSection.Interfaces, abi.INTERFACE_ID, 0)],
    ["an interface has no name", put(BlobSection.Interfaces, abi.INTERFACE_NAME, 0)],
    [
      "an interface has more errors than there can be",
      () =>
        lie((_, view) => {
          const at = section(BlobSection.Interfaces).at;
          view.setUint32(at + abi.INTERFACE_ERROR_COUNT, 5000, true);
          const methods = view.getUint32(at + abi.INTERFACE_METHOD_COUNT, true);
          for (let i = 0; i < methods; i++)
            view.setUint16(
              section(BlobSection.Methods).at + i * abi.METHOD_BYTES + abi.METHOD_ERROR_COUNT,
              5000,
              true,
            );
        }),
    ],
    ["a reserved word of an interface is set", put(BlobSection.Interfaces, 24, 1)],
    [
      "two interfaces have one number",
      () =>
        lie((_, view) => {
          for (let at = section(BlobSection.Interfaces).at; ; at += abi.INTERFACE_BYTES)
            if (view.getUint32(at, true) === 16) {
              view.setUint32(at, 15, true);
              return;
            }
        }),
    ],
    [
      "an unused interface has the number of permissions",
      () => rebuilt((sections) => appendInterfaces(sections, [0xffff], 0)),
    ],
    [
      "there are 1,025 interfaces",
      () =>
        rebuilt((sections) =>
          appendInterfaces(
            sections,
            Array.from(
              { length: 1025 - section(BlobSection.Interfaces).count },
              (_, i) => 0x200 + i,
            ),
            0,
          ),
        ),
    ],
    [
      "an unused interface has 65 methods",
      () => rebuilt((sections) => appendInterfaces(sections, [0x200], 65)),
    ],
    [
      "an interface's methods lie outside",
      put(BlobSection.Interfaces, abi.INTERFACE_METHOD_COUNT, 64),
    ],
    [
      "a method's words are fewer than its fields",
      put16(BlobSection.Methods, abi.METHOD_RESPONSE_WORDS, 6),
    ],
    [
      "a method carries 5 handles",
      () =>
        rebuilt((sections) => {
          const [methods, fields] = [
            sections.get(BlobSection.Methods),
            sections.get(BlobSection.Fields),
          ];
          if (methods === undefined || fields === undefined) return;
          const view = new DataView(methods.bytes.buffer);
          const at = methods.bytes.length - abi.METHOD_BYTES;
          const extra = new Uint8Array(5 * abi.FIELD_BYTES);
          const fieldView = new DataView(extra.buffer);
          for (let i = 0; i < 5; i++)
            [
              new DataView(fields.bytes.buffer).getUint32(0, true),
              abi.FieldKind.Handle,
              2,
              0,
            ].forEach((value, n) => fieldView.setUint32(i * abi.FIELD_BYTES + n * 4, value, true));
          view.setUint16(
            at + abi.METHOD_RESPONSE_FIELDS,
            view.getUint16(at + abi.METHOD_RESPONSE_FIELDS, true) + 5,
            true,
          );
          view.setUint16(at + abi.METHOD_RESPONSE_HANDLES, 5, true);
          sections.set(BlobSection.Fields, {
            bytes: Uint8Array.of(...fields.bytes, ...extra),
            count: fields.count + 5,
          });
        }),
    ],
    ["a method has no name", put(BlobSection.Methods, abi.METHOD_NAME, 0)],
    [
      "a call that needs a check is said to need none",
      put(BlobSection.Methods, abi.METHOD_PLAIN_CALL, 0),
    ],
    [
      "a reply that needs a check is said to need none",
      put16(BlobSection.Methods, abi.METHOD_PLAIN_ANSWER, 0),
    ],
    [
      "another number of fields is said to take any word",
      put(BlobSection.Methods, abi.METHOD_REQUEST_FREE, 1),
    ],
    ["a field has no name", put(BlobSection.Fields, abi.FIELD_NAME, 0)],
    [
      "a method has 65 words",
      () =>
        rebuilt((sections) => {
          // The last method gets 65 fields more in its response.
          const methods = sections.get(BlobSection.Methods);
          const fields = sections.get(BlobSection.Fields);
          if (methods === undefined || fields === undefined) return;
          const view = new DataView(methods.bytes.buffer);
          const at = methods.bytes.length - abi.METHOD_BYTES;
          const words = view.getUint16(at + abi.METHOD_RESPONSE_WORDS, true);
          view.setUint16(at + abi.METHOD_RESPONSE_FIELDS, 65, true);
          view.setUint16(at + abi.METHOD_RESPONSE_WORDS, 65, true);
          view.setUint16(at + abi.METHOD_RESPONSE_HANDLES, 0, true);
          const extra = new Uint8Array((65 - words) * abi.FIELD_BYTES);
          for (let i = 0; i < extra.length; i += abi.FIELD_BYTES)
            extra.set(fields.bytes.subarray(0, abi.FIELD_BYTES), i);
          sections.set(BlobSection.Fields, {
            bytes: Uint8Array.of(...fields.bytes, ...extra),
            count: fields.count + 65 - words,
          });
        }),
    ],
    [
      "bytes are longer than an arena",
      () =>
        lie((_, view) => {
          for (let at = section(BlobSection.Fields).at; ; at += abi.FIELD_BYTES)
            if (view.getUint32(at + abi.FIELD_KIND, true) === abi.FieldKind.Text) {
              view.setBigUint64(at + abi.FIELD_MAX, 65537n, true);
              return;
            }
        }),
    ],
    [
      "a handle is to no type",
      () =>
        lie((_, view) => {
          for (let at = section(BlobSection.Fields).at; ; at += abi.FIELD_BYTES)
            if (view.getUint32(at + abi.FIELD_KIND, true) === abi.FieldKind.Handle) {
              view.setBigUint64(at + abi.FIELD_MAX, 0n, true);
              return;
            }
        }),
    ],
    [
      "a handle is to an interface that does not exist",
      () =>
        lie((_, view) => {
          for (let at = section(BlobSection.Fields).at; ; at += abi.FIELD_BYTES)
            if (view.getUint32(at + abi.FIELD_KIND, true) === abi.FieldKind.Handle) {
              view.setBigUint64(at + abi.FIELD_MAX, 0x1ffn, true);
              return;
            }
        }),
    ],
    [
      "a handle's interface only looks like one that exists",
      () =>
        lie((_, view) => {
          for (let at = section(BlobSection.Fields).at; ; at += abi.FIELD_BYTES)
            if (view.getUint32(at + abi.FIELD_KIND, true) === abi.FieldKind.Handle) {
              view.setBigUint64(at + abi.FIELD_MAX, 0x1_0000_0101n, true);
              return;
            }
        }),
    ],
    ["interfaces are not in order", put(BlobSection.Interfaces, abi.INTERFACE_ID, 0x200)],
    [
      "an interface has the number of permissions",
      () =>
        lie((_, view) =>
          view.setUint32(
            section(BlobSection.Interfaces).at + last(BlobSection.Interfaces, abi.INTERFACE_BYTES),
            0xffff,
            true,
          ),
        ),
    ],
    ["an interface has 65 methods", put(BlobSection.Interfaces, abi.INTERFACE_METHOD_COUNT, 65)],
    [
      "an interface has another's methods",
      put(BlobSection.Interfaces, abi.INTERFACE_FIRST_METHOD, 1),
    ],
    [
      "an interface has other errors than its methods say",
      put(BlobSection.Interfaces, abi.INTERFACE_ERROR_COUNT, 9),
    ],
    ["a method has another's fields", put(BlobSection.Methods, abi.METHOD_FIRST_FIELD, 1)],
    [
      "a method has more fields than there are",
      put16(BlobSection.Methods, abi.METHOD_RESPONSE_FIELDS, 0xfff0),
    ],
    [
      "a method's words are not its fields",
      put16(BlobSection.Methods, abi.METHOD_RESPONSE_WORDS, 65),
    ],
    [
      "a method counts a word as a handle",
      () =>
        lie((_, view) => {
          view.setUint16(section(BlobSection.Methods).at + abi.METHOD_RESPONSE_WORDS, 6, true);
          view.setUint16(section(BlobSection.Methods).at + abi.METHOD_RESPONSE_HANDLES, 1, true);
        }),
    ],
    ["a field's kind does not exist", put(BlobSection.Fields, abi.FIELD_KIND, 5)],
    [
      "a signed field's maximum is negative",
      () =>
        lie((_, view) => {
          view.setUint32(
            section(BlobSection.Fields).at + abi.FIELD_KIND,
            abi.FieldKind.Signed,
            true,
          );
          view.setUint32(section(BlobSection.Fields).at + abi.FIELD_MAX + 4, 0x8000_0000, true);
        }),
    ],

    ["a rule's flag does not exist", put(BlobSection.Rules, abi.RULE_FLAGS, 2)],
    [
      "a require has a flag that does not exist",
      put(BlobSection.Rules, 10 * abi.RULE_BYTES + abi.RULE_FLAGS, 3),
    ],
    [
      "a require has a program and reads no event",
      put(BlobSection.Rules, 10 * abi.RULE_BYTES + abi.RULE_EVENTS, 1),
    ],
    [
      "a require is bound to an event that it does not read",
      put(BlobSection.Rules, 10 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0105),
    ],
    [
      "a require is recorded",
      put(BlobSection.Rules, 10 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0101),
    ],
    ["an execute rule narrows", put(BlobSection.Rules, abi.RULE_FLAGS, 1)],
    ["an execute rule speaks of no method", put64(BlobSection.Rules, abi.RULE_METHODS, 0n)],
    ["an execute rule speaks of two methods", put64(BlobSection.Rules, abi.RULE_METHODS, 3n)],
    [
      "a rule's interface is not its pair's",
      put(BlobSection.Rules, 8 * abi.RULE_BYTES + abi.RULE_INTERFACE, 0x104),
    ],
    ["a rule is bound to nothing", put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0)],
    [
      "a rule is bound to an event that does not exist",
      put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0017),
    ],
    [
      "a rule reads an event that it is not bound to",
      put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0106),
    ],
    [
      "a rule records an event that it is not bound to",
      put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0006),
    ],
    [
      "a reserved byte of a rule is set",
      put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0101_0007),
    ],
    [
      "a rule reads an event without a program",
      put(BlobSection.Rules, 7 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x01_0207),
    ],
    [
      "a rule has a program and reads no event",
      put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0007),
    ],
    ["an execute rule is bound to a request", put(BlobSection.Rules, abi.RULE_EVENTS, 1)],
    ["an execute rule is recorded", put(BlobSection.Rules, abi.RULE_EVENTS, 0x08_0008)],
    [
      "a rule speaks of methods beyond the interface's",
      put64(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_METHODS, 8n),
    ],
    [
      "a rule speaks of no method",
      put64(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_METHODS, 0n),
    ],
    [
      "a rule's interface does not exist",
      put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_INTERFACE, 0x1ff),
    ],
    [
      "a rule has another's program",
      put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_PROGRAM, 1),
    ],
    [
      "a rule's program is longer than all",
      put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_PROGRAM_COUNT, 100),
    ],
    [
      "a condition reads two events",
      put(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_EVENTS, 0x0307),
    ],
    [
      "a condition is put on a method without that word",
      put64(BlobSection.Rules, 6 * abi.RULE_BYTES + abi.RULE_METHODS, 4n),
    ],
    ["a rule has no line", put(BlobSection.Rules, abi.RULE_LINE, 0)],
    ["a rule's text is no string", put(BlobSection.Rules, abi.RULE_TEXT, 0xffff_ffff)],
    [
      "an instruction's operation does not exist",
      () => lie((copy) => (copy[section(BlobSection.RuleProgram).at] = 10)),
    ],
    [
      "an instruction reads a word that the message does not have",
      () => lie((copy) => (copy[section(BlobSection.RuleProgram).at + abi.INSTRUCTION_WORD] = 2)),
    ],
    [
      "an instruction shifts by 64",
      () => lie((copy) => (copy[section(BlobSection.RuleProgram).at + abi.INSTRUCTION_SHIFT] = 64)),
    ],
    ["an instruction jumps to itself", put16(BlobSection.RuleProgram, abi.INSTRUCTION_ON_TRUE, 0)],
    [
      "an instruction jumps back",
      put16(BlobSection.RuleProgram, abi.INSTRUCTION_BYTES + abi.INSTRUCTION_ON_FALSE, 0),
    ],
    [
      "an instruction jumps out of its rule",
      put16(BlobSection.RuleProgram, abi.INSTRUCTION_ON_FALSE, 2),
    ],
    [
      "an instruction compares with a word that the message does not have",
      () =>
        lie((copy, view) => {
          copy[section(BlobSection.RuleProgram).at] = abi.RuleOperation.EqualWord;
          view.setBigUint64(section(BlobSection.RuleProgram).at + abi.INSTRUCTION_VALUE, 2n, true);
        }),
    ],

    ["a rule's file is no string", put(BlobSection.Rules, abi.RULE_FILE, 0xffff_ffff)],
    [
      "an instruction's reserved byte is set",
      () => lie((copy) => (copy[section(BlobSection.RuleProgram).at + 3] = 1)),
    ],
    [
      "an instruction compares with a word and bits that mean nothing",
      () =>
        lie((copy, view) => {
          copy[section(BlobSection.RuleProgram).at] = abi.RuleOperation.EqualWord;
          view.setBigUint64(
            section(BlobSection.RuleProgram).at + abi.INSTRUCTION_VALUE,
            1n << 14n,
            true,
          );
        }),
    ],
    ["an execute grant is for the kernel's class", put(BlobSection.Execute, abi.EXECUTE_CLASS, 16)],
    [
      "an operation does not exist, and compares with nothing else that is wrong",
      () =>
        lie((copy, view) => {
          copy[section(BlobSection.RuleProgram).at] = 10;
          view.setBigUint64(section(BlobSection.RuleProgram).at + abi.INSTRUCTION_VALUE, 0n, true);
        }),
    ],
    [
      "an execute grant's rule lies far outside",
      put(BlobSection.Execute, abi.EXECUTE_RULE, 0x0333_3333),
    ],
    [
      "two pairs have changed places",
      () =>
        lie((copy) => {
          const { at } = section(BlobSection.Pairs);
          const first = copy.slice(at, at + abi.PAIR_BYTES);
          copy.copyWithin(at, at + abi.PAIR_BYTES, at + 2 * abi.PAIR_BYTES);
          copy.set(first, at + abi.PAIR_BYTES);
        }),
    ],
    [
      "a pair's target is class 0",
      () => lie((_, view) => view.setUint16(section(BlobSection.Pairs).at + 2, 0, true)),
    ],
    [
      "a pair's subject lies beyond the classes",
      () =>
        lie((_, view) =>
          view.setUint32(
            section(BlobSection.Pairs).at + last(BlobSection.Pairs, abi.PAIR_BYTES) + 4,
            0xffff,
            true,
          ),
        ),
    ],
    [
      "a pair has no rules and grants nothing",
      () =>
        lie((_, view) => {
          const at = section(BlobSection.Pairs).at;
          view.setUint32(at + abi.PAIR_BINDING_COUNT, 0, true);
          for (let mask = abi.PAIR_REQUEST; mask < abi.PAIR_BYTES; mask += 8)
            view.setBigUint64(at + mask, 0n, true);
        }),
    ],
    ["a pair's rules lie far outside", put(BlobSection.Pairs, abi.PAIR_FIRST_BINDING, 0x2000_0000)],
    ["a binding names a rule far outside", put(BlobSection.Bindings, 0, 0x0333_3333)],
    ["an execute grant's rule does not exist", put(BlobSection.Execute, abi.EXECUTE_RULE, 999)],
    ["a reserved word of an execute grant is set", put(BlobSection.Execute, 12, 1)],
    [
      "a pair's interface does not exist",
      () => lie((_, view) => view.setUint16(section(BlobSection.Pairs).at, 0x1ff, true)),
    ],
    [
      "a pair is about execution",
      () =>
        lie((_, view) =>
          view.setUint16(
            section(BlobSection.Pairs).at + last(BlobSection.Pairs, abi.PAIR_BYTES),
            0xfffe,
            true,
          ),
        ),
    ],
    [
      "bindings of a pair are not in order",
      () =>
        rebuilt((sections) => {
          // The rule twice: it would be run, and counted, twice.
          const pairs = sections.get(BlobSection.Pairs);
          const bindings = sections.get(BlobSection.Bindings);
          if (pairs === undefined || bindings === undefined) return;
          const first = bindings.bytes.slice(0, 4);
          const view = new DataView(pairs.bytes.buffer);
          view.setUint32(abi.PAIR_FIRST_BINDING, bindings.count, true);
          view.setUint32(abi.PAIR_BINDING_COUNT, 2, true);
          sections.set(BlobSection.Bindings, {
            bytes: Uint8Array.of(...bindings.bytes, ...first, ...first),
            count: bindings.count + 2,
          });
        }),
    ],
    [
      "an execute grant is for a class that does not exist",
      put(BlobSection.Execute, abi.EXECUTE_CLASS, 99),
    ],
    [
      "an execute grant is for a program that does not exist",
      put(BlobSection.Execute, abi.EXECUTE_PROGRAM, 99),
    ],
    ["execute grants are not in order", put(BlobSection.Execute, abi.EXECUTE_CLASS, 36)],
    ["an execute grant's rule is about messages", put(BlobSection.Execute, abi.EXECUTE_RULE, 6)],
    ["pairs are not in order", put(BlobSection.Pairs, abi.PAIR_KEY + 4, 0xff)],
    [
      "a pair's subject is a kernel object",
      () =>
        lie((_, view) =>
          view.setBigUint64(section(BlobSection.Pairs).at, (1n << 32n) | (1n << 16n) | 1n, true),
        ),
    ],
    [
      "a pair's target does not exist",
      () =>
        lie((_, view) =>
          view.setBigUint64(section(BlobSection.Pairs).at, (32n << 32n) | (20n << 16n) | 1n, true),
        ),
    ],
    ["a pair has no rules", put(BlobSection.Pairs, abi.PAIR_BINDING_COUNT, 0)],
    ["a pair's rules lie outside", put(BlobSection.Pairs, abi.PAIR_FIRST_BINDING, 0xffff_ffff)],
    [
      "a pair grants a request that its rules do not",
      put64(BlobSection.Pairs, abi.PAIR_REQUEST, 0x3fffn),
    ],
    [
      "a pair grants a response that its rules do not",
      put64(BlobSection.Pairs, abi.PAIR_RESPONSE, 0x3fffn),
    ],
    ["a pair hides what its rules grant", put64(BlobSection.Pairs, abi.PAIR_ERROR, 0n)],
    ["a binding names no rule", put(BlobSection.Bindings, 0, 999)],
    ["a binding names a rule on another interface", put(BlobSection.Bindings, 0, 0)],
  ])("%s", (_name, make) => {
    expect(load(make())).toBe(BlobError.BadStructure);
    expect(monitor.number("epoch")).toBe(0);
  });

  // Handles of the blob: the supervisor's slots and log; the driver's port, registers and line; the
  // console's terminal, uart and clock; the files' two; the shell's console, files, admin and
  // policy; the attack's console.
  const [SLOTS, LOG, PORT, REGISTERS, LINE, TERMINAL, UART, CLOCK, , , CONSOLE, FILES] = Array.from(
    { length: 12 },
    (_, i) => i * abi.INITIAL_HANDLE_BYTES,
  ) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const puts =
    (of: abi.BlobSection, ...values: readonly (readonly [number, number])[]) =>
    () =>
      lie((_, view) => {
        for (const [offset, value] of values) view.setUint32(section(of).at + offset, value, true);
      });
  const get = (of: abi.BlobSection, offset: number) =>
    new DataView(unsigned.buffer, unsigned.byteOffset).getUint32(section(of).at + offset, true);
  /** The second of two entries gets the first one's name. */
  const sameName = (of: abi.BlobSection, first: number, second: number) => () =>
    put(of, second, get(of, first))();
  const swapped = (of: abi.BlobSection, first: number, second: number) => () =>
    puts(of, [first, get(of, second)], [second, get(of, first)])();
  const interfaceOf = (id: number): number =>
    Array.from(
      { length: section(BlobSection.Interfaces).count },
      (_, i) => i * abi.INTERFACE_BYTES,
    ).find((at) => get(BlobSection.Interfaces, at + abi.INTERFACE_ID) === id)!;
  const methodOf = (id: number, method: number): number =>
    (get(BlobSection.Interfaces, interfaceOf(id) + abi.INTERFACE_FIRST_METHOD) + method) *
    abi.METHOD_BYTES;
  const fieldOf = (id: number, method: number, field: number): number =>
    (get(BlobSection.Methods, methodOf(id, method) + abi.METHOD_FIRST_FIELD) + field) *
    abi.FIELD_BYTES;
  /** The console's clock becomes a device. */
  const device = (type: ObjectType, first: number, count: number) =>
    puts(
      BlobSection.Handles,
      [CLOCK + abi.INITIAL_HANDLE_TYPE, type],
      [CLOCK + abi.INITIAL_HANDLE_INTERFACE, type],
      [CLOCK + abi.INITIAL_HANDLE_CLASS, type],
      [CLOCK + abi.INITIAL_HANDLE_FIRST, first],
      [CLOCK + abi.INITIAL_HANDLE_COUNT, count],
    );
  const FILES_INTERFACE = 0x103;
  const ALL_TRANSFERS = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY;

  test.each<readonly [string, () => Uint8Array, BlobError]>([
    [
      "all classes have one name",
      () =>
        lie((_, view) => {
          for (let id = abi.FIRST_PROGRAM_CLASS; id < section(BlobSection.Classes).count; id++)
            view.setUint32(
              section(BlobSection.Classes).at + id * abi.CLASS_BYTES,
              get(BlobSection.Classes, 37 * abi.CLASS_BYTES),
              true,
            );
        }),
      BlobError.DuplicateName,
    ],
    [
      "the last class has the first one's name",
      () =>
        sameName(
          BlobSection.Classes,
          abi.FIRST_PROGRAM_CLASS * abi.CLASS_BYTES,
          (section(BlobSection.Classes).count - 1) * abi.CLASS_BYTES,
        )(),
      BlobError.DuplicateName,
    ],
    [
      "a program's class is called as the kernel's",
      () =>
        sameName(BlobSection.Classes, abi.CLASS_KERNEL * abi.CLASS_BYTES, 33 * abi.CLASS_BYTES)(),
      BlobError.DuplicateName,
    ],
    [
      "two interfaces have one name",
      () =>
        sameName(
          BlobSection.Interfaces,
          interfaceOf(0x101) + abi.INTERFACE_NAME,
          interfaceOf(0x102) + abi.INTERFACE_NAME,
        )(),
      BlobError.DuplicateName,
    ],
    [
      "two programs have one name",
      sameName(BlobSection.Programs, 0, 5 * abi.PROGRAM_BYTES),
      BlobError.DuplicateName,
    ],
    [
      "two slots have one name",
      sameName(BlobSection.Slots, abi.SLOT_BYTES, 4 * abi.SLOT_BYTES),
      BlobError.DuplicateName,
    ],
    [
      "two handles of a slot have one name",
      sameName(
        BlobSection.Handles,
        CONSOLE + abi.INITIAL_HANDLE_NAME,
        FILES + abi.INITIAL_HANDLE_NAME,
      ),
      BlobError.DuplicateName,
    ],
    [
      "two methods of an interface have one name",
      () =>
        sameName(BlobSection.Methods, methodOf(FILES_INTERFACE, 0), methodOf(FILES_INTERFACE, 3))(),
      BlobError.DuplicateName,
    ],
    [
      "two fields of a request have one name",
      () =>
        sameName(
          BlobSection.Fields,
          fieldOf(FILES_INTERFACE, 0, 0),
          fieldOf(FILES_INTERFACE, 0, 2),
        )(),
      BlobError.DuplicateName,
    ],
    [
      "two fields of a response have one name",
      () =>
        sameName(
          BlobSection.Fields,
          fieldOf(FILES_INTERFACE, 3, 1),
          fieldOf(FILES_INTERFACE, 3, 2),
        )(),
      BlobError.DuplicateName,
    ],
    [
      "a field of a response has the name of one of its request",
      () =>
        sameName(
          BlobSection.Fields,
          fieldOf(FILES_INTERFACE, 0, 0),
          fieldOf(FILES_INTERFACE, 0, 3),
        )(),
      BlobError.None,
    ],
    [
      "a string is there twice",
      resized(
        BlobSection.Strings,
        (bytes) => {
          const lastString = bytes.slice(bytes.lastIndexOf(0, bytes.length - 2) + 1);
          return Uint8Array.of(...bytes, ...lastString);
        },
        1,
      ),
      BlobError.BadStructure,
    ],
    [
      "strings do not ascend",
      resized(BlobSection.Strings, (bytes) => Uint8Array.of(...bytes, 0x20, 0), 1),
      BlobError.BadStructure,
    ],
    [
      "an empty string stands between others",
      resized(BlobSection.Strings, (bytes) => Uint8Array.of(...bytes, 0, 0x7e, 0), 1),
      BlobError.BadStructure,
    ],

    [
      "an interface of the kernel has another version",
      () => put(BlobSection.Interfaces, interfaceOf(7) + abi.INTERFACE_VERSION, 9)(),
      BlobError.OtherInterfaces,
    ],
    [
      "an interface of the kernel has another name",
      () =>
        put(
          BlobSection.Interfaces,
          interfaceOf(9) + abi.INTERFACE_NAME,
          get(BlobSection.Fields, fieldOf(FILES_INTERFACE, 0, 0)),
        )(),
      BlobError.OtherInterfaces,
    ],
    [
      "an interface of the kernel has an error more",
      () =>
        lie((_, view) => {
          view.setUint32(
            section(BlobSection.Interfaces).at + interfaceOf(16) + abi.INTERFACE_ERROR_COUNT,
            2,
            true,
          );
          view.setUint16(
            section(BlobSection.Methods).at + methodOf(16, 0) + abi.METHOD_ERROR_COUNT,
            2,
            true,
          );
        }),
      BlobError.OtherInterfaces,
    ],
    [
      "a field of a kernel method takes more",
      () => put(BlobSection.Fields, fieldOf(1, 6, 1) + abi.FIELD_MAX, 0xffff_fffe)(),
      BlobError.OtherInterfaces,
    ],
    [
      "a field of a kernel method has another name",
      () => swapped(BlobSection.Fields, fieldOf(1, 6, 0), fieldOf(1, 6, 1))(),
      BlobError.OtherInterfaces,
    ],
    [
      "two methods of the kernel have changed names",
      () => swapped(BlobSection.Methods, methodOf(12, 3), methodOf(12, 4))(),
      BlobError.OtherInterfaces,
    ],
    [
      "an interface of the kernel is missing",
      () => put(BlobSection.Interfaces, interfaceOf(16), 17)(),
      BlobError.OtherInterfaces,
    ],
    [
      "an interface has a number of the kernel's",
      () => put(BlobSection.Interfaces, interfaceOf(0x101), 0xff)(),
      BlobError.BadStructure,
    ],
    [
      "an unused interface has a number of the kernel's",
      () =>
        rebuilt((sections) => {
          appendInterfaces(sections, [0x200], 0);
          const bytes = sections.get(BlobSection.Interfaces)!.bytes;
          const at = interfaceOf(0x101);
          new DataView(bytes.buffer).setUint32(
            bytes.length - abi.INTERFACE_BYTES + abi.INTERFACE_ID,
            0xff,
            true,
          );
          new DataView(bytes.buffer).setUint32(
            bytes.length - abi.INTERFACE_BYTES + abi.INTERFACE_FIRST_METHOD,
            get(BlobSection.Interfaces, at + abi.INTERFACE_FIRST_METHOD),
            true,
          );
          const added = bytes.slice(-abi.INTERFACE_BYTES);
          bytes.copyWithin(at + abi.INTERFACE_BYTES, at, bytes.length - abi.INTERFACE_BYTES);
          bytes.set(added, at);
        }),
      BlobError.OtherInterfaces,
    ],
    [
      "two classes of the kernel have changed names",
      swapped(BlobSection.Classes, 12 * abi.CLASS_BYTES, 13 * abi.CLASS_BYTES),
      BlobError.OtherInterfaces,
    ],
    [
      "the class of endpoints has another name",
      swapped(BlobSection.Classes, 4 * abi.CLASS_BYTES, 33 * abi.CLASS_BYTES),
      BlobError.OtherInterfaces,
    ],
    [
      "a program's class and the kernel's have changed names",
      swapped(BlobSection.Classes, 16 * abi.CLASS_BYTES, 33 * abi.CLASS_BYTES),
      BlobError.OtherInterfaces,
    ],

    [
      "a channel makes badges",
      put(BlobSection.Handles, UART + abi.INITIAL_HANDLE_RIGHTS, ALL_TRANSFERS | RIGHT_MINT),
      BlobError.ExcessRights,
    ],
    [
      "an endpoint has a right without a meaning",
      put(
        BlobSection.Handles,
        PORT + abi.INITIAL_HANDLE_RIGHTS,
        ALL_TRANSFERS | RIGHT_MINT | (1 << 9),
      ),
      BlobError.ExcessRights,
    ],
    [
      "the log is copied",
      put(BlobSection.Handles, LOG + abi.INITIAL_HANDLE_RIGHTS, RIGHT_CALL | RIGHT_COPY),
      BlobError.ExcessRights,
    ],
    [
      "the slots are handed on",
      put(
        BlobSection.Handles,
        SLOTS + abi.INITIAL_HANDLE_RIGHTS,
        RIGHT_CALL | RIGHT_CONTROL | RIGHT_TRANSFER,
      ),
      BlobError.ExcessRights,
    ],
    [
      "a line is handed on",
      put(BlobSection.Handles, LINE + abi.INITIAL_HANDLE_RIGHTS, RIGHT_CALL | RIGHT_TRANSFER),
      BlobError.ExcessRights,
    ],
    [
      "ports are handed on",
      put(BlobSection.Handles, REGISTERS + abi.INITIAL_HANDLE_RIGHTS, RIGHT_CALL | RIGHT_TRANSFER),
      BlobError.ExcessRights,
    ],
    [
      "an endpoint has fewer rights",
      put(BlobSection.Handles, TERMINAL + abi.INITIAL_HANDLE_RIGHTS, RIGHT_CALL),
      BlobError.None,
    ],

    [
      "ports reach into the interrupt controller",
      puts(
        BlobSection.Handles,
        [REGISTERS + abi.INITIAL_HANDLE_FIRST, 0x60],
        [REGISTERS + abi.INITIAL_HANDLE_COUNT, 2],
      ),
      BlobError.MachineDevice,
    ],
    [
      "all ports are given",
      puts(
        BlobSection.Handles,
        [REGISTERS + abi.INITIAL_HANDLE_FIRST, 0],
        [REGISTERS + abi.INITIAL_HANDLE_COUNT, 0x1_0000],
      ),
      BlobError.MachineDevice,
    ],
    [
      "the reset register is given",
      puts(
        BlobSection.Handles,
        [REGISTERS + abi.INITIAL_HANDLE_FIRST, 0xcf9],
        [REGISTERS + abi.INITIAL_HANDLE_COUNT, 1],
      ),
      BlobError.MachineDevice,
    ],
    [
      "the timer's line is given",
      put(BlobSection.Handles, LINE + abi.INITIAL_HANDLE_FIRST, 0),
      BlobError.MachineDevice,
    ],
    [
      "the cascade's line is given",
      put(BlobSection.Handles, LINE + abi.INITIAL_HANDLE_FIRST, 2),
      BlobError.MachineDevice,
    ],
    [
      "line 16 is given",
      put(BlobSection.Handles, LINE + abi.INITIAL_HANDLE_FIRST, 16),
      BlobError.BadStructure,
    ],
    [
      "line 15 is given",
      put(BlobSection.Handles, LINE + abi.INITIAL_HANDLE_FIRST, 15),
      BlobError.None,
    ],
    [
      "the last port is given",
      puts(
        BlobSection.Handles,
        [REGISTERS + abi.INITIAL_HANDLE_FIRST, 0xffff],
        [REGISTERS + abi.INITIAL_HANDLE_COUNT, 1],
      ),
      BlobError.None,
    ],
    [
      "the last port of another's is given",
      device(ObjectType.Ports, 0x3ff, 1),
      BlobError.SharedDevice,
    ],
    [
      "the first port of another's is given",
      device(ObjectType.Ports, 0x3f5, 4),
      BlobError.SharedDevice,
    ],
    [
      "the ports behind another's are given, which are the chipset's",
      device(ObjectType.Ports, 0x400, 8),
      BlobError.MachineDevice,
    ],
    ["the ports before another's are given", device(ObjectType.Ports, 0x3f0, 8), BlobError.None],
    ["another's line is given", device(ObjectType.Interrupt, 4, 0), BlobError.SharedDevice],
    ["the next line is given", device(ObjectType.Interrupt, 5, 0), BlobError.None],

    [
      "a slot's class may not run its program",
      put(BlobSection.Slots, 5 * abi.SLOT_BYTES + abi.SLOT_CLASS, 36),
      BlobError.NoExecuteRule,
    ],
    [
      "a slot's program is one that its class may not run",
      put(BlobSection.Slots, 5 * abi.SLOT_BYTES + abi.SLOT_PROGRAM, 0),
      BlobError.NoExecuteRule,
    ],
    [
      "there are no execute grants",
      resized(BlobSection.Execute, () => new Uint8Array(0), abi.EXECUTE_BYTES),
      BlobError.NoExecuteRule,
    ],
  ])("with an error of its own: %s", (_name, make, expected) => {
    expect(load(make())).toBe(expected);
    expect(monitor.number("epoch")).toBe(expected === BlobError.None ? 1 : 0);
  });

  test("the unchanged blob, signed the same way, is accepted", () => {
    expect(load(lie(() => undefined))).toBe(BlobError.None);
    expect(load(rebuilt(() => undefined))).toBe(BlobError.None);
    expect(load(rebuilt((sections) => appendInterfaces(sections, [0x200, 0x201], 64)))).toBe(
      BlobError.None,
    );
  });

  test("a decision that could cost too much has an error of its own", () => {
    // 100 rules more on one method, each with the program of the first conditional one.
    const costly = rebuilt((sections) => {
      const [rules, program, bindings, pairs] = [
        BlobSection.Rules,
        BlobSection.RuleProgram,
        BlobSection.Bindings,
        BlobSection.Pairs,
      ].map((of) => sections.get(of));
      if (
        rules === undefined ||
        program === undefined ||
        bindings === undefined ||
        pairs === undefined
      )
        return;
      const own = rules.bytes.slice(6 * abi.RULE_BYTES, 7 * abi.RULE_BYTES);
      const length = new DataView(own.buffer).getUint32(abi.RULE_PROGRAM_COUNT, true);
      const instructions = program.bytes.slice(0, length * abi.INSTRUCTION_BYTES);
      const moreRules: number[] = [];
      const moreInstructions: number[] = [];
      const moreBindings: number[] = [6, 0, 0, 0];
      for (let i = 0; i < 100; i++) {
        new DataView(own.buffer).setUint32(abi.RULE_PROGRAM, program.count + i * length, true);
        moreRules.push(...own);
        moreInstructions.push(...instructions);
        moreBindings.push((rules.count + i) & 0xff, (rules.count + i) >> 8, 0, 0);
      }
      const key = (36n << 32n) | (34n << 16n) | 0x101n;
      const view = new DataView(pairs.bytes.buffer);
      for (let at = 0; at < pairs.bytes.length; at += abi.PAIR_BYTES) {
        if (view.getBigUint64(at, true) !== key) continue;
        view.setUint32(at + abi.PAIR_FIRST_BINDING, bindings.count, true);
        view.setUint32(at + abi.PAIR_BINDING_COUNT, 101, true);
        [abi.PAIR_REQUEST, abi.PAIR_RESPONSE, abi.PAIR_ERROR].forEach((mask, event) =>
          view.setBigUint64(at + mask, event === 0 ? 0n : 1n, true),
        );
      }
      sections.set(BlobSection.Rules, {
        bytes: Uint8Array.of(...rules.bytes, ...moreRules),
        count: rules.count + 100,
      });
      sections.set(BlobSection.RuleProgram, {
        bytes: Uint8Array.of(...program.bytes, ...moreInstructions),
        count: program.count + 100 * length,
      });
      sections.set(BlobSection.Bindings, {
        bytes: Uint8Array.of(...bindings.bytes, ...moreBindings),
        count: bindings.count + 101,
      });
    });
    expect(load(costly)).toBe(BlobError.TooCostly);
  });
});

describe("the structural verifier", () => {
  test("survives 20,000 mutations, and what it accepts can be judged without a trap", () => {
    const random = new Random(4711);
    const next = (): number => random.next();
    const address = monitor.put(blob);
    const name = monitor.put(new Uint8Array(8));
    const memory = new Uint8Array(monitor.memory.buffer);
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      memory.set(blob, address);
      for (let changes = 1 + (next() % 3); changes > 0; changes--) {
        const at =
          abi.BLOB_HEADER_BYTES + (next() % (unsigned.length - abi.BLOB_HEADER_BYTES - 64));
        const kind = next() % 3;
        if (kind === 0) memory[address + at] ^= 1 << (next() % 8);
        else if (kind === 1) memory[address + at] = next() & 0xff;
        else memory[address + at] = [0, 1, 0xff, 0x7f, 0x80][next() % 5] ?? 0;
      }
      if (monitor.number("verifyStructure", address, unsigned.length) !== BlobError.None) continue;
      accepted += 1;
      monitor.run("putInForce", address);
      monitor.run("auditStart");
      for (const subject of [16, 32, 36]) {
        for (const [target, targetInterface] of [
          [34, 0x101],
          [35, 0x103],
          [1, 1],
          [2, 0xffff],
        ] as const) {
          for (let method = 0; method < 4; method++) {
            if (targetInterface !== 0xffff)
              monitor.judge({
                event: next() % 3,
                subjectClass: subject,
                targetClass: target,
                interfaceId: targetInterface,
                method,
                words: Array.from({ length: next() % 5 }, () => 0n),
                arenaBytes: next() % 2,
              });
            monitor.number("queryVerdict", subject, target, targetInterface, method, i % 4);
          }
        }
      }
      monitor.number("findClass", name, 4);
    }
    // Digests, names' letters, limits: some changes leave a blob that holds together.
    expect(accepted).toBeGreaterThan(100);
    expect(accepted).toBeLessThan(16_000);
  });
});
