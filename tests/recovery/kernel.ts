// The kernel as it is, and a hand that ends one domain the moment that its thread is found in a
// given state: `kill=SLOT state=STATE` on the command line. It strikes once, after the first
// character was typed, at the next entry of the kernel that finds the state: as a supervisor on
// another processor would.

import { DomainState, EndReason, Domain, domainOfSlot } from "../../kernel/object/domain";
import { Endpoint } from "../../kernel/object/endpoint";
import { findHandle } from "../../kernel/handle/table";
import { Thread, ThreadState } from "../../kernel/object/thread";
import { ObjectType } from "../../kernel/abi/object";
import { SystemCall } from "../../kernel/abi/system-call";
import { endDomain } from "../../kernel/ipc/end";
import {
  fastCall as enterFastCall,
  fastRecv as enterFastRecv,
  fastReply as enterFastReply,
  fault as enterFault,
  interrupt as enterInterrupt,
  systemCall as enterSystemCall,
} from "../../kernel/entry/main";
import { slotName, slotCount, stringBytes } from "../../kernel/monitor/monitor";
import { currentThread } from "../../kernel/schedule/scheduler";
import { commandLineHas } from "../../kernel/x64/memory-map";
import { endLine, logByte, logText } from "../../kernel/x64/serial-log";
import { in8 } from "../../kernel/x64/x64";

export { abort, currentSaveArea, kernelException, start } from "../../kernel/entry/main";

/** No line's: the kernel looks who is to run, and does nothing else. */
const VECTOR_NONE: u32 = 0xff;
const OPERATION_NONE: u32 = 0xffff_ffff;
const VECTOR_SERIAL: u32 = 32 + 4;
const SERIAL_STATUS: u32 = 0x3fd;
const DATA_READY: u32 = 1;

enum Wanted {
  Nothing = 0,
  /** Waits for a message. */
  Receiving = 1,
  /** Its call waits to be received. */
  Calling = 2,
  /** Its call was received and is not answered. */
  Awaiting = 3,
  /** It is its turn. */
  Computing = 4,
  /** It could run, and another does. */
  Ready = 5,
  /** It has faulted, and the supervisor has not yet said what is to become of it. */
  Faulted = 6,
}

let isArmed: bool = false;
let wanted: u32 = Wanted.Nothing;
let victim: u32 = 0;
/** The victim was made to fault, and its state is awaited. */
let isBroken: bool = false;

// While a state is awaited, each system call takes the slow path, which looks for that state first.
export function fastCall(handle: u64, header: u64): bool {
  return !isWatching() && enterFastCall(handle, header);
}
export function fastRecv(): bool {
  return !isWatching() && enterFastRecv();
}
export function fastReply(token: u64, header: u64): bool {
  return !isWatching() && enterFastReply(token, header);
}

function isWatching(): bool {
  return isArmed && wanted !== <u32>Wanted.Nothing;
}

export function systemCall(operation: u32): void {
  if (isArmed && strike(operation)) enterInterrupt(VECTOR_NONE);
  else enterSystemCall(operation);
}

export function interrupt(vector: u32): void {
  if (vector === VECTOR_SERIAL && !isArmed && (in8(SERIAL_STATUS) & DATA_READY) !== 0) arm();
  if (isArmed) strike(OPERATION_NONE);
  enterInterrupt(vector);
}

export function fault(vector: u32, errorCode: u32, address: u64): void {
  enterFault(vector, errorCode, address);
}

function arm(): void {
  isArmed = true;
  if (commandLineHas("state=receiving")) wanted = Wanted.Receiving;
  if (commandLineHas("state=calling")) wanted = Wanted.Calling;
  if (commandLineHas("state=awaiting")) wanted = Wanted.Awaiting;
  if (commandLineHas("state=computing")) wanted = Wanted.Computing;
  if (commandLineHas("state=ready")) wanted = Wanted.Ready;
  if (commandLineHas("state=faulted")) wanted = Wanted.Faulted;
  if (commandLineHas("kill=serial")) victim = slotCalled("serial");
  if (commandLineHas("kill=console")) victim = slotCalled("console");
  if (commandLineHas("kill=shell")) victim = slotCalled("shell");
  if (commandLineHas("kill=echo")) victim = slotCalled("echo");
}

function slotCalled(name: string): u32 {
  for (let slot: u32 = 0; slot < slotCount(); slot++) {
    const found = slotName(slot);
    if (stringBytes(found) !== <u32>name.length) continue;
    let isSame = true;
    for (let i: i32 = 0; i < name.length; i++)
      if (<u32>load<u8>(found + i) !== <u32>name.charCodeAt(i)) isSame = false;
    if (isSame) return slot;
  }
  return 0;
}

/** True if it has ended the domain whose own system call this would have been. */
function strike(operation: u32): bool {
  if (wanted === <u32>Wanted.Nothing) return false;
  const domain = domainOfSlot(victim);
  const thread = domain.firstThread;
  if (thread === null) return false;
  const isCurrent = thread === currentThread;
  if (wanted === <u32>Wanted.Faulted) {
    if (domain.state === DomainState.Faulted) end(domain);
    else if (!isBroken && isCurrent && domain.state === DomainState.Running) breakThread(thread);
    return false;
  }
  if (domain.state !== DomainState.Running) return false;
  if (wanted === <u32>Wanted.Calling && isCurrent && operation === <u32>SystemCall.Call)
    endCallee(domain, <u32>thread.rdi);
  let isFound = false;
  if (wanted === <u32>Wanted.Receiving) isFound = thread.state === ThreadState.Receiving;
  if (wanted === <u32>Wanted.Calling) isFound = thread.state === ThreadState.Calling;
  if (wanted === <u32>Wanted.Awaiting) isFound = thread.state === ThreadState.AwaitingReply;
  if (wanted === <u32>Wanted.Computing) isFound = isCurrent;
  if (wanted === <u32>Wanted.Ready) isFound = !isCurrent && thread.state === ThreadState.Ready;
  if (isFound) end(domain);
  return isFound && isCurrent && operation !== OPERATION_NONE;
}

/**
 * Its next instruction of its own is at address 0. Slot 0 has no handler: the kernel itself ends
 * it.
 */
function breakThread(thread: Thread): void {
  isBroken = true;
  thread.rip = 0;
  if (victim !== 0) return;
  say("is made to fault");
  wanted = Wanted.Nothing;
}

/** So that the call which is about to be made waits for the next instance. */
function endCallee(domain: Domain, handle: u32): void {
  const entry = findHandle(domain, handle);
  if (entry === null || entry.type !== <u16>ObjectType.Endpoint) return;
  const owner = changetype<Endpoint>(entry.object!).owner;
  if (owner !== 0 && domainOfSlot(owner).state === DomainState.Running)
    endDomain(domainOfSlot(owner), EndReason.Stopped, 0);
}

function end(domain: Domain): void {
  wanted = Wanted.Nothing;
  say("is ended");
  endDomain(domain, EndReason.Stopped, 0);
}

function say(what: string): void {
  endLine();
  logText("planted: ");
  const name = slotName(victim);
  for (let i: u32 = 0; i < stringBytes(name); i++) logByte(<u32>load<u8>(name + i));
  logText(" ");
  logText(what);
  endLine();
}
