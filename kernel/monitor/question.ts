// What the monitor is asked: whether one event of a call may happen.

import { Event } from "../abi/event";
import { MESSAGE_HANDLES_MAX } from "../abi/system-call";

/** A handle that a message carries, as the kernel describes it to the monitor. */
@unmanaged
@final
export class CarriedHandle {
  /** ObjectType. */
  type: u32;
  /** Of an endpoint: the interface that it serves. */
  interfaceId: u32;
  /** Class of the object: of an endpoint, its owner's; else the number of its ObjectType. */
  classId: u32;
}

/** Where a message's words begin, and the descriptions of its handles. */
export const MESSAGE_WORDS: usize = 128;
export const MESSAGE_CARRIED: usize = 64;
if (MESSAGE_CARRIED + MESSAGE_HANDLES_MAX * offsetof<CarriedHandle>() > MESSAGE_WORDS)
  ERROR("the descriptions of a message's handles reach into its words");

/**
 * The fixed part of a message, in memory that its sender can no longer change. Laid over the
 * kernel's capture buffer (kernel/object/capture.ts); what the monitor does not read has no name
 * here.
 */
@unmanaged
export class Message {
  wordCount: u32;
  handleCount: u32;
  arenaBytes: u32;

  /** Address of the first word: u64[wordCount]. */
  @inline
  get words(): usize {
    return changetype<usize>(this) + MESSAGE_WORDS;
  }

  @inline
  word(index: u32): u64 {
    return load<u64>(changetype<usize>(this) + ((<usize>index) << 3), MESSAGE_WORDS);
  }

  @inline
  handle(index: u32): CarriedHandle {
    return changetype<CarriedHandle>(
      changetype<usize>(this) + MESSAGE_CARRIED + <usize>index * offsetof<CarriedHandle>(),
    );
  }
}

/**
 * One event of a call. The subject is always the class that calls, the target the class that is
 * called: a response and an error travel from the target to the subject.
 */
@unmanaged
@final
export class Question {
  event: Event;
  /** The slots are not judged; they stand in the audit record. */
  subjectSlot: u32;
  targetSlot: u32;
  subjectClass: u32;
  targetClass: u32;
  interfaceId: u32;
  method: u32;
  /** Not read by `judgeEarly`. */
  message: Message;

  /** The slot that sends the event's message. */
  @inline
  get senderSlot(): u32 {
    return this.event === Event.Request ? this.subjectSlot : this.targetSlot;
  }

  /** The class that sends the event's message. */
  @inline
  get senderClass(): u32 {
    return this.event === Event.Request ? this.subjectClass : this.targetClass;
  }
}

/** Why an event was refused or recorded, and the value at fault. */
@unmanaged
@final
export class Finding {
  /** The rule that refused or that asks for a record; RULE_NONE if no rule did. */
  rule: u32;
  /**
   * Where `value` stands. Refused by a rule: number of the word, counted from 1, | shift << 8.
   * Malformed: `describeFault` of structure.ts. 0: nowhere.
   */
  field: u32;
  /** The value at fault; the address of a fault; the first eight bytes of a refused digest. */
  value: u64;
  /** The mask that the rule applied to `value`; 0 if it read the value whole. */
  mask: u64;
}

/** No rule, no value. */
export const NO_FINDING: Finding = changetype<Finding>(memory.data<u64>([0xffffffff, 0, 0], 8));
