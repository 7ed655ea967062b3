import {
  SAVE_CR3,
  SAVE_FS_PROVEN,
  SAVE_PORTS,
  SAVE_R14,
  SAVE_RAX,
  SAVE_RESUME,
  SAVE_RIP,
} from "../abi/thread-save-area";
import { TOKEN_SEQUENCE_SHIFT } from "../abi/system-call";
import { MessageHeader } from "../abi/message-header";
import { Method } from "../monitor/monitor";
import { CAPTURE_BYTES, Capture } from "./capture";
import { THREADS_BASE, THREAD_SEQUENCE_BASE, THREAD_SHIFT } from "./layout";
import { Endpoint } from "./endpoint";
import { HandleEntry } from "./handle-entry";
import { Inbox } from "./inbox";
import { KernelObject } from "./kernel-object";
import { CHAIN_TALLY_BYTES, ChainTally, PRIORITY_TALLY_BYTES, PriorityTally } from "./tally";
import { Timer } from "./timer";

export enum ThreadState {
  /** Running, or in the ready queue; or neither while `suspended`. */
  Ready = 0,
  /** In an inbox's queue and in its endpoint's list, its message in the capture buffer. */
  Calling = 1,
  /** Its call is held by `server`, in whose list of served callers it is. */
  AwaitingReply = 2,
  /** The `receiver` of an inbox. */
  Receiving = 3,
  /** Stopped until its domain ends: no handler received its fault. */
  Faulted = 4,
}

/** A thread: its object header, the save area that the entry stubs know, then the kernel's own. */
@unmanaged
export class Thread extends KernelObject {
  rax: u64;
  rbx: u64;
  rcx: u64;
  rdx: u64;
  rsi: u64;
  rdi: u64;
  rbp: u64;
  r8: u64;
  r9: u64;
  r10: u64;
  r11: u64;
  r12: u64;
  r13: u64;
  r14: u64;
  r15: u64;
  rip: u64;
  rsp: u64;
  rflags: u64;
  fsBase: u64;
  cr3: u64;
  resume: u32;
  ports: u32;
  fsProven: u64;

  timer: u64; // Timer, 16 bytes
  timerRest: u64;

  state: ThreadState;
  suspended: bool;
  /**
   * It stopped by a fault: the kernel has sent a message in its name, and its registers are not
   * those of a system call.
   */
  isFaultCall: bool;
  /** Its header has HEADER_FLAG_LONG: `record` and the `receive…` fields hold. */
  isLong: bool;
  /** Its record has been looked at: `record` and the `receive…` fields hold what it says. */
  isRecordRead: bool;

  basePriority: u32;
  /** At least the base, at most the slot's ceiling: what callers lend counts. */
  priority: u32;
  /** Longest chain of callers that wait for this thread: 0 to CHAIN_MAX. */
  chainBehind: u32;

  /** Links of the queue that it is in, if any: the ready queue, or an inbox's. */
  queueNext: Thread | null;
  queuePrevious: Thread | null;
  /** Its priority in that queue. */
  queuePriority: u32;
  isQueued: bool;

  /** Calling: the endpoint, and the links of its list of callers. */
  endpoint: Endpoint | null;
  callerNext: Thread | null;
  callerPrevious: Thread | null;

  /** Calling: the inbox in whose queue it is. Receiving: the inbox whose receiver it is. */
  inbox: Inbox | null;
  /** The inbox from which it received last: callers in its queue lend to this thread. */
  ownInbox: Inbox | null;

  /** AwaitingReply: who holds the call, and the links of that thread's list. */
  server: Thread | null;
  servedNext: Thread | null;
  servedPrevious: Thread | null;
  /**
   * The newest of the callers whose calls it holds. The others are counted in `servedChains` and
   * `servedPriorities`.
   */
  firstServed: Thread | null;

  /**
   * The handle that the call was made on, and the generation that it had. Null for a call that a
   * server forwarded, and for a fault: those are made on no handle of the caller's.
   */
  callHandle: HandleEntry | null;
  callGeneration: u32;
  /** Interface and method of the call: the `naming` of its header. */
  callHeader: MessageHeader;
  callBadge: u64;
  /** Slot and class of the endpoint's owner when the request was judged. */
  calleeSlot: u32;
  calleeClass: u32;
  /**
   * Epoch under which the verdict bit covered request and response; 0 if the response must be
   * judged.
   */
  callEpoch: u32;
  /** Shape of the method's messages, valid for `callEpoch`; null if it was not looked up. */
  callShape: Method | null;

  /** Where the reply, or a received message, is stored. */
  record: u32;
  receiveAddress: u32;
  receiveBytes: u32;
  receiveHandles: u32;

  /**
   * In the ready queue: ticks that are left of its turn, which was cut short or begins again; 0 if
   * a new one begins.
   */
  sliceLeft: u64;
  /** Number of the turn that it runs on, or ran on last. */
  turn: u64;
  /** Time for which it has run. */
  consumedTicks: u64;

  faultKind: u32;
  faultError: u32;
  faultAddress: u64;

  /** Which of the domain's stacks it has. */
  stack: u32;
  /** All threads of the domain. */
  domainNext: Thread | null;
  domainPrevious: Thread | null;

  /** The saved general register at place `number`, in the order of SAVE_RAX to SAVE_R15. */
  @inline savedRegister(number: u32): u64 {
    return load<u64>(changetype<usize>(this) + ((<usize>number) << 3), SAVE_RAX);
  }
  @inline get timeoutTimer(): Timer {
    return changetype<Timer>(changetype<usize>(this) + offsetof<Thread>("timer"));
  }
  @inline static ofTimer(timer: Timer): Thread {
    return changetype<Thread>(changetype<usize>(timer) - offsetof<Thread>("timer"));
  }
  @inline get capture(): Capture {
    return changetype<Capture>(changetype<usize>(this) + CAPTURE_OFFSET);
  }
  /** Chains behind the callers whose calls it holds, without the newest caller. */
  @inline get servedChains(): ChainTally {
    return changetype<ChainTally>(changetype<usize>(this) + SERVED_CHAINS_OFFSET);
  }
  /** Priorities of the callers whose calls it holds, without the newest caller. */
  @inline get servedPriorities(): PriorityTally {
    return changetype<PriorityTally>(changetype<usize>(this) + SERVED_PRIORITIES_OFFSET);
  }
  @inline get index(): u32 {
    return <u32>((changetype<usize>(this) - THREADS_BASE) >> THREAD_SHIFT);
  }
  /** The thread with this index, or the place where it would be. */
  @inline static at(index: u32): Thread {
    return changetype<Thread>(THREADS_BASE + ((<usize>index) << THREAD_SHIFT));
  }

  /**
   * Number of the call that it makes or made last. It lies outside the thread, so that a later
   * thread at this place goes on counting.
   */
  @inline get sequence(): u64 {
    return load<u64>(THREAD_SEQUENCE_BASE + ((<usize>this.index) << 3));
  }
  set sequence(value: u64) {
    store<u64>(THREAD_SEQUENCE_BASE + ((<usize>this.index) << 3), value);
  }
  /** The token of the call whose reply it awaits. */
  @inline get token(): u64 {
    return (this.sequence << TOKEN_SEQUENCE_SHIFT) | <u64>this.index;
  }
}

/**
 * In place of a base that the program itself may have changed. Not canonical: no base is like it.
 */
export const FS_BASE_UNPROVEN: u64 = ((<u64>1) << 63) | 1;

const SERVED_CHAINS_OFFSET: usize = 824;
const SERVED_PRIORITIES_OFFSET: usize = 848;
/** Where the capture buffer of 640 bytes lies in a thread. */
const CAPTURE_OFFSET: usize = 1408;

if (offsetof<Thread>("rax") !== SAVE_RAX)
  ERROR("Thread.rax moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>("r14") !== SAVE_R14)
  ERROR("Thread.r14 moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>("rip") !== SAVE_RIP)
  ERROR("Thread.rip moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>("cr3") !== SAVE_CR3)
  ERROR("Thread.cr3 moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>("resume") !== SAVE_RESUME)
  ERROR("Thread.resume moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>("ports") !== SAVE_PORTS)
  ERROR("Thread.ports moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>("fsProven") !== SAVE_FS_PROVEN)
  ERROR("Thread.fsProven moved: see kernel/abi/thread-save-area.ts");
if (offsetof<Thread>() > SERVED_CHAINS_OFFSET) ERROR("Thread overlaps its tallies");
if (SERVED_CHAINS_OFFSET + CHAIN_TALLY_BYTES > SERVED_PRIORITIES_OFFSET)
  ERROR("a thread's tallies overlap");
if (SERVED_PRIORITIES_OFFSET + PRIORITY_TALLY_BYTES > CAPTURE_OFFSET)
  ERROR("a thread's tallies overlap its capture buffer");
if (CAPTURE_OFFSET + CAPTURE_BYTES > 1 << THREAD_SHIFT) ERROR("Thread is larger than its place");
