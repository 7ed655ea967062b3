// The kernel: what the entry stubs of kernel/x64 call. Each of these acts on the current thread's
// save area and may choose another thread; the exit stub resumes whoever `currentSaveArea` names.
// Interrupts are off in all of them.

import { KeyPurpose } from "../abi/blob";
import { Status } from "../abi/status";
import { SystemCall } from "../abi/system-call";
import {
  archivePrograms,
  copyBlob,
  findSymbols,
  isArchiveSound,
  measurePrograms,
  measuredDigests,
} from "../domain/archive";
import { dyingDomain } from "../ipc/end";
import { handleException } from "../domain/fault";
import { slotsFitPrograms, unfitSlot } from "../domain/fit";
import { reclaimStep } from "../domain/reclaim";
import { reportNonMaskable } from "../domain/non-maskable";
import { initializeSlots, initializeTables, pagesPromised } from "../domain/slots";
import { startSlot } from "../domain/start";
import { logName, logStatus, retryRestart, takeRestart } from "../domain/supervisor";
import { GUARD_DIGEST } from "../base/guards";
import { fastCall, fastReply } from "./fast-path";
import { boundInbox, notify } from "../ipc/notify";
import { systemCallCall } from "./call";
import { systemCallRecv } from "../ipc/recv";
import { systemCallReply } from "./reply";
import { setResult } from "../ipc/registers";
import { timeoutPassed } from "../ipc/wait";
import { freeFrames, initializeFrames, memoryAboveFrames } from "../memory/frames";
import { BLOB_BASE, FRAMES_MAX } from "../object/layout";
import {
  BlobError,
  auditReset,
  checkImage,
  monitorLoad,
  policySigner,
  rebootsOnPanic,
} from "../monitor/monitor";
import { Domain, domainOfSlot } from "../object/domain";
import { interruptOfLine } from "../object/interrupt";
import { Thread } from "../object/thread";
import { TimerKind } from "../object/timer";
import { chooseNext, currentThread, requestEntry, timerFired } from "../schedule/scheduler";
import { takeDue } from "../schedule/timers";
import {
  LINE_NONE,
  LINE_NON_MASKABLE,
  LINE_TIMER,
  acknowledge,
  lineOf,
  maskLine,
} from "../x64/interrupts";
import { bootLine, initializeMachine, stop } from "../x64/machine";
import { isMemoryMapTooLong, memoryLeftOutBytes } from "../x64/memory-map";
import { initializePaging } from "../x64/paging";
import { restartOnPanic } from "../x64/panic";
import { noteFailuresBefore } from "../x64/restart";
import { logConsole, logLine, logNumber, logText, endLine } from "../x64/serial-log";
import { nowNs } from "../x64/timer";

export { abort } from "../x64/panic";
export { kernelException } from "../x64/panic";

/** Timers that ring in one kernel entry; the next comes at once if more are due. */
const TIMERS_MAX: u32 = 32;

/**
 * Brings the system up and chooses the first thread: the supervisor's. Nothing is printed before it
 * is known who signed the system.
 */
export function start(startInfo: u64): void {
  initializeMachine(startInfo);
  initializePaging();
  if (isMemoryMapTooLong()) {
    refuse("the firmware's memory map has too many entries");
    return;
  }
  if (!initializeFrames() || !initializeTables()) {
    refuse("too little memory");
    return;
  }
  if (!isArchiveSound()) {
    refuse("no boot archive, or a damaged one");
    return;
  }
  const blobBytes = copyBlob();
  if (blobBytes === 0) {
    refuse("the archive has no policy");
    return;
  }
  const error = monitorLoad(BLOB_BASE, blobBytes);
  if (error !== <u32>BlobError.None) {
    refuseBlob(error);
    return;
  }
  identify();
  noteFailuresBefore();
  if (rebootsOnPanic()) restartOnPanic();
  auditReset();
  if (
    !measurePrograms() ||
    (GUARD_DIGEST && checkImage(measuredDigests(), archivePrograms()) !== <u32>BlobError.None)
  ) {
    refuse("the programs are not those of the policy");
    return;
  }
  findSymbols();
  if (!initializeSlots()) {
    refuse("too little memory for the slots");
    return;
  }
  const fit = slotsFitPrograms();
  if (fit !== BlobError.None) {
    refuseSlot(fit, domainOfSlot(unfitSlot()));
    return;
  }
  reportOvercommit();
  const supervisor = domainOfSlot(0);
  const status = startSlot(supervisor);
  if (status !== Status.Ok) {
    logStatus(supervisor, status);
    refuse("the supervisor does not start");
    return;
  }
  logConsole();
  chooseNext();
}

let isIdentified: bool = false;

/**
 * The first lines: whose system this is, and on what machine. Neither BIOS nor a PVH loader vouches
 * for the kernel itself.
 */
function identify(): void {
  isIdentified = true;
  logText("Trine, ");
  logText(
    policySigner() === <u32>KeyPurpose.Release
      ? "release"
      : "development-signed: not for use outside development",
  );
  logLine("; unanchored boot");
  bootLine();
  reportUnused();
}

/** Memory that was paid for and is not used is nobody's to find out by counting. */
function reportUnused(): void {
  const above = memoryAboveFrames();
  if (above !== 0) {
    logText("trine: ");
    logNumber(above >> 10);
    logText(" KiB of memory are not used: they lie above ");
    logNumber(<u64>FRAMES_MAX >> 18);
    logLine(" GiB");
  }
  const leftOut = memoryLeftOutBytes();
  if (leftOut === 0) return;
  logText("trine: ");
  logNumber(leftOut >> 10);
  logLine(" KiB of memory are not used: firmware has it in too many pieces");
}

/**
 * Quotas of pages may add up to more than the machine has: then a slot can be refused what its own
 * allows, which nobody must find out later.
 */
function reportOvercommit(): void {
  const promised = pagesPromised();
  const available = <u64>freeFrames(); // Nobody has anything yet.
  if (promised <= available) return;
  logText("trine: quotas of memory add up to ");
  logNumber(promised << 2);
  logText(" KiB, and the machine has ");
  logNumber(available << 2);
  logLine(" KiB for them");
}

/**
 * Begins the last line. Before the policy is known to be sound, nothing has been said of the
 * machine yet.
 */
function beginRefusal(): void {
  if (!isIdentified) bootLine();
  logText("trine: boot refused: ");
}

/** Without a valid signed policy, and the programs that it names, nothing runs. */
function refuse(reason: string): void {
  beginRefusal();
  logLine(reason);
  stop(1);
}

function refuseBlob(error: u32): void {
  beginBlobRefusal(error);
  endLine();
  stop(1);
}

/** As `refuseBlob`, for a mistake about one slot. */
function refuseSlot(error: u32, domain: Domain): void {
  beginBlobRefusal(error);
  logText(": ");
  logName(domain);
  endLine();
  stop(1);
}

function beginBlobRefusal(error: u32): void {
  beginRefusal();
  logText("policy ");
  logText(blobErrorText(error));
  logText(" (");
  logNumber(<u64>error);
  logText(")");
}

function blobErrorText(error: u32): string {
  switch (error) {
    case BlobError.Truncated:
      return "is truncated";
    case BlobError.BadMagic:
      return "is not a policy";
    case BlobError.BadFormat:
      return "has a format that this kernel does not know";
    case BlobError.TooLarge:
      return "is too large";
    case BlobError.UnknownKey:
      return "is signed with a key that this kernel does not know";
    case BlobError.WrongPurpose:
      return "is signed with a key for another purpose";
    case BlobError.BadSignature:
      return "has a bad signature";
    case BlobError.OldVersion:
      return "is older than the one this kernel demands";
    case BlobError.Oversubscribed:
      return "promises its slots more than this kernel has";
    case BlobError.TooCostly:
      return "takes too long to decide";
    case BlobError.DuplicateName:
      return "gives two things one name";
    case BlobError.OtherInterfaces:
      return "was made for a kernel with other interfaces";
    case BlobError.ExcessRights:
      return "gives a handle more rights than its kind has";
    case BlobError.MachineDevice:
      return "gives away ports or a line that the machine runs on";
    case BlobError.SharedDevice:
      return "gives one port or line away twice";
    case BlobError.NoExecuteRule:
      return "has a slot whose program no rule lets run";
    case BlobError.UnfitProgram:
      return "has a slot whose quotas do not fit its program";
    case BlobError.UnreadableProgram:
      return "has a slot whose program this kernel cannot read";
    case BlobError.WrongImage:
      return "is that of another image";
    default:
      return "does not hold together";
  }
}

/** The `syscall` instruction. */
export function systemCall(operation: u32): void {
  const thread = currentThread!;
  if (operation === SystemCall.Call) {
    if (fastCall(thread)) return;
  } else if (operation === SystemCall.Reply) {
    if (fastReply(thread)) return;
  }
  switch (operation) {
    case SystemCall.Call:
      systemCallCall(thread);
      break;
    case SystemCall.Recv:
      systemCallRecv(thread);
      break;
    case SystemCall.Reply:
      systemCallReply(thread);
      break;
    default:
      setResult(thread, Status.BadHeader);
  }
  leave();
}

/** An interrupt, of user code or of the idle processor. */
export function interrupt(vector: u32): void {
  const line = lineOf(vector);
  if (line === LINE_TIMER) {
    timerFired();
    ringTimers();
    reportNonMaskable();
  } else if (line === LINE_NON_MASKABLE) {
    reportNonMaskable();
  } else if (line !== LINE_NONE) {
    deliverInterrupt(<u32>line);
  }
  leave();
}

/** The line stays masked until the driver's next recv. */
function deliverInterrupt(line: u32): void {
  maskLine(line);
  acknowledge(line);
  const interrupt = interruptOfLine(line);
  const inbox = boundInbox(interrupt.inbox, interrupt.inboxIdentity);
  if (inbox === null) return;
  interrupt.fired += 1;
  if (!interrupt.isListed) {
    interrupt.isListed = true;
    interrupt.nextMasked = inbox.firstMasked;
    inbox.firstMasked = interrupt;
  }
  notify(inbox, interrupt.bits);
}

function ringTimers(): void {
  const now = nowNs();
  for (let rung: u32 = 0; rung < TIMERS_MAX; rung++) {
    const timer = takeDue(now);
    if (timer === null) return;
    if (timer.kind === <u32>TimerKind.Thread) timeoutPassed(Thread.ofTimer(timer));
    else ringDomain(Domain.ofTimer(timer));
  }
}

function ringDomain(domain: Domain): void {
  const inbox = boundInbox(domain.timerInbox, domain.timerInboxIdentity);
  if (inbox !== null && domain.isAlive) notify(inbox, domain.timerBits);
}

/**
 * An exception in user code. `address`: the one touched for a page fault, of the instruction for
 * others.
 */
export function fault(vector: u32, errorCode: u32, address: u64): void {
  handleException(currentThread!, vector, errorCode, address);
  leave();
}

/** The end of every entry: a step of what is put off, then the choice of who runs. */
function leave(): void {
  const dying = dyingDomain();
  if (dying !== null) {
    reclaimStep(dying);
    requestEntry();
  }
  if (takeRestart()) restartSupervisor();
  chooseNext();
}

function restartSupervisor(): void {
  const supervisor = domainOfSlot(0);
  const status = startSlot(supervisor);
  if (status === Status.Ok) return;
  logStatus(supervisor, status);
  // Memory may come free; a program that is refused for good stops the machine after a few deaths.
  if (status === Status.NoMemory || status === Status.Busy) retryRestart();
  requestEntry();
}

/**
 * Linear address of the save area of the thread to resume, 0 for none: then the processor waits for
 * an interrupt.
 */
export function currentSaveArea(): u32 {
  return <u32>changetype<usize>(currentThread);
}
