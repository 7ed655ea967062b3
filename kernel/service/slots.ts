import {
  SLOTS_FIND_NAME_MAX,
  SLOTS_NAME_TEXT_MAX,
  SLOTS_SYMBOLS_DATA_MAX,
  SlotsCountResponse,
  SlotsDescribeEnded,
  SlotsDescribeRequest,
  SlotsDescribeResponse,
  SlotsDescribeState,
  SlotsFindRequest,
  SlotsFindResponse,
  SlotsHandleAtRequest,
  SlotsHandleAtResponse,
  SlotsMethod,
  SlotsNameRequest,
  SlotsNameResponse,
  SlotsNextChangedResponse,
  SlotsStackWordRequest,
  SlotsStackWordResponse,
  SlotsStartRequest,
  SlotsStopRequest,
  SlotsSymbolsRequest,
  SlotsSymbolsResponse,
} from "../../build/generated/kernel/Slots";
import { DOMAIN_REGION_BYTES, DOMAIN_REGION_HIGH } from "../abi/address-space";
import { SLOT_NONE } from "../abi/blob";
import { ObjectType, RIGHT_CONTROL } from "../abi/object";
import { Status } from "../abi/status";
import { clamped } from "../base/speculation";
import { copySymbols } from "../domain/archive";
import { reclaimStep } from "../domain/reclaim";
import { startSlot } from "../domain/start";
import { handleFrom, hasRights } from "../handle/table";
import { endDomain, takeChanged } from "../ipc/end";
import {
  findSlot,
  programIsVerified,
  slotCount,
  slotName,
  slotRestart,
  slotStartsWithSystem,
  stringBytes,
} from "../monitor/monitor";
import { Domain, DomainState, EndReason, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { translate } from "../x64/paging";
import { loadPhysical64 } from "../x64/physical-memory";
import { consumedByDomain } from "../schedule/scheduler";
import { nsOfTicks } from "../x64/timer";
import { MethodCall } from "./method-call";

if (<u32>SlotsDescribeState.Stopping !== <u32>DomainState.Stopping)
  ERROR("DomainState and the interface Slots number the states differently");
if (<u32>SlotsDescribeEnded.Stopped !== <u32>EndReason.Stopped)
  ERROR("EndReason and the interface Slots number the reasons differently");

export function slotsMethod(method: u32, call: MethodCall): Status {
  switch (method) {
    case SlotsMethod.Count:
      SlotsCountResponse.at(call.response).count = slotCount();
      return Status.Ok;
    case SlotsMethod.Name:
      return name(call);
    case SlotsMethod.Describe:
      return describe(call);
    case SlotsMethod.Start:
      return start(call);
    case SlotsMethod.Stop:
      return stop(call);
    case SlotsMethod.HandleAt:
      return handleAt(call);
    case SlotsMethod.Find:
      return find(call);
    case SlotsMethod.Symbols:
      return symbols(call);
    case SlotsMethod.StackWord:
      return stackWord(call);
    case SlotsMethod.NextChanged:
      return nextChanged(call);
    default:
      return Status.BadHeader;
  }
}

/** The domain of a slot that a program names; null if the image has no such slot. */
function findDomain(slot: u32): Domain | null {
  const count = slotCount();
  return slot < count ? domainOfSlot(clamped(slot, count)) : null;
}

function name(call: MethodCall): Status {
  const domain = findDomain(SlotsNameRequest.at(call.request).slot);
  if (domain === null) return Status.NotFound;
  const text = slotName(domain.slot);
  SlotsNameResponse.at(call.response).textLength = call.text.set(
    text,
    stringBytes(text),
    SLOTS_NAME_TEXT_MAX,
  );
  return Status.Ok;
}

function describe(call: MethodCall): Status {
  const domain = findDomain(SlotsDescribeRequest.at(call.request).slot);
  if (domain === null) return Status.NotFound;
  const response = SlotsDescribeResponse.at(call.response);
  response.state = <u32>domain.state;
  response.classId = domain.classId;
  response.pagesUsed = domain.pagesUsed;
  response.pagesQuota = domain.quotaPages;
  response.handlesUsed = domain.handlesUsed;
  response.threads = domain.threadsUsed;
  response.starts = domain.instance;
  response.verified = programIsVerified(domain.program);
  response.restart = slotRestart(domain.slot);
  response.priority = domain.priority;
  response.consumedNs = nsOfTicks(consumedByDomain(domain));
  response.autostart = slotStartsWithSystem(domain.slot);
  response.ended = <u32>domain.endReason;
  response.endCode = domain.endCode;
  return Status.Ok;
}

function nextChanged(call: MethodCall): Status {
  if (!hasRights(call.handle, RIGHT_CONTROL)) return Status.NoRight;
  const domain = takeChanged();
  if (domain === null) return Status.NotFound;
  SlotsNextChangedResponse.at(call.response).slot = domain.slot;
  return Status.Ok;
}

function start(call: MethodCall): Status {
  const domain = findDomain(SlotsStartRequest.at(call.request).slot);
  if (domain === null) return Status.NotFound;
  if (!hasRights(call.handle, RIGHT_CONTROL)) return Status.NoRight;
  return startSlot(domain);
}

/** Ends the instance if one runs, and takes one step of giving back what it had. */
function stop(call: MethodCall): Status {
  const domain = findDomain(SlotsStopRequest.at(call.request).slot);
  if (domain === null) return Status.NotFound;
  if (!hasRights(call.handle, RIGHT_CONTROL)) return Status.NoRight;
  if (domain.state === DomainState.Empty) return Status.Ok;
  if (domain.state !== DomainState.Stopping) endDomain(domain, EndReason.Stopped, 0);
  return reclaimStep(domain) ? Status.Ok : Status.Again;
}

function handleAt(call: MethodCall): Status {
  const request = SlotsHandleAtRequest.at(call.request);
  const domain = findDomain(request.slot);
  if (domain === null) return Status.NotFound;
  const entry = handleFrom(domain, request.index);
  if (entry === null) return Status.NotFound;
  const parent = entry.parent;
  const response = SlotsHandleAtResponse.at(call.response);
  response.index = entry.index;
  response.type = <u32>entry.type;
  response.rights = entry.rights;
  response.targetSlot =
    entry.type === <u16>ObjectType.Endpoint
      ? changetype<Endpoint>(entry.object!).owner
      : <u32>SLOT_NONE;
  response.interfaceId = entry.interfaceId;
  response.badge = entry.badge;
  response.parent = parent === null || parent.slot !== domain.slot ? 0 : parent.index;
  return Status.Ok;
}

function find(call: MethodCall): Status {
  const request = SlotsFindRequest.at(call.request);
  const status = call.takeText(request.nameOffset, request.nameLength, SLOTS_FIND_NAME_MAX);
  if (status !== Status.Ok) return status;
  const slot = findSlot(call.text.start, call.text.length);
  if (slot === <u32>SLOT_NONE) return Status.NotFound;
  SlotsFindResponse.at(call.response).slot = slot;
  return Status.Ok;
}

/** A part of the table that explains the program's addresses. Unsigned, so not to be trusted. */
function symbols(call: MethodCall): Status {
  const request = SlotsSymbolsRequest.at(call.request);
  const domain = findDomain(request.slot);
  if (domain === null) return Status.NotFound;
  const text = call.text;
  text.length = copySymbols(domain.program, request.offset, text.start, SLOTS_SYMBOLS_DATA_MAX);
  if (text.length === 0) return Status.NotFound;
  SlotsSymbolsResponse.at(call.response).dataLength = text.length;
  return Status.Ok;
}

/**
 * A word of the region of a domain that faulted and has not been ended. The region holds the native
 * stacks, and code and constants that were measured. The program may have set the stack pointer to
 * any address, so the reader must know what the word can mean.
 */
function stackWord(call: MethodCall): Status {
  const request = SlotsStackWordRequest.at(call.request);
  const domain = findDomain(request.slot);
  if (domain === null) return Status.NotFound;
  if (!hasRights(call.handle, RIGHT_CONTROL)) return Status.NoRight;
  let thread = domain.firstThread;
  while (thread !== null && !thread.isFaultCall) thread = thread.domainNext;
  if (thread === null) return Status.NotFound;
  const address = thread.rsp + <u64>request.offset;
  const start = (<u64>DOMAIN_REGION_HIGH) << 32;
  if ((address & 7) !== 0 || address < start || address - start >= <u64>DOMAIN_REGION_BYTES)
    return Status.NotFound;
  const place = translate(domain.root, address, false);
  if (place === 0) return Status.NotFound;
  SlotsStackWordResponse.at(call.response).word = loadPhysical64(place);
  return Status.Ok;
}
