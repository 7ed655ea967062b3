import { HandleEntry } from "./handle-entry";

/**
 * What handles refer to. The header of every kernel object, 32 bytes.
 *
 * Invariant: `firstHandle` and the trees below it are exactly the handles to this object in all
 * domains; `handleCount` is their number.
 */
@unmanaged
export class KernelObject {
  /** ObjectType; 0 for a free place in a table. */
  type: u32;
  /**
   * Slot of the domain that owns the object and is charged for it, or OWNER_KERNEL. An endpoint's
   * owner serves it.
   */
  owner: u32;
  /**
   * Unique since boot: tells an object from a later object at the same place. 64 bits cannot be
   * used up, at one number a system call.
   */
  identity: u64;
  handleCount: u32;
  firstHandle: HandleEntry | null;
  /** Free: the next free place of the same domain and table. */
  nextFree: usize;
  spare: u32;
}

const KERNEL_OBJECT_BYTES: u32 = 32;
if (offsetof<KernelObject>() !== KERNEL_OBJECT_BYTES) ERROR("KernelObject is not 32 bytes");

let lastIdentity: u64 = 0;

/** Makes a free place an object. */
export function initializeObject(object: KernelObject, type: u32, owner: u32): void {
  lastIdentity += 1;
  object.type = type;
  object.owner = owner;
  object.identity = lastIdentity;
  object.handleCount = 0;
  object.firstHandle = null;
  object.nextFree = 0;
}
