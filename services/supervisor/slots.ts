import { SlotsDescribeState } from "../../build/generated/interfaces/Slots";
import {
  SupervisorNextEventWhat,
  SupervisorStatusEnded,
} from "../../build/generated/interfaces/Supervisor";
import { clock, slots as kernelSlots } from "../../build/generated/programs/supervisor";
import { Status } from "../../kernel/abi/status";
import { INBOX } from "../runtime/server";
import { Events } from "./events";
import { Report } from "./report";
import { Slot } from "./slot";
import { Symbols } from "./symbols";

/** Notice bit that the kernel sets when the state of any slot has changed. */
export const SLOT_CHANGED_BIT: u64 = 1 << 63;
/** Notice bit of the timer that `startDue` sets. */
export const TIMER_BIT: u64 = 1;

/** Steps that the kernel needs at most to take one instance apart: 4 GiB are a million pages. */
const STOP_STEPS_MAX: u32 = 1_000_000;

/** All slots except the supervisor's own, and their events. */
@final
export class Slots {
  readonly events: Events = new Events();
  readonly symbols: Symbols = new Symbols();
  private readonly report: Report = new Report(this.symbols);
  private slots: StaticArray<Slot | null> = new StaticArray<Slot | null>(0);
  /** Numbers of the slots that may be due at some time: those with `isWaiting`, each once. */
  private waiting: Array<u32> = [];
  count: u32 = 0;

  /** The slot at `index`; null for a number without a slot, and for the supervisor's own. */
  at(index: u32): Slot | null {
    return index > 0 && index < this.count ? this.slots[index] : null;
  }

  /**
   * Starts the slots that start with the system. After a restart of the supervisor alone, adopts
   * the instances that still run.
   */
  adoptOrStart(): void {
    this.count = kernelSlots.count().count;
    this.slots = new StaticArray<Slot | null>(<i32>this.count);
    for (let index: u32 = 1; index < this.count; index++) {
      const slot = new Slot();
      this.slots[index] = slot;
      this.adopt(index, slot);
    }
    this.startDue();
  }

  private adopt(index: u32, slot: Slot): void {
    const found = kernelSlots.describe(index);
    if (!found.ok) return;
    slot.rule = found.restart;
    slot.starts = found.starts;
    const state = found.state;
    const isFirstBoot = found.starts === 0;
    // Why an instance ended before this supervisor started is unknown; it is treated as a fault.
    slot.isWanted = isFirstBoot ? found.autostart : slot.rule !== 0;

    if (state === SlotsDescribeState.Running) {
      slot.isWanted = true;
      slot.began(found.starts, this.now());
      this.events.add(slot.startedNs, index, SupervisorNextEventWhat.Adopted).code = slot.starts;
      return;
    }
    if (state !== SlotsDescribeState.Empty) this.takeBack(index);
    if (slot.isWanted) {
      slot.nextStartNs = 1;
      this.wait(index, slot);
    }
  }

  /** Updates the slots that have changed from the kernel after SLOT_CHANGED_BIT. */
  refresh(): void {
    for (let changed = kernelSlots.nextChanged(); changed.ok; changed = kernelSlots.nextChanged()) {
      const index = changed.slot;
      const slot = this.at(index);
      if (slot !== null) this.update(index, slot);
    }
    this.startDue();
  }

  private update(index: u32, slot: Slot): void {
    const found = kernelSlots.describe(index);
    if (!found.ok) return;
    const state = found.state;
    const starts = found.starts;
    if (state === SlotsDescribeState.Stopping) this.takeBack(index);
    if (
      slot.isRunning &&
      (state === SlotsDescribeState.Empty || state === SlotsDescribeState.Stopping)
    ) {
      this.ended(index, slot, slot.howItEnded(found.ended, found.endCode));
    }
    if (!slot.isRunning && state === SlotsDescribeState.Running) slot.began(starts, this.now());
  }

  /** Notes that the slot may be due at some time. */
  private wait(index: u32, slot: Slot): void {
    if (slot.isWaiting) return;
    slot.isWaiting = true;
    this.waiting.push(index);
  }

  /** Starts the slots that are due, and sets the timer for the next one. */
  startDue(): void {
    const now = this.now();
    const waiting = this.waiting;
    this.waiting = [];
    let next: u64 = 0;
    for (let place = 0; place < waiting.length; place++) {
      const index = waiting[place];
      const slot = this.slots[index]!;
      slot.isWaiting = false;
      if (slot.nextStartNs === 0 || slot.isRunning) continue;
      if (slot.nextStartNs <= now) this.start(index, slot);
      if (slot.nextStartNs <= now) continue;
      this.wait(index, slot);
      if (next === 0 || slot.nextStartNs < next) next = slot.nextStartNs;
    }
    if (next !== 0) clock.setTimer(next, INBOX, TIMER_BIT);
  }

  /** Starts an instance now, and returns the kernel's status. */
  start(index: u32, slot: Slot): u32 {
    let status = kernelSlots.start(index).status;
    // The kernel may still be taking the previous instance apart.
    if (status === Status.Busy && !this.isUp(index) && this.takeBack(index) === Status.Ok)
      status = kernelSlots.start(index).status;
    const now = this.now();
    slot.isWanted = true;
    slot.nextStartNs = 0;
    if (status === Status.Ok || (status === Status.Busy && this.isUp(index))) {
      slot.began(kernelSlots.describe(index).starts, now);
      this.events.add(now, index, SupervisorNextEventWhat.Started).code = slot.starts;
      return Status.Ok;
    }
    this.events.add(now, index, SupervisorNextEventWhat.Refused).code = status;
    this.report.refused(index, status);
    // Retry only refusals that can pass (memory); others are final.
    if (status === Status.NoMemory || status === Status.Again)
      this.hasEnded(index, slot, SupervisorStatusEnded.Faulted, now);
    else slot.isWanted = false;
    return status;
  }

  /** Ends the running instance. */
  stop(index: u32, slot: Slot): u32 {
    slot.ending = SupervisorStatusEnded.Killed;
    const status = this.takeBack(index);
    if (status === Status.Ok && slot.isRunning)
      this.ended(index, slot, SupervisorStatusEnded.Killed);
    this.startDue();
    return status;
  }

  /** Notes a fault of the slot's thread. The answer to the kernel ends the instance. */
  faulted(index: u32, kind: u32, address: u64, instruction: u64): void {
    const slot = this.at(index);
    if (slot === null) return;
    slot.ending = SupervisorStatusEnded.Faulted;
    slot.detail.faultKind = kind;
    slot.detail.address = address;
    slot.detail.instruction = instruction;
    // A slot with a restart rule is part of the system: its fault goes to the log. For other slots,
    // the program that started the slot reports the fault.
    if (slot.rule !== 0) this.report.faulted(index, kind, address, instruction);
  }

  private ended(index: u32, slot: Slot, reason: SupervisorStatusEnded): void {
    const now = this.now();
    const isStopped = reason === SupervisorStatusEnded.Killed && !slot.isWanted;
    this.hasEnded(index, slot, reason, now);
    const what = isStopped ? SupervisorNextEventWhat.Stopped : this.eventOf(reason);
    this.events.add(now, index, what).copyFrom(slot.detail);
  }

  private hasEnded(index: u32, slot: Slot, reason: SupervisorStatusEnded, now: u64): void {
    slot.hasEnded(reason, now);
    if (slot.nextStartNs !== 0) this.wait(index, slot);
  }

  private eventOf(reason: SupervisorStatusEnded): SupervisorNextEventWhat {
    if (reason === SupervisorStatusEnded.Faulted) return SupervisorNextEventWhat.Faulted;
    return reason === SupervisorStatusEnded.Killed
      ? SupervisorNextEventWhat.Killed
      : SupervisorNextEventWhat.Exited;
  }

  /** Makes the kernel take back everything that the slot's instance holds. */
  private takeBack(index: u32): u32 {
    let status = kernelSlots.stop(index).status;
    for (let steps: u32 = 0; status === Status.Again && steps < STOP_STEPS_MAX; steps++)
      status = kernelSlots.stop(index).status;
    return status;
  }

  private isUp(index: u32): bool {
    return kernelSlots.describe(index).state === SlotsDescribeState.Running;
  }

  private now(): u64 {
    return clock.now().nanoseconds;
  }
}
