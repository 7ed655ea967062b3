import {
  ObjectType,
  RIGHT_CALL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_MAP_WRITE,
  RIGHT_SEAL,
} from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import { arena, request0, request1, request4, word } from "../message";
import { expect, expectEqual, test } from "../tap";
import { DOMAIN } from "./handles";
import { drop, mint, newMemory, pagesUsed, revoke } from "./steps";

/**
 * Memory objects and linear memory: mapping, sealing, measuring, growth, and that every page is
 * counted.
 */
export function memoryCases(): void {
  test("fresh memory is zero and keeps what is written", () => {
    const object = newMemory(8192);
    const address = mapWhole(object, 8192, true);
    expect(address !== 0);
    let sum: u64 = 0;
    for (let offset: usize = 0; offset < 8192; offset += 8) sum |= load<u64>(address + offset);
    expectEqual(sum, 0);
    store<u64>(address + 8184, 0x1122334455667788);
    expectEqual(load<u64>(address + 8184), 0x1122334455667788);
    expectEqual(unmap(address), Status.Ok);
    drop(object);
  });
  test("copies and fills reach a mapped page, from its first byte to its last", () => {
    const object = newMemory(8192);
    const address = mapWhole(object, 8192, true);
    const size = <u32>word(0) !== 0 ? 4096 : 0;
    memory.fill(address, 0xa5, size + 4096);
    expectEqual(load<u64>(address), 0xa5a5a5a5a5a5a5a5);
    expectEqual(load<u64>(address + 8184), 0xa5a5a5a5a5a5a5a5);
    memory.fill(address + 8, 1, 24);
    memory.copy(arena, address, size);
    expectEqual(load<u64>(arena + 8), 0x0101010101010101);
    expectEqual(load<u64>(arena + 4088), 0xa5a5a5a5a5a5a5a5);
    store<u64>(arena, 0x1122334455667788);
    memory.copy(address + 8192 - size, arena, size);
    expectEqual(load<u64>(address + 4096), 0x1122334455667788);
    memory.copy(address + 8168, arena, 24);
    expectEqual(load<u64>(address + 8168), 0x1122334455667788);
    // Overlapping, so that the last bytes go first.
    memory.copy(address + 8192 - size, address + 4088, size);
    expectEqual(load<u64>(address + 4104), 0x1122334455667788);
    // A copy of zero bytes is allowed at any address.
    memory.copy(address + 8192, arena, size - 4096);
    unmap(address);
    drop(object);
  });
  test("what is written through one mapping is read through another", () => {
    const object = newMemory(4096);
    const first = mapWhole(object, 4096, true);
    const second = mapWhole(object, 4096, false);
    expect(first !== second);
    store<u32>(first + 100, 4711);
    expectEqual(load<u32>(second + 100), 4711);
    unmap(first);
    unmap(second);
    drop(object);
  });
  test("a mapping outlives the handle, not the other way round", () => {
    const object = newMemory(4096);
    const address = mapWhole(object, 4096, true);
    drop(object);
    store<u32>(address, 1);
    expectEqual(load<u32>(address), 1);
    expectEqual(unmap(address), Status.Ok);
  });
  test("revoking a copy removes the mappings made by it, and their addresses show what is mapped there next", () => {
    const object = newMemory(8192);
    const next = newMemory(8192);
    const own = mapWhole(object, 8192, true);
    const before = pagesUsed();
    const address = mapWhole(
      mint(object, RIGHT_CALL | RIGHT_MAP_READ | RIGHT_MAP_WRITE, 0),
      8192,
      true,
    );
    store<u64>(address, 4711);
    store<u64>(address + 4096, 4712);
    expectEqual(revoke(object), Status.Ok);
    expectEqual(unmap(address), Status.NotFound);
    expect(pagesUsed() <= before + 1);
    // A stale translation of the processor would still lead to the first object.
    expectEqual(mapWhole(next, 8192, true), address);
    expectEqual(load<u64>(address), 0);
    expectEqual(load<u64>(address + 4096), 0);
    store<u64>(address, 1);
    expectEqual(load<u64>(own), 4711);
    expectEqual(load<u64>(own + 4096), 4712);
    unmap(address);
    unmap(own);
    drop(next);
    drop(object);
  });
  test("a part beyond the object is not mapped", () => {
    const object = newMemory(4096);
    expect(mapStatus(object, 0, 8192, false) !== Status.Ok);
    expect(mapStatus(object, 4096, 4096, false) !== Status.Ok);
    expect(mapStatus(object, 0xfffffffffffff000, 8192, false) !== Status.Ok);
    expect(mapStatus(object, 0, 0, false) !== Status.Ok);
    drop(object);
  });
  test("an offset inside a page is refused", () => {
    const object = newMemory(8192);
    expectEqual(mapStatus(object, 8, 4096, false), Status.BadArgument);
    drop(object);
  });
  test("a handle without the right to write maps for reading only", () => {
    const object = newMemory(4096);
    const readOnly = mint(object, RIGHT_CALL | RIGHT_COPY | RIGHT_MAP_READ, 0);
    expectEqual(mapStatus(readOnly, 0, 4096, true), Status.NoRight);
    expectEqual(mapStatus(readOnly, 0, 4096, false), Status.Ok);
    unmap(<usize>word(0));
    drop(readOnly);
    drop(object);
  });
  test("a handle without the right to read maps nothing", () => {
    const object = newMemory(4096);
    const bare = mint(object, RIGHT_CALL, 0);
    expectEqual(mapStatus(bare, 0, 4096, false), Status.NoRight);
    drop(bare);
    drop(object);
  });
  test("an address without a mapping is not unmapped", () => {
    expect(unmap(0) !== Status.Ok);
    expect(unmap(65536) !== Status.Ok);
    expect(unmap(0xfffff000) !== Status.Ok);
  });
  test("memory of zero bytes, and of more bytes than exist, is refused", () => {
    expect(request1(DOMAIN, ObjectType.Domain, 2, 0) !== Status.Ok);
    expect(request1(DOMAIN, ObjectType.Domain, 2, 0x4000000000) !== Status.Ok);
    expect(request1(DOMAIN, ObjectType.Domain, 2, 0xffffffffffffffff) !== Status.Ok);
  });
  test("memory beyond the quota is refused and costs nothing", () => {
    const before = pagesUsed();
    expectEqual(request1(DOMAIN, ObjectType.Domain, 2, 0x40000000), Status.NoMemory);
    expectEqual(pagesUsed(), before);
  });
  test("every page of an object is charged and given back", () => {
    const before = pagesUsed();
    const object = newMemory(16 * 4096);
    expect(pagesUsed() >= before + 16);
    const address = mapWhole(object, 16 * 4096, true);
    for (let page: usize = 0; page < 16; page++) store<u8>(address + (page << 12), 1);
    unmap(address);
    drop(object);
    expect(pagesUsed() <= before + 2);
  });
  test("an object with a writable mapping is not sealed", () => {
    const object = newMemory(4096);
    const address = mapWhole(object, 4096, true);
    expectEqual(request0(object, ObjectType.Memory, 1), Status.Busy);
    unmap(address);
    expectEqual(request0(object, ObjectType.Memory, 1), Status.Ok);
    drop(object);
  });
  test("a sealed object is mapped to read and never again to write", () => {
    const object = newMemory(4096);
    expectEqual(request0(object, ObjectType.Memory, 1), Status.Ok);
    expectEqual(mapStatus(object, 0, 4096, true), Status.Sealed);
    expectEqual(mapStatus(object, 0, 4096, false), Status.Ok);
    unmap(<usize>word(0));
    drop(object);
  });
  test("a handle without the right to seal does not seal", () => {
    const object = newMemory(4096);
    const weak = mint(object, RIGHT_CALL | RIGHT_MAP_READ | RIGHT_MAP_WRITE, 0);
    expectEqual(request0(weak, ObjectType.Memory, 1), Status.NoRight);
    drop(weak);
    drop(object);
  });
  test("an object that is not sealed is not measured", () => {
    const object = newMemory(4096);
    expect(request0(object, ObjectType.Memory, 2) !== Status.Ok);
    drop(object);
  });
  test("the measure of a sealed page of zeros is its SHA-256", () => {
    const object = newMemory(4096);
    request0(object, ObjectType.Memory, 1);
    let status: u32 = Status.Again;
    for (let step = 0; step < 1000 && status === Status.Again; step++)
      status = request0(object, ObjectType.Memory, 2);
    expectEqual(status, Status.Ok);
    // sha256sum of 4,096 zero bytes: ad7facb2586fc6e966c004d7d1d16b02
    // 4f5805ff7cb47c7a85dabd8b48892ca7
    expectEqual(bswap(word(0)), 0xad7facb2586fc6e9);
    expectEqual(bswap(word(1)), 0x66c004d7d1d16b02);
    expectEqual(bswap(word(2)), 0x4f5805ff7cb47c7a);
    expectEqual(bswap(word(3)), 0x85dabd8b48892ca7);
    drop(object);
  });
  test("a right that a memory handle cannot have is not minted", () => {
    const object = newMemory(4096);
    expect((describedRights(object) & RIGHT_SEAL) !== 0);
    drop(object);
  });
  test("memory.grow adds zero-filled pages and returns the size before", () => {
    const before = memory.size();
    expectEqual(memory.grow(1), before);
    expectEqual(memory.size(), before + 1);
    expectEqual(load<u64>(<usize>before * 65536), 0);
    store<u64>(<usize>before * 65536 + 65528, 5);
    expectEqual(load<u64>(<usize>before * 65536 + 65528), 5);
  });
  test("linear memory does not grow beyond the program's maximum", () => {
    const before = memory.size();
    expectEqual(<u32>memory.grow(60000), 0xffffffff);
    expectEqual(memory.size(), before);
  });
}

function mapStatus(object: u32, offset: u64, bytes: u64, writable: bool): u32 {
  return request4(DOMAIN, ObjectType.Domain, 10, object, offset, bytes, writable ? 1 : 0);
}

function mapWhole(object: u32, bytes: u64, writable: bool): usize {
  return mapStatus(object, 0, bytes, writable) === Status.Ok ? <usize>word(0) : 0;
}

function unmap(address: usize): u32 {
  return request1(DOMAIN, ObjectType.Domain, 11, address);
}

function describedRights(handle: u32): u32 {
  return request1(DOMAIN, ObjectType.Domain, 13, handle) === Status.Ok ? <u32>word(1) : 0;
}
