// Faults of programs: a page that is backed on first touch, or a message to the slot's fault
// endpoint, or the end of the instance.

import { FaultFaultRequest } from "../../build/generated/kernel/Fault";
import { SLOT_NONE } from "../abi/blob";
import { FaultKind } from "../abi/fault";
import { MessageHeader } from "../abi/message-header";
import { FAULT_INTERFACE } from "../abi/object";
import { Status } from "../abi/status";
import { HEADER_INTERFACE_SHIFT, TIMEOUT_NONE } from "../abi/system-call";
import { sendRequest } from "../ipc/request";
import { backPage } from "../memory/address-space";
import { auditFault, slotFaultEndpoint, slotFaultSlot } from "../monitor/monitor";
import { Domain, DomainState, domainOfSlot } from "../object/domain";
import { Thread } from "../object/thread";
import { loadPhysical8 } from "../x64/physical-memory";
import { isMapped, translate } from "../x64/paging";
import {
  DIVISOR_UNKNOWN,
  VECTOR_DIVIDE,
  VECTOR_INVALID_OPCODE,
  divideKind,
  divisorRegister,
  trapKind,
} from "../x64/trap-instruction";
import { endFaulted } from "../ipc/end";

const VECTOR_STACK: u32 = 12;
const VECTOR_PROTECTION: u32 = 13;
const VECTOR_PAGE: u32 = 14;

// Error code of a page fault.
const PAGE_PRESENT: u32 = 1;
const PAGE_INSTRUCTION: u32 = 16;

/** Handles an exception in user code: repairs its cause, or stops the thread. */
export function handleException(thread: Thread, vector: u32, errorCode: u32, address: u64): void {
  const domain = domainOfSlot(thread.owner);
  let kind = kindOf(domain, thread, vector);
  if (vector === VECTOR_PAGE) {
    kind = pageFault(domain, errorCode, address);
    if (kind === FaultKind.None) return;
  }
  stopThread(thread, domain, kind, errorCode, address);
}

/** Backs the page if the domain may have it: FaultKind.None if the page is present now. */
function pageFault(domain: Domain, errorCode: u32, address: u64): FaultKind {
  const isFetch = (errorCode & PAGE_INSTRUCTION) !== 0;
  if ((errorCode & PAGE_PRESENT) !== 0)
    return isFetch ? FaultKind.ExecuteData : FaultKind.OutOfBounds;
  // Another thread of the domain touched the page first.
  if (isMapped(domain.root, address)) return FaultKind.None;
  const kind = backPage(domain, address);
  return kind === FaultKind.None && isFetch ? FaultKind.ExecuteData : kind;
}

function kindOf(domain: Domain, thread: Thread, vector: u32): FaultKind {
  switch (vector) {
    case VECTOR_DIVIDE:
      return divideFault(domain, thread);
    case VECTOR_INVALID_OPCODE:
      return trapKind(codeAt(domain, thread.rip));
    case VECTOR_STACK:
    case VECTOR_PROTECTION:
      return FaultKind.Protection;
    default:
      return FaultKind.Other;
  }
}

function divideFault(domain: Domain, thread: Thread): FaultKind {
  const code = codeAt(domain, thread.rip);
  const register = divisorRegister(code);
  return register === DIVISOR_UNKNOWN
    ? FaultKind.Other
    : divideKind(code, thread.savedRegister(register));
}

/**
 * The first four bytes of an instruction, the first byte lowest; 0 for bytes that are not mapped.
 */
function codeAt(domain: Domain, address: u64): u32 {
  let code: u32 = 0;
  for (let index: u32 = 0; index < 4; index++) {
    const place = translate(domain.root, address + index, false);
    if (place !== 0) code |= loadPhysical8(place) << (index << 3);
  }
  return code;
}

function stopThread(
  thread: Thread,
  domain: Domain,
  kind: FaultKind,
  errorCode: u32,
  address: u64,
): void {
  thread.faultKind = <u32>kind;
  thread.faultError = errorCode;
  thread.faultAddress = address;
  auditFault(domain.slot, domain.classId, kind, thread.rip, address);
  if (reportFault(thread, domain) === Status.Ok) {
    if (domain.state === DomainState.Running) domain.state = DomainState.Faulted;
    return;
  }
  endFaulted(thread, false);
}

/** Sends the fault as a call of the faulting thread. Not Ok: no handler was notified. */
function reportFault(thread: Thread, domain: Domain): Status {
  const handlerSlot = slotFaultSlot(domain.slot);
  if (handlerSlot === <u32>SLOT_NONE) return Status.NotFound;
  const handler = domainOfSlot(handlerSlot);
  if (
    !handler.isAlive ||
    handlerSlot === domain.slot ||
    slotFaultEndpoint(domain.slot) >= handler.endpointCount
  )
    return Status.NotFound;
  const endpoint = handler.endpoint(slotFaultEndpoint(domain.slot));

  const capture = thread.capture;
  capture.setPlain(FaultFaultRequest.WORDS);
  const request = FaultFaultRequest.at(capture.words);
  request.slot = domain.slot;
  request.thread = thread.index;
  request.kind = thread.faultKind;
  request.errorCode = thread.faultError;
  request.address = thread.faultAddress;
  request.instruction = thread.rip;
  request.stack = thread.rsp;
  thread.isFaultCall = true;
  thread.isLong = false;
  thread.callHandle = null;
  thread.callHeader = MessageHeader.of((<u32>FAULT_INTERFACE) << HEADER_INTERFACE_SHIFT);
  thread.callBadge = 0;
  const status = sendRequest(thread, endpoint, TIMEOUT_NONE);
  if (status !== Status.Ok) thread.isFaultCall = false;
  return status;
}
