import { Status } from "../abi/status";
import { endWait } from "../ipc/wait";
import { updatePriority } from "../ipc/lending";
import { killThread } from "../domain/threads";
import { Thread, ThreadState } from "../object/thread";
import { account, currentThread, removeReady, resumeIfReady } from "../schedule/scheduler";
import { nowNs } from "../x64/timer";
import { argument32, calledHandle, callingDomain, give } from "./method-frame";

export function threadMethod(method: u32): Status {
  const thread = Thread.of(calledHandle().object!);
  if (thread.owner !== callingDomain().slot) return Status.NoRight;
  switch (method) {
    case 0:
      return info(thread);
    case 1:
      return suspend(thread);
    case 2:
      return resume(thread);
    case 3:
      return setPriority(thread);
    case 4:
      return cancel(thread);
    default:
      return kill(thread);
  }
}

function info(thread: Thread): Status {
  if (thread === currentThread) account(thread, nowNs());
  give(thread.suspended ? 5 : <u64>(<u32>thread.state));
  give(<u64>thread.basePriority);
  give(<u64>thread.priority);
  give(thread.consumed);
  return Status.Ok;
}

/** A thread that waits goes on waiting, and stops when its wait ends. */
function suspend(thread: Thread): Status {
  removeReady(thread);
  thread.suspended = true;
  return Status.Ok;
}

function resume(thread: Thread): Status {
  thread.suspended = false;
  resumeIfReady(thread);
  return Status.Ok;
}

function setPriority(thread: Thread): Status {
  const priority = argument32(0);
  if (priority === 0 || priority > 255 || priority > callingDomain().ceiling)
    return Status.BadArgument;
  thread.basePriority = priority & 255; // It selects a queue: see kernel/base/speculation.ts.
  updatePriority(thread);
  return Status.Ok;
}

/** A thread that waits for the answer to its fault is not cancelled. */
function cancel(thread: Thread): Status {
  if (
    thread.state === ThreadState.Ready ||
    thread.state === ThreadState.Faulted ||
    thread.isFaultCall
  )
    return Status.NotFound;
  endWait(thread, Status.Cancelled);
  return Status.Ok;
}

/** Answers Again until the calls that the thread holds are ended. */
function kill(thread: Thread): Status {
  return killThread(thread) ? Status.Ok : Status.Again;
}
