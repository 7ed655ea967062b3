import { Status } from "../abi/status";
import { calledHandle, give } from "./method-frame";

/** A handle to ports has the first in the low half of its badge, their number in the high half. */
export function portsMethod(_method: u32): Status {
  const range = calledHandle().badge;
  give(range & 0xffffffff);
  give(range >> 32);
  return Status.Ok;
}
