// The kernel as it is, with the invariant checker that otherwise only Node runs: it walks all
// objects between kernel entries and ends in a panic that names a broken invariant. With
// `plant=invariant` on the command line a handle count is made wrong after some checks.

import {
  fastCall as enterFastCall,
  fastRecv as enterFastRecv,
  fastReply as enterFastReply,
  fault as enterFault,
  interrupt as enterInterrupt,
  systemCall as enterSystemCall,
} from "../../kernel/entry/main";
import { domainOfSlot } from "../../kernel/object/domain";
import { commandLineHas } from "../../kernel/x64/memory-map";
import { panic } from "../../kernel/x64/panic";
import { endLine, logHex, logNumber, logText } from "../../kernel/x64/serial-log";
import { invariantBroken, invariantDetail } from "./invariants";

export { abort, currentSaveArea, kernelException, start } from "../../kernel/entry/main";

/**
 * A check takes some million instructions, so not each entry is followed by one. Prime, so that the
 * checks do not keep step with a program's loop.
 */
const ENTRIES_BETWEEN_CHECKS: u32 = 61;
const CHECKS_BEFORE_PLANT: u32 = 5;
/** A report after so many checks tells a test that there have been any. */
const CHECKS_REPORTED: u32 = 100;

let entries: u32 = 0;
let checks: u32 = 0;

// The fast path does not return after it has done its work, so the check comes before it.
export function fastCall(handle: u64, header: u64): bool {
  betweenEntries();
  return enterFastCall(handle, header);
}
export function fastRecv(): bool {
  betweenEntries();
  return enterFastRecv();
}
export function fastReply(token: u64, header: u64): bool {
  betweenEntries();
  return enterFastReply(token, header);
}

export function systemCall(operation: u32): void {
  enterSystemCall(operation);
  betweenEntries();
}

export function interrupt(vector: u32): void {
  enterInterrupt(vector);
  betweenEntries();
}

export function fault(vector: u32, errorCode: u32, address: u64): void {
  enterFault(vector, errorCode, address);
  betweenEntries();
}

function betweenEntries(): void {
  entries += 1;
  if (entries % ENTRIES_BETWEEN_CHECKS !== 0) return;
  checks += 1;
  if (checks === CHECKS_BEFORE_PLANT && commandLineHas("plant=invariant"))
    domainOfSlot(0).handlesUsed += 1;
  const broken = invariantBroken();
  if (broken !== 0) {
    logText("invariant ");
    logNumber(<u64>broken);
    logText(" (tests/kernel/invariants.ts) is broken: ");
    logHex(invariantDetail());
    endLine();
    panic("a broken invariant");
  }
  if (checks === CHECKS_REPORTED) {
    logText("invariants: all hold after so many kernel entries: ");
    logNumber(<u64>entries);
    endLine();
  }
}
