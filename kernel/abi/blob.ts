// The signed blob: image description, interface layouts and policy of one system. Little-endian,
// sections aligned to 8. Numbers only: policy/blob.md has the rules for each section, and
// kernel/monitor/blob/blob.ts checks them. The signature covers everything before it.

/** "TRINEBLB" */
export const BLOB_MAGIC_LOW = 0x4e495254;
export const BLOB_MAGIC_HIGH = 0x424c4245;
/** In format 1 a further `allow` could narrow, and methods had no plain headers. */
export const BLOB_FORMAT_VERSION = 2;

// Header, 128 bytes.
export const BLOB_MAGIC = 0;
/** u32 */
export const BLOB_FORMAT = 8;
/** u32: bytes of the whole blob, signature included. */
export const BLOB_BYTES = 12;
/** u64: policy version, for anti-rollback. */
export const BLOB_POLICY_VERSION = 16;
/** u32: purpose of the key that signed (KeyPurpose). */
export const BLOB_KEY_PURPOSE = 24;
/** u32: number of sections. */
export const BLOB_SECTION_COUNT = 28;
/**
 * 32 bytes: SHA-256 over the names and digests of the image's programs, so that a blob of another
 * image is refused.
 */
export const BLOB_IMAGE_DIGEST = 32;
/** 32 bytes: the public key that signed. Must be in the kernel's ring with that purpose. */
export const BLOB_PUBLIC_KEY = 64;
export const BLOB_HEADER_BYTES = 128;
/**
 * Section table follows the header: entries of 16 bytes {u32 kind, u32 offset, u32 bytes, u32
 * count}, ascending by kind.
 */
export const BLOB_SECTION_BYTES = 16;
/** The last 64 bytes: Ed25519 signature over everything before. */
export const BLOB_SIGNATURE_BYTES = 64;
/**
 * Bounds what the kernel stores and checks. The largest policy that is measured (200 classes, 2,000
 * rules) needs less than half.
 */
export const BLOB_BYTES_MAX = 0x100000;

export enum BlobSection {
  /** SLOT_BYTES each. */
  Slots = 1,
  /**
   * INITIAL_HANDLE_BYTES each: the initial handles of all slots, grouped by slot, in handle order.
   */
  Handles = 2,
  /** PROGRAM_BYTES each. */
  Programs = 3,
  Classes = 4,
  Interfaces = 5,
  Methods = 6,
  Fields = 7,
  Rules = 8,
  RuleProgram = 9,
  /** Printable ASCII, each string zero-terminated, ascending; names are offsets into it. */
  Strings = 10,
  /** EXECUTE_BYTES each: which digest may run as which class. */
  Execute = 11,
  /**
   * PAIR_BYTES each: what a subject class may ask of a target class by one interface. Ascending by
   * key.
   */
  Pairs = 12,
  /** u32 each: numbers of rules. A pair names a run of them. */
  Bindings = 13,
}
/** All sections are present, in order of their numbers. */
export const BLOB_SECTIONS = 13;

export enum KeyPurpose {
  None = 0,
  Development = 1,
  Release = 2,
}

export const SLOTS_MAX = 1024;
/** Named handles of one slot. */
export const SLOT_HANDLES_MAX = 256;
/** Endpoints of one slot, which the kernel lays out at boot. */
export const SLOT_ENDPOINTS_MAX = 32;

// The largest quotas. The kernel's tables (kernel/object/layout.ts) hold these sums for every
// distribution over the slots, so that no domain is refused what its own quota allows because of
// other domains.
/** The largest quota of pages: the 64 GiB of physical memory that the kernel uses at most. */
export const QUOTA_PAGES_MAX = 0x1000000;
/**
 * The largest quota of handles: a domain's table has 4,096 places, of which the first names no
 * handle.
 */
export const QUOTA_HANDLES_MAX = 4095;
/**
 * The largest quota of threads: stacks of one page that a domain's region has room for beside a
 * page of code. A program of more has fewer.
 */
export const QUOTA_THREADS_MAX = 29;
/**
 * The sum of all slots' quotas of threads. Bounds every walk over threads: lenders of one server,
 * callers of one endpoint.
 */
export const QUOTA_THREADS_SUM_MAX = 4096;
/**
 * The sum of all slots' quotas of objects: memory, inboxes, endpoints, notices, and what they map
 * of others' memory.
 */
export const QUOTA_OBJECTS_SUM_MAX = 8192;
/** SLOT_FAULT_SLOT of a slot without a fault handler. */
export const SLOT_NONE = 0xffffffff;

// A slot, 64 bytes.
export const SLOT_NAME = 0; // u32 string
export const SLOT_CLASS = 4; // u32 class id
export const SLOT_PROGRAM = 8; // u32 index
export const SLOT_PRIORITY = 12; // u32
export const SLOT_CEILING = 16; // u32
export const SLOT_QUOTA_PAGES = 20; // u32
export const SLOT_QUOTA_HANDLES = 24; // u32
export const SLOT_QUOTA_THREADS = 28; // u32
export const SLOT_QUOTA_OBJECTS = 32; // u32
export const SLOT_RESTART = 36; // u32: 0 never, 1 onFault, 2 always
export const SLOT_FLAGS = 40; // u32: SLOT_FLAG_*
export const SLOT_FAULT_SLOT = 44; // u32 slot, 0xffffffff none
export const SLOT_FAULT_ENDPOINT = 48; // u32: which of that slot's endpoints
export const SLOT_FIRST_HANDLE = 52; // u32 index into Handles
export const SLOT_HANDLE_COUNT = 56; // u32
export const SLOT_BYTES = 64;
export const SLOT_FLAG_AUTOSTART = 1;
/** Slot 0 only: where it dies too often, the machine is started again instead of stopped. */
export const SLOT_FLAG_REBOOT = 2;
/** Slot 0 only: after a panic of the kernel the machine is started again instead of stopped. */
export const SLOT_FLAG_REBOOT_ON_PANIC = 4;
/** Slot 0 only: address spaces have PCIDs if the processor has them. */
export const SLOT_FLAG_PCID = 8;

// An initial handle, 48 bytes.
export const INITIAL_HANDLE_TYPE = 0; // u32 ObjectType
export const INITIAL_HANDLE_RIGHTS = 4; // u32
export const INITIAL_HANDLE_INTERFACE = 8; // u32 interface id (endpoints)
export const INITIAL_HANDLE_TARGET_SLOT = 12; // u32 (endpoints): the owner
export const INITIAL_HANDLE_TARGET_ENDPOINT = 16; // u32 (endpoints): which of the owner's, from 0
export const INITIAL_HANDLE_NAME = 20; // u32 string
export const INITIAL_HANDLE_BADGE = 24; // u64
export const INITIAL_HANDLE_FIRST = 32; // u32: first port, or interrupt line
export const INITIAL_HANDLE_COUNT = 36; // u32: ports
// u32: class id of the object: the owner's for an endpoint, the type's number for a kernel object
export const INITIAL_HANDLE_CLASS = 40;
export const INITIAL_HANDLE_BYTES = 48;

// A program, 64 bytes.
export const PROGRAM_NAME = 0; // u32 string
export const PROGRAM_FLAGS = 4; // u32: PROGRAM_FLAG_*
export const PROGRAM_DIGEST = 8; // 32 bytes: SHA-256 of the ELF file, zero-padded to whole pages
export const PROGRAM_BYTES = 64;
/** The machine-code verifier accepted the program. */
export const PROGRAM_FLAG_VERIFIED = 1;

// An execute grant, 16 bytes.
export const EXECUTE_CLASS = 0;
export const EXECUTE_PROGRAM = 4;
export const EXECUTE_RULE = 8;
export const EXECUTE_BYTES = 16;

// A class, 16 bytes; its id is its index. 0 is none; the classes of kernel objects have the number
// of their ObjectType; CLASS_KERNEL is the subject of what the kernel itself sends; programs'
// classes start at FIRST_PROGRAM_CLASS.
export const CLASS_NAME = 0; // u32 string
export const CLASS_FILE = 4; // u32 string: policy file that declares it
export const CLASS_LINE = 8; // u32
export const CLASS_BYTES = 16;
export const CLASS_KERNEL = 16;
export const FIRST_PROGRAM_CLASS = 32;
export const CLASSES_MAX = 4096;

// An interface, 32 bytes, ascending by id.
export const INTERFACE_ID = 0; // u32
export const INTERFACE_VERSION = 4; // u32
export const INTERFACE_NAME = 8; // u32 string
export const INTERFACE_FIRST_METHOD = 12; // u32
export const INTERFACE_METHOD_COUNT = 16; // u32, at most 64
export const INTERFACE_ERROR_COUNT = 20; // u32
export const INTERFACE_BYTES = 32;
export const INTERFACES_MAX = 1024;
export const METHODS_MAX = 64;

// A method, 32 bytes: the shape of its two messages. Its request's fields come first, the
// response's follow.
export const METHOD_NAME = 0; // u32 string
export const METHOD_FIRST_FIELD = 4; // u32
export const METHOD_REQUEST_FIELDS = 8; // u16
export const METHOD_RESPONSE_FIELDS = 10; // u16
// u32: the header of a call in whose message there is nothing to check, as its words take any value
// and travel in registers; with METHOD_BOUNDED if there is nothing but bounds; METHOD_NOT_PLAIN if
// there is more
export const METHOD_PLAIN_CALL = 12;
export const METHOD_REQUEST_WORDS = 16; // u16
export const METHOD_REQUEST_HANDLES = 18; // u16
export const METHOD_RESPONSE_WORDS = 20; // u16
export const METHOD_RESPONSE_HANDLES = 22; // u16
export const METHOD_ERROR_COUNT = 24; // u16: of its interface
// i16: the same of the reply that answers it and receives, made negative if there are bounds;
// METHOD_ANSWER_NOT_PLAIN
export const METHOD_PLAIN_ANSWER = 26;
/** u16: how many of the first fields accept any word, so that they need no check. */
export const METHOD_REQUEST_FREE = 28;
export const METHOD_RESPONSE_FREE = 30; // u16
export const METHOD_BYTES = 32;
/**
 * In METHOD_PLAIN_CALL: words may have an upper bound, as all fields are Unsigned. The bit that is
 * zero in every header.
 */
export const METHOD_BOUNDED = 1 << 3;
/** Has a flag that no call without a record has: HEADER_FLAG_LONG. */
export const METHOD_NOT_PLAIN = 1 << 10;
/**
 * As a number of 64 bits no header, and made positive no header without HEADER_FLAG_RECORD, which
 * is not compared.
 */
export const METHOD_ANSWER_NOT_PLAIN = -(1 << 15);

// A field, 16 bytes.
export const FIELD_NAME = 0; // u32 string
export const FIELD_KIND = 4; // u32 FieldKind
/** u64: largest value; largest positive value; bytes at most; object type or interface. */
export const FIELD_MAX = 8;
export const FIELD_BYTES = 16;

export enum FieldKind {
  /** 0 … max: unsigned integers, booleans, enumerations. */
  Unsigned = 0,
  /** -max - 1 … max, sign-extended. */
  Signed = 1,
  /** Offset in the arena (low half) and length (high half), at most max bytes. */
  Bytes = 2,
  /** As bytes, UTF-8. The kernel does not read it. */
  Text = 3,
  /** No word. max up to 15: a handle of that ObjectType; else an endpoint of that interface. */
  Handle = 4,
}

// A rule, 40 bytes.
export const RULE_FLAGS = 0; // u32 RULE_FLAG_*
export const RULE_EVENTS = 4; // u8: events that it is bound to, bit n for Event n
// u8: the event for which its program runs; 0 if it has no program
export const RULE_EVENTS_READ = 5;
// u8: the events that are recorded when the rule helps to grant them; the next byte is reserved
export const RULE_EVENTS_RECORDED = 6;
export const RULE_METHODS = 8; // u64: bit m for method m, or permission m
export const RULE_INTERFACE = 16; // u32: an interface, INTERFACE_PERMISSIONS or INTERFACE_EXECUTE
export const RULE_PROGRAM = 20; // u32: first instruction
export const RULE_PROGRAM_COUNT = 24; // u32
export const RULE_FILE = 28; // u32 string
export const RULE_LINE = 32; // u32
export const RULE_TEXT = 36; // u32 string: the rule as it stands in the file, one line
export const RULE_BYTES = 40;
/** The rule restricts what other rules allow, and allows nothing by itself. */
export const RULE_FLAG_REQUIRE = 1;
/** In place of a rule's number if there is no rule. */
export const RULE_NONE = 0xffffffff;
/** The interface whose methods are the permissions over objects (Permission). */
export const INTERFACE_PERMISSIONS = 0xffff;
/** The interface of rules that allow `execute`. */
export const INTERFACE_EXECUTE = 0xfffe;
export const RULE_EVENTS_EXECUTE = 8;

// An instruction of a rule's program, 24 bytes. It tests one word of the message, and then jumps
// forward or ends the program.
//   operand = word >> shift & mask
//   compared with `value`, or with words[value & 63] >> (value >> 8 & 63)
export const INSTRUCTION_OPERATION = 0; // u8 RuleOperation
export const INSTRUCTION_WORD = 1; // u8
export const INSTRUCTION_SHIFT = 2; // u8
// u16: instruction of the rule, greater than its own, or TARGET_*
export const INSTRUCTION_ON_TRUE = 4;
export const INSTRUCTION_ON_FALSE = 6; // u16
export const INSTRUCTION_MASK = 8; // u64
export const INSTRUCTION_VALUE = 16; // u64
export const INSTRUCTION_BYTES = 24;
export const TARGET_GRANT = 0xffff;
export const TARGET_DENY = 0xfffe;

export enum RuleOperation {
  Equal = 0,
  Below = 1,
  BelowOrEqual = 2,
  Less = 3,
  LessOrEqual = 4,
  EqualWord = 5,
  BelowWord = 6,
  BelowOrEqualWord = 7,
  LessWord = 8,
  LessOrEqualWord = 9,
}

// A pair, 40 bytes: key = subject class << 32 | target class << 16 | interface.
export const PAIR_KEY = 0; // u64
export const PAIR_FIRST_BINDING = 8; // u32
export const PAIR_BINDING_COUNT = 12; // u32
/**
 * u64 each: methods whose request, response, error is granted without reading anything and without
 * a record: an `allow` without condition is bound, and no `require` and no rule that records it.
 * Recomputed by the kernel.
 */
export const PAIR_REQUEST = 16;
export const PAIR_RESPONSE = 24;
export const PAIR_ERROR = 32;
export const PAIR_BYTES = 40;

// Worst case of one decision in machine instructions, as the compiler prints it and the kernel
// recomputes it:
//   rules = bindings of the pair * COST_BINDING + instructions of the bound rules that read the
//           event * COST_INSTRUCTION
//   cost = COST_BASE + fields * COST_FIELD + rules
//   and once more `rules` + COST_RECORD * bound rules that record the event, if there are such
export const COST_BASE = 320;
export const COST_FIELD = 24;
export const COST_BINDING = 24;
export const COST_INSTRUCTION = 20;
/** An audit record: what appending one takes, with room. */
export const COST_RECORD = 200;
export const COST_MAX = 4000;
