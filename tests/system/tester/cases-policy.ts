import { Event } from "../../../kernel/abi/event";
import { FAULT_INTERFACE, ObjectType } from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import { ASSISTANT, Method } from "../assistant-methods";
import {
  arena,
  clearLong,
  receiveArena,
  receivedArenaBytes,
  request0,
  request2,
  request4,
  requestLong,
  sendArena,
  setWord,
  word,
} from "../message";
import { expect, expectEqual, test } from "../tap";
import {
  AUDIT,
  LOG,
  OTHER,
  PEER,
  PEER_SLOT,
  POLICY,
  SLOTS,
  SYSTEM,
  TESTER_SLOT,
  TRACE,
} from "./handles";
import {
  callPeer1,
  describeSlot,
  nextAudit,
  requestWide,
  restartPeer,
  startSlot,
  stopSlot,
} from "./steps";

const DENIED_REQUEST: u64 = 0;
const DENIED_RESPONSE: u64 = 1;

/**
 * The monitor as programs see it: denials, their records, the queries; then trace and the list of
 * slots.
 */
export function policyCases(): void {
  test("a method that no rule allows is denied", () => {
    expectEqual(request0(PEER, ASSISTANT, Method.Forbidden), Status.Denied);
  });
  test("the receiver never learns of a denied request", () => {
    restartPeer();
    request0(PEER, ASSISTANT, Method.Counter);
    const before = word(0);
    request0(PEER, ASSISTANT, Method.Forbidden);
    request0(PEER, ASSISTANT, Method.Counter);
    expectEqual(word(0), before + 1);
  });
  test("a denial leaves a record that names both sides and the method", () => {
    const sequence = nextAudit(AUDIT);
    request0(PEER, ASSISTANT, Method.ForbiddenAnswer);
    request0(PEER, ASSISTANT, Method.Forbidden);
    expectEqual(findRecord(sequence, DENIED_REQUEST), Status.Ok);
    expectEqual(word(3), TESTER_SLOT);
    expectEqual(word(4), PEER_SLOT);
    expectEqual(word(7), ASSISTANT);
    expectEqual(word(8), Method.Forbidden);
  });
  test("a denied answer ends the call without a byte, and the server is not told", () => {
    setWord(0, 12345);
    expectEqual(request0(PEER, ASSISTANT, Method.ForbiddenAnswer), Status.Denied);
    expectEqual(request0(PEER, ASSISTANT, Method.LastStatus), Status.Ok);
    expectEqual(word(0), Status.Ok);
  });
  test("a denied answer leaves a record of its own kind", () => {
    request0(PEER, ASSISTANT, Method.Forbidden);
    const sequence = nextAudit(AUDIT);
    request0(PEER, ASSISTANT, Method.ForbiddenAnswer);
    expectEqual(findRecord(sequence, DENIED_RESPONSE), Status.Ok);
  });
  test("a rule on a field holds at both sides of its limit", () => {
    expectEqual(callPeer1(Method.Limited, 100), Status.Ok);
    expectEqual(word(0), 100);
    expectEqual(callPeer1(Method.Limited, 101), Status.Denied);
    expectEqual(callPeer1(Method.Limited, 0xffffffffffffffff), Status.Denied);
    expectEqual(callPeer1(Method.Limited, 0), Status.Ok);
  });
  test("identical denials in a row are one record with a count", () => {
    request0(PEER, ASSISTANT, Method.Forbidden);
    const sequence = nextAudit(AUDIT);
    for (let turn = 0; turn < 10; turn++) request0(PEER, ASSISTANT, Method.Forbidden);
    expect(nextAudit(AUDIT) <= sequence + 1);
  });
  test("a kernel method that no rule allows is denied and recorded", () => {
    const sequence = nextAudit(AUDIT);
    expectEqual(request0(SYSTEM, ObjectType.System, 2), Status.Denied);
    expect(nextAudit(AUDIT) > sequence);
  });
  test("a record beyond the newest does not exist", () => {
    expectEqual(requestWide(AUDIT, ObjectType.Audit, 1, nextAudit(AUDIT) + 1000), Status.NotFound);
  });
  test("a record has the file and line of the rule", () => {
    request0(PEER, ASSISTANT, Method.Limited + 0);
    const sequence = nextAudit(AUDIT);
    callPeer1(Method.Limited, 4000);
    expectEqual(findRecord(sequence, DENIED_REQUEST), Status.Ok);
    expect(word(10) > 0);
    expect(textOf(AUDIT, ObjectType.Audit, 2, word(9)) > 10);
  });
  test("the text of a rule that does not exist is refused", () => {
    clearLong(1);
    receiveArena(arena, 4096);
    setWord(0, 0xfffffff0);
    expect(requestLong(AUDIT, ObjectType.Audit, 2, 1) !== Status.Ok);
  });
  test("the policy says what would be allowed", () => {
    const peerClass = findClass("Assistant");
    const testerClass = findClass("Tester");
    expect(peerClass > 0);
    expect(testerClass > 0);
    expectEqual(ask(testerClass, peerClass, ASSISTANT, Method.Add, Event.Request), Status.Ok);
    expectEqual(word(0), 1);
    expectEqual(ask(testerClass, peerClass, ASSISTANT, Method.Add, Event.Response), Status.Ok);
    expectEqual(word(0), 1);
    expectEqual(ask(testerClass, peerClass, ASSISTANT, Method.Forbidden, Event.Request), Status.Ok);
    expectEqual(word(0), 0);
    expectEqual(ask(testerClass, peerClass, ASSISTANT, Method.Limited, Event.Request), Status.Ok);
    expectEqual(word(0), 2);
    expectEqual(ask(peerClass, testerClass, ASSISTANT, Method.Add, Event.Request), Status.Ok);
    expectEqual(word(0), 0);
  });
  test("a query about an event that does not exist is malformed", () => {
    expectEqual(
      ask(findClass("Tester"), findClass("Assistant"), ASSISTANT, Method.Add, 3),
      Status.Malformed,
    );
  });
  test("a query about classes that do not exist is answered", () => {
    const status = ask(0xffffffff, 0xffffffff, 0xffffffff, 63, Event.Request);
    expect(status !== Status.Ok || word(0) === 0);
  });
  test("the number of a class leads back to its name", () => {
    expect(textOf(POLICY, ObjectType.Policy, 2, findClass("Tester")) === 6);
  });
  test("a name without a class is not found", () => {
    expectEqual(findClass("Nobody"), 0);
  });
  test("a trace shows the messages between two slots, decoded words and all", () => {
    expectEqual(request2(TRACE, ObjectType.Trace, 0, TESTER_SLOT, PEER_SLOT), Status.Ok);
    request2(PEER, ASSISTANT, Method.Add, 1000, 337);
    expectEqual(request0(TRACE, ObjectType.Trace, 1), Status.Ok);
    clearLong(0);
    let seenRequest = false;
    let seenAnswer = false;
    request2(TRACE, ObjectType.Trace, 0, TESTER_SLOT, PEER_SLOT);
    request2(PEER, ASSISTANT, Method.Add, 1000, 337);
    for (let turn = 0; turn < 16; turn++) {
      clearLong(0);
      receiveArena(arena, 4096);
      if (requestLong(TRACE, ObjectType.Trace, 2, 0) !== Status.Ok) break;
      if (
        word(1) === 0 &&
        word(6) === 2 &&
        load<u64>(arena) === 1000 &&
        load<u64>(arena + 8) === 337
      )
        seenRequest = true;
      if (word(1) === 1 && word(6) === 1 && load<u64>(arena) === 1337) seenAnswer = true;
    }
    expect(seenRequest);
    expect(seenAnswer);
    request0(TRACE, ObjectType.Trace, 1);
  });
  test("a trace of slots that do not exist is refused", () => {
    expect(request2(TRACE, ObjectType.Trace, 0, 0xffffffff, 0xffffffff) !== Status.Ok);
  });
  test("every slot of the image has a name", () => {
    request0(SLOTS, ObjectType.Slots, 0);
    const count = word(0);
    expectEqual(count, 4);
    for (let slot: u64 = 0; slot < count; slot++)
      expect(textOf(SLOTS, ObjectType.Slots, 1, slot) > 0);
  });
  test("a slot's handles can be listed to the last", () => {
    let index: u64 = 0;
    let listed: u32 = 0;
    for (; listed < 1000; listed++) {
      clearLong(2);
      setWord(0, TESTER_SLOT);
      setWord(1, index);
      if (requestLong(SLOTS, ObjectType.Slots, 5, 2) !== Status.Ok) break;
      index = word(0) + 1;
    }
    expect(listed >= 13);
    expect(listed < 1000);
  });
  test("the log accepts text of the greatest length, and no longer text", () => {
    memory.fill(arena, 46, 300);
    expectEqual(logStatus(0), Status.Ok);
    expect(logStatus(257) !== Status.Ok);
  });
  test("the system's memory adds up", () => {
    request0(SYSTEM, ObjectType.System, 0);
    expect(word(1) <= word(0));
    expect(word(1) > 0);
  });
  test("no program may send the kernel's own fault messages", () => {
    expectEqual(request0(PEER, FAULT_INTERFACE, 0), Status.WrongInterface);
  });
  test("garbage in every method of every kernel object gives an error and no harm", () => {
    const values: StaticArray<u64> = [
      0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x8000000000000000, 0xffffffffffffffff,
    ];
    for (let handle: u32 = 1; handle < 14; handle++) {
      for (let type: u32 = 1; type < 16; type++) {
        // Domain.exit, Thread.suspend and kill of oneself do what they say; the Log prints.
        for (let method: u32 = 0; method < 64; method++) {
          if (type === ObjectType.Domain && method === 1) continue;
          if (type === ObjectType.Thread || type === ObjectType.Log) continue;
          if (type === ObjectType.Slots && method >= 3) continue;
          if (type === ObjectType.Domain && (method === 8 || method === 9)) continue;
          const value = unchecked(values[(handle + type + method) & 7]);
          request4(0x10000 | handle, type, method, value, ~value, value >> 1, value << 3);
        }
      }
    }
    expectEqual(request0(OTHER, ASSISTANT, Method.None) === Status.BadHandle ? 1 : 0, 0);
    stopSlot(PEER_SLOT);
    startSlot(PEER_SLOT);
    restartPeer();
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Ok);
    expectEqual(describeSlot(PEER_SLOT), Status.Ok);
  });
}

/** Leaves in the record the first audit record of the kind from `sequence` on. */
function findRecord(sequence: u64, kind: u64): u32 {
  for (let turn = 0; turn < 64; turn++) {
    const status = requestWide(AUDIT, ObjectType.Audit, 1, sequence);
    if (status !== Status.Ok) return status;
    if (word(2) === kind) return Status.Ok;
    sequence = word(0) + 1;
  }
  return Status.NotFound;
}

/** Length of the text that a method returns for a number. */
function textOf(handle: u32, interfaceId: u32, method: u32, value: u64): u32 {
  clearLong(1);
  receiveArena(arena, 4096);
  setWord(0, value);
  return requestLong(handle, interfaceId, method, 1) === Status.Ok ? receivedArenaBytes() : 0;
}

/** Five words: one more than registers hold. */
function ask(subject: u64, target: u64, interfaceId: u64, method: u64, event: u64): u32 {
  clearLong(5);
  setWord(0, subject);
  setWord(1, target);
  setWord(2, interfaceId);
  setWord(3, method);
  setWord(4, event);
  return requestLong(POLICY, ObjectType.Policy, 1, 5);
}

function findClass(name: string): u64 {
  for (let index = 0; index < name.length; index++)
    store<u8>(arena + index, <u8>name.charCodeAt(index));
  clearLong(1);
  sendArena(arena, name.length);
  setWord(0, (<u64>name.length) << 32);
  return requestLong(POLICY, ObjectType.Policy, 3, 1) === Status.Ok ? word(0) : 0;
}

function logStatus(bytes: u32): u32 {
  clearLong(1);
  sendArena(arena, bytes);
  setWord(0, (<u64>bytes) << 32);
  return requestLong(LOG, ObjectType.Log, 0, 1);
}
