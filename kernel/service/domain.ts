import {
  FIRST_PROGRAM_INTERFACE,
  ObjectType,
  RIGHTS_ALL,
  RIGHT_BIND,
  RIGHT_CALL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_MAP_WRITE,
  RIGHT_MINT,
} from "../abi/object";
import { Permission } from "../abi/permission";
import { SLOT_NONE } from "../abi/blob";
import { Status } from "../abi/status";
import { endDomain } from "../ipc/end";
import { createThread } from "../domain/threads";
import { GUARD_RIGHTS } from "../base/guards";
import { isGoing } from "../ipc/transfer";
import { findMapping } from "../memory/address-space";
import { createMapping } from "../memory/mappings";
import { createMemoryObject } from "../memory/memory-pages";
import { Table, takePlace } from "../memory/object-pages";
import { mayHaveObject } from "../memory/quota";
import { judgePermission } from "../monitor/monitor";
import { EndReason } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { HandleEntry } from "../object/handle-entry";
import { revokeStep } from "../handle/revoke";
import { addHandle, handleNumber, hasRights, prepareHandles } from "../handle/table";
import { unmapStep } from "../handle/unmap";
import { Inbox } from "../object/inbox";
import { initializeObject } from "../object/kernel-object";
import { dropStep } from "../handle/lifetime";
import { MEMORY_PAGES_MAX, MemoryObject } from "../object/memory-object";
import { Notice } from "../object/notice";
import {
  argument,
  argument32,
  argumentHandle,
  calledHandle,
  callingDomain,
  give,
} from "./method-frame";

export function domainMethod(method: u32): Status {
  if (changetype<usize>(calledHandle().object) !== changetype<usize>(callingDomain()))
    return Status.NoRight;
  switch (method) {
    case 0:
      return info();
    case 1:
      return exit();
    case 2:
      return createMemory();
    case 3:
      return createInbox();
    case 4:
      return createEndpoint();
    case 5:
      return createNotice();
    case 6:
      return startThread();
    case 7:
      return mint();
    case 8:
      return drop();
    case 9:
      return revoke();
    case 10:
      return map();
    case 11:
      return unmap();
    case 12:
      return grow();
    default:
      return describe();
  }
}

function info(): Status {
  const domain = callingDomain();
  give(<u64>domain.slot);
  give(<u64>domain.classId);
  give(<u64>domain.pagesUsed);
  give(<u64>domain.quotaPages);
  give(<u64>domain.handlesUsed);
  give(<u64>domain.quotaHandles);
  give(<u64>domain.instance);
  return Status.Ok;
}

function exit(): Status {
  endDomain(callingDomain(), EndReason.Exit, argument32(0));
  return Status.Ok;
}

function createMemory(): Status {
  const domain = callingDomain();
  const bytes = argument(0);
  if (bytes === 0 || bytes > (<u64>MEMORY_PAGES_MAX) << 12) return Status.BadArgument;
  if (!prepareHandles(domain, 1)) return Status.NoSpace;
  const memory = createMemoryObject(domain, <u32>((bytes + 4095) >> 12));
  if (memory === null) return Status.NoMemory;
  return giveHandle(
    addHandle(
      domain,
      memory,
      ObjectType.Memory,
      <u32>RIGHTS_ALL,
      0,
      ObjectType.Memory,
      ObjectType.Memory,
      null,
    ),
  );
}

function giveHandle(entry: HandleEntry): Status {
  give(<u64>handleNumber(entry));
  return Status.Ok;
}

/** A place for a further object, once a handle to it has one; 0 with the reason in `refusal`. */
function takeObject(table: Table): usize {
  const domain = callingDomain();
  refusal = Status.NoSpace;
  if (!mayHaveObject(domain) || !prepareHandles(domain, 1)) return 0;
  refusal = Status.NoMemory;
  const place = takePlace(domain, table);
  if (place !== 0) domain.objectsUsed += 1;
  return place;
}
let refusal: Status = Status.Ok;

function createInbox(): Status {
  const domain = callingDomain();
  const place = takeObject(Table.Inboxes);
  if (place === 0) return refusal;
  const inbox = changetype<Inbox>(place);
  initializeObject(inbox, ObjectType.Inbox, domain.slot);
  return giveHandle(
    addHandle(
      domain,
      inbox,
      ObjectType.Inbox,
      <u32>RIGHTS_ALL,
      0,
      ObjectType.Inbox,
      ObjectType.Inbox,
      null,
    ),
  );
}

/**
 * The inbox that an argument names, if the caller may bind to it; null with the reason in
 * `refusal`.
 */
function inboxToBind(index: u32): Inbox | null {
  const entry = argumentHandle(index);
  refusal = Status.BadHandle;
  if (entry === null) return null;
  refusal = Status.WrongType;
  if (entry.type !== <u16>ObjectType.Inbox) return null;
  refusal = Status.NoRight;
  const inbox = changetype<Inbox>(entry.object!);
  return hasRights(entry, RIGHT_BIND) && inbox.owner === callingDomain().slot ? inbox : null;
}

function createEndpoint(): Status {
  const domain = callingDomain();
  const interfaceId = argument32(1);
  if (interfaceId < <u32>FIRST_PROGRAM_INTERFACE || interfaceId > 0xfffd) return Status.BadArgument;
  const inbox = inboxToBind(0);
  if (inbox === null) return refusal;
  const place = takeObject(Table.Endpoints);
  if (place === 0) return refusal;
  const endpoint = changetype<Endpoint>(place);
  initializeObject(endpoint, ObjectType.Endpoint, domain.slot);
  endpoint.interfaceId = interfaceId;
  endpoint.inbox = inbox;
  inbox.boundEndpoints += 1;
  return giveHandle(
    addHandle(
      domain,
      endpoint,
      ObjectType.Endpoint,
      <u32>RIGHTS_ALL,
      0,
      interfaceId,
      domain.classId,
      null,
    ),
  );
}

function createNotice(): Status {
  const domain = callingDomain();
  const inbox = inboxToBind(0);
  if (inbox === null) return refusal;
  if (argument(1) === 0) return Status.BadArgument;
  const verdict = <Status>(
    judgePermission(domain.slot, domain.classId, ObjectType.Notice, Permission.Bind)
  );
  if (verdict !== Status.Ok) return verdict;
  const place = takeObject(Table.Notices);
  if (place === 0) return refusal;
  const notice = changetype<Notice>(place);
  initializeObject(notice, ObjectType.Notice, domain.slot);
  notice.inbox = inbox;
  notice.inboxIdentity = inbox.identity;
  notice.bits = argument(1);
  return giveHandle(
    addHandle(
      domain,
      notice,
      ObjectType.Notice,
      <u32>RIGHTS_ALL,
      0,
      ObjectType.Notice,
      ObjectType.Notice,
      null,
    ),
  );
}

function startThread(): Status {
  const domain = callingDomain();
  const priority = argument32(1);
  if (priority === 0 || priority > 255 || priority > domain.ceiling) return Status.BadArgument;
  if (domain.threadEntry === 0) return Status.NotFound;
  if (!prepareHandles(domain, 1)) return Status.NoSpace;
  // See kernel/base/speculation.ts.
  const thread = createThread(domain, domain.threadEntry, argument(0), priority & 255);
  if (thread === null) return Status.NoMemory;
  return giveHandle(
    addHandle(
      domain,
      thread.header,
      ObjectType.Thread,
      <u32>RIGHT_CALL,
      0,
      ObjectType.Thread,
      ObjectType.Thread,
      null,
    ),
  );
}

function mint(): Status {
  const domain = callingDomain();
  const entry = argumentHandle(0);
  if (entry === null || isGoing(entry)) return Status.BadHandle;
  const rights = argument32(1);
  const badge = argument(2);
  if (badge !== 0 && entry.type !== <u16>ObjectType.Endpoint) return Status.WrongType;
  if (!hasRights(entry, <u32>(badge !== 0 ? RIGHT_MINT : RIGHT_COPY))) return Status.NoRight;
  // A badge is its owner's word, whatever rights he has handed out.
  if (GUARD_RIGHTS && badge !== 0 && changetype<Endpoint>(entry.object!).owner !== domain.slot)
    return Status.NoRight;
  if (!hasRights(entry, rights)) return Status.NoRight;
  const verdict = <Status>(
    judgePermission(domain.slot, domain.classId, entry.classId, Permission.Copy)
  );
  if (verdict !== Status.Ok) return verdict;
  if (!prepareHandles(domain, 1)) return Status.NoSpace;
  const given = badge !== 0 ? badge : entry.badge;
  return giveHandle(
    addHandle(
      domain,
      entry.object!,
      <u32>entry.type,
      rights,
      given,
      entry.interfaceId,
      entry.classId,
      entry,
    ),
  );
}

function drop(): Status {
  const entry = argumentHandle(0);
  if (entry === null) return Status.BadHandle;
  return dropStep(entry) ? Status.Ok : Status.Again;
}

function revoke(): Status {
  const entry = argumentHandle(0);
  if (entry === null) return Status.BadHandle;
  return revokeStep(entry) ? Status.Ok : Status.Again;
}

function map(): Status {
  const domain = callingDomain();
  const entry = argumentHandle(0);
  if (entry === null || isGoing(entry)) return Status.BadHandle;
  if (entry.type !== <u16>ObjectType.Memory) return Status.WrongType;
  const memory = changetype<MemoryObject>(entry.object!);
  const offset = argument(1);
  const bytes = argument(2);
  const writable = argument(3) !== 0;
  if (!hasRights(entry, RIGHT_MAP_READ) || (writable && !hasRights(entry, RIGHT_MAP_WRITE)))
    return Status.NoRight;
  if ((offset & 4095) !== 0 || bytes === 0) return Status.BadArgument;
  const size = (<u64>memory.pages) << 12;
  if (offset >= size || bytes > size - offset) return Status.BadArgument;
  if (writable && memory.sealed) return Status.Sealed;
  let verdict = <Status>(
    judgePermission(domain.slot, domain.classId, entry.classId, Permission.MapRead)
  );
  if (verdict === Status.Ok && writable)
    verdict = <Status>(
      judgePermission(domain.slot, domain.classId, entry.classId, Permission.MapWrite)
    );
  if (verdict !== Status.Ok) return verdict;
  const made = createMapping(
    domain,
    entry,
    <u32>(offset >> 12),
    <u32>((bytes + 4095) >> 12),
    writable,
  );
  if (made !== Status.Ok) return made;
  give(<u64>entry.firstMapping!.address);
  return Status.Ok;
}

function unmap(): Status {
  const domain = callingDomain();
  const mapping = findMapping(domain, argument32(0));
  if (mapping === null || mapping.address !== argument32(0)) return Status.NotFound;
  return unmapStep(domain, mapping) ? Status.Ok : Status.Again;
}

/** Pages are backed when touched, out of the quota: growing costs nothing yet. */
function grow(): Status {
  const domain = callingDomain();
  const pages = argument32(0);
  const before = domain.memoryPages;
  if (pages > domain.memoryPagesMax - before) return Status.NoMemory;
  domain.memoryPages = before + pages;
  give(<u64>before);
  return Status.Ok;
}

function describe(): Status {
  const entry = argumentHandle(0);
  if (entry === null) return Status.BadHandle;
  give(<u64>entry.type);
  give(<u64>entry.rights);
  give(<u64>entry.interfaceId);
  give(
    <u64>(
      (entry.type === <u16>ObjectType.Endpoint
        ? changetype<Endpoint>(entry.object!).owner
        : SLOT_NONE)
    ),
  );
  return Status.Ok;
}
