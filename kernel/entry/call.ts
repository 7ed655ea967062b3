// call: checks of the header and the handle, the capture, then either a kernel object or an
// endpoint.

import { MessageHeader } from "../abi/message-header";
import { ObjectType, RIGHT_CALL } from "../abi/object";
import { Status } from "../abi/status";
import { HEADER_FLAG_LONG } from "../abi/system-call";
import { findHandle, hasRights, isOfDyingMemory } from "../handle/table";
import { captureMessage } from "../ipc/capture";
import { Arguments, setResult } from "../ipc/registers";
import { sendRequest } from "../ipc/request";
import { Domain, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";
import { callKernel } from "../service/dispatch";

export function systemCallCall(thread: Thread): void {
  const status = call(thread);
  if (status !== Status.Ok) setResult(thread, status);
}

/** On Status.Ok the thread waits, or has its result already. */
function call(thread: Thread): Status {
  const passed = Arguments.of(thread);
  const header = passed.header;
  if ((header.flags & ~(<u32>HEADER_FLAG_LONG)) !== 0) return Status.BadHeader;
  if (passed.handle >> 32 !== 0) return Status.BadHandle;
  const domain = domainOfSlot(thread.owner);
  const entry = findHandle(domain, <u32>passed.handle);
  if (entry === null || isOfDyingMemory(entry)) return Status.BadHandle;
  if (!hasRights(entry, RIGHT_CALL)) return Status.NoRight;
  if (header.interfaceId !== entry.interfaceId) return Status.WrongInterface;
  return callObject(thread, domain, entry, header);
}

/** Sends the thread's message to the object of a handle that permits the call. */
function callObject(
  thread: Thread,
  domain: Domain,
  entry: HandleEntry,
  header: MessageHeader,
): Status {
  const timeoutNs = Arguments.of(thread).timeoutNs;
  const captured = captureMessage(thread, domain, header);
  if (captured !== Status.Ok) return captured;
  if (entry.type !== <u16>ObjectType.Endpoint)
    return callKernel(thread, domain, entry, header.naming);

  thread.callHandle = entry;
  thread.callGeneration = <u32>entry.generation;
  thread.callHeader = header.naming;
  thread.callBadge = entry.badge;
  return sendRequest(thread, changetype<Endpoint>(entry.object!), timeoutNs);
}
