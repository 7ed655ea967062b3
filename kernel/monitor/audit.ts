// The audit log: denials and faults, in memory that no domain maps.
//
// Each slot has a share of the records, and the kernel has one more share, so that a domain that
// provokes denials cannot displace the records of others. A full share takes a new record only in
// place of one that has been read; otherwise the new record is dropped and counted as lost. Equal
// records in a row are one record with a count, until that record has been read.

import { RULE_NONE, SLOTS_MAX, SLOT_NONE } from "../abi/blob";
import { nowNs } from "./clock";
import { ruleLine } from "./names";
import { Finding, Question } from "./question";
import { slotCount } from "./slots";

export enum AuditKind {
  DeniedRequest = 0,
  DeniedResponse = 1,
  DeniedError = 2,
  DeniedExecute = 3,
  Fault = 4,
  /** A kernel method, or a permission over a kernel object. */
  DeniedKernelMethod = 5,
  Malformed = 6,
  /** Granted by a rule that asks for a record. */
  Granted = 7,
}

@unmanaged
@final
export class AuditRecord {
  sequence: u64;
  timeNs: u64;
  /** Finding.value. */
  detail: u64;
  /** Finding.mask. */
  mask: u64;
  kind: u16;
  method: u16;
  /** Equal records that this one stands for, itself included. */
  repeats: u32;
  subjectSlot: u32;
  targetSlot: u32;
  subjectClass: u32;
  targetClass: u32;
  interfaceId: u32;
  /** Finding.rule. */
  rule: u32;
  /**
   * Line of the rule, 0 for RULE_NONE. Kept because the rule's number means another rule once
   * another policy is in force.
   */
  line: u32;
  /** Finding.field. */
  field: u32;

  /** True if this record differs from a new one in sequence, time and repeats only. */
  matches(kind: AuditKind, question: Question, finding: Finding): bool {
    return (
      this.kind === <u16>kind &&
      this.subjectSlot === question.subjectSlot &&
      this.targetSlot === question.targetSlot &&
      this.targetClass === question.targetClass &&
      this.interfaceId === question.interfaceId &&
      this.method === <u16>question.method &&
      this.rule === finding.rule &&
      this.detail === finding.value &&
      this.field === finding.field &&
      this.mask === finding.mask
    );
  }
}

/** The records of one slot, or of the kernel: a ring in the share's own part of `records`. */
@unmanaged
@final
class Share {
  /** Index of the oldest record. */
  oldest: u32;
  count: u32;
  /** Records dropped because the share was full. */
  lost: u64;
}

// Up to 291 slots divide 2,048 records among them and the kernel, at most 256 to a share: 144 KiB.
// With more slots there are more records, so that no share is smaller than 7: 505 KiB with 1,024.
const RECORDS_DIVIDED: u32 = 2048;
const SHARE_RECORDS_MAX: u32 = 256;
/** What each of 256 slots has of the records that are divided. */
const SHARE_RECORDS_MIN: u32 = 7;
const RECORD_BYTES: u32 = 72;
const SHARE_BYTES: u32 = 16;
const shares: usize = memory.data((1024 + 1) * 16, 8);
if (offsetof<AuditRecord>() !== RECORD_BYTES || offsetof<Share>() !== SHARE_BYTES)
  ERROR("records or shares have another size than their tables were reserved for");

// The log itself: these stay between calls.
/** Address of the memory that `auditReset` was given. */
let records: usize = 0;
let shareCount: u32 = 0;
let recordsPerShare: u32 = 0;
let nextSequence: u64 = 0;
let lostTotal: u64 = 0;
/** Every record below this sequence has been read. */
let readThrough: u64 = 0;

/** Records in each share of an image with that many slots. */
function shareRecords(slots: u32): u32 {
  const divided = RECORDS_DIVIDED / (slots + 1);
  if (divided < SHARE_RECORDS_MIN) return SHARE_RECORDS_MIN;
  return divided > SHARE_RECORDS_MAX ? SHARE_RECORDS_MAX : divided;
}

/** Bytes that the records of an image with that many slots take. */
export function auditBytes(slots: u32): u32 {
  return (slots + 1) * shareRecords(slots) * RECORD_BYTES;
}

/**
 * Gives each slot of the blob in force its share of the records, which lie in the `auditBytes` of
 * its slots at `memoryOfRecords`. Forgets all earlier records: called once, before the first domain
 * runs.
 */
export function auditReset(memoryOfRecords: usize): void {
  records = memoryOfRecords;
  shareCount = slotCount() + 1;
  assert(shareCount <= <u32>SLOTS_MAX + 1);
  recordsPerShare = shareRecords(slotCount());
  memory.fill(shares, 0, shareCount * SHARE_BYTES);
  nextSequence = 0;
  lostTotal = 0;
  readThrough = 0;
}

/**
 * Appends a record to the share of `actor`, the slot that caused the event: the sender of its
 * message. Any number that is not a slot means the kernel. Bounded, and cannot fail. Does nothing
 * before the first `auditReset`.
 */
export function auditRecord(
  actor: u32,
  kind: AuditKind,
  question: Question,
  finding: Finding,
): void {
  if (shareCount === 0) return;
  const owner = actor < shareCount - 1 ? actor : shareCount - 1;
  const share = shareOf(owner);

  if (share.count > 0) {
    const newest = recordAt(owner, share.count - 1);
    const isUnread = newest.sequence >= readThrough;
    if (isUnread && newest.matches(kind, question, finding) && newest.repeats !== u32.MAX_VALUE) {
      newest.repeats += 1;
      return;
    }
  }

  if (share.count === recordsPerShare) {
    const oldest = recordAt(owner, 0);
    if (oldest.sequence >= readThrough) {
      share.lost += 1;
      lostTotal += 1;
      return;
    }
    share.oldest = (share.oldest + 1) % recordsPerShare;
  } else {
    share.count += 1;
  }

  const record = recordAt(owner, share.count - 1);
  record.sequence = nextSequence;
  record.timeNs = nowNs();
  record.kind = <u16>kind;
  record.repeats = 1;
  record.subjectSlot = question.subjectSlot;
  record.targetSlot = question.targetSlot;
  record.subjectClass = question.subjectClass;
  record.targetClass = question.targetClass;
  record.interfaceId = question.interfaceId;
  record.method = <u16>question.method;
  record.rule = finding.rule;
  record.line = ruleLine(finding.rule);
  record.detail = finding.value;
  record.field = finding.field;
  record.mask = finding.mask;
  nextSequence += 1;
}

const faultQuestion: Question = changetype<Question>(memory.data(32, 8));
const faultFinding: Finding = changetype<Finding>(memory.data(24, 8));
if (offsetof<Question>() !== 32 || offsetof<Finding>() !== 24)
  ERROR("a question or a finding has another size than was reserved for it");

/**
 * Appends a record of a fault in a program: `address` is what it accessed or the kind's other
 * detail, `instruction` the address of the instruction. The record's method is the kind of fault;
 * its target class and interface are the halves of the instruction's address.
 */
export function auditFault(
  slot: u32,
  classId: u32,
  faultKind: u32,
  instruction: u64,
  address: u64,
): void {
  faultQuestion.subjectSlot = slot;
  faultQuestion.targetSlot = SLOT_NONE;
  faultQuestion.subjectClass = classId;
  faultQuestion.targetClass = <u32>instruction;
  faultQuestion.interfaceId = <u32>(instruction >> 32);
  faultQuestion.method = faultKind;
  faultFinding.rule = RULE_NONE;
  faultFinding.value = address;
  auditRecord(slot, AuditKind.Fault, faultQuestion, faultFinding);
}

function shareOf(owner: u32): Share {
  return changetype<Share>(shares + owner * SHARE_BYTES);
}

/** The record at a place of a share, counted from its oldest record. */
function recordAt(owner: u32, place: u32): AuditRecord {
  let index = shareOf(owner).oldest + place;
  if (index >= recordsPerShare) index -= recordsPerShare;
  return changetype<AuditRecord>(records + (owner * recordsPerShare + index) * RECORD_BYTES);
}

/** Sequence that the next record will get. */
export function auditNext(): u64 {
  return nextSequence;
}

/** Sequence of the oldest record kept; `auditNext` if there is none. */
export function auditOldest(): u64 {
  const oldest = recordFrom(0);
  return oldest === null ? nextSequence : oldest.sequence;
}

/** Records dropped because a share was full. */
export function auditLost(): u64 {
  return lostTotal;
}

/** Records of one slot that were dropped because its share was full. */
export function auditLostOf(slot: u32): u64 {
  return slot < shareCount ? shareOf(slot).lost : 0;
}

/**
 * Returns the record with that sequence, or the oldest one after it, and counts it and all before
 * it as read. Null beyond the newest. The record may be replaced by the next `auditRecord`.
 */
export function auditRead(sequence: u64): AuditRecord | null {
  const record = recordFrom(sequence);
  if (record !== null && record.sequence >= readThrough) readThrough = record.sequence + 1;
  return record;
}

/**
 * The record with the least sequence that is not below `sequence`. Every share is ascending, so a
 * binary search in each finds it: at most 1,025 × 3 steps.
 */
function recordFrom(sequence: u64): AuditRecord | null {
  let best: AuditRecord | null = null;
  for (let owner: u32 = 0; owner < shareCount; owner++) {
    const count = shareOf(owner).count;
    let low: u32 = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (recordAt(owner, middle).sequence < sequence) low = middle + 1;
      else high = middle;
    }
    if (low === count) continue;
    const record = recordAt(owner, low);
    if (best === null || record.sequence < best.sequence) best = record;
  }
  return best;
}
