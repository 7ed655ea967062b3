// The server loop: one inbox, one message at a time; answering a call and receiving the next are
// one system call.

import {
  HANDLE_GENERATION_SHIFT,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_ERROR,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_MASK,
  HEADER_METHOD_SHIFT,
  HEADER_WORDS_MASK,
  INITIAL_GENERATION,
  TIMEOUT_NONE,
  TIMEOUT_POLL,
} from "../../kernel/abi/system-call";
import { Status } from "../../kernel/abi/status";
import { collectIfDue } from "./collector";
import { SERVER_RECORD } from "./message";
import { MessageRecord } from "./message-record";
import { recv, reply } from "./trine";

/** The number of the inbox that every program starts with. */
export const INBOX: u32 = (INITIAL_GENERATION << HANDLE_GENERATION_SHIFT) | HANDLE_INDEX_INBOX;

/**
 * A handler's result: the request is answered, by what the reply object holds. Any other number but
 * DEFERRED is an error of the interface.
 */
export const OK: u32 = 0;
/**
 * A handler's result: the answer comes later, by `<Method>Reply.to(token)`, where the handler has
 * kept `callToken()`.
 */
export const DEFERRED: u32 = 0xffffffff;

/** What asc calls the runtime of programs that collect. */
const RUNTIME_COLLECTS = 1;
/** Interfaces that one program may serve. */
const SERVICES_MAX = 8;
/**
 * System calls that may fail in a row before the loop gives up: more means that the inbox itself is
 * unusable.
 */
const FAILURES_MAX = 64;

/**
 * What serves one interface. The generated `<Interface>Server` extends it, and a program extends
 * that.
 */
export abstract class Service {
  /**
   * @param arenaBytes longest arena of a request. @param handles most handles of a request. @param
   *   isLong a request may need a record.
   */
  constructor(
    readonly interfaceId: u32,
    readonly isLong: bool,
    readonly arenaBytes: u32,
    readonly handles: u32,
  ) {}

  /**
   * Handles the request in SERVER_RECORD and returns the header of the answer there, or DEFERRED.
   */
  abstract dispatch(method: u32): u32;

  /** Events arrived at the program's inbox. */
  notified(_bits: u64): void {}
}

const received: MessageRecord = changetype<MessageRecord>(SERVER_RECORD);

const services = new StaticArray<Service | null>(SERVICES_MAX);
let serviceCount = 0;
let receiveFlags: u32 = 0;
let receiveArena: usize = 0;
let receiveArenaBytes: u32 = 0;
let receiveHandles: u32 = 0;

/** Adds a further service to the program's loop. */
export function addService(service: Service): void {
  assert(serviceCount < SERVICES_MAX, "too many services in one program");
  services[serviceCount++] = service;

  if (service.isLong) receiveFlags = HEADER_FLAG_LONG;
  receiveHandles = max(receiveHandles, service.handles);
  if (service.arenaBytes <= receiveArenaBytes) return;
  receiveArenaBytes = service.arenaBytes;
  receiveArena = heap.alloc(receiveArenaBytes);
}

/** Serves for ever. */
export function serve(service: Service): void {
  addService(service);
  serveLoop();
}

/** Serves the services added. Does not return. */
export function serveLoop(): void {
  let status = receive(TIMEOUT_NONE);
  let failures = 0;
  while (true) {
    if (status === Status.Ok || status === Status.Notified) failures = 0;
    else if (++failures > FAILURES_MAX) assert(false, "the inbox cannot be received from");
    // Between two requests nobody holds a reference but variables of modules.
    if (ASC_RUNTIME === RUNTIME_COLLECTS) collectIfDue();
    status = handle(status, true);
  }
}

/**
 * Handles what has arrived, at most `messagesMax`, waiting no longer than `timeoutNs` for the
 * first. For programs whose loop is another.
 */
export function servePending(messagesMax: u32, timeoutNs: u64): u32 {
  let handled: u32 = 0;
  let status = receive(timeoutNs);
  while (status === Status.Ok || status === Status.Notified) {
    handled++;
    handle(status, false);
    if (handled >= messagesMax) break;
    status = receive(TIMEOUT_POLL);
  }
  return handled;
}

/** The reply token of the request being handled. */
export function callToken(): u64 {
  return received.token;
}

/** The badge of the handle that the caller used: which of the server's objects it means. */
export function callBadge(): u64 {
  return received.badge;
}

/** The slot of the caller, vouched for by the kernel. */
export function callerSlot(): u32 {
  return received.callerSlot;
}

/** Where the request's arena lies. */
export function requestArena(): usize {
  return receiveArena;
}

/**
 * Acts on what a receive brought; with `andReceive` also receives the next and returns its status.
 */
function handle(status: u32, andReceive: bool): u32 {
  if (status === Status.Notified) {
    const bits = received.word0;
    for (let index = 0; index < serviceCount; index++) services[index]!.notified(bits);
  } else if (status === Status.Ok) {
    const token = received.token;
    const header = received.header;
    const answer = dispatch(header);
    if (answer !== DEFERRED) return answerAndReceive(token, answer, andReceive);
  }
  return andReceive ? receive(TIMEOUT_NONE) : status;
}

function dispatch(header: u32): u32 {
  const interfaceId = header >> HEADER_INTERFACE_SHIFT;
  const method = (header >> HEADER_METHOD_SHIFT) & HEADER_METHOD_MASK;
  for (let index = 0; index < serviceCount; index++) {
    const service = services[index]!;
    if (service.interfaceId === interfaceId) return service.dispatch(method);
  }
  return errorReply(SERVER_RECORD, header, UNKNOWN_METHOD);
}

/**
 * Error of a request that no service here knows; the kernel's checks let none through that the
 * interface does not have.
 */
export const UNKNOWN_METHOD: u32 = 0xffff;

function answerAndReceive(token: u64, header: u32, andReceive: bool): u32 {
  if (!andReceive) return reply(token, header, SERVER_RECORD, 0, TIMEOUT_NONE);
  if (receiveFlags !== 0) prepareReceive();
  const receiveRecord: u32 = receiveFlags !== 0 ? HEADER_FLAG_RECORD : 0;
  return reply(
    token,
    header | receiveRecord | HEADER_FLAG_RECEIVE,
    SERVER_RECORD,
    INBOX,
    TIMEOUT_NONE,
  );
}

function receive(timeoutNs: u64): u32 {
  if (receiveFlags !== 0) prepareReceive();
  return recv(INBOX, receiveFlags, SERVER_RECORD, timeoutNs);
}

function prepareReceive(): void {
  received.receiveAddress = <u32>receiveArena;
  received.receiveBytes = receiveArenaBytes;
  received.receiveHandles = receiveHandles;
}

/** Makes the answer in `record` an error. `header` names interface and method. */
export function errorReply(record: usize, header: u32, error: u32): u32 {
  MessageRecord.at(record).word0 = error;
  return (header & ~(HEADER_FLAG_LONG | HEADER_WORDS_MASK)) | HEADER_FLAG_ERROR | 1;
}

/**
 * Completes an answer that needs its record and returns its header. The words stand there already.
 */
export function longReply(
  record: usize,
  header: u32,
  words: u32,
  handles: u32,
  arena: usize,
  arenaBytes: u32,
): u32 {
  const answer = MessageRecord.at(record);
  answer.wordCount = words;
  answer.handleCount = handles;
  answer.arenaBytes = arenaBytes;
  answer.arenaAddress = <u32>arena;
  return header | HEADER_FLAG_LONG;
}

/** Sends an answer that was put off, made in a record whose token names the call. */
export function sendReply(record: usize, header: u32): u32 {
  return reply(MessageRecord.at(record).token, header, record, 0, TIMEOUT_NONE);
}
