import {
  ObjectType,
  RIGHT_CALL,
  RIGHT_COPY,
  RIGHT_MAP_READ,
  RIGHT_SIGNAL,
  RIGHT_TRANSFER,
  RIGHTS_ALL,
} from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import { ASSISTANT, Method } from "../assistant-methods";
import {
  clearLong,
  receivedHandle,
  receivedHandleCount,
  receiveHandles,
  request0,
  request1,
  request2,
  requestLong,
  sendHandle,
  setHandleCount,
  setWord,
  word,
} from "../message";
import { expect, expectEqual, test } from "../tap";
import { CLOCK, DOMAIN, INBOX, OTHER, OWN, PEER, SLOTS } from "./handles";
import {
  awaitNotice,
  callPeer2,
  drainInbox,
  drop,
  handlesUsed,
  mint,
  mintStatus,
  newMemory,
  newNotice,
  revoke,
  signal,
} from "./steps";

/** Handles: numbers that are not handles, rights that only shrink, transfer, revocation. */
export function handleCases(): void {
  test("handle 0 is never valid", () => {
    expectEqual(request0(0, ASSISTANT, Method.None), Status.BadHandle);
  });
  test("an index beyond the table is refused", () => {
    expectEqual(request0(0x1ffff, ASSISTANT, Method.None), Status.BadHandle);
    expectEqual(request0(0xffffffff, ASSISTANT, Method.None), Status.BadHandle);
  });
  test("the right index with another generation is refused", () => {
    expectEqual(request0(PEER + 0x10000, ASSISTANT, Method.None), Status.BadHandle);
    expectEqual(request0(PEER & 0xffff, ASSISTANT, Method.None), Status.BadHandle);
  });
  test("no index names a handle that was not given", () => {
    let found: u32 = 0;
    for (let index: u32 = 14; index < 400; index++)
      if (request0(0x10000 | index, ASSISTANT, Method.None) !== Status.BadHandle) found++;
    expectEqual(found, 0);
  });
  test("a dropped handle is gone, and dropping it again is refused", () => {
    const notice = newNotice();
    expectEqual(drop(notice), Status.Ok);
    expectEqual(signal(notice, 1), Status.BadHandle);
    expectEqual(drop(notice), Status.BadHandle);
  });
  test("a handle's index is used again with another generation", () => {
    const first = newNotice();
    drop(first);
    const second = newNotice();
    expect(first !== second);
    expectEqual(signal(first, 1), Status.BadHandle);
    drop(second);
    drainInbox();
  });
  test("a copy has the rights that were asked for", () => {
    const notice = newNotice();
    const copy = mint(notice, RIGHT_CALL, 0);
    expect(copy !== 0);
    expectEqual(signal(copy, 1), Status.NoRight);
    expectEqual(signal(notice, 1), Status.Ok);
    drop(copy);
    drop(notice);
    drainInbox();
  });
  test("rights never grow", () => {
    const notice = newNotice();
    const copy = mint(notice, RIGHT_CALL | RIGHT_COPY, 0);
    expectEqual(mintStatus(copy, RIGHT_CALL | RIGHT_COPY | RIGHT_SIGNAL, 0), Status.NoRight);
    expectEqual(mintStatus(copy, RIGHTS_ALL, 0), Status.NoRight);
    expect(mint(copy, RIGHT_CALL, 0) !== 0);
    expectEqual(revoke(notice), Status.Ok);
    drop(notice);
  });
  test("a handle without the right to copy cannot be copied", () => {
    const notice = newNotice();
    const copy = mint(notice, RIGHT_CALL | RIGHT_SIGNAL, 0);
    expectEqual(mintStatus(copy, RIGHT_CALL, 0), Status.NoRight);
    drop(copy);
    drop(notice);
  });
  test("a client cannot mint badges for a server's endpoint", () => {
    expect(mintStatus(PEER, RIGHT_CALL, 99) !== Status.Ok);
  });
  test("a badge needs an endpoint", () => {
    const notice = newNotice();
    expect(mintStatus(notice, RIGHT_CALL, 5) !== Status.Ok);
    drop(notice);
  });
  test("a handle to an endpoint that was minted with a badge reaches its receiver with it", () => {
    const badged = mint(OWN, RIGHT_CALL | RIGHT_TRANSFER, 0x1234567890abcdef);
    expect(badged !== 0);
    drop(badged);
  });
  test("describe returns type and rights", () => {
    const notice = newNotice();
    expectEqual(request1(DOMAIN, ObjectType.Domain, 13, notice), Status.Ok);
    expectEqual(word(0), ObjectType.Notice);
    expect((word(1) & RIGHT_SIGNAL) !== 0);
    drop(notice);
    expectEqual(request1(DOMAIN, ObjectType.Domain, 13, notice), Status.BadHandle);
  });
  test("a method of another object type is refused by every object", () => {
    expectEqual(request0(DOMAIN, ObjectType.Clock, 0), Status.WrongInterface);
    expectEqual(request0(SLOTS, ObjectType.Clock, 0), Status.WrongInterface);
  });
  test("an argument that must be an inbox refuses everything else", () => {
    expectEqual(request2(DOMAIN, ObjectType.Domain, 5, CLOCK, 1), Status.WrongType);
    expectEqual(request2(DOMAIN, ObjectType.Domain, 5, 0, 1), Status.BadHandle);
    expectEqual(request2(DOMAIN, ObjectType.Domain, 5, 0xffffffff, 1), Status.BadHandle);
  });
  test("an argument that must be memory refuses everything else", () => {
    expectEqual(request4Map(CLOCK, 0, 4096), Status.WrongType);
    expectEqual(request4Map(INBOX, 0, 4096), Status.WrongType);
  });
  test("a handle arrives in another domain and works there", () => {
    const notice = newNotice();
    const number = give(Method.Take, notice, RIGHT_CALL | RIGHT_SIGNAL);
    expect(number !== 0);
    expectEqual(callPeer2(Method.Use, number, 4), Status.Ok);
    expectEqual(word(0), Status.Ok);
    expectEqual(awaitNotice() & 4, 4);
    drop(notice);
    drainInbox();
  });
  test("a handle arrives with the rights that were sent and no more", () => {
    const notice = newNotice();
    const number = give(Method.Take, notice, RIGHT_CALL);
    expectEqual(callPeer2(Method.Use, number, 4), Status.Ok);
    expectEqual(word(0), Status.NoRight);
    drop(notice);
    drainInbox();
  });
  test("a handle is not sent with rights that the sender lacks", () => {
    const notice = newNotice();
    const weak = mint(notice, RIGHT_CALL | RIGHT_TRANSFER, 0);
    expectEqual(giveStatus(Method.Take, weak, RIGHT_CALL | RIGHT_SIGNAL), Status.NoRight);
    drop(weak);
    drop(notice);
  });
  test("a handle without the right to transfer stays", () => {
    const notice = newNotice();
    const weak = mint(notice, RIGHT_CALL | RIGHT_SIGNAL, 0);
    expectEqual(giveStatus(Method.Take, weak, RIGHT_CALL), Status.NoRight);
    drop(weak);
    drop(notice);
  });
  test("a message that carries a handle of another type than declared is refused", () => {
    const memoryObject = newMemory(4096);
    expect(giveStatus(Method.Take, memoryObject, RIGHT_CALL | RIGHT_MAP_READ) !== Status.Ok);
    drop(memoryObject);
  });
  test("a number that is not a handle cannot be sent", () => {
    expectEqual(giveStatus(Method.Take, 0x7fff0003, RIGHT_CALL), Status.BadHandle);
    expectEqual(giveStatus(Method.Take, 0, RIGHT_CALL), Status.BadHandle);
  });
  test("five handles in one message are refused", () => {
    clearLong(0);
    setHandleCount(5);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Take, 0), Status.BadArgument);
    setHandleCount(0xffffffff);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Take, 0), Status.BadArgument);
  });
  test("an answer brings a handle to a caller that takes one", () => {
    clearLong(0);
    receiveHandles(1);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Give, 0), Status.Ok);
    expectEqual(receivedHandleCount(), 1);
    const notice = receivedHandle(0);
    expectEqual(signal(notice, 8), Status.Ok);
    expectEqual(request0(PEER, ASSISTANT, Method.Noticed), Status.Ok);
    expectEqual(word(0) & 8, 8);
    drop(notice);
  });
  test("an answer with a handle is not delivered to a caller that takes none", () => {
    clearLong(0);
    receiveHandles(0);
    expectEqual(requestLong(PEER, ASSISTANT, Method.Give, 0), Status.TooLong);
  });
  test("revoking a handle removes what was derived from it in other domains", () => {
    const notice = newNotice();
    const number = give(Method.Take, notice, RIGHT_CALL | RIGHT_SIGNAL);
    expectEqual(revoke(notice), Status.Ok);
    expectEqual(callPeer2(Method.Use, number, 4), Status.Ok);
    expectEqual(word(0), Status.BadHandle);
    expectEqual(signal(notice, 1), Status.Ok);
    drop(notice);
    drainInbox();
  });
  test("revoking removes a chain of copies, and no other handle", () => {
    const notice = newNotice();
    const aside = newNotice();
    let last = notice;
    for (let depth = 0; depth < 20; depth++)
      last = mint(last, RIGHTS_ALL & describedRights(last), 0);
    expect(last !== 0);
    const before = handlesUsed();
    expectEqual(revoke(notice), Status.Ok);
    expectEqual(before - handlesUsed(), 20);
    expectEqual(signal(last, 1), Status.BadHandle);
    expectEqual(signal(aside, 1), Status.Ok);
    drop(aside);
    drop(notice);
    drainInbox();
  });
  test("filling the handle table ends in an error, and dropping frees every entry", () => {
    const before = handlesUsed();
    const notice = newNotice();
    let made: u32 = 0;
    let status: u32 = Status.Ok;
    while (made < 70000) {
      status = mintStatus(notice, RIGHT_CALL, 0);
      if (status !== Status.Ok) break;
      made++;
    }
    expect(status === Status.NoSpace || status === Status.NoMemory);
    expectEqual(revoke(notice), Status.Ok);
    drop(notice);
    expectEqual(handlesUsed(), before);
    drainInbox();
  });
  test("a domain that keeps making objects is stopped by its quota", () => {
    expectEqual(request0(OTHER, ASSISTANT, Method.Hoard), Status.Ok);
    expect(word(0) > 0);
    expect(word(1) === Status.NoSpace || word(1) === Status.NoMemory);
  });
}

function describedRights(handle: u32): u32 {
  return request1(DOMAIN, ObjectType.Domain, 13, handle) === Status.Ok ? <u32>word(1) : 0;
}

function request4Map(memoryObject: u32, offset: u64, bytes: u64): u32 {
  setWord(0, memoryObject);
  setWord(1, offset);
  setWord(2, bytes);
  setWord(3, 0);
  clearLong(4);
  return requestLong(DOMAIN, ObjectType.Domain, 10, 4);
}

function giveStatus(method: u32, handle: u32, rights: u32): u32 {
  clearLong(0);
  setHandleCount(1);
  sendHandle(0, handle, rights);
  return requestLong(PEER, ASSISTANT, method, 0);
}

/** Sends a handle to the peer; its number there, or 0. */
function give(method: u32, handle: u32, rights: u32): u32 {
  return giveStatus(method, handle, rights) === Status.Ok ? <u32>word(0) : 0;
}
