import {
  HEADER_FLAG_ERROR,
  HEADER_FLAG_FORWARD,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  MESSAGE_WORDS_MAX,
  TIMEOUT_POLL,
} from "../../../kernel/abi/system-call";
import { ObjectType } from "../../../kernel/abi/object";
import { RECORD_BYTES } from "../../../kernel/abi/message-record";
import { Status } from "../../../kernel/abi/status";
import { call } from "../../../services/runtime/trine";
import { ASSISTANT, Method } from "../assistant-methods";
import {
  arena,
  clearLong,
  header,
  receiveArena,
  receivedArenaBytes,
  record,
  request,
  request0,
  request1,
  request2,
  request4,
  requestLong,
  sendArena,
  setWord,
  setWordCount,
  word,
} from "../message";
import { expect, expectEqual, test } from "../tap";
import { CLOCK, INBOX, PEER } from "./handles";
import { callPeer1, isOnceWithin, MILLISECOND, now } from "./steps";

/** What a call carries, and every way in which its header, record and arena can be wrong. */
export function callCases(): void {
  test("a call without words is answered", () => {
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Ok);
  });
  test("two words arrive and one comes back", () => {
    expectEqual(request2(PEER, ASSISTANT, Method.Add, 40, 2), Status.Ok);
    expectEqual(word(0), 42);
  });
  test("four words travel in registers, in order, both ways", () => {
    expectEqual(
      request4(PEER, ASSISTANT, Method.Four, 1, 0xffffffffffffffff, 3, 0x8000000000000000),
      Status.Ok,
    );
    expectEqual(word(0), 0x8000000000000000);
    expectEqual(word(1), 3);
    expectEqual(word(2), 0xffffffffffffffff);
    expectEqual(word(3), 1);
  });
  test("64 words arrive", () => {
    clearLong(MESSAGE_WORDS_MAX);
    for (let index: u32 = 0; index < <u32>MESSAGE_WORDS_MAX; index++) setWord(index, index * index);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Wide, MESSAGE_WORDS_MAX), Status.Ok);
    expectEqual(word(0), 85344);
  });
  test("65 words are refused", () => {
    clearLong(MESSAGE_WORDS_MAX + 1);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Wide, 4), Status.BadArgument);
  });
  test("2^32 - 1 words are refused", () => {
    clearLong(0xffffffff);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Wide, 4), Status.BadArgument);
  });
  test("more than four words in registers are refused", () => {
    expectEqual(call(PEER, header(ASSISTANT, Method.None, 5), record, 0), Status.BadHeader);
    expectEqual(call(PEER, header(ASSISTANT, Method.None, 7), record, 0), Status.BadHeader);
  });
  test("the reserved bit of the header is refused", () => {
    expectEqual(call(PEER, header(ASSISTANT, Method.None, 0) | 8, record, 0), Status.BadHeader);
  });
  test("a call with a flag that only a reply may have is refused", () => {
    expectEqual(
      call(PEER, header(ASSISTANT, Method.None, 0, HEADER_FLAG_RECEIVE), record, 0),
      Status.BadHeader,
    );
    expectEqual(
      call(PEER, header(ASSISTANT, Method.None, 0, HEADER_FLAG_ERROR), record, 0),
      Status.BadHeader,
    );
    expectEqual(
      call(PEER, header(ASSISTANT, Method.None, 0, HEADER_FLAG_FORWARD), record, 0),
      Status.BadHeader,
    );
  });
  test("a message of another interface than the handle's is refused", () => {
    expectEqual(request0(PEER, ASSISTANT + 1, Method.None), Status.WrongInterface);
  });
  test("a message of a kernel interface to an endpoint is refused", () => {
    expectEqual(request0(PEER, ObjectType.Clock, 0), Status.WrongInterface);
  });
  test("the interface of another kernel object is refused", () => {
    expectEqual(request0(CLOCK, ObjectType.System, 0), Status.WrongInterface);
  });
  test("a method that the interface does not have is denied by a program, unknown to a kernel object", () => {
    expectEqual(request0(PEER, ASSISTANT, 63), Status.Denied);
    expectEqual(request0(CLOCK, ObjectType.Clock, 63), Status.BadHeader);
  });
  test("a message with a word too few or too many is refused", () => {
    expect(request(PEER, ASSISTANT, Method.Add, 1) !== Status.Ok);
    expect(request(PEER, ASSISTANT, Method.Add, 3) !== Status.Ok);
  });
  test("an answer of another shape than declared does not reach the caller", () => {
    setWord(0, 7);
    expect(request0(PEER, ASSISTANT, Method.WrongShape) !== Status.Ok);
    expect(word(0) !== 1);
  });
  test("an arena of one byte arrives", () => {
    store<u8>(arena, 200);
    expectEqual(sumOf(1), 200);
  });
  test("an arena of a page and one byte arrives", () => {
    memory.fill(arena, 1, 4097);
    expectEqual(sumOf(4097), 4097);
  });
  test("an arena of 64 KiB arrives", () => {
    memory.fill(arena, 2, 65536);
    expectEqual(sumOf(65536), 131072);
  });
  test("an arena that is larger than 64 KiB is refused", () => {
    expectEqual(sumStatus(arena, 65537), Status.BadArgument);
    expectEqual(sumStatus(arena, 0xffffffff), Status.BadArgument);
  });
  test("an arena at the null page is refused", () => {
    expectEqual(sumStatus(0, 16), Status.BadAddress);
    expectEqual(sumStatus(65535, 2), Status.BadAddress);
  });
  test("an arena beyond the memory is refused", () => {
    expectEqual(sumStatus(0xf0000000, 16), Status.BadAddress);
  });
  test("an arena whose end wraps around is refused", () => {
    expectEqual(sumStatus(0xfffffff8, 64), Status.BadAddress);
  });
  test("an arena whose descriptor reaches beyond it is refused", () => {
    clearLong(1);
    sendArena(arena, 16);
    setWord(0, ((<u64>16) << 32) | 8);
    expect(requestLong(PEER, ASSISTANT, Method.SumArena, 1) !== Status.Ok);
    setWord(0, ((<u64>8) << 32) | 0xfffffffc);
    expect(requestLong(PEER, ASSISTANT, Method.SumArena, 1) !== Status.Ok);
  });
  test("an answer's arena arrives in the caller's buffer", () => {
    clearLong(1);
    receiveArena(arena, 65536);
    setWord(0, 5000);
    expectEqual(requestLong(PEER, ASSISTANT, Method.FillArena, 1), Status.Ok);
    expectEqual(receivedArenaBytes(), 5000);
    expectEqual(load<u8>(arena + 4999), 4999 % 251);
  });
  test("an answer's arena that is longer than the caller's buffer is not delivered", () => {
    clearLong(1);
    receiveArena(arena, 100);
    store<u8>(arena, 77);
    store<u8>(arena + 100, 78);
    setWord(0, 101);
    expectEqual(requestLong(PEER, ASSISTANT, Method.FillArena, 1), Status.TooLong);
    expectEqual(load<u8>(arena), 77);
    expectEqual(load<u8>(arena + 100), 78);
  });
  test("a record that reaches beyond the caller's memory is refused", () => {
    const end = (<usize>memory.size()) << 16;
    const long = header(ASSISTANT, Method.None, 0, HEADER_FLAG_LONG);
    for (let inside: usize = 64; inside < <usize>RECORD_BYTES; inside += 64) {
      expectEqual(call(PEER, long, end - inside, 0), Status.BadAddress);
    }
  });
  test("a record that is not aligned is refused", () => {
    clearLong(0);
    expectEqual(
      call(PEER, header(ASSISTANT, Method.None, 0, HEADER_FLAG_LONG), record + 4, 0),
      Status.BadAddress,
    );
    setWordCount(0);
  });
  test("an error answer carries its number and no more", () => {
    expectEqual(callPeer1(Method.Fail, 2), Status.ErrorReply);
    expectEqual(word(0), 2);
  });
  test("an error number that the interface does not declare does not reach the caller", () => {
    expect(callPeer1(Method.Fail, 3) !== Status.ErrorReply);
  });
  test("a call that is not answered ends with its timeout, not before and not much later", () => {
    expect(
      isOnceWithin(200 * MILLISECOND, () => {
        const start = now();
        expectEqual(request(PEER, ASSISTANT, Method.Hold, 0, 20 * MILLISECOND), Status.Timeout);
        expect(now() - start >= 20 * MILLISECOND);
      }),
    );
  });
  test("an answer after the timeout finds the token gone", () => {
    expectEqual(request(PEER, ASSISTANT, Method.Hold, 0, 5 * MILLISECOND), Status.Timeout);
    expectEqual(callPeer1(Method.Release, 0), Status.Ok);
    expectEqual(word(0), Status.Gone);
  });
  test("a token is spent by the first reply", () => {
    expectEqual(request0(PEER, ASSISTANT, Method.AnswerTwice), Status.Ok);
    expectEqual(request0(PEER, ASSISTANT, Method.LastStatus), Status.Ok);
    expectEqual(word(0), Status.Gone);
  });
  test("an invented token answers no call", () => {
    for (let guess: u64 = 0; guess < 16; guess++) {
      expectEqual(callPeer1(Method.Forge, guess), Status.Ok);
      expectEqual(word(0), Status.Gone);
    }
    expectEqual(callPeer1(Method.Forge, 0xffffffffffffffff), Status.Ok);
    expectEqual(word(0), Status.Gone);
  });
  test("a call to oneself that can never be received is refused or times out", () => {
    const status = request(PEER, ASSISTANT, Method.None, 0, TIMEOUT_POLL);
    expect(status === Status.Ok || status === Status.Timeout);
  });
  test("the cheapest call still works after all this", () => {
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Ok);
    expectEqual(request1(INBOX, ObjectType.Inbox, 0, 0) === Status.Ok ? 1 : 0, 0);
  });
}

function sumStatus(address: usize, bytes: u32): u32 {
  clearLong(1);
  sendArena(address, bytes);
  setWord(0, (<u64>bytes) << 32);
  return requestLong(PEER, ASSISTANT, Method.SumArena, 1);
}

function sumOf(bytes: u32): u64 {
  return sumStatus(arena, bytes) === Status.Ok ? word(0) : <u64>-1;
}
