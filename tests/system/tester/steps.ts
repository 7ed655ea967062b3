// Steps that many cases share.

import { ObjectType } from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import { ASSISTANT, Method } from "../assistant-methods";
import {
  clearLong,
  receive,
  request0,
  request1,
  request2,
  request3,
  requestLong,
  setWord,
  word,
} from "../message";
import { CLOCK, DOMAIN, INBOX, PEER, PEER_SLOT, SLOTS, SYSTEM } from "./handles";
import { TIMEOUT_POLL } from "../../../kernel/abi/system-call";

export const MILLISECOND: u64 = 1000000;

export function now(): u64 {
  request0(CLOCK, ObjectType.Clock, 0);
  return word(0);
}

/**
 * How long a busy host may stop the whole machine. What has not happened after this time does not
 * happen.
 */
export const LATE: u64 = 60000 * MILLISECOND;
const TRIES_MAX: u32 = 50;

/**
 * Whether `act` takes less than `limit` in one of some tries: a busy host stops the machine now and
 * then, not each time.
 */
export function isOnceWithin(limit: u64, act: () => void): bool {
  for (let tries: u32 = 0; tries < TRIES_MAX; tries++) {
    const start = now();
    act();
    if (now() - start < limit) return true;
  }
  return false;
}

/** Makes a notice for bits 0 to 7 at the tester's inbox; returns its handle. */
export function newNotice(): u32 {
  return request2(DOMAIN, ObjectType.Domain, 5, INBOX, 0xff) === Status.Ok ? <u32>word(0) : 0;
}

export function newMemory(bytes: u64): u32 {
  return request1(DOMAIN, ObjectType.Domain, 2, bytes) === Status.Ok ? <u32>word(0) : 0;
}

/** Makes a handle with fewer rights, or with a badge; returns 0 if that is refused. */
export function mint(handle: u32, rights: u32, badge: u64): u32 {
  return mintStatus(handle, rights, badge) === Status.Ok ? <u32>word(0) : 0;
}

export function mintStatus(handle: u32, rights: u32, badge: u64): u32 {
  return request3(DOMAIN, ObjectType.Domain, 7, handle, rights, badge);
}

export function drop(handle: u32): u32 {
  return request1(DOMAIN, ObjectType.Domain, 8, handle);
}

/** Revokes, with as many steps as this takes. */
export function revoke(handle: u32): u32 {
  for (let step = 0; step < 100000; step++) {
    const status = request1(DOMAIN, ObjectType.Domain, 9, handle);
    if (status !== Status.Again) return status;
  }
  return Status.Again;
}

export function signal(notice: u32, bits: u64): u32 {
  return request1(notice, ObjectType.Notice, 0, bits);
}

/** Receives all notice bits that have arrived. */
export function drainInbox(): void {
  for (let turn = 0; turn < 16; turn++)
    if (receive(INBOX, 0, TIMEOUT_POLL) === Status.Timeout) return;
}

/** Waits until notice bits arrive; returns 0 if none arrive in time. */
export function awaitNotice(): u64 {
  return receive(INBOX, 0, LATE) === Status.Notified ? word(0) : 0;
}

export function stopSlot(slot: u32): u32 {
  for (let step = 0; step < 100000; step++) {
    const status = request1(SLOTS, ObjectType.Slots, 4, slot);
    if (status !== Status.Again) return status;
  }
  return Status.Again;
}

export function startSlot(slot: u32): u32 {
  return request1(SLOTS, ObjectType.Slots, 3, slot);
}

/** A SlotsDescribeState. */
export function slotState(slot: u32): u32 {
  describeSlot(slot);
  return <u32>word(0);
}

/** Calls Slots.describe; the answer is in the record. */
export function describeSlot(slot: u32): u32 {
  return requestWide(SLOTS, ObjectType.Slots, 2, slot);
}

/** A request of one word whose answer may have more than four. */
export function requestWide(handle: u32, interfaceId: u32, method: u32, value: u64): u32 {
  clearLong(1);
  setWord(0, value);
  return requestLong(handle, interfaceId, method, 1);
}

/** Waits until the slot has the state. */
export function awaitSlot(slot: u32, state: u32): bool {
  const start = now();
  while (now() - start < LATE) {
    if (slotState(slot) === state) return true;
    receive(INBOX, 0, 10 * MILLISECOND);
  }
  return false;
}

/** A fresh peer whose session state no handle remembers. */
export function restartPeer(): void {
  stopSlot(PEER_SLOT);
  startSlot(PEER_SLOT);
  request0(PEER, ASSISTANT, Method.None);
  request0(PEER, ASSISTANT, Method.None);
}

export function freePages(): u64 {
  request0(SYSTEM, ObjectType.System, 0);
  return word(1);
}

export function handlesUsed(): u64 {
  return domainInfo(4);
}

export function pagesUsed(): u64 {
  return domainInfo(2);
}

function domainInfo(index: u32): u64 {
  clearLong(0);
  requestLong(DOMAIN, ObjectType.Domain, 0, 0);
  return word(index);
}

/**
 * Number of the next audit record. The newest has then been read, so that what comes is not counted
 * to one like it.
 */
export function nextAudit(audit: u32): u64 {
  request0(audit, ObjectType.Audit, 0);
  const next = word(0);
  if (next > 0) requestWide(audit, ObjectType.Audit, 1, next - 1);
  return next;
}

export function callPeer1(method: u32, value: u64): u32 {
  return request1(PEER, ASSISTANT, method, value);
}
export function callPeer2(method: u32, a: u64, b: u64): u32 {
  return request2(PEER, ASSISTANT, method, a, b);
}
