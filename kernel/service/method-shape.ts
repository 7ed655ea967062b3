// The sizes of the messages of every kernel method, as services/interfaces/kernel declares them.

import {
  METHOD_RANGES,
  METHOD_SHAPES,
  OBJECT_TYPES,
} from "../../build/generated/kernel/method-shapes";

/** The sizes of one method's messages. A place in the table has four bytes; the last is unused. */
@unmanaged
@final
class MethodShape {
  private request: u8;
  private response: u8;
  /** The response has a text: one of its words says how long. */
  hasText: bool;

  @inline get requestWords(): u32 {
    return <u32>this.request;
  }
  @inline get responseWords(): u32 {
    return <u32>this.response;
  }
}

/** Where the methods of one object type stand among all. */
@unmanaged
@final
class MethodRange {
  first: u8;
  count: u8;

  @inline static of(type: u32): MethodRange {
    return changetype<MethodRange>(METHOD_RANGES + ((<usize>type) << 1));
  }
}

/** Number of methods of an object type. */
export function methodCount(type: u32): u32 {
  return type < OBJECT_TYPES ? <u32>MethodRange.of(type).count : 0;
}

/** The shape of a method that exists: `method` is below `methodCount`. */
export function methodShape(type: u32, method: u32): MethodShape {
  const index = <u32>MethodRange.of(type).first + method;
  return changetype<MethodShape>(METHOD_SHAPES + ((<usize>index) << 2));
}
