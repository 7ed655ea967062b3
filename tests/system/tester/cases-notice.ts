import { ObjectType } from "../../../kernel/abi/object";
import { HEADER_FLAG_LONG, TIMEOUT_POLL } from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { call } from "../../../services/runtime/trine";
import { Method, ASSISTANT } from "../assistant-methods";
import {
  header,
  receive,
  request,
  request0,
  request1,
  request2,
  request3,
  requestLong,
  clearLong,
  word,
} from "../message";
import { expect, expectEqual, test } from "../tap";
import { CLOCK, DOMAIN, INBOX, OWN, PEER, THREAD } from "./handles";
import {
  awaitNotice,
  callPeer1,
  drainInbox,
  drop,
  isOnceWithin,
  LATE,
  MILLISECOND,
  newNotice,
  now,
  signal,
} from "./steps";

/** Notices, timers, receiving and the thread's own handle. */
export function noticeCases(): void {
  test("a bit that is signalled arrives with the next recv", () => {
    drainInbox();
    const notice = newNotice();
    expectEqual(signal(notice, 1), Status.Ok);
    expectEqual(awaitNotice(), 1);
    drop(notice);
  });
  test("bits are gathered and delivered once, all together", () => {
    const notice = newNotice();
    signal(notice, 1);
    signal(notice, 4);
    signal(notice, 4);
    expectEqual(awaitNotice(), 5);
    expectEqual(receive(INBOX, 0, TIMEOUT_POLL), Status.Timeout);
    drop(notice);
  });
  test("two notices of one inbox are delivered together", () => {
    const first = newNotice();
    const second = newNotice();
    signal(first, 1);
    signal(second, 2);
    expectEqual(awaitNotice(), 3);
    drop(first);
    drop(second);
  });
  test("a notice sets only the bits that it was made for, and never the kernel's own", () => {
    const notice = newNotice();
    expectEqual(signal(notice, 0x100), Status.BadArgument);
    expectEqual(signal(notice, 0x8000000000000001), Status.BadArgument);
    expectEqual(receive(INBOX, 0, TIMEOUT_POLL), Status.Timeout);
    drop(notice);
  });
  test("a notice without bits is refused", () => {
    expectEqual(request2(DOMAIN, ObjectType.Domain, 5, INBOX, 0), Status.BadArgument);
  });
  test("a signal without bits has no effect", () => {
    const notice = newNotice();
    signal(notice, 0);
    expectEqual(receive(INBOX, 0, TIMEOUT_POLL), Status.Timeout);
    drop(notice);
  });
  test("a poll of an empty inbox returns at once", () => {
    drainInbox();
    expect(
      isOnceWithin(5 * MILLISECOND, () =>
        expectEqual(receive(INBOX, 0, TIMEOUT_POLL), Status.Timeout),
      ),
    );
  });
  test("recv waits until its timeout", () => {
    expect(
      isOnceWithin(100 * MILLISECOND, () => {
        const start = now();
        expectEqual(receive(INBOX, 0, 10 * MILLISECOND), Status.Timeout);
        expect(now() - start >= 10 * MILLISECOND);
      }),
    );
  });
  test("recv on a handle that is not an inbox is refused", () => {
    expectEqual(receive(CLOCK, 0, TIMEOUT_POLL), Status.WrongType);
    expectEqual(receive(0, 0, TIMEOUT_POLL), Status.BadHandle);
    expectEqual(receive(OWN, 0, TIMEOUT_POLL), Status.WrongType);
  });
  test("recv with a flag that it does not have is refused", () => {
    expectEqual(receive(INBOX, 1, TIMEOUT_POLL), Status.BadHeader);
    expectEqual(receive(INBOX, 0x80000000, TIMEOUT_POLL), Status.BadHeader);
  });
  test("the clock never goes back", () => {
    let last: u64 = 0;
    let wentBack: u32 = 0;
    for (let turn = 0; turn < 1000; turn++) {
      const time = now();
      if (time < last) wentBack++;
      last = time;
    }
    expectEqual(wentBack, 0);
  });
  test("a timer delivers its bits once, when its time has come", () => {
    drainInbox();
    const deadline = now() + 10 * MILLISECOND;
    expectEqual(request3(CLOCK, ObjectType.Clock, 1, deadline, INBOX, 0x100), Status.Ok);
    expectEqual(awaitNotice(), 0x100);
    expect(now() >= deadline);
    expectEqual(receive(INBOX, 0, 20 * MILLISECOND), Status.Timeout);
  });
  test("a timer that was cancelled stays silent", () => {
    inTime(() => {
      request3(CLOCK, ObjectType.Clock, 1, 0, INBOX, 0);
    });
    expectEqual(receive(INBOX, 0, 20 * MILLISECOND), Status.Timeout);
  });
  test("a later timer replaces the earlier one", () => {
    inTime(() => {
      request3(CLOCK, ObjectType.Clock, 1, now() + 10 * MILLISECOND, INBOX, 0x200);
    });
    expectEqual(awaitNotice(), 0x200);
  });
  test("a deadline that has passed fires at once", () => {
    request3(CLOCK, ObjectType.Clock, 1, 1, INBOX, 0x400);
    expectEqual(awaitNotice(), 0x400);
  });
  test("a timer at a handle that is not the domain's inbox is refused", () => {
    expect(request3(CLOCK, ObjectType.Clock, 1, now() + MILLISECOND, PEER, 1) !== Status.Ok);
  });
  test("a caller's timeout leaves its server working", () => {
    expectEqual(request(PEER, ASSISTANT, Method.Hold, 0, MILLISECOND), Status.Timeout);
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Ok);
  });
  test("a busy server of lower priority does not keep its caller beyond the timeout", () => {
    expect(
      isOnceWithin(200 * MILLISECOND, () =>
        expectEqual(requestSpin(20 * MILLISECOND), Status.Timeout),
      ),
    );
    expectEqual(request(PEER, ASSISTANT, Method.None, 0, LATE), Status.Ok);
  });
  test("a thread's priority does not rise above the slot's ceiling", () => {
    expect(request1(THREAD, ObjectType.Thread, 3, 255) !== Status.Ok);
    expect(request1(THREAD, ObjectType.Thread, 3, 0) !== Status.Ok);
    expect(request1(THREAD, ObjectType.Thread, 3, 0xffffffffffffffff) !== Status.Ok);
  });
  test("a thread can ask about itself", () => {
    clearLong(0);
    expectEqual(requestLong(THREAD, ObjectType.Thread, 0, 0), Status.Ok);
    expectEqual(word(1), 100);
  });
  test("a server learns who calls", () => {
    expectEqual(callPeer1(Method.Add, 0) === Status.Ok ? 1 : 0, 0);
    expectEqual(request0(PEER, ASSISTANT, Method.WhoCalls), Status.Ok);
    expectEqual(word(0), 77);
    expectEqual(word(2), 0);
  });
  test("a long message is received where a record is ready, else refused to its sender", () => {
    expectEqual(receive(INBOX, HEADER_FLAG_LONG, TIMEOUT_POLL), Status.Timeout);
  });
}

function requestSpin(patience: u64): u32 {
  return request1Within(Method.Spin, 30000000, patience);
}

function request1Within(method: u32, value: u64, patience: u64): u32 {
  store<u64>(spinRecord, value);
  return call(PEER, header(ASSISTANT, method, 1), spinRecord, patience);
}
const spinRecord: usize = memory.data(608, 8);

/** Sets a timer of 5 ms and acts before the timer fires; tries again if the timer fired first. */
function inTime(before: () => void): void {
  for (let attempt = 0; attempt < 100; attempt++) {
    const deadline = now() + 5 * MILLISECOND;
    request3(CLOCK, ObjectType.Clock, 1, deadline, INBOX, 0x100);
    before();
    if (now() < deadline) return;
    request3(CLOCK, ObjectType.Clock, 1, 0, INBOX, 0);
    drainInbox();
  }
}
