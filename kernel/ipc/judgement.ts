// What IPC asks the monitor. The short way goes by the verdict bits that the handle caches;
// structure is checked on every way.

import { CLASS_KERNEL, METHOD_BYTES } from "../abi/blob";
import {
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_MASK,
  HEADER_METHOD_SHIFT,
} from "../abi/system-call";
import { Status } from "../abi/status";
import { GUARD_STRUCTURE, GUARD_VERDICT } from "../base/guards";
import {
  Event,
  checkShape,
  epoch,
  judge,
  judgeEarly,
  methodShape,
  verdictBits,
} from "../monitor/monitor";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";
import {
  CAPTURE_ARENA_BYTES,
  CAPTURE_CARRIED,
  CAPTURE_HANDLE_COUNT,
  CAPTURE_WORDS,
  CAPTURE_WORD_COUNT,
} from "../object/capture";

export function methodOf(header: u32): u32 {
  return (header >> HEADER_METHOD_SHIFT) & HEADER_METHOD_MASK;
}
export function interfaceOf(header: u32): u32 {
  return header >> HEADER_INTERFACE_SHIFT;
}

/** Who speaks: the caller's class, or the kernel where it reports a fault in the caller's place. */
export function subjectClass(caller: Thread, domain: Domain): u32 {
  return caller.isFaultCall ? <u32>CLASS_KERNEL : domain.classId;
}

/**
 * Whether the handle's cached verdict covers the method, the cache renewed if a new policy has come
 * into force.
 */
function isCovered(entry: HandleEntry, subject: u32, header: u32): bool {
  const now = epoch();
  if (entry.epoch !== now) {
    entry.verdicts = verdictBits(subject, entry.classId, entry.interfaceId);
    entry.shapes = <u32>methodShape(entry.interfaceId, 0);
    entry.epoch = now;
  }
  return ((entry.verdicts >> <u64>methodOf(header)) & 1) !== 0;
}

/** Asked before a caller queues. It may only deny. */
export function judgeBeforeQueue(
  caller: Thread,
  domain: Domain,
  entry: HandleEntry | null,
  targetSlot: u32,
  targetClass: u32,
): Status {
  const header = caller.callHeader;
  const subject = subjectClass(caller, domain);
  if (entry !== null && isCovered(entry, subject, header)) return Status.Ok;
  return <Status>(
    judgeEarly(domain.slot, targetSlot, subject, targetClass, interfaceOf(header), methodOf(header))
  );
}

/**
 * Judges the request in a caller's capture buffer. `entry` is the handle it was made on, null if it
 * was passed on or comes from the kernel. Leaves in `callEpoch` whether the response needs to be
 * judged.
 */
export function judgeRequest(
  caller: Thread,
  domain: Domain,
  entry: HandleEntry | null,
  targetSlot: u32,
  targetClass: u32,
): Status {
  const capture = caller.capture;
  const header = caller.callHeader;
  const words = load<u32>(capture, CAPTURE_WORD_COUNT);
  const handles = load<u32>(capture, CAPTURE_HANDLE_COUNT);
  const arenaBytes = load<u32>(capture, CAPTURE_ARENA_BYTES);
  caller.callEpoch = 0;
  caller.callShape = 0;
  if (entry !== null && handles === 0 && isCovered(entry, domain.classId, header)) {
    // A bit is set only for a method that exists; without the guard all are.
    const shape = GUARD_VERDICT
      ? <usize>entry.shapes + <usize>methodOf(header) * METHOD_BYTES
      : methodShape(interfaceOf(header), methodOf(header));
    if (shape !== 0) {
      if (
        !GUARD_STRUCTURE ||
        checkShape(Event.Request, shape, capture + CAPTURE_WORDS, words, 0, 0, arenaBytes) === 0
      ) {
        caller.callEpoch = entry.epoch;
        caller.callShape = shape;
        return Status.Ok;
      }
    }
  }
  return <Status>(
    judge(
      Event.Request,
      domain.slot,
      targetSlot,
      subjectClass(caller, domain),
      targetClass,
      interfaceOf(header),
      methodOf(header),
      capture + CAPTURE_WORDS,
      words,
      capture + CAPTURE_CARRIED,
      handles,
      arenaBytes,
    )
  );
}

/** Judges the answer in a server's capture buffer to a call that was granted before. */
export function judgeReply(
  server: Thread,
  caller: Thread,
  callerDomain: Domain,
  isError: bool,
): Status {
  const capture = server.capture;
  const header = caller.callHeader;
  const words = load<u32>(capture, CAPTURE_WORD_COUNT);
  const handles = load<u32>(capture, CAPTURE_HANDLE_COUNT);
  const arenaBytes = load<u32>(capture, CAPTURE_ARENA_BYTES);
  if (!isError && handles === 0 && caller.callEpoch === epoch()) {
    const shape = caller.callShape;
    if (
      shape !== 0 &&
      (!GUARD_STRUCTURE ||
        checkShape(Event.Response, shape, capture + CAPTURE_WORDS, words, 0, 0, arenaBytes) === 0)
    )
      return Status.Ok;
  }
  return <Status>(
    judge(
      isError ? Event.Error : Event.Response,
      callerDomain.slot,
      caller.calleeSlot,
      subjectClass(caller, callerDomain),
      caller.calleeClass,
      interfaceOf(header),
      methodOf(header),
      capture + CAPTURE_WORDS,
      words,
      capture + CAPTURE_CARRIED,
      handles,
      arenaBytes,
    )
  );
}
