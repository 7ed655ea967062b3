// Starts an instance of a slot. The instance gets what the blob says, no more and no less.

import { ObjectType, RIGHT_BIND, RIGHT_CALL, RIGHT_RECEIVE } from "../abi/object";
import { Status } from "../abi/status";
import { addHandle, prepareHandles } from "../handle/table";
import { endDomain } from "../ipc/end";
import { REGION_START, mapInto } from "../memory/address-space";
import { FrameUse, allocateReserved, frameAddress } from "../memory/frames";
import { chargePages, chargeShared } from "../memory/quota";
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
import { INSTANCE_LAST } from "../object/inbox";
import { interruptOfLine } from "../object/interrupt";
import { KernelObject } from "../object/kernel-object";
import { LINE_COUNT } from "../x64/interrupts";
import { processorLevel } from "../x64/level";
import { PageAccess, initializeRoot } from "../x64/paging";
import { archivePrograms, archivedProgram, measuredDigest } from "./archive";
import {
  ProgramHeader,
  entryPoint,
  note,
  programHeader,
  programHeaderCount,
  readExecutable,
} from "./elf";
import { grantPorts } from "./port-bitmap";
import { kernelService } from "./slots";
import { logLevel } from "./supervisor";
import { createThread } from "./threads";

/** Boot has checked that the processor has this level. */
const LEVEL_LEAST: u32 = 1;

/**
 * Starts an instance. On any status but Ok no instance runs. After NoMemory and NoSpace the kernel
 * frees what the instance had.
 */
export function startSlot(domain: Domain): Status {
  if (domain.state !== DomainState.Empty) return Status.Busy;
  if (domain.instance === INSTANCE_LAST) return Status.NoSpace; // The number would come again.
  if (domain.program >= archivePrograms()) return Status.NotFound;
  const verdict = judgeExecute(domain.slot, domain.classId, measuredDigest(domain.program));
  if (verdict !== Status.Ok) return verdict;
  const program = archivedProgram(domain.program);
  const read = readExecutable(program.start, program.bytes);
  if (read !== Status.Ok) return read;
  // Asking the processor takes time, so it is asked only for a higher level.
  const level = note().level;
  if (level > LEVEL_LEAST && level > processorLevel()) {
    logLevel(domain, level);
    return Status.Unsupported;
  }

  clearInstance(domain);
  domain.instance += 1;
  domain.endReason = EndReason.None;
  domain.endCode = 0;
  domain.endedTicks = 0;
  domain.state = DomainState.Running;
  const status = setUp(domain);
  if (status !== Status.Ok) endDomain(domain, EndReason.Fault, 0);
  return status;
}

/** Sets up an instance of the executable that was read last. */
function setUp(domain: Domain): Status {
  if (!chargePages(domain, 1)) return Status.NoMemory;
  domain.root = frameAddress(allocateReserved(FrameUse.Table, domain.slot));
  initializeRoot(domain.root, domain.slot);
  domain.memoryPages = note().memoryPages;
  domain.memoryPagesMax = note().memoryPagesMax;
  domain.stackBytes = note().stackBytes;
  domain.threadBlockBytes = note().threadBlockBytes;
  domain.threadEntry = note().threadEntry;
  if (!loadSegments(domain)) return Status.NoMemory;
  if (!grantPorts(domain)) return Status.NoMemory;
  const thread = createThread(domain, entryPoint(), 0, domain.priority);
  if (thread === null) return Status.NoMemory;

  // The handles that every domain has, in the order of HANDLE_INDEX_DOMAIN, INBOX and THREAD; then
  // those of the slot.
  const isComplete =
    addObjectHandle(domain, domain, ObjectType.Domain, RIGHT_CALL) &&
    addObjectHandle(
      domain,
      domain.inbox,
      ObjectType.Inbox,
      RIGHT_CALL | RIGHT_RECEIVE | RIGHT_BIND,
    ) &&
    addObjectHandle(domain, thread, ObjectType.Thread, RIGHT_CALL) &&
    addNamedHandles(domain);
  return isComplete ? Status.Ok : Status.NoSpace;
}

/** Loads all segments. False if the domain's quota of pages does not suffice. */
function loadSegments(domain: Domain): bool {
  const file = archivedProgram(domain.program).start;
  const count = programHeaderCount();
  domain.regionEnd = REGION_START;
  for (let i: u32 = 0; i < count; i++) {
    const header = programHeader(i);
    if (!header.isLoaded) continue;
    const end = header.pageEnd;
    if (end > domain.regionEnd) domain.regionEnd = end;
    if (header.isWritable) noteSegment(domain, header, file, end);
    else if (!mapSegment(domain, header, file, end)) return false;
  }
  return true;
}

/** Notes where a writable segment's pages come from once they are touched. */
function noteSegment(domain: Domain, header: ProgramHeader, file: u64, end: u64): void {
  assert(domain.segmentCount < SEGMENTS_MAX);
  const segment = domain.segment(domain.segmentCount);
  domain.segmentCount += 1;
  segment.start = header.start;
  segment.end = end;
  segment.source = file + header.fileStart;
  segment.fileBytes = <u32>header.fileBytes;
}

/** Maps code or constants from the archive, where they were measured. */
function mapSegment(domain: Domain, header: ProgramHeader, file: u64, end: u64): bool {
  const access = header.isExecutable ? PageAccess.Execute : PageAccess.Read;
  let source = file + header.fileStart;
  for (let address = header.start; address < end; address += 4096) {
    if (!chargeShared(domain, 1)) return false;
    domain.archivePages += 1;
    if (!mapInto(domain, address, source, access, false)) return false;
    source += 4096;
  }
  return true;
}

/** Adds the handles that the image gives the slot. False beyond the quotas of handles and pages. */
function addNamedHandles(domain: Domain): bool {
  const first = slotFirstHandle(domain.slot);
  const count = slotHandleCount(domain.slot);
  for (let i: u32 = 0; i < count; i++) {
    if (!addNamedHandle(domain, first + i)) return false;
  }
  return true;
}

/** Adds a handle that the blob names. The blob's verifier has checked its target. */
function addNamedHandle(domain: Domain, index: u32): bool {
  const type = handleType(index);
  const rights = handleRights(index);
  if (type === <u32>ObjectType.Endpoint) {
    const owner = domainOfSlot(handleTargetSlot(index));
    const endpoint = owner.endpoint(handleTargetEndpoint(index));
    return add(
      domain,
      endpoint,
      type,
      rights,
      handleBadge(index),
      handleInterface(index),
      owner.classId,
    );
  }
  const classId = handleClass(index);
  if (type === <u32>ObjectType.Interrupt) {
    const line = handleFirst(index);
    if (line >= LINE_COUNT) return false;
    return add(domain, interruptOfLine(line), type, rights, 0, type, classId);
  }
  const badge =
    type === <u32>ObjectType.Ports
      ? <u64>handleFirst(index) | ((<u64>handleCount(index)) << 32)
      : 0;
  return add(domain, kernelService(type), type, rights, badge, type, classId);
}

/** Adds a handle to an object of the kernel's own class and interface. */
function addObjectHandle(domain: Domain, object: KernelObject, type: u32, rights: u32): bool {
  return add(domain, object, type, rights, 0, type, type);
}

/** Adds the next handle. False beyond the quotas of handles and pages. */
function add(
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
