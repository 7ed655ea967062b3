// The call and the reply that the fast path does not take because the message has a record, but
// whose receiver waits and whose verdict is cached. As on the fast path, each either does exactly
// what the slow path does, or declines. What was captured until then, the slow path captures again.

import { ObjectType, RIGHT_CALL } from "../abi/object";
import {
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
  MESSAGE_WORDS_MAX,
  REGISTER_WORDS_MAX as REGISTER_WORDS,
  TIMEOUT_NONE,
} from "../abi/system-call";
import { GUARD_STRUCTURE, GUARD_TOKEN, GUARD_VERDICT } from "../base/guards";
import { clamped } from "../base/speculation";
import { HandleTable, hasRights } from "../handle/table";
import { RecordInPage } from "../ipc/record-in-page";
import { Arguments, RegisterWords } from "../ipc/registers";
import { startTimeoutAtExit } from "../ipc/wait";
import { CopyResult, copyBetween } from "../memory/user-memory";
import { Event, Method, checkShape, epoch } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { Endpoint } from "../object/endpoint";
import { Inbox } from "../object/inbox";
import { CHAIN_MAX } from "../object/tally";
import { TOKEN_STEP, Thread, ThreadState } from "../object/thread";
import { canHandOver, handBack, handOver } from "../schedule/scheduler";
import { clearTimer } from "../schedule/timers";
import { resumeSavedMessage } from "../x64/assembly";
import { ShortWay } from "./short-way";

const REGISTER_WORDS_MAX: u32 = REGISTER_WORDS;

/** A call, without handles, straight to a receiver that waits. False if it declines. */
export function middleCall(caller: Thread): bool {
  const passed = Arguments.of(caller);
  const header = passed.header;
  if (
    header.flags !== <u32>HEADER_FLAG_LONG ||
    header.registerWords > REGISTER_WORDS_MAX ||
    !GUARD_VERDICT
  )
    return false;

  const domain = changetype<Domain>(caller.domain);
  const handle = passed.handle;
  const place = HandleTable.place(handle);
  if (place >= domain.handleHigh) return false;
  const entry = HandleTable.at(domain, place);
  if (!HandleTable.names(handle, place, entry, ObjectType.Endpoint)) return false;
  if (!hasRights(entry, RIGHT_CALL) || header.interfaceId !== entry.interfaceId) return false;
  const now = epoch();
  if (entry.epoch !== now) return false;
  const method = header.method;
  if (((entry.verdicts >> <u64>method) & 1) === 0) return false;

  // No object of these is null: the handle is in use, and an endpoint has an inbox.
  const inbox = changetype<Inbox>(changetype<Endpoint>(entry.object).inbox);
  if (entry.seenInstance !== inbox.receiving) return false;
  const receiver = changetype<Thread>(inbox.thread);
  const token = caller.token + TOKEN_STEP;
  if (token < TOKEN_STEP || caller.chainBehind >= CHAIN_MAX) return false;
  const priority = ShortWay.priority(caller, receiver);
  if (!canHandOver(priority)) return false;

  const record = passed.record;
  const source = RecordInPage.find(domain, record);
  if (source === 0 || !RecordInPage.captureSizes(caller, record, source)) return false;
  const message = caller.capture;
  const words = clamped(message.wordCount, <u32>MESSAGE_WORDS_MAX + 1);
  const arenaBytes = message.arenaBytes;
  // Captured even if nothing reads the words here: the receiver may forward the call.
  RegisterWords.of(caller).storeFirst(message.words, words);
  RecordInPage.captureWords(caller, source, words);
  const shape = entry.shape(method);
  if (
    GUARD_STRUCTURE &&
    (arenaBytes !== 0 || !shape.takesAny(true, words)) &&
    checkShape(Event.Request, shape, message) !== 0
  )
    return false;
  let target: u64 = 0;
  if (words > REGISTER_WORDS_MAX || arenaBytes !== 0) {
    target = RecordInPage.ofReceiver(receiver, arenaBytes);
    if (target === 0) return false;
    if (arenaBytes !== 0 && !copyArena(receiver, caller)) return false;
  }

  // Commit point. Nothing below can fail.
  const naming = header.naming;
  caller.callHeader = naming;
  caller.callEpoch = now;
  caller.callShape = shape;
  caller.state = ThreadState.AwaitingReply;
  ShortWay.giveCall(caller, receiver, inbox, token, priority);

  RegisterWords.of(receiver).copyFirst(caller, words);
  let registerWords = words;
  let flags: u32 = 0;
  if (target !== 0) {
    RecordInPage.storeSizes(target, words, arenaBytes);
    flags = HEADER_FLAG_LONG;
    if (words > REGISTER_WORDS_MAX) {
      RecordInPage.storeWords(target, caller, words);
      registerWords = REGISTER_WORDS_MAX;
    }
  }
  handOver(caller, receiver);
  if (passed.timeoutNs !== TIMEOUT_NONE) startTimeoutAtExit(caller, passed.timeoutNs);
  resumeSavedMessage(
    token,
    naming.received(registerWords, flags).word,
    entry.badge,
    <u32>changetype<usize>(receiver),
    caller.identityShown,
  );
  return true;
}

/**
 * An answer, without handles, by the thread that holds the call, which then waits for the next.
 * False if it declines.
 */
export function middleReply(server: Thread): bool {
  const passed = Arguments.of(server);
  const header = passed.header;
  if (
    (header.flags & ~(<u32>HEADER_FLAG_RECORD)) !== <u32>(HEADER_FLAG_RECEIVE | HEADER_FLAG_LONG) ||
    header.registerWords > REGISTER_WORDS_MAX ||
    passed.timeoutNs !== TIMEOUT_NONE
  )
    return false;
  if (!GUARD_TOKEN || !GUARD_VERDICT) return false;

  const caller = server.firstServed;
  if (caller === null || caller.servedNext !== null || passed.token !== caller.token) return false;
  if (caller.callEpoch !== epoch() || caller.isHeldBack) return false;
  if (!ShortWay.onlyWaits(server, passed.inbox)) return false;
  const inbox = changetype<Inbox>(server.ownInbox);
  if (caller.turn !== server.turn || !canHandOver(caller.priority)) return false;

  const domain = changetype<Domain>(server.domain);
  const record = passed.record;
  const source = RecordInPage.find(domain, record);
  if (source === 0 || !RecordInPage.captureSizes(server, record, source)) return false;
  const message = server.capture;
  const words = clamped(message.wordCount, <u32>MESSAGE_WORDS_MAX + 1);
  const arenaBytes = message.arenaBytes;
  const shape = changetype<Method>(caller.callShape); // Not null where there is an epoch.
  const isFree = GUARD_STRUCTURE && arenaBytes === 0 && shape.takesAny(false, words);
  if (!isFree) {
    RegisterWords.of(server).storeFirst(message.words, words);
    RecordInPage.captureWords(server, source, words);
    if (GUARD_STRUCTURE && checkShape(Event.Response, shape, message) !== 0) return false;
  }
  let target: u64 = 0;
  if (words > REGISTER_WORDS_MAX || arenaBytes !== 0) {
    target = RecordInPage.ofReceiver(caller, arenaBytes);
    if (target === 0) return false;
    if (arenaBytes !== 0 && !copyArena(caller, server)) return false;
  }

  // Commit point. Nothing below can fail.
  ShortWay.takeAnswer(server, inbox, caller);
  server.state = ThreadState.Receiving;

  RegisterWords.of(caller).copyFirst(server, words);
  let registerWords = words;
  let flags: u32 = 0;
  if (target !== 0) {
    flags = HEADER_FLAG_LONG;
    if (words > REGISTER_WORDS_MAX) {
      // Words that nothing has read are copied once.
      if (isFree) RecordInPage.moveWords(target, source, server, words);
      else RecordInPage.storeWords(target, server, words);
      registerWords = REGISTER_WORDS_MAX;
    }
    RecordInPage.storeSizes(target, words, arenaBytes);
  }
  handBack(server, caller);
  if (caller.isTimed) clearTimer(caller.timeoutTimer);
  const received = caller.callHeader.received(registerWords, flags).word;
  resumeSavedMessage(0, received, 0, <u32>changetype<usize>(caller), 0);
  return true;
}

/** Copies the arena of a captured message to where its receiver wants it. False if it cannot. */
function copyArena(receiver: Thread, sender: Thread): bool {
  const message = sender.capture;
  return (
    copyBetween(
      changetype<Domain>(receiver.domain),
      receiver.receiveAddress,
      changetype<Domain>(sender.domain),
      message.arenaAddress,
      message.arenaBytes,
      false,
    ) === CopyResult.Done
  );
}
