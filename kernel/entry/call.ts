// call: checks of the header and the handle, the capture, then either a kernel object or an
// endpoint.

import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import {
  HEADER_FLAG_LONG,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_MASK,
  HEADER_METHOD_SHIFT,
} from "../abi/system-call";
import { callKernel } from "../service/dispatch";
import { domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { findHandle, hasRights } from "../handle/table";
import { Thread, ThreadState } from "../object/thread";
import { isGoing } from "../ipc/transfer";
import { captureMessage } from "../ipc/message";
import { setResult } from "../ipc/registers";
import { sendRequest } from "../ipc/send";

/** Bits 3 and 10..15, of which a call may set HEADER_FLAG_LONG. */
const FLAGS_AND_RESERVED: u32 = 0xfc08;
/** Interface and method, what the receiver sees of a header. */
const NAMING_BITS: u32 =
  (0xffff << HEADER_INTERFACE_SHIFT) | (HEADER_METHOD_MASK << HEADER_METHOD_SHIFT);

export function systemCallCall(thread: Thread): void {
  const status = call(thread);
  if (status !== Status.Ok) setResult(thread, status);
}

/** Status.Ok: the thread waits, or has its result already. */
function call(thread: Thread): Status {
  const header = <u32>thread.rsi;
  if ((header & FLAGS_AND_RESERVED & ~(<u32>HEADER_FLAG_LONG)) !== 0) return Status.BadHeader;
  const domain = domainOfSlot(thread.owner);
  if (thread.rdi >> 32 !== 0) return Status.BadHandle;
  const entry = findHandle(domain, <u32>thread.rdi);
  if (entry === null || isGoing(entry)) return Status.BadHandle;
  if (!hasRights(entry, RIGHT_CALL)) return Status.NoRight;
  if (header >> HEADER_INTERFACE_SHIFT !== entry.interfaceId) return Status.WrongInterface;

  const timeout = thread.r9;
  const captured = captureMessage(thread, domain, header);
  if (captured !== Status.Ok) return captured;
  if (entry.type !== <u16>ObjectType.Endpoint)
    return callKernel(thread, domain, entry, header & NAMING_BITS);

  thread.callHandle = entry;
  thread.callGeneration = <u32>entry.generation;
  thread.callHeader = header & NAMING_BITS;
  thread.callBadge = entry.badge;
  thread.isForwarded = false;
  assert(thread.state === ThreadState.Ready);
  return sendRequest(thread, changetype<Endpoint>(entry.object!), timeout);
}
