import { SlotsDescribeState as State } from "../../../build/generated/kernel/Slots";
import { FaultKind } from "../../../kernel/abi/fault";
import { ObjectType } from "../../../kernel/abi/object";
import { Status } from "../../../kernel/abi/status";
import { ASSISTANT, Method } from "../assistant-methods";
import { call } from "../../../services/runtime/trine";
import { header, receive, request, request0, request1, word } from "../message";
import { comment, expect, expectEqual, test } from "../tap";
import {
  AUDIT,
  INBOX,
  MODERN_SLOT,
  OTHER,
  OTHER_SLOT,
  PEER,
  PEER_SLOT,
  SLOTS,
  SLOT_CHANGED,
} from "./handles";
import {
  LATE,
  awaitSlot,
  callPeer1,
  describeSlot,
  drainInbox,
  freePages,
  MILLISECOND,
  nextAudit,
  requestWide,
  restartPeer,
  slotState,
  startSlot,
  stopSlot,
} from "./steps";

/** Of how the last instance ended. */
const EXITED: u64 = 1;
/** Kind of a record in the audit log. */
const FAULT_RECORD: u64 = 4;
/** In the order of the assistant's method `crash`. */
const FAULTS: StaticArray<u32> = [
  FaultKind.Unreachable,
  FaultKind.NullReference,
  FaultKind.OutOfBounds,
  FaultKind.DivideByZero,
  FaultKind.StackExhausted,
  FaultKind.OutOfBounds,
  FaultKind.DivideOverflow,
  FaultKind.IndirectCallSignature,
  FaultKind.IndirectCallBound,
  FaultKind.IndirectCallNull,
  FaultKind.OutOfBounds,
];

/** Where the assistant's first memory object is mapped: 64 KiB above its largest memory. */
const MAPPED: u64 = 0x210000;
/**
 * Code lies from here on: where a check stops a copy before any byte is written, the fault's
 * address is the check's own.
 */
const CODE: u64 = 0x10_0000_0000;
/** In the order of `crashInMapped`: the address of the fault, or CODE. */
const MAPPED_FAULTS: StaticArray<u64> = [
  MAPPED + 4096,
  MAPPED + 4096,
  CODE,
  CODE,
  CODE,
  MAPPED + 4096,
  MAPPED + 4096,
  CODE,
];
const FIRST_MAPPED_FAULT: u32 = 11;

/** Death and restart: in each state, seen from the caller, with everything given back. */
export function lifeCases(): void {
  test("a slot that runs is not started twice", () => {
    expectEqual(startSlot(PEER_SLOT), Status.Busy);
  });
  test("a slot that does not exist is refused", () => {
    expect(startSlot(200) !== Status.Ok);
    expect(request1(SLOTS, ObjectType.Slots, 4, 0xffffffff) !== Status.Ok);
    expect(describeSlot(0xffffffff) !== Status.Ok);
  });
  // toolchain/testing/kernel-suite.ts checks which of the two it is on each processor.
  test("a program for newer processors computes what it should, or is not started", () => {
    const status = startSlot(MODERN_SLOT);
    if (status === Status.Unsupported) {
      expectEqual(slotState(MODERN_SLOT), State.Empty);
      return;
    }
    expectEqual(status, Status.Ok);
    expect(awaitSlot(MODERN_SLOT, State.Empty));
    describeSlot(MODERN_SLOT);
    expectEqual(word(12), EXITED);
    // Of 0, 1, 0xf0 and 2^31: 87 leading zeros, 67 trailing ones, 6 ones.
    expectEqual(word(13), 87 + 100 * 67 + 10_000 * 6);
  });
  test("a stopped slot is empty and can be started again", () => {
    expectEqual(stopSlot(PEER_SLOT), Status.Ok);
    expectEqual(slotState(PEER_SLOT), State.Empty);
    expectEqual(startSlot(PEER_SLOT), Status.Ok);
    expectEqual(slotState(PEER_SLOT), State.Running);
  });
  test("the first call after a restart returns Restarted once, then calls work", () => {
    restartPeer();
    stopSlot(PEER_SLOT);
    startSlot(PEER_SLOT);
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Restarted);
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Ok);
    expectEqual(request0(PEER, ASSISTANT, Method.Counter), Status.Ok);
    expectEqual(word(0), 2);
  });
  test("a call while the slot is down waits within its timeout", () => {
    restartPeer();
    stopSlot(PEER_SLOT);
    expectEqual(request(PEER, ASSISTANT, Method.None, 0, 10 * MILLISECOND), Status.Timeout);
    startSlot(PEER_SLOT);
    request0(PEER, ASSISTANT, Method.None);
    expectEqual(request0(PEER, ASSISTANT, Method.None), Status.Ok);
  });
  test("each kind of fault ends the domain, its caller gets PeerDied, and the record names the kind", () => {
    for (let how = 0; how < FAULTS.length; how++) {
      restartPeer();
      const sequence = nextAudit(AUDIT);
      expectEqual(callPeer1(Method.Crash, how), Status.PeerDied);
      expect(awaitSlot(PEER_SLOT, State.Empty));
      expectEqual(requestWide(AUDIT, ObjectType.Audit, 1, sequence), Status.Ok);
      expectEqual(word(2), FAULT_RECORD);
      expectEqual(word(8), FAULTS[how]);
      startSlot(PEER_SLOT);
    }
    restartPeer();
  });
  test("copies and fills end where stores do: at a mapped page's end, at 4 GiB, at the end of the program's own memory", () => {
    for (let how = 0; how < MAPPED_FAULTS.length; how++) {
      restartPeer();
      const sequence = nextAudit(AUDIT);
      expectEqual(callPeer1(Method.Crash, FIRST_MAPPED_FAULT + how), Status.PeerDied);
      expect(awaitSlot(PEER_SLOT, State.Empty));
      expectEqual(requestWide(AUDIT, ObjectType.Audit, 1, sequence), Status.Ok);
      expectEqual(word(2), FAULT_RECORD);
      expectEqual(word(8), FaultKind.OutOfBounds);
      expectEqual(min(word(12), CODE), MAPPED_FAULTS[how]);
      startSlot(PEER_SLOT);
    }
    restartPeer();
  });
  test("a domain that exits ends its caller's call", () => {
    restartPeer();
    expectEqual(callPeer1(Method.Exit, 0), Status.PeerDied);
    expect(awaitSlot(PEER_SLOT, State.Empty));
    startSlot(PEER_SLOT);
    restartPeer();
  });
  test("the supervisor is notified of a slot's end", () => {
    drainInbox();
    callPeer1(Method.Exit, 0);
    const status = receive(INBOX, 0, LATE);
    expectEqual(status, Status.Notified);
    expectEqual(word(0) & SLOT_CHANGED, SLOT_CHANGED);
    awaitSlot(PEER_SLOT, State.Empty);
    startSlot(PEER_SLOT);
    restartPeer();
    drainInbox();
  });
  test("killed while receiving, a domain gives back every page", () => {
    expectGivenBack(() => {});
  });
  test("killed while holding a call, a domain gives back every page", () => {
    expectGivenBack(() => {
      request(PEER, ASSISTANT, Method.Hold, 0, MILLISECOND);
    });
  });
  test("killed while computing, a domain gives back every page", () => {
    expectGivenBack(() => {
      setSpin(MILLISECOND);
    });
  });
  test("killed with touched memory, a domain gives back every page", () => {
    expectGivenBack(() => {
      callPeer1(Method.Touch, 40);
    });
  });
  test("killed with as many objects as its quota allows, a domain gives back every page", () => {
    expectGivenBack(() => {
      request0(PEER, ASSISTANT, Method.Hoard);
    });
  });
  test("killed while it waits for another domain's answer, a domain gives back every page", () => {
    expectGivenBack(() => {
      startSlot(OTHER_SLOT);
    });
  });
  test("fifty starts and kills leave the free memory as it was", () => {
    restartPeer();
    stopSlot(PEER_SLOT);
    const before = freePages();
    for (let round = 0; round < 50; round++) {
      startSlot(PEER_SLOT);
      request(PEER, ASSISTANT, Method.None, 0, 100 * MILLISECOND);
      stopSlot(PEER_SLOT);
    }
    expectEqual(freePages(), before);
    startSlot(PEER_SLOT);
    restartPeer();
  });
  test("touching memory beyond the quota ends the domain, not the machine", () => {
    restartPeer();
    expectEqual(callPeer1(Method.Touch, 4000), Status.PeerDied);
    expect(awaitSlot(PEER_SLOT, State.Empty));
    startSlot(PEER_SLOT);
    restartPeer();
  });
  test("the death of one domain does not change the session of another", () => {
    request0(OTHER, ASSISTANT, Method.None);
    request0(OTHER, ASSISTANT, Method.Counter);
    const before = word(0);
    stopSlot(PEER_SLOT);
    startSlot(PEER_SLOT);
    request0(OTHER, ASSISTANT, Method.Counter);
    expectEqual(word(0), before + 1);
    restartPeer();
  });
  test("a slot counts its starts", () => {
    describeSlot(PEER_SLOT);
    const before = word(6);
    stopSlot(PEER_SLOT);
    startSlot(PEER_SLOT);
    describeSlot(PEER_SLOT);
    expectEqual(word(6), before + 1);
    restartPeer();
  });
}

/** The domain still computes when the caller's timeout ends. */
function setSpin(patience: u64): void {
  store<u64>(spinRecord, 0x7fffffff);
  call(PEER, header(ASSISTANT, Method.Spin, 1), spinRecord, patience);
}
const spinRecord: usize = memory.data(608, 8);

/**
 * Starts the peer afresh, brings it into a state, kills it, and compares free memory with that
 * after a plain start and kill.
 */
function expectGivenBack(prepare: () => void): void {
  restartPeer();
  stopSlot(PEER_SLOT);
  const before = freePages();
  startSlot(PEER_SLOT);
  request0(PEER, ASSISTANT, Method.None);
  request0(PEER, ASSISTANT, Method.None);
  prepare();
  expectEqual(stopSlot(PEER_SLOT), Status.Ok);
  const after = freePages();
  if (after !== before) comment("pages missing", before - after);
  expectEqual(after, before);
  startSlot(PEER_SLOT);
  restartPeer();
}
