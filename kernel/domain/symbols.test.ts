import { expect, test } from "vitest";
import * as abi from "../abi/archive.ts";
import { Status } from "../abi/status.ts";
import { archive, module } from "../../tests/support/compiled-test-system.ts";
import { type KernelInNode, type Result } from "../../tests/support/kernel-in-node.ts";
import { CLIENT, ROOT, ROOT_SLOTS, SERVER, boot } from "../../tests/support/test-system.ts";

const SLOTS_INTERFACE = 12;
const SYMBOLS = 7;
const RECORD = 0x20000;
const ROOM = 0x21000;
const PIECE = 512;
const TABLE = Uint8Array.from({ length: 5000 }, (_, index) => index * 7);

/** The archive with `table` as symbols of program `index`. */
function withSymbols(index: number, table: Uint8Array): Uint8Array {
  const longer = new Uint8Array(archive.length + Math.ceil(table.length / 4096) * 4096);
  longer.set(archive);
  longer.set(table, archive.length);
  const view = new DataView(longer.buffer);
  const number = view.getUint32(abi.ARCHIVE_COUNT, true);
  const entry = abi.ARCHIVE_ENTRIES + number * abi.ARCHIVE_ENTRY_BYTES;
  view.setUint32(abi.ARCHIVE_COUNT, number + 1, true);
  view.setBigUint64(abi.ARCHIVE_BYTES, BigInt(longer.length), true);
  view.setUint32(entry + abi.ARCHIVE_ENTRY_KIND, abi.ARCHIVE_KIND_SYMBOLS, true);
  view.setUint32(entry + abi.ARCHIVE_ENTRY_INDEX, index, true);
  view.setBigUint64(entry + abi.ARCHIVE_ENTRY_OFFSET, BigInt(archive.length), true);
  view.setBigUint64(entry + abi.ARCHIVE_ENTRY_LENGTH, BigInt(table.length), true);
  return longer;
}

function read(
  kernel: KernelInNode,
  slot: number,
  offset: number,
): Result & { readonly bytes: Uint8Array } {
  const result = kernel.call(
    kernel.threadOf(ROOT),
    ROOT_SLOTS,
    SLOTS_INTERFACE,
    SYMBOLS,
    [BigInt(slot), BigInt(offset)],
    { record: RECORD, receive: { address: ROOM, bytes: PIECE } },
  );
  const length = result.status === Status.Ok ? Number(result.words[0]! >> 32n) : 0;
  return { ...result, bytes: kernel.read(ROOT, ROOM, length) };
}

test("a program's symbols are read piece by piece, and end where they end", () => {
  const kernel = boot(module, withSymbols(CLIENT, TABLE), []);
  expect(read(kernel, CLIENT, 0).bytes).toEqual(TABLE.subarray(0, PIECE));
  expect(read(kernel, CLIENT, 777).bytes).toEqual(TABLE.subarray(777, 777 + PIECE));
  expect(read(kernel, CLIENT, 4990).bytes).toEqual(TABLE.subarray(4990));
  for (const offset of [5000, 5001, 8192, 0x7fff_ffff, 0xffff_ffff])
    expect(read(kernel, CLIENT, offset).status).toBe(Status.NotFound);
});

test("without symbols, and without a slot, there is nothing", () => {
  const kernel = boot(module, withSymbols(CLIENT, TABLE), []);
  for (const slot of [SERVER, 99, 0xffff_ffff])
    expect(read(kernel, slot, 0).status).toBe(Status.NotFound);
});

test("symbols of a program that does not exist belong to no slot", () => {
  for (const index of [5, 126, 0x1000_0000, 0xffff_ffff]) {
    const kernel = boot(module, withSymbols(index, TABLE), []);
    for (let slot = 0; slot < 5; slot++) expect(read(kernel, slot, 0).status).toBe(Status.NotFound);
  }
});
