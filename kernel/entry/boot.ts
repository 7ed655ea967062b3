// Boot: from the entry stub's `start` to the choice of the first thread, or to the one line that
// says why this system does not start. Nothing is printed before it is known who signed the system.

import { KeyPurpose } from "../abi/blob";
import { Status } from "../abi/status";
import { GUARD_DIGEST } from "../base/guards";
import {
  archivePrograms,
  copyBlob,
  findSymbols,
  isArchiveSound,
  measurePrograms,
  measuredDigests,
} from "../domain/archive";
import { checkFit } from "../domain/fit";
import { initializeAudit, initializeSlots, initializeTables, pagesPromised } from "../domain/slots";
import { startSlot } from "../domain/start";
import { logStatus } from "../domain/supervisor";
import { logName } from "../ipc/fault-log";
import { freeFrames, initializeFrames, memoryAboveFrames } from "../memory/frames";
import {
  BlobError,
  checkImage,
  monitorLoad,
  policySigner,
  rebootsOnPanic,
  slotCount,
  wantsPcid,
} from "../monitor/monitor";
import { Domain, domainOfSlot } from "../object/domain";
import { BLOB_BASE, FRAMES_MAX } from "../object/layout";
import { chooseNext } from "../schedule/scheduler";
import { enablePcid } from "../x64/cpu-features";
import { bootLine, initializeMachine, stop } from "../x64/machine";
import { isMemoryMapTooLong, memoryLeftOutBytes } from "../x64/memory-map";
import { initializePaging, usePcid } from "../x64/paging";
import { restartOnPanic } from "../x64/panic";
import { noteFailuresBefore } from "../x64/restart";
import { endLine, logConsole, logLine, logNumber, logText } from "../x64/serial-log";

/**
 * Brings the system up and chooses the first thread, the supervisor's. Returns with no thread
 * chosen if boot is refused and the machine's stop is simulated (tests in Node).
 */
export function start(startInfo: u64): void {
  initializeMachine(startInfo);
  initializePaging();
  if (!loadPolicy()) return;
  if (wantsPcid() && enablePcid()) usePcid();
  identify();
  noteFailuresBefore();
  if (rebootsOnPanic()) restartOnPanic();
  if (!initializeAudit()) {
    refuse("too little memory for the audit log");
    return;
  }
  if (!areProgramsOfPolicy()) {
    refuse("the programs are not those of the policy");
    return;
  }
  findSymbols();
  if (!initializeSlots()) {
    refuse("too little memory for the slots");
    return;
  }
  if (!doSlotsFit()) return;
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

/** Puts the archive's policy in force. False, with the reason printed, if boot is refused. */
function loadPolicy(): bool {
  if (isMemoryMapTooLong())
    return refuseUnidentified("the firmware's memory map has too many entries");
  if (!initializeFrames() || !initializeTables()) return refuseUnidentified("too little memory");
  if (!isArchiveSound()) return refuseUnidentified("no boot archive, or a damaged one");
  const blobBytes = copyBlob();
  if (blobBytes === 0) return refuseUnidentified("the archive has no policy");
  const error = monitorLoad(BLOB_BASE, blobBytes);
  if (error !== <u32>BlobError.None) {
    bootLine();
    beginRefusalOfBlob(error);
    endLine();
    stop(1);
    return false;
  }
  return true;
}

/** True if the archive's programs are those that the policy names, by their digests. */
function areProgramsOfPolicy(): bool {
  if (!measurePrograms()) return false;
  return !GUARD_DIGEST || checkImage(measuredDigests(), archivePrograms()) === <u32>BlobError.None;
}

/** False, with the reason printed, if a slot's quotas do not let its program start. */
function doSlotsFit(): bool {
  const slots = slotCount();
  for (let slot: u32 = 0; slot < slots; slot++) {
    const error = checkFit(slot);
    if (error === BlobError.None) continue;
    refuseSlot(error, domainOfSlot(slot));
    return false;
  }
  return true;
}

/**
 * The first lines: whose system this is, and on what machine. Neither BIOS nor a PVH loader vouches
 * for the kernel itself.
 */
function identify(): void {
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

/** Says how much of the machine's memory the kernel does not use, and why. */
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
 * Page quotas may exceed physical memory; a slot could then be refused pages within its quota. Says
 * so at boot.
 */
function reportOvercommit(): void {
  const promised = pagesPromised();
  const available = <u64>freeFrames(); // No program has any pages yet.
  if (promised <= available) return;
  logText("trine: quotas of memory add up to ");
  logNumber(promised << 2);
  logText(" KiB, and the machine has ");
  logNumber(available << 2);
  logLine(" KiB for them");
}

// Refusals. Without a valid signed policy, and the programs that it names, nothing runs.

/** As `refuse`, before `identify` has said what machine this is. Returns false. */
function refuseUnidentified(reason: string): bool {
  bootLine();
  refuse(reason);
  return false;
}

function refuse(reason: string): void {
  logText("trine: boot refused: ");
  logLine(reason);
  stop(1);
}

/** Refuses a policy for a mistake about one slot. */
function refuseSlot(error: u32, domain: Domain): void {
  beginRefusalOfBlob(error);
  logText(": ");
  logName(domain);
  endLine();
  stop(1);
}

/** The part of a refusal's line that says what is wrong with the policy. */
function beginRefusalOfBlob(error: u32): void {
  logText("trine: boot refused: policy ");
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
