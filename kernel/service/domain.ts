import {
  DomainCreateEndpointRequest,
  DomainCreateEndpointResponse,
  DomainCreateInboxResponse,
  DomainCreateMemoryRequest,
  DomainCreateMemoryResponse,
  DomainCreateNoticeRequest,
  DomainCreateNoticeResponse,
  DomainCreateThreadRequest,
  DomainCreateThreadResponse,
  DomainDescribeRequest,
  DomainDescribeResponse,
  DomainDropRequest,
  DomainExitRequest,
  DomainGrowRequest,
  DomainGrowResponse,
  DomainInfoResponse,
  DomainMapRequest,
  DomainMapResponse,
  DomainMethod,
  DomainMintRequest,
  DomainMintResponse,
  DomainRevokeRequest,
  DomainUnmapRequest,
} from "../../build/generated/kernel/Domain";
import { SLOT_NONE } from "../abi/blob";
import {
  FIRST_PROGRAM_INTERFACE,
  ObjectType,
  RIGHTS_ALL,
  RIGHT_CALL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_MAP_WRITE,
  RIGHT_MINT,
} from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { GUARD_RIGHTS } from "../base/guards";
import { createThread } from "../domain/threads";
import { dropStep } from "../handle/lifetime";
import { revokeStep } from "../handle/revoke";
import {
  addHandle,
  findHandle,
  handleNumber,
  hasRights,
  isOfDyingMemory,
  prepareHandles,
} from "../handle/table";
import { unmapStep } from "../handle/unmap";
import { endDomain } from "../ipc/end";
import { findMapping } from "../memory/address-space";
import { createMapping } from "../memory/mappings";
import { createMemoryObject } from "../memory/memory-pages";
import { Table, takePlace } from "../memory/object-pages";
import { mayHaveObject } from "../memory/quota";
import { Domain, EndReason } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { Inbox, initializeInbox } from "../object/inbox";
import { KernelObject, initializeObject } from "../object/kernel-object";
import { MEMORY_PAGES_MAX, MemoryObject } from "../object/memory-object";
import { Notice } from "../object/notice";
import { checkInboxToBind } from "./binding";
import { MethodCall } from "./method-call";
import { allowedPriority } from "./thread";

/** Interfaces from here on are those of rules: INTERFACE_EXECUTE and INTERFACE_PERMISSIONS. */
const LAST_INTERFACE: u32 = 0xfffd;

export function domainMethod(method: u32, call: MethodCall): Status {
  if (changetype<usize>(call.handle.object) !== changetype<usize>(call.domain))
    return Status.NoRight;
  switch (method) {
    case DomainMethod.Info:
      return info(call);
    case DomainMethod.Exit:
      endDomain(call.domain, EndReason.Exit, DomainExitRequest.at(call.request).code);
      return Status.Ok;
    case DomainMethod.CreateMemory:
      return createMemory(call);
    case DomainMethod.CreateInbox:
      return createInbox(call);
    case DomainMethod.CreateEndpoint:
      return createEndpoint(call);
    case DomainMethod.CreateNotice:
      return createNotice(call);
    case DomainMethod.CreateThread:
      return startThread(call);
    case DomainMethod.Mint:
      return mint(call);
    case DomainMethod.Drop:
      return drop(call);
    case DomainMethod.Revoke:
      return revoke(call);
    case DomainMethod.Map:
      return map(call);
    case DomainMethod.Unmap:
      return unmap(call);
    case DomainMethod.Grow:
      return grow(call);
    case DomainMethod.Describe:
      return describe(call);
    default:
      return Status.BadHeader;
  }
}

function info(call: MethodCall): Status {
  const domain = call.domain;
  const response = DomainInfoResponse.at(call.response);
  response.slot = domain.slot;
  response.classId = domain.classId;
  response.pagesUsed = domain.pagesUsed;
  response.pagesQuota = domain.quotaPages;
  response.handlesUsed = domain.handlesUsed;
  response.handlesQuota = domain.quotaHandles;
  response.instance = domain.instance;
  return Status.Ok;
}

function createMemory(call: MethodCall): Status {
  const domain = call.domain;
  const bytes = DomainCreateMemoryRequest.at(call.request).bytes;
  if (bytes === 0 || bytes > (<u64>MEMORY_PAGES_MAX) << 12) return Status.BadArgument;
  if (!prepareHandles(domain, 1)) return Status.NoSpace;
  const memory = createMemoryObject(domain, <u32>((bytes + 4095) >> 12));
  if (memory === null) return Status.NoMemory;
  DomainCreateMemoryResponse.at(call.response).handle = addFirstHandle(
    domain,
    memory,
    ObjectType.Memory,
    <u32>RIGHTS_ALL,
  );
  return Status.Ok;
}

/** Adds the first handle to a kernel object that is no endpoint. Returns the handle's number. */
function addFirstHandle(domain: Domain, object: KernelObject, type: u32, rights: u32): u32 {
  return handleNumber(addHandle(domain, object, type, rights, 0, type, type, null));
}

/** Whether the domain may have one more object, and a handle to it. */
function hasRoomForObject(domain: Domain): bool {
  return mayHaveObject(domain) && prepareHandles(domain, 1);
}

/** A place for an object that `hasRoomForObject`; 0 if there is no memory for it. */
function takeObject(domain: Domain, table: Table): usize {
  const place = takePlace(domain, table);
  if (place !== 0) domain.objectsUsed += 1;
  return place;
}

function createInbox(call: MethodCall): Status {
  const domain = call.domain;
  if (!hasRoomForObject(domain)) return Status.NoSpace;
  const place = takeObject(domain, Table.Inboxes);
  if (place === 0) return Status.NoMemory;

  // Commit point.
  const inbox = changetype<Inbox>(place);
  initializeInbox(inbox, domain.slot);
  DomainCreateInboxResponse.at(call.response).handle = addFirstHandle(
    domain,
    inbox,
    ObjectType.Inbox,
    <u32>RIGHTS_ALL,
  );
  return Status.Ok;
}

function createEndpoint(call: MethodCall): Status {
  const domain = call.domain;
  const request = DomainCreateEndpointRequest.at(call.request);
  const interfaceId = request.interfaceId;
  if (interfaceId < <u32>FIRST_PROGRAM_INTERFACE || interfaceId > LAST_INTERFACE)
    return Status.BadArgument;
  const entry = findHandle(domain, request.inbox);
  const status = checkInboxToBind(domain, entry);
  if (status !== Status.Ok) return status;
  if (!hasRoomForObject(domain)) return Status.NoSpace;
  const place = takeObject(domain, Table.Endpoints);
  if (place === 0) return Status.NoMemory;

  // Commit point.
  const inbox = changetype<Inbox>(entry!.object!);
  const endpoint = changetype<Endpoint>(place);
  initializeObject(endpoint, ObjectType.Endpoint, domain.slot);
  endpoint.interfaceId = interfaceId;
  endpoint.inbox = inbox;
  inbox.boundEndpoints += 1;
  const handle = addHandle(
    domain,
    endpoint,
    ObjectType.Endpoint,
    <u32>RIGHTS_ALL,
    0,
    interfaceId,
    domain.classId,
    null,
  );
  DomainCreateEndpointResponse.at(call.response).handle = handleNumber(handle);
  return Status.Ok;
}

function createNotice(call: MethodCall): Status {
  const domain = call.domain;
  const request = DomainCreateNoticeRequest.at(call.request);
  const entry = findHandle(domain, request.inbox);
  const status = checkInboxToBind(domain, entry);
  if (status !== Status.Ok) return status;
  if (request.bits === 0) return Status.BadArgument;
  const verdict = call.judge(ObjectType.Notice, Permission.Bind);
  if (verdict !== Status.Ok) return verdict;
  if (!hasRoomForObject(domain)) return Status.NoSpace;
  const place = takeObject(domain, Table.Notices);
  if (place === 0) return Status.NoMemory;

  // Commit point.
  const inbox = changetype<Inbox>(entry!.object!);
  const notice = changetype<Notice>(place);
  initializeObject(notice, ObjectType.Notice, domain.slot);
  notice.inbox = inbox;
  notice.inboxIdentity = inbox.identity;
  notice.bits = request.bits;
  DomainCreateNoticeResponse.at(call.response).handle = addFirstHandle(
    domain,
    notice,
    ObjectType.Notice,
    <u32>RIGHTS_ALL,
  );
  return Status.Ok;
}

function startThread(call: MethodCall): Status {
  const domain = call.domain;
  const request = DomainCreateThreadRequest.at(call.request);
  const priority = allowedPriority(domain, request.priority);
  if (priority === 0) return Status.BadArgument;
  if (domain.threadEntry === 0) return Status.NotFound;
  if (!prepareHandles(domain, 1)) return Status.NoSpace;
  const thread = createThread(domain, domain.threadEntry, request.argument, priority);
  if (thread === null) return Status.NoMemory;
  DomainCreateThreadResponse.at(call.response).handle = addFirstHandle(
    domain,
    thread,
    ObjectType.Thread,
    RIGHT_CALL,
  );
  return Status.Ok;
}

function mint(call: MethodCall): Status {
  const domain = call.domain;
  const request = DomainMintRequest.at(call.request);
  const entry = findHandle(domain, request.handle);
  if (entry === null || isOfDyingMemory(entry)) return Status.BadHandle;
  const rights = request.rights;
  const badge = request.badge;
  if (badge !== 0 && entry.type !== <u16>ObjectType.Endpoint) return Status.WrongType;
  if (!hasRights(entry, <u32>(badge !== 0 ? RIGHT_MINT : RIGHT_COPY))) return Status.NoRight;
  // Only the endpoint's owner may set a badge, whatever rights the owner has handed out.
  if (GUARD_RIGHTS && badge !== 0 && changetype<Endpoint>(entry.object!).owner !== domain.slot)
    return Status.NoRight;
  if (!hasRights(entry, rights)) return Status.NoRight;
  const verdict = call.judge(entry.classId, Permission.Copy);
  if (verdict !== Status.Ok) return verdict;
  if (!prepareHandles(domain, 1)) return Status.NoSpace;

  // Commit point.
  const handle = addHandle(
    domain,
    entry.object!,
    <u32>entry.type,
    rights,
    badge !== 0 ? badge : entry.badge,
    entry.interfaceId,
    entry.classId,
    entry,
  );
  DomainMintResponse.at(call.response).handle = handleNumber(handle);
  return Status.Ok;
}

function drop(call: MethodCall): Status {
  const entry = findHandle(call.domain, DomainDropRequest.at(call.request).handle);
  if (entry === null) return Status.BadHandle;
  return dropStep(entry) ? Status.Ok : Status.Again;
}

function revoke(call: MethodCall): Status {
  const entry = findHandle(call.domain, DomainRevokeRequest.at(call.request).handle);
  if (entry === null) return Status.BadHandle;
  return revokeStep(entry) ? Status.Ok : Status.Again;
}

function map(call: MethodCall): Status {
  const domain = call.domain;
  const request = DomainMapRequest.at(call.request);
  const entry = findHandle(domain, request.memory);
  if (entry === null || isOfDyingMemory(entry)) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Memory) return Status.WrongType;
  const memory = changetype<MemoryObject>(entry.object!);
  const offset = request.offset;
  const bytes = request.bytes;
  const writable = request.writable;
  if (!hasRights(entry, RIGHT_MAP_READ) || (writable && !hasRights(entry, RIGHT_MAP_WRITE)))
    return Status.NoRight;
  if ((offset & 4095) !== 0 || bytes === 0) return Status.BadArgument;
  const size = (<u64>memory.pages) << 12;
  if (offset >= size || bytes > size - offset) return Status.BadArgument;
  if (writable && memory.sealed) return Status.Sealed;
  let verdict = call.judge(entry.classId, Permission.MapRead);
  if (verdict === Status.Ok && writable) verdict = call.judge(entry.classId, Permission.MapWrite);
  if (verdict !== Status.Ok) return verdict;
  const status = createMapping(
    domain,
    entry,
    <u32>(offset >> 12),
    <u32>((bytes + 4095) >> 12),
    writable,
  );
  if (status !== Status.Ok) return status;
  DomainMapResponse.at(call.response).address = entry.firstMapping!.address;
  return Status.Ok;
}

function unmap(call: MethodCall): Status {
  const domain = call.domain;
  const address = DomainUnmapRequest.at(call.request).address;
  const mapping = findMapping(domain, address);
  if (mapping === null || mapping.address !== address) return Status.NotFound;
  return unmapStep(domain, mapping) ? Status.Ok : Status.Again;
}

/** Pages are charged to the quota when they are first touched, so growing costs nothing yet. */
function grow(call: MethodCall): Status {
  const domain = call.domain;
  const pages = DomainGrowRequest.at(call.request).pages;
  const before = domain.memoryPages;
  if (pages > domain.memoryPagesMax - before) return Status.NoMemory;
  domain.memoryPages = before + pages;
  DomainGrowResponse.at(call.response).previousPages = before;
  return Status.Ok;
}

function describe(call: MethodCall): Status {
  const entry = findHandle(call.domain, DomainDescribeRequest.at(call.request).handle);
  if (entry === null) return Status.BadHandle;
  const response = DomainDescribeResponse.at(call.response);
  response.type = <u32>entry.type;
  response.rights = entry.rights;
  response.interfaceId = entry.interfaceId;
  response.slot =
    entry.type === <u16>ObjectType.Endpoint
      ? changetype<Endpoint>(entry.object!).owner
      : <u32>SLOT_NONE;
  return Status.Ok;
}
