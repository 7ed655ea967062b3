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
import { Domain } from "../object/domain";
import { Thread, ThreadState } from "../object/thread";
import { consumedByThread, removeReady, resumeIfReady } from "../schedule/scheduler";
import { nsOfTicks } from "../x64/timer";
import { MethodCall } from "./method-call";

const PRIORITY_MAX: u32 = 255;

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
  const response = ThreadInfoResponse.at(call.response);
  response.state = thread.suspended ? <u32>ThreadInfoState.Suspended : <u32>thread.state;
  response.priority = thread.basePriority;
  response.effectivePriority = thread.priority;
  response.consumedNs = nsOfTicks(consumedByThread(thread));
  return Status.Ok;
}

/** A thread that waits goes on waiting, and stops when its wait ends. */
function suspend(thread: Thread): Status {
  removeReady(thread);
  thread.suspend();
  return Status.Ok;
}

function resume(thread: Thread): Status {
  thread.suspended = false;
  resumeIfReady(thread);
  return Status.Ok;
}

/** The priority, if the domain may give it to a thread; else 0. */
export function allowedPriority(domain: Domain, priority: u32): u32 {
  if (priority > PRIORITY_MAX || priority > domain.ceiling) return 0;
  // The priority selects a queue, so it is masked: see kernel/base/speculation.ts.
  return priority & PRIORITY_MAX;
}

function setPriority(call: MethodCall, thread: Thread): Status {
  const request = ThreadSetPriorityRequest.at(call.request);
  const priority = allowedPriority(call.domain, request.priority);
  if (priority === 0) return Status.BadArgument;
  thread.basePriority = priority;
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
