// Starts an instance of a slot: what the blob says of it, no more and no less.

import { ObjectType, RIGHT_BIND, RIGHT_CALL, RIGHT_RECEIVE } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { GUARD_PORTS } from "../base/guards";
import { mapInto, REGION_START } from "../memory/address-space";
import { FrameUse, allocateReserved, frameAddress } from "../memory/frames";
import { PORT_BITMAPS_BASE, PORT_BITMAP_BYTES, PORT_BITMAP_SHIFT } from "../object/layout";
import { chargePages, chargeShared } from "../memory/quota";
import { backWindowPage } from "../memory/window";
import {
  handleBadge,
  handleClass,
  handleCount,
  handleFirst,
  handleInterface,
  handleRights,
  handleTargetEndpoint,
  handleTargetSlot,
  handleType,
  judgeExecute,
  judgePermission,
  slotFirstHandle,
  slotHandleCount,
} from "../monitor/monitor";
import {
  Domain,
  DomainState,
  EndReason,
  SEGMENTS_MAX,
  clearInstance,
  domainOfSlot,
} from "../object/domain";
import { addHandle, prepareHandles } from "../handle/table";
import { interruptOfLine } from "../object/interrupt";
import { KernelObject } from "../object/kernel-object";
import { forgetPorts } from "../x64/assembly";
import { LINE_COUNT } from "../x64/interrupts";
import { processorLevel } from "../x64/level";
import { PageAccess, initializeRoot } from "../x64/paging";
import { archivePrograms, measuredDigest, programLength, programStart } from "./archive";
import {
  entryPoint,
  fileBytes,
  fileStart,
  isExecutable,
  isLoaded,
  isWritable,
  memoryPages,
  memoryPagesMax,
  neededLevel,
  readExecutable,
  segmentCount,
  segmentEnd,
  segmentStart,
  stackBytes,
  threadBlockBytes,
  threadEntry,
} from "./elf";
import { endDomain } from "../ipc/end";
import { kernelService } from "./slots";
import { logLevel } from "./supervisor";
import { createThread } from "./threads";

/**
 * Starts an instance. Anything but Status.Ok: none runs; after NoMemory and NoSpace what it got is
 * being taken back.
 */
export function startSlot(domain: Domain): Status {
  if (domain.state !== DomainState.Empty) return Status.Busy;
  if (domain.instance === u32.MAX_VALUE) return Status.NoSpace; // Its number would come again.
  if (domain.program >= archivePrograms()) return Status.NotFound;
  const verdict = <Status>judgeExecute(domain.slot, domain.classId, measuredDigest(domain.program));
  if (verdict !== Status.Ok) return verdict;
  const read = readExecutable(programStart(domain.program), programLength(domain.program));
  if (read !== Status.Ok) return read;
  // The ABI's least level costs no question: boot has asked.
  if (neededLevel() > 1 && neededLevel() > processorLevel()) {
    logLevel(domain, neededLevel());
    return Status.Unsupported;
  }

  clearInstance(domain);
  domain.instance += 1;
  domain.endReason = EndReason.None;
  domain.endCode = 0;
  domain.consumed = 0;
  domain.state = DomainState.Running;
  const status = fill(domain);
  if (status !== Status.Ok) endDomain(domain, EndReason.Fault, 0);
  return status;
}

function fill(domain: Domain): Status {
  if (!chargePages(domain, 1)) return Status.NoMemory;
  domain.root = frameAddress(allocateReserved(FrameUse.Table, domain.slot));
  initializeRoot(domain.root);
  domain.memoryPages = memoryPages();
  domain.memoryPagesMax = memoryPagesMax();
  domain.stackBytes = stackBytes();
  domain.threadBlockBytes = threadBlockBytes();
  domain.threadEntry = threadEntry();
  if (!loadSegments(domain)) return Status.NoMemory;
  if (!givePorts(domain)) return Status.NoMemory;
  const thread = createThread(domain, entryPoint(), 0, domain.priority);
  if (thread === null) return Status.NoMemory;

  if (!give(domain, domain, ObjectType.Domain, RIGHT_CALL, 0, ObjectType.Domain, ObjectType.Domain))
    return Status.NoSpace;
  if (
    !give(
      domain,
      domain.inbox,
      ObjectType.Inbox,
      RIGHT_CALL | RIGHT_RECEIVE | RIGHT_BIND,
      0,
      ObjectType.Inbox,
      ObjectType.Inbox,
    )
  )
    return Status.NoSpace;
  if (!give(domain, thread, ObjectType.Thread, RIGHT_CALL, 0, ObjectType.Thread, ObjectType.Thread))
    return Status.NoSpace;
  const first = slotFirstHandle(domain.slot);
  const count = slotHandleCount(domain.slot);
  for (let i: u32 = 0; i < count; i++) {
    if (!giveNamed(domain, first + i)) return Status.NoSpace;
  }
  return Status.Ok;
}

/**
 * Maps code and constants from where they were measured; notes where writable pages come from when
 * they are touched.
 */
function loadSegments(domain: Domain): bool {
  const start = programStart(domain.program);
  const count = segmentCount();
  domain.regionEnd = REGION_START;
  for (let i: u32 = 0; i < count; i++) {
    if (!isLoaded(i)) continue;
    const end = (segmentEnd(i) + 4095) & ~(<u64>4095);
    if (end > domain.regionEnd) domain.regionEnd = end;
    const source = start + fileStart(i);
    if (isWritable(i)) {
      assert(domain.segmentCount < SEGMENTS_MAX);
      const segment = domain.segment(domain.segmentCount);
      domain.segmentCount += 1;
      segment.start = segmentStart(i);
      segment.end = end;
      segment.source = source;
      segment.fileBytes = <u32>fileBytes(i);
      continue;
    }
    const access = isExecutable(i) ? PageAccess.Execute : PageAccess.Read;
    for (let address = segmentStart(i); address < end; address += 4096) {
      if (!chargeShared(domain, 1)) return false;
      domain.archivePages += 1;
      if (!mapInto(domain, address, source + (address - segmentStart(i)), access, false))
        return false;
    }
  }
  return true;
}

/** The bitmap of ports that the slot's handles allow, where they allow any. A set bit forbids. */
function givePorts(domain: Domain): bool {
  const first = slotFirstHandle(domain.slot);
  const count = slotHandleCount(domain.slot);
  let granted: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (handleType(first + i) === <u32>ObjectType.Ports) granted += 1;
  }
  if (granted === 0 && GUARD_PORTS) return true;

  const bitmap = PORT_BITMAPS_BASE + ((<usize>domain.slot) << PORT_BITMAP_SHIFT);
  if (!chargePages(domain, PORT_BITMAP_BYTES >> 12)) return false;
  for (let offset: u32 = 0; offset < PORT_BITMAP_BYTES; offset += 4096) {
    // The window's own page tables are there or memory is out for good.
    if (!backWindowPage(bitmap + offset, FrameUse.Objects, domain.slot)) return false;
    domain.portPages += 1;
  }
  memory.fill(bitmap, GUARD_PORTS ? 0xff : 0, PORT_BITMAP_BYTES);
  for (let i: u32 = 0; i < count; i++) {
    if (handleType(first + i) !== <u32>ObjectType.Ports) continue;
    if (
      judgePermission(domain.slot, domain.classId, handleClass(first + i), Permission.Ports) !==
      <u32>Status.Ok
    )
      continue;
    allowPorts(bitmap, handleFirst(first + i), handleCount(first + i));
  }
  domain.ports = <u32>bitmap;
  forgetPorts();
  return true;
}

/**
 * Clears the bits of ports: single ones up to a whole byte, bytes at once, and single ones again.
 */
function allowPorts(bitmap: usize, first: u32, count: u32): void {
  const end = <u64>first + <u64>count < 0x10000 ? first + count : 0x10000;
  let port = first;
  while (port < end && (port & 7) !== 0) allowPort(bitmap, port++);
  if (port >= end) return;
  const bytes = (end - port) >> 3;
  memory.fill(bitmap + (<usize>port >> 3), 0, bytes);
  port += bytes << 3;
  while (port < end) allowPort(bitmap, port++);
}

function allowPort(bitmap: usize, port: u32): void {
  const place = bitmap + (<usize>port >> 3);
  store<u8>(place, <u8>(<u32>load<u8>(place) & ~((<u32>1) << (port & 7))));
}

/** The next initial handle. False beyond the quota. */
function give(
  domain: Domain,
  object: KernelObject,
  type: u32,
  rights: u32,
  badge: u64,
  interfaceId: u32,
  classId: u32,
): bool {
  if (!prepareHandles(domain, 1)) return false;
  addHandle(domain, object, type, rights, badge, interfaceId, classId, null);
  return true;
}

/** An initial handle that the blob names. The blob's verifier has checked its target. */
function giveNamed(domain: Domain, index: u32): bool {
  const type = handleType(index);
  const rights = handleRights(index);
  switch (type) {
    case ObjectType.Endpoint: {
      const owner = domainOfSlot(handleTargetSlot(index));
      const endpoint = owner.endpoint(handleTargetEndpoint(index));
      return give(
        domain,
        endpoint,
        type,
        rights,
        handleBadge(index),
        handleInterface(index),
        owner.classId,
      );
    }
    case ObjectType.Interrupt: {
      const line = handleFirst(index);
      if (line >= LINE_COUNT) return false;
      return give(domain, interruptOfLine(line), type, rights, 0, type, handleClass(index));
    }
    case ObjectType.Ports:
      return give(
        domain,
        kernelService(type),
        type,
        rights,
        <u64>handleFirst(index) | ((<u64>handleCount(index)) << 32),
        type,
        handleClass(index),
      );
    default:
      return give(domain, kernelService(type), type, rights, 0, type, handleClass(index));
  }
}
