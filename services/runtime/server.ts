// The server loop: one inbox, one message at a time. One system call answers a request and receives
// the next one.

import { MessageHeader } from "../../kernel/abi/message-header";
import {
  HANDLE_GENERATION_SHIFT,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_ERROR,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
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

/** The handle of the inbox that every program has when it starts. */
export const INBOX: u32 = (INITIAL_GENERATION << HANDLE_GENERATION_SHIFT) | HANDLE_INDEX_INBOX;

/**
 * A handler's result: the reply object is the answer. Any other result except DEFERRED is an error
 * of the interface.
 */
export const OK: u32 = 0;
/**
 * A handler's result: the answer follows later, by `<Method>Reply.to(token)` with the `callToken()`
 * that the handler has kept.
 */
export const DEFERRED: u32 = 0xffffffff;

/** asc's number for the runtime of programs with a collector. */
const RUNTIME_COLLECTS = 1;
/** After so many failed system calls in a row the inbox is considered unusable. */
const FAILURES_MAX = 64;

/** Serves one interface. The generated `<Interface>Server` extends it; a program extends that. */
export abstract class Service {
  /** The service that was added next. */
  nextService: Service | null = null;

  /**
   * @param isLong a request may be long.
   * @param arenaBytes longest arena of a request.
   * @param handles most handles of a request.
   */
  constructor(
    readonly interfaceId: u32,
    readonly isLong: bool,
    readonly arenaBytes: u32,
    readonly handles: u32,
  ) {}

  /**
   * Handles the request in SERVER_RECORD. Puts the answer there and returns its header, or returns
   * DEFERRED.
   */
  abstract dispatch(method: u32): u32;

  /**
   * Serves, in a program that serves nothing else. Does not return. Generated servers have a loop
   * of their own, in which `T`, the class of the object, makes its methods known.
   */
  serveAlone<T extends Service>(): void {
    addService(changetype<T>(this));
    serveLoop();
  }

  /** Called when notice bits have arrived at the program's inbox. */
  notified(_bits: u64): void {}
}

const received: MessageRecord = changetype<MessageRecord>(SERVER_RECORD);

// Of the request that is being handled. What no handler asks for costs nothing: the compiler drops
// variables that nothing reads.
let currentToken: u64 = 0;
let currentBadge: u64 = 0;
let currentCaller: u64 = 0;

/** In the order in which they were added. */
let firstService: Service | null = null;
let receiveFlags: u32 = 0;
/** Flags of a reply that receives the next request. */
let replyFlags: u32 = HEADER_FLAG_RECEIVE;

/** Adds a service to the program's loop. */
export function addService(service: Service): void {
  let last = firstService;
  if (last === null) {
    firstService = service;
  } else {
    while (last.nextService !== null) last = last.nextService!;
    last.nextService = service;
  }

  if (service.isLong) {
    receiveFlags = HEADER_FLAG_LONG;
    replyFlags = HEADER_FLAG_RECEIVE | HEADER_FLAG_RECORD;
  }
  // Nothing but this function writes what the record says of room.
  received.receiveHandles = max(received.receiveHandles, service.handles);
  if (service.arenaBytes <= received.receiveBytes) return;
  received.receiveBytes = service.arenaBytes;
  received.receiveAddress = <u32>heap.alloc(service.arenaBytes);
}

/** Serves nothing but this service. Does not return. */
export function serve<T extends Service>(service: T): void {
  assert(firstService === null, "a program of several services adds them all, and calls serveLoop");
  // A loop of its own has the service in a local variable, where the collector does not look.
  if (ASC_RUNTIME !== RUNTIME_COLLECTS) return service.serveAlone<T>();
  addService(service);
  serveLoop();
}

/** Serves all services that were added. Does not return. */
export function serveLoop(): void {
  let status = receiveRequest();
  while (true) {
    if (status !== Status.Ok) awaitRequest(status);
    // Between two requests, only variables of modules refer to objects.
    if (ASC_RUNTIME === RUNTIME_COLLECTS) collectIfDue();
    status = answerAndReceive(received.token, dispatch(received.header));
  }
}

/**
 * Handles at most `messagesMax` messages and returns how many it handled. Waits at most `timeoutNs`
 * for the first, and not for the others. For programs with a loop of their own.
 */
export function servePending(messagesMax: u32, timeoutNs: u64): u32 {
  let handled: u32 = 0;
  let status = receive(timeoutNs);
  while (status === Status.Ok || status === Status.Notified) {
    handled++;
    if (status === Status.Ok) {
      const token = received.token;
      const answer = dispatch(received.header);
      if (answer !== DEFERRED) reply(token, answer, SERVER_RECORD, 0, TIMEOUT_NONE);
    } else {
      notifyServices();
    }
    if (handled >= messagesMax) break;
    status = receive(TIMEOUT_POLL);
  }
  return handled;
}

/** The reply token of the request being handled. */
export function callToken(): u64 {
  return currentToken;
}

/** The badge of the handle that the caller used, which identifies one of the server's objects. */
export function callBadge(): u64 {
  return currentBadge;
}

/** The slot of the caller, from the kernel. */
export function callerSlot(): u32 {
  return <u32>(currentCaller >> 32);
}

/** The address of the request's arena. */
export function requestArena(): usize {
  return received.receiveAddress;
}

// For the loops that are generated with the interfaces (toolchain/idl/generate/server.ts).

/** Receives into SERVER_RECORD. */
export function receiveRequest(): u32 {
  return receive(TIMEOUT_NONE);
}

/**
 * Receives into SERVER_RECORD until a request is there. `status`: how the last system call ended,
 * without a request. Notices are handled; the bits of the first are in the record.
 */
export function awaitRequest(status: u32): void {
  let failures = 0;
  while (status !== Status.Ok) {
    // Between two requests, only variables of modules refer to objects.
    if (ASC_RUNTIME === RUNTIME_COLLECTS) collectIfDue();
    if (status === Status.Notified) {
      failures = 0;
      notifyServices();
    } else {
      assert(++failures <= FAILURES_MAX, "the inbox cannot be received from");
    }
    status = receive(TIMEOUT_NONE);
  }
}

/** Sends the answer in SERVER_RECORD, unless it is DEFERRED, and receives until a request comes. */
export function answerFromRecord(token: u64, answer: u32): void {
  const status = answerAndReceive(token, answer);
  if (status !== Status.Ok) awaitRequest(status);
}

/** Notes what the handler of a request may ask for. */
export function noteRequest(token: u64, badge: u64, caller: u64): void {
  currentToken = token;
  currentBadge = badge;
  currentCaller = caller;
}

/** Puts the bits of a notice where `awaitRequest` looks for them. */
export function noteBits(bits: u64): void {
  received.word0 = bits;
}

export function receivedToken(): u64 {
  return received.token;
}

export function receivedHeader(): u32 {
  return received.header;
}

function answerAndReceive(token: u64, answer: u32): u32 {
  if (answer === DEFERRED) return receiveRequest();
  const status = reply(token, answer | replyFlags, SERVER_RECORD, INBOX, TIMEOUT_NONE);
  noteReceived();
  return status;
}

function notifyServices(): void {
  const bits = received.word0;
  let service: Service | null = firstService;
  while (service !== null) {
    service.notified(bits);
    service = service.nextService;
  }
}

function dispatch(header: u32): u32 {
  const interfaceId = MessageHeader.of(header).interfaceId;
  const method = MessageHeader.of(header).method;
  let service: Service | null = firstService;
  while (service !== null) {
    if (service.interfaceId === interfaceId) return service.dispatch(method);
    service = service.nextService;
  }
  return errorReply(SERVER_RECORD, header, UNKNOWN_METHOD);
}

function receive(timeoutNs: u64): u32 {
  const status = recv(INBOX, receiveFlags, SERVER_RECORD, timeoutNs);
  noteReceived();
  return status;
}

function noteReceived(): void {
  noteRequest(
    received.token,
    received.badge,
    load<u64>(SERVER_RECORD, offsetof<MessageRecord>("callerClass")),
  );
}

/** The error for a request to an unknown interface or method. The kernel refuses these before. */
export const UNKNOWN_METHOD: u32 = 0xffff;

/** Turns the answer in `record` into an error, and returns its header. */
export function errorReply(record: usize, header: u32, error: u32): u32 {
  MessageRecord.at(record).word0 = error;
  return (header & ~(HEADER_FLAG_LONG | HEADER_WORDS_MASK)) | HEADER_FLAG_ERROR | 1;
}

/** Completes a long answer, whose words are in `record` already, and returns its header. */
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

/** Sends a deferred answer. The record's token identifies the call. */
export function sendReply(record: usize, header: u32): u32 {
  return reply(MessageRecord.at(record).token, header, record, 0, TIMEOUT_NONE);
}
