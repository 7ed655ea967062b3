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
import { Domain } from "./domain";
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

  // Together one word, so that a thread's state and what it stands for change in one store: see
  // `stand`.
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

  /** The domain that owns it. */
  domain: Domain | null;
  /** The instance of the slot that it belongs to. */
  instance: u32;
  /** Class and slot, as a receiver sees them: `Result.callerIdentity`. */
  identityShown: u64;
  /** The slot's: no lent priority is higher. */
  ceiling: u32;

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

  /** Calling: the inbox in whose queue it is. */
  inbox: Inbox | null;
  /**
   * The inbox from which it received last: callers in its queue lend to this thread. Receiving: the
   * inbox whose receiver it is.
   */
  ownInbox: Inbox | null;
  /** Number of the handle by which it received there last; 0 if that handle may be gone. */
  ownInboxNumber: u32;

  /** AwaitingReply: who holds the call. */
  server: Thread | null;
  /** The links of that thread's list; null in every other state. */
  servedNext: Thread | null;
  servedPrevious: Thread | null;
  /**
   * The newest of the callers whose calls it holds. The others are counted in `servedChains` and
   * `servedPriorities`.
   */
  firstServed: Thread | null;

  /** The token of the call that it makes or made last. */
  token: u64;
  /** Interface and method of the call: the `naming` of its header. */
  callHeader: MessageHeader;
  /**
   * Until the request is received: the handle that the call was made on, and the generation and
   * badge that it had. The handle is null for a call that a server forwarded, and for a fault:
   * those are made on no handle of the caller's.
   */
  callHandle: HandleEntry | null;
  callGeneration: u32;
  callBadge: u64;
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
  /** Time for which it has run; less the time stamp at which it began to run while it runs. */
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
  /** True if its timeout runs. */
  @inline get isTimed(): bool {
    return (
      load<u32>(
        changetype<usize>(this) + offsetof<Thread>("timer") + offsetof<Timer>("heapIndex"),
      ) !== 0
    );
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

  /** True if it is suspended or stopped by a fault. */
  @inline get isHeldBack(): bool {
    return load<u16>(changetype<usize>(this) + offsetof<Thread>("suspended")) !== 0;
  }
  /**
   * Puts a thread into a state, in one store. It is neither suspended nor stopped by a fault, and
   * has no record.
   */
  @inline stand(state: ThreadState): void {
    store<u64>(changetype<usize>(this) + offsetof<Thread>("state"), <u64>(<u32>state));
  }
  /** It no longer is the thread that received last at an inbox. False if it was not. */
  leaveOwnInbox(inbox: Inbox): bool {
    if (this.ownInbox !== inbox) return false;
    this.ownInbox = null;
    this.ownInboxNumber = 0;
    return true;
  }
  /** It stops, at once or, if it waits, when its wait ends. */
  suspend(): void {
    this.suspended = true;
    if (this.state === ThreadState.Receiving) this.ownInbox!.letWait(this, true);
  }
  /** Where the last token of a thread at this place is kept while there is none. */
  @inline private get lastToken(): usize {
    return THREAD_SEQUENCE_BASE + ((<usize>this.index) << 3);
  }
  /** A new thread counts its calls from where the last thread at its place ended. */
  takeToken(): void {
    this.token = load<u64>(this.lastToken) | <u64>this.index;
  }
  leaveToken(): void {
    store<u64>(this.lastToken, this.token);
  }
}

/** Between the token of a call and the token of the thread's next. */
export const TOKEN_STEP: u64 = 1 << TOKEN_SEQUENCE_SHIFT;
/**
 * A thread with a token from here on makes no more calls, so that no token is used twice.
 */
export const TOKEN_LAST: u64 = (<u64>0xffff_ffff_ffff) << TOKEN_SEQUENCE_SHIFT;

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
if ((offsetof<Thread>("state") & 7) !== 0) ERROR("a thread's state is not one aligned word");
if (offsetof<Thread>("isFaultCall") !== offsetof<Thread>("suspended") + 1)
  ERROR("what holds a thread back is not one word");
if (offsetof<Thread>("isRecordRead") !== offsetof<Thread>("state") + 7)
  ERROR("a thread's state is more than one word");
if (offsetof<Thread>() > SERVED_CHAINS_OFFSET) ERROR("Thread overlaps its tallies");
if (SERVED_CHAINS_OFFSET + CHAIN_TALLY_BYTES > SERVED_PRIORITIES_OFFSET)
  ERROR("a thread's tallies overlap");
if (SERVED_PRIORITIES_OFFSET + PRIORITY_TALLY_BYTES > CAPTURE_OFFSET)
  ERROR("a thread's tallies overlap its capture buffer");
if (CAPTURE_OFFSET + CAPTURE_BYTES > 1 << THREAD_SHIFT) ERROR("Thread is larger than its place");
