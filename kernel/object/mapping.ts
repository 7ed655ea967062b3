import { SLOTS_MAX } from "../abi/blob";
import { MAPPINGS_MAX, MAPPING_SHIFT } from "./layout";
import { KernelObject } from "./kernel-object";
import { HandleEntry } from "./handle-entry";
import { MemoryObject } from "./memory-object";

/**
 * A part of a memory object in a domain's linear memory. The domain's mappings are in order of
 * address. No handle names it.
 */
@unmanaged
export class Mapping extends KernelObject {
  memory: MemoryObject | null;
  /** Tells, once this mapping is unlinked, whether the object at `memory` is still the same. */
  memoryIdentity: u64;
  address: u32;
  pages: u32;
  /** First page in the object. */
  firstPage: u32;
  writable: bool;
  /** It is being unmapped (handle/unmap.ts). */
  isDying: bool;
  /**
   * Pages charged for it, and then an object too; 0 where its domain pays as the object's owner.
   */
  chargedPages: u32;
  /** While it is unmapped: the next page. */
  cursor: u32;
  /** It is in its domain's list only, in its handle's and its object's no more. */
  isUnlinked: bool;
  nextOfDomain: Mapping | null;
  nextOfObject: Mapping | null;
  previousOfObject: Mapping | null;
  /**
   * The handle by which the mapping was made, or its nearest ancestor that is not dropped. Null if
   * there is none, or the mapping is unlinked.
   */
  handle: HandleEntry | null;
  /** The handle by which it was made is gone, so that revoking `handle` ends the mapping. */
  isInherited: bool;
  nextOfHandle: Mapping | null;
  previousOfHandle: Mapping | null;
}

/** In place of an ObjectType. */
export const TYPE_MAPPING: u32 = 0x100;
/** Mappings of one domain: bounds the search for the one at an address. */
export const MAPPINGS_OF_DOMAIN_MAX: u32 = 64;

if (offsetof<Mapping>() > 1 << MAPPING_SHIFT) ERROR("Mapping is larger than its place");
if (MAPPINGS_MAX < MAPPINGS_OF_DOMAIN_MAX * SLOTS_MAX)
  ERROR("a domain could take the mappings of another");
