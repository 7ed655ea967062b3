// The records of a blob as views with named fields, laid over the blob's memory where it lies.
// kernel/abi/blob.ts has the same layout as numbers, for the tools that write and show blobs; what
// must hold of each field stands in policy/blob.md. A view checks nothing: the structural verifier
// (blob.ts) proves every count, index and offset before anything else follows it.

import {
  BLOB_BYTES,
  BLOB_FORMAT,
  BLOB_HEADER_BYTES,
  BLOB_IMAGE_DIGEST,
  BLOB_KEY_PURPOSE,
  BLOB_MAGIC,
  BLOB_POLICY_VERSION,
  BLOB_PUBLIC_KEY,
  BLOB_SECTION_BYTES,
  BLOB_SECTION_COUNT,
  BlobSection,
  INITIAL_HANDLE_BADGE,
  INITIAL_HANDLE_BYTES,
  INITIAL_HANDLE_CLASS,
  INITIAL_HANDLE_COUNT,
  INITIAL_HANDLE_FIRST,
  INITIAL_HANDLE_INTERFACE,
  INITIAL_HANDLE_NAME,
  INITIAL_HANDLE_RIGHTS,
  INITIAL_HANDLE_TARGET_ENDPOINT,
  INITIAL_HANDLE_TARGET_SLOT,
  INITIAL_HANDLE_TYPE,
  CLASS_BYTES,
  CLASS_FILE,
  CLASS_LINE,
  CLASS_NAME,
  EXECUTE_BYTES,
  EXECUTE_CLASS,
  EXECUTE_PROGRAM,
  EXECUTE_RULE,
  FIELD_BYTES,
  FIELD_KIND,
  FIELD_MAX,
  FIELD_NAME,
  INSTRUCTION_BYTES,
  INSTRUCTION_MASK,
  INSTRUCTION_ON_FALSE,
  INSTRUCTION_ON_TRUE,
  INSTRUCTION_OPERATION,
  INSTRUCTION_SHIFT,
  INSTRUCTION_VALUE,
  INSTRUCTION_WORD,
  INTERFACE_BYTES,
  INTERFACE_ERROR_COUNT,
  INTERFACE_FIRST_METHOD,
  INTERFACE_ID,
  INTERFACE_METHOD_COUNT,
  INTERFACE_NAME,
  INTERFACE_VERSION,
  METHOD_BYTES,
  METHOD_ERROR_COUNT,
  METHOD_FIRST_FIELD,
  METHOD_NAME,
  METHOD_PLAIN_ANSWER,
  METHOD_PLAIN_CALL,
  METHOD_REQUEST_FIELDS,
  METHOD_REQUEST_FREE,
  METHOD_REQUEST_HANDLES,
  METHOD_REQUEST_WORDS,
  METHOD_RESPONSE_FIELDS,
  METHOD_RESPONSE_FREE,
  METHOD_RESPONSE_HANDLES,
  METHOD_RESPONSE_WORDS,
  PAIR_BINDING_COUNT,
  PAIR_BYTES,
  PAIR_ERROR,
  PAIR_FIRST_BINDING,
  PAIR_KEY,
  PAIR_REQUEST,
  PAIR_RESPONSE,
  PROGRAM_BYTES,
  PROGRAM_DIGEST,
  PROGRAM_FLAGS,
  PROGRAM_NAME,
  RULE_BYTES,
  RULE_EVENTS,
  RULE_EVENTS_READ,
  RULE_EVENTS_RECORDED,
  RULE_FILE,
  RULE_FLAGS,
  RULE_FLAG_REQUIRE,
  RULE_INTERFACE,
  RULE_LINE,
  RULE_METHODS,
  RULE_PROGRAM,
  RULE_PROGRAM_COUNT,
  RULE_TEXT,
  SLOT_BYTES,
  SLOT_CEILING,
  SLOT_CLASS,
  SLOT_FAULT_ENDPOINT,
  SLOT_FAULT_SLOT,
  SLOT_FIRST_HANDLE,
  SLOT_FLAGS,
  SLOT_HANDLE_COUNT,
  SLOT_NAME,
  SLOT_PRIORITY,
  SLOT_PROGRAM,
  SLOT_QUOTA_HANDLES,
  SLOT_QUOTA_OBJECTS,
  SLOT_QUOTA_PAGES,
  SLOT_QUOTA_THREADS,
  SLOT_RESTART,
  RuleOperation,
} from "../../abi/blob";
import { Event } from "../../abi/event";

/** A program's place: what it may use, and the handles that its instances start with. */
@unmanaged
@final
export class Slot {
  name: u32;
  classId: u32;
  program: u32;
  priority: u32;
  ceiling: u32;
  quotaPages: u32;
  quotaHandles: u32;
  quotaThreads: u32;
  quotaObjects: u32;
  restart: u32;
  flags: u32;
  faultSlot: u32;
  faultEndpoint: u32;
  firstHandle: u32;
  handleCount: u32;
  reserved: u32;
}
if (
  offsetof<Slot>("name") !== SLOT_NAME ||
  offsetof<Slot>("classId") !== SLOT_CLASS ||
  offsetof<Slot>("program") !== SLOT_PROGRAM ||
  offsetof<Slot>("priority") !== SLOT_PRIORITY ||
  offsetof<Slot>("ceiling") !== SLOT_CEILING ||
  offsetof<Slot>("quotaPages") !== SLOT_QUOTA_PAGES ||
  offsetof<Slot>("quotaHandles") !== SLOT_QUOTA_HANDLES ||
  offsetof<Slot>("quotaThreads") !== SLOT_QUOTA_THREADS ||
  offsetof<Slot>("quotaObjects") !== SLOT_QUOTA_OBJECTS ||
  offsetof<Slot>("restart") !== SLOT_RESTART ||
  offsetof<Slot>("flags") !== SLOT_FLAGS ||
  offsetof<Slot>("faultSlot") !== SLOT_FAULT_SLOT ||
  offsetof<Slot>("faultEndpoint") !== SLOT_FAULT_ENDPOINT ||
  offsetof<Slot>("firstHandle") !== SLOT_FIRST_HANDLE ||
  offsetof<Slot>("handleCount") !== SLOT_HANDLE_COUNT ||
  offsetof<Slot>() !== SLOT_BYTES
)
  ERROR("Slot is not laid out as kernel/abi/blob.ts says");

/** A handle that every instance in a slot starts with. */
@unmanaged
@final
export class InitialHandle {
  /** ObjectType. */
  type: u32;
  rights: u32;
  interfaceId: u32;
  targetSlot: u32;
  targetEndpoint: u32;
  name: u32;
  badge: u64;
  /** First port, or interrupt line. */
  first: u32;
  /** Number of ports. */
  count: u32;
  classId: u32;
  reserved: u32;
}
if (
  offsetof<InitialHandle>("type") !== INITIAL_HANDLE_TYPE ||
  offsetof<InitialHandle>("rights") !== INITIAL_HANDLE_RIGHTS ||
  offsetof<InitialHandle>("interfaceId") !== INITIAL_HANDLE_INTERFACE ||
  offsetof<InitialHandle>("targetSlot") !== INITIAL_HANDLE_TARGET_SLOT ||
  offsetof<InitialHandle>("targetEndpoint") !== INITIAL_HANDLE_TARGET_ENDPOINT ||
  offsetof<InitialHandle>("name") !== INITIAL_HANDLE_NAME ||
  offsetof<InitialHandle>("badge") !== INITIAL_HANDLE_BADGE ||
  offsetof<InitialHandle>("first") !== INITIAL_HANDLE_FIRST ||
  offsetof<InitialHandle>("count") !== INITIAL_HANDLE_COUNT ||
  offsetof<InitialHandle>("classId") !== INITIAL_HANDLE_CLASS ||
  offsetof<InitialHandle>() !== INITIAL_HANDLE_BYTES
)
  ERROR("InitialHandle is not laid out as kernel/abi/blob.ts says");

@unmanaged
@final
export class Program {
  name: u32;
  flags: u32;
  digest0: u64;
  digest1: u64;
  digest2: u64;
  digest3: u64;
  reserved0: u64;
  reserved1: u64;
  reserved2: u64;

  /** Address of the 32 bytes that the program's executable must measure to. */
  @inline
  get digest(): usize {
    return changetype<usize>(this) + PROGRAM_DIGEST;
  }
}
if (
  offsetof<Program>("name") !== PROGRAM_NAME ||
  offsetof<Program>("flags") !== PROGRAM_FLAGS ||
  offsetof<Program>("digest0") !== PROGRAM_DIGEST ||
  offsetof<Program>() !== PROGRAM_BYTES
)
  ERROR("Program is not laid out as kernel/abi/blob.ts says");

/** The key that execute grants ascend by. */
export function executeKey(classId: u32, program: u32): u64 {
  return ((<u64>classId) << 32) | <u64>program;
}

/** That a program may run as a class. */
@unmanaged
@final
class ExecuteGrant {
  classId: u32;
  program: u32;
  rule: u32;
  reserved: u32;

  @inline
  get key(): u64 {
    return executeKey(this.classId, this.program);
  }
}
if (
  offsetof<ExecuteGrant>("classId") !== EXECUTE_CLASS ||
  offsetof<ExecuteGrant>("program") !== EXECUTE_PROGRAM ||
  offsetof<ExecuteGrant>("rule") !== EXECUTE_RULE ||
  offsetof<ExecuteGrant>() !== EXECUTE_BYTES
)
  ERROR("ExecuteGrant is not laid out as kernel/abi/blob.ts says");

@unmanaged
@final
export class ClassEntry {
  /** 0 for a class that does not exist. */
  name: u32;
  file: u32;
  line: u32;
  reserved: u32;
}
if (
  offsetof<ClassEntry>("name") !== CLASS_NAME ||
  offsetof<ClassEntry>("file") !== CLASS_FILE ||
  offsetof<ClassEntry>("line") !== CLASS_LINE ||
  offsetof<ClassEntry>() !== CLASS_BYTES
)
  ERROR("ClassEntry is not laid out as kernel/abi/blob.ts says");

@unmanaged
@final
export class Interface {
  id: u32;
  version: u32;
  name: u32;
  firstMethod: u32;
  methodCount: u32;
  errorCount: u32;
  reserved: u64;
}
if (
  offsetof<Interface>("id") !== INTERFACE_ID ||
  offsetof<Interface>("version") !== INTERFACE_VERSION ||
  offsetof<Interface>("name") !== INTERFACE_NAME ||
  offsetof<Interface>("firstMethod") !== INTERFACE_FIRST_METHOD ||
  offsetof<Interface>("methodCount") !== INTERFACE_METHOD_COUNT ||
  offsetof<Interface>("errorCount") !== INTERFACE_ERROR_COUNT ||
  offsetof<Interface>() !== INTERFACE_BYTES
)
  ERROR("Interface is not laid out as kernel/abi/blob.ts says");

/**
 * The shape of a method's request and of its response. The getters take which of the two is meant,
 * and load once, from a selected place.
 */
@unmanaged
@final
export class Method {
  name: u32;
  /** The request's fields; the response's follow. */
  firstField: u32;
  requestFields: u16;
  responseFields: u16;
  /** METHOD_NOT_PLAIN, or the header of a call in whose message there is nothing to check. */
  plainCall: u32;
  requestWords: u16;
  requestHandles: u16;
  responseWords: u16;
  responseHandles: u16;
  errorCount: u16;
  /** METHOD_ANSWER_NOT_PLAIN, or the header of a reply with nothing to check that receives. */
  plainAnswer: i16;
  requestFree: u16;
  responseFree: u16;

  @inline
  words(isRequest: bool): u32 {
    return load<u16>(
      changetype<usize>(this) + (isRequest ? METHOD_REQUEST_WORDS : METHOD_RESPONSE_WORDS),
    );
  }

  @inline
  handles(isRequest: bool): u32 {
    return load<u16>(
      changetype<usize>(this) + (isRequest ? METHOD_REQUEST_HANDLES : METHOD_RESPONSE_HANDLES),
    );
  }

  @inline
  fields(isRequest: bool): u32 {
    return isRequest ? this.requestFields : this.responseFields;
  }

  /** Number of the message's first field. */
  @inline
  fieldsFrom(isRequest: bool): u32 {
    // As a field it would leave a function behind that nothing calls, which the verifier refuses.
    const before: u32 = isRequest
      ? 0
      : load<u16>(changetype<usize>(this) + offsetof<Method>("requestFields"));
    return this.firstField + before;
  }

  /** How many of the message's first fields take any word. */
  @inline
  free(isRequest: bool): u32 {
    return load<u16>(
      changetype<usize>(this) + (isRequest ? METHOD_REQUEST_FREE : METHOD_RESPONSE_FREE),
    );
  }

  /** True if the message has `words` words that take any value, and no handles. */
  @inline
  takesAny(isRequest: bool, words: u32): bool {
    // Without handles, fields and words are the same number.
    return (
      words === this.words(isRequest) &&
      this.handles(isRequest) === 0 &&
      words === this.free(isRequest)
    );
  }
}
if (
  offsetof<Method>("name") !== METHOD_NAME ||
  offsetof<Method>("firstField") !== METHOD_FIRST_FIELD ||
  offsetof<Method>("requestFields") !== METHOD_REQUEST_FIELDS ||
  offsetof<Method>("responseFields") !== METHOD_RESPONSE_FIELDS ||
  offsetof<Method>("plainCall") !== METHOD_PLAIN_CALL ||
  offsetof<Method>("plainAnswer") !== METHOD_PLAIN_ANSWER ||
  offsetof<Method>("requestWords") !== METHOD_REQUEST_WORDS ||
  offsetof<Method>("requestHandles") !== METHOD_REQUEST_HANDLES ||
  offsetof<Method>("responseWords") !== METHOD_RESPONSE_WORDS ||
  offsetof<Method>("responseHandles") !== METHOD_RESPONSE_HANDLES ||
  offsetof<Method>("errorCount") !== METHOD_ERROR_COUNT ||
  offsetof<Method>("requestFree") !== METHOD_REQUEST_FREE ||
  offsetof<Method>("responseFree") !== METHOD_RESPONSE_FREE ||
  offsetof<Method>() !== METHOD_BYTES
)
  ERROR("Method is not laid out as kernel/abi/blob.ts says");

@unmanaged
@final
export class Field {
  name: u32;
  /** FieldKind. */
  kind: u32;
  max: u64;
}
if (
  offsetof<Field>("name") !== FIELD_NAME ||
  offsetof<Field>("kind") !== FIELD_KIND ||
  offsetof<Field>("max") !== FIELD_MAX ||
  offsetof<Field>() !== FIELD_BYTES
)
  ERROR("Field is not laid out as kernel/abi/blob.ts says");

@unmanaged
@final
export class Rule {
  flags: u32;
  /** Events that the rule is bound to: bit n for Event n. */
  events: u8;
  /** The one of them whose message the rule's program reads; 0 if the rule has no program. */
  eventsRead: u8;
  /** Those of them that are recorded if the rule takes part in granting them. */
  eventsRecorded: u8;
  reserved: u8;
  /** Bit m for method or permission m. */
  methods: u64;
  interfaceId: u32;
  /** Number of the program's first instruction. */
  firstInstruction: u32;
  instructionCount: u32;
  file: u32;
  line: u32;
  text: u32;

  /** True if the rule only narrows what other rules allow. */
  @inline
  get isRequire(): bool {
    return (this.flags & RULE_FLAG_REQUIRE) !== 0;
  }

  @inline
  isBound(event: Event, method: u32): bool {
    return this.hasEvent(event) && this.hasMethod(method);
  }

  @inline
  hasEvent(event: Event): bool {
    return ((<u32>this.events >> event) & 1) !== 0;
  }

  @inline
  hasMethod(method: u32): bool {
    return ((this.methods >> <u64>method) & 1) !== 0;
  }

  /** True if the rule reads the message of that event. */
  @inline
  isConditional(event: Event): bool {
    return ((<u32>this.eventsRead >> event) & 1) !== 0;
  }

  /** True if the event is recorded when the rule takes part in granting it. */
  @inline
  isRecorded(event: Event): bool {
    return ((<u32>this.eventsRecorded >> event) & 1) !== 0;
  }
}
if (
  offsetof<Rule>("flags") !== RULE_FLAGS ||
  offsetof<Rule>("events") !== RULE_EVENTS ||
  offsetof<Rule>("eventsRead") !== RULE_EVENTS_READ ||
  offsetof<Rule>("eventsRecorded") !== RULE_EVENTS_RECORDED ||
  offsetof<Rule>("methods") !== RULE_METHODS ||
  offsetof<Rule>("interfaceId") !== RULE_INTERFACE ||
  offsetof<Rule>("firstInstruction") !== RULE_PROGRAM ||
  offsetof<Rule>("instructionCount") !== RULE_PROGRAM_COUNT ||
  offsetof<Rule>("file") !== RULE_FILE ||
  offsetof<Rule>("line") !== RULE_LINE ||
  offsetof<Rule>("text") !== RULE_TEXT ||
  offsetof<Rule>() !== RULE_BYTES
)
  ERROR("Rule is not laid out as kernel/abi/blob.ts says");

/** One comparison of a rule's program: (word >> shift & mask) with the value or another word. */
@unmanaged
@final
export class Instruction {
  /** RuleOperation. */
  operation: u8;
  word: u8;
  shift: u8;
  reserved: u8;
  /** Number of the next instruction of the rule, or TARGET_GRANT or TARGET_DENY. */
  onTrue: u16;
  onFalse: u16;
  mask: u64;
  /** Of an operation on two words: number of the other word | shift << 8. */
  value: u64;

  /** True if the instruction compares two words. */
  @inline
  get readsTwoWords(): bool {
    return <u32>this.operation >= <u32>RuleOperation.EqualWord;
  }
}
if (
  offsetof<Instruction>("operation") !== INSTRUCTION_OPERATION ||
  offsetof<Instruction>("word") !== INSTRUCTION_WORD ||
  offsetof<Instruction>("shift") !== INSTRUCTION_SHIFT ||
  offsetof<Instruction>("onTrue") !== INSTRUCTION_ON_TRUE ||
  offsetof<Instruction>("onFalse") !== INSTRUCTION_ON_FALSE ||
  offsetof<Instruction>("mask") !== INSTRUCTION_MASK ||
  offsetof<Instruction>("value") !== INSTRUCTION_VALUE ||
  offsetof<Instruction>() !== INSTRUCTION_BYTES
)
  ERROR("Instruction is not laid out as kernel/abi/blob.ts says");

/** The key that pairs ascend by. */
export function pairKey(subjectClass: u32, targetClass: u32, interfaceId: u32): u64 {
  return (
    ((<u64>subjectClass) << 32) |
    ((<u64>(targetClass & 0xffff)) << 16) |
    <u64>(interfaceId & 0xffff)
  );
}

/** The rules about one subject class, one target class and one interface. */
@unmanaged
@final
export class Pair {
  key: u64;
  firstBinding: u32;
  bindingCount: u32;
  plainRequest: u64;
  plainResponse: u64;
  plainError: u64;

  /** The pair with that number, given the section's start. */
  @inline
  static at(start: usize, index: u32): Pair {
    return changetype<Pair>(start + index * PAIR_BYTES);
  }

  @inline
  get subjectClass(): u32 {
    return <u32>(this.key >> 32);
  }

  @inline
  get targetClass(): u32 {
    return <u32>(this.key >> 16) & 0xffff;
  }

  @inline
  get interfaceId(): u32 {
    return <u32>this.key & 0xffff;
  }

  /** Bit m: the event of method m is granted without reading or recording anything. */
  @inline
  plain(event: Event): u64 {
    return load<u64>(changetype<usize>(this) + ((<usize>event) << 3), PAIR_REQUEST);
  }
}
if (
  offsetof<Pair>("key") !== PAIR_KEY ||
  offsetof<Pair>("firstBinding") !== PAIR_FIRST_BINDING ||
  offsetof<Pair>("bindingCount") !== PAIR_BINDING_COUNT ||
  offsetof<Pair>("plainRequest") !== PAIR_REQUEST ||
  offsetof<Pair>("plainResponse") !== PAIR_RESPONSE ||
  offsetof<Pair>("plainError") !== PAIR_ERROR ||
  offsetof<Pair>() !== PAIR_BYTES
)
  ERROR("Pair is not laid out as kernel/abi/blob.ts says");
if (
  PAIR_REQUEST + 8 * Event.Response !== PAIR_RESPONSE ||
  PAIR_REQUEST + 8 * Event.Error !== PAIR_ERROR
)
  ERROR("Pair.plain is indexed by Event");

/** Where a section lies. */
@unmanaged
@final
class SectionEntry {
  /** BlobSection. */
  kind: u32;
  /** From the start of the blob. */
  offset: u32;
  bytes: u32;
  /** Number of records. */
  count: u32;
}
if (offsetof<SectionEntry>() !== BLOB_SECTION_BYTES)
  ERROR("SectionEntry is not laid out as kernel/abi/blob.ts says");

/** A whole blob, by its header. Records are reached by their numbers. */
@unmanaged
@final
export class Blob {
  magicLow: u32;
  magicHigh: u32;
  format: u32;
  bytes: u32;
  policyVersion: u64;
  keyPurpose: u32;
  sectionCount: u32;

  @inline
  static at(address: usize): Blob {
    return changetype<Blob>(address);
  }

  /** Address of a place in the blob. */
  @inline
  at(offset: u32): usize {
    return changetype<usize>(this) + offset;
  }

  /** Address of 32 bytes. */
  @inline
  get imageDigest(): usize {
    return this.at(BLOB_IMAGE_DIGEST);
  }

  /** Address of 32 bytes. */
  @inline
  get publicKey(): usize {
    return this.at(BLOB_PUBLIC_KEY);
  }

  @inline
  section(section: BlobSection): SectionEntry {
    return changetype<SectionEntry>(
      this.at(BLOB_HEADER_BYTES + (section - 1) * BLOB_SECTION_BYTES),
    );
  }

  /** Address of a section's first byte. */
  @inline
  start(section: BlobSection): usize {
    return this.at(this.section(section).offset);
  }

  /** Number of a section's records. */
  @inline
  count(section: BlobSection): u32 {
    return this.section(section).count;
  }

  @inline
  slot(index: u32): Slot {
    return changetype<Slot>(this.start(BlobSection.Slots) + index * SLOT_BYTES);
  }

  @inline
  handle(index: u32): InitialHandle {
    return changetype<InitialHandle>(
      this.start(BlobSection.Handles) + index * INITIAL_HANDLE_BYTES,
    );
  }

  @inline
  program(index: u32): Program {
    return changetype<Program>(this.start(BlobSection.Programs) + index * PROGRAM_BYTES);
  }

  @inline
  classOf(classId: u32): ClassEntry {
    return changetype<ClassEntry>(this.start(BlobSection.Classes) + classId * CLASS_BYTES);
  }

  @inline
  interfaceAt(index: u32): Interface {
    return changetype<Interface>(this.start(BlobSection.Interfaces) + index * INTERFACE_BYTES);
  }

  @inline
  method(index: u32): Method {
    return changetype<Method>(this.start(BlobSection.Methods) + index * METHOD_BYTES);
  }

  @inline
  field(index: u32): Field {
    return changetype<Field>(this.start(BlobSection.Fields) + index * FIELD_BYTES);
  }

  @inline
  rule(index: u32): Rule {
    return changetype<Rule>(this.start(BlobSection.Rules) + index * RULE_BYTES);
  }

  @inline
  instruction(index: u32): Instruction {
    return changetype<Instruction>(this.start(BlobSection.RuleProgram) + index * INSTRUCTION_BYTES);
  }

  @inline
  executeGrant(index: u32): ExecuteGrant {
    return changetype<ExecuteGrant>(this.start(BlobSection.Execute) + index * EXECUTE_BYTES);
  }

  @inline
  pair(index: u32): Pair {
    return Pair.at(this.start(BlobSection.Pairs), index);
  }

  /** Number of the rule that a binding names. */
  @inline
  binding(index: u32): u32 {
    return load<u32>(this.start(BlobSection.Bindings) + (index << 2));
  }

  /** Address of a zero-terminated string. */
  @inline
  string(offset: u32): usize {
    return this.start(BlobSection.Strings) + offset;
  }

  /** The interface with that number, or null. At most 10 steps. */
  interfaceOf(id: u32): Interface | null {
    let low: u32 = 0;
    let high = this.count(BlobSection.Interfaces);
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = this.interfaceAt(middle);
      if (found.id === id) return found;
      if (found.id < id) low = middle + 1;
      else high = middle;
    }
    return null;
  }
}
if (
  offsetof<Blob>("magicLow") !== BLOB_MAGIC ||
  offsetof<Blob>("format") !== BLOB_FORMAT ||
  offsetof<Blob>("bytes") !== BLOB_BYTES ||
  offsetof<Blob>("policyVersion") !== BLOB_POLICY_VERSION ||
  offsetof<Blob>("keyPurpose") !== BLOB_KEY_PURPOSE ||
  offsetof<Blob>("sectionCount") !== BLOB_SECTION_COUNT
)
  ERROR("Blob is not laid out as kernel/abi/blob.ts says");
