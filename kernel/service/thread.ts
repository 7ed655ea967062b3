import {
  ThreadInfoResponse,
  ThreadInfoState,
  ThreadMethod,
  ThreadSetPriorityRequest,
} from "../../build/generated/kernel/Thread";
import { Status } from "../abi/status";
import { killThread } from "../domain/threads";
import { updatePriority } from "../ipc/lending";
import { endWait } from "../ipc/wait";
import { Thread, ThreadState } from "../object/thread";
import { account, currentThread, removeReady, resumeIfReady } from "../schedule/scheduler";
import { nowNs } from "../x64/timer";
import { MethodCall } from "./method-call";

if (<u32>ThreadInfoState.Faulted !== <u32>ThreadState.Faulted)
  ERROR("ThreadState and the interface Thread number the states differently");

export function threadMethod(method: u32, call: MethodCall): Status {
  const thread = changetype<Thread>(call.handle.object!);
  if (thread.owner !== call.domain.slot) return Status.NoRight;
  switch (method) {
    case ThreadMethod.Info:
      return info(call, thread);
    case ThreadMethod.Suspend:
      return suspend(thread);
    case ThreadMethod.Resume:
      return resume(thread);
    case ThreadMethod.SetPriority:
      return setPriority(call, thread);
    case ThreadMethod.Cancel:
      return cancel(thread);
    case ThreadMethod.Kill:
      return kill(thread);
    default:
      return Status.BadHeader;
  }
}

function info(call: MethodCall, thread: Thread): Status {
  if (thread === currentThread) account(thread, nowNs());
  const response = ThreadInfoResponse.at(call.response);
  response.state = thread.suspended ? <u32>ThreadInfoState.Suspended : <u32>thread.state;
  response.priority = thread.basePriority;
  response.effectivePriority = thread.priority;
  response.consumedNs = thread.consumed;
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

function setPriority(call: MethodCall, thread: Thread): Status {
  const priority = ThreadSetPriorityRequest.at(call.request).priority;
  if (priority === 0 || priority > 255 || priority > call.domain.ceiling) return Status.BadArgument;
  // The priority selects a queue, so it is masked: see kernel/base/speculation.ts.
  thread.basePriority = priority & 255;
  updatePriority(thread);
  return Status.Ok;
}

/** NotFound if the thread waits for nothing, or for its fault handler: that wait must not end. */
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

/** Returns Again until the calls that the thread holds are ended. */
function kill(thread: Thread): Status {
  return killThread(thread) ? Status.Ok : Status.Again;
}
