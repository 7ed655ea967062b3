import { METHOD_BYTES } from "../abi/blob";
import { Method } from "../monitor/monitor";
import { HANDLES_BASE, HANDLE_SHIFT, HANDLE_TABLE_SHIFT } from "./layout";
import { KernelObject } from "./kernel-object";
import { Mapping } from "./mapping";

/**
 * A place in a domain's handle table, 64 bytes. Domain and index follow from its address.
 *
 * `next` and `previous` link the children of one handle, or, without parent, all root handles to
 * the object.
 */
@unmanaged
export class HandleEntry {
  /** ObjectType; 0 where the place is empty. */
  type: u16;
  /**
   * Raised each time the place is emptied, so that an old number names nothing; never 0. It wraps
   * after 65,535 uses of the place: code that keeps a place and its generation must compare more
   * than these two.
   */
  generation: u16;
  rights: u32;
  object: KernelObject | null;
  /** Epoch of `verdicts`; 0 before the first. */
  epoch: u32;
  /** Bit m: the monitor grants method m, request and response, by rules that read nothing. */
  verdicts: u64;
  badge: u64;
  interfaceId: u32;
  /** Class of the object, as the monitor knows it. */
  classId: u32;
  parent: HandleEntry | null;
  firstChild: HandleEntry | null;
  next: HandleEntry | null;
  previous: HandleEntry | null;
  /**
   * Endpoint: instance of the owner that this handle's last call went to, 0 before the first.
   * Memory: the first of the handle's mappings.
   */
  seenInstance: u32;
  /**
   * Empty: index of the next empty place. In use, with an endpoint: address of its interface's
   * method shapes, valid for `epoch`.
   */
  nextFree: u32;

  /** Generation << 16 | type. */
  @inline get generationAndType(): u64 {
    return <u64>load<u32>(changetype<usize>(this));
  }
  /** Shape of a method that `verdicts` grants; valid for `epoch`. */
  @inline shape(method: u32): Method {
    return changetype<Method>(<usize>this.nextFree + <usize>method * METHOD_BYTES);
  }
  /** Remembers where the shapes of the interface's methods begin. */
  @inline setShapes(first: Method | null): void {
    this.nextFree = <u32>changetype<usize>(first);
  }
  /**
   * Mappings made by this handle, or by a dropped descendant. Only a handle to memory has any.
   */
  @inline get firstMapping(): Mapping | null {
    return changetype<Mapping | null>(<usize>this.seenInstance);
  }
  set firstMapping(mapping: Mapping | null) {
    this.seenInstance = <u32>changetype<usize>(mapping);
  }
  @inline get slot(): u32 {
    return <u32>((changetype<usize>(this) - HANDLES_BASE) >> HANDLE_TABLE_SHIFT);
  }
  @inline get index(): u32 {
    return (
      <u32>((changetype<usize>(this) - HANDLES_BASE) >> HANDLE_SHIFT) &
      ((1 << (HANDLE_TABLE_SHIFT - HANDLE_SHIFT)) - 1)
    );
  }
}

if (offsetof<HandleEntry>() !== 64) ERROR("HandleEntry is not 64 bytes");
