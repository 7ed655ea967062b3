// What the fast and the middle path have in common: a call to a receiver that waits, and the answer
// by the thread that holds that call alone.

import { Inbox, RECEIVED_BY_NONE } from "../object/inbox";
import { Thread, ThreadState } from "../object/thread";

export class ShortWay {
  /** The priority of a receiver that holds the caller's call and no other. */
  @inline
  static priority(caller: Thread, receiver: Thread): u32 {
    const lent = caller.priority < receiver.ceiling ? caller.priority : receiver.ceiling;
    return lent < receiver.basePriority ? receiver.basePriority : lent;
  }

  /**
   * Commits a call: `receiver`, which waits at `inbox`, holds it from now on and is ready.
   * `priority`: the result of the function of that name.
   */
  @inline
  static giveCall(caller: Thread, receiver: Thread, inbox: Inbox, token: u64, priority: u32): void {
    caller.token = token;
    caller.server = receiver;
    receiver.firstServed = caller;
    receiver.chainBehind = caller.chainBehind + 1;
    receiver.priority = priority;
    receiver.stand(ThreadState.Ready);
    inbox.receiving = RECEIVED_BY_NONE;
  }

  /**
   * True if `inbox` is the number by which the thread received last, and a receive there only
   * waits. Then `ownInbox` is not null.
   */
  @inline
  static onlyWaits(thread: Thread, inbox: u64): bool {
    return (
      inbox === <u64>thread.ownInboxNumber &&
      inbox !== 0 &&
      changetype<Inbox>(thread.ownInbox).isQuiet
    );
  }

  /**
   * Commits an answer: `caller`, whose call was the only one that the server held, is ready, and a
   * message may be given to the server at its inbox. The server's state is left to set.
   */
  @inline
  static takeAnswer(server: Thread, inbox: Inbox, caller: Thread): void {
    caller.stand(ThreadState.Ready);
    server.firstServed = null;
    server.chainBehind = 0;
    server.priority = server.basePriority;
    inbox.receiving = server.instance;
  }
}
