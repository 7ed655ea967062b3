// A server that misbehaves on request. The tester asks for it and checks what the kernel does.

import {
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_ERROR,
  HEADER_FLAG_FORWARD,
  HEADER_FLAG_LONG,
} from "../../../kernel/abi/system-call";
import { ObjectType, RIGHT_CALL, RIGHT_SIGNAL, RIGHT_TRANSFER } from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import {
  answer,
  arena,
  callerClass,
  callerSlot,
  clearLong,
  header,
  initialHandle,
  receive,
  receiveArena,
  receivedBadge,
  receivedHandle,
  receivedMethod,
  receivedToken,
  receiveHandles,
  request0,
  request1,
  request2,
  request4,
  sendArena,
  sendHandle,
  setHandleCount,
  setWord,
  word,
} from "../message";
import { ASSISTANT, Method } from "../assistant-methods";

const DOMAIN = initialHandle(HANDLE_INDEX_DOMAIN);
const INBOX = initialHandle(HANDLE_INDEX_INBOX);

let heldToken: u64 = 0;
let lastStatus: u32 = 0;
let noticedBits: u64 = 0;
let callsServed: u64 = 0;

export function main(): void {
  while (true) {
    clearLong(0);
    receiveArena(arena, 65536);
    receiveHandles(4);
    const status = receive(INBOX, HEADER_FLAG_LONG, 0);
    if (status === Status.Notified) noticedBits |= word(0);
    else if (status === Status.Ok) serve(receivedToken(), receivedMethod());
  }
}

function serve(token: u64, method: u32): void {
  callsServed++;
  switch (method) {
    case Method.None:
      return answerWords(token, method, 0);
    case Method.Add:
      return answerWord(token, method, word(0) + word(1));
    case Method.Four:
      return answerReversed(token);
    case Method.WhoCalls:
      return answerCaller(token);
    case Method.SumArena:
      return answerWord(token, method, sumArena());
    case Method.FillArena:
      return answerFilledArena(token, <u32>word(0));
    case Method.Fail:
      return answerError(token, method, word(0));
    case Method.Hold:
      heldToken = token;
      return;
    case Method.Release:
      return release(token, word(0));
    case Method.AnswerTwice:
      return answerTwice(token);
    case Method.Forge:
      return forge(token, word(0));
    case Method.LastStatus:
      return answerWord(token, method, lastStatus);
    case Method.Crash:
      return crash(<u32>word(0));
    case Method.Exit:
      request1(DOMAIN, ObjectType.Domain, 1, word(0));
      return;
    case Method.Spin:
      return answerWord(token, method, spin(<u32>word(0)));
    case Method.Take:
    case Method.TakeEndpoint:
      return answerWord(token, method, receivedHandle(0));
    case Method.Use:
      return useTaken(token, <u32>word(0), word(1));
    case Method.CallTaken:
      return callTaken(token, <u32>word(0));
    case Method.Give:
      return give(token);
    case Method.Noticed:
      return answerWord(token, method, noticedBits);
    case Method.ForwardTo:
      return forwardTo(token, word(0));
    case Method.Forbidden:
    case Method.ForbiddenAnswer:
      return answerWords(token, method, 0);
    case Method.Limited:
      return answerWord(token, method, word(0));
    case Method.Wide:
      return answerWord(token, method, sumWords());
    case Method.WrongShape:
      setWord(0, 1);
      setWord(1, 2);
      return answerWords(token, method, 2);
    case Method.Touch:
      return touch(token, <u32>word(0));
    case Method.Hoard:
      return hoard(token);
    case Method.Counter:
      return answerWord(token, method, callsServed);
    default:
      return answerError(token, method, 1);
  }
}

function answerWords(token: u64, method: u32, words: u32): void {
  lastStatus = answer(token, header(ASSISTANT, method, words));
}

function answerWord(token: u64, method: u32, value: u64): void {
  setWord(0, value);
  answerWords(token, method, 1);
}

function answerError(token: u64, method: u32, number: u64): void {
  setWord(0, number);
  lastStatus = answer(token, header(ASSISTANT, method, 1, HEADER_FLAG_ERROR));
}

function answerReversed(token: u64): void {
  const a = word(0);
  const b = word(1);
  const c = word(2);
  const d = word(3);
  setWord(0, d);
  setWord(1, c);
  setWord(2, b);
  setWord(3, a);
  answerWords(token, Method.Four, 4);
}

function answerCaller(token: u64): void {
  const badge = receivedBadge();
  setWord(0, badge);
  setWord(1, callerClass());
  setWord(2, callerSlot());
  answerWords(token, Method.WhoCalls, 3);
}

function sumArena(): u64 {
  const offset = <u32>word(0);
  const length = <u32>(word(0) >> 32);
  let sum: u64 = 0;
  for (let index: u32 = 0; index < length; index++) sum += load<u8>(arena + offset + index);
  return sum;
}

function sumWords(): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < 64; index++) sum += word(index);
  return sum;
}

function answerFilledArena(token: u64, length: u32): void {
  for (let index: u32 = 0; index < length; index++) store<u8>(arena + index, <u8>(index % 251));
  clearLong(1);
  sendArena(arena, length);
  setWord(0, (<u64>length) << 32);
  lastStatus = answer(token, header(ASSISTANT, Method.FillArena, 1, HEADER_FLAG_LONG));
}

function release(token: u64, value: u64): void {
  // `hold` is declared to answer nothing; the value is the error number, or 0 for a plain answer.
  let status: u32;
  if (value === 0) status = answer(heldToken, header(ASSISTANT, Method.Hold, 0));
  else {
    setWord(0, value);
    status = answer(heldToken, header(ASSISTANT, Method.Hold, 1, HEADER_FLAG_ERROR));
  }
  answerWord(token, Method.Release, status);
}

function answerTwice(token: u64): void {
  answerWords(token, Method.AnswerTwice, 0);
  lastStatus = answer(token, header(ASSISTANT, Method.AnswerTwice, 0));
}

function forge(token: u64, forged: u64): void {
  const status = answer(forged, header(ASSISTANT, Method.Hold, 0));
  answerWord(token, Method.Forge, status);
}

function crash(how: u32): void {
  switch (how) {
    case 0:
      unreachable();
      return;
    case 1:
      store<u32>(16, 1);
      return;
    case 2:
      store<u32>(0xf0000000, 1);
      return;
    case 3:
      setWord(0, 1 / divisorZero);
      return;
    case 4:
      setWord(0, deeper(1));
      return;
    case 5:
      store<u32>(<usize>memory.size() * 65536 + 65536, 1);
      return;
    // The divisor is -1, which the compiler does not know.
    case 6:
      setWord(0, i64.MIN_VALUE / (<i64>how - 7));
      return;
    case 7:
      setWord(0, call_indirect<u64>(oneNumber.index, <u64>1, <u64>2));
      return;
    case 8:
      setWord(0, call_indirect<u64>(0x7fffffff, <u64>1));
      return;
    case 9:
      setWord(0, call_indirect<u64>(0, <u64>1));
      return;
    case 10:
      memory.fill(0xf0000000, 1, how);
      return;
    default:
      crashInMapped(how);
  }
}

/** Copies and fills that leave a mapped page, or enter it from the program's own memory. */
function crashInMapped(how: u32): void {
  const mapped = mapPage();
  const ownEnd = (<usize>memory.size()) << 16;
  switch (how) {
    case 11:
      memory.fill(mapped, 1, 4093 + (how - 7));
      return;
    case 12:
      memory.fill(mapped, 1, 0 - mapped);
      return;
    case 13:
      memory.fill(mapped, 1, 1 - mapped);
      return;
    case 14:
      memory.fill(ownEnd - 4, 1, mapped + 8 - ownEnd);
      return;
    case 15:
      memory.copy(mapped, ownEnd - how, 16 + (how - 15));
      return;
    case 16:
      memory.copy(mapped + 4096 - how, arena, 17);
      return;
    case 17:
      memory.copy(mapped + 8, mapped, 4096);
      return;
    default:
      memory.copy(mapped, mapped + 8, 1 - mapped - 8);
      return;
  }
}

/**
 * Maps a page of a memory object for writing. The object is the only one, so its address is known
 * when the program is built.
 */
function mapPage(): usize {
  request1(DOMAIN, ObjectType.Domain, 2, 4096);
  request4(DOMAIN, ObjectType.Domain, 10, word(0), 0, 4096, 1);
  return <usize>word(0);
}
// biome-ignore lint/style/useConst: the compiler would fold a constant.
let divisorZero: u64 = 0;
const oneNumber: (value: u32) => u32 = (value: u32) => value;

function deeper(depth: u64): u64 {
  return depth + deeper(depth + 1) * 3;
}

function spin(rounds: u32): u64 {
  let checksum: u64 = 1;
  for (let round: u32 = 0; round < rounds; round++)
    checksum = checksum * 6364136223846793005 + 1442695040888963407;
  return checksum;
}

function useTaken(token: u64, number: u32, bits: u64): void {
  const status = request1(number, ObjectType.Notice, 0, bits);
  answerWord(token, Method.Use, status);
}

function callTaken(token: u64, number: u32): void {
  const status = request0(number, ASSISTANT, Method.None);
  answerWord(token, Method.CallTaken, status);
}

function give(token: u64): void {
  request2(DOMAIN, ObjectType.Domain, 5, INBOX, 0xff);
  const notice = <u32>word(0);
  clearLong(0);
  setHandleCount(1);
  sendHandle(0, notice, RIGHT_CALL | RIGHT_SIGNAL | RIGHT_TRANSFER);
  lastStatus = answer(token, header(ASSISTANT, Method.Give, 0, HEADER_FLAG_LONG));
}

function forwardTo(token: u64, number: u64): void {
  setWord(0, number);
  lastStatus = answer(token, header(ASSISTANT, Method.ForwardTo, 1, HEADER_FLAG_FORWARD));
  // If the call cannot be forwarded, which is so at the end of the chain, this server must still
  // answer.
  if (lastStatus !== Status.Ok) answer(token, header(ASSISTANT, Method.ForwardTo, 0));
}

/** Each page is touched once, so each costs a frame of the quota. */
function touch(token: u64, pages: u32): void {
  const base = <usize>memory.grow(<i32>((pages + 15) / 16)) * 65536;
  for (let page: u32 = 0; page < pages; page++) store<u8>(base + ((<usize>page) << 12), 1);
  answerWords(token, Method.Touch, 0);
}

function hoard(token: u64): void {
  let made: u32 = 0;
  let status: u32 = Status.Ok;
  while (made < 70000) {
    status = request2(DOMAIN, ObjectType.Domain, 5, INBOX, 0xff);
    if (status !== Status.Ok) break;
    made++;
  }
  setWord(0, made);
  setWord(1, status);
  answerWords(token, Method.Hoard, 2);
}
