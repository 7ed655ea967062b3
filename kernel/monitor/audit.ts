// The audit log: denials and faults, in memory that no domain maps.
//
// Every slot has a share of the records, and one more share is the kernel's own, so that a domain
// which provokes denials cannot push out what others did. A full share takes a new record only in
// place of one that has been read; else the new record is dropped and counted. Like records in a
// row are one record with a count, as long as nobody has read it.

import { SLOTS_MAX } from "../abi/blob";
import { nowNs } from "./clock";
import { ruleLine } from "./names";
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

// A record, 72 bytes.
const RECORD_SEQUENCE: u32 = 0;
const RECORD_TIME: u32 = 8;
const RECORD_DETAIL: u32 = 16;
const RECORD_KIND: u32 = 24; // u16, repeats follow as u32 at 28
const RECORD_METHOD: u32 = 26; // u16
const RECORD_REPEATS: u32 = 28;
const RECORD_SUBJECT_SLOT: u32 = 32;
const RECORD_TARGET_SLOT: u32 = 36;
const RECORD_SUBJECT_CLASS: u32 = 40;
const RECORD_TARGET_CLASS: u32 = 44;
const RECORD_INTERFACE: u32 = 48;
const RECORD_RULE: u32 = 52;
/** Kept in the record: after a policy swap the rule's number means another rule. */
const RECORD_LINE: u32 = 56;
const RECORD_FIELD: u32 = 60;
const RECORD_MASK: u32 = 64;
const AUDIT_RECORD_BYTES: u32 = 72;

/** 144 KiB in all: a share of 256 records with up to 7 slots, of 7 with 256. */
const RECORDS_MAX: u32 = 2048;
const SHARE_MAX: u32 = 256;
const records: usize = memory.data(2048 * 72, 8);

// A share: u32 index of its oldest record, u32 records, u64 records lost.
const SHARE_OLDEST: u32 = 0;
const SHARE_COUNT: u32 = 4;
const SHARE_LOST: u32 = 8;
const SHARE_BYTES: u32 = 16;
const shares: usize = memory.data((256 + 1) * 16, 8);

let shareRecords: u32 = 0;
let shareCount: u32 = 0;
let nextSequence: u64 = 0;
let lostInAll: u64 = 0;
/** Every record below this sequence has been read. */
let readThrough: u64 = 0;
/** Address of the record that `auditRead` found. */
let found: usize = 0;

/**
 * Divides the records among the slots of the blob in force. Forgets what was recorded: called once,
 * before the first domain runs.
 */
export function auditReset(): void {
  shareCount = slotCount() + 1;
  assert(shareCount <= <u32>SLOTS_MAX + 1);
  shareRecords = RECORDS_MAX / shareCount;
  if (shareRecords > SHARE_MAX) shareRecords = SHARE_MAX;
  memory.fill(shares, 0, shareCount * SHARE_BYTES);
  nextSequence = 0;
  lostInAll = 0;
  readThrough = 0;
}

/** Appends a record of something that the subject did. */
export function auditRecord(
  kind: u32,
  subjectSlot: u32,
  targetSlot: u32,
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  rule: u32,
  detail: u64,
): void {
  auditRecordOf(
    subjectSlot,
    kind,
    subjectSlot,
    targetSlot,
    subjectClass,
    targetClass,
    interfaceId,
    method,
    rule,
    detail,
    0,
    0,
  );
}

/**
 * Appends a record to the share of `actor`, the slot that brought it about (any number that is no
 * slot: the kernel): an answer's is the target's. Bounded, and cannot fail. `detail` depends on the
 * kind: the address of a fault, the value that a rule refused or that is malformed; `field` then
 * says where it stands: `refusedField` of matrix.ts, `faultField` of structure.ts; `mask` is what a
 * rule laid over the value, or 0.
 */
export function auditRecordOf(
  actor: u32,
  kind: u32,
  subjectSlot: u32,
  targetSlot: u32,
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  rule: u32,
  detail: u64,
  field: u32,
  mask: u64,
): void {
  if (shareCount === 0) return; // No blob yet: nobody who could be denied.
  const owner = actor < shareCount - 1 ? actor : shareCount - 1;
  const share = shares + owner * SHARE_BYTES;
  const count = load<u32>(share + SHARE_COUNT);

  if (count > 0) {
    const newest = recordAt(owner, count - 1);
    if (
      load<u64>(newest + RECORD_SEQUENCE) >= readThrough &&
      load<u16>(newest + RECORD_KIND) === <u16>kind &&
      load<u32>(newest + RECORD_SUBJECT_SLOT) === subjectSlot &&
      load<u32>(newest + RECORD_TARGET_SLOT) === targetSlot &&
      load<u32>(newest + RECORD_TARGET_CLASS) === targetClass &&
      load<u32>(newest + RECORD_INTERFACE) === interfaceId &&
      load<u16>(newest + RECORD_METHOD) === <u16>method &&
      load<u32>(newest + RECORD_RULE) === rule &&
      load<u64>(newest + RECORD_DETAIL) === detail &&
      load<u32>(newest + RECORD_FIELD) === field &&
      load<u64>(newest + RECORD_MASK) === mask &&
      load<u32>(newest + RECORD_REPEATS) !== 0xffffffff
    ) {
      store<u32>(newest + RECORD_REPEATS, load<u32>(newest + RECORD_REPEATS) + 1);
      return;
    }
  }

  if (count === shareRecords) {
    const oldest = recordAt(owner, 0);
    if (load<u64>(oldest + RECORD_SEQUENCE) >= readThrough) {
      store<u64>(share + SHARE_LOST, load<u64>(share + SHARE_LOST) + 1);
      lostInAll += 1;
      return;
    }
    store<u32>(share + SHARE_OLDEST, (load<u32>(share + SHARE_OLDEST) + 1) % shareRecords);
  } else {
    store<u32>(share + SHARE_COUNT, count + 1);
  }

  const record = recordAt(owner, load<u32>(share + SHARE_COUNT) - 1);
  store<u64>(record + RECORD_SEQUENCE, nextSequence);
  store<u64>(record + RECORD_TIME, nowNs());
  store<u64>(record + RECORD_DETAIL, detail);
  store<u16>(record + RECORD_KIND, <u16>kind);
  store<u16>(record + RECORD_METHOD, <u16>method);
  store<u32>(record + RECORD_REPEATS, 1);
  store<u32>(record + RECORD_SUBJECT_SLOT, subjectSlot);
  store<u32>(record + RECORD_TARGET_SLOT, targetSlot);
  store<u32>(record + RECORD_SUBJECT_CLASS, subjectClass);
  store<u32>(record + RECORD_TARGET_CLASS, targetClass);
  store<u32>(record + RECORD_INTERFACE, interfaceId);
  store<u32>(record + RECORD_RULE, rule);
  store<u32>(record + RECORD_LINE, ruleLine(rule));
  store<u32>(record + RECORD_FIELD, field);
  store<u64>(record + RECORD_MASK, mask);
  nextSequence += 1;
}

function recordAt(owner: u32, place: u32): usize {
  let index = load<u32>(shares + owner * SHARE_BYTES + SHARE_OLDEST) + place;
  if (index >= shareRecords) index -= shareRecords;
  return records + (owner * shareRecords + index) * AUDIT_RECORD_BYTES;
}

/** Sequence that the next record will get. */
export function auditNext(): u64 {
  return nextSequence;
}

/** Sequence of the oldest record kept; `auditNext` where there is none. */
export function auditOldest(): u64 {
  return seek(0) ? load<u64>(found + RECORD_SEQUENCE) : nextSequence;
}

/** Records dropped because a share was full. */
export function auditLost(): u64 {
  return lostInAll;
}

export function auditLostOf(slot: u32): u64 {
  return slot < shareCount ? load<u64>(shares + slot * SHARE_BYTES + SHARE_LOST) : 0;
}

/**
 * Finds the record of that sequence, or the oldest after it, and counts it and all before it as
 * read. False beyond the newest. Until the next `auditRead` the `audit…` functions below tell its
 * fields.
 */
export function auditRead(sequence: u64): bool {
  if (!seek(sequence)) return false;
  const after = load<u64>(found + RECORD_SEQUENCE) + 1;
  if (after > readThrough) readThrough = after;
  return true;
}

/**
 * Every share is ascending, so a search in each finds the least sequence that is not below: at most
 * 257 * 8 steps.
 */
function seek(sequence: u64): bool {
  let best: u64 = u64.MAX_VALUE;
  for (let owner: u32 = 0; owner < shareCount; owner++) {
    const count = load<u32>(shares + owner * SHARE_BYTES + SHARE_COUNT);
    let low: u32 = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (load<u64>(recordAt(owner, middle) + RECORD_SEQUENCE) < sequence) low = middle + 1;
      else high = middle;
    }
    if (low === count) continue;
    const record = recordAt(owner, low);
    const candidate = load<u64>(record + RECORD_SEQUENCE);
    if (candidate < best) {
      best = candidate;
      found = record;
    }
  }
  return best !== u64.MAX_VALUE;
}

export function auditSequence(): u64 {
  return load<u64>(found + RECORD_SEQUENCE);
}
export function auditTimeNs(): u64 {
  return load<u64>(found + RECORD_TIME);
}
export function auditKind(): u32 {
  return load<u16>(found + RECORD_KIND);
}
export function auditSubjectSlot(): u32 {
  return load<u32>(found + RECORD_SUBJECT_SLOT);
}
export function auditTargetSlot(): u32 {
  return load<u32>(found + RECORD_TARGET_SLOT);
}
export function auditSubjectClass(): u32 {
  return load<u32>(found + RECORD_SUBJECT_CLASS);
}
export function auditTargetClass(): u32 {
  return load<u32>(found + RECORD_TARGET_CLASS);
}
export function auditInterface(): u32 {
  return load<u32>(found + RECORD_INTERFACE);
}
export function auditMethod(): u32 {
  return load<u16>(found + RECORD_METHOD);
}
/** RULE_NONE where no rule allows it. */
export function auditRule(): u32 {
  return load<u32>(found + RECORD_RULE);
}
/** 0 where no rule allows it. */
export function auditLine(): u32 {
  return load<u32>(found + RECORD_LINE);
}
export function auditRepeats(): u32 {
  return load<u32>(found + RECORD_REPEATS);
}
/** Where the value in `auditDetail` stands in the message; 0 where there is none. */
export function auditField(): u32 {
  return load<u32>(found + RECORD_FIELD);
}
/** What the rule laid over that value; 0 where it took it whole. */
export function auditMask(): u64 {
  return load<u64>(found + RECORD_MASK);
}
export function auditDetail(): u64 {
  return load<u64>(found + RECORD_DETAIL);
}
