import { MEMORY_OBJECTS_BASE, MEMORY_OBJECT_SHIFT } from "./layout";
import { KernelObject } from "./kernel-object";
import { Mapping } from "./mapping";

/**
 * Memory that can be mapped by several domains. Its pages are reserved when it is made and backed
 * when first touched.
 *
 * The object is a page of the window: this header, the state of its measuring, then u32 frame
 * numbers. With `isLarge` each number is a frame of 1,024 further numbers. Each domain that maps
 * the object is charged for all of it, so that a mapping never depends on the creator's life.
 */
@unmanaged
export class MemoryObject extends KernelObject {
  pages: u32;
  isLarge: bool;
  sealed: bool;
  measured: bool;
  /** Its creator is gone, and a domain that maps it has become the owner. */
  isAdopted: bool;
  /** Its last reference is being removed: it cannot be mapped any more. */
  isDying: bool;
  writableMappings: u32;
  firstMapping: Mapping | null;
  /** Bytes measured so far. */
  measureCursor: u64;
  /** While it is freed: the next page, or, behind the pages, the next list of frames. */
  freeCursor: u32;
  /** Pages that are charged to the owner, lists of frames included. */
  chargedPages: u32;
  digest0: u64;
  digest1: u64;
  digest2: u64;
  digest3: u64;

  @inline get index(): u32 {
    return <u32>((changetype<usize>(this) - MEMORY_OBJECTS_BASE) >> MEMORY_OBJECT_SHIFT);
  }
  /** The memory object with this index, or the place where it would be. */
  @inline static at(index: u32): MemoryObject {
    return changetype<MemoryObject>(MEMORY_OBJECTS_BASE + ((<usize>index) << MEMORY_OBJECT_SHIFT));
  }
}

/** The running state of the digest, 112 bytes, so that objects can be measured side by side. */
export const MEASURE_OFFSET: usize = 128;
export const FRAME_NUMBERS_OFFSET: usize = 256;
/** Numbers in the object itself. */
export const FRAME_NUMBERS_MAX: u32 = (4096 - 256) / 4;
/** Numbers in a frame of a large object. */
export const FRAME_NUMBERS_LEAF: u32 = 1024;
/** 1 GiB: a domain cannot map more at once. */
export const MEMORY_PAGES_MAX: u32 = 0x40000;

if (offsetof<MemoryObject>() > MEASURE_OFFSET) ERROR("MemoryObject overlaps what lies behind it");
if (1 << MEMORY_OBJECT_SHIFT !== 4096) ERROR("a memory object is a page");
