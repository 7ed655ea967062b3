import { describe, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { type Cpuid, KernelInNode } from "../../tests/support/kernel-in-node.ts";
import {
  LOAD,
  NOTE,
  REGION,
  type SegmentOptions,
  smallExecutable,
  writeSegment,
} from "../../tests/support/small-executable.ts";
import { CLIENT, ROOT, ROOT_SLOTS, boot } from "../../tests/support/test-system.ts";

// The loader is under test, so the measured bytes are changed after boot, when the digest has been
// taken.
const executable = smallExecutable({ name: "client" });

/** The client's executable where it lies in physical memory. */
function placeOf(kernel: KernelInNode): number {
  const at = Buffer.from(kernel.physical.buffer).indexOf(Buffer.from(executable));
  expect(at).toBeGreaterThan(0);
  return at;
}

function startWith(change: (view: DataView) => void): Status {
  const kernel = boot(module, archive, []);
  const place = placeOf(kernel);
  change(new DataView(kernel.physical.buffer, place, executable.length));
  const { status } = kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [BigInt(CLIENT)]);
  kernel.check();
  if (status !== Status.Ok) expect(kernel.slotState(CLIENT)).toBe("empty");
  return status;
}

const code: SegmentOptions = {
  type: LOAD,
  flags: 5,
  offset: 0x2000,
  address: REGION,
  fileBytes: 0x1000,
  memoryBytes: 0x1000,
};
const note: SegmentOptions = {
  type: NOTE,
  flags: 4,
  offset: 0x3000,
  address: REGION + 0x1000n,
  fileBytes: 60,
  memoryBytes: 60,
};
const linear: SegmentOptions = {
  type: LOAD,
  flags: 6,
  offset: 0x1000,
  address: 0x10000n,
  fileBytes: 12,
  memoryBytes: 12,
};

/** In the note's page. */
const LEVEL_AT = 52;

test("an executable as the toolchain makes it starts", () => {
  expect(startWith(() => {})).toBe(Status.Ok);
});

describe("an executable is refused", () => {
  test.each<[string, (view: DataView) => void]>([
    ["that is not ELF", (view) => view.setUint8(0, 0)],
    ["of 32 bits", (view) => view.setUint8(4, 1)],
    ["of the other byte order", (view) => view.setUint8(5, 2)],
    ["with something behind its identification", (view) => view.setUint8(9, 1)],
    ["that is position-independent", (view) => view.setUint16(16, 3, true)],
    ["for another machine", (view) => view.setUint16(18, 183, true)],
    ["whose headers lie elsewhere", (view) => view.setBigUint64(32, 0x1000n, true)],
    ["with headers of another size", (view) => view.setUint16(54, 64, true)],
    ["without segments", (view) => view.setUint16(56, 0, true)],
    ["with nine segments", (view) => view.setUint16(56, 9, true)],
    ["that begins outside its code", (view) => view.setBigUint64(24, REGION + 0x1000n, true)],
    ["that begins in linear memory", (view) => view.setBigUint64(24, 0x10000n, true)],
    [
      "with a page both writable and executable",
      (view) => writeSegment(view, 1, { ...code, flags: 7 }),
    ],
    [
      "with code in linear memory",
      (view) => writeSegment(view, 0, { ...linear, flags: 5, memoryBytes: 12 }),
    ],
    ["with constants in linear memory", (view) => writeSegment(view, 0, { ...linear, flags: 4 })],
    ["with a page that cannot be read", (view) => writeSegment(view, 1, { ...code, flags: 1 })],
    [
      "with a segment in the null page",
      (view) => writeSegment(view, 0, { ...linear, address: 0xf000n }),
    ],
    [
      "with a segment beyond its memory",
      (view) => writeSegment(view, 0, { ...linear, memoryBytes: 0x40000 }),
    ],
    [
      "with a segment between memory and region",
      (view) => writeSegment(view, 0, { ...linear, address: 0x8_0000_0000n }),
    ],
    [
      "with a segment beyond the region",
      (view) =>
        writeSegment(view, 1, {
          ...code,
          address: REGION + 0x1ff000n,
          fileBytes: 0x1001,
          memoryBytes: 0x1001,
        }),
    ],
    [
      "with a segment in the kernel's half",
      (view) => writeSegment(view, 1, { ...code, address: 0xffff_ffff_8000_0000n }),
    ],
    [
      "with a segment whose end wraps around",
      (view) =>
        writeSegment(view, 2, {
          ...code,
          flags: 4,
          offset: 0x3000,
          address: 0xffff_ffff_ffff_f000n,
        }),
    ],
    [
      "with a segment that is not on a page",
      (view) => writeSegment(view, 1, { ...code, address: REGION + 8n, offset: 0x2008 }),
    ],
    [
      "with a file part that is not on a page",
      (view) => writeSegment(view, 1, { ...code, offset: 0x2008 }),
    ],
    [
      "with code that the file does not have",
      (view) => writeSegment(view, 1, { ...code, fileBytes: 0x800 }),
    ],
    [
      "with a file part beyond the file",
      (view) => writeSegment(view, 1, { ...code, offset: 0x6000 }),
    ],
    [
      "with a file part whose end wraps around",
      (view) => {
        writeSegment(view, 1, code);
        view.setBigUint64(64 + 56 + 8, 0xffff_ffff_ffff_f000n, true);
      },
    ],
    [
      "with more in the file than in memory",
      (view) => writeSegment(view, 0, { ...linear, fileBytes: 13 }),
    ],
    [
      "with segments that overlap",
      (view) => writeSegment(view, 2, { ...code, flags: 4, address: REGION }),
    ],
    [
      "with two segments from one page of the file",
      (view) => writeSegment(view, 2, { ...code, flags: 4, address: REGION + 0x1000n }),
    ],
    ["with a segment of another kind", (view) => writeSegment(view, 1, { ...code, type: 3 })],
    ["with two notes", (view) => writeSegment(view, 2, note)],
    [
      "without a note",
      (view) =>
        writeSegment(view, 4, { ...code, offset: 0x3000, flags: 4, address: REGION + 0x9000n }),
    ],
    ["with a short note", (view) => writeSegment(view, 4, { ...note, fileBytes: 59 })],
    ["with a note of another name", (view) => view.setUint8(0x3000 + 12, 0x74)],
    ["with a note of another type", (view) => view.setUint32(0x3000 + 8, 2, true)],
    ["that wants no memory", (view) => view.setUint32(0x3000 + 28, 0, true)],
    [
      "that starts with more memory than its maximum",
      (view) => view.setUint32(0x3000 + 28, 17, true),
    ],
    ["that wants more than 4 GiB", (view) => view.setUint32(0x3000 + 32, 0x10001, true)],
    ["with a stack below a page", (view) => view.setUint32(0x3000 + 36, 4095, true)],
    ["with a stack above the limit", (view) => view.setUint32(0x3000 + 36, 0x100001, true)],
    ["with a thread block above the limit", (view) => view.setUint32(0x3000 + 40, 0x10001, true)],
    [
      "whose threads begin outside its code",
      (view) => view.setBigUint64(0x3000 + 44, 0x10000n, true),
    ],
    ["with vector registers", (view) => view.setUint32(0x3000 + 24, 1, true)],
    ["with a flag that does not exist", (view) => view.setUint32(0x3000 + 24, 0x8000_0000, true)],
    ["without a level of the processor", (view) => view.setUint32(0x3000 + LEVEL_AT, 0, true)],
    ["with a level that does not exist", (view) => view.setUint32(0x3000 + LEVEL_AT, 4, true)],
    ["with a reserved word in use", (view) => view.setUint32(0x3000 + LEVEL_AT + 4, 1, true)],
  ])("%s", (_what, change) => {
    expect(startWith(change)).toBe(Status.Malformed);
  });

  test("of another version of the system calls", () => {
    expect(startWith((view) => view.setUint32(0x3000 + 20, 99, true))).toBe(Status.BadVersion);
  });

  test("whose stack does not fit its region, with everything given back", () => {
    const kernel = boot(module, archive, []);
    const free = kernel.number("availableFrames");
    const view = new DataView(kernel.physical.buffer, placeOf(kernel), executable.length);
    writeSegment(view, 3, {
      type: LOAD,
      flags: 6,
      offset: 0x4000,
      address: REGION + 0x2000n,
      fileBytes: 16,
      memoryBytes: 0x1e0000,
    });
    expect(kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [BigInt(CLIENT)]).status).toBe(
      Status.NoMemory,
    );
    kernel.pass(1_000_000_000n);
    expect(kernel.slotState(CLIENT)).toBe("empty");
    expect(kernel.number("availableFrames")).toBe(free);
    kernel.check();
  });
});

test("a byte changed anywhere in its headers and note is refused or harmless", () => {
  const kernel = boot(module, archive, []);
  const place = placeOf(kernel);
  const root = kernel.threadOf(ROOT);
  const inNote = Array.from({ length: 60 }, (_, index) => 0x3000 + index);
  const harmless = [
    Status.Ok,
    Status.Malformed,
    Status.BadVersion,
    Status.NoMemory,
    Status.Unsupported,
  ];
  for (const offset of [...Array(64 + 5 * 56).keys(), ...inNote]) {
    const before = kernel.physical[place + offset]!;
    for (const flip of [1, 0x80, 0xff]) {
      kernel.physical[place + offset] = before ^ flip;
      const { status } = kernel.call(root, ROOT_SLOTS, 12, 3, [BigInt(CLIENT)]);
      for (let steps = 0; kernel.slotState(CLIENT) !== "empty" && steps < 2000; steps++)
        kernel.call(root, ROOT_SLOTS, 12, 4, [BigInt(CLIENT)]);
      expect(harmless).toContain(status);
    }
    kernel.physical[place + offset] = before;
  }
  kernel.check();
});

test("a program that is not the policy's stops the boot", () => {
  const at = Buffer.from(archive).indexOf(Buffer.from(executable));
  const changed = archive.slice();
  changed[at + 0x2100]! ^= 1;
  expect(() => boot(module, changed, [])).toThrow(/programs are not those of the policy/);
});

describe("a program for newer processors", () => {
  /** Bits of CPUID by leaf and register: what each level adds. */
  const bits = (...numbers: number[]): number => numbers.reduce((sum, bit) => sum + 2 ** bit, 0);
  const LEVEL_2: Cpuid = {
    1: [0, 0, bits(0, 9, 13, 19, 20, 23), 0],
    0x80000001: [0, 0, bits(0), 0],
  };
  const LEVEL_3: Cpuid = {
    1: [0, 0, bits(0, 9, 13, 19, 20, 22, 23), 0],
    7: [0, bits(3, 8), 0, 0],
    0x80000001: [0, 0, bits(0, 5), 0],
  };
  const LEAVES: Cpuid = { 0: [7, 0, 0, 0], 0x80000000: [0x80000008, 0, 0, 0] };

  function startAt(level: number, cpuid: Cpuid): { readonly status: Status; readonly log: string } {
    const kernel = new KernelInNode(module, archive, { cpuid });
    const view = new DataView(kernel.physical.buffer, placeOf(kernel), executable.length);
    view.setUint32(0x3000 + LEVEL_AT, level, true);
    const { status } = kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [BigInt(CLIENT)]);
    kernel.check();
    return { status, log: kernel.log };
  }

  const OF_LEVEL_2 = "sse3 ssse3 cmpxchg16b sse4.1 sse4.2 popcnt lahf";
  const OLDEST = LEAVES;
  const MIDDLE = { ...LEAVES, ...LEVEL_2 };
  const NEWEST = { ...LEAVES, ...LEVEL_3 };
  test.each<[number, string, Cpuid, string | null]>([
    [1, "the oldest", OLDEST, null],
    [2, "the oldest", OLDEST, OF_LEVEL_2],
    [3, "the oldest", OLDEST, `${OF_LEVEL_2} bmi1 bmi2 lzcnt movbe`],
    [2, "a middle", MIDDLE, null],
    [3, "a middle", MIDDLE, "bmi1 bmi2 lzcnt movbe"],
    [3, "a new", NEWEST, null],
    [3, "a new, which ends CPUID at leaf 6,", { ...NEWEST, 0: [6, 0, 0, 0] }, "bmi1 bmi2"],
    [3, "a new, without extended leaves,", { ...NEWEST, 0x80000000: [0, 0, 0, 0] }, "lahf lzcnt"],
  ])("of level %i on %s processor", (level, _which, cpuid, lacking) => {
    const { status, log } = startAt(level, cpuid);
    expect(status).toBe(lacking === null ? Status.Ok : Status.Unsupported);
    const refusal = `its code needs x86-64-v${level}; the processor lacks ${lacking}\n`;
    if (lacking === null) expect(log).not.toContain("cannot start");
    else expect(log).toContain(`trine: cannot start client: ${refusal}`);
  });

  test.each([
    [2, 1, 2, 0],
    [2, 1, 2, 9],
    [2, 1, 2, 13],
    [2, 1, 2, 19],
    [2, 1, 2, 20],
    [2, 1, 2, 23],
    [2, 0x80000001, 2, 0],
    [3, 1, 2, 22],
    [3, 7, 1, 3],
    [3, 7, 1, 8],
    [3, 0x80000001, 2, 5],
  ])("of level %i needs bit of leaf %i, register %i: %i", (level, leaf, register, bit) => {
    const registers = [...NEWEST[leaf]!] as [number, number, number, number];
    registers[register]! &= ~(1 << bit);
    expect(startAt(level, { ...NEWEST, [leaf]: registers }).status).toBe(Status.Unsupported);
  });
});
