// Messages without stubs: everything that a program can pass to the three system calls, wrong
// values included. Generated stubs cannot send malformed messages.

import {
  HANDLE_GENERATION_SHIFT,
  HEADER_FLAG_LONG,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
  INITIAL_GENERATION,
  REGISTER_WORDS_MAX,
} from "../../kernel/abi/system-call";
import { RECORD_BYTES } from "../../kernel/abi/message-record";
import { MessageRecord } from "../../services/runtime/message-record";
import { call, recv, reply } from "../../services/runtime/trine";

/** The record of all calls. A test may write anything into it. */
export const record: usize = memory.data(RECORD_BYTES, 8);
const fields: MessageRecord = changetype<MessageRecord>(record);
/** Room for the largest arena and a page. */
export const arena: usize = memory.data(65536 + 4096, 16);

/** The number of an initial handle. */
export function initialHandle(index: u32): u32 {
  return ((<u32>INITIAL_GENERATION) << HANDLE_GENERATION_SHIFT) | index;
}

export function header(interfaceId: u32, method: u32, words: u32, flags: u32 = 0): u32 {
  return (interfaceId << HEADER_INTERFACE_SHIFT) | (method << HEADER_METHOD_SHIFT) | words | flags;
}

export function word(index: u32): u64 {
  return fields.word(index);
}

export function setWord(index: u32, value: u64): void {
  fields.setWord(index, value);
}

/** Sets the record to a long message of `words` words, without arena, handles, or room for them. */
export function clearLong(words: u32): void {
  fields.clearLong();
  fields.wordCount = words;
}

export function setWordCount(count: u32): void {
  fields.wordCount = count;
}

export function sendArena(address: usize, bytes: u32): void {
  fields.arenaAddress = <u32>address;
  fields.arenaBytes = bytes;
}

/** Sends as many bytes as were received, from `address`. */
export function sendArenaFrom(address: usize): void {
  fields.arenaAddress = <u32>address;
}

export function receiveArena(address: usize, bytes: u32): void {
  fields.receiveAddress = <u32>address;
  fields.receiveBytes = bytes;
}

export function sendHandle(place: u32, number: u32, rights: u32): void {
  fields.setHandle(place, number, rights);
}

export function setHandleCount(count: u32): void {
  fields.handleCount = count;
}

export function receiveHandles(count: u32): void {
  fields.receiveHandles = count;
}

export function receivedHandle(place: u32): u32 {
  return fields.handle(place);
}
export function receivedHandleCount(): u32 {
  return fields.handleCount;
}
export function receivedArenaBytes(): u32 {
  return fields.arenaBytes;
}
export function receivedHeader(): u32 {
  return fields.header;
}
export function receivedMethod(): u32 {
  return (receivedHeader() >> HEADER_METHOD_SHIFT) & 63;
}
export function receivedToken(): u64 {
  return fields.token;
}
export function receivedBadge(): u64 {
  return fields.badge;
}
export function callerClass(): u32 {
  return fields.callerClass;
}
export function callerSlot(): u32 {
  return fields.callerSlot;
}

/** A call of up to four words, which are in the record already. */
export function request(
  handle: u32,
  interfaceId: u32,
  method: u32,
  words: u32,
  timeout: u64 = 0,
): u32 {
  return call(handle, header(interfaceId, method, words), record, timeout);
}

/** A call whose long part is in the record already. */
export function requestLong(
  handle: u32,
  interfaceId: u32,
  method: u32,
  words: u32,
  timeout: u64 = 0,
): u32 {
  return call(
    handle,
    header(interfaceId, method, min<u32>(words, REGISTER_WORDS_MAX), HEADER_FLAG_LONG),
    record,
    timeout,
  );
}

export function request0(handle: u32, interfaceId: u32, method: u32): u32 {
  return request(handle, interfaceId, method, 0);
}
export function request1(handle: u32, interfaceId: u32, method: u32, a: u64): u32 {
  setWord(0, a);
  return request(handle, interfaceId, method, 1);
}
export function request2(handle: u32, interfaceId: u32, method: u32, a: u64, b: u64): u32 {
  setWord(0, a);
  setWord(1, b);
  return request(handle, interfaceId, method, 2);
}
export function request3(handle: u32, interfaceId: u32, method: u32, a: u64, b: u64, c: u64): u32 {
  setWord(0, a);
  setWord(1, b);
  setWord(2, c);
  return request(handle, interfaceId, method, 3);
}
export function request4(
  handle: u32,
  interfaceId: u32,
  method: u32,
  a: u64,
  b: u64,
  c: u64,
  d: u64,
): u32 {
  setWord(0, a);
  setWord(1, b);
  setWord(2, c);
  setWord(3, d);
  return request(handle, interfaceId, method, 4);
}

export function receive(inbox: u32, flags: u32, timeout: u64): u32 {
  return recv(inbox, flags, record, timeout);
}

/** Answers with the words in the record. */
export function answer(token: u64, replyHeader: u32): u32 {
  return reply(token, replyHeader, record, 0, 0);
}
