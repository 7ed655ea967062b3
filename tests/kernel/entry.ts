// Entry of the kernel as WebAssembly in Node (tests/support/kernel-in-node.ts): the kernel itself,
// and what a test looks at or does in the place of user code and hardware. Not part of the kernel
// image.

import { ObjectType } from "../../kernel/abi/object";
import { SystemCall, TOKEN_SEQUENCE_SHIFT } from "../../kernel/abi/system-call";
import {
  fastCall,
  fastRecv,
  fastReply,
  systemCall as slowSystemCall,
} from "../../kernel/entry/main";
import { domainOfSlot } from "../../kernel/object/domain";
import { reach } from "../../kernel/memory/address-space";
import { availableFrames, totalFrames } from "../../kernel/memory/frames";
import {
  addHandle,
  findHandle,
  handleNumber,
  prepareHandles,
  removeHandle,
} from "../../kernel/handle/table";
import { Thread } from "../../kernel/object/thread";
import { Table, isInUse } from "../../kernel/memory/object-pages";
import { THREADS_MAX, WINDOW_BYTES, BLOB_BASE } from "../../kernel/object/layout";

/** Ends the running turn, as its slice would. */
export { endTurn } from "../../kernel/schedule/scheduler";
import { currentThread } from "../../kernel/schedule/scheduler";
export { currentSaveArea, fault, interrupt, start } from "../../kernel/entry/main";
export { armedDeadline, setTime } from "../../kernel/x64/timer";
export { setArchive, setFarMemory, setMemory } from "../../kernel/x64/memory-map";
export { epoch, monitorLoad } from "../../kernel/monitor/monitor";
export { invariantBroken, invariantDetail } from "./invariants";
export { availableFrames, totalFrames };

/** As kernel/x64/system-call-entry.asm does. */
export function systemCall(operation: u32): void {
  const caller = currentThread!;
  if (operation === SystemCall.Call) {
    if (fastCall(caller.rdi, caller.rsi)) return;
  } else if (operation === SystemCall.Reply) {
    if (fastReply(caller.rdi, caller.rsi)) return;
  } else if (operation === SystemCall.Recv) {
    if (fastRecv()) return;
  }
  slowSystemCall(operation);
}
export function windowBytes(): u32 {
  return <u32>WINDOW_BYTES;
}
export function slotState(slot: u32): u32 {
  return domainOfSlot(slot).state;
}
export function slotInstance(slot: u32): u32 {
  return domainOfSlot(slot).instance;
}
/** As if the slot had been started so often. */
export function setInstance(slot: u32, instance: u32): void {
  domainOfSlot(slot).instance = instance;
}
export function slotPages(slot: u32): u32 {
  return domainOfSlot(slot).pagesUsed;
}
export function slotHandles(slot: u32): u32 {
  return domainOfSlot(slot).handlesUsed;
}
export function slotEndReason(slot: u32): u32 {
  return domainOfSlot(slot).endReason;
}
export function slotEndCode(slot: u32): u32 {
  return domainOfSlot(slot).endCode;
}
/** The slot's newest thread, 0 if it has none. */
export function threadOfSlot(slot: u32): u32 {
  return <u32>changetype<usize>(domainOfSlot(slot).firstThread);
}
export function slotOfThread(thread: u32): u32 {
  return changetype<Thread>(<usize>thread).owner;
}
export function threadState(thread: u32): u32 {
  return changetype<Thread>(<usize>thread).state;
}
export function threadPriority(thread: u32): u32 {
  return changetype<Thread>(<usize>thread).priority;
}
/** Threads that wait for this one, one behind the other: the longest chain. */
export function chainBehind(thread: u32): u32 {
  return changetype<Thread>(<usize>thread).chainBehind;
}
export function identityOf(slot: u32, handle: u32): u64 {
  return findHandle(domainOfSlot(slot), handle)!.object!.identity;
}
/** As if the object had been made when so many others had been. */
export function setIdentity(slot: u32, handle: u32, identity: u64): void {
  findHandle(domainOfSlot(slot), handle)!.object!.identity = identity;
}
/** Objects that a slot's quota counts. */
export function slotObjects(slot: u32): u32 {
  return domainOfSlot(slot).objectsUsed;
}
export function threadAt(index: u32): u32 {
  if (index >= THREADS_MAX || !isInUse(Table.Threads, index)) return 0;
  return <u32>changetype<usize>(Thread.at(index));
}
/** Where a thread's place in a queue lies in the thread: from the first to before the second. */
export function queuePriorityOffset(): u32 {
  return offsetof<Thread>("queuePriority");
}
export function isQueuedOffset(): u32 {
  return offsetof<Thread>("isQueued");
}
export function stateOffset(): u32 {
  return offsetof<Thread>("state");
}
export function callHeaderOffset(): u32 {
  return offsetof<Thread>("callHeader");
}
/** The epoch, and the shape behind it. */
export function callEpochOffset(): u32 {
  return offsetof<Thread>("callEpoch");
}
export function serverOffset(): u32 {
  return offsetof<Thread>("server");
}
export function isLongOffset(): u32 {
  return offsetof<Thread>("isLong");
}
/** Where what a call keeps until its request is received begins, and where it ends. */
export function callHandleOffset(): u32 {
  return offsetof<Thread>("callHandle");
}
export function callHandleEnd(): u32 {
  return offsetof<Thread>("callBadge") + 8;
}
/** Uses up the calls that a thread may make. */
export function setSequence(thread: u32, value: u64): void {
  const caller = changetype<Thread>(<usize>thread);
  caller.token = (value << TOKEN_SEQUENCE_SHIFT) | <u64>caller.index;
}
/**
 * Uses places of a slot's handle table so often, one handle at a time. Answers after how many of
 * these uses the number of the first named a handle again, 0 if it never did.
 */
export function wearHandles(slot: u32, times: u32): u32 {
  const domain = domainOfSlot(slot);
  let first: u32 = 0;
  for (let use: u32 = 1; use <= times; use++) {
    if (!prepareHandles(domain, 1)) return u32.MAX_VALUE;
    const entry = addHandle(
      domain,
      domain.inbox,
      ObjectType.Inbox,
      0,
      0,
      ObjectType.Inbox,
      ObjectType.Inbox,
      null,
    );
    const isBack = findHandle(domain, first) !== null;
    if (first === 0) first = handleNumber(entry);
    removeHandle(entry);
    if (isBack) return use;
  }
  return 0;
}
/**
 * Physical address of a byte of a slot's memory, backed like a touch of its own; 0 if it faults.
 */
export function touch(slot: u32, address: u32, write: bool): u64 {
  return reach(domainOfSlot(slot), address, write);
}
/** Where the blob in force lies in the kernel's window. */
export function blobBase(): u32 {
  return <u32>BLOB_BASE;
}
