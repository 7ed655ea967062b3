import { DOMAIN_REGION_BYTES, DOMAIN_REGION_HIGH } from "../abi/address-space";
import { RIGHT_CONTROL } from "../abi/object";
import { Status } from "../abi/status";
import {
  findSlot,
  programIsVerified,
  slotCount,
  slotName,
  slotRestart,
  slotStartsWithSystem,
  stringBytes,
} from "../monitor/monitor";
import { SLOT_NONE } from "../abi/blob";
import { copySymbols } from "../domain/archive";
import { endDomain } from "../ipc/end";
import { reclaimStep } from "../domain/reclaim";
import { startSlot } from "../domain/start";
import { DomainState, EndReason, domainOfSlot } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { handleFrom, hasRights } from "../handle/table";
import { ObjectType } from "../abi/object";
import { clamped } from "../base/speculation";
import { translate } from "../x64/paging";
import { loadPhysical64 } from "../x64/physical-memory";
import {
  argument32,
  calledHandle,
  give,
  giveBool,
  giveText,
  giveTextAsIs,
  readText,
  textLength,
  textStart,
} from "./method-frame";

const NAME_MAX: u32 = 32;
const SYMBOLS_MAX: u32 = 512;

export function slotsMethod(method: u32): Status {
  if (method === 0) {
    give(<u64>slotCount());
    return Status.Ok;
  }
  if (method === 6) return find();
  if (argument32(0) >= slotCount()) return Status.NotFound;
  const slot = clamped(argument32(0), slotCount());
  switch (method) {
    case 1:
      giveText(slotName(slot), stringBytes(slotName(slot)), NAME_MAX);
      return Status.Ok;
    case 2:
      return describe(slot);
    case 3:
      return start(slot);
    case 4:
      return stop(slot);
    case 7:
      return symbols(slot);
    case 8:
      return stackWord(slot);
    default:
      return handleAt(slot);
  }
}

function find(): Status {
  const status = readText(0, NAME_MAX);
  if (status !== Status.Ok) return status;
  const slot = findSlot(textStart(), textLength());
  if (slot === SLOT_NONE) return Status.NotFound;
  give(<u64>slot);
  return Status.Ok;
}

function describe(slot: u32): Status {
  const domain = domainOfSlot(slot);
  give(<u64>(<u32>domain.state));
  give(<u64>domain.classId);
  give(<u64>domain.pagesUsed);
  give(<u64>domain.quotaPages);
  give(<u64>domain.handlesUsed);
  give(<u64>domain.threadsUsed);
  give(<u64>domain.instance);
  giveBool(programIsVerified(domain.program));
  give(<u64>slotRestart(slot));
  give(<u64>domain.priority);
  give(domain.consumed);
  giveBool(slotStartsWithSystem(slot));
  give(<u64>(<u32>domain.endReason));
  give(<u64>domain.endCode);
  return Status.Ok;
}

function start(slot: u32): Status {
  if (!hasRights(calledHandle(), RIGHT_CONTROL)) return Status.NoRight;
  return startSlot(domainOfSlot(slot));
}

/** Every call takes one more step. The supervisor's own slot is the kernel's to stop. */
function stop(slot: u32): Status {
  if (!hasRights(calledHandle(), RIGHT_CONTROL)) return Status.NoRight;
  const domain = domainOfSlot(slot);
  if (domain.state === DomainState.Empty) return Status.Ok;
  if (domain.state !== DomainState.Stopping) endDomain(domain, EndReason.Stopped, 0);
  return reclaimStep(domain) ? Status.Ok : Status.Again;
}

function handleAt(slot: u32): Status {
  const entry = handleFrom(domainOfSlot(slot), argument32(1));
  if (entry === null) return Status.NotFound;
  const isEndpoint = entry.type === <u16>ObjectType.Endpoint;
  const parent = entry.parent;
  give(<u64>entry.index);
  give(<u64>entry.type);
  give(<u64>entry.rights);
  give(<u64>(isEndpoint ? changetype<Endpoint>(entry.object!).owner : SLOT_NONE));
  give(<u64>entry.interfaceId);
  give(entry.badge);
  give(parent === null || parent.slot !== slot ? 0 : <u64>parent.index);
  return Status.Ok;
}

/**
 * A piece of the table that explains the program's addresses. Whoever reads it must not trust it.
 */
function symbols(slot: u32): Status {
  const bytes = copySymbols(domainOfSlot(slot).program, argument32(1), textStart(), SYMBOLS_MAX);
  if (bytes === 0) return Status.NotFound;
  giveTextAsIs(bytes);
  return Status.Ok;
}

/**
 * Of a domain that faulted and has not been ended: a word of its region, which holds the native
 * stacks, code and constants that were measured. Where the stack is, the program may have set; what
 * a word means, the reader must know.
 */
function stackWord(slot: u32): Status {
  if (!hasRights(calledHandle(), RIGHT_CONTROL)) return Status.NoRight;
  const domain = domainOfSlot(slot);
  let thread = domain.firstThread;
  while (thread !== null && !thread.isFaultCall) thread = thread.domainNext;
  if (thread === null) return Status.NotFound;
  const address = thread.rsp + <u64>argument32(1);
  const start = (<u64>DOMAIN_REGION_HIGH) << 32;
  if ((address & 7) !== 0 || address < start || address - start >= <u64>DOMAIN_REGION_BYTES)
    return Status.NotFound;
  const place = translate(domain.root, address, false);
  if (place === 0) return Status.NotFound;
  give(loadPhysical64(place));
  return Status.Ok;
}
